//! SkipBlocks.
//!
//! ```python
//! if florc.step_into(ID):
//!     ...
//!     florc.end(ID, total, model)
//! else:
//!     total = florc.restore(ID, total, model)
//! ```
//!
//! While recording every block is run. Does not capture or restore: the session does.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::main_loop::packed;
use crate::session;

/// `florc.step_into(site)`: whether the block is to be run.
#[pyfunction]
pub(super) fn step_into(py: Python<'_>, site: &str) -> PyResult<bool> {
    if !session::is_active() {
        return Ok(true);
    }
    Ok(session::guarded(py, |py| session::step_into(py, site))?.unwrap_or(true))
}

/// `florc.end(site, *roots)`: the block was run.
#[pyfunction]
#[pyo3(signature = (site, *roots))]
pub(super) fn end<'py>(py: Python<'py>, site: &str, roots: &Bound<'py, PyTuple>) -> PyResult<()> {
    if session::is_active() {
        session::guarded(py, |py| session::block_end(py, site, roots))?;
    }
    Ok(())
}

/// `florc.restore(site, *roots)`: the block was skipped.
#[pyfunction]
#[pyo3(signature = (site, *roots))]
pub(super) fn restore<'py>(
    py: Python<'py>,
    site: &str,
    roots: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    if session::is_active()
        && let Some(values) = session::guarded(py, |py| session::restore(py, site, roots))?
    {
        return packed(py, values);
    }
    Err(PyRuntimeError::new_err(
        "florc.restore was called outside of a replay",
    ))
}
