//! The main loop: its iterator, the head of an iteration, its end.
//!
//! ```python
//! for epoch in florc.main_loop(ID, range(3)):
//!     best = florc.carry(ID, best, model, gives=1)
//! florc.leave(ID, best, model)
//! ```
//!
//! The iterator knows when it goes away without having ended. By an exception: while that is on its way
//! out of the loop, before any handler runs, and while all variables are there. Otherwise the next hook
//! tells. Does not capture: the session does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyGeneratorExit, PyKeyboardInterrupt};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyIterator, PyList, PyString, PyTuple};

use super::frames::Scope;
use super::unbound;
use crate::session::{self, Token};
use florc_manifest::Place;

/// How the position of an iteration is read from its item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PositionRule {
    /// The item.
    Item,
    /// The first part of the item: `enumerate`.
    First,
}

impl PositionRule {
    /// The rule for a loop over `iterable`; a progress bar is looked through.
    pub(super) fn of(iterable: &Bound<'_, PyAny>) -> Self {
        let class = class_name(iterable);
        let inner = (class == "tqdm" || class == "tqdm_notebook" || class == "tqdm_asyncio")
            .then(|| iterable.getattr(intern!(iterable.py(), "iterable")).ok())
            .flatten();
        let class = inner.map_or(class, |inner| class_name(&inner));
        if class == "enumerate" {
            Self::First
        } else {
            Self::Item
        }
    }

    /// The position, where it is an integer.
    pub(super) fn read(self, item: &Bound<'_, PyAny>) -> Option<i64> {
        if self == Self::First {
            let first = item.cast::<PyTuple>().ok()?.get_item(0).ok()?;
            return first
                .is_exact_instance_of::<PyInt>()
                .then(|| first.extract().ok())?;
        }
        item.is_exact_instance_of::<PyInt>()
            .then(|| item.extract().ok())?
    }
}

/// Positions of a loop are counts. Where its items are numbers or texts, its name could be taken for these.
pub(super) fn tell_counted(site: &Bound<'_, PyString>, item: &Bound<'_, PyAny>) {
    let first = item.cast_exact::<PyTuple>().ok();
    let first = first.and_then(|it| it.get_item(0).ok());
    let class = first.as_ref().unwrap_or(item).get_type();
    let name = class.fully_qualified_name().map(|it| it.to_string());
    let plain = ["int", "float", "str", "bytes", "bool", "NoneType"];
    let is_value = name.is_ok_and(|name| {
        let of_numpy = name.strip_prefix("numpy.");
        plain.contains(&name.as_str()) || of_numpy.is_some_and(|it| it != "ndarray")
    });
    if let Ok(site) = site.to_str()
        && is_value
    {
        session::counted(site);
    }
}

fn class_name(object: &Bound<'_, PyAny>) -> String {
    object
        .get_type()
        .name()
        .map(|name| name.to_string())
        .unwrap_or_default()
}

/// The iterator of the main loop.
#[pyclass(frozen, module = "florc")]
struct MainLoop {
    /// Another one takes its place where items are left out.
    iterator: Mutex<Py<PyIterator>>,
    rule: PositionRule,
    site: Py<PyString>,
    /// Code of the frame that runs it.
    code: Py<PyAny>,
    token: Token,
    ended: AtomicBool,
    looked: AtomicBool,
}

#[pymethods]
impl MainLoop {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut iterator = self.iterator(py);
        let left_out = session::main_leaps(self.token);
        if left_out > 0 {
            iterator = skip(iterator, left_out)?;
            self.set(&iterator);
        }
        let Some(item) = iterator.next() else {
            self.ended.store(true, Ordering::Relaxed);
            session::main_ended(py, self.token);
            return Ok(None);
        };
        let item = item?;
        let position = self.rule.read(&item);
        if position.is_none() && !self.looked.swap(true, Ordering::Relaxed) {
            tell_counted(self.site.bind(py), &item);
        }
        session::main_advanced(self.token, position);
        Ok(Some(item))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.iterator.try_lock() {
            Ok(iterator) => visit.call(&*iterator),
            Err(_) => Ok(()),
        }
    }
}

impl Drop for MainLoop {
    fn drop(&mut self) {
        if !self.ended.load(Ordering::Relaxed) {
            Python::attach(|py| {
                session::main_dropped(self.token);
                if let Some(error) = PyErr::take(py) {
                    self.raised(py, &error).err().unwrap_or(error).restore(py);
                }
            });
        }
    }
}

impl MainLoop {
    fn iterator<'py>(&self, py: Python<'py>) -> Bound<'py, PyIterator> {
        let iterator = self.iterator.lock().unwrap_or_else(PoisonError::into_inner);
        iterator.bind(py).clone()
    }

    fn set(&self, iterator: &Bound<'_, PyIterator>) {
        let new = iterator.clone().unbind();
        let mut held = self.iterator.lock().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *held, new);
        drop(held);
        drop(old); // may run code of the user
    }

    /// An exception leaves the loop. An interrupt comes from outside and is not repeated by a replay, and
    /// generators are closed by whoever holds them.
    fn raised(&self, py: Python<'_>, error: &PyErr) -> PyResult<()> {
        let from_outside = error.is_instance_of::<PyKeyboardInterrupt>(py)
            || error.is_instance_of::<PyGeneratorExit>(py);
        if from_outside || !session::is_active() {
            return Ok(());
        }
        session::guarded(py, |py| {
            if !super::frames::caller_code(py)?.is(&self.code) {
                return Ok(());
            }
            session::leave_by_exception(py, self.token, self.site.bind(py).to_str()?)
        })?;
        Ok(())
    }
}

/// The iterable of a main loop, before the `for` statement asks for its iterator.
#[pyclass(frozen, module = "florc")]
struct MainStart {
    site: Py<PyString>,
    iterable: Py<PyAny>,
}

#[pymethods]
impl MainStart {
    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        begin(py, self.site.bind(py), self.iterable.bind(py))
    }
}

/// `florc.main_loop(site, iterable)`.
#[pyfunction]
pub(super) fn main_loop<'py>(
    py: Python<'py>,
    site: &Bound<'py, PyString>,
    iterable: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    if !session::is_active() || !session::is_main(site.to_str()?) {
        return Ok(iterable.clone());
    }
    let start = MainStart {
        site: site.clone().unbind(),
        iterable: iterable.clone().unbind(),
    };
    Ok(Bound::new(py, start)?.into_any())
}

fn begin<'py>(
    py: Python<'py>,
    site: &Bound<'py, PyString>,
    iterable: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    // asked before an iterator holds it too
    let Some(alone) = session::guarded(py, |_| is_alone(iterable))? else {
        return Ok(iterable.try_iter()?.into_any());
    };
    let iterator = iterable.try_iter()?;
    let total = known_length(iterable);
    let entered = |py| {
        let code = super::frames::caller_code(py)?;
        let entry =
            session::main_entered(py, site.to_str()?, Some((iterable, alone)), total, None)?;
        Ok((entry, code))
    };
    let Some((entry, code)) = session::guarded(py, entered)? else {
        return Ok(iterator.into_any());
    };
    let iterator = match entry.skip {
        0 => iterator,
        count => skip(iterator, count)?,
    };
    let rule = PositionRule::of(iterable);
    let iterator = Mutex::new(iterator.unbind());
    let ended = AtomicBool::new(false);
    let counted = MainLoop {
        iterator,
        rule,
        site: site.clone().unbind(),
        code,
        token: entry.token,
        ended,
        looked: AtomicBool::new(false),
    };
    Ok(Bound::new(py, counted)?.into_any())
}

/// Whether nothing but the loop holds what it iterates over.
fn is_alone(iterable: &Bound<'_, PyAny>) -> Result<bool, session::Trouble> {
    let py = iterable.py();
    let count = |of: &Bound<'_, PyAny>| -> PyResult<usize> {
        let sys = py.import(intern!(py, "sys"))?;
        sys.call_method1(intern!(py, "getrefcount"), (of,))?
            .extract()
    };
    let lone = PyList::empty(py).into_any();
    Ok(count(iterable)? <= count(&lone)?)
}

/// The number of items, where asking runs no code of the user.
fn known_length(iterable: &Bound<'_, PyAny>) -> Option<u64> {
    let plain = ["range", "list", "tuple", "dict", "str", "set"];
    let inner = iterable.getattr(intern!(iterable.py(), "iterable"));
    let target = match inner {
        Ok(inner) if class_name(iterable) == "tqdm" => inner,
        _ => iterable.clone(),
    };
    plain
        .contains(&class_name(&target).as_str())
        .then(|| target.len().ok().map(|len| len as u64))?
}

/// Draws items without running the body; the error tells that there are too few.
fn skip(iterator: Bound<'_, PyIterator>, count: u64) -> PyResult<Bound<'_, PyIterator>> {
    let py = iterator.py();
    let known = py.import(intern!(py, "florc._iterables"))?;
    let left = known.call_method1(intern!(py, "skip"), (&iterator, count))?;
    if left.is_none() {
        session::guarded(py, |_| -> Result<(), _> {
            let what =
                "the main loop ended before the iteration that is asked for: not as recorded";
            Err(what.to_owned().into())
        })?;
        return Ok(iterator);
    }
    left.try_iter()
}

/// `florc.enter(site)`: a `while` main loop begins.
#[pyfunction]
pub(super) fn enter(py: Python<'_>, site: &str) -> PyResult<()> {
    if session::is_active() && session::is_main(site) {
        session::guarded(py, |py| {
            let code = super::frames::caller_code(py)?;
            session::main_entered(py, site, None, None, Some(code))
        })?;
    }
    Ok(())
}

/// `florc.carry(site, *roots, gives=N, maybe="a b")`: the head of an iteration.
#[pyfunction]
#[pyo3(signature = (site, *roots, gives = 0, maybe = ""))]
pub(super) fn carry<'py>(
    py: Python<'py>,
    site: &str,
    roots: &Bound<'py, PyTuple>,
    gives: usize,
    maybe: &str,
) -> PyResult<Bound<'py, PyAny>> {
    if session::is_active() && session::is_main(site) {
        let values = session::guarded(py, |py| session::carry(py, site, roots))?;
        if let Some(values) = values {
            return packed(py, values);
        }
    }
    given(py, roots, gives, maybe)
}

/// The arguments that are given back, and variables of the caller that may be unbound.
fn given<'py>(
    py: Python<'py>,
    roots: &Bound<'py, PyTuple>,
    gives: usize,
    maybe: &str,
) -> PyResult<Bound<'py, PyAny>> {
    if maybe.is_empty() {
        return match gives {
            0 => Ok(py.None().into_bound(py)),
            1 => roots.get_item(0),
            _ if gives == roots.len() => Ok(roots.clone().into_any()),
            _ => Ok(roots.get_slice(0, gives).into_any()),
        };
    }
    let mut values: Vec<_> = roots.iter().take(gives).collect();
    let scope = Scope::of_caller(py)?;
    for name in maybe.split(' ') {
        let value = scope.read(name, &Place::Local)?;
        values.push(value.unwrap_or(unbound(py)?.clone()));
    }
    drop(scope);
    packed(py, values)
}

/// One value bare, none as `None`, several as a tuple.
pub(super) fn packed<'py>(
    py: Python<'py>,
    mut values: Vec<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    if values.len() > 1 {
        return Ok(PyTuple::new(py, values)?.into_any());
    }
    Ok(values.pop().unwrap_or_else(|| py.None().into_bound(py)))
}

/// `florc.leave(site, *roots)`: after the loop.
#[pyfunction]
#[pyo3(signature = (site, *roots))]
pub(super) fn leave<'py>(py: Python<'py>, site: &str, roots: &Bound<'py, PyTuple>) -> PyResult<()> {
    if session::is_active() && session::is_main(site) {
        session::guarded(py, |py| session::leave(py, site, roots))?;
    }
    Ok(())
}
