//! A recording process that is killed at any moment loses nothing that it had finished.
//!
//! The process is this test program once more. Moments are drawn from a seed; `FLORC_KILLS` asks
//! for more of them than the suite tries.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use florc_manifest::{JournalRecord, Verdict};
use florc_runtime::{Mode, RecordConfig, RunHandle, Store, check_store};
use tempfile::tempdir;

use super::faults::{Random, states};
use super::resume::{Outcome, outcome, unbroken};
use super::training::{Ask, EPOCHS, Manner, from_scratch, plan, record_with, replay_all, resume};

const STORE: &str = "FLORC_TEST_KILLED_STORE";

/// What the process does: records run after run, and says which row was acknowledged.
#[test]
fn process() {
    let Ok(store) = std::env::var(STORE) else {
        return;
    };
    loop {
        record_with(
            Path::new(&store),
            Mode::All,
            Manner::default(),
            |recorder, epoch| {
                let mut out = std::io::stdout().lock();
                writeln!(out, "acknowledged {} {epoch}", recorder.run()).unwrap();
            },
        );
    }
}

/// Lets a process record for a while; gives the last row that each run acknowledged.
fn killed_after(store: &Path, time: Duration) -> Vec<(String, u64)> {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["kills::process", "--exact", "--nocapture"])
        .env(STORE, store)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(process.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("acknowledged") {
        assert_ne!(
            out.read_line(&mut text).unwrap(),
            0,
            "it did not begin: {text}"
        );
    }
    std::thread::sleep(time);
    process.kill().unwrap();
    process.wait().unwrap();
    out.read_to_string(&mut text).unwrap();
    let mut seen: Vec<(String, u64)> = Vec::new();
    let whole = text.rsplit_once('\n').unwrap().0;
    for line in whole
        .lines()
        .filter_map(|it| it.split_once("acknowledged "))
    {
        let (run, epoch) = line.1.split_once(' ').unwrap();
        seen.retain(|(known, _)| known != run);
        seen.push((run.to_owned(), epoch.parse().unwrap()));
    }
    seen
}

/// The run's rows and checkpoints are those of an unbroken run, as far as it came.
fn check(run: &RunHandle, acknowledged: u64) {
    let journal = run.journal().unwrap();
    let rows = journal
        .records
        .iter()
        .filter(|it| matches!(it, JournalRecord::Log(_)));
    assert!(rows.count() as u64 > acknowledged, "a row is lost");
    let checkpoints = run.checkpoints().unwrap();
    let found = states(run);
    assert_eq!(
        found.len(),
        checkpoints.len(),
        "a finished checkpoint cannot be read"
    );
    let ask = Ask {
        starts: vec![],
        inner_probe: true,
        wanted: vec![],
        until: None,
        leaps: vec![],
    };
    let plan = plan(run.directory().ancestors().nth(2).unwrap(), run.id(), &ask);
    let (rows, verdicts) = replay_all(&plan, 1, Manner::default());
    let expected = from_scratch(0);
    assert!(expected.starts_with(&rows), "{rows:?}");
    assert!(
        !matches!(
            verdicts[0],
            Verdict::Diverged { .. } | Verdict::Failed { .. }
        ),
        "{verdicts:?}"
    );
}

/// The last run goes on where it has a checkpoint, and ends as one that was never killed.
fn go_on(store: &Path, whole: &Outcome) {
    let config = RecordConfig {
        store: store.to_owned(),
        mode: Mode::All,
        memory_limit: 1 << 20,
        storage_limit: None,
    };
    match resume(&config, |_| {}) {
        Ok(_) => assert_eq!(&outcome(store), whole),
        Err(error) => {
            let is_early = error.0.contains("no checkpoint") || error.0.contains("it finished");
            assert!(is_early, "{error}");
        }
    }
}

#[test]
fn a_kill_at_any_moment_loses_nothing_that_was_finished() {
    let kills = std::env::var("FLORC_KILLS").map_or(20, |it| it.parse().unwrap());
    let whole = unbroken();
    let mut random = Random(3);
    for kill in 0..kills {
        let directory = tempdir().unwrap();
        let time = Duration::from_micros(random.below(60_000) as u64);
        let acknowledged = killed_after(directory.path(), time);
        let store = Store::open(directory.path()).unwrap();
        let health = check_store(&store).unwrap();
        // a record that was being written when the process died was acknowledged to nobody
        let is_end = |file: &Path| file.ends_with("journal-0");
        let damages = health.damages.iter().filter(|it| !is_end(&it.file));
        assert_eq!(damages.count(), 0, "{kill}: {:?}", health.damages);
        let runs = store.runs().unwrap();
        for (id, epoch) in &acknowledged {
            let run = runs.iter().find(|run| run.id() == id).unwrap();
            assert!(*epoch < EPOCHS && !run.is_open());
            check(run, *epoch);
        }
        if acknowledged
            .iter()
            .any(|(id, _)| runs.last().is_some_and(|it| it.id() == id))
        {
            go_on(directory.path(), &whole);
        }
    }
}
