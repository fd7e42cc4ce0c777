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
    CheckpointRecord, CutKey, FORMAT_VERSION, HeadKey, JournalRecord, NeededRoots, Ranks,
    ReplayPlan, RunStatus, Segment, SegmentEnd, SegmentStart,
};

use super::fork::Fork;
use super::together::Together;
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
    /// With other processes that recorded it.
    together: Option<Together>,
}

impl Resuming {
    pub(super) fn forking(held: RunGuard, head: HeadKey, fork: Fork) -> Self {
        Self {
            _held: held,
            start: Some(head),
            fork: Some(fork),
            together: None,
        }
    }
}

impl Replayer {
    /// Reads a run that did not finish. `ranks`: this process among those that go on with it together.
    /// An error says why it cannot be gone on with.
    pub fn resuming(run: &RunHandle, ranks: Option<&Ranks>) -> Result<Self, ReplayError> {
        let refused = |why: &str| ReplayError(format!("run {}: {why}", run.id()));
        let recorded_by = run.manifest()?.world_size();
        if recorded_by != ranks.map_or(1, |ranks| ranks.world_size) {
            return Err(refused(&format!(
                "{recorded_by} processes recorded it; start as many, as they were started then \
                 (`torchrun … --no-python florc run --resume`)"
            )));
        }
        let (together, found, held) = match ranks {
            None => {
                let (found, held) = find(run)?;
                (None, found, held)
            }
            Some(ranks) => {
                let (together, found, held) = Together::meet(run, ranks)?;
                (Some(together), found, held)
            }
        };
        let mut recorded = Recorded::read(run.of_rank(ranks.map_or(0, |ranks| ranks.rank)))?;
        if let Some(together) = &together {
            let checkpoints = &mut recorded.checkpoints;
            checkpoints.retain(|cut, _| together.can_restore(cut));
        }
        let repeats = |head: HeadKey| {
            let main = recorded.main_loop_of(head.instance);
            let is_jumped = main.is_some_and(|main| recorded.can_jump(&main.id));
            is_jumped && recorded.repeats.contains(&head.instance)
        };
        if !found.start.is_none_or(repeats) {
            return Err(refused(
                "its main loop cannot be entered in the middle: what it iterates over does not \
                 give the same items in another process",
            ));
        }
        let needed = needed(&recorded);
        let plan = plan(&recorded, needed, found.start, found.last);
        let segment = plan.segments[0].clone();
        let resuming = Some(Resuming {
            _held: held,
            start: found.start,
            fork: None,
            together,
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

    /// Whether this process and others go on with a run together: it cannot take a way of its own.
    pub(super) fn is_together(&self) -> bool {
        let resuming = self.resuming.as_ref();
        resuming.is_some_and(|it| it.together.is_some())
    }

    /// The state at the last head was given to [`Self::verify`]: record from here on. An error: it
    /// did not come out as recorded, or that of another process did not; nothing of the run was changed.
    pub fn go_on(&mut self, head: HeadKey, config: &RecordConfig) -> Result<Recorder, ReplayError> {
        let proven = self.is_proven(head);
        let together = self.resuming.as_ref().and_then(|it| it.together.as_ref());
        if let Some(together) = together {
            if proven.is_err() {
                together.refuse();
            } else {
                together.agree()?;
            }
        }
        proven?;
        let announcements = together.map(Together::announcements);
        let progress = std::mem::take(&mut self.progress);
        let manifest = self.recorded.manifest.clone();
        let at = (head, announcements);
        let run = &self.recorded.run;
        Ok(Recorder::go_on(config, run, manifest, progress, at)?)
    }

    fn is_proven(&mut self, head: HeadKey) -> Result<(), ReplayError> {
        if let Some((difference, _)) = self.first_difference() {
            return Err(ReplayError(format!(
                "the iterations before its last checkpoint came out otherwise than recorded: \
                 {difference}"
            )));
        }
        if !self.findings.equal.contains(&CutKey::Head(head)) {
            return Err(ReplayError("the state could not be compared".to_owned()));
        }
        Ok(())
    }
}

/// Where a state is put back, from where on the run is recorded again, and what can be restored before.
pub(super) struct Found {
    pub(super) start: Option<HeadKey>,
    pub(super) last: HeadKey,
    /// By all processes of the run.
    pub(super) cuts: Vec<CutKey>,
}

/// The last checkpoints that all processes of the run can restore. The run is held from before it is read.
pub(super) fn find(run: &RunHandle) -> Result<(Found, RunGuard), ReplayError> {
    let refused = |why: &str| ReplayError(format!("run {}: {why}", run.id()));
    if is_open(run) {
        return Err(refused("it is being recorded or replayed"));
    }
    let held = run.hold();
    let world_size = run.manifest()?.world_size();
    let ranks: Vec<RunHandle> = (0..world_size).map(|rank| run.of_rank(rank)).collect();
    let mut is_finished = true;
    let mut common: Option<Vec<CutKey>> = None;
    for rank in &ranks {
        is_finished &= has_finished(rank)?;
        let own = restorable(&Recorded::read(rank.clone())?);
        common = Some(match common {
            None => own,
            Some(cuts) => cuts.into_iter().filter(|it| own.contains(it)).collect(),
        });
    }
    if is_finished {
        return Err(refused("it finished, there is nothing to go on with"));
    }
    let cuts = common.unwrap_or_default();
    let heads = cuts.iter().filter_map(|cut| match cut {
        CutKey::Head(head) => Some(*head),
        CutKey::Block(_) | CutKey::Exit(_) => None,
    });
    // one that is damaged cannot be compared with, nor put back
    let mut whole = heads.rev().filter(|head| {
        let mut ranks = ranks.iter();
        ranks.all(|rank| rank.load(&CutKey::Head(*head)).is_ok())
    });
    let last = whole.next().ok_or_else(|| {
        refused("it has no checkpoint that holds all of the state; run the script again")
    })?;
    let start = whole.next();
    Ok((Found { start, last, cuts }, held))
}

/// Somebody who asks the same holds the run for a moment.
fn is_open(run: &RunHandle) -> bool {
    (0..20).all(|_| {
        let is_open = run.is_open();
        if is_open {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        is_open
    })
}

fn has_finished(run: &RunHandle) -> Result<bool, ReplayError> {
    let finished = |record: &JournalRecord| {
        matches!(
            record,
            JournalRecord::Ended {
                status: RunStatus::Finished,
                ..
            }
        )
    };
    Ok(run.journal()?.records.iter().any(finished))
}

/// Cut points whose state can be put back, heads in order.
fn restorable(recorded: &Recorded) -> Vec<CutKey> {
    let needed = needed(recorded);
    let is_restorable = |cut: &CutKey, record: &CheckpointRecord| match cut {
        CutKey::Head(head) => {
            let main = recorded.main_loop_of(head.instance);
            let names = main.and_then(|main| needed.iter().find(|it| it.site == main.id));
            let is_known = recorded.positions.contains_key(head);
            is_known && names.is_some_and(|it| record.restorable(&it.names))
        }
        CutKey::Block(_) | CutKey::Exit(_) => record.restorable(&[]),
    };
    let usable = recorded.checkpoints.iter();
    let usable = usable.filter(|(cut, record)| is_restorable(cut, record));
    usable.map(|(cut, _)| cut.clone()).collect()
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
        leaps: Vec::new(),
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
