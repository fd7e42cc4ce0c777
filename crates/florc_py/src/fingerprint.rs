//! A content hash of one value: what the preamble built must be what it built before.
//!
//! ```python
//! fingerprint([1, 2]) == fingerprint([1, 2])      # in every process
//! ```
//!
//! A value with state that cannot be seen has a fingerprint all the same, of the rest.

use florc_runtime::{BufferPool, seal, state_hash};
use pyo3::prelude::*;

use crate::capture::{self, Limits};

/// Hash of everything reachable from `value`, in hexadecimal.
pub(crate) fn fingerprint(py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<String> {
    let roots = [("value".to_owned(), Some(value.clone()))];
    let captured =
        capture::walk(py, &roots, &Limits::default(), false)?.copy(&BufferPool::default())?;
    let sealed = py.detach(|| seal(captured.snapshot));
    Ok(florc_runtime::hex(&state_hash(&sealed.graph)))
}

/// Hash of what some variables hold together; `None` where something of it cannot be read.
pub(crate) fn of_all(
    py: Python<'_>,
    roots: &[(String, Option<Bound<'_, PyAny>>)],
) -> PyResult<Option<String>> {
    let captured =
        capture::walk(py, roots, &Limits::default(), false)?.copy(&BufferPool::default())?;
    if !captured.snapshot.graph.missing.is_empty() {
        return Ok(None);
    }
    let sealed = py.detach(|| seal(captured.snapshot));
    Ok(Some(florc_runtime::hex(&state_hash(&sealed.graph))))
}
