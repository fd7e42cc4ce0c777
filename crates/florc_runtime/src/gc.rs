//! Removes runs, and what processes that died left behind.
//!
//! ```text
//! runs/<run>  ──rename──►  removed/<run>       the run is gone: one step, whole or not at all
//! packs/<run> ──rename──►  removed/<run>.packs
//! removed/*                deleted
//! ```
//!
//! A crash in between leaves rubbish, never half a run. A run that somebody records or replays is
//! not touched. Which runs go is the caller's to decide.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::error::StoreError;
use crate::fsck::{is_temporary, names, remove};
use crate::run::RunHandle;
use crate::store::Store;
use crate::usage::bytes_below;

/// After that time an unfinished replay or a run without manifest is nobody's work any more.
const FORGOTTEN: Duration = Duration::from_secs(24 * 3600);

/// Something that nobody needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rubbish {
    /// Relative to the store.
    pub path: PathBuf,
    /// What it takes.
    pub bytes: u64,
    /// What it is.
    pub what: &'static str,
}

/// What can be deleted without losing a run or a finished replay. Runs in `without` count as gone.
pub fn rubbish(store: &Store, without: &[RunHandle]) -> Result<Vec<Rubbish>, StoreError> {
    let root = store.directory();
    let mut found = Vec::new();
    let mut add = |path: PathBuf, what| {
        let bytes = bytes_below(&path);
        let path = path.strip_prefix(root).unwrap_or(&path).to_owned();
        found.push(Rubbish { path, bytes, what });
    };
    for name in names(&root.join("removed"))? {
        add(root.join("removed").join(name), "part of a removed run");
    }
    let runs = names(&root.join("runs"))?;
    for name in runs
        .iter()
        .filter(|name| !without.iter().any(|it| it.id() == *name))
    {
        let run = store.handle(name);
        let has_manifest = run.directory().join("manifest.json").exists();
        if !has_manifest && !run.journal_path().exists() && is_forgotten(run.directory()) {
            add(run.directory().to_owned(), "a run that never began");
        } else if has_manifest && !run.is_open() {
            let sources = run.directory().join("sources");
            for directory in [run.directory(), &sources, run.packs()] {
                for name in names(directory)?.into_iter().filter(|it| is_temporary(it)) {
                    add(directory.join(name), "a half-written file");
                }
            }
        }
    }
    for name in names(&root.join("packs"))?.difference(&runs) {
        add(root.join("packs").join(name), "checkpoints without a run");
    }
    for name in names(&root.join("replays"))? {
        let replay = root.join("replays").join(&name);
        let is_gone = |run: &str| !runs.contains(run) || without.iter().any(|it| it.id() == run);
        if run_of_replay(&replay).is_some_and(|run| is_gone(&run)) {
            add(replay, "a replay of a run that is gone");
        } else if !replay.join("replay.json").exists() && is_forgotten(&replay) {
            add(replay, "an unfinished replay");
        }
    }
    for name in names(&root.join("launches"))? {
        let launch = root.join("launches").join(name);
        let run = fs::read_to_string(launch.join("run")).unwrap_or_default();
        if !runs.contains(&run) && is_forgotten(&launch) {
            add(launch, "a launch of a run that is gone");
        }
    }
    for name in names(&root.join("tmp"))? {
        let file = root.join("tmp").join(name);
        if is_forgotten(&file) {
            add(file, "a half-written file");
        }
    }
    Ok(found)
}

/// Deletes rubbish.
pub fn remove_rubbish(store: &Store, rubbish: &[Rubbish]) -> Result<(), StoreError> {
    for it in rubbish {
        let path = store.directory().join(&it.path);
        match remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::io(&path, "remove it", &error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Removes a run with its checkpoints. False: somebody records or replays it; nothing was done.
pub fn remove_run(store: &Store, run: &RunHandle) -> Result<bool, StoreError> {
    let Some(_claim) = run.claim() else {
        return Ok(false);
    };
    let removed = store.directory().join("removed");
    let failed = |error| StoreError::io(run.directory(), "remove the run", &error);
    fs::create_dir_all(&removed).map_err(failed)?;
    let (records, packs) = (
        removed.join(run.id()),
        removed.join(format!("{}.packs", run.id())),
    );
    fs::rename(run.directory(), &records).map_err(failed)?;
    // the run is gone for good before anything of it is deleted
    sync(&store.directory().join("runs")).map_err(failed)?;
    match fs::rename(run.packs(), &packs) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    for path in [packs, records] {
        if path.exists() {
            remove(&path).map_err(failed)?;
        }
    }
    Ok(true)
}

fn sync(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

/// The run that a replay is of.
fn run_of_replay(replay: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Of {
        run: String,
    }
    let read = |name: &str| {
        let text = fs::read(replay.join(name)).ok()?;
        Some(serde_json::from_slice::<Of>(&text).ok()?.run)
    };
    read("replay.json").or_else(|| read("plan.json"))
}

fn is_forgotten(path: &Path) -> bool {
    let changed = fs::symlink_metadata(path).and_then(|data| data.modified());
    changed.is_ok_and(|at| {
        SystemTime::now()
            .duration_since(at)
            .is_ok_and(|it| it > FORGOTTEN)
    })
}
