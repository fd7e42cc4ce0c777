//! The policy on recorded timings, against the best that could have been done by somebody who knew them.
//!
//! What counts is the work of a replay of a random moment: the way from the checkpoint before it, on average
//! `Σ L² / 2` over the distances `L` of checkpoints. The optimum keeps the same bound at every moment; it
//! knows all times and costs beforehand.

use super::*;

/// Seconds of iterations, as `florc run` recorded them on two cores that were busy with other work, too.
const TRACES: &[(&str, &str)] = &[
    ("digits, epochs", include_str!("traces/digits_epochs.txt")),
    ("char_gpt, steps", include_str!("traces/char_gpt_steps.txt")),
];

fn trace(text: &str) -> Vec<f64> {
    text.split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect()
}

/// What a training does, beside its iterations.
#[derive(Clone, Copy, Debug)]
struct Setting {
    epsilon: f64,
    knows_total: bool,
    stall: f64,
    background: f64,
    /// Seconds until the writer tells.
    delay: f64,
    /// The state of the first head, before optimizers have theirs, as a share of the later one.
    first: f64,
    /// Whether the writer spends all of its spare seconds to save space.
    saves: bool,
}

/// Distances of the checkpoints.
struct Outcome {
    segments: Vec<f64>,
    /// Spare seconds that were spent, and all.
    saving: f64,
    end: f64,
}

impl Outcome {
    fn work(&self) -> f64 {
        self.segments.iter().map(|length| length * length).sum()
    }
}

/// Runs the policy; checks the bound at every moment but for what the first head costs.
#[track_caller]
#[expect(clippy::cast_sign_loss, reason = "sizes are positive")]
fn online(iterations: &[f64], setting: Setting) -> Outcome {
    let (mut now, mut last, mut spent) = (0.0, 0.0, 0.0);
    let (mut segments, mut saving) = (Vec::new(), 0.0);
    let mut told: Vec<(f64, f64, f64)> = Vec::new();
    let mode = Mode::Adaptive {
        epsilon: setting.epsilon,
    };
    let mut policy = Policy::new(mode, now);
    policy.loop_entered(setting.knows_total.then_some(iterations.len() as u64));
    for (at, compute) in iterations.iter().enumerate() {
        let (known, later): (Vec<_>, Vec<_>) =
            told.into_iter().partition(|(when, ..)| *when <= now);
        told = later;
        for (_, seconds, extra) in known {
            policy.wrote(Written { seconds, extra });
        }
        let size = if at == 0 { setting.first } else { 1.0 };
        let is_due = policy.due(at == 0, false, now);
        if is_due && policy.affords(at == 0, (size * 1e9) as u64, now) {
            segments.push(now - last);
            last = now;
            let cost = size * (setting.stall + setting.background);
            policy.stalled(size * setting.stall, false);
            policy.submitted((size * 1e9) as u64);
            let extra = if setting.saves {
                policy.spare(now)
            } else {
                0.0
            };
            saving += extra;
            if at > 0 {
                spent += cost + extra;
                assert!(
                    spent <= setting.epsilon * now,
                    "{spent} of {now} seconds at iteration {at} with {setting:?}"
                );
            }
            now += size * setting.stall;
            told.push((now + setting.delay, size * setting.background, extra));
        }
        now += compute;
    }
    segments.push(now - last);
    Outcome {
        segments,
        saving,
        end: now,
    }
}

/// The least work with the same bound at every moment, over at most 200 places.
fn optimum(iterations: &[f64], setting: Setting) -> f64 {
    let mut starts = vec![0.0];
    starts.extend(iterations.iter().scan(0.0, |now, compute| {
        *now += compute;
        Some(*now)
    }));
    let end = starts[iterations.len()];
    let stride = iterations.len().div_ceil(200);
    let places: Vec<f64> = starts[..iterations.len()]
        .iter()
        .copied()
        .step_by(stride)
        .collect();
    let cost = setting.stall + setting.background;
    let before = setting.first * cost;
    // least work of what lies before each place, if it is the last of `count` checkpoints
    let mut least: Vec<f64> = places.iter().map(|_| f64::INFINITY).collect();
    least[0] = 0.0;
    let mut best = end * end;
    for count in 1.. {
        let mut next: Vec<f64> = places.iter().map(|_| f64::INFINITY).collect();
        for (at, place) in places.iter().enumerate() {
            if before + f64::from(count) * cost > setting.epsilon * place {
                continue;
            }
            let ways = least[..at].iter().zip(&places);
            next[at] = ways.fold(f64::INFINITY, |least, (work, from)| {
                least.min(work + (place - from) * (place - from))
            });
        }
        let ends = next.iter().zip(&places);
        let reached = ends.fold(f64::INFINITY, |least, (work, from)| {
            least.min(work + (end - from) * (end - from))
        });
        if reached.is_infinite() {
            return best;
        }
        best = best.min(reached);
        least = next;
    }
    best
}

fn settings(cost: f64, mean: f64) -> Vec<Setting> {
    let mut settings = Vec::new();
    for epsilon in [0.01, 0.02, 0.1] {
        for knows_total in [true, false] {
            for (stall_share, delay) in [(0.1, 0.0), (0.1, 4.5), (1.0, 0.0)] {
                for first in [1.0, 0.25] {
                    settings.push(Setting {
                        epsilon,
                        knows_total,
                        stall: stall_share * cost,
                        background: (1.0 - stall_share) * cost,
                        delay: delay * mean,
                        first,
                        saves: false,
                    });
                }
            }
        }
    }
    settings
}

/// Mean and worst ratio over all settings, for a trace that is repeated to `length` iterations and a
/// checkpoint that costs `cost` mean iterations.
fn ratios(iterations: &[f64], length: usize, cost: f64) -> (f64, f64) {
    let repeated: Vec<f64> = iterations.iter().copied().cycle().take(length).collect();
    let mean = repeated.iter().sum::<f64>() / length as f64;
    let ratio = |setting| online(&repeated, setting).work() / optimum(&repeated, setting);
    let all: Vec<f64> = settings(cost * mean, mean).into_iter().map(ratio).collect();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    (mean, all.into_iter().fold(0.0, f64::max))
}

#[test]
fn work_is_within_a_tenth_of_the_optimum() {
    for (name, text) in TRACES {
        let iterations = trace(text);
        // epochs of an hour and a checkpoint of seconds; of seconds and a large state; steps
        for (length, cost) in [
            (200, 0.001),
            (200, 0.02),
            (200, 0.3),
            (1000, 1.0),
            (2000, 10.0),
        ] {
            let (mean, worst) = ratios(&iterations, length, cost);
            println!("{name}: {length} iterations, cost {cost}: {mean:.3}, at worst {worst:.3}");
            let is_near = mean <= 1.1 && worst <= 1.25;
            assert!(
                is_near,
                "{name}, {length} iterations, cost {cost}: {mean:.3}, {worst:.3}"
            );
        }
    }
}

#[test]
fn what_is_spent_on_space_costs_no_checkpoint() {
    for (name, text) in TRACES {
        let iterations = trace(text);
        let mean = iterations.iter().sum::<f64>() / iterations.len() as f64;
        for cost in [0.001, 0.005, 0.02, 0.3, 3.0] {
            for setting in settings(cost * mean, mean) {
                let saves = Setting {
                    saves: true,
                    ..setting
                };
                let (plain, saving) = (online(&iterations, setting), online(&iterations, saves));
                let fewer = plain.segments.len().saturating_sub(saving.segments.len());
                assert_eq!(fewer, 0, "{name}, cost {cost}: {setting:?}");
                let is_cheap = cost < 0.3 * setting.epsilon && setting.delay == 0.0;
                let spent = saving.saving / saving.end;
                assert!(
                    !is_cheap || spent > 0.2 * setting.epsilon,
                    "{spent}: {setting:?}"
                );
            }
        }
    }
}

#[test]
fn a_million_steps_keep_the_bound() {
    let steps: Vec<f64> = trace(TRACES[1].1)
        .into_iter()
        .cycle()
        .take(1_000_000)
        .collect();
    let mean = steps.iter().sum::<f64>() / steps.len() as f64;
    let cost = 20.0 * mean;
    let setting = Setting {
        epsilon: 0.02,
        knows_total: false,
        stall: 0.2 * cost,
        background: 0.8 * cost,
        delay: 30.0 * mean,
        first: 0.25,
        saves: true,
    };
    let taken = online(&steps, setting).segments.len();
    // two in a hundred of a million steps, twenty steps each
    assert!((950..=1010).contains(&taken), "{taken}");
}

#[test]
fn loops_after_each_other_share_one_bound() {
    let epochs = trace(TRACES[0].1);
    let mut policy = Policy::new(Mode::Adaptive { epsilon: 0.02 }, 0.0);
    let (mut now, mut spent, mut firsts) = (0.0, 0.0, 0.0);
    let cost = epochs[0] / 10.0;
    for _ in 0..5 {
        policy.loop_entered(Some(epochs.len() as u64));
        for (at, compute) in epochs.iter().enumerate() {
            if policy.due(at == 0, false, now) {
                policy.stalled(cost, false);
                now += cost;
                *if at == 0 { &mut firsts } else { &mut spent } += cost;
                assert!(spent <= 0.02 * now, "{spent} of {now}");
            }
            now += compute;
        }
    }
    assert!(spent > 0.01 * now, "{spent} of {now}, beside {firsts}");
}
