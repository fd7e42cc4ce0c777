//! From a snapshot in memory to content-addressed chunks.
//!
//! ```python
//! model.frozen      # same bytes, same chunk ids: stored once in a run
//! ```
//!
//! Small storages move into the graph, the others are cut into chunks and hashed. Bytes are not
//! copied: a chunk is a range of a buffer. Does not compress and does not write.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use crate::error::StoreError;
use crate::graph::{CHUNK_BYTES, ChunkId, Content, Graph, INLINE_LIMIT, Snapshot, StorageId};
use crate::slab::Buffers;

/// Where storages can be read.
pub trait StorageRead {
    /// The bytes of a storage of a graph whose memory is here.
    fn read_storage<'a>(
        &'a self,
        graph: &'a Graph,
        id: StorageId,
    ) -> Result<Cow<'a, [u8]>, StoreError>;
}

/// A snapshot with chunk ids.
#[derive(Debug)]
pub struct Sealed {
    /// Without [`Content::Buffer`].
    pub graph: Graph,
    /// Distinct chunks in order of first appearance: id, buffer, range in it, element size.
    pub chunks: Vec<SealedChunk>,
    buffers: Buffers,
}

/// A chunk in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedChunk {
    /// blake3 of its bytes.
    pub id: ChunkId,
    /// Bytes of one element.
    pub element: u8,
    buffer: usize,
    range: Range<usize>,
}

impl SealedChunk {
    /// Number of bytes.
    pub(crate) fn len(&self) -> usize {
        self.range.len()
    }

    /// Number of its storage, and of its first byte there.
    pub(crate) fn place(&self) -> (usize, usize) {
        (self.buffer, self.range.start)
    }

    #[cfg(test)]
    pub(crate) fn made_up(id: ChunkId, element: u8, length: usize) -> Self {
        Self {
            id,
            element,
            buffer: 0,
            range: 0..length,
        }
    }
}

/// Hashes a snapshot. A storage whose buffer is absent or of another length than it says gets the
/// length of what there is.
pub fn seal(snapshot: Snapshot) -> Sealed {
    let Snapshot { mut graph, buffers } = snapshot;
    let mut chunks = Vec::new();
    let mut seen = BTreeSet::new();
    for (buffer, info) in graph.storages.iter_mut().enumerate() {
        let bytes = buffers.get(buffer).unwrap_or_default();
        if info.content != Content::Buffer {
            continue;
        }
        info.bytes = bytes.len() as u64;
        if bytes.len() <= INLINE_LIMIT {
            info.content = Content::Inline(bytes.to_vec());
            continue;
        }
        let mut ids = Vec::with_capacity(bytes.len().div_ceil(CHUNK_BYTES));
        for start in (0..bytes.len()).step_by(CHUNK_BYTES) {
            let range = start..bytes.len().min(start + CHUNK_BYTES);
            let id: ChunkId = *blake3::hash(&bytes[range.clone()]).as_bytes();
            ids.push(id);
            if seen.insert(id) {
                chunks.push(SealedChunk {
                    id,
                    element: info.element,
                    buffer,
                    range,
                });
            }
        }
        info.content = Content::Chunks(ids);
    }
    Sealed {
        graph,
        chunks,
        buffers,
    }
}

impl Sealed {
    /// The bytes of a chunk.
    pub fn bytes(&self, chunk: &SealedChunk) -> &[u8] {
        let storage = self.buffers.get(chunk.buffer).unwrap_or_default();
        &storage[chunk.range.clone()]
    }

    /// Gives the memory back.
    pub fn into_buffers(self) -> Buffers {
        self.buffers
    }
}

impl StorageRead for Sealed {
    fn read_storage<'a>(
        &'a self,
        graph: &'a Graph,
        id: StorageId,
    ) -> Result<Cow<'a, [u8]>, StoreError> {
        let info = graph.storages.get(id.index());
        let bytes = match info.map(|info| &info.content) {
            Some(Content::Inline(bytes)) => Some(bytes.as_slice()),
            Some(Content::Buffer | Content::Chunks(_)) => self.buffers.get(id.index()),
            None => None,
        };
        let missing = || StoreError::damaged(Path::new("snapshot"), "a storage is missing");
        bytes.map(Cow::Borrowed).ok_or_else(missing)
    }
}
