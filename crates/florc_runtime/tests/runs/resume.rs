//! A run that was cut short goes on, and is like one that never was.

use std::fs;
use std::path::Path;

use florc_manifest::{CutKey, JournalRecord, Verdict};
use florc_runtime::{Mode, RecordConfig, Store, check_store};
use tempfile::tempdir;

use super::faults::states;
use super::training::{
    Ask, EPOCHS, Manner, Program, from_scratch, head, plan, record, record_as, replay_all, resume,
};

fn config(store: &Path, storage_limit: Option<u64>) -> RecordConfig {
    RecordConfig {
        store: store.to_owned(),
        mode: Mode::All,
        memory_limit: 1 << 20,
        storage_limit,
    }
}

/// Text of a row without what the clock told.
fn said(text: &str) -> String {
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// Rows; states but for what the clock told: total, random, weights in short.
pub(super) type Outcome = (Vec<(u64, String)>, Vec<(CutKey, f64, i64, f64)>);

pub(super) fn outcome(store: &Path) -> Outcome {
    let store = Store::open(store).unwrap();
    let run = store.latest(None).unwrap();
    assert_eq!(check_store(&store).unwrap().damages, []);
    let row = |it: JournalRecord| match it {
        JournalRecord::Log(row) => Some((row.seq, said(&row.text))),
        _ => None,
    };
    let records = run.journal().unwrap().records;
    let in_short = |(cut, it): (CutKey, Program)| {
        let weights = it
            .weights
            .iter()
            .zip(1..)
            .map(|(weight, at)| weight * f64::from(at));
        (cut, it.total, it.random, weights.sum())
    };
    let states = states(&run).into_iter().map(in_short);
    (
        records.into_iter().filter_map(row).collect(),
        states.collect(),
    )
}

pub(super) fn unbroken() -> Outcome {
    let directory = tempdir().unwrap();
    record(directory.path(), Mode::All, Manner::default());
    outcome(directory.path())
}

fn dies(epoch: u64) -> Manner {
    Manner {
        dies: Some(epoch),
        ..Manner::default()
    }
}

#[test]
fn it_is_as_an_unbroken_one_wherever_it_was_cut() {
    for epoch in 0..EPOCHS {
        let directory = tempdir().unwrap();
        drop(record(directory.path(), Mode::All, dies(epoch)));
        let mut recorder = resume(&config(directory.path(), None), |_| {}).unwrap();
        assert_eq!(recorder.take_notes(), []);
        assert_eq!(outcome(directory.path()), unbroken(), "cut in {epoch}");
        let run = Store::open(directory.path()).unwrap().latest(None).unwrap();
        let ask = Ask {
            starts: vec![2, 4],
            inner_probe: true,
            wanted: vec![],
            until: None,
            leaps: vec![],
        };
        let (rows, verdicts) = replay_all(
            &plan(directory.path(), run.id(), &ask),
            3,
            Manner::default(),
        );
        assert_eq!(rows, from_scratch(0));
        assert!(
            verdicts.iter().all(|it| *it == Verdict::Verified),
            "{verdicts:?}"
        );
        assert!(
            resume(&config(directory.path(), None), |_| {})
                .unwrap_err()
                .0
                .contains("it finished")
        );
    }
}

#[test]
fn an_earlier_checkpoint_serves_and_later_ones_are_none_any_more() {
    let directory = tempdir().unwrap();
    drop(record(directory.path(), Mode::All, dies(4)));
    let run = Store::open(directory.path()).unwrap().latest(None).unwrap();
    let checkpoints = run.checkpoints().unwrap();
    let last = checkpoints
        .iter()
        .find(|it| it.cut == CutKey::Head(head(4)))
        .unwrap();
    let path = run.packs().join(&last.pack);
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len() - 20;
    bytes[end] ^= 1;
    fs::write(&path, bytes).unwrap();
    resume(&config(directory.path(), None), |_| {}).unwrap();
    assert_eq!(outcome(directory.path()), unbroken());
}

#[test]
fn another_state_is_refused_and_nothing_is_changed() {
    let directory = tempdir().unwrap();
    drop(record(directory.path(), Mode::All, dies(3)));
    let before = outcome(directory.path());
    let spoiled = resume(&config(directory.path(), None), |it| it.weights[3] += 1e-12);
    assert!(spoiled.unwrap_err().0.contains("weights"));
    assert_eq!(outcome(directory.path()), before);
}

#[test]
fn a_run_that_is_recorded_is_left_alone() {
    let directory = tempdir().unwrap();
    let recorder = record(directory.path(), Mode::All, dies(3));
    let refused = resume(&config(directory.path(), None), |_| {}).unwrap_err();
    assert!(refused.0.contains("being recorded"), "{refused}");
    drop(recorder);
}

#[test]
fn a_bound_on_storage_counts_what_is_there() {
    let directory = tempdir().unwrap();
    let limited = config(directory.path(), Some(40_000));
    drop(record_as(&limited, dies(4), |_, _| {}));
    resume(&limited, |_| {}).unwrap();
    let packs = florc_runtime::bytes_below(&directory.path().join("packs"));
    assert!(packs > 10_000 && packs <= 40_000, "{packs}");
    assert_eq!(outcome(directory.path()).0, unbroken().0);
}
