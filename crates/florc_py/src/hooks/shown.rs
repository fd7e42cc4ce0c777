//! An argument of `print`, whose text is remembered.
//!
//! ```python
//! florc.print(0, loss)      # builtins.print(Shown(loss)); str(loss) is called once, by print
//! ```
//!
//! `print` itself asks for the text, so that order, exceptions and half-written lines are those of
//! the plain program. Does not print.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;

/// Stands for an object while it is printed.
#[pyclass(frozen, module = "florc")]
pub(crate) struct Shown {
    object: Py<PyAny>,
    text: PyOnceLock<Py<PyString>>,
}

impl Shown {
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> Self {
        Self {
            object: object.clone().unbind(),
            text: PyOnceLock::new(),
        }
    }

    /// What `str` gave, if it was asked.
    pub(crate) fn text(&self, py: Python<'_>) -> Option<String> {
        self.text
            .get(py)
            .map(|text| text.bind(py).to_string_lossy().into_owned())
    }
}

#[pymethods]
impl Shown {
    fn __str__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        let text = self.object.bind(py).str()?;
        let _ = self.text.set(py, text.clone().unbind());
        Ok(text)
    }

    fn __repr__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.object.bind(py).repr()
    }
}
