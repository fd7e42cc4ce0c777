//! Chunks that are stored as differences: they survive, and damage to what they differ from is found.

use super::tests::{contents, load, record, sealed};
use super::*;
use crate::seal::{Sealed, SealedChunk};

const COUNT: u32 = 3000;

/// State of step `at`: bits of floats that move a little.
fn state(at: u32) -> Sealed {
    let noise = |number: u32| {
        let number = number.wrapping_mul(0x9e37_79b9);
        (number ^ number >> 15).wrapping_mul(0x85eb_ca6b)
    };
    let weight = |index| 0x3f80_0000 + (noise(index) >> 10) + at * (noise(index + COUNT) >> 24);
    let bytes = (0..COUNT).flat_map(|index| weight(index).to_le_bytes());
    sealed(vec![bytes.collect()], 4)
}

/// Packs 0 to `last`, each but the first as a difference from the one before it.
fn write_chain(directory: &Path, last: u32) -> PackReader {
    let mut known = PackReader::new(&directory.join("0.pack"), BTreeMap::new());
    for at in 0..=last {
        let sealed = state(at);
        let chunk = &sealed.chunks[0];
        let name = format!("0-{at}.pack");
        let mut writer = PackWriter::create(&directory.join(&name)).unwrap();
        let place = if at == 0 {
            writer.chunk(chunk.id, sealed.bytes(chunk), 4).unwrap().0
        } else {
            let before = state(at - 1);
            let base = (before.chunks[0].id, before.bytes(&before.chunks[0]));
            for (id, place) in known.chain(&base.0) {
                writer.refer(id, place.clone());
            }
            let written = writer.delta(chunk, sealed.bytes(chunk), base, usize::MAX);
            written.unwrap().unwrap()
        };
        known.chunks.insert(chunk.id, place.in_pack(&name));
        writer.finish(&record(), sealed.graph.clone()).unwrap();
    }
    known
}

fn path(directory: &Path, at: u32) -> PathBuf {
    directory.join(format!("0-{at}.pack"))
}

#[test]
fn differences_are_added_up_so_many_times_and_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let last = MOST_DELTAS as u32 + 1;
    write_chain(directory.path(), last);
    for at in 0..last {
        let sealed = state(at);
        let expected = sealed.bytes(&sealed.chunks[0]).to_vec();
        let path = path(directory.path(), at);
        assert_eq!(contents(&load(&path).unwrap()), [expected]);
        let pack = open_pack(&path).unwrap();
        assert_eq!(pack.bad_chunks(&mut Seen::new()), []);
        let needs: Vec<String> = (0..at).map(|it| format!("0-{it}.pack")).collect();
        assert_eq!(pack.needs().into_iter().collect::<Vec<_>>(), needs);
        // nothing of the state itself is in another pack
        assert_eq!(pack.shared_bytes(), 0);
    }
    assert!(open_pack(&path(directory.path(), last)).is_err());
    let size = |at| fs::metadata(path(directory.path(), at)).unwrap().len();
    assert!(size(1) * 10 < size(0) * 9, "{} after {}", size(1), size(0));
}

#[test]
fn damage_to_what_a_chunk_differs_from_is_found_there() {
    let directory = tempfile::tempdir().unwrap();
    write_chain(directory.path(), 3);
    let (base, last) = (path(directory.path(), 1), path(directory.path(), 3));
    let whole = fs::read(&base).unwrap();
    let sealed = state(3);
    let expected = [sealed.bytes(&sealed.chunks[0]).to_vec()];
    let mut found = 0;
    for at in (64..whole.len()).step_by(97) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        fs::write(&base, &damaged).unwrap();
        match load(&last) {
            // padding, and the footer that nobody needs for that
            Ok(checkpoint) => assert_eq!(contents(&checkpoint), expected),
            Err(error) => {
                found += 1;
                assert_eq!(error.path, base);
                let bad = open_pack(&last).unwrap().bad_chunks(&mut Seen::new());
                let packs: Vec<&str> = bad.iter().map(|it| it.pack.as_str()).collect();
                // itself, the one between and the last
                assert_eq!(packs, ["0-1.pack"; 3]);
            }
        }
    }
    assert!(found > 10, "{found}");
    fs::remove_file(&base).unwrap();
    assert_eq!(load(&last).unwrap_err().path, base);
    let bad = open_pack(&last).unwrap().bad_chunks(&mut Seen::new());
    assert_eq!(bad.len(), 3);
}

/// Whether a pack can be read whose only chunk, of pack 1, has its place changed so.
fn reads(change: impl FnOnce(&mut ChunkPlace, &mut Vec<(ChunkId, ChunkPlace)>)) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let mut known = write_chain(directory.path(), 1);
    let sealed = state(1);
    let id = sealed.chunks[0].id;
    let mut place = known.chunks.remove(&id).unwrap();
    let mut others: Vec<_> = known.chunks.into_iter().collect();
    change(&mut place, &mut others);
    let path = path(directory.path(), 2);
    let mut writer = PackWriter::create(&path).unwrap();
    writer.refer(id, place);
    for (id, place) in others {
        writer.refer(id, place);
    }
    writer.finish(&record(), sealed.graph.clone()).unwrap();
    if let Ok(pack) = open_pack(&path) {
        let _ = pack.bad_chunks(&mut Seen::new());
    }
    let checkpoint = load(&path);
    if let Ok(checkpoint) = &checkpoint {
        let expected = [sealed.bytes(&sealed.chunks[0]).to_vec()];
        assert_eq!(contents(checkpoint), expected);
    }
    checkpoint.is_ok()
}

#[test]
fn made_up_bases_are_refused() {
    let own = state(1).chunks[0].id;
    assert!(reads(|_, _| {}));
    assert!(!reads(|place, _| place.base = Some(own)), "of itself");
    assert!(!reads(|place, _| place.base = Some([7; 32])), "of nothing");
    assert!(!reads(|place, _| place.base = None), "of none");
    assert!(!reads(|_, others| others[0].1.base = Some(own)), "a circle");
    assert!(!reads(|_, others| others[0].1.raw_len -= 4), "shorter");
    assert!(!reads(|_, others| others[0].1.raw_len = u64::MAX), "huge");
    assert!(!reads(|place, _| place.raw_len = u64::MAX), "huge itself");
    assert!(!reads(|_, others| others[0].1.stored_len = u64::MAX));
    assert!(!reads(|place, _| place.codec ^= 0x20), "not a difference");
    assert!(
        !reads(|_, others| others[0].1.codec ^= 0x20),
        "of a difference"
    );
    let outside = |_: &mut ChunkPlace, others: &mut Vec<(ChunkId, ChunkPlace)>| {
        others[0].1.pack = Some("../0-0.pack".to_owned());
    };
    assert!(!reads(outside), "outside");
}

#[test]
fn what_hardly_saves_is_not_stored_as_a_difference() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = PackWriter::create(&path(directory.path(), 0)).unwrap();
    let (sealed, before) = (state(1), state(0));
    let chunk = &sealed.chunks[0];
    let raw = sealed.bytes(chunk);
    let base = (before.chunks[0].id, before.bytes(&before.chunks[0]));
    assert!(writer.delta(chunk, raw, base, 100).unwrap().is_none());
    let odd = SealedChunk::made_up(chunk.id, 3, raw.len());
    assert!(writer.delta(&odd, raw, base, usize::MAX).unwrap().is_none());
    let short = (base.0, &base.1[4..]);
    assert!(
        writer
            .delta(chunk, raw, short, usize::MAX)
            .unwrap()
            .is_none()
    );
    assert_eq!(writer.output.at, BLOCK);
}
