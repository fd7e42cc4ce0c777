//! What is on the disk after a run, however it ended, and how it is found again.

use std::fs;
use std::path::Path;

use crate::training::{EPOCHS, Manner, Program, head, record, record_with};
use florc_manifest::{CutKey, JournalRecord, LossReason, MissingState, RunStatus};
use florc_runtime::{Mode, Store, StoreErrorKind, state_hash};
use tempfile::tempdir;

const MANNER: Manner = Manner {
    seed: 1,
    raises: None,
    dies: None,
    drifts: None,
    surprises: None,
};

fn latest(store: &Path) -> florc_runtime::RunHandle {
    Store::open(store).unwrap().latest(None).unwrap()
}

#[test]
fn a_run_has_a_checkpoint_at_each_cut_point() {
    let directory = tempdir().unwrap();
    record(directory.path(), Mode::All, MANNER);
    let run = latest(directory.path());
    let cuts: Vec<_> = run
        .checkpoints()
        .unwrap()
        .into_iter()
        .map(|it| it.cut)
        .collect();
    let heads = cuts
        .iter()
        .filter(|cut| matches!(cut, CutKey::Head(_)))
        .count() as u64;
    let blocks = cuts
        .iter()
        .filter(|cut| matches!(cut, CutKey::Block(_)))
        .count() as u64;
    assert_eq!((heads, blocks), (EPOCHS, EPOCHS));
    assert_eq!(cuts.last(), Some(&CutKey::Exit(head(EPOCHS))));
    let journal = run.journal().unwrap();
    assert_eq!(journal.torn, None);
    let ended = |record: &JournalRecord| {
        matches!(
            record,
            JournalRecord::Ended {
                status: RunStatus::Finished,
                ..
            }
        )
    };
    assert!(journal.records.last().is_some_and(ended));
    assert_eq!(run.source("train.py").unwrap(), b"print('begin')\n");
}

#[test]
fn a_checkpoint_gives_the_state_back() {
    let directory = tempdir().unwrap();
    record(directory.path(), Mode::All, MANNER);
    let checkpoint = latest(directory.path())
        .load(&CutKey::Head(head(0)))
        .unwrap();
    let mut program = Program::new(99);
    program.restore(&checkpoint);
    assert_eq!(program, Program::new(1));
    let again = florc_runtime::seal(program.capture());
    assert_eq!(
        florc_runtime::hex(&state_hash(&again.graph)),
        checkpoint.record.state_hash
    );
}

#[test]
fn equal_memory_is_stored_once_in_a_run() {
    let directory = tempdir().unwrap();
    record(directory.path(), Mode::All, MANNER);
    let checkpoints = latest(directory.path()).checkpoints().unwrap();
    let stored = |at: usize| checkpoints[at].stored_bytes;
    // the end of a block and the head after it have the same weights
    assert!(
        stored(2) * 2 < stored(1),
        "{} after {}",
        stored(2),
        stored(1)
    );
}

#[test]
fn modes_that_take_less_take_less() {
    for (mode, expected) in [(Mode::None, 0), (Mode::Every(3), 5)] {
        let directory = tempdir().unwrap();
        record(directory.path(), mode, MANNER);
        assert_eq!(
            latest(directory.path()).checkpoints().unwrap().len(),
            expected
        );
    }
    let directory = tempdir().unwrap();
    record(directory.path(), Mode::Adaptive { epsilon: 0.02 }, MANNER);
    let cuts = latest(directory.path()).checkpoints().unwrap();
    assert_eq!(
        cuts.first().map(|it| it.cut.clone()),
        Some(CutKey::Head(head(0)))
    );
}

#[test]
fn a_killed_run_keeps_what_was_finished() {
    let directory = tempdir().unwrap();
    drop(record(
        directory.path(),
        Mode::All,
        Manner {
            dies: Some(3),
            ..MANNER
        },
    ));
    let run = latest(directory.path());
    fs::write(run.packs().join("0-99.pack.tmp"), "half").unwrap();
    fs::write(run.packs().join("0-98.pack"), "half").unwrap();
    let before = run.checkpoints().unwrap();
    assert_eq!(before.len(), 7);
    let whole = fs::read(run.journal_path()).unwrap();
    for cut in (0..whole.len()).step_by(whole.len() / 40) {
        fs::write(run.journal_path(), &whole[..cut]).unwrap();
        let after = run.checkpoints().unwrap();
        assert_eq!(after.len(), before.len());
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(
                (&before.cut, &before.state_hash),
                (&after.cut, &after.state_hash)
            );
            run.load_record(after).unwrap();
        }
    }
}

#[test]
fn an_unwritable_store_does_not_stop_the_program() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let mut recorder = record(&file.join(".florc"), Mode::All, MANNER);
    let notes = recorder.take_notes();
    assert_eq!(notes.len(), 1);
    assert_eq!(
        (notes[0].0.as_str(), recorder.run()),
        ("store-unwritable", "")
    );
}

#[test]
fn a_disk_that_fails_later_ends_checkpoints_and_is_told_once() {
    let directory = tempdir().unwrap();
    let store = directory.path();
    let mut recorder = record_with(store, Mode::All, MANNER, |recorder, epoch| {
        if epoch == 2 {
            let packs = store.join("packs").join(recorder.run());
            // a checkpoint may come in between
            while packs.exists() {
                let _ = fs::remove_dir_all(&packs);
            }
        }
    });
    let notes = recorder.take_notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0].0, "checkpoints-stopped");
    let journal = latest(store).journal().unwrap();
    let rows = journal
        .records
        .iter()
        .filter(|it| matches!(it, JournalRecord::Log(_)));
    assert_eq!(rows.count() as u64, EPOCHS + 2);
}

#[test]
fn a_store_that_vanishes_is_told_once() {
    for mode in [Mode::All, Mode::None] {
        let directory = tempdir().unwrap();
        let store = directory.path().join(".florc");
        let mut recorder = record_with(&store, mode, MANNER, |_, epoch| {
            if epoch == 2 {
                // a checkpoint may come in between
                while store.exists() {
                    let _ = fs::remove_dir_all(&store);
                }
            }
        });
        let notes = recorder.take_notes();
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert_eq!(notes[0].0, "store-unwritable");
        assert!(!store.exists(), "it is not made again in part");
    }
}

#[test]
fn runs_are_found_by_id_prefix_name_and_script() {
    let directory = tempdir().unwrap();
    for _ in 0..2 {
        record(directory.path(), Mode::None, MANNER);
    }
    let store = Store::open(directory.path()).unwrap();
    let runs = store.runs().unwrap();
    let ids: Vec<_> = runs.iter().map(|run| run.id().to_owned()).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids[0] < ids[1]);
    let found = |wanted: &str| store.run(wanted).map(|run| run.id().to_owned());
    let kind = |wanted: &str| store.run(wanted).unwrap_err().kind;
    assert_eq!(found("latest").unwrap(), ids[1]);
    assert_eq!(found("first").unwrap(), ids[1]);
    assert_eq!(found(&ids[0]).unwrap(), ids[0]);
    assert_eq!(found(&ids[0][..ids[0].len() - 1]).unwrap(), ids[0]);
    assert_eq!(kind(&ids[0][..2]), StoreErrorKind::Ambiguous);
    assert_eq!(kind("nothing"), StoreErrorKind::Missing);
    assert_eq!(kind(".."), StoreErrorKind::Missing);
    assert_eq!(store.latest(Some("train.py")).unwrap().id(), ids[1]);
    assert_eq!(
        store.latest(Some("other.py")).unwrap_err().kind,
        StoreErrorKind::Missing
    );
}

#[test]
fn runs_that_start_at_once_do_not_meet() {
    let directory = tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| record(directory.path(), Mode::Every(5), MANNER));
        }
    });
    let runs = Store::open(directory.path()).unwrap().runs().unwrap();
    assert_eq!(runs.len(), 8);
    assert!(runs.iter().all(|run| run.journal().unwrap().torn.is_none()));
}

#[test]
fn a_store_of_a_newer_florc_is_refused_clearly() {
    let directory = tempdir().unwrap();
    record(directory.path(), Mode::None, MANNER);
    let run = latest(directory.path());
    let path = run.directory().join("manifest.json");
    fs::write(&path, r#"{"format": 99, "something": "else"}"#).unwrap();
    let error = run.manifest().unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Newer);
    assert!(
        error.to_string().contains("newer florc (format 99"),
        "{error}"
    );
}

#[test]
fn a_changed_source_is_not_given_out() {
    let directory = tempdir().unwrap();
    record(directory.path(), Mode::None, MANNER);
    let run = latest(directory.path());
    let hash = run.manifest().unwrap().sources[0].hash.clone();
    fs::write(
        run.directory().join("sources").join(hash),
        "print('else')\n",
    )
    .unwrap();
    assert_eq!(
        run.source("train.py").unwrap_err().kind,
        StoreErrorKind::Damaged
    );
    assert_eq!(
        run.source("other.py").unwrap_err().kind,
        StoreErrorKind::Missing
    );
}

#[test]
fn rows_know_where_they_come_from() {
    let directory = tempdir().unwrap();
    record(directory.path(), Mode::None, MANNER);
    let journal = latest(directory.path()).journal().unwrap();
    let rows = journal
        .records
        .into_iter()
        .filter_map(|record| match record {
            JournalRecord::Log(row) => Some(row),
            _ => None,
        });
    let rows: Vec<_> = rows.collect();
    assert_eq!(
        (rows[0].head, rows[0].context.len(), rows[0].seq),
        (None, 0, 0)
    );
    assert_eq!((rows[3].head, rows[3].seq), (Some(head(2)), 3));
    assert_eq!(
        (rows[3].context[0].label.as_str(), rows[3].context[0].value),
        ("epoch", 2)
    );
    assert_eq!(rows.last().unwrap().head, None);
}

#[test]
fn incomplete_checkpoints_are_not_restorable() {
    let directory = tempdir().unwrap();
    record(directory.path(), Mode::All, MANNER);
    let mut record = latest(directory.path()).checkpoints().unwrap().remove(0);
    let state = |path: &str, reason| MissingState {
        path: path.into(),
        type_name: "generator".into(),
        reason,
    };
    let total = ["total".to_owned()];
    assert!(record.restorable(&total));
    record.absent.push(state("total", LossReason::TooLarge));
    assert!(!record.restorable(&total));
    assert!(record.restorable(&[]));
    record
        .missing
        .push(state("weights.it", LossReason::RunningIterator));
    assert!(!record.restorable(&[]));
}
