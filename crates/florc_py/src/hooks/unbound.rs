//! The value of a variable that has none.
//!
//! ```python
//! loss = florc.carry(ID, maybe="loss")
//! if loss is florc.unbound: del loss
//! ```
//!
//! It supports nothing but `is`, so that a program that used it by mistake would stop.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// Class of [`unbound`].
#[pyclass(frozen, module = "florc", name = "Unbound")]
struct Unbound;

#[pymethods]
impl Unbound {
    #[expect(clippy::unused_self, reason = "the protocol's signature")]
    fn __repr__(&self) -> &'static str {
        "<florc.unbound>"
    }

    #[expect(clippy::unused_self, reason = "the protocol's signature")]
    fn __bool__(&self) -> PyResult<bool> {
        Err(PyRuntimeError::new_err("this variable has no value here"))
    }

    #[expect(clippy::unused_self, reason = "the protocol's signature")]
    fn __reduce__(&self) -> &'static str {
        "unbound"
    }
}

/// The one value.
pub(crate) fn unbound(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static VALUE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let value = VALUE.get_or_try_init(py, || -> PyResult<Py<PyAny>> {
        Ok(Bound::new(py, Unbound)?.into_any().unbind())
    })?;
    Ok(value.bind(py))
}
