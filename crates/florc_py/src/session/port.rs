//! The object-graph half, as the session sees it.
//!
//! ```python
//! florc.carry(ID, model)      # capture(roots) while recording, restore(graph, roots) in a replay
//! ```
//!
//! Nothing is decided here.

use std::collections::BTreeSet;

use florc_runtime::{BufferPool, Checkpoint};
use pyo3::prelude::*;

use super::{Engine, Trouble, here};
use crate::state::{self, Captured, Limits, Walked};

/// Variables by name; `None` is unbound.
pub(super) type Named<'py> = Vec<(String, Option<Bound<'py, PyAny>>)>;

/// Walks what `roots` reach, and the hidden state of the process.
pub(super) fn walk<'py>(
    py: Python<'py>,
    roots: &Named<'py>,
    optional: BTreeSet<String>,
) -> Result<Walked<'py>, Trouble> {
    let limits = Limits {
        optional,
        ..Limits::default()
    };
    Ok(state::walk(py, roots, &limits)?)
}

/// Copies the memory of what was walked. `is_settled`: the program has shown by now how much memory of its
/// devices it needs, so that a recorder may put some aside.
pub(super) fn copy(walked: Walked<'_>, is_settled: bool) -> Result<Captured, Trouble> {
    let pool = here(|session| match &session.engine {
        Engine::Record(recorder) => Some(recorder.pool()),
        Engine::Replay(_) => None,
    })?;
    Ok(match pool {
        Some(pool) if is_settled => walked.begin_copy(&pool)?,
        Some(pool) => walked.copy(&pool)?,
        None => walked.copy(&BufferPool::default())?,
    })
}

/// Puts a checkpoint back; what each name is to be bound to.
pub(super) fn restore<'py>(
    py: Python<'py>,
    checkpoint: &Checkpoint,
    live: &Named<'py>,
) -> Result<Named<'py>, Trouble> {
    let restored = state::restore(py, &checkpoint.graph, checkpoint, live)
        .map_err(|error| Trouble::Text(error.to_string()))?;
    let bound = restored
        .into_iter()
        .map(|(name, value)| (name, value.map(|it| it.into_bound(py))));
    Ok(bound.collect())
}

/// Content hash of an input; `None` where it has none.
pub(super) fn fingerprint(
    py: Python<'_>,
    name: &str,
    value: &Bound<'_, PyAny>,
) -> Result<Option<String>, Trouble> {
    let _ = name;
    Ok(Some(state::fingerprint(py, value)?))
}

/// Hash of what some variables hold together; `None` where something of it cannot be read.
pub(super) fn fingerprint_of_all(
    py: Python<'_>,
    named: &Named<'_>,
) -> Result<Option<String>, Trouble> {
    Ok(crate::fingerprint::of_all(py, named)?)
}
