//! The oracle in small: rows of a replay are those of running from scratch with the probes, and
//! whatever makes them differ is reported.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::training::{
    Ask, BLOCK, EPOCHS, MAIN, Manner, STEPS, from_scratch, head, plan, record, replay, replay_all,
};
use florc_manifest::{Leap, Verdict};
use florc_runtime::{Mode, Replayer, Store};
use tempfile::{TempDir, tempdir};

fn ask(starts: &[u64], inner_probe: bool) -> Ask {
    Ask {
        starts: starts.to_vec(),
        inner_probe,
        wanted: vec![],
        until: None,
        leaps: vec![],
    }
}

fn recorded(store: &Path, mode: Mode, manner: Manner) -> String {
    record(store, mode, manner);
    Store::open(store)
        .unwrap()
        .latest(Some("train.py"))
        .unwrap()
        .id()
        .to_owned()
}

/// Rows of the probes that an [`Ask`] runs.
fn expected(ask: &Ask) -> Vec<(u32, String)> {
    from_scratch(1)
        .into_iter()
        .filter(|(site, _)| *site == 3 || ask.inner_probe)
        .collect()
}

/// From epoch 1 to epoch 5 and to the end: rows of epochs 0, 1 and 5, and the verdict.
fn with_leap(manner: Manner) -> (Vec<String>, Verdict) {
    let directory = tempdir().unwrap();
    let seeded = Manner {
        seed: 1,
        ..Manner::default()
    };
    let run = recorded(directory.path(), Mode::All, seeded);
    let leap = Leap {
        after: head(1),
        to: head(5),
    };
    let ask = Ask {
        leaps: vec![leap],
        ..ask(&[], true)
    };
    let plan = plan(directory.path(), &run, &ask);
    let (rows, mut verdicts) = replay_all(&plan, 1, manner);
    let rows = rows
        .into_iter()
        .map(|(site, text)| format!("{site} {text}"));
    (rows.collect(), verdicts.remove(0))
}

#[test]
fn a_worker_leaps_over_what_is_not_asked_for() {
    let seeded = Manner {
        seed: 1,
        ..Manner::default()
    };
    let (rows, verdict) = with_leap(seeded);
    assert_eq!(verdict, Verdict::Verified);
    let all: Vec<String> = from_scratch(1)
        .into_iter()
        .map(|(site, text)| format!("{site} {text}"))
        .collect();
    let of_an_epoch = STEPS as usize + 1;
    let (first, last) = (&all[..2 * of_an_epoch], &all[5 * of_an_epoch..]);
    assert_eq!(rows, [first, last].concat());
}

#[test]
fn a_worker_that_differs_does_not_leap() {
    let drifting = Manner {
        seed: 1,
        drifts: Some(0),
        ..Manner::default()
    };
    let (rows, verdict) = with_leap(drifting);
    assert!(matches!(verdict, Verdict::Diverged { .. }), "{verdict:?}");
    assert_eq!(rows.len(), EPOCHS as usize * (STEPS as usize + 1));
}

#[track_caller]
fn check(mode: Mode, starts: &[u64]) {
    let directory = tempdir().unwrap();
    let manner = Manner {
        seed: 1,
        ..Manner::default()
    };
    let run = recorded(directory.path(), mode, manner);
    for inner_probe in [false, true] {
        let ask = ask(starts, inner_probe);
        let plan = plan(directory.path(), &run, &ask);
        let (rows, verdicts) = replay_all(&plan, starts.len() as u32 + 1, manner);
        let found: Vec<_> = rows
            .into_iter()
            .filter(|(site, _)| *site == 3 || inner_probe)
            .collect();
        assert_eq!(found, expected(&ask));
        assert_eq!(verdicts, vec![Verdict::Verified; starts.len() + 1]);
    }
}

#[test]
fn any_segments_give_the_rows_of_running_from_scratch() {
    check(Mode::All, &[]);
    check(Mode::All, &[3]);
    check(Mode::All, &[1, 2, 3, 4, 5]);
    check(Mode::Every(2), &[2, 4]);
}

/// A run in which a guarded function ran unexpectedly in a region, and the plan of a replay from iteration 4 on.
fn surprised(region: &'static str) -> (TempDir, PathBuf, Manner) {
    let directory = tempdir().unwrap();
    let manner = Manner {
        seed: 1,
        surprises: Some((3, region)),
        ..Manner::default()
    };
    let run = recorded(directory.path(), Mode::All, manner);
    let plan = plan(directory.path(), &run, &ask(&[4], false));
    (directory, plan, manner)
}

#[test]
fn what_ran_unexpectedly_is_not_skipped() {
    let run_with = |region| {
        let (_directory, plan, manner) = surprised(region);
        let shard = replay(&plan, 1, manner);
        assert_eq!(shard.verdict, Verdict::Verified);
        shard.rows.into_iter().filter(|row| row.site == 1).count() as u64
    };
    // a row of site 1 is one step that was run
    assert_eq!(run_with("elsewhere"), 0);
    assert_eq!(run_with(BLOCK), (EPOCHS - 4) * STEPS);
    assert_eq!(run_with(MAIN), 0);
}

#[test]
fn a_main_loop_in_which_something_unexpected_ran_is_not_entered_in_the_middle() {
    for (region, jumps) in [(BLOCK, true), (MAIN, false)] {
        let (_directory, plan, _) = surprised(region);
        let mut replayer = Replayer::open(&plan, 1, 0).unwrap().unwrap();
        let inputs = BTreeMap::from([("steps".to_owned(), "3".to_owned())]);
        let entry = replayer.main_enter(MAIN, &inputs, true).unwrap().unwrap();
        assert_eq!(entry.jump.is_some(), jumps);
    }
}

#[test]
fn a_start_without_checkpoint_is_reached_from_an_earlier_one() {
    let directory = tempdir().unwrap();
    let manner = Manner {
        seed: 1,
        ..Manner::default()
    };
    let run = recorded(directory.path(), Mode::Every(2), manner);
    let plan = plan(directory.path(), &run, &ask(&[3], true));
    let shard = replay(&plan, 1, manner);
    let rows: Vec<_> = shard
        .rows
        .into_iter()
        .map(|row| (row.site, row.text))
        .collect();
    let scratch = from_scratch(1);
    assert_eq!(rows, scratch[scratch.len() - 12..]);
    assert_eq!(shard.verdict, Verdict::Verified);
}

#[test]
fn only_wanted_iterations_are_told() {
    let directory = tempdir().unwrap();
    let manner = Manner {
        seed: 1,
        ..Manner::default()
    };
    let run = recorded(directory.path(), Mode::All, manner);
    let ask = Ask {
        wanted: vec![4],
        ..ask(&[4], true)
    };
    let plan = plan(directory.path(), &run, &ask);
    let shard = replay(&plan, 1, manner);
    assert_eq!(shard.rows.len(), 4);
    assert!(
        shard
            .rows
            .iter()
            .all(|row| row.context[0].value == 4 && row.head.is_some())
    );
    assert_eq!(shard.verdict, Verdict::Verified);
}

#[track_caller]
fn check_diverges(verdict: &Verdict, words: &str) {
    let Verdict::Diverged { difference, .. } = verdict else {
        panic!("{verdict:?}")
    };
    assert!(difference.contains(words), "{difference}");
}

#[test]
fn an_unseeded_program_is_reported() {
    let directory = tempdir().unwrap();
    let run = recorded(
        directory.path(),
        Mode::All,
        Manner {
            seed: 1,
            ..Manner::default()
        },
    );
    let plan = plan(directory.path(), &run, &ask(&[3], false));
    let other = Manner {
        seed: 2,
        ..Manner::default()
    };
    check_diverges(
        &replay(&plan, 0, other).verdict,
        "at the head of iteration 0: random",
    );
    assert_eq!(replay(&plan, 1, other).verdict, Verdict::Verified);
}

#[test]
fn a_computation_that_comes_out_otherwise_is_reported() {
    let directory = tempdir().unwrap();
    let run = recorded(
        directory.path(),
        Mode::All,
        Manner {
            seed: 1,
            ..Manner::default()
        },
    );
    let plan = plan(directory.path(), &run, &ask(&[3], true));
    let drifts = Manner {
        seed: 1,
        drifts: Some(4),
        ..Manner::default()
    };
    assert_eq!(replay(&plan, 0, drifts).verdict, Verdict::Verified);
    let words = "after `train.py:epoch/step` in iteration 4: weights: 1 of 1000 elements differ";
    check_diverges(&replay(&plan, 1, drifts).verdict, words);
}

#[test]
fn a_tampered_checkpoint_is_reported_and_not_used() {
    let directory = tempdir().unwrap();
    let manner = Manner {
        seed: 1,
        ..Manner::default()
    };
    let run = recorded(directory.path(), Mode::All, manner);
    for entry in std::fs::read_dir(directory.path().join("packs").join(&run)).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[200] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
    let ask = ask(&[3], false);
    let plan = plan(directory.path(), &run, &ask);
    let (rows, verdicts) = replay_all(&plan, 2, manner);
    let rows: Vec<_> = rows.into_iter().filter(|(site, _)| *site == 3).collect();
    assert_eq!(rows, expected(&ask));
    for verdict in verdicts {
        let Verdict::Approximate { reasons, .. } = verdict else {
            panic!("{verdict:?}")
        };
        assert!(
            reasons[0].contains("does not match its hash"),
            "{reasons:?}"
        );
    }
}

#[test]
fn a_run_that_raised_raises_again() {
    let directory = tempdir().unwrap();
    let manner = Manner {
        seed: 1,
        raises: Some(3),
        ..Manner::default()
    };
    let run = recorded(directory.path(), Mode::All, manner);
    let plan = plan(directory.path(), &run, &ask(&[2], false));
    let (rows, verdicts) = replay_all(&plan, 2, manner);
    assert_eq!(rows.iter().filter(|(site, _)| *site == 3).count(), 3);
    assert_eq!(verdicts[0], Verdict::Verified);
    assert!(
        matches!(&verdicts[1], Verdict::Approximate { .. }),
        "{verdicts:?}"
    );
    let healthy = Manner {
        seed: 1,
        ..Manner::default()
    };
    let plan = crate::training::plan(directory.path(), &run, &ask(&[2], false));
    check_diverges(
        &replay(&plan, 1, healthy).verdict,
        "recorded 0 rows, replay gave 1",
    );
}

#[test]
fn a_killed_run_is_replayed_as_far_as_it_came() {
    let directory = tempdir().unwrap();
    let manner = Manner {
        seed: 1,
        dies: Some(4),
        ..Manner::default()
    };
    let run = recorded(directory.path(), Mode::All, manner);
    let healthy = Manner {
        seed: 1,
        ..Manner::default()
    };
    let plan = plan(directory.path(), &run, &ask(&[2], true));
    let (rows, verdicts) = replay_all(&plan, 2, healthy);
    assert_eq!(rows.iter().filter(|(site, _)| *site == 3).count(), 5);
    assert_eq!(verdicts[0], Verdict::Verified);
    let Verdict::Approximate { reasons, .. } = &verdicts[1] else {
        panic!("{verdicts:?}")
    };
    let text = reasons.join("; ");
    assert!(text.contains("killed before iteration 5"), "{text}");
    assert!(
        text.contains("was not recorded and was made anew"),
        "{text}"
    );
}

#[test]
fn other_inputs_are_refused_by_name() {
    let directory = tempdir().unwrap();
    let manner = Manner {
        seed: 1,
        ..Manner::default()
    };
    let run = recorded(directory.path(), Mode::All, manner);
    let plan = plan(directory.path(), &run, &ask(&[], false));
    let mut replayer = Replayer::open(&plan, 0, 0).unwrap().unwrap();
    let inputs = [("steps".to_owned(), "4".to_owned())].into();
    let error = replayer
        .main_enter(crate::training::MAIN, &inputs, true)
        .unwrap_err();
    assert!(error.to_string().starts_with("`steps` differ"), "{error}");
}

#[test]
fn a_segment_is_replayed_once() {
    let directory = tempdir().unwrap();
    let manner = Manner {
        seed: 1,
        ..Manner::default()
    };
    let run = recorded(directory.path(), Mode::All, manner);
    let plan = plan(directory.path(), &run, &ask(&[], false));
    replay(&plan, 0, manner);
    assert!(Replayer::open(&plan, 0, 0).unwrap().is_none());
    assert_eq!(EPOCHS, 6);
}
