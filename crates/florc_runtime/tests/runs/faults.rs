//! Damage at any place of a store is found and named, the rest can be used, and no value is wrong.
//!
//! Places are drawn from a seed. `FLORC_FAULTS` asks for more of them than the suite looks at.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use florc_manifest::{CutKey, JournalRecord, RunStatus};
use florc_runtime::{
    Mode, RecordConfig, RunHandle, Store, check_store, rebuild, remove_rubbish, remove_run, rubbish,
};
use tempfile::tempdir;

use super::training::{Ask, Manner, Program, plan, record, record_as, replay_all};

/// splitmix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

fn places() -> usize {
    std::env::var("FLORC_FAULTS").map_or(150, |it| it.parse().unwrap())
}

/// All files of a store, in order.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    names.sort();
    for path in names {
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name().unwrap() != ".gitignore" {
            found.push(path);
        }
    }
    found
}

/// What a recorded run says, for comparison.
struct Truth {
    records: Vec<JournalRecord>,
    states: BTreeMap<CutKey, Program>,
}

pub(crate) fn states(run: &RunHandle) -> BTreeMap<CutKey, Program> {
    let mut states = BTreeMap::new();
    for record in run.checkpoints().unwrap_or_default() {
        if let Ok(checkpoint) = run.load_record(&record) {
            let mut program = Program::new(0);
            program.restore(&checkpoint);
            states.insert(record.cut, program);
        }
    }
    states
}

fn recorded(store: &Path) -> (RunHandle, Truth) {
    // one checkpoint waits for the other: there is time to compress them
    let config = RecordConfig {
        store: store.to_owned(),
        mode: Mode::All,
        memory_limit: 1,
        storage_limit: None,
    };
    record_as(&config, Manner::default(), |_, _| {});
    let run = Store::open(store).unwrap().latest(None).unwrap();
    let truth = Truth {
        records: run.journal().unwrap().records,
        states: states(&run),
    };
    assert!(truth.states.len() > 10);
    let checkpoints = run.checkpoints().unwrap();
    let blocks = checkpoints
        .iter()
        .filter(|it| matches!(it.cut, CutKey::Block(_)));
    let sizes: Vec<u64> = blocks.map(|it| it.stored_bytes).collect();
    // the second differs from the first, and takes less
    assert!(sizes[1] * 10 < sizes[0] * 9, "{sizes:?}");
    (run, truth)
}

/// Everything that still can be read is what was recorded. Whether all of it can.
fn check_values(run: &RunHandle, truth: &Truth) -> bool {
    let mut is_whole = true;
    match run.journal() {
        Ok(journal) => {
            assert!(truth.records.starts_with(&journal.records));
            is_whole &= journal.records.len() == truth.records.len();
        }
        Err(_) => is_whole = false,
    }
    let found = states(run);
    for (cut, state) in &found {
        assert_eq!(truth.states.get(cut), Some(state));
    }
    is_whole
        && found.len() == truth.states.len()
        && run.manifest().is_ok()
        && run.source("train.py").is_ok()
}

#[test]
fn a_sound_store_has_no_damage() {
    let directory = tempdir().unwrap();
    recorded(directory.path());
    let health = check_store(&Store::open(directory.path()).unwrap()).unwrap();
    assert_eq!((health.damages, health.leftovers.len()), (vec![], 0));
    assert!(health.runs == 1 && health.checkpoints > 10 && health.bytes > 10_000);
}

#[test]
fn a_flipped_bit_anywhere_is_named_and_changes_no_value() {
    let directory = tempdir().unwrap();
    let (run, truth) = recorded(directory.path());
    let store = Store::open(directory.path()).unwrap();
    let files = files(directory.path());
    let mut random = Random(1);
    for place in 0..places() {
        let path = &files[random.below(files.len())];
        let whole = fs::read(path).unwrap();
        let mut damaged = whole.clone();
        let at = random.below(whole.len());
        damaged[at] ^= 1 << random.below(8);
        fs::write(path, &damaged).unwrap();
        let is_whole = check_values(&run, &truth);
        let damages = check_store(&store).unwrap().damages;
        let is_named = damages.iter().any(|it| path.ends_with(&it.file));
        assert!(
            is_whole || is_named,
            "{place}: byte {at} of {}",
            path.display()
        );
        // only the zeros between the frames of a pack mean nothing
        assert!(
            is_named || whole[at] == 0,
            "{place}: byte {at} of {}",
            path.display()
        );
        fs::write(path, &whole).unwrap();
    }
}

#[test]
fn a_file_cut_anywhere_is_named_and_changes_no_value() {
    let directory = tempdir().unwrap();
    let (run, truth) = recorded(directory.path());
    let store = Store::open(directory.path()).unwrap();
    let files = files(directory.path());
    let mut random = Random(2);
    for place in 0..places() {
        let path = &files[random.below(files.len())];
        let whole = fs::read(path).unwrap();
        let cut = random.below(whole.len());
        fs::write(path, &whole[..cut]).unwrap();
        assert!(!check_values(&run, &truth));
        let damages = check_store(&store).unwrap().damages;
        let is_named = damages.iter().any(|it| path.ends_with(&it.file));
        // a journal that ends between two records is that of a killed run
        let ended = |it: &JournalRecord| matches!(it, JournalRecord::Ended { .. });
        let is_killed = run
            .journal()
            .is_ok_and(|it| it.torn.is_none() && !it.records.iter().any(ended));
        assert!(
            is_named || is_killed,
            "{place}: {} cut at {cut}",
            path.display()
        );
        fs::write(path, &whole).unwrap();
    }
}

#[test]
fn a_missing_file_is_named() {
    let directory = tempdir().unwrap();
    let (run, truth) = recorded(directory.path());
    let store = Store::open(directory.path()).unwrap();
    for path in files(directory.path()) {
        let whole = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!check_values(&run, &truth));
        let damages = check_store(&store).unwrap().damages;
        assert!(
            damages.iter().any(|it| path.ends_with(&it.file)),
            "{}",
            path.display()
        );
        fs::write(&path, &whole).unwrap();
    }
}

/// Flips a bit of the n-th byte of a file.
fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 4;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_mended_store_is_sound_and_keeps_what_was_whole() {
    let directory = tempdir().unwrap();
    let (run, truth) = recorded(directory.path());
    let store = Store::open(directory.path()).unwrap();
    flip(
        &run.journal_path(),
        fs::metadata(run.journal_path()).unwrap().len() as usize / 2,
    );
    flip(&run.packs().join("0-3.pack"), 100);
    fs::write(run.packs().join("0-99.pack.tmp"), "half").unwrap();
    let health = check_store(&store).unwrap();
    assert!(health.damages.len() >= 2 && health.leftovers.len() == 1);
    assert!(!rebuild(&store, &health).unwrap().is_empty());
    let health = check_store(&store).unwrap();
    assert_eq!((health.damages, health.leftovers.len()), (vec![], 0));
    let records = run.journal().unwrap().records;
    assert_eq!(records.len(), truth.records.len(), "one lost, one note");
    let found = states(&run);
    // the end of a block and the head after it, and the three blocks that build on it
    assert!(found.len() >= truth.states.len() - 2 * 4 && found.len() < truth.states.len());
    assert!(
        found
            .iter()
            .all(|(cut, state)| truth.states.get(cut) == Some(state))
    );
    assert!(
        directory
            .path()
            .join("damaged")
            .join(run.id())
            .join("0-3.pack")
            .exists()
    );
}

#[test]
fn a_replay_believes_no_record_behind_a_damaged_place() {
    let directory = tempdir().unwrap();
    let (run, _) = recorded(directory.path());
    let store = Store::open(directory.path()).unwrap();
    flip(
        &run.journal_path(),
        fs::metadata(run.journal_path()).unwrap().len() as usize / 2,
    );
    rebuild(&store, &check_store(&store).unwrap()).unwrap();
    let ask = Ask {
        starts: vec![5],
        inner_probe: true,
        wanted: vec![],
        until: None,
        leaps: vec![],
    };
    let plan = plan(directory.path(), run.id(), &ask);
    let (_, verdicts) = replay_all(&plan, 2, Manner::default());
    assert!(
        verdicts
            .iter()
            .all(|it| *it != florc_manifest::Verdict::Verified),
        "{verdicts:?}"
    );
}

#[test]
fn a_source_is_taken_from_another_run() {
    let directory = tempdir().unwrap();
    recorded(directory.path());
    let (run, _) = recorded(directory.path());
    let store = Store::open(directory.path()).unwrap();
    let source = run
        .directory()
        .join("sources")
        .join(&run.manifest().unwrap().sources[0].hash);
    flip(&source, 3);
    assert!(run.source("train.py").is_err());
    rebuild(&store, &check_store(&store).unwrap()).unwrap();
    assert!(run.source("train.py").is_ok());
}

#[test]
fn a_removed_run_leaves_nothing_and_the_others_alone() {
    let directory = tempdir().unwrap();
    let (first, truth) = recorded(directory.path());
    let (second, _) = recorded(directory.path());
    let store = Store::open(directory.path()).unwrap();
    let ask = Ask {
        starts: vec![],
        inner_probe: true,
        wanted: vec![],
        until: None,
        leaps: vec![],
    };
    plan(directory.path(), second.id(), &ask);
    assert_eq!(rubbish(&store, &[]).unwrap(), []);
    assert!(remove_run(&store, &second).unwrap());
    assert_eq!(store.runs().unwrap(), std::slice::from_ref(&first));
    let left = rubbish(&store, &[]).unwrap();
    assert_eq!(
        left.iter().map(|it| it.what).collect::<Vec<_>>(),
        ["a replay of a run that is gone"]
    );
    remove_rubbish(&store, &left).unwrap();
    assert_eq!(rubbish(&store, &[]).unwrap(), []);
    assert!(check_values(&first, &truth));
    assert!(
        files(directory.path())
            .iter()
            .all(|it| !it.to_string_lossy().contains(second.id()))
    );
}

#[test]
fn a_run_that_is_recorded_or_replayed_stays() {
    let directory = tempdir().unwrap();
    let manner = Manner {
        dies: Some(3),
        ..Manner::default()
    };
    let mut recorder = record(directory.path(), Mode::All, manner);
    let store = Store::open(directory.path()).unwrap();
    let run = store.latest(None).unwrap();
    fs::write(run.packs().join("0-99.pack.tmp"), "half").unwrap();
    assert!(run.is_open() && !remove_run(&store, &run).unwrap());
    assert_eq!(rubbish(&store, &[]).unwrap(), [], "it is being written");
    assert_eq!(check_store(&store).unwrap().damages, []);
    recorder.finish(RunStatus::Finished);
    drop(recorder);
    let held = run.hold();
    assert!(!remove_run(&store, &run).unwrap());
    drop(held);
    assert_eq!(rubbish(&store, &[]).unwrap().len(), 1);
    assert!(remove_run(&store, &run).unwrap());
}

#[test]
fn a_killed_removal_is_finished_by_the_next_one() {
    let directory = tempdir().unwrap();
    let (run, _) = recorded(directory.path());
    let store = Store::open(directory.path()).unwrap();
    // as after the first step
    fs::create_dir(directory.path().join("removed")).unwrap();
    fs::rename(
        run.directory(),
        directory.path().join("removed").join(run.id()),
    )
    .unwrap();
    assert_eq!(store.runs().unwrap(), []);
    let left = rubbish(&store, &[]).unwrap();
    assert_eq!(left.len(), 2, "records and checkpoints");
    remove_rubbish(&store, &left).unwrap();
    assert_eq!(files(directory.path()), Vec::<PathBuf>::new());
}

#[test]
fn what_a_run_takes_is_told() {
    let directory = tempdir().unwrap();
    let (run, truth) = recorded(directory.path());
    let usage = run.usage().unwrap();
    assert_eq!(usage.count, truth.states.len() as u64);
    assert_eq!(usage.state, 8000 * usage.count);
    assert!(
        usage.shared > 0,
        "a loop head shares with the end of the block before"
    );
    let all: u64 = files(directory.path())
        .iter()
        .map(|it| fs::metadata(it).unwrap().len())
        .sum();
    assert_eq!(usage.records + usage.checkpoints, all);
}
