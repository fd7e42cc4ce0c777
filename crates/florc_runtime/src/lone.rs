//! A checkpoint in a file of its own, outside of a run: to measure what writing and reading one takes.
//!
//! Goes the way of the writer and of the replayer, without journal and policy.

use std::io;
use std::path::Path;

use florc_manifest::{CheckpointRecord, CutKey, HeadKey};

use crate::checkpoint::Checkpoint;
use crate::error::StoreError;
use crate::graph::Snapshot;
use crate::pack::{PackWriter, open_pack};
use crate::seal::seal;
use crate::slab::Buffers;
use crate::state_hash::{hex, state_hash};

/// Hashes, compresses if `compressed`, writes and syncs a snapshot. Gives the bytes of the file and the memory back.
pub fn write_lone(path: &Path, snapshot: Snapshot, compressed: bool) -> io::Result<(u64, Buffers)> {
    let sealed = seal(snapshot);
    let record = CheckpointRecord {
        cut: CutKey::Head(HeadKey {
            instance: 0,
            iteration: 0,
        }),
        pack: String::new(),
        state_hash: hex(&state_hash(&sealed.graph)),
        pack_hash: String::new(),
        raw_bytes: sealed.graph.raw_bytes(),
        stored_bytes: 0,
        stall_seconds: 0.0,
        background_seconds: 0.0,
        absent: Vec::new(),
        missing: sealed.graph.missing.clone(),
    };
    let mut pack = PackWriter::create(path)?;
    for chunk in &sealed.chunks {
        let raw = sealed.bytes(chunk);
        if compressed {
            pack.chunk(chunk.id, raw, chunk.element)?;
        } else {
            pack.quickly(chunk.id, raw, chunk.element)?;
        }
    }
    let (bytes, _) = pack.finish(&record, sealed.graph.clone())?;
    Ok((bytes, sealed.into_buffers()))
}

/// Reads and checks it.
pub fn read_lone(path: &Path) -> Result<Checkpoint, StoreError> {
    let pack = open_pack(path)?;
    Checkpoint::load(pack.record.clone(), pack)
}
