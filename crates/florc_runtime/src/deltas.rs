//! Stores chunks of a pack as differences from chunks of earlier ones, as long as there are seconds for it.
//!
//! ```text
//! plain   shuffle, zstd                      counts as what a checkpoint takes
//! delta   read the base ─► subtract ─► …     what reading took counts as extra
//! ```
//!
//! The base is read back from its pack and checked, so no memory is held between checkpoints, and a base that is
//! gone or damaged is not built upon. Decides nothing about bases, nor about seconds.

use crate::bases::Candidate;
use crate::graph::ChunkId;
use crate::pack::{ChunkPlace, ChunkReader, MOST_DELTAS, PackReader, PackWriter};
use crate::seal::SealedChunk;
use crate::thread_time::ThreadTime;

/// For the chunks of one pack.
pub(crate) struct Deltas<'a> {
    known: &'a PackReader,
    reader: ChunkReader<'a>,
    base: Vec<u8>,
    /// Seconds that may be spent.
    spare: f64,
    /// Seconds that were spent.
    pub(crate) seconds: f64,
}

/// What became of a chunk.
#[derive(Debug)]
pub(crate) enum Tried {
    /// It is stored as a difference.
    Stored(ChunkPlace),
    /// The difference takes hardly less.
    InVain,
    /// There is no time for it, or its base cannot be had.
    Not,
}

impl<'a> Deltas<'a> {
    /// From the chunks of `known`, in `spare` seconds.
    pub(crate) fn new(known: &'a PackReader, spare: f64) -> Self {
        Self {
            known,
            reader: ChunkReader::new(known),
            base: Vec::new(),
            spare,
            seconds: 0.0,
        }
    }

    /// Stores a chunk as the difference from its candidate.
    pub(crate) fn store(
        &mut self,
        pack: &mut PackWriter,
        chunk: &SealedChunk,
        raw: &[u8],
        candidate: Candidate,
    ) -> std::io::Result<Tried> {
        let Candidate { base, bound } = candidate;
        let depth = self.known.chain(&base).count();
        if self.seconds >= self.spare || !(1..=MOST_DELTAS).contains(&depth) {
            return Ok(Tried::Not);
        }
        let time = ThreadTime::now();
        self.base.resize(raw.len(), 0);
        let is_read = self.reader.read(&base, &mut self.base).is_ok();
        self.seconds += time.elapsed();
        if !is_read {
            return Ok(Tried::Not);
        }
        let time = ThreadTime::now();
        let stored = pack.delta(chunk, raw, (base, &self.base), bound)?;
        let Some(place) = stored else {
            // it is compressed once more
            self.seconds += time.elapsed();
            return Ok(Tried::InVain);
        };
        self.refer(pack, &base);
        Ok(Tried::Stored(place))
    }

    /// Names a chunk of an earlier pack, and what it differs from.
    pub(crate) fn refer(&self, pack: &mut PackWriter, id: &ChunkId) {
        for (id, place) in self.known.chain(id) {
            pack.refer(id, place.clone());
        }
    }
}
