//! Starts the workers, a few at a time.
//!
//! ```python
//! # python -m florc._runner --worker plan.json --segment 0
//! ```
//!
//! What a worker prints is muted by the worker itself, and what it says goes to a file beside its
//! shard. Whether a segment counts is read from its shard, not from an exit code; a worker that was
//! killed is started again, and a segment whose shard is there is done.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Instant;

use florc_runtime::has_shards;

use super::find::Subject;
use super::gpus;
use super::plan::Stored;
use crate::failure::Failure;
use crate::segment_processes::{Segment, Started, words_path};
use crate::{out, table};

/// A segment whose worker is killed so often is given up.
const ATTEMPTS: u32 = 3;

/// What is to be done.
pub(crate) struct Work<'a> {
    pub(crate) python: &'a Path,
    pub(crate) stored: &'a Stored,
    pub(crate) subject: &'a Subject,
    /// Expected seconds of each segment.
    pub(crate) seconds: Vec<f64>,
    /// Segments to run, the first first.
    pub(crate) order: Vec<u32>,
    /// No segment begins that would not be done in this time.
    pub(crate) budget: Option<f64>,
    /// GPUs, divided among the workers; empty: each sees all.
    pub(crate) gpus: &'a [String],
}

/// Runs every segment that has no shard, in the order of `work`; at most `workers` processes at a
/// time. Gives those for which there was no time.
pub(crate) fn run(work: &Work<'_>, workers: usize) -> Result<Vec<u32>, Failure> {
    let segments = work.order.iter().copied();
    let missing = segments.filter(|it| !work.has_shard(*it));
    let mut waiting: VecDeque<(u32, u32)> = missing.map(|it| (it, 1)).collect();
    let mut running: Vec<Running> = Vec::new();
    let mut progress = Progress::new(work, waiting.iter().map(|(segment, _)| *segment));
    while !waiting.is_empty() || !running.is_empty() {
        while running.len() < workers {
            let Some((segment, attempt)) = progress.next(&mut waiting) else {
                break;
            };
            let taken = |slot: &usize| running.iter().any(|worker| worker.slot == *slot);
            let slot = (0..workers).find(|slot| !taken(slot)).unwrap_or_default();
            running.push(Running {
                processes: work.start(segment, slot)?,
                slot,
                segment,
                attempt,
                began: Instant::now(),
            });
        }
        if running.is_empty() {
            break;
        }
        let mut ended = Vec::new();
        running.retain_mut(|worker| match worker.processes.try_wait() {
            None => true,
            Some(how) => {
                let seconds = worker.began.elapsed().as_secs_f64();
                ended.push((worker.segment, worker.attempt, how.signal, seconds));
                false
            }
        });
        for (segment, attempt, signal, seconds) in ended {
            if signal.is_some() && attempt < ATTEMPTS && !work.has_shard(segment) {
                waiting.push_back((segment, attempt + 1));
            } else {
                progress.done(segment, seconds);
            }
        }
        progress.show(workers);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    progress.clear();
    Ok(waiting.into_iter().map(|(segment, _)| segment).collect())
}

/// A worker that does not outlive florc.
struct Running {
    processes: Started,
    /// Its number among those that run.
    slot: usize,
    segment: u32,
    attempt: u32,
    began: Instant,
}

impl Work<'_> {
    fn has_shard(&self, segment: u32) -> bool {
        has_shards(&self.stored.folder, segment, self.stored.plan.world_size)
    }

    fn start(&self, segment: u32, slot: usize) -> Result<Started, Failure> {
        let manifest = &self.subject.facts.manifest;
        let plan = self.stored.folder.join("plan.json");
        let folder = if Path::new(&manifest.cwd).is_dir() {
            manifest.cwd.clone()
        } else {
            self.subject.project.root.to_string_lossy().into_owned()
        };
        let segment = Segment {
            python: self.python,
            run: &self.subject.run.handle,
            plan: &plan,
            index: segment,
            world_size: self.stored.plan.world_size,
            folder: &folder,
            gpus: gpus::of_worker(self.gpus, slot, self.stored.plan.world_size),
        };
        segment.start(true)
    }
}

/// One line on a terminal: how far the work is, and how long it may take.
struct Progress<'a> {
    work: &'a Work<'a>,
    left: Vec<u32>,
    all: usize,
    /// Expected seconds of what was done here, and what it took.
    finished: f64,
    took: f64,
    began: Instant,
    shown: String,
}

impl<'a> Progress<'a> {
    fn new(work: &'a Work<'a>, segments: impl Iterator<Item = u32>) -> Self {
        Self {
            work,
            left: segments.collect(),
            all: work.stored.plan.segments.len(),
            finished: 0.0,
            took: 0.0,
            began: Instant::now(),
            shown: String::new(),
        }
    }

    fn seconds(&self, segment: u32) -> f64 {
        self.work
            .seconds
            .get(segment as usize)
            .copied()
            .unwrap_or(0.0)
    }

    /// The first waiting segment for which there is time.
    fn next(&self, waiting: &mut VecDeque<(u32, u32)>) -> Option<(u32, u32)> {
        let spent = self.began.elapsed().as_secs_f64();
        // What was done so far tells how good the recorded times are here.
        let pace = if self.finished > 0.0 {
            self.took / self.finished
        } else {
            1.0
        };
        let has_time = |(segment, _): &(u32, u32)| {
            let end = spent + pace * self.seconds(*segment);
            self.work.budget.is_none_or(|budget| end <= budget)
        };
        let at = waiting.iter().position(has_time)?;
        waiting.remove(at)
    }

    fn done(&mut self, segment: u32, seconds: f64) {
        self.took += seconds;
        self.finished += self.seconds(segment);
        self.left.retain(|it| *it != segment);
    }

    fn show(&mut self, workers: usize) {
        if !out::is_terminal() {
            return;
        }
        let left: f64 = self.left.iter().map(|it| self.seconds(*it)).sum();
        let spent = self.began.elapsed().as_secs_f64();
        // Once something was finished its time tells more than the plan.
        let seconds = if self.finished > 0.0 {
            left * spent / self.finished
        } else {
            (left / workers.max(1) as f64 - spent).max(0.0)
        };
        let done = self.all - self.left.len();
        let line = format!(
            "florc: {done} of {}, about {} left",
            table::count(self.all, "segment"),
            table::seconds(seconds.round())
        );
        if line != self.shown {
            out::progress(&line);
            self.shown = line;
        }
    }

    fn clear(&self) {
        if !self.shown.is_empty() {
            out::progress("");
        }
    }
}

/// The last words of a worker, for a segment without a verdict.
pub(crate) fn last_words(stored: &Stored, segment: u32, rank: u32) -> String {
    let file = words_path(&stored.folder, segment, rank);
    let text = std::fs::read(&file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}
