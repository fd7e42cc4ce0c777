//! One file per checkpoint: chunk frames, then the graph and the chunk table as a footer.
//!
//! ```text
//! 0      header: magic, format                                            64 bytes
//! 64·k   frame: codec, lengths, blake3, crc32 (64 bytes), stored bytes, zeros
//! 64·m   footer: checkpoint record, graph, chunk table
//! end    trailer: where the footer is, blake3 over header and footer      64 bytes
//! ```
//!
//! A chunk that an earlier pack of the run holds is named in the table and not written again. A
//! pack exists once it has its final name: it is written under a temporary one, synced, renamed.
//! Every byte that is read is covered by a hash. Opening a pack runs no code.

mod check;
mod chunks;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use florc_manifest::{CheckpointRecord, FORMAT_VERSION};
use serde::{Deserialize, Serialize};

use crate::codec::{Codec, Encoder};
use crate::error::StoreError;
use crate::graph::{ChunkId, Content, Graph};
use crate::run::pack_number;
use crate::seal::SealedChunk;
use crate::state_hash::hex;
use crate::thread_time::ThreadTime;

pub(crate) use check::Seen;
use chunks::PlaceBefore5;
pub(crate) use chunks::{ChunkPlace, ChunkReader, MOST_DELTAS, PackReader, is_plain_name};

/// A graph of a hundred million objects; a file of holes may claim more.
const LONGEST_FOOTER: u64 = 4 << 30;
const BLOCK: u64 = 64;
const MAGIC: &[u8; 8] = b"FLORCPCK";
const FRAME_MAGIC: &[u8; 4] = b"CHNK";
const END_MAGIC: &[u8; 8] = b"FLORCEND";

#[derive(Serialize, Deserialize)]
struct Footer<Place = ChunkPlace> {
    record: String,
    graph: Graph,
    /// All that are needed to read the state: also those that others are stored as a difference from.
    chunks: Vec<(ChunkId, Place)>,
}

impl Footer {
    fn decode(bytes: &[u8], format: u32) -> Result<Self, postcard::Error> {
        if format > 4 {
            return postcard::from_bytes(bytes);
        }
        let footer: Footer<PlaceBefore5> = postcard::from_bytes(bytes)?;
        let places = footer.chunks.into_iter();
        Ok(Self {
            record: footer.record,
            graph: footer.graph,
            chunks: places.map(|(id, place)| (id, place.into())).collect(),
        })
    }
}

/// A pack that is being written.
pub(crate) struct PackWriter {
    output: Output,
    temporary: PathBuf,
    path: PathBuf,
    chunks: BTreeMap<ChunkId, ChunkPlace>,
    encoder: Encoder,
}

impl PackWriter {
    /// Opens a temporary file beside `path`.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let temporary = path.with_extension("pack.tmp");
        let file = BufWriter::with_capacity(1 << 20, File::create(&temporary)?);
        let mut writer = Self {
            output: Output { file, at: 0 },
            temporary,
            path: path.to_owned(),
            chunks: BTreeMap::new(),
            encoder: Encoder::default(),
        };
        writer.output.write(&header())?;
        Ok(writer)
    }

    /// Compresses and writes a chunk. Gives the seconds that compressing took, too.
    pub(crate) fn chunk(
        &mut self,
        id: ChunkId,
        raw: &[u8],
        element: u8,
    ) -> io::Result<(ChunkPlace, f64)> {
        let time = ThreadTime::now();
        let encoded = self.encoder.encode(raw, element);
        let seconds = time.elapsed();
        let place = self.output.whole(id, raw, encoded)?;
        self.chunks.insert(id, place.clone());
        Ok((place, seconds))
    }

    /// Writes a chunk as it is, or compressed where that is as fast.
    pub(crate) fn quickly(
        &mut self,
        id: ChunkId,
        raw: &[u8],
        element: u8,
    ) -> io::Result<ChunkPlace> {
        let encoded = self.encoder.encode_quickly(raw, element);
        let place = self.output.whole(id, raw, encoded)?;
        self.chunks.insert(id, place.clone());
        Ok(place)
    }

    /// Writes what a chunk differs in from `base`, which [`Self::refer`] names, where that takes less than `bound`
    /// bytes. `None`: nothing was written.
    pub(crate) fn delta(
        &mut self,
        chunk: &SealedChunk,
        raw: &[u8],
        base: (ChunkId, &[u8]),
        bound: usize,
    ) -> io::Result<Option<ChunkPlace>> {
        let encoder = &mut self.encoder;
        let Some((codec, stored)) = encoder.encode_delta(raw, base.1, chunk.element, bound) else {
            return Ok(None);
        };
        let place = self.output.place(codec, raw, stored, Some(base.0));
        self.output.chunk(&chunk.id, &place, stored)?;
        self.chunks.insert(chunk.id, place.clone());
        Ok(Some(place))
    }

    /// Names a chunk of another pack.
    pub(crate) fn refer(&mut self, id: ChunkId, place: ChunkPlace) {
        self.chunks.insert(id, place);
    }

    /// Numbers of the packs of chunks that it names.
    pub(crate) fn needs(&self) -> BTreeSet<u64> {
        let named = self.chunks.values().filter_map(|it| it.pack.as_deref());
        named.filter_map(pack_number).collect()
    }

    /// Writes the footer and commits. Gives the size of the file and the hash of its footer.
    pub(crate) fn finish(
        mut self,
        record: &CheckpointRecord,
        graph: Graph,
    ) -> io::Result<(u64, String)> {
        let committed = self.commit(record, graph);
        if committed.is_err() {
            self.discard();
        }
        committed
    }

    fn commit(&mut self, record: &CheckpointRecord, graph: Graph) -> io::Result<(u64, String)> {
        let footer = Footer {
            record: serde_json::to_string(record)?,
            graph,
            chunks: std::mem::take(&mut self.chunks).into_iter().collect(),
        };
        let bytes = postcard::to_stdvec(&footer).map_err(io::Error::other)?;
        if bytes.len() as u64 > LONGEST_FOOTER {
            return Err(io::Error::other("the state has too many objects"));
        }
        let (offset, len) = (self.output.at, bytes.len() as u64);
        self.output.write(&bytes)?;
        let hash = footer_hash(&header(), &bytes, offset);
        self.output
            .write(&trailer(offset, len, &hash, FORMAT_VERSION))?;
        let size = self.output.at;
        self.output.file.flush()?;
        self.output.file.get_ref().sync_data()?;
        fs::rename(&self.temporary, &self.path)?;
        if let Some(directory) = self.path.parent() {
            File::open(directory)?.sync_all()?;
        }
        Ok((size, hex(&hash)))
    }

    /// Removes what was written.
    pub(crate) fn discard(self) {
        // it would be ignored as well
        let _ = fs::remove_file(&self.temporary);
    }
}

/// The file of a pack.
struct Output {
    file: BufWriter<File>,
    /// Bytes that are in it.
    at: u64,
}

impl Output {
    /// The next place.
    fn place(&self, codec: Codec, raw: &[u8], stored: &[u8], base: Option<ChunkId>) -> ChunkPlace {
        ChunkPlace {
            pack: None,
            offset: self.at,
            codec: codec.code(),
            raw_len: raw.len() as u64,
            stored_len: stored.len() as u64,
            base,
        }
    }

    fn whole(
        &mut self,
        id: ChunkId,
        raw: &[u8],
        (codec, stored): (Codec, &[u8]),
    ) -> io::Result<ChunkPlace> {
        let place = self.place(codec, raw, stored, None);
        self.chunk(&id, &place, stored)?;
        Ok(place)
    }

    fn chunk(&mut self, id: &ChunkId, place: &ChunkPlace, stored: &[u8]) -> io::Result<()> {
        self.write(&frame_header(id, place, stored))?;
        self.write(stored)
    }

    /// Writes and fills up with zeros to the next block.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.at += bytes.len() as u64;
        let padding = self.at.next_multiple_of(BLOCK) - self.at;
        self.file
            .write_all(&[0; BLOCK as usize][..padding as usize])?;
        self.at += padding;
        Ok(())
    }
}

/// First bytes of a pack that is written today.
fn header() -> [u8; 64] {
    let mut header = [0; 64];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    header
}

fn frame_header(id: &ChunkId, place: &ChunkPlace, stored: &[u8]) -> [u8; 64] {
    let mut header = [0; 64];
    header[..4].copy_from_slice(FRAME_MAGIC);
    header[4] = place.codec;
    header[8..16].copy_from_slice(&place.raw_len.to_le_bytes());
    header[16..24].copy_from_slice(&place.stored_len.to_le_bytes());
    header[24..56].copy_from_slice(id);
    header[56..60].copy_from_slice(&crc32fast::hash(stored).to_le_bytes());
    header
}

fn trailer(offset: u64, len: u64, hash: &[u8; 32], format: u32) -> [u8; 64] {
    let mut trailer = [0; 64];
    trailer[..8].copy_from_slice(&offset.to_le_bytes());
    trailer[8..16].copy_from_slice(&len.to_le_bytes());
    trailer[16..48].copy_from_slice(hash);
    trailer[48..52].copy_from_slice(&format.to_le_bytes());
    trailer[56..].copy_from_slice(END_MAGIC);
    trailer
}

fn footer_hash(header: &[u8], footer: &[u8], offset: u64) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(header)
        .update(&offset.to_le_bytes())
        .update(footer);
    *hasher.finalize().as_bytes()
}

/// A committed pack.
#[derive(Debug)]
pub(crate) struct Pack {
    /// What its checkpoint is.
    pub(crate) record: CheckpointRecord,
    /// The state.
    pub(crate) graph: Graph,
    /// Its chunks.
    pub(crate) reader: PackReader,
}

/// Opens a pack and checks its footer. Chunks are checked when they are read.
pub(crate) fn open_pack(path: &Path) -> Result<Pack, StoreError> {
    let (footer, format, hash, size) = read_footer(path)?;
    let broken = |what: &str| StoreError::damaged(path, what);
    let mut footer =
        Footer::decode(&footer, format).map_err(|_| broken("the footer cannot be read"))?;
    let mut record: CheckpointRecord = serde_json::from_str(&footer.record)
        .map_err(|_| broken("the checkpoint record cannot be read"))?;
    record.stored_bytes = size;
    record.pack_hash = hex(&hash);
    record.pack = path
        .file_name()
        .map(|name| name.to_string_lossy().into())
        .unwrap_or_default();
    let chunks: BTreeMap<_, _> = footer.chunks.drain(..).collect();
    let known = |info: &crate::graph::StorageInfo| match &info.content {
        Content::Inline(bytes) => bytes.len() as u64 == info.bytes,
        Content::Chunks(ids) => ids.iter().all(|id| chunks.contains_key(id)),
        Content::Buffer => false,
    };
    if !footer.graph.is_whole() || !footer.graph.storages.iter().all(known) {
        return Err(broken("the state graph refers to nothing"));
    }
    let reader = PackReader::new(path, chunks);
    if !reader.has_all_bases() {
        return Err(broken("a chunk differs from nothing"));
    }
    Ok(Pack {
        record,
        graph: footer.graph,
        reader,
    })
}

/// Footer, its format, its hash, and the size of the file.
fn read_footer(path: &Path) -> Result<(Vec<u8>, u32, [u8; 32], u64), StoreError> {
    let failed = |error: io::Error| StoreError::io(path, "read the checkpoint", &error);
    let broken = |what: &str| StoreError::damaged(path, what);
    let mut file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    if size < 2 * BLOCK {
        return Err(broken("the checkpoint is cut short"));
    }
    let header = read_at(&mut file, 0, BLOCK).map_err(failed)?;
    let end = read_at(&mut file, size - BLOCK, BLOCK).map_err(failed)?;
    let format = u32_at(&end, 48);
    if &end[56..] != END_MAGIC || &header[..8] != MAGIC {
        return Err(broken("this is not a whole checkpoint"));
    }
    if format > FORMAT_VERSION && u32_at(&header, 8) == format {
        return Err(StoreError::newer(path, format));
    }
    let (offset, len) = (u64_at(&end, 0), u64_at(&end, 8));
    let is_inside = offset
        .checked_add(len)
        .is_some_and(|end| end <= size - BLOCK);
    if !is_inside || len > LONGEST_FOOTER {
        return Err(broken("the footer is outside of the file"));
    }
    let footer = read_at(&mut file, offset, len).map_err(failed)?;
    let hash = footer_hash(&header, &footer, offset);
    if end != trailer(offset, len, &hash, format) || u32_at(&header, 8) != format {
        return Err(broken("the footer does not match its hash"));
    }
    Ok((footer, format, hash, size))
}

fn read_at(file: &mut File, offset: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4]
        .iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u32::from(*byte))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8]
        .iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
mod delta_tests;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
