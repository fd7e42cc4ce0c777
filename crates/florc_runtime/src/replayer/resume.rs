//! Going on with a run that was cut short: what comes before the last checkpoint is passed as in a
//! replay, from there on it is recorded.
//!
//! ```python
//! model = Net()                      # runs again
//! for epoch in range(90):            # 57 items are drawn
//!     best = florc.carry(ID, best)   # the state of iteration 57 is put back, compared, recorded on
//! ```
//!
//! Nothing of the run is changed before the state was found equal to the recorded one. Decides
//! nothing about how it is recorded.

use florc_manifest::{
    CutKey, FORMAT_VERSION, HeadKey, JournalRecord, NeededRoots, ReplayPlan, RunStatus, Segment,
    SegmentEnd, SegmentStart,
};

use super::{Findings, ReplayError, Replayer};
use crate::forward::Rows;
use crate::in_use::RunGuard;
use crate::progress::{Progress, main_loops};
use crate::recorded::Recorded;
use crate::recorder::{RecordConfig, Recorder};
use crate::run::RunHandle;

/// Where a resumed run stands before it is recorded on.
#[derive(Debug)]
pub(super) struct Resuming {
    /// The run is not deleted meanwhile.
    _held: RunGuard,
    /// Instance of the main loop that is entered in the middle.
    instance: u32,
}

impl Replayer {
    /// Reads a run that did not finish. An error says why it cannot be gone on with.
    pub fn resuming(run: &RunHandle) -> Result<Self, ReplayError> {
        let refused = |why: &str| ReplayError(format!("run {}: {why}", run.id()));
        if run.is_open() {
            return Err(refused("it is being recorded or replayed"));
        }
        let held = run.hold();
        let finished = |record: &JournalRecord| {
            matches!(
                record,
                JournalRecord::Ended {
                    status: RunStatus::Finished,
                    ..
                }
            )
        };
        let journal = run.journal()?;
        if journal.records.iter().any(finished) {
            return Err(refused("it finished, there is nothing to go on with"));
        }
        let recorded = Recorded::read(run.clone())?;
        let needed = needed(&recorded);
        let checkpoints = recorded.checkpoints.iter();
        let heads = checkpoints.filter_map(|(cut, record)| match cut {
            CutKey::Head(head) => {
                let main = recorded.main_loop_of(head.instance)?;
                let names = needed.iter().find(|it| it.site == main.id)?;
                record.restorable(&names.names).then_some(*head)
            }
            CutKey::Block(_) | CutKey::Exit(_) => None,
        });
        let last = heads.max().ok_or_else(|| {
            refused(
                "it has no checkpoint that holds all of the state; run the script from its start",
            )
        })?;
        let is_known = |instance: &u32| recorded.repeats.contains(instance);
        let main = recorded.main_loop_of(last.instance);
        if !is_known(&last.instance) || !main.is_some_and(|main| recorded.can_jump(&main.id)) {
            return Err(refused(
                "its main loop cannot be entered in the middle: what it iterates over does not \
                 give the same items in another process",
            ));
        }
        let resuming = Resuming {
            _held: held,
            instance: last.instance,
        };
        Ok(Self::at(recorded, needed, last, resuming))
    }

    fn at(recorded: Recorded, needed: Vec<NeededRoots>, last: HeadKey, resuming: Resuming) -> Self {
        let module = recorded.manifest.modules.first();
        let all = |count: usize| (0..count as u32).map(Some).collect();
        let segment = Segment {
            index: 0,
            start: SegmentStart::Head(last),
            end: SegmentEnd::Program,
            wanted: Vec::new(),
        };
        let plan = ReplayPlan {
            format: FORMAT_VERSION,
            replay: String::new(),
            run: recorded.run.id().to_owned(),
            store: String::new(),
            modules: Vec::new(),
            added_globals: Vec::new(),
            main_loops: Vec::new(),
            skip_blocks: Vec::new(),
            forward_sites: all(module.map_or(0, |it| it.logs.len())),
            clock_sites: all(module.map_or(0, |it| it.clocks.len())),
            executed_blocks: Vec::new(),
            isolated: Vec::new(),
            needed,
            segments: vec![segment.clone()],
        };
        Self {
            plan,
            segment,
            recorded,
            shard: None,
            progress: Progress::default(),
            restore_at: None,
            loaded: None,
            stale: std::collections::BTreeSet::new(),
            skipped: std::collections::BTreeSet::new(),
            forward: Rows::new(),
            findings: Findings::default(),
            process: std::process::id(),
            resuming: Some(resuming),
        }
    }

    /// Whether this is [`Self::resuming`].
    pub fn is_resuming(&self) -> bool {
        self.resuming.is_some()
    }

    /// Whether the main loop that was just entered is the one to go on with, and starts at its
    /// beginning all the same.
    pub fn has_missed(&self, instance: u32) -> bool {
        let resuming = self.resuming.as_ref();
        self.restore_at.is_none() && resuming.is_some_and(|it| it.instance == instance)
    }

    /// Whether the run goes on where this state was put back: an earlier main loop is passed.
    pub fn goes_on_at(&self, head: HeadKey) -> bool {
        let resuming = self.resuming.as_ref();
        resuming.is_some_and(|it| it.instance == head.instance)
    }

    /// Why nothing can be gone on with, if something failed.
    pub fn failure(&self) -> Option<&str> {
        self.findings.error.as_deref()
    }

    /// The state at `head` was put back and given to [`Self::verify`]: record from here on. An
    /// error: it is not the recorded one; nothing of the run was changed.
    pub fn go_on(&mut self, head: HeadKey, config: &RecordConfig) -> Result<Recorder, ReplayError> {
        if let Some(difference) = &self.findings.difference {
            return Err(ReplayError(format!(
                "the state is not the recorded one: {difference}"
            )));
        }
        if !self.findings.equal.contains(&CutKey::Head(head)) {
            return Err(ReplayError("the state could not be compared".to_owned()));
        }
        let progress = std::mem::take(&mut self.progress);
        let manifest = self.recorded.manifest.clone();
        Ok(Recorder::go_on(
            config,
            &self.recorded.run,
            manifest,
            progress,
            head,
        )?)
    }
}

/// What is read after a head must be in its checkpoint.
fn needed(recorded: &Recorded) -> Vec<NeededRoots> {
    main_loops(&recorded.manifest)
        .map(|main| NeededRoots {
            site: main.id.clone(),
            names: main
                .roots
                .iter()
                .filter(|root| root.live)
                .map(florc_manifest::Root::key)
                .collect(),
        })
        .collect()
}
