//! A main loop that is entered more than once, and one inside of itself.
//!
//! ```python
//! for fold in range(2):
//!     train()                  # the main loop is in here
//!     print("fold", fold)
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use florc_manifest::{CutKey, HeadKey, RunStatus, SegmentEnd, SegmentStart, Verdict};
use florc_runtime::{HeadStep, LogEvent, Mode, RecordConfig, Recorder, Replayer, Store};
use tempfile::tempdir;

use crate::training::{Ask, MAIN, Program, manifest, plan};

const FOLDS: u32 = 2;
const EPOCHS: u64 = 3;

fn event(site: u32, program: &Program) -> LogEvent {
    LogEvent {
        site,
        line: 1,
        text: format!("{}", program.random),
        values: vec![],
    }
}

fn record(store: &Path) -> String {
    let config = RecordConfig {
        store: store.to_owned(),
        mode: Mode::All,
        memory_limit: 0,
        storage_limit: None,
    };
    let mut recorder = Recorder::start(&config, manifest(), &[]);
    let mut program = Program::new(1);
    for _ in 0..FOLDS {
        recorder.loop_entered(MAIN, None, BTreeMap::new(), true);
        for _ in 0..EPOCHS {
            let key = recorder.head(None).unwrap().key;
            assert!(recorder.admit(&CutKey::Head(key), 8000));
            recorder.submit(CutKey::Head(key), (program.capture(), None), 0.0, vec![]);
            program.random += 1;
            recorder.log(event(0, &program));
        }
        let exit = recorder.leave().unwrap();
        recorder.admit(&exit, 8000);
        recorder.submit(exit, (program.capture(), None), 0.0, vec![]);
        program.random += 100;
        recorder.log(event(1, &program));
    }
    let run = recorder.run().to_owned();
    recorder.finish(RunStatus::Finished);
    run
}

/// Values of the probe in the loop (`random` at the end of an iteration).
fn replay(plan: &Path) -> (Vec<String>, Verdict, Option<HeadKey>) {
    let mut replayer = Replayer::open(plan, 0, 0).unwrap().unwrap();
    let mut program = Program::new(1);
    let mut restored = None;
    'folds: for _ in 0..FOLDS {
        let entry = replayer
            .main_enter(MAIN, &BTreeMap::new(), true)
            .unwrap()
            .unwrap();
        for _ in entry.jump.map_or(0, |jump| jump.iteration)..EPOCHS {
            match replayer.head(None) {
                HeadStep::Run(_) | HeadStep::Ignore => {}
                HeadStep::Restore(key) => {
                    restored = Some(key);
                    program.restore(&replayer.checkpoint(&CutKey::Head(key)).unwrap());
                }
                HeadStep::Check(key) => replayer.verify(&CutKey::Head(key), program.capture()),
                HeadStep::Stop(key) => {
                    replayer.verify(&CutKey::Head(key), program.capture());
                    break 'folds;
                }
            }
            program.random += 1;
            replayer.log(event(0, &program));
            replayer.log(event(1, &program));
        }
        if let Some(exit) = replayer.leave() {
            replayer.verify(&exit, program.capture());
        }
        program.random += 100;
        replayer.log(event(2, &program));
    }
    let verdict = replayer.finish().unwrap();
    let shard = florc_runtime::read_shard(plan.parent().unwrap(), 0, 0)
        .unwrap()
        .unwrap();
    (
        shard.rows.into_iter().map(|row| row.text).collect(),
        verdict,
        restored,
    )
}

#[track_caller]
fn check(start: SegmentStart, end: SegmentEnd, expected: &[&str], restored: Option<HeadKey>) {
    let directory = tempdir().unwrap();
    let run = record(directory.path());
    assert_eq!(
        Store::open(directory.path())
            .unwrap()
            .run("latest")
            .unwrap()
            .id(),
        run
    );
    let ask = Ask {
        starts: vec![],
        inner_probe: false,
        wanted: vec![],
        until: None,
        leaps: vec![],
    };
    let path = plan(directory.path(), &run, &ask);
    let mut plan: florc_manifest::ReplayPlan =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    plan.forward_sites = vec![Some(0), None, Some(1)];
    (plan.segments[0].start, plan.segments[0].end) = (start, end);
    std::fs::write(&path, serde_json::to_vec(&plan).unwrap()).unwrap();
    let (rows, verdict, last_restored) = replay(&path);
    assert_eq!(rows, expected);
    assert_eq!(verdict, Verdict::Verified);
    assert_eq!(last_restored, restored);
}

fn at(instance: u32, iteration: u64) -> HeadKey {
    HeadKey {
        instance,
        iteration,
    }
}

#[test]
fn each_entry_has_iterations_of_its_own() {
    let all = ["2", "3", "4", "105", "106", "107"];
    check(SegmentStart::Beginning, SegmentEnd::Program, &all, None);
    let second = at(1, 1);
    check(
        SegmentStart::Head(second),
        SegmentEnd::Program,
        &all[4..],
        Some(second),
    );
    let (from, to) = (SegmentStart::Head(at(0, 2)), SegmentEnd::Head(at(1, 1)));
    check(from, to, &all[2..4], Some(at(0, 2)));
}

#[test]
fn a_main_loop_in_itself_is_not_recorded_twice() {
    let directory = tempdir().unwrap();
    let config = RecordConfig {
        store: directory.path().to_owned(),
        mode: Mode::All,
        memory_limit: 0,
        storage_limit: None,
    };
    let mut recorder = Recorder::start(&config, manifest(), &[]);
    assert_eq!(
        recorder.loop_entered(MAIN, None, BTreeMap::new(), true),
        Some(0)
    );
    assert!(recorder.head(None).is_some());
    assert_eq!(
        recorder.loop_entered(MAIN, None, BTreeMap::new(), true),
        None
    );
    assert_eq!(recorder.head(None), None);
    assert_eq!(recorder.leave(), None);
    assert_eq!(recorder.head(None).unwrap().key, at(0, 1));
    recorder.abandon();
    assert_eq!(recorder.head(None), None);
    assert_eq!(
        recorder.loop_entered(MAIN, None, BTreeMap::new(), true),
        Some(1)
    );
}
