//! A content hash of one value: what the preamble built must be what it built before.
//!
//! ```python
//! fingerprint([1, 2]) == fingerprint([1, 2])      # in every process
//! ```
//!
//! A value with state that cannot be seen has a fingerprint all the same, of the rest.

use florc_runtime::{BufferPool, Snapshot, seal, state_hash};
use pyo3::prelude::*;

use crate::capture::{self, Limits};

type Named<'a, 'py> = &'a [(String, Option<Bound<'py, PyAny>>)];

/// Hash of everything reachable from `value`, in hexadecimal.
pub(crate) fn fingerprint(py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<String> {
    let roots = [("value".to_owned(), Some(value.clone()))];
    Ok(hash(py, snapshot(py, &roots)?))
}

/// Hash of what some variables hold together; `None` where something of it cannot be read.
pub(crate) fn of_all(py: Python<'_>, roots: Named<'_, '_>) -> PyResult<Option<String>> {
    let snapshot = snapshot(py, roots)?;
    let is_whole = snapshot.graph.missing.is_empty();
    Ok(is_whole.then(|| hash(py, snapshot)))
}

fn snapshot(py: Python<'_>, roots: Named<'_, '_>) -> PyResult<Snapshot> {
    let walked = capture::walk(py, roots, &Limits::default(), false)?;
    Ok(walked.copy(&BufferPool::default())?.snapshot)
}

fn hash(py: Python<'_>, snapshot: Snapshot) -> String {
    let sealed = py.detach(|| seal(snapshot));
    florc_runtime::hex(&state_hash(&sealed.graph))
}
