//! A checkpoint in memory, all of it checked.
//!
//! Reading whole before use means that a damaged byte is found while there is still something
//! else to do (start earlier, execute a block). Does not put anything back.

use std::collections::BTreeMap;
use std::fmt;

use florc_manifest::CheckpointRecord;

use crate::error::StoreError;
use crate::graph::{ChunkId, Content, Graph, StorageId};
use crate::pack::Pack;
use crate::seal::ChunkRead;

/// A loaded checkpoint.
pub struct Checkpoint {
    /// What the journal says of it.
    pub record: CheckpointRecord,
    /// Its state.
    pub graph: Graph,
    chunks: BTreeMap<ChunkId, Vec<u8>>,
}

impl Checkpoint {
    pub(crate) fn load(record: CheckpointRecord, pack: Pack) -> Result<Self, StoreError> {
        let mut chunks = BTreeMap::new();
        for info in &pack.graph.storages {
            let Content::Chunks(ids) = &info.content else {
                continue;
            };
            for id in ids {
                if !chunks.contains_key(id) {
                    chunks.insert(*id, pack.reader.read_chunk(id)?);
                }
            }
        }
        let checkpoint = Self {
            record,
            graph: pack.graph,
            chunks,
        };
        for at in 0..checkpoint.graph.storages.len() {
            checkpoint.check_length(StorageId(at as u32))?;
        }
        Ok(checkpoint)
    }

    fn check_length(&self, id: StorageId) -> Result<(), StoreError> {
        let info = &self.graph.storages[id.index()];
        let length: usize = match &info.content {
            Content::Inline(bytes) => bytes.len(),
            Content::Buffer => 0,
            Content::Chunks(ids) => ids
                .iter()
                .filter_map(|id| self.chunks.get(id))
                .map(Vec::len)
                .sum(),
        };
        if length as u64 == info.bytes {
            return Ok(());
        }
        let path = std::path::Path::new(&self.record.pack);
        Err(StoreError::damaged(
            path,
            "a storage has another length than its chunks",
        ))
    }

    /// Bytes of a storage.
    pub fn storage(&self, id: StorageId) -> Result<Vec<u8>, StoreError> {
        self.read_storage(&self.graph, id)
    }
}

impl ChunkRead for Checkpoint {
    fn read_chunk(&self, id: &ChunkId) -> Result<Vec<u8>, StoreError> {
        let path = std::path::Path::new(&self.record.pack);
        let missing = || StoreError::damaged(path, "a chunk is missing");
        self.chunks.get(id).cloned().ok_or_else(missing)
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoint")
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}
