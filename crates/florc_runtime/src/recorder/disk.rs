//! What a run that is recorded has on the disk: its journal, and the writer of its checkpoints.

use std::sync::{Arc, Mutex, PoisonError};

use florc_manifest::RunManifest;

use super::RecordConfig;
use crate::error::StoreError;
use crate::journal::JournalWriter;
use crate::pool::BufferPool;
use crate::run::RunHandle;
use crate::storage::Storage;
use crate::store::Store;
use crate::writer::Writer;

/// What stands on the disk; gone after the first failure.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) run: RunHandle,
    pub(super) journal: Arc<Mutex<JournalWriter>>,
    /// Gone after a failure to write checkpoints.
    pub(super) writer: Option<Writer>,
}

impl Disk {
    pub(super) fn create(
        config: &RecordConfig,
        manifest: &mut RunManifest,
        sources: &[(String, Vec<u8>)],
        pool: &BufferPool,
    ) -> Result<Self, StoreError> {
        let run = Store::create(&config.store)?.create_run(manifest, sources)?;
        let path = run.journal_path();
        let journal = JournalWriter::create(&path)
            .map_err(|error| StoreError::io(&path, "begin the journal", &error))?;
        let storage = Storage::of(config.storage_limit, &config.store, manifest.world_size());
        Ok(Self::over(&run, journal, storage, 0, pool))
    }

    /// Over a run whose journal is open; the first pack has the number `pack`.
    pub(super) fn over(
        run: &RunHandle,
        journal: JournalWriter,
        storage: Option<Storage>,
        pack: u64,
        pool: &BufferPool,
    ) -> Self {
        let journal = Arc::new(Mutex::new(journal));
        let writer = Writer::start(run, Arc::clone(&journal), pool.clone(), storage, pack);
        Self {
            run: run.clone(),
            journal,
            writer: Some(writer),
        }
    }

    /// Makes the journal durable. Gives what went wrong: it can be written to for as long as it is
    /// open, also after somebody has deleted it.
    pub(super) fn close(&self) -> Option<String> {
        let path = self.run.journal_path();
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let synced = journal.sync().and_then(|()| path.metadata().map(|_| ()));
        let told = |error| StoreError::io(&path, "write the journal", &error).to_string();
        synced.err().map(told)
    }
}
