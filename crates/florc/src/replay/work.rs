//! Starts the workers, a few at a time, for one run or for several.
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

/// What is to be done for one run.
#[derive(Clone, Copy)]
pub(crate) struct Work<'a> {
    pub(crate) python: &'a Path,
    pub(crate) stored: &'a Stored,
    pub(crate) subject: &'a Subject,
    /// Expected seconds of each segment.
    pub(crate) seconds: &'a [f64],
    /// Segments to run, the first first.
    pub(crate) order: &'a [u32],
}

/// With what it is done.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    /// Workers at a time.
    pub(crate) workers: usize,
    /// No segment begins that would not be done in this time.
    pub(crate) budget: Option<f64>,
    /// GPUs, divided among the workers; empty: each sees all.
    pub(crate) gpus: &'a [String],
}

/// A segment of one of several runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    /// The position of its run.
    run: usize,
    segment: u32,
}

/// Runs every segment that has no shard, those of all runs in one pool. Gives those of each run for
/// which there was no time.
pub(crate) fn run(works: &[Work<'_>], means: Means<'_>) -> Result<Vec<Vec<u32>>, Failure> {
    let missing = queue(works, means.budget.is_some());
    let missing = missing.filter(|it| !works[it.run].has_shard(it.segment));
    let mut waiting: VecDeque<(Piece, u32)> = missing.map(|it| (it, 1)).collect();
    let mut running: Vec<Running> = Vec::new();
    let mut progress = Progress::new(works, means, waiting.iter().map(|(piece, _)| *piece));
    while !waiting.is_empty() || !running.is_empty() {
        while running.len() < means.workers {
            let Some((piece, attempt)) = progress.next(&mut waiting) else {
                break;
            };
            let taken = |slot: &usize| running.iter().any(|worker| worker.slot == *slot);
            let slot = (0..means.workers).find(|slot| !taken(slot));
            let slot = slot.unwrap_or_default();
            running.push(Running {
                processes: works[piece.run].start(
                    piece.segment,
                    gpus::of_worker(means.gpus, slot, each(works)),
                )?,
                slot,
                piece,
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
                ended.push((worker.piece, worker.attempt, how.signal, seconds));
                false
            }
        });
        for (piece, attempt, signal, seconds) in ended {
            let has_shard = works[piece.run].has_shard(piece.segment);
            if signal.is_some() && attempt < ATTEMPTS && !has_shard {
                waiting.push_back((piece, attempt + 1));
            } else {
                progress.done(piece, seconds);
            }
        }
        progress.show();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    progress.clear();
    let mut left = vec![Vec::new(); works.len()];
    for (piece, _) in waiting {
        left[piece.run].push(piece.segment);
    }
    Ok(left)
}

/// Processes of a segment, at most.
pub(crate) fn each(works: &[Work<'_>]) -> u32 {
    let counts = works.iter().map(|work| work.stored.plan.world_size);
    counts.max().unwrap_or(1)
}

/// Segments in the order in which they begin: of one run as it says; of several the longest first, or
/// with a budget the first ones of all runs, the second ones, and so on.
fn queue(works: &[Work<'_>], has_budget: bool) -> impl Iterator<Item = Piece> {
    let of_run = |(run, work): (usize, &Work<'_>)| {
        let segments = work.order.iter().enumerate();
        let pieces = segments.map(|(at, segment)| {
            let piece = Piece {
                run,
                segment: *segment,
            };
            (at, work.seconds(*segment), piece)
        });
        pieces.collect::<Vec<_>>()
    };
    let mut all: Vec<(usize, f64, Piece)> = works.iter().enumerate().flat_map(of_run).collect();
    if has_budget {
        all.sort_by_key(|(at, _, _)| *at);
    } else if works.len() > 1 {
        all.sort_by(|(_, a, _), (_, b, _)| b.total_cmp(a));
    }
    all.into_iter().map(|(_, _, piece)| piece)
}

/// A worker that does not outlive florc.
struct Running {
    processes: Started,
    /// Its number among those that run.
    slot: usize,
    piece: Piece,
    attempt: u32,
    began: Instant,
}

impl Work<'_> {
    fn has_shard(&self, segment: u32) -> bool {
        has_shards(&self.stored.folder, segment, self.stored.plan.world_size)
    }

    fn seconds(&self, segment: u32) -> f64 {
        let seconds = self.seconds.get(segment as usize);
        seconds.copied().unwrap_or_default()
    }

    fn start(&self, segment: u32, gpus: &[String]) -> Result<Started, Failure> {
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
            gpus: gpus
                .get(..self.stored.plan.world_size as usize)
                .unwrap_or(gpus),
        };
        segment.start(true)
    }
}

/// One line on a terminal: how far the work is, and how long it may take.
struct Progress<'a> {
    works: &'a [Work<'a>],
    means: Means<'a>,
    left: Vec<Piece>,
    all: usize,
    /// Expected seconds of what was done here, and what it took.
    finished: f64,
    took: f64,
    began: Instant,
    shown: String,
}

impl<'a> Progress<'a> {
    fn new(works: &'a [Work<'a>], means: Means<'a>, pieces: impl Iterator<Item = Piece>) -> Self {
        let all = works.iter().map(|work| work.stored.plan.segments.len());
        Self {
            works,
            means,
            left: pieces.collect(),
            all: all.sum(),
            finished: 0.0,
            took: 0.0,
            began: Instant::now(),
            shown: String::new(),
        }
    }

    fn seconds(&self, piece: Piece) -> f64 {
        self.works[piece.run].seconds(piece.segment)
    }

    /// The first waiting segment for which there is time.
    fn next(&self, waiting: &mut VecDeque<(Piece, u32)>) -> Option<(Piece, u32)> {
        let spent = self.began.elapsed().as_secs_f64();
        // What was done so far tells how good the recorded times are here.
        let pace = if self.finished > 0.0 {
            self.took / self.finished
        } else {
            1.0
        };
        let has_time = |(piece, _): &(Piece, u32)| {
            let end = spent + pace * self.seconds(*piece);
            self.means.budget.is_none_or(|budget| end <= budget)
        };
        let at = waiting.iter().position(has_time)?;
        waiting.remove(at)
    }

    fn done(&mut self, piece: Piece, seconds: f64) {
        self.took += seconds;
        self.finished += self.seconds(piece);
        self.left.retain(|it| *it != piece);
    }

    fn show(&mut self) {
        if !out::is_terminal() {
            return;
        }
        let left: f64 = self.left.iter().map(|it| self.seconds(*it)).sum();
        let spent = self.began.elapsed().as_secs_f64();
        // Once something was finished its time tells more than the plan.
        let seconds = if self.finished > 0.0 {
            left * spent / self.finished
        } else {
            (left / self.means.workers.max(1) as f64 - spent).max(0.0)
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
