//! The object-graph half: capture, restore, fingerprint.
//!
//! ```python
//! best, history = florc.carry("train.py:main/epoch", best, history, model)   # capture or restore
//! ```
//!
//! Says nothing of when this happens, nor of where checkpoints are kept.

use std::borrow::Cow;

use florc_runtime::{BufferPool, Content, Graph, StorageId, StorageRead, seal, state_hash};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

pub use crate::capture::{Captured, Limits, Walked};
pub use crate::restore::{LiveRoots, ReadStorage, RestoreError, RestoredRoots};

/// Walks the objects that `roots` reach and the hidden state of the process. Roots that are
/// `None` are unbound and have no entry. State that could not be taken is in `graph.missing`.
pub fn walk<'py>(
    py: Python<'py>,
    roots: &[(String, Option<Bound<'py, PyAny>>)],
    limits: &Limits,
) -> PyResult<Walked<'py>> {
    crate::capture::walk(py, roots, limits, true)
}

/// Puts a graph back into `live` and gives what each name of `live` is to be bound to; `None` is
/// an unbound name, or one that the graph does not have.
pub fn restore<'py>(
    py: Python<'py>,
    graph: &Graph,
    reader: &dyn StorageRead,
    live: &LiveRoots<'py>,
) -> Result<RestoredRoots, RestoreError> {
    let read = |id: StorageId| {
        reader
            .read_storage(graph, id)
            .map_err(|error| error.to_string())
    };
    crate::restore::restore(py, graph, &read, live)
}

/// As [`restore`], for storages that come from elsewhere.
pub fn restore_with<'py, 'g>(
    py: Python<'py>,
    graph: &'g Graph,
    read: ReadStorage<'g>,
    live: &LiveRoots<'py>,
) -> Result<RestoredRoots, RestoreError> {
    crate::restore::restore(py, graph, read, live)
}

/// Content hash of one value.
pub fn fingerprint(py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<String> {
    crate::fingerprint::fingerprint(py, value)
}

/// Adds what the tests of this half call.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(_capture_bytes, module)?)?;
    module.add_function(wrap_pyfunction!(_restore_bytes, module)?)?;
    module.add_function(wrap_pyfunction!(_describe_bytes, module)?)?;
    module.add_function(wrap_pyfunction!(_fingerprint, module)?)
}

fn roots_of<'py>(names: &Bound<'py, PyDict>) -> PyResult<Vec<(String, Option<Bound<'py, PyAny>>)>> {
    names
        .iter()
        .map(|(name, value)| Ok((name.extract()?, Some(value))))
        .collect()
}

/// State of the variables of a dict, all memory inside.
#[pyfunction]
#[pyo3(signature = (names, optional = Vec::new(), small_bytes = 65_536))]
fn _capture_bytes<'py>(
    names: &Bound<'py, PyDict>,
    optional: Vec<String>,
    small_bytes: u64,
) -> PyResult<Bound<'py, PyBytes>> {
    let py = names.py();
    let limits = Limits {
        small_bytes,
        optional: optional.into_iter().collect(),
    };
    let walked = walk(py, &roots_of(names)?, &limits)?;
    let mut snapshot = walked.copy(&BufferPool::default())?.snapshot;
    for (at, info) in snapshot.graph.storages.iter_mut().enumerate() {
        let bytes = snapshot.buffers.get(at).unwrap_or_default();
        info.content = Content::Inline(bytes.to_vec());
    }
    let bytes = postcard::to_stdvec(&snapshot.graph)
        .map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    Ok(PyBytes::new(py, &bytes))
}

fn decode(bytes: &[u8]) -> PyResult<Graph> {
    postcard::from_bytes(bytes).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// Restores into the variables of a dict and gives all names with their values.
#[pyfunction]
fn _restore_bytes<'py>(bytes: &[u8], names: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    let py = names.py();
    let graph = decode(bytes)?;
    let mut live = roots_of(names)?;
    for (name, _) in &graph.roots {
        if !names.contains(name)? {
            live.push((name.clone(), None));
        }
    }
    let read = |id: StorageId| match &graph.storages[id.index()].content {
        Content::Inline(bytes) => Ok(Cow::Borrowed(bytes.as_slice())),
        Content::Buffer | Content::Chunks(_) => Err("memory is elsewhere".to_owned()),
    };
    let restored = restore_with(py, &graph, &read, &live)
        .map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    let result = PyDict::new(py);
    for (name, value) in restored {
        if let Some(value) = value {
            result.set_item(name, value)?;
        }
    }
    Ok(result)
}

/// What tests ask of a capture: state hash, number of nodes, missing state, names of roots.
type Description = (String, usize, Vec<(String, String)>, Vec<String>);

#[pyfunction]
fn _describe_bytes(bytes: &[u8]) -> PyResult<Description> {
    let graph = decode(bytes)?;
    let missing = graph
        .missing
        .iter()
        .map(|missing| (missing.path.clone(), format!("{:?}", missing.reason)))
        .collect();
    let roots = graph.roots.iter().map(|(name, _)| name.clone()).collect();
    let nodes = graph.nodes.len();
    let sealed = seal(florc_runtime::Snapshot {
        graph,
        buffers: florc_runtime::Buffers::default(),
    });
    Ok((
        florc_runtime::hex(&state_hash(&sealed.graph)),
        nodes,
        missing,
        roots,
    ))
}

#[pyfunction]
fn _fingerprint(value: &Bound<'_, PyAny>) -> PyResult<String> {
    fingerprint(value.py(), value)
}
