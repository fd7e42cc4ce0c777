//! Capture and restore outside of a session, step by step, for `cargo xtask bench`.
//!
//! ```python
//! _rehearse({"model": model}, None)               # bytes, seconds of the walk, of the copy
//! _rehearse({"model": model}, "a.pack")           # and writes it, compressed unless compressed=False
//! _rehearse({"model": model}, None, aside=True)   # what may stay on the device is fetched later
//! _put_back({"model": model}, "a.pack")   # seconds until it is read, until it is restored
//! ```
//!
//! Goes the way of a recorded run and of a replay, so that what is measured is what they do.

use std::path::PathBuf;
use std::time::Instant;

use florc_runtime::{BufferPool, read_lone, write_lone};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::state::{self, Limits};

thread_local! {
    static POOL: BufferPool = BufferPool::default();
}

type Named<'py> = Vec<(String, Option<Bound<'py, PyAny>>)>;

/// Adds what the benchmarks call.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(_rehearse, module)?)?;
    module.add_function(wrap_pyfunction!(_put_back, module)?)
}

fn roots_of<'py>(names: &Bound<'py, PyDict>) -> PyResult<Named<'py>> {
    let entries = names.iter();
    entries
        .map(|(name, value)| Ok((name.extract()?, Some(value))))
        .collect()
}

fn raised(error: impl std::fmt::Display) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}

/// Captures the variables of a dict and writes the state to `path`, or throws it away. Gives its bytes, seconds
/// of the walk, of the copy, of fetching what was put aside, of writing, and the bytes of the file.
#[pyfunction]
#[pyo3(signature = (names, path, aside=false, compressed=true))]
fn _rehearse(
    names: &Bound<'_, PyDict>,
    path: Option<PathBuf>,
    aside: bool,
    compressed: bool,
) -> PyResult<(u64, f64, f64, f64, f64, u64)> {
    let py = names.py();
    let began = Instant::now();
    let walked = state::walk(py, &roots_of(names)?, &Limits::default())?;
    let (bytes, walk) = (walked.bytes(), began.elapsed().as_secs_f64());
    let pool = POOL.with(Clone::clone);
    let captured = if aside {
        walked.begin_copy(&pool)?
    } else {
        walked.copy(&pool)?
    };
    let copied = began.elapsed().as_secs_f64();
    let mut snapshot = captured.snapshot;
    if let Some(later) = captured.later {
        let buffers = &mut snapshot.buffers;
        py.detach(|| later.bring(buffers)).map_err(raised)?;
    }
    let brought = began.elapsed().as_secs_f64();
    let (stored, buffers) = match path {
        None => (0, snapshot.buffers),
        Some(path) => py
            .detach(|| write_lone(&path, snapshot, compressed))
            .map_err(raised)?,
    };
    let all = began.elapsed().as_secs_f64();
    pool.give_back(buffers);
    let (copy, bring) = (copied - walk, brought - copied);
    Ok((bytes, walk, copy, bring, all - brought, stored))
}

/// Restores the variables of a dict in place. Gives seconds of reading, of putting back.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "as Python gives it")]
fn _put_back(names: &Bound<'_, PyDict>, path: PathBuf) -> PyResult<(f64, f64)> {
    let py = names.py();
    let began = Instant::now();
    let checkpoint = py.detach(|| read_lone(&path)).map_err(raised)?;
    let read = began.elapsed().as_secs_f64();
    state::restore(py, &checkpoint.graph, &checkpoint, &roots_of(names)?).map_err(raised)?;
    Ok((read, began.elapsed().as_secs_f64() - read))
}
