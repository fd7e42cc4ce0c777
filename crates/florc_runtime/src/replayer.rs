//! What a replaying program tells, and what it is told to do.
//!
//! ```python
//! for epoch in florc.main_loop(ID, range(9)):   # main_enter -> jump: draw that many items first
//!     best = florc.carry(ID, best, model)       # head -> Run | Restore | Stop
//!     if florc.step_into(BLOCK):                # step_into -> Execute | Skip
//!         ...
//!     else:
//!         total = florc.restore(BLOCK, total)   # checkpoint(Block) -> graph to put back
//! ```
//!
//! Rows outside of the segment are not written; existing log statements are compared with the
//! recorded rows; the state at the end with the recorded hash. Does not touch objects: the caller
//! restores and captures.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use florc_manifest::{BlockKey, CutKey, HeadKey, Value};

use crate::{Checkpoint, LogEvent, LoopToken, Snapshot};

/// The main loop was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MainEntry {
    /// How many times it had been entered before.
    pub instance: u32,
    /// Draw `jump.iteration` items without running the body; the head that follows restores.
    pub jump: Option<HeadKey>,
}

/// What to do at the head of an iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadStep {
    /// Go on.
    Run(HeadKey),
    /// Put back `checkpoint(&CutKey::Head(key))`, then go on.
    Restore(HeadKey),
    /// The segment ends here. Capture the state, give it to [`Replayer::verify`], then
    /// [`Replayer::finish`] and end the process.
    Stop(HeadKey),
    /// Outside of a running main loop (recursion): go on.
    Ignore,
}

/// What to do at a SkipBlock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Run it.
    Execute,
    /// Do not run it; put back `checkpoint(&CutKey::Block(key))`.
    Skip(BlockKey),
}

/// Why a segment cannot be replayed: what, where and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayError(pub String);

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReplayError {}

/// The replaying side: one segment.
#[derive(Debug)]
pub struct Replayer {}

impl Replayer {
    /// Reads the plan and the run. `Ok(None)`: this segment was replayed to its end before.
    pub fn open(plan: &Path, segment: u32) -> Result<Option<Self>, ReplayError> {
        let _ = (plan, segment);
        Ok(None)
    }

    /// The main loop was entered. An error: the inputs (content hashes) are not those of the
    /// recorded run; call [`Self::fail`] with it and end the process. `None`: as
    /// [`crate::Recorder::loop_entered`].
    pub fn main_enter(
        &mut self,
        site: &str,
        inputs: &BTreeMap<String, String>,
    ) -> Result<Option<MainEntry>, ReplayError> {
        let _ = (site, inputs);
        Ok(None)
    }

    /// An iteration begins.
    pub fn head(&mut self, position: Option<i64>) -> HeadStep {
        let _ = position;
        HeadStep::Ignore
    }

    /// A SkipBlock begins.
    pub fn step_into(&mut self, site: &str) -> Step {
        let _ = site;
        Step::Execute
    }

    /// A SkipBlock ended, or was restored.
    pub fn block_end(&mut self, site: &str) {
        let _ = site;
    }

    /// Loads a checkpoint that an answer of this type named.
    pub fn checkpoint(&mut self, cut: &CutKey) -> Result<Checkpoint, ReplayError> {
        let _ = cut;
        Err(ReplayError(String::new()))
    }

    /// The main loop ended. `Some`: capture and give to [`Self::verify`], then go on.
    pub fn leave(&mut self) -> Option<CutKey> {
        None
    }

    /// As [`crate::Recorder::abandon`].
    pub fn abandon(&mut self) {}

    /// Compares the state at a cut point with the recorded one. Only roots that the recorded run
    /// had are looked at.
    pub fn verify(&mut self, cut: &CutKey, snapshot: Snapshot) {
        let _ = (cut, snapshot);
    }

    /// A log statement was executed. `site` is an index in the probed module.
    pub fn log(&mut self, event: LogEvent) {
        let _ = event;
    }

    /// The recorded result of a memoized read; `None`: read the world.
    pub fn clock(&mut self, site: u32) -> Option<Value> {
        let _ = site;
        None
    }

    /// As [`crate::Recorder::loop_enter`].
    pub fn loop_enter(&mut self, label: &str) -> LoopToken {
        let _ = label;
        LoopToken(0)
    }

    /// As [`crate::Recorder::loop_next`].
    pub fn loop_next(&mut self, token: LoopToken, value: Option<i64>) {
        let _ = (token, value);
    }

    /// As [`crate::Recorder::loop_exit`].
    pub fn loop_exit(&mut self, token: LoopToken) {
        let _ = token;
    }

    /// As [`crate::Recorder::tick`].
    pub fn tick(&mut self, site: &str, label: &str, frame: usize) {
        let _ = (site, label, frame);
    }

    /// As [`crate::Recorder::untick`].
    pub fn untick(&mut self, site: &str, frame: usize) {
        let _ = (site, frame);
    }

    /// Something was not exact (restored approximately, could not be checked).
    pub fn approximate(&mut self, reason: &str) {
        let _ = reason;
    }

    /// The segment cannot be replayed: the verdict is `failed`.
    pub fn fail(&mut self, error: &str) {
        let _ = error;
    }

    /// Writes the verdict and publishes the shard. Returns the verdict. Without a preceding
    /// `Stop` in a segment that ends at a head, the verdict is `diverged`.
    pub fn finish(&mut self) -> Result<florc_manifest::Verdict, ReplayError> {
        Err(ReplayError(String::new()))
    }
}
