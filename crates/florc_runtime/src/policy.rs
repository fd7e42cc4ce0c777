//! Which iterations are materialized, so that recording costs at most a given fraction of time.
//!
//! After "Hindsight Logging for Model Training" (Garcia et al., VLDB 2021, section 5.3): with
//! `M` seconds to materialize an iteration and `C` seconds to compute it, an iteration is materialized when
//!
//! ```text
//! spent + M < (elapsed + left · C) · min(1/2, ε)     joint invariant; spent: for the paper's k·M
//! spent + M ≤ ε · elapsed                            the bound holds at every moment, not at the end only
//! ```
//!
//! 1/2 is the paper's 1/(1+c) with c = 1: restoring reads what materializing wrote.
//!
//! What is still being written counts as if it were spent. A state that has grown since the last checkpoint
//! costs more by as much; its size is known after the walk, before anything is copied.
//!
//! An iteration is due as a whole: its head and the ends of its SkipBlocks. Time is an argument;
//! nothing is measured here. The first head and the loop's exit are not asked about: they are
//! always taken, and what they cost counts.

use crate::recorder::Mode;

/// Decides by iteration.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    mode: Mode,
    total: Option<u64>,
    seen: u64,
    started: f64,
    spent: f64,
    compute: Mean,
    /// Of an iteration that is materialized: seconds of its stalls, number of its snapshots.
    stall: Mean,
    snapshots: Mean,
    /// Background seconds of one snapshot.
    write: Mean,
    /// Snapshots whose background seconds are not known yet.
    unwritten: u64,
    /// What was given away by [`Self::spare`] and may be spent.
    granted: f64,
    /// Bytes of the last head, and of all snapshots of the last iteration that was materialized.
    head_bytes: u64,
    bytes: u64,
    iteration: Option<Iteration>,
}

/// A state that grew by less costs what the last one did.
const GROWTH: f64 = 1.25;

/// How much faster copying into memory that was used before is, at least. A state of 67 MB took 116 ms at first, then 4.4.
const FRESH: f64 = 4.0;

/// Iterations whose cost is kept back before anything is spent on space: they may be shorter than the mean.
const RESERVE: f64 = 16.0;

/// The iteration that is running.
#[derive(Clone, Copy, Debug)]
struct Iteration {
    began: f64,
    stall: f64,
    snapshots: u64,
    bytes: u64,
    is_materialized: bool,
}

/// What writing a checkpoint took: seconds that others would have worked in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Written {
    pub(crate) seconds: f64,
    /// Besides, to store it in less space.
    pub(crate) extra: f64,
}

impl Written {
    /// Nothing was spent on space.
    pub(crate) fn plain(seconds: f64) -> Self {
        Self {
            seconds,
            extra: 0.0,
        }
    }

    /// That share of it.
    pub(crate) fn weighed(self, share: f64) -> Self {
        Self {
            seconds: self.seconds * share,
            extra: self.extra * share,
        }
    }
}

/// A mean that follows changes.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    value: Option<f64>,
}

impl Mean {
    const WEIGHT: f64 = 0.3;

    fn add(&mut self, value: f64) {
        let before = self.value.unwrap_or(value);
        self.value = Some(before + Self::WEIGHT * (value - before));
    }

    fn scale(&mut self, by: f64) {
        self.value = self.value.map(|value| value * by);
    }
}

impl Policy {
    /// A policy for a run that starts at `now` seconds.
    pub(crate) fn new(mode: Mode, now: f64) -> Self {
        Self {
            mode,
            total: None,
            seen: 0,
            started: now,
            spent: 0.0,
            compute: Mean::default(),
            stall: Mean::default(),
            snapshots: Mean::default(),
            write: Mean::default(),
            unwritten: 0,
            granted: 0.0,
            head_bytes: 0,
            bytes: 0,
            iteration: None,
        }
    }

    /// A main loop of `total` iterations begins.
    pub(crate) fn loop_entered(&mut self, total: Option<u64>) {
        self.total = total.map(|total| total.saturating_add(self.seen));
    }

    /// An iteration begins at `now`; is it materialized? `is_near`: so near to the last one that
    /// it would be in vain.
    pub(crate) fn due(&mut self, is_first: bool, is_near: bool, now: f64) -> bool {
        self.end_iteration(now);
        let due = is_first && !matches!(self.mode, Mode::None) || self.wants(is_near, now);
        self.begin(due, now);
        due
    }

    /// Whether an iteration that begins at `now` should be materialized.
    pub(crate) fn wants(&self, is_near: bool, now: f64) -> bool {
        match self.mode {
            Mode::None => false,
            Mode::All => true,
            Mode::Every(n) => self.seen.is_multiple_of(n.max(1)),
            Mode::Adaptive { epsilon } => !is_near && self.pays(epsilon, now),
        }
    }

    /// An iteration begins at `now`, and is materialized or not.
    pub(crate) fn begin(&mut self, due: bool, now: f64) {
        self.end_iteration(now);
        self.seen += 1;
        self.iteration = Some(Iteration {
            began: now,
            stall: 0.0,
            snapshots: 0,
            bytes: 0,
            is_materialized: due,
        });
    }

    /// The iteration that runs ended at `now`.
    pub(crate) fn end_iteration(&mut self, now: f64) {
        let Some(ended) = self.iteration.take() else {
            return;
        };
        self.compute.add((now - ended.began - ended.stall).max(0.0));
        if ended.is_materialized && ended.stall > 0.0 {
            self.stall.add(ended.stall);
            self.snapshots.add(ended.snapshots as f64);
            self.bytes = ended.bytes;
        }
    }

    /// A checkpoint made the program wait. `is_first`: its memory was made for it, and is there for the next.
    pub(crate) fn stalled(&mut self, seconds: f64, is_first: bool) {
        self.spent += seconds;
        if let Some(iteration) = &mut self.iteration {
            iteration.stall += if is_first { seconds / FRESH } else { seconds };
        }
    }

    /// The head that is due has so many bytes: is it still worth its cost? If not, the iteration is
    /// not materialized.
    pub(crate) fn affords(&mut self, is_first: bool, bytes: u64, now: f64) -> bool {
        let before = std::mem::replace(&mut self.head_bytes, bytes);
        let growth = bytes as f64 / before.max(1) as f64;
        let Mode::Adaptive { epsilon } = self.mode else {
            return true;
        };
        if is_first || before == 0 || growth < GROWTH {
            return true;
        }
        // what comes later is asked about with this cost
        let growth = self.growth(before, bytes);
        self.stall.scale(growth);
        self.write.scale(growth);
        if self.pays(epsilon, now) {
            return true;
        }
        if let Some(iteration) = &mut self.iteration {
            iteration.is_materialized = false;
        }
        false
    }

    /// By how much an iteration costs more, whose head has `bytes` and had `before`. Ends of blocks were captured after the
    /// head of their iteration: they may have what it lacked. They are taken to be no smaller than the head is now.
    fn growth(&self, before: u64, bytes: u64) -> f64 {
        let blocks = (self.snapshots.value.unwrap_or(1.0) - 1.0).max(0.0);
        let all = self.bytes.max(before);
        let ends = (blocks * bytes as f64).max((all - before) as f64);
        let expected = bytes as f64 + ends;
        (expected / all as f64).max(1.0)
    }

    /// A snapshot of so many bytes was handed over to be written in the background.
    pub(crate) fn submitted(&mut self, bytes: u64) {
        self.unwritten += 1;
        if let Some(iteration) = &mut self.iteration {
            iteration.snapshots += 1;
            iteration.bytes += bytes;
        }
    }

    /// A checkpoint was written in the background. What it took from others counts as a stall does.
    pub(crate) fn wrote(&mut self, written: Written) {
        self.spent += written.seconds + written.extra;
        self.unwritten = self.unwritten.saturating_sub(1);
        // only the oldest of those that wait was granted anything
        self.granted = 0.0;
        self.write.add(written.seconds);
    }

    /// Seconds that the snapshot which was just submitted may take beyond what writing it takes, to be stored in less
    /// space. Where the bound does not allow every iteration to be materialized with ease, none: each second is wanted for
    /// one more. Else half of what the next iterations leave over.
    pub(crate) fn spare(&mut self, now: f64) -> f64 {
        let Mode::Adaptive { epsilon } = self.mode else {
            return f64::INFINITY;
        };
        if self.unwritten != 1 {
            return 0.0;
        }
        self.granted = self.left_over(epsilon.min(0.5), now).unwrap_or(0.0) / 2.0;
        self.granted
    }

    fn left_over(&self, epsilon: f64, now: f64) -> Option<f64> {
        let write = self.write.value?;
        let cost = self.stall.value? + self.snapshots.value? * write;
        if cost > epsilon * self.compute.value? / 2.0 {
            return None;
        }
        let wanted = self.spent + write * self.unwritten as f64 + RESERVE * cost;
        Some((epsilon * (now - self.started) - wanted).max(0.0))
    }

    /// Seconds spent so far.
    pub(crate) fn spent(&self) -> f64 {
        self.spent
    }

    fn pays(&self, epsilon: f64, now: f64) -> bool {
        let Some(write) = self.write.value.or((self.unwritten == 0).then_some(0.0)) else {
            return false; // nobody knows yet what a checkpoint costs
        };
        let coming = write * self.unwritten as f64 + self.granted;
        let cost = match (self.stall.value, self.snapshots.value) {
            (Some(stall), Some(snapshots)) => stall + snapshots * write,
            _ => self.spent,
        };
        let compute = self.compute.value.unwrap_or(0.0);
        let left = match self.total {
            Some(total) => total.saturating_sub(self.seen).max(1),
            None => self.seen + 1,
        };
        let elapsed = now - self.started;
        let whole = elapsed + left as f64 * compute;
        let all = self.spent + coming + cost;
        all < whole * epsilon.min(0.5) && all <= epsilon * elapsed
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
