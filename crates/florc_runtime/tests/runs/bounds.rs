//! Bounds on disk space hold at every moment, and what is left is as good as if nothing had gone.

use std::fs;
use std::path::Path;

use florc_manifest::{CutKey, JournalRecord, Verdict};
use florc_runtime::{Mode, RecordConfig, Store, bytes_below, check_store};
use tempfile::tempdir;

use super::faults::states;
use super::training::{Ask, EPOCHS, Manner, from_scratch, head, plan, record_as, replay_all};

fn record(store: &Path, limit: u64, mode: Mode) -> Vec<(String, String)> {
    let config = RecordConfig {
        store: store.to_owned(),
        mode,
        memory_limit: 1 << 20,
        storage_limit: Some(limit),
    };
    let mut recorder = record_as(&config, Manner::default(), |_, _| {
        assert!(bytes_below(&store.join("packs")) <= limit);
    });
    assert!(bytes_below(&store.join("packs")) <= limit);
    recorder.take_notes()
}

/// Size of the first checkpoint.
fn one() -> u64 {
    let directory = tempdir().unwrap();
    record(directory.path(), u64::MAX, Mode::All);
    let run = Store::open(directory.path()).unwrap().latest(None).unwrap();
    fs::metadata(run.packs().join("0-1.pack")).unwrap().len()
}

#[test]
fn a_bounded_run_keeps_what_it_can_and_replays_as_any_other() {
    for checkpoints in 3..8 {
        let directory = tempdir().unwrap();
        assert_eq!(
            record(directory.path(), checkpoints * one() + 2000, Mode::All),
            []
        );
        let store = Store::open(directory.path()).unwrap();
        let run = store.latest(None).unwrap();
        let kept = run.checkpoints().unwrap();
        assert_eq!(
            states(&run).len(),
            kept.len(),
            "what is there can be restored"
        );
        assert_eq!(check_store(&store).unwrap().damages, []);
        let cuts: Vec<&CutKey> = kept.iter().map(|it| &it.cut).collect();
        assert!(
            cuts.contains(&&CutKey::Head(head(0))) && cuts.contains(&&CutKey::Exit(head(EPOCHS)))
        );
        let heads: Vec<u64> = cuts
            .iter()
            .filter_map(|cut| match cut {
                CutKey::Head(head) => Some(head.iteration),
                CutKey::Block(_) | CutKey::Exit(_) => None,
            })
            .collect();
        assert!(
            heads.len() as u64 + 2 >= checkpoints,
            "{checkpoints}: {heads:?}"
        );
        let ask = Ask {
            starts: heads[1..].to_vec(),
            inner_probe: true,
            wanted: vec![],
            until: None,
            leaps: vec![],
        };
        let plan = plan(directory.path(), run.id(), &ask);
        let (rows, verdicts) = replay_all(&plan, heads.len() as u32, Manner::default());
        assert_eq!(rows, from_scratch(0));
        assert!(
            verdicts.iter().all(|it| *it == Verdict::Verified),
            "{verdicts:?}"
        );
    }
}

#[test]
fn what_went_is_in_the_journal() {
    let directory = tempdir().unwrap();
    record(directory.path(), 4 * one(), Mode::All);
    let run = Store::open(directory.path()).unwrap().latest(None).unwrap();
    let records = run.journal().unwrap().records;
    let count = |is: fn(&JournalRecord) -> bool| records.iter().filter(|it| is(it)).count();
    let written = count(|it| matches!(it, JournalRecord::Checkpoint(_)));
    let dropped = count(|it| matches!(it, JournalRecord::CheckpointDropped { .. }));
    assert!(dropped > 0 && written - dropped <= run.checkpoints().unwrap().len());
}

#[test]
fn a_bound_that_no_checkpoint_fits_into_is_told_once() {
    let directory = tempdir().unwrap();
    let notes = record(directory.path(), 1000, Mode::All);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].1.contains("takes more than --max-storage"));
    let run = Store::open(directory.path()).unwrap().latest(None).unwrap();
    assert_eq!(run.checkpoints().unwrap(), []);
}
