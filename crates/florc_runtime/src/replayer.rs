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

mod check;
mod files;
mod fork;
mod history;
mod leap;
mod resume;
mod together;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::time::Instant;

use florc_manifest::{
    BlockKey, CutKey, FORMAT_VERSION, HeadKey, LIBRARY_READS, Leap, ReplayPlan, Segment,
    SegmentEnd, SegmentStart, Value,
};

use self::check::Findings;
use crate::addresses::shows_address;
use crate::checkpoint::Checkpoint;
use crate::context::LoopToken;
use crate::error::StoreError;
use crate::forward::Rows;
use crate::progress::{Moment, Progress, main_label};
use crate::recorded::{LoggedRow, Recorded};
use crate::recorder::LogEvent;
use crate::shard::{ShardWriter, has_shards, shard_path};
use crate::store::Store;

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
    /// Capture the state, give it to [`Replayer::verify`], then go on.
    Check(HeadKey),
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

impl From<StoreError> for ReplayError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

/// The replaying side: one segment.
#[derive(Debug)]
pub struct Replayer {
    plan: ReplayPlan,
    segment: Segment,
    recorded: Recorded,
    shard: Option<ShardWriter>,
    progress: Progress,
    /// Head at which the state is to be put back.
    restore_at: Option<HeadKey>,
    /// Iterations that were left out.
    leapt: Vec<Leap>,
    /// Read before it was named, so that damage was found while there was a choice.
    loaded: Option<Checkpoint>,
    /// How many parts were skipped, which may have written files, and since when.
    unwritten: (u64, Option<f64>),
    /// Globals that a jump left as they were, since nobody reads them before they are bound again.
    stale: BTreeSet<String>,
    skipped: BTreeSet<BlockKey>,
    /// An added statement may have changed the state since it was last compared.
    is_doubtful: bool,
    /// When a main loop was entered first.
    entered: Option<Instant>,
    forward: Rows,
    findings: Findings,
    process: u32,
    resuming: Option<resume::Resuming>,
}

impl Replayer {
    /// Reads the plan and the run, for one of the processes that replay the segment.
    /// `Ok(None)`: it was replayed to its end before.
    pub fn open(plan: &Path, segment: u32, rank: u32) -> Result<Option<Self>, ReplayError> {
        let broken = |what: String| ReplayError(format!("{}: {what}", plan.display()));
        let text = std::fs::read(plan).map_err(|error| broken(error.to_string()))?;
        let directory = plan.parent().unwrap_or(Path::new("."));
        let plan: ReplayPlan =
            serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
        if plan.format > FORMAT_VERSION {
            return Err(broken("written by a newer florc; update florc".into()));
        }
        let Some(mine) = plan.segments.iter().find(|it| it.index == segment).cloned() else {
            return Err(broken(format!("there is no segment {segment}")));
        };
        let path = shard_path(directory, segment, rank);
        if path.exists() {
            return Ok(None);
        }
        let run = Store::open(Path::new(&plan.store))?.run(&plan.run)?;
        let mut recorded = Recorded::read(run.of_rank(rank))?;
        let others = (0..plan.world_size).filter(|it| *it != rank);
        for other in others {
            let needed = |site: &str| plan.needed_at(site);
            recorded.keep_what_is_restorable(&Recorded::read(run.of_rank(other))?, &needed);
        }
        let shard = ShardWriter::create(path)
            .map_err(|error| broken(format!("cannot write the rows: {error}")))?;
        Ok(Some(Self {
            shard: Some(shard),
            ..Self::of(plan, mine, recorded)
        }))
    }

    /// At the first statement of the program.
    fn of(plan: ReplayPlan, segment: Segment, recorded: Recorded) -> Self {
        Self {
            plan,
            segment,
            recorded,
            shard: None,
            progress: Progress::default(),
            restore_at: None,
            leapt: Vec::new(),
            loaded: None,
            unwritten: (0, None),
            stale: BTreeSet::new(),
            skipped: BTreeSet::new(),
            is_doubtful: false,
            entered: None,
            forward: Rows::new(),
            findings: Findings::default(),
            process: std::process::id(),
            resuming: None,
        }
    }

    /// The plan.
    pub fn plan(&self) -> &ReplayPlan {
        &self.plan
    }

    /// Number of the segment.
    pub fn segment(&self) -> u32 {
        self.segment.index
    }

    /// The main loop was entered. An error: the inputs (content hashes) are not those of the
    /// recorded run; call [`Self::fail`] with it and end the process. `None` and `repeats`: as for
    /// [`crate::Recorder::loop_entered`].
    pub fn main_enter(
        &mut self,
        site: &str,
        inputs: &BTreeMap<String, String>,
        repeats: bool,
    ) -> Result<Option<MainEntry>, ReplayError> {
        let label = main_label(&self.recorded.manifest, site).to_owned();
        let Some(instance) = self.progress.enter(site, &label) else {
            return Ok(None);
        };
        let then = self.recorded.sites.get(&instance);
        let is_same = |then: &&String| then.is_empty() || *then == site;
        self.entered.get_or_insert_with(Instant::now);
        let recorded = self.recorded.inputs.get(&instance);
        let Some(recorded) = recorded.filter(|_| then.is_some_and(|then| is_same(&then))) else {
            return Err(ReplayError(format!(
                "the main loop `{label}` is entered as the {}. main loop, which the recorded run \
                 did not do",
                instance + 1
            )));
        };
        let differs = |(name, hash): &(&String, &String)| inputs.get(*name) != Some(*hash);
        let names: Vec<_> = recorded
            .iter()
            .filter(differs)
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let fork = self.resuming.as_mut().and_then(|it| it.fork.as_mut());
        let is_fork = fork.is_some();
        if let Some(fork) = fork {
            fork.entered(site, inputs, repeats);
        }
        if !names.is_empty() && !is_fork {
            self.findings.inputs_differ(instance, inputs);
            return Err(ReplayError(format!(
                "{} differ from the recorded run where the main loop begins; seed what makes \
                 them, or put back the files they are read from",
                names.join(", ")
            )));
        }
        let may_jump = repeats && self.recorded.repeats.contains(&instance);
        let jump = may_jump.then(|| self.choose_jump(site, instance)).flatten();
        if let Some(jump) = jump {
            self.progress.fast_forward(jump.iteration);
            if jump.iteration > 0 {
                self.skips(Moment::gap(instance));
            }
            self.stale.extend(self.recorded.dead_globals(site));
        }
        if let Some(error) = self.findings.error.clone().filter(|_| self.must_end()) {
            return Err(ReplayError(error));
        }
        self.restore_at = jump;
        Ok(Some(MainEntry { instance, jump }))
    }

    /// The latest head that can be restored, not after the segment's start.
    fn choose_jump(&mut self, site: &str, instance: u32) -> Option<HeadKey> {
        let SegmentStart::Head(start) = self.segment.start else {
            return None;
        };
        // with the added statements a loop may need what its checkpoints do not hold
        let mut probed = self.plan.main_loops.iter();
        let is_refused = probed.any(|main| main.id == site && !main.recreatable);
        if instance > start.instance || is_refused || !self.recorded.can_jump(site) {
            return None;
        }
        let last = if instance == start.instance {
            start.iteration
        } else {
            u64::MAX
        };
        let range = CutKey::Head(HeadKey {
            instance,
            iteration: 0,
        })..=CutKey::Head(HeadKey {
            instance,
            iteration: last,
        });
        let heads: Vec<CutKey> = self
            .recorded
            .checkpoints
            .range(range)
            .map(|(cut, _)| cut.clone())
            .rev()
            .collect();
        heads.into_iter().find_map(|cut| match cut {
            CutKey::Head(head) => self.load(&cut).then_some(head),
            CutKey::Block(_) | CutKey::Exit(_) => None,
        })
    }

    /// Reads a checkpoint if it may be restored here.
    fn load(&mut self, cut: &CutKey) -> bool {
        let Some(record) = self.recorded.checkpoints.get(cut) else {
            return false;
        };
        let site = match cut {
            CutKey::Block(block) => block.site.as_str(),
            CutKey::Head(_) | CutKey::Exit(_) => self.progress.main_site(),
        };
        if self.recorded.is_refused(cut) || !record.restorable(self.plan.needed_at(site)) {
            return false;
        }
        match self.recorded.run.load_record(record) {
            Ok(checkpoint) if self.lacks_history(cut, &checkpoint) => false,
            Ok(checkpoint) => {
                self.loaded = Some(checkpoint);
                true
            }
            Err(error) => {
                let text = format!("a checkpoint could not be used: {error}");
                if self.plan.world_size > 1 || self.is_together() {
                    // the other processes go on from it: this one cannot take another way
                    self.fail(&text);
                }
                self.findings.reason(text);
                false
            }
        }
    }

    /// An iteration begins.
    pub fn head(&mut self, position: Option<i64>) -> HeadStep {
        let Some((key, position)) = self.progress.head(position) else {
            return HeadStep::Ignore;
        };
        if self.restore_at.take() == Some(key) {
            if let Some(fork) = self.resuming.as_mut().and_then(|it| it.fork.as_mut()) {
                fork.at(position);
            }
            self.has_reached(key);
            // What is before the first main loop has a segment of its own.
            if std::mem::take(&mut self.is_doubtful) && key.instance > 0 {
                let text = "it also ran on the way there, where nothing is compared";
                self.findings.elsewhere(text.to_owned());
            }
            return HeadStep::Restore(key);
        }
        self.has_reached(key);
        let is_end = matches!(self.segment.end, SegmentEnd::Head(end) if key >= end);
        match self.recorded.positions.get(&key) {
            Some(recorded) if *recorded != position => {
                let text = format!(
                    "iteration {}: recorded position {recorded}, replay is at {position}",
                    key.iteration
                );
                self.findings.differs(text, Moment::head(key));
            }
            None if !is_end => return self.beyond_record(key),
            Some(_) | None => {}
        }
        if is_end {
            self.findings.has_stopped = true;
            return HeadStep::Stop(key);
        }
        let cut = CutKey::Head(key);
        if self.is_inside(Moment::head(key)) && self.recorded.checkpoints.contains_key(&cut) {
            return HeadStep::Check(key);
        }
        HeadStep::Run(key)
    }

    fn has_reached(&mut self, key: HeadKey) {
        self.findings.has_reached_start |= match self.segment.start {
            SegmentStart::Beginning => true,
            SegmentStart::Head(start) => key == start,
        };
    }

    /// An iteration that the recorded run did not begin.
    fn beyond_record(&mut self, key: HeadKey) -> HeadStep {
        self.findings.has_stopped = true;
        let iteration = key.iteration;
        if self.recorded.cut_off.is_some() {
            let text = format!("the recorded run was killed before iteration {iteration}");
            self.findings.reason(text);
        } else {
            let text = format!("replay begins iteration {iteration}, the recorded run did not");
            self.findings.differs(text, Moment::head(key));
        }
        HeadStep::Stop(key)
    }

    /// A SkipBlock begins.
    pub fn step_into(&mut self, site: &str) -> Step {
        let Some(key) = self.progress.begin_block(site) else {
            return Step::Execute;
        };
        let mut carrying = self.plan.carrying.iter();
        let carries = carrying.any(|it| it == self.progress.main_site());
        let is_asked = carries || self.is_asked(self.progress.moment());
        let has_probe = self.plan.executed_blocks.iter().any(|block| block == site);
        let must_run = (is_asked && has_probe)
            || self.recorded.must_run(site)
            || self.is_redirected(site)
            || self.is_doubtful
            || self.is_forking();
        if must_run || !self.load(&CutKey::Block(key.clone())) {
            return Step::Execute;
        }
        self.progress.end_block(site);
        if self.may_write(site) {
            self.skips(self.progress.moment());
        }
        self.skipped.insert(key.clone());
        Step::Skip(key)
    }

    /// A SkipBlock was run to its end. `Some`: capture and give to [`Self::verify`] under
    /// `CutKey::Block(key)`. A block that was skipped may be announced too; nothing is done then.
    pub fn block_end(&mut self, site: &str) -> Option<BlockKey> {
        let key = self.progress.end_block(site)?;
        let cut = CutKey::Block(key.clone());
        let is_checked =
            self.is_inside(self.progress.moment()) && self.recorded.checkpoints.contains_key(&cut);
        is_checked.then_some(key)
    }

    /// Loads a checkpoint that an answer of this type named.
    pub fn checkpoint(&mut self, cut: &CutKey) -> Result<Checkpoint, ReplayError> {
        match self.loaded.take_if(|loaded| loaded.record.cut == *cut) {
            Some(loaded) => Ok(loaded),
            None => Ok(self.recorded.run.load(cut)?),
        }
    }

    /// The main loop ended. `Some`: capture and give to [`Self::verify`], then go on.
    pub fn leave(&mut self) -> Option<CutKey> {
        let exit = self.progress.leave()?;
        self.has_left(exit.instance);
        let is_inside = self.is_inside(Moment::gap(exit.instance + 1));
        match self.recorded.left.get(&exit.instance) {
            Some(count) if *count == exit.iteration => {}
            None if self.recorded.cut_off.is_some() => self
                .findings
                .reason("the recorded run was killed before the main loop ended".to_owned()),
            recorded => {
                let then =
                    recorded.map_or("it was left otherwise".to_owned(), |n| format!("after {n}"));
                let text = format!(
                    "the main loop ended after {} iterations, in the recorded run {then}",
                    exit.iteration
                );
                self.findings.differs(text, Moment::head(exit));
            }
        }
        let cut = CutKey::Exit(exit);
        (is_inside && self.recorded.checkpoints.contains_key(&cut)).then_some(cut)
    }

    /// As [`crate::Recorder::abandon`].
    pub fn abandon(&mut self) {
        if let Some(exit) = self.progress.leave() {
            self.has_left(exit.instance);
        }
    }

    /// A log statement was executed. `site` is an index in the probed module.
    pub fn log(&mut self, event: LogEvent) {
        let moment = self.progress.moment();
        let row = self.progress.row(event);
        if !self.is_inside(moment) || self.process != std::process::id() {
            return;
        }
        match self
            .plan
            .forward_sites
            .get(row.site as usize)
            .copied()
            .flatten()
        {
            Some(site) => {
                let rows = self.forward.entry(moment).or_default();
                rows.push(LoggedRow {
                    site,
                    block: row.block,
                    context: row.context,
                    text: row.text,
                    values: row.values,
                });
            }
            None if self.is_asked(moment) => {
                if shows_address(&row.text) {
                    let text = "a log statement shows the address of an object (` at 0x…`), which is \
                                another one in every process";
                    self.findings.reason(text.to_owned());
                }
                let written = self.shard.as_mut().map_or(Ok(()), |shard| shard.row(row));
                if let Err(error) = written {
                    self.fail(&format!("cannot write the rows: {error}"));
                }
            }
            None => {}
        }
    }

    /// The recorded result of a memoized read, one of `most` that are kept; `None`: read the world.
    pub fn clock(&mut self, site: u32, most: u64) -> Option<Value> {
        let of_program = self.plan.clock_sites.get(site as usize).copied();
        let of_library = (site >= LIBRARY_READS).then_some(site);
        let site = of_program.flatten().or(of_library)?;
        let index = self.progress.count_read(site);
        let moment = self.progress.moment();
        let key = (moment, self.progress.block().cloned(), site, index);
        let value = self.recorded.reads.get(&key).cloned();
        if value.is_none() && index < most && self.is_inside(moment) {
            let text = "a read of the clock or the system was not recorded and was made anew";
            self.findings.reason(text.to_owned());
        }
        value
    }

    /// As [`crate::Recorder::loop_enter`].
    pub fn loop_enter(&mut self, label: &str) -> LoopToken {
        self.progress.context.enter(label)
    }

    /// As [`crate::Recorder::loop_next`].
    pub fn loop_next(&mut self, token: LoopToken, value: Option<i64>) {
        self.progress.context.advance(token, value);
    }

    /// As [`crate::Recorder::loop_exit`].
    pub fn loop_exit(&mut self, token: LoopToken) {
        self.progress.context.exit(token);
    }

    /// As [`crate::Recorder::tick`].
    pub fn tick(&mut self, site: &str, label: &str, frame: usize) {
        self.progress.context.tick(site, label, frame);
    }

    /// As [`crate::Recorder::untick`].
    pub fn untick(&mut self, site: &str, frame: usize) {
        self.progress.context.untick(site, frame);
    }

    /// Something was not exact (restored approximately, could not be checked).
    pub fn approximate(&mut self, reason: &str) {
        self.findings.reason(reason.to_owned());
    }

    /// An added statement that may change the training runs now: until a checkpoint shows that it did
    /// not, what follows is run rather than put back.
    pub fn doubt(&mut self) {
        self.is_doubtful = true;
    }

    /// Whether an added statement may have changed the state since it was last compared.
    pub fn is_doubtful(&self) -> bool {
        self.is_doubtful
    }

    /// An added statement may have changed something that no checkpoint shows.
    pub fn elsewhere(&mut self, text: &str) {
        self.findings.elsewhere(text.to_owned());
    }

    /// An added statement changes the training now: the user allows it, and nothing is compared from
    /// here on.
    pub fn impure(&mut self) {
        self.findings.impure(self.progress.moment());
    }

    /// The segment cannot be replayed: the verdict is `failed`.
    pub fn fail(&mut self, error: &str) {
        self.findings.error.get_or_insert_with(|| error.to_owned());
    }

    /// Whether the segment has failed, so that the process is to end: others wait for it.
    pub fn must_end(&self) -> bool {
        self.plan.world_size > 1 && self.findings.error.is_some()
    }

    /// Waits until the other processes of the segment have published their shards too: they may
    /// still need this one. Whoever started them ends the process sooner where that is in vain.
    pub fn wait_for_others(replay: &Path, world_size: u32, segment: u32) {
        while !has_shards(replay, segment, world_size) {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Whether rows of a moment belong to the segment.
    fn is_inside(&self, moment: Moment) -> bool {
        let is_after_start = match self.segment.start {
            SegmentStart::Beginning => true,
            SegmentStart::Head(start) => moment >= Moment::head(start),
        };
        let is_before_end = match self.segment.end {
            SegmentEnd::Head(end) => moment < Moment::head(end),
            SegmentEnd::Program => true,
        };
        is_after_start && is_before_end && !self.is_leapt_over(moment)
    }

    /// Whether rows of a moment are asked for.
    fn is_asked(&self, moment: Moment) -> bool {
        let is_wanted = |key| self.segment.wanted.is_empty() || self.segment.wanted.contains(&key);
        self.is_inside(moment) && moment.key().is_none_or(is_wanted)
    }
}
