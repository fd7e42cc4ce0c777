//! Loops that are counted for the context of log rows.
//!
//! ```python
//! for x in florc.loop("train.py:epoch/loader", loader):     # an iterator that counts
//!     ...
//! ```
//!
//! Without a session the iterable itself is given back. Positions are kept by the session.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyString};

use super::frames;
use super::main_loop::{PositionRule, tell_counted};
use crate::session;
use florc_runtime::LoopToken;

/// The iterator of a counted loop.
#[pyclass(frozen, module = "florc")]
struct Counted {
    iterator: Py<PyIterator>,
    rule: PositionRule,
    site: Py<PyString>,
    token: LoopToken,
    looked: AtomicBool,
}

#[pymethods]
impl Counted {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut iterator = self.iterator.bind(py).clone();
        let Some(item) = iterator.next() else {
            return Ok(None);
        };
        let item = item?;
        let position = self.rule.read(&item);
        if position.is_none() && !self.looked.swap(true, Ordering::Relaxed) {
            tell_counted(self.site.bind(py), &item);
        }
        session::loop_next(self.token, position);
        Ok(Some(item))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.iterator)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        session::loop_exit(self.token);
    }
}

/// The iterable of a counted loop, before the `for` statement asks for its iterator.
#[pyclass(frozen, module = "florc")]
struct Start {
    site: Py<PyString>,
    iterable: Py<PyAny>,
}

#[pymethods]
impl Start {
    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let iterable = self.iterable.bind(py);
        let iterator = iterable.try_iter()?;
        let site = self.site.bind(py).to_str()?;
        let Some(token) = session::guarded(py, |py| session::loop_enter(py, site))? else {
            return Ok(iterator.into_any());
        };
        let rule = PositionRule::of(iterable);
        let counted = Counted {
            iterator: iterator.unbind(),
            rule,
            site: self.site.clone_ref(py),
            token,
            looked: AtomicBool::new(false),
        };
        Ok(Bound::new(py, counted)?.into_any())
    }
}

/// `florc.loop(site, iterable)`.
#[pyfunction]
#[pyo3(name = "loop")]
pub(super) fn r#loop<'py>(
    py: Python<'py>,
    site: &Bound<'py, PyString>,
    iterable: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    if !session::is_active() {
        return Ok(iterable.clone());
    }
    let start = Start {
        site: site.clone().unbind(),
        iterable: iterable.clone().unbind(),
    };
    Ok(Bound::new(py, start)?.into_any())
}

/// `florc.tick(site)`: an iteration of a `while` loop begins.
#[pyfunction]
pub(super) fn tick(py: Python<'_>, site: &str) -> PyResult<()> {
    if session::is_active() {
        session::guarded(py, |py| session::tick(py, site, frames::caller_number(py)?))?;
    }
    Ok(())
}

/// `florc.untick(site)`: that loop ended.
#[pyfunction]
pub(super) fn untick(py: Python<'_>, site: &str) -> PyResult<()> {
    if session::is_active() {
        session::guarded(py, |py| session::untick(site, frames::caller_number(py)?))?;
    }
    Ok(())
}
