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

mod disk;
mod fork;
mod guards;
mod leaving;
mod reads;
mod resume;

pub(crate) use fork::Beginning;

use std::collections::BTreeMap;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Instant;

use florc_manifest::{
    BlockKey, CutKey, HeadKey, JournalRecord, MissingState, RunManifest, RunStatus, Value,
};

pub use self::reads::PendingRead;
use crate::context::LoopToken;
use crate::error::StoreError;
use crate::file_clock;
use crate::graph::Snapshot;
use crate::later::Later;
use crate::lockstep::Lockstep;
use crate::policy::Policy;
use crate::pool::BufferPool;
use crate::progress::{Progress, dead_roots, main_label};
use crate::run::RunHandle;
use crate::thread_time::process_seconds;
use crate::writer::{Job, Writer};
use disk::Disk;

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
    /// Bytes that the run's checkpoints may take on disk; else a quarter of what is free.
    pub storage_limit: Option<u64>,
}

/// What to do at the head of an iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadDecision {
    /// The iteration.
    pub key: HeadKey,
    /// Capture the state and submit it under `CutKey::Head(key)`.
    pub capture: bool,
}

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
    manifest: RunManifest,
    mode: Mode,
    memory_limit: u64,
    pool: BufferPool,
    disk: Option<Disk>,
    progress: Progress,
    policy: Policy,
    lockstep: Lockstep,
    is_due: bool,
    /// When the iteration began, and the last one whose head was taken: see [`Job::time`].
    head_time: f64,
    taken_time: f64,
    block_began: f64,
    began: Instant,
    /// Of the run, when this process took it up.
    seconds_before: f64,
    /// Processor seconds of the process when recording began.
    processor_began: Option<f64>,
    notes: Vec<(String, String)>,
    unexpected: guards::Said,
    /// Ends of main loops whose time was taken by the clock of files.
    dated_exits: u32,
    process: u32,
}

impl Recorder {
    /// Makes the run directory with manifest and sources (path as in the manifest, bytes), and
    /// starts the writer. `run`, `format` and `sources` of the manifest are filled in here.
    pub fn start(
        config: &RecordConfig,
        mut manifest: RunManifest,
        sources: &[(String, Vec<u8>)],
    ) -> Self {
        let pool = BufferPool::bounded(config.memory_limit);
        let disk = Disk::create(config, &mut manifest, sources, &pool);
        let mut recorder = Self::new(config, manifest, pool);
        match disk {
            Ok(disk) => {
                recorder.follow(&disk.run, "due");
                recorder.disk = Some(disk);
            }
            Err(error) => recorder.lose_disk(&error.to_string()),
        }
        recorder
    }

    fn new(config: &RecordConfig, manifest: RunManifest, pool: BufferPool) -> Self {
        Self {
            manifest,
            mode: config.mode,
            memory_limit: config.memory_limit,
            pool,
            disk: None,
            progress: Progress::default(),
            policy: Policy::new(config.mode, 0.0),
            lockstep: Lockstep::Alone,
            is_due: false,
            head_time: 0.0,
            taken_time: f64::NEG_INFINITY,
            block_began: 0.0,
            began: Instant::now(),
            seconds_before: 0.0,
            processor_began: process_seconds(),
            notes: Vec::new(),
            unexpected: guards::Said::new(),
            dated_exits: 0,
            process: std::process::id(),
        }
    }

    /// Id of the run; empty when nothing is recorded.
    pub fn run(&self) -> &str {
        self.disk.as_ref().map_or("", |disk| disk.run.id())
    }

    /// Where the memory of snapshots comes from.
    pub fn pool(&self) -> BufferPool {
        self.pool.clone()
    }

    /// The main loop `site` was entered; `inputs` are content hashes of what it reads and does
    /// not change, `repeats`: a new process draws the same items. `None`: a main loop is running already (recursion); iterate without hooks, but
    /// still call [`Self::leave`] or [`Self::abandon`].
    pub fn loop_entered(
        &mut self,
        site: &str,
        total: Option<u64>,
        inputs: BTreeMap<String, String>,
        repeats: bool,
    ) -> Option<u32> {
        if self.is_forked() {
            return None;
        }
        let label = main_label(&self.manifest, site).to_owned();
        let instance = self.progress.enter(site, &label)?;
        self.policy.loop_entered(total);
        self.is_due = false;
        let seconds = self.now();
        self.append(&JournalRecord::LoopEntered {
            instance,
            site: site.to_owned(),
            inputs,
            repeats,
            seconds,
            file_clock: Some(file_clock::now()),
        });
        Some(instance)
    }

    /// An iteration begins; `position` is the loop variable where it is an integer. `None`
    /// outside of a running main loop.
    pub fn head(&mut self, position: Option<i64>) -> Option<HeadDecision> {
        if self.is_forked() {
            return None;
        }
        let (head, position) = self.progress.head(position)?;
        let seconds = self.now();
        self.append(&JournalRecord::IterationBegan {
            head,
            position,
            seconds,
            file_clock: Some(file_clock::now()),
        });
        self.look_at_writer();
        self.head_time = match self.mode {
            Mode::Adaptive { .. } => seconds,
            Mode::All | Mode::None | Mode::Every(_) => self.head_time + 1.0,
        };
        let is_due = self.decide(head, seconds);
        self.is_due = is_due && self.is_writing();
        Some(HeadDecision {
            key: head,
            capture: self.is_due,
        })
    }

    /// Ranks take the same checkpoints, which rank 0 announces in a file of that name.
    fn follow(&mut self, run: &RunHandle, announcements: &str) {
        if matches!(self.mode, Mode::Adaptive { .. }) {
            let world_size = self.manifest.world_size();
            self.lockstep = Lockstep::new(run, world_size, announcements);
        }
    }

    /// Whether an iteration that begins is materialized.
    fn decide(&mut self, head: HeadKey, seconds: f64) -> bool {
        let is_near = self.head_time - self.taken_time < self.spacing();
        let is_first = head.iteration == 0;
        let told = match &mut self.lockstep {
            Lockstep::Alone => return self.policy.due(is_first, is_near, seconds),
            Lockstep::Leads(_, announced) => *announced == Some(head),
            Lockstep::Follows(follower) => follower.is_due(head),
        };
        let is_due = is_first || told;
        self.policy.begin(is_due, seconds);
        if !is_due && self.policy.wants(is_near, seconds) {
            let iteration = head.iteration + 1;
            self.lockstep.announce(HeadKey { iteration, ..head });
        }
        is_due
    }

    /// A SkipBlock begins. Always true: execute.
    pub fn step_into(&mut self, site: &str) -> bool {
        if !self.is_forked() && self.progress.begin_block(site).is_some() {
            self.block_began = self.now();
        }
        true
    }

    /// A SkipBlock ended. `Some`: capture and submit under `CutKey::Block(key)`.
    pub fn block_end(&mut self, site: &str) -> Option<BlockKey> {
        if self.is_forked() {
            return None;
        }
        let block = self.progress.end_block(site)?;
        let seconds = self.now() - self.block_began;
        self.append(&JournalRecord::BlockEnded {
            block: block.clone(),
            seconds,
        });
        self.is_due.then_some(block)
    }

    /// To be asked before the walk, with the bytes of the last one: may a snapshot of so many bytes be
    /// taken? In the modes `All` and `Every` waits until it may (release the GIL around it).
    pub fn admit(&mut self, cut: &CutKey, bytes: u64) -> bool {
        if self.is_forked() {
            return false;
        }
        let limit = self.memory_limit;
        let Some(writer) = self.disk.as_ref().and_then(|disk| disk.writer.as_ref()) else {
            return false;
        };
        let is_admitted = match self.mode {
            Mode::All | Mode::Every(_) => writer.wait_for_room(bytes, limit),
            Mode::Adaptive { .. } | Mode::None => {
                writer.has_room(matches!(cut, CutKey::Exit(_)), bytes, limit)
            }
        };
        self.look_at_writer();
        if !is_admitted {
            self.dropped(cut.clone(), "earlier checkpoints were still being written");
        }
        is_admitted
    }

    /// To be asked between walk and copy: is a head of so many bytes still worth its cost? If not,
    /// nothing of this iteration is taken.
    pub fn affords(&mut self, cut: &CutKey, bytes: u64) -> bool {
        let (CutKey::Head(head), Lockstep::Alone) = (cut, &self.lockstep) else {
            return true;
        };
        let now = self.now();
        let affords = self.policy.affords(head.iteration == 0, bytes, now);
        if !affords {
            self.is_due = false;
            self.dropped(
                cut.clone(),
                "the state has grown: it waits until the bound on overhead allows",
            );
        }
        affords
    }

    /// Hands a snapshot to the writer. `stall_seconds`: how long the program stood still.
    /// `absent`: roots by name that were left out. `later`: what brings bytes that are not there yet.
    pub fn submit(
        &mut self,
        cut: CutKey,
        (snapshot, later): (Snapshot, Option<Later>),
        stall_seconds: f64,
        absent: Vec<MissingState>,
    ) {
        if self.is_forked() {
            return;
        }
        self.policy
            .stalled(stall_seconds, snapshot.buffers.is_fresh());
        let site = match &cut {
            CutKey::Block(block) => block.site.as_str(),
            CutKey::Head(_) | CutKey::Exit(_) => self.progress.main_site(),
        };
        let dead = dead_roots(&self.manifest, site);
        // nothing shares the exit's moment
        let is_exit = matches!(cut, CutKey::Exit(_));
        let time = if is_exit {
            self.head_time.next_up()
        } else {
            self.head_time
        };
        let now = self.now();
        if let Some(writer) = self.disk.as_ref().and_then(|disk| disk.writer.as_ref()) {
            self.policy.submitted(snapshot.buffers.total());
            if matches!(cut, CutKey::Head(_)) {
                self.taken_time = self.head_time;
            }
            writer.submit(Job {
                cut,
                snapshot,
                later,
                stall_seconds,
                absent,
                dead,
                time,
                spare: self.policy.spare(now),
            });
        }
    }

    /// A due checkpoint could not be captured.
    pub fn dropped(&mut self, cut: CutKey, reason: &str) {
        let reason = reason.to_owned();
        self.append(&JournalRecord::CheckpointDropped { cut, reason });
    }

    /// A log statement was executed.
    pub fn log(&mut self, event: LogEvent) {
        if !self.is_forked() {
            let row = self.progress.row(event);
            self.append(&JournalRecord::Log(row));
        }
    }

    /// A memoized read gave `value`; `None`: something that cannot be kept.
    ///
    /// `most`: of one statement in an iteration no more are kept.
    pub fn clock(&mut self, site: u32, value: Option<Value>, most: u64) {
        if let (Some(read), Some(value)) = (self.reserve(site, most), value) {
            self.answer(&read, value);
        }
    }

    /// A module of the project that is not in the manifest took part: its source.
    pub fn source(&mut self, path: &str, bytes: &[u8]) {
        if self.is_forked() {
            return;
        }
        match self
            .disk
            .as_ref()
            .map(|disk| disk.run.add_source(path, bytes))
        {
            Some(Ok(source)) => self.append(&JournalRecord::Source(source)),
            Some(Err(error)) => {
                let error = StoreError::io(Path::new(path), "keep the source", &error);
                self.lose_disk(&error.to_string());
            }
            None => {}
        }
    }

    /// A `for` loop with a context label was entered.
    pub fn loop_enter(&mut self, label: &str) -> LoopToken {
        self.progress.context.enter(label)
    }

    /// It took its next item: the item where it is an integer.
    pub fn loop_next(&mut self, token: LoopToken, value: Option<i64>) {
        self.progress.context.advance(token, value);
    }

    /// Its iterator ended or went away.
    pub fn loop_exit(&mut self, token: LoopToken) {
        self.progress.context.exit(token);
    }

    /// An iteration of the `while` loop `site` of the frame `frame` (any number that tells frames
    /// apart while they live) begins.
    pub fn tick(&mut self, site: &str, label: &str, frame: usize) {
        self.progress.context.tick(site, label, frame);
    }

    /// That loop ended.
    pub fn untick(&mut self, site: &str, frame: usize) {
        self.progress.context.untick(site, frame);
    }

    /// Adds a note to the journal and to [`Self::take_notes`].
    pub fn note(&mut self, code: &str, text: &str) {
        self.notes.push((code.to_owned(), text.to_owned()));
        self.keep(code, text);
    }

    /// Something that a replay wants to know, and nobody else.
    pub fn keep(&mut self, code: &str, text: &str) {
        self.append(&JournalRecord::Note {
            code: code.to_owned(),
            text: text.to_owned(),
        });
    }

    /// Notes (code, text) since the last call, for stderr.
    pub fn take_notes(&mut self) -> Vec<(String, String)> {
        mem::take(&mut self.notes)
    }

    /// Seconds spent for florc so far: stalls, and background work that took a processor from others.
    pub fn florc_seconds(&self) -> f64 {
        self.policy.spent()
    }

    /// The script ended: waits for the writer and closes the journal. Later calls do nothing.
    pub fn finish(&mut self, status: RunStatus) {
        if self.is_forked() {
            return;
        }
        let seconds = self.now();
        self.close_writer();
        let florc_seconds = self.policy.spent();
        let processors = self.processors();
        self.append(&JournalRecord::Ended {
            status,
            seconds,
            florc_seconds,
            processors,
        });
        if let Some(why) = self.disk.as_ref().and_then(Disk::close) {
            self.lose_disk(&why);
        }
        self.disk = None;
    }

    /// How many processors this process kept busy on average, without the writer.
    fn processors(&self) -> Option<f64> {
        let all = process_seconds()? - self.processor_began?;
        let writer = self.disk.as_ref().and_then(|disk| disk.writer.as_ref());
        let own = all - writer.map_or(0.0, Writer::worked);
        let seconds = self.began.elapsed().as_secs_f64();
        (seconds > 0.0).then(|| own / seconds)
    }

    fn close_writer(&mut self) {
        let began = self.now();
        if let Some(writer) = self.disk.as_mut().and_then(|disk| disk.writer.as_mut()) {
            writer.close();
        }
        self.policy.stalled(self.now() - began, false);
        self.look_at_writer();
    }

    fn now(&self) -> f64 {
        self.seconds_before + self.began.elapsed().as_secs_f64()
    }

    /// Checkpoints that are nearer to each other are taken in vain.
    fn spacing(&self) -> f64 {
        let writer = self.disk.as_ref().and_then(|disk| disk.writer.as_ref());
        writer.map_or(0.0, Writer::spacing)
    }

    fn is_writing(&self) -> bool {
        self.disk.as_ref().is_some_and(|disk| disk.writer.is_some())
    }

    /// Takes in what the writer has to tell.
    fn look_at_writer(&mut self) {
        let Some(disk) = &mut self.disk else { return };
        let Some(writer) = &disk.writer else { return };
        for written in writer.take_written() {
            self.policy.wrote(written);
        }
        if let Some(failure) = writer.failure() {
            disk.writer = None;
            self.is_due = false;
            self.note(
                "checkpoints-stopped",
                &format!("no more checkpoints are written, the run goes on: {failure}"),
            );
        }
    }

    fn append(&mut self, record: &JournalRecord) {
        let Some(disk) = &self.disk else { return };
        let written = disk
            .journal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .append(record);
        if let Err(error) = written {
            let error = StoreError::io(&disk.run.journal_path(), "write the journal", &error);
            self.lose_disk(&error.to_string());
        }
    }

    /// Nothing more is recorded; the program goes on.
    fn lose_disk(&mut self, why: &str) {
        self.disk = None;
        self.is_due = false;
        // one trouble, one note: the larger one
        self.notes.retain(|(code, _)| code != "checkpoints-stopped");
        let text = format!("the run is not recorded any further and goes on: {why}");
        self.notes.push(("store-unwritable".to_owned(), text));
    }

    /// A forked child (a `DataLoader` worker) must not write its parent's journal.
    fn is_forked(&mut self) -> bool {
        if self.process == std::process::id() {
            return false;
        }
        // its threads are not here, and its locks may be held
        mem::forget(self.disk.take());
        true
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if !self.is_forked() {
            self.close_writer();
        }
    }
}
