//! The way to the head of another run with whose state a new run begins.
//!
//! ```python
//! lr = 0.01                          # edited; runs
//! for epoch in range(9):             # seven items are drawn, the state of epoch 7 is put back
//!     best = florc.carry(ID, best)   # and from here on a new run is recorded
//! ```
//!
//! As in a resumed run, but nothing is compared: the program is another one.

use std::collections::BTreeMap;

use florc_manifest::{
    FORMAT_VERSION, HeadKey, ModuleManifest, NeededRoots, ReplayPlan, Root, RunManifest, Segment,
    SegmentEnd, SegmentStart,
};

use super::resume::Resuming;
use super::{ReplayError, Replayer};
use crate::recorded::Recorded;
use crate::recorder::{Beginning, RecordConfig, Recorder};
use crate::run::RunHandle;

/// The new run, and what is known of its beginning.
#[derive(Debug)]
pub(super) struct Fork {
    manifest: RunManifest,
    sources: Vec<(String, Vec<u8>)>,
    /// Main loop, inputs, and whether its items come again.
    entered: Option<(String, BTreeMap<String, String>, bool)>,
    position: i64,
}

impl Fork {
    pub(super) fn entered(&mut self, site: &str, inputs: &BTreeMap<String, String>, repeats: bool) {
        self.entered = Some((site.to_owned(), inputs.clone(), repeats));
    }

    pub(super) fn at(&mut self, position: i64) {
        self.position = position;
    }
}

impl Replayer {
    /// On the way to a head of `parent`, for a run of another program that begins there.
    pub fn forking(
        parent: &RunHandle,
        head: HeadKey,
        manifest: RunManifest,
        sources: Vec<(String, Vec<u8>)>,
    ) -> Result<Self, ReplayError> {
        let held = parent.hold();
        let recorded = Recorded::read(parent.clone())?;
        let module = manifest.modules.first().cloned().unwrap_or_default();
        let plan = plan(&recorded, &module, head);
        let fork = Fork {
            manifest,
            sources,
            entered: None,
            position: 0,
        };
        let segment = plan.segments[0].clone();
        let resuming = Some(Resuming::forking(held, head, fork));
        Ok(Self {
            resuming,
            ..Self::of(plan, segment, recorded)
        })
    }

    /// Whether this is [`Self::forking`].
    pub fn is_forking(&self) -> bool {
        self.resuming.as_ref().is_some_and(|it| it.fork.is_some())
    }

    /// The state of the head was put back: a new run is recorded from here on.
    pub fn fork(&mut self, head: HeadKey, config: &RecordConfig) -> Result<Recorder, ReplayError> {
        let fork = self.resuming.take().and_then(|it| it.fork);
        let Some(Fork {
            manifest,
            sources,
            entered: Some((site, inputs, repeats)),
            position,
        }) = fork
        else {
            return Err(ReplayError("its main loop was not entered".to_owned()));
        };
        let beginning = Beginning {
            progress: std::mem::take(&mut self.progress),
            head,
            position,
            site,
            inputs,
            repeats,
        };
        Ok(Recorder::fork(config, manifest, &sources, beginning))
    }
}

/// One segment that is over where it begins. No SkipBlock is skipped on the way.
fn plan(recorded: &Recorded, module: &ModuleManifest, head: HeadKey) -> ReplayPlan {
    let needed = module.main_loops.iter().map(|main| NeededRoots {
        site: main.id.clone(),
        names: main
            .roots
            .iter()
            .filter(|root| root.live)
            .map(Root::key)
            .collect(),
    });
    ReplayPlan {
        format: FORMAT_VERSION,
        run: recorded.run.id().to_owned(),
        world_size: 1,
        main_loops: module.main_loops.clone(),
        forward_sites: vec![None; module.logs.len()],
        clock_sites: vec![None; module.clocks.len()],
        needed: needed.collect(),
        segments: vec![Segment {
            index: 0,
            start: SegmentStart::Head(head),
            end: SegmentEnd::Head(head),
            wanted: Vec::new(),
            leaps: Vec::new(),
        }],
        ..ReplayPlan::default()
    }
}
