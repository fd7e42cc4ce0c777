//! Which iterations are materialized, so that recording costs at most a given fraction of time.
//!
//! After "Hindsight Logging for Model Training" (Garcia et al., VLDB 2021, section 5.3): with
//! `M` seconds to materialize an iteration, `C` seconds to compute it, `R` seconds to restore it,
//! `c = R/M`, `n` iterations in all and `k` materialized so far, iteration is materialized when
//!
//! ```text
//! M/C < n/(k+1) · min(1/(1+c), ε)                 joint invariant
//! spent + M ≤ ε · (elapsed + C)                   the bound holds at every moment, not at the end only
//! ```
//!
//! An iteration is due as a whole: its head and the ends of its SkipBlocks. Time is an argument;
//! nothing is measured here. The first head and the loop's exit are not asked about: they are
//! always taken, and what they cost counts.

use crate::recorder::Mode;

/// Decides by iteration.
#[derive(Clone, Debug)]
pub struct Policy {
    mode: Mode,
    total: Option<u64>,
    seen: u64,
    materialized: u64,
    started: f64,
    spent: f64,
    compute: Mean,
    materialize: Mean,
    restore: Mean,
    iteration: Option<Iteration>,
}

/// The iteration that is running.
#[derive(Clone, Copy, Debug)]
struct Iteration {
    began: f64,
    stall: f64,
    cost: f64,
    is_materialized: bool,
}

/// A mean that follows changes.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    value: Option<f64>,
    samples: u64,
}

impl Mean {
    const WEIGHT: f64 = 0.3;

    fn add(&mut self, value: f64) {
        let before = self.value.unwrap_or(value);
        self.value = Some(before + Self::WEIGHT * (value - before));
        self.samples += 1;
    }

    /// The last sample turns out to be larger.
    fn add_to_last(&mut self, more: f64) {
        let weight = if self.samples > 1 { Self::WEIGHT } else { 1.0 };
        self.value = self.value.map(|value| value + weight * more);
    }
}

impl Policy {
    /// A policy for a run that starts at `now` seconds.
    pub fn new(mode: Mode, now: f64) -> Self {
        Self {
            mode,
            total: None,
            seen: 0,
            materialized: 0,
            started: now,
            spent: 0.0,
            compute: Mean::default(),
            materialize: Mean::default(),
            restore: Mean::default(),
            iteration: None,
        }
    }

    /// A main loop of `total` iterations begins.
    pub fn loop_entered(&mut self, total: Option<u64>) {
        self.total = total.map(|total| total.saturating_add(self.seen));
    }

    /// An iteration begins at `now`; is it materialized? `is_near`: so near to the last one that
    /// it would be in vain.
    pub fn due(&mut self, is_first: bool, is_near: bool, now: f64) -> bool {
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
        self.materialized += u64::from(due);
        self.iteration = Some(Iteration {
            began: now,
            stall: 0.0,
            cost: 0.0,
            is_materialized: due,
        });
    }

    /// The iteration that runs ended at `now`.
    pub fn end_iteration(&mut self, now: f64) {
        let Some(ended) = self.iteration.take() else {
            return;
        };
        self.compute.add((now - ended.began - ended.stall).max(0.0));
        if ended.is_materialized && ended.cost > 0.0 {
            self.materialize.add(ended.cost);
        }
    }

    /// A checkpoint made the program wait.
    pub fn stalled(&mut self, seconds: f64) {
        self.spent += seconds;
        if let Some(iteration) = &mut self.iteration {
            iteration.stall += seconds;
            iteration.cost += seconds;
        }
    }

    /// A checkpoint was written in the background. Where both cores are busy that costs as much
    /// as a stall, so it counts as one.
    pub fn wrote(&mut self, seconds: f64) {
        self.spent += seconds;
        match &mut self.iteration {
            Some(iteration) if iteration.is_materialized => iteration.cost += seconds,
            // written after its iteration had ended
            Some(_) | None => self.materialize.add_to_last(seconds),
        }
    }

    /// A restore took that long.
    pub fn restored(&mut self, seconds: f64) {
        self.restore.add(seconds);
    }

    /// Seconds spent so far.
    pub fn spent(&self) -> f64 {
        self.spent
    }

    fn pays(&self, epsilon: f64, now: f64) -> bool {
        let cost = self.materialize.value.unwrap_or(self.spent);
        let compute = self.compute.value.unwrap_or(0.0);
        let scaling = match self.restore.value {
            Some(restore) if cost > 0.0 => restore / cost,
            // restoring reads what materializing wrote
            Some(_) | None => 1.0,
        };
        let iterations = match self.total {
            Some(total) => total.max(self.seen + 1),
            None => 2 * (self.seen + 1),
        };
        let share = iterations as f64 / (self.materialized + 1) as f64;
        let is_joint = cost < compute * share * epsilon.min(1.0 / (1.0 + scaling));
        is_joint && self.spent + cost <= epsilon * (now - self.started)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A made-up training: seconds of an iteration, of a stall, of background work.
    struct Training {
        iterations: u64,
        compute: fn(u64) -> f64,
        stall: f64,
        background: f64,
        knows_total: bool,
    }

    /// Overhead without the first iteration's checkpoint, which is always taken, and how many
    /// iterations were materialized.
    fn simulate(mode: Mode, training: &Training) -> (f64, u64) {
        let mut now = 0.0;
        let mut policy = Policy::new(mode, now);
        policy.loop_entered(training.knows_total.then_some(training.iterations));
        let (mut taken, mut spent) = (0, 0.0);
        for iteration in 0..training.iterations {
            if policy.due(iteration == 0, false, now) {
                taken += 1;
                policy.stalled(training.stall);
                now += training.stall;
                policy.wrote(training.background);
                if iteration > 0 {
                    spent += training.stall + training.background;
                }
            }
            now += (training.compute)(iteration);
        }
        (spent / now, taken)
    }

    #[track_caller]
    fn check(training: &Training, at_least: u64, at_most: u64) {
        for epsilon in [0.01, 0.02, 0.1] {
            let (overhead, _) = simulate(Mode::Adaptive { epsilon }, training);
            assert!(overhead <= epsilon, "{overhead} over {epsilon}");
        }
        let (_, taken) = simulate(Mode::Adaptive { epsilon: 0.02 }, training);
        assert!(
            (at_least..=at_most).contains(&taken),
            "{taken} materialized"
        );
    }

    const EPOCHS: Training = Training {
        iterations: 100,
        compute: |_| 10.0,
        stall: 0.01,
        background: 0.05,
        knows_total: true,
    };

    #[test]
    fn cheap_checkpoints_are_all_taken() {
        check(&EPOCHS, 99, 100);
    }

    #[test]
    fn the_bound_is_kept_for_steps_that_are_shorter_than_a_checkpoint() {
        check(
            &Training {
                iterations: 20_000,
                compute: |_| 0.01,
                ..EPOCHS
            },
            30,
            70,
        );
        check(
            &Training {
                iterations: 20_000,
                compute: |_| 0.01,
                knows_total: false,
                ..EPOCHS
            },
            30,
            70,
        );
    }

    #[test]
    fn the_bound_is_kept_when_speed_changes() {
        let compute = |at| if at % 1000 < 500 { 1.0 } else { 0.001 };
        check(
            &Training {
                iterations: 4000,
                compute,
                ..EPOCHS
            },
            300,
            900,
        );
    }

    #[test]
    fn the_bound_is_kept_by_dear_checkpoints() {
        check(
            &Training {
                stall: 60.0,
                background: 30.0,
                ..EPOCHS
            },
            1,
            1,
        );
    }

    #[test]
    fn checkpoints_spread_over_the_run() {
        let training = Training {
            iterations: 20_000,
            compute: |_| 0.01,
            ..EPOCHS
        };
        let mut now = 0.0;
        let mut policy = Policy::new(Mode::Adaptive { epsilon: 0.02 }, now);
        policy.loop_entered(Some(training.iterations));
        let mut widest = 0;
        let mut last = 0;
        for iteration in 0..training.iterations {
            if policy.due(iteration == 0, false, now) {
                widest = widest.max(iteration - last);
                last = iteration;
                policy.stalled(0.01);
                policy.wrote(0.05);
            }
            now += 0.01;
        }
        assert!(widest <= 700, "{widest}");
    }

    #[test]
    fn fixed_modes_do_not_look_at_the_clock() {
        assert_eq!(simulate(Mode::All, &EPOCHS).1, 100);
        assert_eq!(simulate(Mode::None, &EPOCHS).1, 0);
        assert_eq!(simulate(Mode::Every(7), &EPOCHS).1, 15);
    }
}
