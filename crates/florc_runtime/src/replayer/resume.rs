//! Going on with a run that was cut short: what comes before the last checkpoint is passed as in a
//! replay, from there on it is recorded.
//!
//! ```python
//! model = Net()                      # runs again
//! for epoch in range(90):            # 54 items are drawn, the state of iteration 54 is put back
//!     best = florc.carry(ID, best)   # 57: the state is compared with the recorded one; on it goes
//! ```
//!
//! The iterations from the last checkpoint but one to the last run again: that they come out at the
//! recorded state proves that nothing is missing in what was put back. Nothing of the run is changed
//! before. Decides nothing about how it is recorded.

use florc_manifest::{
    CutKey, FORMAT_VERSION, HeadKey, JournalRecord, NeededRoots, ReplayPlan, RunStatus, Segment,
    SegmentEnd, SegmentStart,
};

use super::fork::Fork;
use super::{ReplayError, Replayer};
use crate::in_use::RunGuard;
use crate::progress::main_loops;
use crate::recorded::Recorded;
use crate::recorder::{RecordConfig, Recorder};
use crate::run::RunHandle;

/// Where a resumed run stands before it is recorded on.
#[derive(Debug)]
pub(super) struct Resuming {
    /// The run is not deleted meanwhile.
    _held: RunGuard,
    /// Where a state is put back.
    start: Option<HeadKey>,
    /// The new run that begins there, if it is one.
    pub(super) fork: Option<Fork>,
}

impl Resuming {
    pub(super) fn forking(held: RunGuard, head: HeadKey, fork: Fork) -> Self {
        Self {
            _held: held,
            start: Some(head),
            fork: Some(fork),
        }
    }
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
        let mut heads = heads(run, &recorded, &needed);
        let last = heads.pop().ok_or_else(|| {
            refused("it has no checkpoint that holds all of the state; run the script again")
        })?;
        let start = heads.pop();
        let repeats = |head: HeadKey| {
            let main = recorded.main_loop_of(head.instance);
            let is_jumped = main.is_some_and(|main| recorded.can_jump(&main.id));
            is_jumped && recorded.repeats.contains(&head.instance)
        };
        if !start.is_none_or(repeats) {
            return Err(refused(
                "its main loop cannot be entered in the middle: what it iterates over does not \
                 give the same items in another process",
            ));
        }
        let plan = plan(&recorded, needed, start, last);
        let segment = plan.segments[0].clone();
        let resuming = Some(Resuming {
            _held: held,
            start,
            fork: None,
        });
        Ok(Self {
            resuming,
            ..Self::of(plan, segment, recorded)
        })
    }

    /// Whether this is [`Self::resuming`].
    pub fn is_resuming(&self) -> bool {
        self.resuming.is_some()
    }

    /// Whether the main loop that was just entered is to begin in the middle, and cannot.
    pub fn has_missed(&self, instance: u32) -> bool {
        let start = self.resuming.as_ref().and_then(|it| it.start);
        let is_missed = |start| match self.restore_at {
            None => true,
            // another state than the one that is meant is no fork of it
            Some(at) => self.is_forking() && at != start,
        };
        start.is_some_and(|start| start.instance == instance && is_missed(start))
    }

    /// A main loop was left. What comes after it must not run where it was to be gone on with.
    pub(super) fn has_left(&mut self, instance: u32) {
        if let SegmentEnd::Head(last) = self.segment.end
            && self.resuming.is_some()
            && last.instance == instance
        {
            let iteration = last.iteration;
            self.fail(&format!(
                "the main loop ended before iteration {iteration}: not as recorded"
            ));
        }
    }

    /// Why nothing can be gone on with, if something failed.
    pub fn failure(&self) -> Option<&str> {
        self.findings.error.as_deref()
    }

    /// The state at the last head was given to [`Self::verify`]: record from here on. An error: it
    /// did not come out as recorded; nothing of the run was changed.
    pub fn go_on(&mut self, head: HeadKey, config: &RecordConfig) -> Result<Recorder, ReplayError> {
        if let Some((difference, _)) = self.first_difference() {
            return Err(ReplayError(format!(
                "the iterations before its last checkpoint came out otherwise than recorded: \
                 {difference}"
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

/// Heads whose state can be put back, in order. The last one is whole: one that is damaged cannot be
/// compared with.
fn heads(run: &RunHandle, recorded: &Recorded, needed: &[NeededRoots]) -> Vec<HeadKey> {
    let usable = recorded
        .checkpoints
        .iter()
        .filter_map(|(cut, record)| match cut {
            CutKey::Head(head) => {
                let main = recorded.main_loop_of(head.instance)?;
                let names = needed.iter().find(|it| it.site == main.id)?;
                record.restorable(&names.names).then_some(*head)
            }
            CutKey::Block(_) | CutKey::Exit(_) => None,
        });
    let mut heads: Vec<HeadKey> = usable
        .filter(|head| recorded.positions.contains_key(head))
        .collect();
    heads.sort_unstable();
    // one that is damaged cannot be compared with
    let is_whole = |head: &HeadKey| run.load(&CutKey::Head(*head)).is_ok();
    while heads.last().is_some_and(|last| !is_whole(last)) {
        heads.pop();
    }
    heads
}

/// One segment: from where a state is put back to the last head. All SkipBlocks are run.
fn plan(
    recorded: &Recorded,
    needed: Vec<NeededRoots>,
    start: Option<HeadKey>,
    last: HeadKey,
) -> ReplayPlan {
    let module = recorded.manifest.modules.first();
    let all = |count: usize| (0..count as u32).map(Some).collect();
    let blocks = module.iter().flat_map(|it| &it.skip_blocks);
    let segment = Segment {
        index: 0,
        start: start.map_or(SegmentStart::Beginning, SegmentStart::Head),
        end: SegmentEnd::Head(last),
        wanted: Vec::new(),
    };
    ReplayPlan {
        format: FORMAT_VERSION,
        run: recorded.run.id().to_owned(),
        world_size: 1,
        forward_sites: all(module.map_or(0, |it| it.logs.len())),
        clock_sites: all(module.map_or(0, |it| it.clocks.len())),
        executed_blocks: blocks.map(|it| it.id.clone()).collect(),
        needed,
        segments: vec![segment],
        ..ReplayPlan::default()
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
