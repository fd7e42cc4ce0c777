//! From a snapshot in memory to content-addressed chunks.
//!
//! ```python
//! model.frozen      # same bytes, same chunk ids: stored once in a run
//! ```
//!
//! Small storages move into the graph, the others are cut into chunks and hashed. Bytes are not
//! copied: a chunk is a range of a buffer. Does not compress and does not write.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::error::StoreError;
use crate::graph::{
    Buffer, CHUNK_BYTES, ChunkId, Content, Graph, INLINE_LIMIT, Snapshot, StorageId,
};

/// Where chunks can be read.
pub trait ChunkRead {
    /// The raw bytes of a chunk, checked against its id.
    fn read_chunk(&self, id: &ChunkId) -> Result<Vec<u8>, StoreError>;

    /// The bytes of a storage of a graph whose chunks are here.
    fn read_storage(&self, graph: &Graph, id: StorageId) -> Result<Vec<u8>, StoreError> {
        let nowhere = || StoreError::damaged(std::path::Path::new("graph"), "a storage is missing");
        let info = graph.storages.get(id.index()).ok_or_else(nowhere)?;
        let bytes = match &info.content {
            Content::Inline(bytes) => bytes.clone(),
            Content::Buffer => return Err(nowhere()),
            Content::Chunks(chunks) => {
                let mut bytes = Vec::new();
                for chunk in chunks {
                    bytes.extend(self.read_chunk(chunk)?);
                }
                bytes
            }
        };
        if bytes.len() as u64 == info.bytes {
            Ok(bytes)
        } else {
            Err(nowhere())
        }
    }
}

/// A snapshot with chunk ids.
#[derive(Debug)]
pub struct Sealed {
    /// Without [`Content::Buffer`].
    pub graph: Graph,
    /// Distinct chunks in order of first appearance: id, buffer, range in it, element size.
    pub chunks: Vec<SealedChunk>,
    buffers: Vec<Buffer>,
    places: BTreeMap<ChunkId, usize>,
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

/// Hashes a snapshot. A storage whose buffer is absent or of another length than it says gets the
/// length of what there is.
pub fn seal(snapshot: Snapshot) -> Sealed {
    let Snapshot {
        mut graph,
        mut buffers,
    } = snapshot;
    buffers.resize_with(graph.storages.len(), Buffer::new);
    let mut chunks = Vec::new();
    let mut places = BTreeMap::new();
    for (buffer, (info, bytes)) in graph.storages.iter_mut().zip(&buffers).enumerate() {
        if info.content != Content::Buffer {
            continue;
        }
        info.bytes = bytes.len() as u64;
        if bytes.len() <= INLINE_LIMIT {
            info.content = Content::Inline(bytes.clone());
            continue;
        }
        let mut ids = Vec::with_capacity(bytes.len().div_ceil(CHUNK_BYTES));
        for start in (0..bytes.len()).step_by(CHUNK_BYTES) {
            let range = start..bytes.len().min(start + CHUNK_BYTES);
            let id: ChunkId = *blake3::hash(&bytes[range.clone()]).as_bytes();
            ids.push(id);
            places.entry(id).or_insert_with(|| {
                chunks.push(SealedChunk {
                    id,
                    element: info.element,
                    buffer,
                    range,
                });
                chunks.len() - 1
            });
        }
        info.content = Content::Chunks(ids);
    }
    Sealed {
        graph,
        chunks,
        buffers,
        places,
    }
}

impl Sealed {
    /// The bytes of a chunk.
    pub fn bytes(&self, chunk: &SealedChunk) -> &[u8] {
        &self.buffers[chunk.buffer][chunk.range.clone()]
    }

    /// Gives the memory back.
    pub fn into_buffers(self) -> Vec<Buffer> {
        self.buffers
    }
}

impl ChunkRead for Sealed {
    fn read_chunk(&self, id: &ChunkId) -> Result<Vec<u8>, StoreError> {
        match self.places.get(id) {
            Some(at) => Ok(self.bytes(&self.chunks[*at]).to_vec()),
            None => Err(StoreError::damaged(
                std::path::Path::new("snapshot"),
                "a chunk is missing",
            )),
        }
    }
}
