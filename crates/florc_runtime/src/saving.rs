//! Stores chunks of a pack in as little space as there are seconds for.
//!
//! ```text
//! as it is      hash, write                              counts as what a checkpoint takes
//! compressed    planes, zstd                             counts as extra
//! difference    read the base ─► subtract ─► planes …    counts as extra
//! ```
//!
//! Compressing weights takes nearly as long as all else that is done for a checkpoint and saves a fifth, so that it comes last: seconds go
//! into more checkpoints first (`policy`), and while others wait to be written there are none. What shrinks at a glance is always
//! compressed, which is as fast as writing it. Where space is scarce all is compressed, and where it may become so nothing is
//! built on what may have to go.
//!
//! The base of a difference is read back from its pack and checked, so no memory is held between checkpoints, and a base
//! that is gone or damaged is not built upon. Decides nothing about bases, nor about seconds.

use crate::bases::{Candidate, Stored};
use crate::graph::ChunkId;
use crate::pack::{ChunkPlace, ChunkReader, MOST_DELTAS, PackReader, PackWriter};
use crate::seal::SealedChunk;
use crate::thread_time::ThreadTime;

/// What may be spent on one pack.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    /// Seconds beyond what writing takes, of those that others would have worked in.
    pub(crate) spare: f64,
    /// What a second took from others when the last pack was written.
    pub(crate) share: f64,
    /// Whether others wait by now.
    pub(crate) is_behind: &'a dyn Fn() -> bool,
    /// Whether disk space is worth more than time.
    pub(crate) is_scarce: bool,
    /// Whether there is so much that earlier checkpoints may be built upon.
    pub(crate) is_ample: bool,
}

/// For the chunks of one pack.
pub(crate) struct Saving<'a> {
    known: &'a PackReader,
    reader: ChunkReader<'a>,
    base: Vec<u8>,
    means: Means<'a>,
    began: ThreadTime,
    /// What a second takes from others now, and the seconds that were spent when that was looked at.
    share: (f64, f64),
    /// Seconds that were spent.
    pub(crate) seconds: f64,
}

/// Seconds after which it is looked at again how busy the machine is.
const LOOK: f64 = 0.02;

/// What became of a chunk that was to be stored as a difference.
enum Tried {
    Stored(ChunkPlace),
    /// The difference takes hardly less.
    InVain,
    /// There is no time for it, or its base cannot be had.
    Not,
}

impl<'a> Saving<'a> {
    /// Differences are taken from the chunks of `known`.
    pub(crate) fn new(known: &'a PackReader, means: Means<'a>) -> Self {
        Self {
            known,
            reader: ChunkReader::new(known),
            base: Vec::new(),
            began: ThreadTime::now(),
            share: (means.share, 0.0),
            means,
            seconds: 0.0,
        }
    }

    /// Stores a chunk, as the difference from its candidate if possible.
    pub(crate) fn store(
        &mut self,
        pack: &mut PackWriter,
        chunk: &SealedChunk,
        raw: &[u8],
        candidate: Option<Candidate>,
    ) -> std::io::Result<(ChunkPlace, Stored)> {
        let tried = match candidate.filter(|_| self.means.is_ample && self.has_time()) {
            Some(candidate) => self.difference(pack, chunk, raw, candidate)?,
            None => Tried::Not,
        };
        let is_in_vain = match tried {
            Tried::Stored(place) => return Ok((place, Stored::Delta)),
            Tried::InVain => true,
            Tried::Not => false,
        };
        if !(self.means.is_scarce || is_in_vain || self.has_time()) {
            let place = pack.quickly(chunk.id, raw, chunk.element)?;
            return Ok((place, Stored::AsItIs));
        }
        let (place, seconds) = pack.chunk(chunk.id, raw, chunk.element)?;
        if !self.means.is_scarce {
            self.seconds += seconds;
        }
        let bytes = place.stored_len;
        let how = if is_in_vain {
            Stored::InVain(bytes)
        } else {
            Stored::Whole(bytes)
        };
        Ok((place, how))
    }

    fn has_time(&mut self) -> bool {
        self.seconds * self.share() < self.means.spare && !(self.means.is_behind)()
    }

    /// At least that of the last pack: the machine may have become busy since.
    fn share(&mut self) -> f64 {
        let (share, at) = self.share;
        if self.seconds < at + LOOK {
            return share;
        }
        let now = self.began.share().max(self.means.share);
        self.share = (now, self.seconds);
        now
    }

    fn difference(
        &mut self,
        pack: &mut PackWriter,
        chunk: &SealedChunk,
        raw: &[u8],
        candidate: Candidate,
    ) -> std::io::Result<Tried> {
        let Candidate { base, bound } = candidate;
        let depth = self.known.chain(&base).count();
        if !(1..=MOST_DELTAS).contains(&depth) {
            return Ok(Tried::Not);
        }
        let time = ThreadTime::now();
        self.base.resize(raw.len(), 0);
        let is_read = self.reader.read(&base, &mut self.base).is_ok();
        let stored = if is_read {
            pack.delta(chunk, raw, (base, &self.base), bound)?
        } else {
            None
        };
        self.seconds += time.elapsed();
        match stored {
            Some(place) => {
                self.refer(pack, &base);
                Ok(Tried::Stored(place))
            }
            None if is_read => Ok(Tried::InVain),
            None => Ok(Tried::Not),
        }
    }

    /// Names a chunk of an earlier pack, and what it differs from.
    pub(crate) fn refer(&self, pack: &mut PackWriter, id: &ChunkId) {
        for (id, place) in self.known.chain(id) {
            pack.refer(id, place.clone());
        }
    }
}
