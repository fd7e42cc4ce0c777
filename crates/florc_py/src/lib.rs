//! The native half of the Python package `florc`.
//!
//! ```python
//! import florc                # florc/__init__.py re-exports the hooks of florc._florc
//! ```
//!
//! The only place where compiler, runtime and Python objects meet: [`hooks`] are what instrumented
//! programs call, [`session`] is the run they belong to, [`state`] walks objects, [`compile`] is the
//! compiler for the runner. No analysis, no files.

mod capture;
mod compile;
mod device;
mod fingerprint;
mod hidden;
mod hooks;
mod linked;
mod memory;
mod rehearsal;
mod restore;
mod session;
pub mod state;
mod tracebacks;
mod types;

use std::ffi::OsString;
use std::path::PathBuf;

use pyo3::prelude::*;

/// The command line; gives the exit code.
#[pyfunction]
fn cli(py: Python<'_>, argv: Vec<OsString>) -> PyResult<i32> {
    let executable: Option<PathBuf> = py.import("sys")?.getattr("executable")?.extract()?;
    let host = florc::HostPython { executable };
    Ok(py.detach(|| florc::run_cli(argv, &host)))
}

#[pymodule]
fn _florc(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(cli, module)?)?;
    hooks::register(module)?;
    session::register(module)?;
    compile::register(module)?;
    linked::register(module)?;
    tracebacks::register(module)?;
    rehearsal::register(module)?;
    state::register(module)
}
