//! Counted loops.
//!
//! ```python
//! for x in florc.loop("train.py:epoch/loader", loader): ...   # context: epoch=3, loader=17
//! ```
//!
//! Positions themselves are kept by `florc_runtime`.

use florc_runtime::LoopToken;
use pyo3::prelude::*;

use super::{Engine, Session, Trouble, here, mains, with};

impl Session {
    fn label(&self, site: &str) -> String {
        let loops = self.manifest.loops.iter();
        let mains = self.main_sites.iter().map(|it| (&it.id, &it.label));
        let known = loops
            .map(|it| (&it.id, &it.label))
            .chain(mains)
            .find(|(id, _)| *id == site);
        let tail = || site.rsplit('/').next().unwrap_or(site).to_owned();
        known.map_or_else(tail, |(_, label)| label.clone())
    }
}

/// Positions of a loop are counts, although its items are values.
pub(crate) fn counted(site: &str) {
    with(|session| {
        let label = session.label(site);
        if let Engine::Record(recorder) = &mut session.engine
            && session.counted.insert(label.clone())
        {
            recorder.keep("counted-loop", &label);
        }
    });
}

/// A `for` loop begins.
pub(crate) fn loop_enter(py: Python<'_>, site: &str) -> Result<LoopToken, Trouble> {
    mains::settle(py)?;
    here(|session| {
        let label = session.label(site);
        match &mut session.engine {
            Engine::Record(recorder) => recorder.loop_enter(&label),
            Engine::Replay(replayer) => replayer.loop_enter(&label),
        }
    })
}

/// It took an item.
pub(crate) fn loop_next(token: LoopToken, value: Option<i64>) {
    with(|session| match &mut session.engine {
        Engine::Record(recorder) => recorder.loop_next(token, value),
        Engine::Replay(replayer) => replayer.loop_next(token, value),
    });
}

/// Its iterator went away.
pub(crate) fn loop_exit(token: LoopToken) {
    with(|session| match &mut session.engine {
        Engine::Record(recorder) => recorder.loop_exit(token),
        Engine::Replay(replayer) => replayer.loop_exit(token),
    });
}

/// An iteration of a `while` loop begins.
pub(crate) fn tick(py: Python<'_>, site: &str, frame: usize) -> Result<(), Trouble> {
    mains::settle(py)?;
    here(|session| {
        let label = session.label(site);
        match &mut session.engine {
            Engine::Record(recorder) => recorder.tick(site, &label, frame),
            Engine::Replay(replayer) => replayer.tick(site, &label, frame),
        }
    })
}

/// A `while` loop ended.
pub(crate) fn untick(site: &str, frame: usize) -> Result<(), Trouble> {
    here(|session| match &mut session.engine {
        Engine::Record(recorder) => recorder.untick(site, frame),
        Engine::Replay(replayer) => replayer.untick(site, frame),
    })
}
