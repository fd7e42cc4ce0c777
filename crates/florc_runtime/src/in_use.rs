//! Who else has a run open.
//!
//! A recording process and a replay hold a shared lock on the run's journal for as long as they
//! live; the system takes it back when they die, however they do. Who wants to delete asks for the
//! lock alone. Nobody ever waits for a lock, and where a file system knows none, a run that has not
//! ended counts as open until it has been still for a day.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Where nothing else tells that a recording is over.
const STILL: Duration = Duration::from_secs(24 * 3600);

/// A run that nobody deletes while this lives.
#[derive(Debug)]
pub struct RunGuard {
    /// Of each of its processes.
    journals: Vec<File>,
}

impl RunGuard {
    /// For all that these are for.
    pub(crate) fn all(guards: Vec<Self>) -> Self {
        let journals = guards.into_iter().flat_map(|guard| guard.journals);
        Self {
            journals: journals.collect(),
        }
    }
}

/// Marks a journal as open in this process, while `journal` is.
pub(crate) fn mark_open(journal: &File) {
    // somebody who asks whether it is open holds it for a moment
    for _ in 0..20 {
        match journal.try_lock_shared() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            Ok(()) | Err(TryLockError::Error(_)) => return,
        }
    }
}

/// Keeps a run from being deleted.
pub(crate) fn hold(journal: &Path) -> RunGuard {
    let file = File::open(journal).ok();
    if let Some(file) = &file {
        mark_open(file);
    }
    RunGuard {
        journals: file.into_iter().collect(),
    }
}

/// The right to delete a run; `None`: it is open somewhere, or may be.
pub(crate) fn claim(journal: &Path, has_ended: impl Fn() -> bool) -> Option<RunGuard> {
    let Ok(file) = File::open(journal) else {
        // killed before its first record, or about to write it
        let run = journal.parent().unwrap_or(journal);
        return is_still(run).then_some(RunGuard { journals: vec![] });
    };
    match file.try_lock() {
        Ok(()) => Some(RunGuard {
            journals: vec![file],
        }),
        Err(TryLockError::WouldBlock) => None,
        Err(TryLockError::Error(_)) => {
            (has_ended() || is_still(journal)).then_some(RunGuard { journals: vec![] })
        }
    }
}

fn is_still(path: &Path) -> bool {
    let changed = std::fs::metadata(path).and_then(|data| data.modified());
    changed.is_ok_and(|at| {
        SystemTime::now()
            .duration_since(at)
            .is_ok_and(|it| it > STILL)
    })
}
