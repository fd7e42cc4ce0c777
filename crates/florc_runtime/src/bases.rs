//! Which earlier chunk a new one is compared with, to be stored as the difference.
//!
//! ```text
//! epoch 6   storage 12, first MiB ──┐ the same place, as long, elements of the same size
//! epoch 7   storage 12, first MiB ◄─┘
//! ```
//!
//! A difference is kept where it takes at least a sixteenth less: reading it takes longer. Places where that
//! fails (first moments change all of their bits in a few steps) are left alone for ever more checkpoints. Reads and
//! writes nothing.

use std::collections::BTreeMap;

use florc_manifest::CutKey;

use crate::codec::has_deltas;
use crate::graph::ChunkId;
use crate::seal::SealedChunk;

/// Checkpoints that a place is left alone for, at most.
const LONGEST_PAUSE: u32 = 64;

/// Where a chunk is in a state: what is captured there, number of the storage, first byte.
type Place = (String, usize, usize);

/// The latest chunk of each place.
#[derive(Debug, Default)]
pub(crate) struct Bases {
    latest: BTreeMap<Place, Latest>,
}

#[derive(Clone, Copy, Debug)]
struct Latest {
    id: ChunkId,
    length: usize,
    element: u8,
    /// What one of this place took when it was last compressed as a whole.
    whole: Option<u64>,
    /// Checkpoints until it is tried again, and after the next failure.
    rest: u32,
    pause: u32,
}

/// How a chunk was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// An earlier pack has it.
    Before,
    /// Not compressed: nothing is known of what it might take.
    AsItIs,
    /// Compressed to so many bytes; nothing else was tried.
    Whole(u64),
    /// As a difference.
    Delta,
    /// In so many bytes, since the difference takes hardly less.
    InVain(u64),
}

/// What a difference may be taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) base: ChunkId,
    /// It has to take less than that.
    pub(crate) bound: usize,
}

impl Bases {
    /// What to compare a chunk with.
    pub(crate) fn candidate(&mut self, cut: &CutKey, chunk: &SealedChunk) -> Option<Candidate> {
        let latest = self.latest.get_mut(&place(cut, chunk))?;
        let fits = latest.length == chunk.len() && latest.element == chunk.element;
        let bound = latest.whole? / 16 * 15;
        if !fits || !has_deltas(chunk.element) {
            return None;
        }
        latest.rest = latest.rest.saturating_sub(1);
        (latest.rest == 0).then_some(Candidate {
            base: latest.id,
            bound: usize::try_from(bound).ok()?,
        })
    }

    /// A chunk was stored.
    pub(crate) fn stored(&mut self, cut: &CutKey, chunk: &SealedChunk, how: Stored) {
        let place = place(cut, chunk);
        let fits = |it: &&Latest| it.length == chunk.len() && it.element == chunk.element;
        let mut latest = self
            .latest
            .get(&place)
            .filter(fits)
            .copied()
            .unwrap_or(Latest {
                id: chunk.id,
                length: chunk.len(),
                element: chunk.element,
                whole: None,
                rest: 0,
                pause: 1,
            });
        latest.id = chunk.id;
        match how {
            Stored::Before | Stored::AsItIs => {}
            Stored::Whole(bytes) => latest.whole = Some(bytes),
            Stored::Delta => latest.pause = 1,
            Stored::InVain(bytes) => {
                latest.whole = Some(bytes);
                latest.pause = (2 * latest.pause).min(LONGEST_PAUSE);
                latest.rest = latest.pause;
            }
        }
        self.latest.insert(place, latest);
    }
}

fn place(cut: &CutKey, chunk: &SealedChunk) -> Place {
    let what = match cut {
        // what is captured after the loop is what is captured at its heads
        CutKey::Head(_) | CutKey::Exit(_) => String::new(),
        CutKey::Block(block) => block.site.clone(),
    };
    let (storage, start) = chunk.place();
    (what, storage, start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use florc_manifest::HeadKey;

    fn chunk(number: u8, length: usize) -> SealedChunk {
        SealedChunk::made_up([number; 32], 4, length)
    }

    fn head(iteration: u64) -> CutKey {
        CutKey::Head(HeadKey {
            instance: 0,
            iteration,
        })
    }

    #[test]
    fn the_chunk_before_at_the_same_place() {
        let mut bases = Bases::default();
        assert_eq!(bases.candidate(&head(0), &chunk(0, 100)), None);
        bases.stored(&head(0), &chunk(0, 100), Stored::Whole(80));
        let expected = Candidate {
            base: [0; 32],
            bound: 75,
        };
        assert_eq!(bases.candidate(&head(1), &chunk(1, 100)), Some(expected));
        assert_eq!(bases.candidate(&head(1), &chunk(1, 96)), None);
    }

    #[test]
    fn a_place_where_nothing_is_saved_is_left_alone_for_longer_and_longer() {
        let mut bases = Bases::default();
        bases.stored(&head(0), &chunk(0, 100), Stored::Whole(80));
        let mut tried = Vec::new();
        for iteration in 1..40 {
            let chunk = chunk(iteration, 100);
            let how = match bases.candidate(&head(iteration.into()), &chunk) {
                Some(_) => {
                    tried.push(iteration);
                    Stored::InVain(80)
                }
                None => Stored::Whole(80),
            };
            bases.stored(&head(iteration.into()), &chunk, how);
        }
        assert_eq!(tried, [1, 3, 7, 15, 31]);
    }
}
