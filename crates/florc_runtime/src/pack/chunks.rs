//! The chunks of a pack: where they are, and reading them.
//!
//! ```text
//! 0-7.pack   w: differs from ─► 0-6.pack   w: differs from ─► 0-5.pack   w
//! ```
//!
//! A chunk may be stored as its difference from another one, that one again, a few times over: what it takes
//! to read a chunk is bounded by that. The table of a pack names all of them. Each is checked against
//! its hash, so a damaged one is found in the file that it is in. Does not say which chunks are needed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{BLOCK, frame_header};
use crate::codec::{Codec, Decoder};
use crate::error::StoreError;
use crate::graph::{CHUNK_BYTES, ChunkId};

/// Differences that are added up for one chunk.
pub(crate) const MOST_DELTAS: usize = 4;

/// Where a chunk is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChunkPlace {
    /// File name of the pack; `None`: this one.
    pub(crate) pack: Option<String>,
    pub(super) offset: u64,
    pub(super) codec: u8,
    pub(super) raw_len: u64,
    /// Bytes in the file.
    pub(crate) stored_len: u64,
    /// The chunk that it is stored as a difference from.
    pub(crate) base: Option<ChunkId>,
}

/// The same without differences.
#[derive(Serialize, Deserialize)]
pub(super) struct PlaceBefore5 {
    pub(super) pack: Option<String>,
    pub(super) offset: u64,
    pub(super) codec: u8,
    pub(super) raw_len: u64,
    pub(super) stored_len: u64,
}

impl From<PlaceBefore5> for ChunkPlace {
    fn from(place: PlaceBefore5) -> Self {
        Self {
            pack: place.pack,
            offset: place.offset,
            codec: place.codec,
            raw_len: place.raw_len,
            stored_len: place.stored_len,
            base: None,
        }
    }
}

impl ChunkPlace {
    /// The same place, named from another pack of the run.
    pub(crate) fn in_pack(self, name: &str) -> Self {
        Self {
            pack: Some(name.to_owned()),
            ..self
        }
    }
}

/// Where the chunks of a pack are: in it, and in the earlier ones that it names.
#[derive(Debug)]
pub(crate) struct PackReader {
    pub(super) path: PathBuf,
    pub(crate) chunks: BTreeMap<ChunkId, ChunkPlace>,
}

impl PackReader {
    /// The chunks of the pack `path`.
    pub(crate) fn new(path: &Path, chunks: BTreeMap<ChunkId, ChunkPlace>) -> Self {
        let path = path.to_owned();
        Self { path, chunks }
    }

    /// A chunk's place, then the places that it differs from, nearest first; ends where one is missing.
    pub(crate) fn chain(&self, id: &ChunkId) -> impl Iterator<Item = (ChunkId, &ChunkPlace)> {
        let place = |id: ChunkId| Some((id, self.chunks.get(&id)?));
        std::iter::successors(place(*id), move |(_, it)| place(it.base?)).take(MOST_DELTAS + 2)
    }

    /// Whether each chain of differences ends at a whole chunk, soon enough.
    pub(super) fn has_all_bases(&self) -> bool {
        self.chunks.keys().all(|id| {
            let is_end = |place: &ChunkPlace| place.base.is_none();
            let chain = self.chain(id).take(MOST_DELTAS + 1);
            chain.last().is_some_and(|(_, place)| is_end(place))
        })
    }

    /// The file that a chunk is in, and where.
    fn find(&self, id: &ChunkId) -> Result<(PathBuf, &ChunkPlace), StoreError> {
        let missing = || StoreError::damaged(&self.path, "a chunk is missing");
        let place = self.chunks.get(id).ok_or_else(missing)?;
        match &place.pack {
            None => Ok((self.path.clone(), place)),
            Some(name) if is_plain_name(name) => Ok((self.path.with_file_name(name), place)),
            Some(_) => Err(missing()),
        }
    }

    /// The raw bytes of a chunk, checked against its id.
    pub(crate) fn read_chunk(&self, id: &ChunkId) -> Result<Vec<u8>, StoreError> {
        let (path, place) = self.find(id)?;
        if place.raw_len > CHUNK_BYTES as u64 {
            return Err(StoreError::damaged(&path, WRONG_HASH));
        }
        let mut raw = vec![0; place.raw_len as usize];
        ChunkReader::new(self).read(id, &mut raw)?;
        Ok(raw)
    }
}

const WRONG_HASH: &str = "a chunk does not match its hash";

/// Reads chunks one after the other: files stay open, memory is used again.
pub(crate) struct ChunkReader<'a> {
    pack: &'a PackReader,
    files: BTreeMap<PathBuf, File>,
    stored: Vec<u8>,
    decoder: Decoder,
    /// Memory for chunks that others differ from.
    bases: Vec<Vec<u8>>,
}

impl<'a> ChunkReader<'a> {
    pub(crate) fn new(pack: &'a PackReader) -> Self {
        Self {
            pack,
            files: BTreeMap::new(),
            stored: Vec::new(),
            decoder: Decoder::default(),
            bases: Vec::new(),
        }
    }

    /// Fills `raw`, which is as long as the chunk, and checks it against the chunk's id.
    pub(crate) fn read(&mut self, id: &ChunkId, raw: &mut [u8]) -> Result<(), StoreError> {
        self.read_over(id, raw, MOST_DELTAS)
    }

    /// `deltas`: so many differences may still be added up.
    fn read_over(&mut self, id: &ChunkId, raw: &mut [u8], deltas: usize) -> Result<(), StoreError> {
        let (path, place) = self.pack.find(id)?;
        let Some(base) = &place.base else {
            return self.read_one(&path, id, place, None, raw);
        };
        let left = deltas.checked_sub(1);
        let left = left.ok_or_else(|| StoreError::damaged(&path, WRONG_HASH))?;
        let mut bytes = self.bases.pop().unwrap_or_default();
        bytes.resize(raw.len(), 0);
        let read = self
            .read_over(base, &mut bytes, left)
            .and_then(|()| self.read_one(&path, id, place, Some(&bytes), raw));
        self.bases.push(bytes);
        read
    }

    fn read_one(
        &mut self,
        path: &Path,
        id: &ChunkId,
        place: &ChunkPlace,
        base: Option<&[u8]>,
        raw: &mut [u8],
    ) -> Result<(), StoreError> {
        let failed = |error: io::Error| StoreError::io(path, "read the checkpoint", &error);
        let broken = || StoreError::damaged(path, WRONG_HASH);
        if !self.files.contains_key(path) {
            let file = File::open(path).map_err(failed)?;
            self.files.insert(path.to_owned(), file);
        }
        let file = self.files.get_mut(path).ok_or_else(broken)?;
        let size = file.metadata().map_err(failed)?.len();
        let end = place
            .offset
            .checked_add(BLOCK)
            .and_then(|at| at.checked_add(place.stored_len));
        // what does not shrink is kept raw
        let is_sound = place.raw_len == raw.len() as u64 && place.stored_len <= place.raw_len;
        if !is_sound || end.is_none_or(|end| end > size) {
            return Err(broken());
        }
        self.stored.resize((BLOCK + place.stored_len) as usize, 0);
        file.seek(SeekFrom::Start(place.offset)).map_err(failed)?;
        file.read_exact(&mut self.stored).map_err(failed)?;
        let (header, stored) = self.stored.split_at(BLOCK as usize);
        let is_whole = header == frame_header(id, place, stored)
            && Codec::from_code(place.codec)
                .is_some_and(|codec| self.decoder.decode(codec, stored, base, raw))
            && blake3::hash(raw).as_bytes() == id;
        if is_whole { Ok(()) } else { Err(broken()) }
    }
}

/// A hostile pack must not lead out of its directory.
pub(crate) fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0'])
}
