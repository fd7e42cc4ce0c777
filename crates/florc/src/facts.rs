//! A recorded run, read once: iterations with their times, checkpoints, rows.
//!
//! ```python
//! for epoch in range(3):     # three iterations, each with its blocks, rows and checkpoints
//! ```
//!
//! Puts the journal's records in order; it reads no checkpoint's content and judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use florc_manifest::{
    BlockKey, CheckpointRecord, CutKey, HeadKey, JournalRecord, KEPT_FILES, MUTED_LOGS,
    MainLoopSite, ProgramModule, Row, RunManifest, RunStatus, SourceFile, SourceSpan,
};
use florc_runtime::{RunHandle, Torn};

use crate::failure::Failure;

/// One iteration of the main loop.
#[derive(Clone, Debug)]
pub(crate) struct IterationFacts {
    pub(crate) head: HeadKey,
    /// Value shown in contexts.
    pub(crate) position: i64,
    /// Since the start of the run.
    pub(crate) began: f64,
    /// How long it took; of the last one of a killed run what is known.
    pub(crate) seconds: f64,
    /// SkipBlocks that ran in it, with their seconds.
    pub(crate) blocks: Vec<(BlockKey, f64)>,
}

/// How a script ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) status: RunStatus,
    pub(crate) seconds: f64,
    pub(crate) florc_seconds: f64,
    pub(crate) processors: Option<f64>,
}

/// What is known of a run.
#[derive(Clone, Debug)]
pub(crate) struct RunFacts {
    pub(crate) manifest: RunManifest,
    /// In program order.
    pub(crate) iterations: Vec<IterationFacts>,
    /// The main loop of each entry, by id; empty where there was only one.
    sites: BTreeMap<u32, String>,
    /// Entries of a main loop in which a worker may draw items up to its start.
    pub(crate) repeats: BTreeSet<u32>,
    /// Main loops and SkipBlocks in which functions were called that were not expected there, and change something.
    pub(crate) unexpected: BTreeSet<String>,
    /// The same of functions that change nothing, with the function: file and qualified name.
    pub(crate) entered: BTreeSet<(String, String, String)>,
    /// Loops over numbers or texts whose positions are counts.
    pub(crate) counted: BTreeSet<String>,
    /// Calls of loggers (log sites) that some level kept from being shown; `None`: nobody looked.
    pub(crate) muted: Option<BTreeSet<u32>>,
    /// When a main loop was first entered.
    pub(crate) loop_began: Option<f64>,
    /// When the last one was left; `None` inside of one, also where an exception ended the run there.
    pub(crate) loop_left: Option<f64>,
    /// The last one was left by an exception.
    left_by_exception: bool,
    pub(crate) checkpoints: BTreeMap<CutKey, CheckpointRecord>,
    /// Due checkpoints that were not taken or written.
    pub(crate) dropped: Vec<(CutKey, String)>,
    pub(crate) rows: Vec<Row>,
    pub(crate) sources: Vec<SourceFile>,
    pub(crate) notes: Vec<(String, String)>,
    /// `None`: killed, or still running.
    pub(crate) ended: Option<Ended>,
    pub(crate) torn: Option<Torn>,
    /// A process is recording or replaying it; asked only where it has not ended.
    is_open: bool,
}

impl RunFacts {
    /// Reads a run.
    pub(crate) fn read(run: &RunHandle) -> Result<Self, Failure> {
        let manifest = run.manifest()?;
        let journal = run.journal()?;
        let mut facts = Self {
            manifest,
            iterations: Vec::new(),
            sites: BTreeMap::new(),
            repeats: BTreeSet::new(),
            unexpected: BTreeSet::new(),
            entered: BTreeSet::new(),
            counted: BTreeSet::new(),
            muted: None,
            loop_began: None,
            loop_left: None,
            left_by_exception: false,
            checkpoints: BTreeMap::new(),
            dropped: Vec::new(),
            rows: Vec::new(),
            sources: Vec::new(),
            notes: Vec::new(),
            ended: None,
            torn: journal.torn.clone(),
            is_open: false,
        };
        for checkpoint in run.checkpoints_of(&journal)? {
            facts.checkpoints.insert(checkpoint.cut.clone(), checkpoint);
        }
        facts.sources.clone_from(&facts.manifest.sources);
        let mut last = 0.0;
        for record in journal.records {
            facts.add(record, &mut last);
        }
        facts.close_iteration(last);
        facts.is_open = facts.ended.is_none() && run.is_open();
        Ok(facts)
    }

    /// Processes that trained together are restored together: at the checkpoints that all have.
    pub(crate) fn keep_what_all_ranks_have(&mut self, run: &RunHandle) -> Result<(), Failure> {
        for rank in 1..self.manifest.world_size() {
            let other = run.of_rank(rank);
            if let Err(error) = other.manifest() {
                let count = self.manifest.world_size();
                let title = format!("rank {rank} of {count} was not recorded: {error}");
                return Err(Failure::new(title).help(
                    "a replay needs what all processes of the run recorded, in one store: put that of the other \
                     machines into it, or let FLORC_DIR name a folder that all of them share, and record again",
                ));
            }
            let theirs = Self::read(&other)?;
            let can_restore = |cut: &CutKey| {
                let record = theirs.checkpoints.get(cut);
                record.is_some_and(|it| it.restorable(&[]))
            };
            self.checkpoints.retain(|cut, _| can_restore(cut));
            let notes = theirs.notes.into_iter();
            let notes = notes.map(|(code, text)| (code, format!("rank {rank}: {text}")));
            self.notes.extend(notes);
        }
        Ok(())
    }

    fn add(&mut self, record: JournalRecord, last: &mut f64) {
        match record {
            JournalRecord::LoopEntered {
                instance,
                site,
                repeats,
                seconds,
                ..
            } => {
                self.entered(instance, site, repeats, seconds);
                *last = seconds;
            }
            JournalRecord::IterationBegan {
                head,
                position,
                seconds,
                ..
            } => {
                self.close_iteration(seconds);
                let blocks = Vec::new();
                self.iterations.push(IterationFacts {
                    head,
                    position,
                    began: seconds,
                    seconds: -1.0,
                    blocks,
                });
                *last = seconds;
            }
            JournalRecord::BlockEnded { block, seconds } => {
                if let Some(iteration) = self.iterations.last_mut() {
                    iteration.blocks.push((block, seconds));
                }
            }
            JournalRecord::LoopLeft {
                seconds, raised, ..
            } => {
                self.left(seconds, raised);
                *last = seconds;
            }
            JournalRecord::Unexpected { guard, site } => self.ran_unexpectedly(guard, site),
            JournalRecord::CheckpointDropped { cut, reason } => self.dropped.push((cut, reason)),
            JournalRecord::Log(row) => self.rows.push(row),
            JournalRecord::Source(source) => self.sources.push(source),
            JournalRecord::Note { code, text } => self.noted(code, text),
            JournalRecord::Ended {
                status,
                seconds,
                florc_seconds,
                processors,
            } => {
                self.ends(Ended {
                    status,
                    seconds,
                    florc_seconds,
                    processors,
                });
                *last = seconds;
            }
            // Checkpoints come from the packs; clock reads are the worker's.
            JournalRecord::Checkpoint(_) | JournalRecord::Clock { .. } => {}
        }
    }

    fn left(&mut self, seconds: f64, by_exception: bool) {
        self.close_iteration(seconds);
        self.loop_left = Some(seconds);
        self.left_by_exception = by_exception;
    }

    fn ends(&mut self, ended: Ended) {
        if self.left_by_exception && matches!(ended.status, RunStatus::Raised { .. }) {
            self.loop_left = None;
        }
        self.ended = Some(ended);
    }

    fn noted(&mut self, code: String, text: String) {
        match code.as_str() {
            "packages" => self.packages(&text),
            "counted-loop" => {
                self.counted.insert(text);
            }
            KEPT_FILES => {}
            MUTED_LOGS => self.muted = serde_json::from_str(&text).ok(),
            _ => self.notes.push((code, text)),
        }
    }

    fn ran_unexpectedly(&mut self, guard: u32, site: String) {
        let module = self.manifest.modules.first();
        match module.and_then(|module| module.guards.get(guard as usize)) {
            Some(guard) if !guard.changes => {
                let file = self.file_of(&guard.span).to_owned();
                self.entered.insert((site, file, guard.function.clone()));
            }
            _ => {
                self.unexpected.insert(site);
            }
        }
    }

    fn entered(&mut self, instance: u32, site: String, repeats: bool, seconds: f64) {
        self.sites.insert(instance, site);
        self.loop_left = None;
        self.repeats.extend(repeats.then_some(instance));
        self.loop_began.get_or_insert(seconds);
    }

    /// `numpy 2.1.0, torch 2.6.0`: known only when the main loop begins.
    fn packages(&mut self, text: &str) {
        for (name, version) in text.split(", ").filter_map(|each| each.split_once(' ')) {
            let packages = &mut self.manifest.environment.packages;
            packages.insert(name.to_owned(), version.to_owned());
        }
    }

    fn close_iteration(&mut self, now: f64) {
        if let Some(iteration) = self.iterations.last_mut()
            && iteration.seconds < 0.0
        {
            iteration.seconds = (now - iteration.began).max(0.0);
        }
    }

    /// The main loop that an iteration belongs to.
    pub(crate) fn main_loop_of(&self, head: HeadKey) -> Option<&MainLoopSite> {
        let module = self.manifest.modules.first()?;
        match self.sites.get(&head.instance).map(String::as_str) {
            None | Some("") => module.main_loops.first(),
            Some(id) => module.main_loop(id),
        }
    }

    /// The entry file as rows name it: the main module's path in the project.
    pub(crate) fn file(&self) -> &str {
        match self.manifest.modules.first() {
            Some(module) => &module.file,
            None => &self.manifest.script,
        }
    }

    /// The files that were analysed together, the entry first.
    pub(crate) fn program(&self) -> Vec<ProgramModule> {
        if !self.manifest.program.is_empty() {
            return self.manifest.program.clone();
        }
        vec![ProgramModule {
            path: self.file().to_owned(),
            name: "__main__".to_owned(),
            package: String::new(),
            excerpt: Vec::new(),
        }]
    }

    /// The file of a place in the recorded sources.
    pub(crate) fn file_of<'a>(&'a self, span: &'a SourceSpan) -> &'a str {
        if span.file.is_empty() {
            self.file()
        } else {
            &span.file
        }
    }

    /// The file of a recorded row.
    pub(crate) fn file_of_row(&self, row: &Row) -> &str {
        let modules = self.manifest.modules.first();
        let site = modules.and_then(|module| module.logs.get(row.site as usize));
        site.map_or(self.file(), |site| self.file_of(&site.span))
    }

    /// Seconds that the recorded script took, as far as known.
    pub(crate) fn seconds(&self) -> f64 {
        let last = self.iterations.last().map(|each| each.began + each.seconds);
        self.ended
            .as_ref()
            .map(|ended| ended.seconds)
            .or(last)
            .unwrap_or(0.0)
    }

    /// Whether nobody knows how the run ended (it was killed), or how its last main loop did: by an
    /// interrupt, by an exception that ended the run, or by one that left a `while` loop.
    pub(crate) fn cut_short(&self) -> bool {
        let inside = self.loop_left.is_none() && !self.iterations.is_empty();
        self.ended.is_none() || inside
    }

    /// How the run ended, in a few words.
    pub(crate) fn outcome(&self) -> String {
        match self.ended.as_ref().map(|ended| &ended.status) {
            Some(RunStatus::Finished) => "finished".to_owned(),
            Some(RunStatus::Exited { code }) => format!("exit code {code}"),
            Some(RunStatus::Raised { exception }) => {
                format!("raised {}", exception.lines().next().unwrap_or_default())
            }
            None if self.is_open => "still running".to_owned(),
            None => "incomplete: killed, or its recording stopped".to_owned(),
        }
    }
}
