//! Processes that trained together go on together: from the same iteration, and all or none.
//!
//! ```text
//! rank 0: way.json ──► rank 1, 2, …        from where; nobody has changed its journal yet
//! 0-equal 1-equal 2-equal ──► all          each came out as recorded: now each goes on
//! ```
//!
//! Files in a folder below `launches`, named after run and launch. A process that comes again (a job that was
//! put back in the queue) may find the way of the last time: it is this one's where its own journal is as rank 0 saw it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use florc_manifest::{CutKey, HeadKey, Ranks};
use serde::{Deserialize, Serialize};

use super::ReplayError;
use super::resume::{Found, find};
use crate::in_use::RunGuard;
use crate::run::RunHandle;
use crate::run_id::salt;
use crate::store::write_whole;

/// How long a process waits for the others, which do the same work.
const PATIENCE: Duration = Duration::from_secs(300);

/// Where processes go on, as rank 0 found it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Way {
    /// Of this time.
    name: String,
    start: Option<HeadKey>,
    last: HeadKey,
    /// What all can restore.
    cuts: BTreeSet<CutKey>,
    /// Hashes of the journals.
    journals: Vec<String>,
}

/// One of the processes that go on.
#[derive(Debug)]
pub(super) struct Together {
    folder: PathBuf,
    ranks: Ranks,
    way: Way,
}

impl Together {
    /// From where this process goes on with the others: rank 0 says it.
    pub(super) fn meet(
        run: &RunHandle,
        ranks: &Ranks,
    ) -> Result<(Self, Found, RunGuard), ReplayError> {
        let key = format!("{} {} {}", run.id(), ranks.launch, ranks.world_size);
        let name = format!("resume-{}", &blake3::hash(key.as_bytes()).to_hex()[..16]);
        let folder = run.launches().join(name);
        let failed = |error: std::io::Error| ReplayError(format!("{}: {error}", folder.display()));
        fs::create_dir_all(&folder).map_err(failed)?;
        let (way, found, held) = if ranks.rank == 0 {
            let file = folder.join("way.json");
            let _ = fs::remove_file(&file);
            let (found, held) = find(run)?;
            let way = Way::new(run, ranks, &found);
            // by this a run that is gone takes it along
            fs::write(folder.join("run"), run.id()).map_err(failed)?;
            let text = serde_json::to_vec(&way).map_err(std::io::Error::from);
            text.and_then(|text| write_whole(&file, &text))
                .map_err(failed)?;
            (way, found, held)
        } else {
            let mine = fingerprint(&run.of_rank(ranks.rank));
            let is_mine = |way: &Way| {
                way.journals.get(ranks.rank as usize).map(String::as_str) == Some(&mine)
            };
            let read = || {
                let text = fs::read(folder.join("way.json")).ok()?;
                serde_json::from_slice(&text).ok().filter(is_mine)
            };
            let way = wait_for(read).ok_or_else(|| {
                ReplayError("rank 0 did not tell from which iteration on".to_owned())
            })?;
            let found = Found {
                start: way.start,
                last: way.last,
                cuts: Vec::new(),
            };
            (way, found, run.hold())
        };
        let together = Self {
            folder,
            ranks: ranks.clone(),
            way,
        };
        Ok((together, found, held))
    }

    /// Whether all processes can restore it.
    pub(super) fn can_restore(&self, cut: &CutKey) -> bool {
        self.way.cuts.contains(cut)
    }

    /// Name of the file in which rank 0 announces what is due from here on.
    pub(super) fn announcements(&self) -> String {
        format!("due-{}", self.way.name)
    }

    /// This process came out as recorded. Comes back when all others did; an error: one did not.
    pub(super) fn agree(&self) -> Result<(), ReplayError> {
        let failed =
            |error: std::io::Error| ReplayError(format!("{}: {error}", self.folder.display()));
        fs::write(self.file("equal", self.ranks.rank), "").map_err(failed)?;
        let all = 0..self.ranks.world_size;
        let missing = || all.clone().find(|rank| !self.file("equal", *rank).exists());
        let refused = || {
            all.clone()
                .find(|rank| self.file("refused", *rank).exists())
        };
        let outcome = wait_for(|| match (refused(), missing()) {
            (Some(rank), _) => Some(Err(rank)),
            (None, None) => Some(Ok(())),
            (None, Some(_)) => None,
        });
        outcome
            .unwrap_or_else(|| Err(missing().unwrap_or_default()))
            .map_err(|rank| ReplayError(format!("rank {rank} did not come out as recorded")))
    }

    /// This process did not come out as recorded: the others need not wait.
    pub(super) fn refuse(&self) {
        // where it cannot be told they wait in vain, and refuse too
        let _ = fs::write(self.file("refused", self.ranks.rank), "");
    }

    fn file(&self, what: &str, rank: u32) -> PathBuf {
        self.folder.join(format!("{}-{rank}-{what}", self.way.name))
    }
}

impl Way {
    fn new(run: &RunHandle, ranks: &Ranks, found: &Found) -> Self {
        let all = 0..ranks.world_size;
        Self {
            name: format!("{:016x}", salt()),
            start: found.start,
            last: found.last,
            cuts: found.cuts.iter().cloned().collect(),
            journals: all.map(|rank| fingerprint(&run.of_rank(rank))).collect(),
        }
    }
}

fn fingerprint(run: &RunHandle) -> String {
    let bytes = fs::read(run.journal_path()).unwrap_or_default();
    blake3::hash(&bytes).to_hex().to_string()
}

fn wait_for<T>(look: impl Fn() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        match look() {
            None if began.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(20)),
            found => return found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of_two(folder: &std::path::Path, rank: u32) -> Together {
        Together {
            folder: folder.to_owned(),
            ranks: Ranks {
                rank,
                world_size: 2,
                launch: String::new(),
            },
            way: Way {
                name: "a".to_owned(),
                start: None,
                last: HeadKey {
                    instance: 0,
                    iteration: 3,
                },
                cuts: BTreeSet::new(),
                journals: Vec::new(),
            },
        }
    }

    #[test]
    fn all_go_on_when_all_came_out_as_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let other = one_of_two(folder.path(), 1);
        let waits = std::thread::spawn(move || other.agree());
        one_of_two(folder.path(), 0).agree().unwrap();
        waits.join().unwrap().unwrap();
    }

    #[test]
    fn none_goes_on_where_one_did_not() {
        let folder = tempfile::tempdir().unwrap();
        one_of_two(folder.path(), 1).refuse();
        let error = one_of_two(folder.path(), 0).agree().unwrap_err();
        assert!(error.to_string().contains("rank 1"), "{error}");
    }
}
