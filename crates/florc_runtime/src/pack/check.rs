//! Reads all chunks of a pack, and says where those are that cannot be read.
//!
//! Chunks of other packs are read, too: a checkpoint is as good as the worst of them. Each chunk is
//! read once however many packs name it. Holds one chunk at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::Pack;
use super::chunks::is_plain_name;
use crate::error::StoreError;
use crate::graph::{CHUNK_BYTES, ChunkId, Content};

/// A chunk that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BadChunk {
    /// File that should hold it.
    pub(crate) pack: String,
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    pub(crate) what: String,
}

/// What was read so far: pack, place and id; what is wrong with it.
pub(crate) type Seen = BTreeMap<(String, u64, ChunkId), Option<String>>;

impl Pack {
    /// Reads every chunk that was not read before.
    pub(crate) fn bad_chunks(&self, seen: &mut Seen) -> Vec<BadChunk> {
        let chunks = self.reader.chunks.keys();
        chunks.filter_map(|id| self.bad_chunk(id, seen)).collect()
    }

    /// What is wrong with a chunk: first of all with what it differs from.
    fn bad_chunk(&self, id: &ChunkId, seen: &mut Seen) -> Option<BadChunk> {
        let chain: Vec<_> = self.reader.chain(id).collect();
        chain.into_iter().rev().find_map(|(id, place)| {
            let pack = place
                .pack
                .clone()
                .unwrap_or_else(|| self.record.pack.clone());
            let key = (pack.clone(), place.offset, id);
            let read = || self.reader.read_chunk(&id).err().map(|error| error.what);
            let what = seen.entry(key).or_insert_with(read).clone()?;
            Some(BadChunk {
                pack: if is_plain_name(&pack) {
                    pack
                } else {
                    self.record.pack.clone()
                },
                offset: place.offset,
                bytes: place.stored_len,
                what,
            })
        })
    }

    /// Whether each storage is as long as its chunks.
    pub(crate) fn check_lengths(&self) -> Result<(), StoreError> {
        for info in &self.graph.storages {
            let Content::Chunks(ids) = &info.content else {
                continue;
            };
            let raw = |id: &ChunkId| self.reader.chunks.get(id).map_or(0, |place| place.raw_len);
            let sum = ids
                .iter()
                .fold(0, |sum: u64, id| sum.saturating_add(raw(id)));
            let whole = CHUNK_BYTES as u64;
            let is_even = ids.iter().rev().skip(1).all(|id| raw(id) == whole);
            if sum != info.bytes || !is_even || ids.last().is_some_and(|id| raw(id) > whole) {
                let what = "a storage has another length than its chunks";
                return Err(StoreError::damaged(&self.reader.path, what));
            }
        }
        Ok(())
    }

    /// Other packs that hold chunks of it, or what these differ from.
    pub(crate) fn needs(&self) -> BTreeSet<String> {
        let places = self.reader.chunks.values();
        places.filter_map(|place| place.pack.clone()).collect()
    }

    /// Stored bytes of chunks of the state that other packs hold.
    pub(crate) fn shared_bytes(&self) -> u64 {
        let mut ids = BTreeSet::new();
        for info in &self.graph.storages {
            if let Content::Chunks(chunks) = &info.content {
                ids.extend(chunks);
            }
        }
        let places = ids.iter().filter_map(|id| self.reader.chunks.get(*id));
        let shared = places.filter(|place| place.pack.is_some());
        shared.map(|place| place.stored_len).sum()
    }
}
