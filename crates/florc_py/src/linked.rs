//! The files that a script imports and that are instrumented with it.
//!
//! ```python
//! files, left_out = _florc.program_files(json)                      # before the script starts
//! spec.loader.get_code = partial(_florc.linked_code, spec.loader, finder)   # when one is imported
//! ```
//!
//! Native, so that no frame of florc stands in the traceback of an error in an imported file.
//! What is instrumented is decided elsewhere; which module is meant by `florc._linked`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use florc::program::{Disk, Entry, LeftOut};
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use serde::Deserialize;

/// How the runner starts the script.
#[derive(Deserialize)]
struct Start {
    path: String,
    package: String,
    search: Vec<String>,
    folder: String,
    taken: BTreeSet<String>,
    root: PathBuf,
    installed: Vec<PathBuf>,
}

/// Path in the project, dotted name, package, content; of a library's file the functions that count.
type Found = (String, String, String, Vec<u8>, Vec<String>);

impl Start {
    fn parse(text: &str) -> PyResult<(Disk, Entry)> {
        let start: Self =
            serde_json::from_str(text).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let entry = Entry {
            path: start.path,
            package: start.package,
            search: start.search,
            folder: start.folder,
            taken: start.taken,
        };
        Ok((Disk::new(&start.root, start.installed), entry))
    }
}

/// The file that `python -m NAME` will run, and its package.
#[pyfunction]
fn locate_module(start: &str, name: &str) -> PyResult<Option<(String, String)>> {
    let (disk, entry) = Start::parse(start)?;
    Ok(disk.locate(&entry, name))
}

/// The files of the program, the script first; and what was left out, in words.
#[pyfunction]
fn program_files(start: &str) -> PyResult<(Vec<Found>, Vec<String>)> {
    let (disk, entry) = Start::parse(start)?;
    let program = disk.program(&entry);
    let files = program.files.into_iter().map(|file| {
        let module = disk.module(&file, &entry);
        let (path, name) = (module.path, module.name);
        (path, name, module.package, file.bytes, module.excerpt)
    });
    let left_out = program.left_out.iter();
    let words = left_out.map(|(path, reason)| {
        let why = match reason {
            LeftOut::Unreadable => "could not be parsed",
            LeftOut::SeveralNames => "is imported under several names",
            LeftOut::Ambiguous => "means another file after an edit of `sys.path`",
            LeftOut::TooMuch => "is one file too many",
        };
        format!(
            "`{}` {why}: it runs as it is, without checkpoints or log rows",
            disk.name_of(path)
        )
    });
    Ok((files.collect(), words.collect()))
}

/// `loader.get_code(name)` of a file of the program.
#[pyfunction]
fn linked_code<'py>(
    py: Python<'py>,
    loader: &Bound<'py, PyAny>,
    finder: &Bound<'py, PyAny>,
    name: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let get_code = intern!(py, "get_code");
    let plain = || loader.get_type().call_method1(get_code, (loader, name));
    if !is_import(py)? {
        return plain();
    }
    loader.delattr(get_code)?;
    let replays: bool = finder.getattr(intern!(py, "replays"))?.extract()?;
    // The cache and the compiler's warnings are the plain run's; a replay leaves the cache alone.
    let own = if replays { None } else { Some(plain()?) };
    let code = match finder.call_method1(intern!(py, "code"), (loader, name)) {
        Ok(code) if !code.is_none() => code,
        Err(error) if !error.is_instance_of::<PyException>(py) => return Err(error),
        Ok(_) | Err(_) => own.map_or_else(plain, Ok)?,
    };
    match finder.call_method1(intern!(py, "know"), (name, &code)) {
        Err(error) if !error.is_instance_of::<PyException>(py) => Err(error),
        Ok(_) | Err(_) => Ok(code),
    }
}

/// Whether the module is being run, not only asked for its code.
fn is_import(py: Python<'_>) -> PyResult<bool> {
    let frame = py
        .import(intern!(py, "sys"))?
        .call_method0(intern!(py, "_getframe"))?;
    let code = frame.getattr(intern!(py, "f_code"))?;
    let name: String = code.getattr(intern!(py, "co_name"))?.extract()?;
    let file: String = code.getattr(intern!(py, "co_filename"))?.extract()?;
    Ok(name == "exec_module" && file.starts_with("<frozen importlib"))
}

/// Adds these functions to the native module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(locate_module, module)?)?;
    module.add_function(wrap_pyfunction!(program_files, module)?)?;
    module.add_function(wrap_pyfunction!(linked_code, module)?)
}
