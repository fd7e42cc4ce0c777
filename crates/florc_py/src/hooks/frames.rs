//! Variables of the calling frame, and of modules, that no argument names.
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

    /// A root: a variable of the caller, or a global of another module.
    pub(crate) fn root(&self, root: &Root) -> PyResult<Option<Bound<'py, PyAny>>> {
        if root.module.is_empty() {
            return self.read(&root.name, &root.place);
        }
        match self.namespace(root)? {
            Some(names) => names.get_item(&root.name),
            None => Ok(None),
        }
    }

    /// The namespace that a global lives in; `None` where its module is not loaded.
    pub(crate) fn namespace(&self, root: &Root) -> PyResult<Option<Bound<'py, PyDict>>> {
        if root.module.is_empty() {
            return Ok(Some(self.globals.clone()));
        }
        let py = self.globals.py();
        let modules = py
            .import(intern!(py, "sys"))?
            .getattr(intern!(py, "modules"))?
            .cast_into::<PyDict>()?;
        let Some(module) = modules.get_item(&root.module)? else {
            return Ok(None);
        };
        let names = module.getattr(intern!(py, "__dict__"))?;
        Ok(names.cast_into().ok())
    }

    /// Whether a variable is a global of a module that is imported: part of the project's state.
    pub(crate) fn is_imported(&self, root: &Root) -> PyResult<bool> {
        let own = match root.place {
            Place::Global => true,
            Place::Local => self.is_module(),
            Place::Captured => false,
        };
        if !own {
            return Ok(false);
        }
        if !root.module.is_empty() {
            return Ok(root.module != "__main__");
        }
        let name = self
            .globals
            .get_item(intern!(self.globals.py(), "__name__"))?;
        Ok(name.is_some_and(|name| name.to_string() != "__main__"))
    }

    /// Whether the caller is a module's body: its locals are its globals.
    pub(crate) fn is_module(&self) -> bool {
        self.locals
            .as_ref()
            .is_none_or(|locals| locals.is(&self.globals))
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
