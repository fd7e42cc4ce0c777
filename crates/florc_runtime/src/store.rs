//! The `.florc` directory: plain files, append-only or immutable.
//!
//! ```text
//! .florc/.gitignore                    "*"
//! .florc/runs/<run>/manifest.json      a run exists once this does; of rank 3: manifest-3.json
//! .florc/runs/<run>/journal-<rank>
//! .florc/runs/<run>/sources/<blake3>   recorded sources, byte for byte
//! .florc/packs/<run>/<rank>-<seq>.pack checkpoints
//! .florc/launches/…                    how processes that train together find their run (`ranks`)
//! .florc/replays/<id>/
//! ```
//!
//! Finds and makes runs; [`RunHandle`] reads one. Two processes never write the same file. Who has a
//! run open is `in_use`'s to tell, what is deleted `gc`'s.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use florc_manifest::{FORMAT_VERSION, RunManifest, SourceFile};

use crate::checked_json::to_checked_json;
use crate::error::{StoreError, StoreErrorKind};
use crate::pack::is_plain_name;
use crate::ranks::join;
use crate::run::RunHandle;
use crate::run_id::{run_id, salt, since_epoch};

/// A store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    directory: PathBuf,
}

impl Store {
    /// Opens a store that exists.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        if directory.join("runs").is_dir() {
            return Ok(Self {
                directory: directory.to_owned(),
            });
        }
        Err(StoreError::new(
            StoreErrorKind::Missing,
            directory,
            "no run was recorded here",
            "record one with `florc run SCRIPT`; from another folder name the script (`florc show SCRIPT`), or set FLORC_DIR",
        ))
    }

    /// Makes the directories where they do not exist.
    pub fn create(directory: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::io(directory, "make the store", &error);
        for part in ["runs", "packs", "replays"] {
            fs::create_dir_all(directory.join(part)).map_err(failed)?;
        }
        let ignore = directory.join(".gitignore");
        if !ignore.exists() {
            fs::write(&ignore, "*\n").map_err(failed)?;
        }
        Ok(Self {
            directory: directory.to_owned(),
        })
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where a replay keeps its plan and shards.
    pub fn replay_directory(&self, replay: &str) -> PathBuf {
        self.directory.join("replays").join(replay)
    }

    /// Makes the directory of a new replay and gives its id.
    pub fn create_replay(&self) -> Result<String, StoreError> {
        let replays = self.directory.join("replays");
        let failed = |error: io::Error| StoreError::io(&replays, "make a replay", &error);
        fs::create_dir_all(&replays).map_err(failed)?;
        create_unique(&replays).map_err(failed)
    }

    /// Makes a run: sources (path as in the manifest, bytes), then the manifest, whose `run`,
    /// `format` and `sources` are set here.
    pub fn create_run(
        &self,
        manifest: &mut RunManifest,
        sources: &[(String, Vec<u8>)],
    ) -> Result<RunHandle, StoreError> {
        let failed = |error: io::Error| StoreError::io(&self.directory, "make a run", &error);
        manifest.format = FORMAT_VERSION;
        let runs = self.directory.join("runs");
        let found = match &manifest.ranks {
            None => create_unique(&runs),
            Some(ranks) => join(&self.directory.join("launches"), ranks, || {
                create_unique(&runs)
            }),
        };
        manifest.run = found.map_err(failed)?;
        let rank = manifest.ranks.as_ref().map_or(0, |ranks| ranks.rank);
        let run = self.handle(&manifest.run).of_rank(rank);
        let filled = fill(&run, manifest, sources);
        if filled.is_err() && manifest.ranks.is_none() {
            for half in [run.directory(), run.packs()] {
                // without a manifest it is no run
                let _ = fs::remove_dir_all(half);
            }
        }
        filled.map(|()| run).map_err(failed)
    }

    /// All runs, oldest first.
    pub fn runs(&self) -> Result<Vec<RunHandle>, StoreError> {
        let path = self.directory.join("runs");
        let failed = |error: io::Error| StoreError::io(&path, "list the runs", &error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            let name = entry
                .map_err(failed)?
                .file_name()
                .to_string_lossy()
                .into_owned();
            if path.join(&name).join("manifest.json").is_file() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names.iter().map(|name| self.handle(name)).collect())
    }

    /// The run that a user means: an id, `latest`, a name (of its latest run), or the beginning
    /// of an id that only one run has.
    pub fn run(&self, wanted: &str) -> Result<RunHandle, StoreError> {
        if wanted == "latest" {
            return self.latest(None);
        }
        if is_plain_name(wanted)
            && self
                .handle(wanted)
                .directory()
                .join("manifest.json")
                .is_file()
        {
            return Ok(self.handle(wanted));
        }
        let runs = self.runs()?;
        let named = |run: &&RunHandle| {
            run.manifest()
                .is_ok_and(|manifest| manifest.name.as_deref() == Some(wanted))
        };
        if let Some(run) = runs.iter().rev().find(named) {
            return Ok(run.clone());
        }
        let begins = |run: &&RunHandle| !wanted.is_empty() && run.id().starts_with(wanted);
        let mut matches: Vec<_> = runs.iter().filter(begins).collect();
        match (matches.pop(), matches.is_empty()) {
            (Some(run), true) => Ok(run.clone()),
            (Some(_), false) => Err(self.no_run(
                StoreErrorKind::Ambiguous,
                format!("more than one run begins with `{wanted}`"),
            )),
            (None, _) => Err(self.no_run(
                StoreErrorKind::Missing,
                format!("there is no run `{wanted}`"),
            )),
        }
    }

    /// The run that began last, of this script where one is given (as in the manifest).
    pub fn latest(&self, script: Option<&str>) -> Result<RunHandle, StoreError> {
        let runs = self.runs()?;
        let of_script = |run: &&RunHandle| {
            script.is_none_or(|script| {
                run.manifest()
                    .is_ok_and(|manifest| manifest.script == script)
            })
        };
        runs.iter().rev().find(of_script).cloned().ok_or_else(|| {
            let of = script
                .map(|script| format!(" of `{script}`"))
                .unwrap_or_default();
            self.no_run(StoreErrorKind::Missing, format!("no run{of} was recorded"))
        })
    }

    fn no_run(&self, kind: StoreErrorKind, what: String) -> StoreError {
        StoreError::new(
            kind,
            &self.directory,
            what,
            "list the runs with `florc runs`",
        )
    }

    pub(crate) fn handle(&self, id: &str) -> RunHandle {
        RunHandle::new(&self.directory, id)
    }
}

/// What a run begins with; the manifest last.
fn fill(
    run: &RunHandle,
    manifest: &mut RunManifest,
    sources: &[(String, Vec<u8>)],
) -> io::Result<()> {
    fs::create_dir_all(run.packs())?;
    fs::create_dir_all(run.directory().join("sources"))?;
    manifest.sources.clear();
    for (path, bytes) in sources {
        manifest.sources.push(run.add_source(path, bytes)?);
    }
    write_whole(&run.manifest_path(), &to_checked_json(manifest)?)
}

/// Makes a directory with a new id inside of `parent`.
fn create_unique(parent: &Path) -> io::Result<String> {
    loop {
        let id = run_id(since_epoch(), salt());
        match fs::create_dir(parent.join(&id)) {
            Ok(()) => return Ok(id),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes a file so that it is there whole or not at all, also after a crash.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension(format!("{:016x}.tmp", salt()));
    let written = fs::File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&temporary, path)
    });
    if written.is_err() {
        // it would be ignored as well
        let _ = fs::remove_file(&temporary);
    }
    written?;
    match path.parent() {
        Some(directory) => fs::File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

/// What the manifest says of a source.
pub(crate) fn source_file(path: &str, bytes: &[u8]) -> SourceFile {
    SourceFile {
        path: path.to_owned(),
        hash: blake3::hash(bytes).to_hex().to_string(),
        bytes: bytes.len() as u64,
    }
}
