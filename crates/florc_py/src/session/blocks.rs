//! SkipBlocks.
//!
//! ```python
//! if florc.step_into(ID): ...      # replay: false where the block's end can be restored
//! ```
//!
//! Which blocks are skipped is `florc_runtime`'s decision.

use florc_manifest::{BlockKey, CutKey, SkipBlockSite};
use florc_runtime::Step;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::cut::{self, Site};
use super::{Engine, Trouble, files, here, mains, verdict};

thread_local! {
    /// The block that `restore` is about to put back.
    static SKIPPED: std::cell::RefCell<Option<BlockKey>> = const { std::cell::RefCell::new(None) };
}

fn site(id: &str) -> Result<SkipBlockSite, Trouble> {
    let found = here(|session| {
        session
            .manifest
            .skip_blocks
            .iter()
            .find(|block| block.id == id)
            .cloned()
    })?;
    found.ok_or_else(|| format!("`{id}` is not a SkipBlock of this module").into())
}

/// A block begins: is it to be run?
pub(crate) fn step_into(py: Python<'_>, id: &str) -> Result<bool, Trouble> {
    mains::settle(py)?;
    let step = here(|session| match &mut session.engine {
        Engine::Record(recorder) => {
            recorder.step_into(id);
            Step::Execute
        }
        Engine::Replay(replayer) => replayer.step_into(id),
    })?;
    if must_end()? {
        verdict::end_process(py);
    }
    match step {
        Step::Execute => Ok(true),
        Step::Skip(key) => {
            files::publish();
            SKIPPED.replace(Some(key));
            Ok(false)
        }
    }
}

fn must_end() -> Result<bool, Trouble> {
    here(|session| match &session.engine {
        Engine::Record(_) => false,
        Engine::Replay(replayer) => replayer.must_end(),
    })
}

/// A block was run to its end.
pub(crate) fn block_end<'py>(
    py: Python<'py>,
    id: &str,
    roots: &Bound<'py, PyTuple>,
) -> Result<(), Trouble> {
    let key = here(|session| match &mut session.engine {
        Engine::Record(recorder) => recorder.block_end(id),
        Engine::Replay(replayer) => replayer.block_end(id),
    })?;
    match key {
        Some(key) => cut::take(py, CutKey::Block(key), &Site::block_end(&site(id)?), roots),
        None => Ok(()),
    }
}

/// A block was skipped: its effects, and the values that it would have bound.
pub(crate) fn restore<'py>(
    py: Python<'py>,
    id: &str,
    roots: &Bound<'py, PyTuple>,
) -> Result<Vec<Bound<'py, PyAny>>, Trouble> {
    let key = SKIPPED.take().filter(|key| key.site == id);
    let key = key.ok_or_else(|| format!("`{id}` was not skipped"))?;
    let site = site(id)?;
    let values = cut::put_back(py, &CutKey::Block(key), &Site::block_restore(&site), roots)?;
    here(|session| {
        if let Engine::Replay(replayer) = &mut session.engine {
            replayer.block_end(id);
        }
    })?;
    Ok(values)
}
