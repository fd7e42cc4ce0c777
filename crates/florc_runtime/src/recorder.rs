//! What a recorded program tells, and what it is told to do.
//!
//! ```python
//! for epoch in florc.main_loop(ID, range(9)):          # loop_entered; leave / abandon
//!     best = florc.carry(ID, best, model)              # head -> capture? admit, submit
//!     if florc.step_into(BLOCK):                       # step_into -> true
//!         ...
//!         florc.end(BLOCK, total, model)               # block_end -> capture? admit, submit
//! ```
//!
//! Does not look at the program's objects: the caller captures. Never fails: where the store
//! cannot be written, the run goes on without it and [`Recorder::take_notes`] says so.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use florc_manifest::{BlockKey, CutKey, HeadKey, MissingState, RunManifest, RunStatus, Value};

use crate::{BufferPool, Snapshot};

/// Which iterations are materialized.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// As many as the overhead bound allows, a fraction of the run's time.
    Adaptive {
        /// The bound.
        epsilon: f64,
    },
    /// All; waits for the disk. Deterministic.
    All,
    /// None.
    None,
    /// Each `n`-th; waits for the disk. Deterministic.
    Every(u64),
}

/// How to record.
#[derive(Clone, Debug)]
pub struct RecordConfig {
    /// The `.florc` directory; made where it does not exist.
    pub store: PathBuf,
    /// Which iterations are materialized.
    pub mode: Mode,
    /// Bytes of snapshots that may wait to be written; one snapshot may always.
    pub memory_limit: u64,
}

/// What to do at the head of an iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadDecision {
    /// The iteration.
    pub key: HeadKey,
    /// Capture the state and submit it under `CutKey::Head(key)`.
    pub capture: bool,
}

/// An entered loop, to be named when it advances and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LoopToken(pub u64);

/// A log statement was executed.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEvent {
    /// Index in the module's `logs`.
    pub site: u32,
    /// Line in the source that runs.
    pub line: u32,
    /// Text as printed, with its end.
    pub text: String,
    /// Typed columns.
    pub values: Vec<(String, Value)>,
}

/// The recording side.
#[derive(Debug)]
pub struct Recorder {
    pool: Arc<BufferPool>,
}

impl Recorder {
    /// Makes the run directory with manifest and sources (path as in the manifest, bytes), and
    /// starts the writer. The run id and `format` of `manifest` are filled in here.
    pub fn start(
        config: &RecordConfig,
        manifest: RunManifest,
        sources: &[(String, Vec<u8>)],
    ) -> Self {
        let _ = (config, manifest, sources);
        Self {
            pool: Arc::default(),
        }
    }

    /// Id of the run.
    pub fn run(&self) -> &str {
        ""
    }

    /// Where the memory of snapshots comes from.
    pub fn pool(&self) -> Arc<BufferPool> {
        Arc::clone(&self.pool)
    }

    /// The main loop `site` was entered; `inputs` are content hashes of what it reads and does
    /// not change. `None`: a main loop is running already (recursion); iterate without hooks, but
    /// still call [`Self::leave`] or [`Self::abandon`].
    pub fn loop_entered(
        &mut self,
        site: &str,
        total: Option<u64>,
        inputs: BTreeMap<String, String>,
    ) -> Option<u32> {
        let _ = (site, total, inputs);
        None
    }

    /// An iteration begins; `position` is the loop variable where it is an integer. `None`
    /// outside of a running main loop.
    pub fn head(&mut self, position: Option<i64>) -> Option<HeadDecision> {
        let _ = position;
        None
    }

    /// A SkipBlock begins. Always true: execute.
    pub fn step_into(&mut self, site: &str) -> bool {
        let _ = site;
        true
    }

    /// A SkipBlock ended. `Some`: capture and submit under `CutKey::Block(key)`.
    pub fn block_end(&mut self, site: &str) -> Option<BlockKey> {
        let _ = site;
        None
    }

    /// To be asked between walk and copy: may a snapshot of so many bytes be taken? In the modes
    /// `All` and `Every` waits until it may (release the GIL around it).
    pub fn admit(&mut self, cut: &CutKey, bytes: u64) -> bool {
        let _ = (cut, bytes);
        false
    }

    /// Hands a snapshot to the writer. `stall_seconds`: how long the program stood still.
    pub fn submit(
        &mut self,
        cut: CutKey,
        snapshot: Snapshot,
        stall_seconds: f64,
        absent: Vec<MissingState>,
    ) {
        let _ = (cut, snapshot, stall_seconds, absent);
    }

    /// A due checkpoint could not be captured.
    pub fn dropped(&mut self, cut: CutKey, reason: &str) {
        let _ = (cut, reason);
    }

    /// The main loop ended normally or by `break`. `Some(CutKey::Exit)`: capture and submit.
    pub fn leave(&mut self) -> Option<CutKey> {
        None
    }

    /// The main loop ended by `return` or an exception: its iterator went away without
    /// [`Self::leave`].
    pub fn abandon(&mut self) {}

    /// A log statement was executed.
    pub fn log(&mut self, event: LogEvent) {
        let _ = event;
    }

    /// A memoized read gave `value`.
    pub fn clock(&mut self, site: u32, value: Value) {
        let _ = (site, value);
    }

    /// A `for` loop with a context label was entered.
    pub fn loop_enter(&mut self, label: &str) -> LoopToken {
        let _ = label;
        LoopToken(0)
    }

    /// It took its next item: the item where it is an integer.
    pub fn loop_next(&mut self, token: LoopToken, value: Option<i64>) {
        let _ = (token, value);
    }

    /// Its iterator ended or went away.
    pub fn loop_exit(&mut self, token: LoopToken) {
        let _ = token;
    }

    /// An iteration of the `while` loop `site` of the frame `frame` (any number that tells frames
    /// apart while they live) begins.
    pub fn tick(&mut self, site: &str, label: &str, frame: usize) {
        let _ = (site, label, frame);
    }

    /// That loop ended.
    pub fn untick(&mut self, site: &str, frame: usize) {
        let _ = (site, frame);
    }

    /// Adds a note to the journal and to [`Self::take_notes`].
    pub fn note(&mut self, code: &str, text: &str) {
        let _ = (code, text);
    }

    /// Notes (code, text) since the last call, for stderr.
    pub fn take_notes(&mut self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// The script ended: waits for the writer and closes the journal. Later calls do nothing.
    pub fn finish(&mut self, status: RunStatus) {
        let _ = status;
    }
}
