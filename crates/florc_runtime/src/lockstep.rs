//! Ranks materialize the same iterations.
//!
//! ```text
//! rank 0, head of iteration 7:  "8 is due" ──► runs/<run>/due ──► rank 1, head of iteration 8: due
//! ```
//!
//! A replay restores all ranks at the same iteration, so a checkpoint that only some of them took is
//! of no use. Rank 0 decides, an iteration ahead: where ranks exchange gradients the others are not
//! there yet. One that is (or does not see the file yet) takes a checkpoint less; nobody waits.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::PathBuf;

use florc_manifest::HeadKey;

use crate::run::RunHandle;

/// Bytes of an entry: instance, iteration, both little-endian.
const ENTRY: usize = 12;

/// Who decides which iterations are due.
#[derive(Debug, Default)]
pub(crate) enum Lockstep {
    /// This process, for itself.
    #[default]
    Alone,
    /// This process, for all. The iteration that it announced last.
    Leads(Option<File>, Option<HeadKey>),
    /// Rank 0.
    Follows(Follower),
}

/// What rank 0 announced, as far as it was read.
#[derive(Debug)]
pub(crate) struct Follower {
    path: PathBuf,
    file: Option<File>,
    unread: Vec<u8>,
    due: BTreeSet<HeadKey>,
}

impl Lockstep {
    /// For the rank of `run`, one of `world_size`. `name` is that of the file.
    pub(crate) fn new(run: &RunHandle, world_size: u32, name: &str) -> Self {
        let path = run.directory().join(name);
        match (world_size, run.rank()) {
            (0 | 1, _) => Self::Alone,
            (_, 0) => {
                let file = OpenOptions::new().append(true).create(true).open(&path);
                Self::Leads(file.ok(), None)
            }
            (_, _) => Self::Follows(Follower {
                path,
                file: None,
                unread: Vec::new(),
                due: BTreeSet::new(),
            }),
        }
    }

    /// Rank 0: tells the others that `head` will be due.
    pub(crate) fn announce(&mut self, head: HeadKey) {
        if let Self::Leads(file, announced) = self {
            let mut entry = [0; ENTRY];
            entry[..4].copy_from_slice(&head.instance.to_le_bytes());
            entry[4..].copy_from_slice(&head.iteration.to_le_bytes());
            // what cannot be told is not done
            let told = file.as_mut().is_some_and(|it| it.write_all(&entry).is_ok());
            *announced = told.then_some(head);
        }
    }
}

impl Follower {
    /// Whether rank 0 announced `head`.
    pub(crate) fn is_due(&mut self, head: HeadKey) -> bool {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        if let Some(file) = &mut self.file {
            // a failure is a checkpoint less
            let _ = file.read_to_end(&mut self.unread);
        }
        let whole = self.unread.len() - self.unread.len() % ENTRY;
        for entry in self.unread.drain(..whole).as_slice().chunks_exact(ENTRY) {
            let (instance, iteration) = entry.split_at(4);
            if let (Ok(instance), Ok(iteration)) = (instance.try_into(), iteration.try_into()) {
                self.due.insert(HeadKey {
                    instance: u32::from_le_bytes(instance),
                    iteration: u64::from_le_bytes(iteration),
                });
            }
        }
        self.due = self.due.split_off(&head);
        self.due.contains(&head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(iteration: u64) -> HeadKey {
        HeadKey {
            instance: 0,
            iteration,
        }
    }

    #[test]
    fn what_rank_0_announces_is_due_for_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunHandle::new(folder.path(), "run");
        std::fs::create_dir_all(run.directory()).unwrap();
        let Lockstep::Follows(mut other) = Lockstep::new(&run.of_rank(1), 2, "due") else {
            panic!("rank 1 follows")
        };
        assert!(!other.is_due(head(1)), "nothing is there yet");
        let mut lead = Lockstep::new(&run, 2, "due");
        lead.announce(head(2));
        assert!(other.is_due(head(2)) && !other.is_due(head(3)));
        lead.announce(head(9));
        assert!(!other.is_due(head(4)) && other.is_due(head(9)));
    }
}
