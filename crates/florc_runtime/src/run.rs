//! One recorded run, read.
//!
//! Does not keep anything: each call reads the disk, so that a run that is still being recorded
//! can be looked at. Writes only sources, for the recorder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use florc_manifest::{
    CheckpointRecord, CutKey, FORMAT_VERSION, JournalRecord, RunManifest, SourceFile,
};
use serde::Deserialize;

use crate::checked_json::is_intact_json;
use crate::checkpoint::Checkpoint;
use crate::error::{StoreError, StoreErrorKind};
use crate::in_use::{RunGuard, claim, hold};
use crate::journal::{Journal, read_journal};
use crate::pack::{is_plain_name, open_pack};
use crate::store::{source_file, write_whole};

/// A run of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunHandle {
    id: String,
    directory: PathBuf,
    packs: PathBuf,
    rank: u32,
}

impl RunHandle {
    pub(crate) fn new(store: &Path, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            directory: store.join("runs").join(id),
            packs: store.join("packs").join(id),
            rank: 0,
        }
    }

    /// The same run, as another of its processes recorded it.
    #[must_use]
    pub fn of_rank(&self, rank: u32) -> Self {
        Self {
            rank,
            ..self.clone()
        }
    }

    /// Which of the run's processes this is about; 0 unless asked otherwise.
    pub fn rank(&self) -> u32 {
        self.rank
    }

    /// The run as each of its processes recorded it. Those that recorded nothing are left out.
    pub fn all_ranks(&self) -> Vec<Self> {
        let count = self.manifest().map_or(1, |manifest| manifest.world_size());
        let all = (0..count).map(|rank| self.of_rank(rank));
        all.filter(|it| it.rank == 0 || it.manifest_path().is_file())
            .collect()
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its directory below `runs`.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its directory below `packs`.
    pub fn packs(&self) -> &Path {
        &self.packs
    }

    /// Where processes that are started together find each other, for all runs of the store.
    pub(crate) fn launches(&self) -> PathBuf {
        let store = self.directory.ancestors().nth(2);
        store.unwrap_or(&self.directory).join("launches")
    }

    /// File of its journal.
    pub fn journal_path(&self) -> PathBuf {
        self.directory.join(format!("journal-{}", self.rank))
    }

    /// File of its manifest.
    pub(crate) fn manifest_path(&self) -> PathBuf {
        self.directory.join(match self.rank {
            0 => "manifest.json".to_owned(),
            rank => format!("manifest-{rank}.json"),
        })
    }

    /// Keeps the run from being deleted while the guard lives.
    pub fn hold(&self) -> RunGuard {
        let of_rank = |run: &Self| hold(&run.journal_path());
        RunGuard::all(self.all_ranks().iter().map(of_rank).collect())
    }

    /// The right to delete the run; `None`: it is being recorded or replayed.
    pub(crate) fn claim(&self) -> Option<RunGuard> {
        let of_rank = |run: &Self| claim(&run.journal_path(), || run.has_ended());
        let guards: Option<Vec<_>> = self.all_ranks().iter().map(of_rank).collect();
        guards.map(RunGuard::all)
    }

    /// Whether some process records or replays it, as far as can be told.
    pub fn is_open(&self) -> bool {
        self.claim().is_none()
    }

    fn has_ended(&self) -> bool {
        let is_end = |record: &JournalRecord| matches!(record, JournalRecord::Ended { .. });
        self.journal()
            .is_ok_and(|it| it.records.last().is_some_and(is_end))
    }

    /// What was recorded.
    pub fn manifest(&self) -> Result<RunManifest, StoreError> {
        #[derive(Deserialize)]
        struct Versioned {
            format: u32,
        }
        let path = self.manifest_path();
        let text = fs::read(&path).map_err(|error| StoreError::io(&path, "read", &error))?;
        let broken = |error| StoreError::damaged(&path, format!("cannot be understood: {error}"));
        let Versioned { format } = serde_json::from_slice(&text).map_err(broken)?;
        if format > FORMAT_VERSION {
            return Err(StoreError::newer(&path, format));
        }
        if !is_intact_json(&text) {
            return Err(StoreError::damaged(
                &path,
                "its bytes do not match their checksum",
            ));
        }
        let mut manifest: RunManifest = serde_json::from_slice(&text).map_err(broken)?;
        self.follow_moved_project(&mut manifest);
        Ok(manifest)
    }

    /// A project that was moved or copied with its store is where the store is now.
    fn follow_moved_project(&self, manifest: &mut RunManifest) {
        let store = self.directory.ancestors().nth(2);
        let Some(project) = store
            .filter(|it| it.ends_with(".florc"))
            .and_then(Path::parent)
        else {
            return;
        };
        let then = PathBuf::from(&manifest.project);
        let entry = manifest.program.first().map(|it| it.path.as_str());
        let entry = entry.or(manifest.modules.first().map(|it| it.file.as_str()));
        let is_here = entry.is_some_and(|entry| project.join(entry).is_file());
        if then == project || !is_here {
            return;
        }
        if let Ok(below) = Path::new(&manifest.cwd).strip_prefix(&then) {
            let folder = project.components().chain(below.components());
            let folder: PathBuf = folder.collect();
            manifest.cwd = folder.to_string_lossy().into_owned();
        }
        manifest.project = project.to_string_lossy().into_owned();
    }

    /// What happened, in order. A run that was killed before its first record has none.
    pub fn journal(&self) -> Result<Journal, StoreError> {
        match read_journal(&self.journal_path()) {
            Err(error) if error.kind == StoreErrorKind::Missing => Ok(Journal::default()),
            other => other,
        }
    }

    /// Committed checkpoints in order of their packs; also those that a killed run had no time
    /// to put in its journal. Packs that are gone are left out.
    pub fn checkpoints(&self) -> Result<Vec<CheckpointRecord>, StoreError> {
        self.checkpoints_of(&self.journal()?)
    }

    /// As [`Self::checkpoints`], with a journal that was read before.
    pub fn checkpoints_of(&self, journal: &Journal) -> Result<Vec<CheckpointRecord>, StoreError> {
        let mut found = self.pack_names()?;
        let mut dropped = BTreeSet::new();
        for record in &journal.records {
            match record {
                JournalRecord::Checkpoint(checkpoint) => {
                    dropped.remove(&checkpoint.cut);
                    if let Some(known) = found.get_mut(&checkpoint.pack) {
                        *known = Some(checkpoint.clone());
                    }
                }
                JournalRecord::CheckpointDropped { cut, .. } => {
                    dropped.insert(cut.clone());
                }
                _ => {}
            }
        }
        let known = |(name, record): (String, Option<CheckpointRecord>)| {
            record.or_else(|| Some(open_pack(&self.packs.join(name)).ok()?.record))
        };
        let mut records: Vec<_> = found.into_iter().filter_map(known).collect();
        // what was dropped is no checkpoint, also where its file is still there
        records.retain(|record| !dropped.contains(&record.cut));
        records.sort_by_key(|record| pack_number(&record.pack));
        Ok(records)
    }

    pub(crate) fn pack_names(
        &self,
    ) -> Result<BTreeMap<String, Option<CheckpointRecord>>, StoreError> {
        let failed = |error| StoreError::io(&self.packs, "list the checkpoints", &error);
        let mut names = BTreeMap::new();
        let entries = match fs::read_dir(&self.packs) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(names),
            other => other.map_err(failed)?,
        };
        for entry in entries {
            let name = entry
                .map_err(failed)?
                .file_name()
                .to_string_lossy()
                .into_owned();
            if pack_rank(&name) == Some(self.rank) {
                names.insert(name, None);
            }
        }
        Ok(names)
    }

    /// Reads a checkpoint whole: every byte was checked when this returns.
    pub fn load(&self, cut: &CutKey) -> Result<Checkpoint, StoreError> {
        let taken_at = |record: &&CheckpointRecord| record.cut == *cut;
        match self.checkpoints()?.iter().rev().find(taken_at) {
            Some(record) => self.load_record(record),
            None => Err(StoreError::new(
                StoreErrorKind::Missing,
                &self.packs,
                format!("there is no checkpoint at {cut:?}"),
                "choose another one from `florc show`",
            )),
        }
    }

    /// As [`Self::load`], for a known record.
    pub fn load_record(&self, record: &CheckpointRecord) -> Result<Checkpoint, StoreError> {
        let path = self.packs.join(&record.pack);
        if !is_plain_name(&record.pack) {
            return Err(StoreError::damaged(
                &path,
                "the journal names a file outside of the run",
            ));
        }
        let pack = open_pack(&path)?;
        let is_same = pack.record.cut == record.cut && pack.record.pack_hash == record.pack_hash;
        if !is_same {
            return Err(StoreError::damaged(
                &path,
                "this is not the checkpoint of the journal",
            ));
        }
        Checkpoint::load(record.clone(), pack)
    }

    /// Bytes of a recorded source.
    pub fn source(&self, path: &str) -> Result<Vec<u8>, StoreError> {
        let manifest = self.manifest()?;
        let Some(source) = manifest
            .sources
            .into_iter()
            .find(|source| source.path == path)
        else {
            return Err(StoreError::new(
                StoreErrorKind::Missing,
                &self.directory,
                format!("`{path}` was not recorded"),
                "list the recorded sources with `florc show`",
            ));
        };
        self.source_bytes(&source)
    }

    /// Bytes of a source that the manifest or a journal record names.
    pub fn source_bytes(&self, source: &SourceFile) -> Result<Vec<u8>, StoreError> {
        let file = self.directory.join("sources").join(&source.hash);
        let is_hash =
            source.hash.len() == 64 && source.hash.bytes().all(|it| it.is_ascii_hexdigit());
        if !is_hash {
            let what = format!("the source `{}` has no hash", source.path);
            return Err(StoreError::damaged(&self.directory, what));
        }
        let bytes = fs::read(&file).map_err(|error| StoreError::io(&file, "read", &error))?;
        if blake3::hash(&bytes).to_hex().as_str() == source.hash {
            return Ok(bytes);
        }
        Err(StoreError::damaged(
            &file,
            format!("the recorded `{}` was changed", source.path),
        ))
    }

    pub(crate) fn add_source(&self, path: &str, bytes: &[u8]) -> std::io::Result<SourceFile> {
        let source = source_file(path, bytes);
        let file = self.directory.join("sources").join(&source.hash);
        if !file.exists() {
            write_whole(&file, bytes)?;
        }
        Ok(source)
    }
}

/// The number of `<rank>-<number>.pack`.
pub(crate) fn pack_number(name: &str) -> Option<u64> {
    let (_, number) = name.strip_suffix(".pack")?.split_once('-')?;
    number.parse().ok()
}

/// The rank of `<rank>-<number>.pack`.
pub(crate) fn pack_rank(name: &str) -> Option<u32> {
    pack_number(name)?;
    name.split_once('-')?.0.parse().ok()
}
