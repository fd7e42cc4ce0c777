//! Packs survive the disk, and damage to any byte is found.

use florc_manifest::{CutKey, HeadKey};
use proptest::prelude::*;

use super::*;
use crate::checkpoint::Checkpoint;
use crate::graph::{CHUNK_BYTES, Node, Snapshot, StorageId, StorageInfo};
use crate::seal::{Sealed, seal};
use crate::state_hash::state_hash;

pub(super) fn record() -> CheckpointRecord {
    CheckpointRecord {
        cut: CutKey::Head(HeadKey {
            instance: 0,
            iteration: 3,
        }),
        pack: "0-0.pack".into(),
        state_hash: String::new(),
        pack_hash: String::new(),
        raw_bytes: 0,
        stored_bytes: 0,
        stall_seconds: 0.0,
        background_seconds: 0.0,
        absent: vec![],
        missing: vec![],
    }
}

pub(super) fn sealed(buffers: Vec<Vec<u8>>, element: u8) -> Sealed {
    let mut graph = Graph::default();
    for (at, buffer) in buffers.iter().enumerate() {
        graph.storages.push(StorageInfo {
            bytes: buffer.len() as u64,
            start: 0,
            device: "cpu".into(),
            element,
            content: Content::Buffer,
        });
        let array = graph.push(Node::Array {
            class: None,
            dtype: "|u1".into(),
            shape: vec![buffer.len() as u64],
            strides: vec![1],
            storage: StorageId(at as u32),
            offset: 0,
            writeable: true,
            attributes: vec![],
        });
        graph.roots.push((format!("x{at}"), array));
    }
    seal(Snapshot {
        graph,
        buffers: buffers.into(),
    })
}

fn write(path: &Path, sealed: &Sealed) -> u64 {
    let mut writer = PackWriter::create(path).unwrap();
    for chunk in &sealed.chunks {
        writer
            .chunk(chunk.id, sealed.bytes(chunk), chunk.element)
            .unwrap();
    }
    writer.finish(&record(), sealed.graph.clone()).unwrap().0
}

pub(super) fn load(path: &Path) -> Result<Checkpoint, StoreError> {
    let pack = open_pack(path)?;
    Checkpoint::load(pack.record.clone(), pack)
}

pub(super) fn contents(checkpoint: &Checkpoint) -> Vec<Vec<u8>> {
    let ids = (0..checkpoint.graph.storages.len() as u32).map(StorageId);
    ids.map(|id| checkpoint.storage(id).unwrap().to_vec())
        .collect()
}

/// One storage in the graph, one of two chunks.
fn small() -> Vec<Vec<u8>> {
    let noise = |len: usize| {
        blake3::Hasher::new()
            .update(b"noise")
            .finalize_xof()
            .take(len as u64)
    };
    let mut chunk = Vec::new();
    noise(INLINE + 100).read_to_end(&mut chunk).unwrap();
    vec![vec![7; 40], chunk]
}

const INLINE: usize = crate::graph::INLINE_LIMIT;

#[test]
fn a_bit_flipped_anywhere_is_found_or_does_not_matter() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("0-0.pack");
    let size = write(&path, &sealed(small(), 1)) as usize;
    let whole = fs::read(&path).unwrap();
    assert_eq!(whole.len(), size);
    let mut harmless = 0;
    // all of the frame's header, footer and trailer, and a part of the noise between them
    let is_noise = |at: usize| (200..4200).contains(&at);
    for at in (0..size).filter(|at| !is_noise(*at) || at % 64 == 0) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        fs::write(&path, &damaged).unwrap();
        if let Ok(checkpoint) = load(&path) {
            assert_eq!(contents(&checkpoint), small(), "byte {at}");
            harmless += 1;
        }
    }
    assert!(
        harmless < 3 * BLOCK,
        "only the zeros between frames may change: {harmless}"
    );
}

#[test]
fn a_pack_cut_anywhere_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("0-0.pack");
    write(&path, &sealed(small(), 1));
    let whole = fs::read(&path).unwrap();
    let is_noise = |at: usize| (200..4200).contains(&at);
    for cut in (0..whole.len()).filter(|at| !is_noise(*at) || at % 64 == 0) {
        fs::write(&path, &whole[..cut]).unwrap();
        assert!(load(&path).is_err(), "cut at {cut}");
    }
}

#[test]
fn a_newer_format_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("0-0.pack");
    write(&path, &sealed(small(), 1));
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len() - 64;
    bytes[8] += 1;
    bytes[end + 48] += 1;
    fs::write(&path, &bytes).unwrap();
    assert!(load(&path).unwrap_err().what.contains("newer florc"));
}

#[test]
fn a_pack_does_not_exist_before_it_is_finished() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("0-0.pack");
    let writer = PackWriter::create(&path).unwrap();
    assert!(!path.exists());
    writer.discard();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn states_survive(sizes in prop::collection::vec(0usize..9000, 0..5), big in 0usize..2, element in 0u8..9) {
        let mut buffers: Vec<Vec<u8>> = sizes.iter().map(|size| (0..*size).map(|at| (at * size) as u8).collect()).collect();
        buffers.push(vec![3; big * (CHUNK_BYTES + 1)]);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("0-0.pack");
        let sealed = sealed(buffers.clone(), element);
        write(&path, &sealed);
        let checkpoint = load(&path).unwrap();
        prop_assert_eq!(contents(&checkpoint), buffers);
        prop_assert_eq!(state_hash(&checkpoint.graph), state_hash(&sealed.graph));
    }
}

#[test]
fn chunks_in_another_order_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("0-0.pack");
    let bytes = (0..CHUNK_BYTES as u32 / 4 + 2000).flat_map(u32::to_le_bytes);
    let mut sealed = sealed(vec![bytes.collect()], 4);
    let Content::Chunks(ids) = &mut sealed.graph.storages[0].content else {
        panic!("it is in the graph");
    };
    ids.reverse();
    write(&path, &sealed);
    assert!(load(&path).is_err());
}

#[test]
fn a_pack_of_an_earlier_format_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("0-0.pack");
    write(&path, &sealed(small(), 1));
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len() - 64;
    let (offset, len) = (u64_at(&bytes, end), u64_at(&bytes, end + 8));
    bytes[8] = 2;
    let footer = &bytes[offset as usize..][..len as usize];
    let hash = footer_hash(&bytes[..64], footer, offset);
    bytes[end..].copy_from_slice(&trailer(offset, len, &hash, 2));
    fs::write(&path, &bytes).unwrap();
    assert_eq!(contents(&load(&path).unwrap()), small());
    // two formats in one file are damage
    bytes[end + 48] = 1;
    fs::write(&path, &bytes).unwrap();
    assert!(load(&path).is_err());
}
