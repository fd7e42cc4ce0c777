//! Made-up trainings: the bound is kept, checkpoints are spread.

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
            policy.stalled(training.stall, false);
            policy.submitted(1);
            now += training.stall;
            policy.wrote(Written::plain(training.background));
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
            policy.stalled(0.01, false);
            policy.submitted(1);
            policy.wrote(Written {
                seconds: 0.05,
                extra: 0.0,
            });
        }
        now += 0.01;
    }
    assert!(widest <= 700, "{widest}");
}

#[test]
fn the_end_of_a_block_has_grown_before_the_next_head() {
    let mut policy = Policy::new(Mode::Adaptive { epsilon: 0.02 }, 0.0);
    assert!(policy.due(true, false, 0.0) && policy.affords(true, 10, 0.0));
    for (bytes, seconds) in [(10, 0.1), (40, 0.4)] {
        policy.submitted(bytes);
        policy.stalled(seconds, false);
        policy.wrote(Written::plain(0.0));
    }
    // 0.5 seconds were spent for 50 bytes, 80 are to come: 0.8 seconds
    assert!(policy.due(false, false, 60.0));
    assert!(!policy.affords(false, 40, 60.0));
    assert!(!policy.due(false, false, 64.0));
    assert!(policy.due(false, false, 66.0) && policy.affords(false, 40, 66.0));
}

#[test]
fn fixed_modes_do_not_look_at_the_clock() {
    assert_eq!(simulate(Mode::All, &EPOCHS).1, 100);
    assert_eq!(simulate(Mode::None, &EPOCHS).1, 0);
    assert_eq!(simulate(Mode::Every(7), &EPOCHS).1, 15);
}
