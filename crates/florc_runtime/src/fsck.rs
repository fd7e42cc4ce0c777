//! Reads all of a store and names what is damaged.
//!
//! ```text
//! packs/20260105-…/0-4.pack, byte 192: a chunk does not match its hash
//!   lost: the checkpoint at the head of iteration 2
//!   usable: 7 other checkpoints, the journal, the sources
//! ```
//!
//! Executes nothing that it reads, changes nothing: [`rebuild`] does, on what was found here.

mod packs;
mod rebuild;
mod run;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub use rebuild::rebuild;
pub(crate) use rebuild::remove;

use crate::error::StoreError;
use crate::run::RunHandle;
use crate::store::Store;

/// A place that is not what it was written as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The run that it belongs to.
    pub run: String,
    /// Relative to the store.
    pub file: PathBuf,
    /// First damaged byte, where one is known.
    pub offset: Option<u64>,
    /// What is wrong, in lower case.
    pub what: String,
    /// What cannot be had any more.
    pub lost: String,
    /// What of the run can.
    pub usable: String,
}

/// What can be done about damages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mend {
    /// Keep the whole records of this journal.
    Journal {
        /// The journal.
        path: PathBuf,
        /// Its end is missing, too.
        ends_early: bool,
    },
    /// Put away what nobody can use.
    SetAside(PathBuf),
    /// Take this source from another run.
    Source(PathBuf),
}

/// How a store is.
#[derive(Debug, Default)]
pub struct Health {
    /// In order of runs and files.
    pub damages: Vec<Damage>,
    /// Files that killed processes left half-written, relative to the store. Nobody reads them.
    pub leftovers: Vec<PathBuf>,
    /// Number of runs.
    pub runs: usize,
    /// Number of checkpoints.
    pub checkpoints: usize,
    /// Bytes that were read and checked.
    pub bytes: u64,
    mends: Vec<Mend>,
}

/// Reads everything. An error: the store itself cannot be listed.
pub fn check_store(store: &Store) -> Result<Health, StoreError> {
    let mut health = Health::default();
    let runs = names(&store.directory().join("runs"))?;
    for name in &runs {
        let run = store.handle(name);
        run::check(store.directory(), &run, &mut health);
    }
    for name in names(&store.directory().join("packs"))? {
        if !runs.contains(&name) {
            health.leftovers.push(Path::new("packs").join(name));
        }
    }
    Ok(health)
}

impl Health {
    /// Notes a damage of a file of a run.
    fn add(&mut self, store: &Path, run: &RunHandle, file: &Path, damage: Damage) {
        let file = file.strip_prefix(store).unwrap_or(file).to_owned();
        let run = run.id().to_owned();
        self.damages.push(Damage {
            run,
            file,
            ..damage
        });
    }

    fn count_bytes(&mut self, file: &Path) {
        self.bytes += fs::metadata(file).map_or(0, |data| data.len());
    }
}

impl Damage {
    /// Without its run and file.
    fn of(what: impl Into<String>, lost: impl Into<String>, usable: impl Into<String>) -> Self {
        Self {
            run: String::new(),
            file: PathBuf::new(),
            offset: None,
            what: what.into(),
            lost: lost.into(),
            usable: usable.into(),
        }
    }

    fn at(self, offset: u64) -> Self {
        let offset = Some(offset);
        Self { offset, ..self }
    }
}

/// Names in a directory; none where it does not exist.
pub(crate) fn names(directory: &Path) -> Result<BTreeSet<String>, StoreError> {
    let failed = |error| StoreError::io(directory, "list the directory", &error);
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        other => other.map_err(failed)?,
    };
    let name = |entry: std::io::Result<fs::DirEntry>| {
        Ok(entry
            .map_err(failed)?
            .file_name()
            .to_string_lossy()
            .into_owned())
    };
    entries.map(name).collect()
}

/// Whether a name is that of a file which is still being written.
pub(crate) fn is_temporary(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|it| it == "tmp")
}
