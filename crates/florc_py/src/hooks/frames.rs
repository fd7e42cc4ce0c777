//! Variables of the calling frame that no argument names.
//!
//! ```python
//! def main():
//!     for epoch in ...:
//!         florc.carry(ID, model)     # a root `loss` that may be unbound is read from main's frame
//! ```
//!
//! Native functions have no frame, so `builtins.locals()` called from one answers for its caller.
//! Never writes to function locals: those are assigned by the instrumented source.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use florc_manifest::{Place, Root};

/// The namespaces of the calling frame.
pub(crate) struct Scope<'py> {
    locals: Option<Bound<'py, PyDict>>,
    globals: Bound<'py, PyDict>,
}

impl<'py> Scope<'py> {
    /// Reads them.
    pub(crate) fn of_caller(py: Python<'py>) -> PyResult<Self> {
        let builtins = py.import(intern!(py, "builtins"))?;
        let globals = builtins.call_method0(intern!(py, "globals"))?;
        let locals = builtins.call_method0(intern!(py, "locals"))?;
        Ok(Self {
            locals: locals.cast_into().ok(),
            globals: globals.cast_into()?,
        })
    }

    /// A variable by name.
    pub(crate) fn read(&self, name: &str, place: &Place) -> PyResult<Option<Bound<'py, PyAny>>> {
        let name = PyString::new(self.globals.py(), name);
        match (place, &self.locals) {
            (Place::Local | Place::Captured, Some(locals)) => locals.get_item(name),
            (Place::Global, _) | (_, None) => self.globals.get_item(name),
        }
    }

    /// A root.
    pub(crate) fn root(&self, root: &Root) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.read(&root.name, &root.place)
    }

    /// Whether the caller is a module's body: its locals are its globals.
    pub(crate) fn is_module(&self) -> bool {
        self.locals
            .as_ref()
            .is_none_or(|locals| locals.is(&self.globals))
    }

    /// The module's namespace.
    pub(crate) fn globals(&self) -> &Bound<'py, PyDict> {
        &self.globals
    }
}

impl Drop for Scope<'_> {
    /// Up to Python 3.12 a function's frame keeps the dict that `locals()` filled, and with it a
    /// second reference to every local object. It is emptied, unless the program holds it too.
    fn drop(&mut self) {
        if self.is_module() {
            return;
        }
        if let Some(locals) = &self.locals
            && holders(locals).ok() <= holders(&PyDict::new(locals.py())).ok().map(|one| one + 1)
        {
            locals.clear();
        }
    }
}

/// How many references to a dict there are, with those of the question itself.
fn holders(dict: &Bound<'_, PyDict>) -> PyResult<usize> {
    let py = dict.py();
    py.import(intern!(py, "sys"))?
        .call_method1(intern!(py, "getrefcount"), (dict,))?
        .extract()
}

/// The code object of the calling frame, to find it on the stack later.
pub(crate) fn caller_code(py: Python<'_>) -> PyResult<Py<PyAny>> {
    Ok(current(py)?.getattr(intern!(py, "f_code"))?.unbind())
}

/// A number that tells the calling frame from all others while it runs.
pub(crate) fn caller_number(py: Python<'_>) -> PyResult<usize> {
    Ok(current(py)?.as_ptr() as usize)
}

/// How many running frames execute `code`.
pub(crate) fn frames_of(py: Python<'_>, code: &Py<PyAny>) -> PyResult<usize> {
    let mut count = 0;
    let mut frame = current(py)?;
    while !frame.is_none() {
        count += usize::from(frame.getattr(intern!(py, "f_code"))?.is(code));
        frame = frame.getattr(intern!(py, "f_back"))?;
    }
    Ok(count)
}

fn current(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import(intern!(py, "sys"))?
        .call_method0(intern!(py, "_getframe"))
}
