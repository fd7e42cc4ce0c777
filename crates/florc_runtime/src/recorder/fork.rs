//! A run that begins in the middle, with the state of another.
//!
//! ```text
//! LoopEntered  IterationBegan(7) Log Log …      no iteration before the seventh
//! ```
//!
//! Iterations keep their numbers. The state itself is put back elsewhere.

use std::collections::BTreeMap;

use florc_manifest::{HeadKey, JournalRecord, RunManifest};

use super::{RecordConfig, Recorder};
use crate::file_clock;
use crate::progress::Progress;

/// Where a forked run begins.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) progress: Progress,
    pub(crate) head: HeadKey,
    pub(crate) position: i64,
    /// The main loop, with the content hashes of what it reads.
    pub(crate) site: String,
    pub(crate) inputs: BTreeMap<String, String>,
    pub(crate) repeats: bool,
}

impl Recorder {
    /// Records a new run from a head on, whose state is the live one. That is to be captured and
    /// submitted at once: no replay could start before it.
    pub(crate) fn fork(
        config: &RecordConfig,
        manifest: RunManifest,
        sources: &[(String, Vec<u8>)],
        beginning: Beginning,
    ) -> Self {
        let mut recorder = Self::start(config, manifest, sources);
        recorder.progress = beginning.progress;
        recorder.policy.loop_entered(None);
        let seconds = recorder.now();
        recorder.append(&JournalRecord::LoopEntered {
            instance: beginning.head.instance,
            site: beginning.site,
            inputs: beginning.inputs,
            repeats: beginning.repeats,
            seconds,
            file_clock: Some(file_clock::now()),
        });
        recorder.again(beginning.head, beginning.position);
        recorder
    }
}
