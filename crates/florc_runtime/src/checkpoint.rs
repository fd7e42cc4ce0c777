//! A checkpoint in memory, all of it checked.
//!
//! Reading whole before use means that a damaged byte is found while there is still something
//! else to do (start earlier, execute a block). Chunks are read, decoded and checked by several threads, each
//! straight to its place. Does not put anything back.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use florc_manifest::CheckpointRecord;

use crate::error::StoreError;
use crate::graph::{CHUNK_BYTES, ChunkId, Content, Graph, StorageId};
use crate::pack::{ChunkReader, Pack};
use crate::seal::StorageRead;
use crate::slab::{Buffers, Slab};

/// More threads than this wait for memory.
const MOST_THREADS: usize = 8;
/// What one thread does sooner than another has begun.
const CHUNKS_A_THREAD: usize = 4;

/// A loaded checkpoint.
pub struct Checkpoint {
    /// What the journal says of it.
    pub record: CheckpointRecord,
    /// Its state.
    pub graph: Graph,
    /// One per storage; empty where the bytes are in the graph.
    buffers: Buffers,
}

/// A chunk and its place.
type Wanted<'a> = (&'a ChunkId, &'a mut [u8]);

impl Checkpoint {
    pub(crate) fn load(record: CheckpointRecord, pack: Pack) -> Result<Self, StoreError> {
        pack.check_lengths()?;
        let mut sizes = Vec::with_capacity(pack.graph.storages.len());
        for info in &pack.graph.storages {
            let is_elsewhere = matches!(info.content, Content::Chunks(_));
            sizes.push(if is_elsewhere { info.bytes } else { 0 });
        }
        let path = Path::new(&record.pack);
        let mut buffers = Self::memory(&sizes)
            .ok_or_else(|| StoreError::damaged(path, "a storage is larger than memory"))?;
        let mut wanted = Vec::new();
        for (info, buffer) in pack.graph.storages.iter().zip(buffers.iter_mut()) {
            if let Content::Chunks(ids) = &info.content {
                wanted.extend(ids.iter().zip(buffer.chunks_mut(CHUNK_BYTES)));
            }
        }
        read_all(&pack, wanted)?;
        Ok(Self {
            record,
            graph: pack.graph,
            buffers,
        })
    }

    fn memory(sizes: &[u64]) -> Option<Buffers> {
        let sizes: Vec<usize> = sizes
            .iter()
            .map(|size| usize::try_from(*size).ok())
            .collect::<Option<_>>()?;
        let slab = Slab::new(Buffers::extent(&sizes)?)?;
        Some(Buffers::over(slab, &sizes))
    }

    /// Bytes of a storage.
    pub fn storage(&self, id: StorageId) -> Result<&[u8], StoreError> {
        let info = self.graph.storages.get(id.index());
        let bytes = match info.map(|info| &info.content) {
            Some(Content::Inline(bytes)) => Some(bytes.as_slice()),
            Some(Content::Chunks(_)) => self.buffers.get(id.index()),
            Some(Content::Buffer) | None => None,
        };
        let path = Path::new(&self.record.pack);
        bytes.ok_or_else(|| StoreError::damaged(path, "a storage is missing"))
    }
}

/// Reads chunks, by as many threads as pay.
fn read_all(pack: &Pack, mut wanted: Vec<Wanted<'_>>) -> Result<(), StoreError> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let threads = (wanted.len() / CHUNKS_A_THREAD).clamp(1, processors.min(MOST_THREADS));
    // taken from the end, so that files are read forwards
    wanted.reverse();
    let queue = Mutex::new(wanted);
    let next = || {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.pop()
    };
    let work = || -> Result<(), StoreError> {
        let mut reader = ChunkReader::new(&pack.reader);
        while let Some((id, place)) = next() {
            reader.read(id, place)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .filter_map(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
            .collect();
        let mut outcome = work();
        for other in others {
            let broken = || StoreError::damaged(Path::new(&pack.record.pack), "it cannot be read");
            outcome = outcome.and(other.join().unwrap_or_else(|_| Err(broken())));
        }
        outcome
    })
}

impl StorageRead for Checkpoint {
    fn read_storage<'a>(
        &'a self,
        _graph: &'a Graph,
        id: StorageId,
    ) -> Result<Cow<'a, [u8]>, StoreError> {
        self.storage(id).map(Cow::Borrowed)
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoint")
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}
