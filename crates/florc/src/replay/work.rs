//! Starts the workers, a few at a time, for one run or for several.
//!
//! ```python
//! # python -m florc._runner --worker plan.json --segment 0
//! ```
//!
//! What a worker prints is muted by the worker itself, and what it says goes to a file beside its
//! shard. Whether a segment counts is read from its shard, not from an exit code; a worker that was
//! killed is started again, and a segment whose shard is there is done.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::time::Instant;

use florc_runtime::has_shards;

use super::find::Subject;
use super::gpus;
use super::plan::Stored;
use super::progress::Progress;
use crate::failure::Failure;
use crate::segment_processes::{Segment, Started, words_path};

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
pub(super) struct Piece {
    /// The position of its run.
    pub(super) run: usize,
    pub(super) segment: u32,
}

/// Runs every segment that has no shard, those of all runs in one pool. Gives those of each run for
/// which there was no time, or why its workers cannot start.
pub(crate) fn run(works: &[Work<'_>], means: Means<'_>) -> Vec<Result<Vec<u32>, Failure>> {
    let mut pool = Pool::new(works, means);
    loop {
        pool.fill();
        if pool.running.is_empty() {
            break;
        }
        pool.reap();
        pool.progress.show();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    pool.progress.clear();
    pool.left()
}

/// Workers, and what waits for one.
struct Pool<'a> {
    works: &'a [Work<'a>],
    means: Means<'a>,
    /// With the number of the attempt.
    waiting: VecDeque<(Piece, u32)>,
    running: Vec<Running>,
    /// Runs whose workers cannot start.
    failed: BTreeMap<usize, Failure>,
    progress: Progress<'a>,
}

impl<'a> Pool<'a> {
    fn new(works: &'a [Work<'a>], means: Means<'a>) -> Self {
        let missing = queue(works, means.budget.is_some());
        let missing = missing.filter(|it| !works[it.run].has_shard(it.segment));
        let waiting: VecDeque<(Piece, u32)> = missing.map(|it| (it, 1)).collect();
        Self {
            works,
            means,
            progress: Progress::new(works, means, waiting.iter().map(|(piece, _)| *piece)),
            waiting,
            running: Vec::new(),
            failed: BTreeMap::new(),
        }
    }

    /// Starts workers, as many as there may be.
    fn fill(&mut self) {
        while self.running.len() < self.means.workers {
            let Some((piece, attempt)) = self.progress.next(&mut self.waiting) else {
                return;
            };
            let taken = |slot: &usize| self.running.iter().any(|worker| worker.slot == *slot);
            let slot = (0..self.means.workers).find(|slot| !taken(slot));
            let slot = slot.unwrap_or_default();
            let gpus = gpus::of_worker(self.means.gpus, slot, each(self.works));
            match self.works[piece.run].start(piece.segment, gpus) {
                Ok(processes) => self.running.push(Running {
                    processes,
                    slot,
                    piece,
                    attempt,
                    began: Instant::now(),
                }),
                Err(failure) => {
                    self.failed.insert(piece.run, failure);
                    self.waiting.retain(|(other, _)| other.run != piece.run);
                }
            }
        }
    }

    /// Takes those away that have ended; one that was killed is started again.
    fn reap(&mut self) {
        let mut ended = Vec::new();
        self.running
            .retain_mut(|worker| match worker.processes.try_wait() {
                None => true,
                Some(how) => {
                    let seconds = worker.began.elapsed().as_secs_f64();
                    ended.push((worker.piece, worker.attempt, how.signal, seconds));
                    false
                }
            });
        for (piece, attempt, signal, seconds) in ended {
            let has_shard = self.works[piece.run].has_shard(piece.segment);
            if signal.is_some() && attempt < ATTEMPTS && !has_shard {
                self.waiting.push_back((piece, attempt + 1));
            } else {
                self.progress.done(piece, seconds);
            }
        }
    }

    fn left(mut self) -> Vec<Result<Vec<u32>, Failure>> {
        let of_run = |run| {
            let pieces = self.waiting.iter().filter(|(it, _)| it.run == run);
            let left = pieces.map(|(piece, _)| piece.segment).collect();
            self.failed.remove(&run).map_or(Ok(left), Err)
        };
        (0..self.works.len()).map(of_run).collect()
    }
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

    /// Expected ones of a segment.
    pub(super) fn seconds(&self, segment: u32) -> f64 {
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
