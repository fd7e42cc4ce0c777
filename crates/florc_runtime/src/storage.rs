//! The disk space of a run's checkpoints: what is used, and what makes room.
//!
//! ```text
//! florc run --max-storage 20GB train.py      else a quarter of what is free
//! ```
//!
//! Room is made before a checkpoint is written, so that the bound holds at every moment as long as
//! its size was guessed well. Which ones go is `thinning`'s to say, deleting them the writer's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use florc_manifest::CutKey;

use crate::free_space::{default_limit, default_share};
use crate::thinning::{Kept, Use, thin};

/// What a run's checkpoints take.
#[derive(Debug)]
pub(crate) struct Storage {
    limit: u64,
    /// Whether nobody said what the limit is.
    is_default: bool,
    kept: Vec<Kept>,
    cuts: BTreeMap<u64, CutKey>,
    /// Stored bytes for each raw one, in the last checkpoint.
    ratio: f64,
    /// What a checkpoint took besides its chunks.
    overhead: u64,
}

/// What happens before a checkpoint is written.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// Packs to delete.
    pub(crate) gone: Vec<(u64, CutKey)>,
    /// Whether there is room for it then.
    pub(crate) is_enough: bool,
    /// Heads that are nearer to each other than that are taken in vain.
    pub(crate) spacing: f64,
}

/// A checkpoint to be written.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) cut: CutKey,
    pub(crate) time: f64,
    /// Bytes of chunks that no earlier pack holds.
    pub(crate) new_bytes: u64,
    /// Packs that hold the others.
    pub(crate) needs: BTreeSet<u64>,
}

impl Storage {
    /// What the user allows, else what is left to it.
    pub(crate) fn of(limit: Option<u64>, store: &Path, world_size: u32) -> Option<Self> {
        match limit {
            Some(limit) => Some(Self::new(limit)),
            None => Some(Self {
                is_default: true,
                ..Self::new(default_limit(store, world_size)?)
            }),
        }
    }

    fn new(limit: u64) -> Self {
        Self {
            limit,
            is_default: false,
            kept: Vec::new(),
            cuts: BTreeMap::new(),
            ratio: 1.0,
            overhead: 0,
        }
    }

    /// What is there of an earlier process of the run was free when it began.
    pub(crate) fn begun_before(&mut self) {
        if self.is_default {
            self.limit += default_share(self.used());
        }
    }

    /// Whether space is worth more than time.
    pub(crate) fn is_scarce(&self) -> bool {
        !self.is_default || self.used() > self.limit / 2
    }

    /// Whether so much is left that checkpoints may be built on earlier ones, which then cannot go.
    pub(crate) fn is_ample(&self) -> bool {
        self.is_default && self.used() < self.limit / 8
    }

    /// Why there are no checkpoints at all.
    pub(crate) fn too_large(&self) -> &'static str {
        if self.is_default {
            "one checkpoint takes more than a run may of the free disk space; `--max-storage` allows more"
        } else {
            "one checkpoint takes more than --max-storage"
        }
    }

    fn used(&self) -> u64 {
        self.kept.iter().map(|it| it.bytes).sum()
    }

    /// Makes room for a checkpoint.
    pub(crate) fn make_room(&mut self, planned: &Planned) -> Room {
        let expected = self.overhead + in_proportion(planned.new_bytes, self.ratio);
        let held = self.all_needs(&planned.needs);
        let room = self.limit.saturating_sub(expected);
        self.thin(room, planned.time, &held, expected <= self.limit)
    }

    fn thin(&mut self, room: u64, newest: f64, held: &BTreeSet<u64>, can_fit: bool) -> Room {
        let thinned = thin(&self.kept, room, newest, held);
        if !can_fit || !thinned.is_enough {
            let last = self.kept.last().map_or(newest, |it| it.time);
            return Room {
                // not to try in vain in each iteration
                spacing: 2.0 * (newest - last),
                ..Room::default()
            };
        }
        self.kept.retain(|it| !thinned.gone.contains(&it.pack));
        let cut = |pack: &u64| Some((*pack, self.cuts.remove(pack)?));
        Room {
            gone: thinned.gone.iter().filter_map(cut).collect(),
            is_enough: true,
            spacing: thinned.spacing,
        }
    }

    /// A checkpoint was written. It, too, may have to go again: it took more than was expected.
    pub(crate) fn add(&mut self, pack: u64, planned: Planned, bytes: u64, chunks: u64) -> Room {
        if planned.new_bytes > 0 {
            self.ratio = chunks as f64 / planned.new_bytes as f64;
        }
        self.overhead = bytes.saturating_sub(chunks);
        let time = planned.time;
        self.know(pack, planned, bytes);
        let room = self.thin(self.limit, time, &BTreeSet::from([pack]), true);
        if room.is_enough {
            return room;
        }
        self.kept.pop();
        let own = self.cuts.remove(&pack).map(|cut| (pack, cut));
        Room {
            gone: own.into_iter().collect(),
            ..Room::default()
        }
    }

    /// There is a checkpoint.
    pub(crate) fn know(&mut self, pack: u64, planned: Planned, bytes: u64) {
        let purpose = match planned.cut {
            CutKey::Head(_) => Use::Head,
            CutKey::Block(_) => Use::Block,
            CutKey::Exit(_) => Use::Exit,
        };
        self.kept.push(Kept {
            pack,
            purpose,
            time: planned.time,
            bytes,
            needs: self.all_needs(&planned.needs),
        });
        self.cuts.insert(pack, planned.cut);
    }

    /// Whether no checkpoint is there.
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Packs with what they need in turn.
    fn all_needs(&self, packs: &BTreeSet<u64>) -> BTreeSet<u64> {
        let inner = self.kept.iter().filter(|it| packs.contains(&it.pack));
        let inner = inner.flat_map(|it| it.needs.iter().copied());
        inner.chain(packs.iter().copied()).collect()
    }
}

/// What so many raw bytes will take, and a little more.
#[expect(clippy::cast_sign_loss, reason = "sizes are not negative")]
fn in_proportion(bytes: u64, ratio: f64) -> u64 {
    (bytes as f64 * ratio * 1.02).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use florc_manifest::HeadKey;

    fn planned(iteration: u64, new_bytes: u64, needs: &[u64]) -> Planned {
        Planned {
            cut: CutKey::Head(HeadKey {
                instance: 0,
                iteration,
            }),
            time: iteration as f64,
            new_bytes,
            needs: needs.iter().copied().collect(),
        }
    }

    /// Checkpoints of these sizes under a bound of 100; which packs are there in the end.
    #[track_caller]
    fn check(sizes: &[u64], expected: &[u64]) {
        let mut storage = Storage::new(100);
        for (at, bytes) in sizes.iter().enumerate() {
            let planned = planned(at as u64, *bytes, &[]);
            if storage.make_room(&planned).is_enough {
                storage.add(at as u64, planned, *bytes, *bytes);
            }
            let used: u64 = storage.kept.iter().map(|it| it.bytes).sum();
            assert!(used <= 100, "{used}");
        }
        let packs: Vec<u64> = storage.kept.iter().map(|it| it.pack).collect();
        assert_eq!(packs, expected);
    }

    #[test]
    fn the_bound_is_never_passed() {
        check(&[30, 30, 30], &[0, 1, 2]);
        check(&[30, 30, 30, 30], &[0, 2, 3]);
        check(&[30, 30, 30, 30, 30], &[0, 2, 4]);
        check(&[60, 60, 10], &[0, 2]);
        check(&[101, 20], &[1]);
    }

    #[test]
    fn space_is_ample_then_enough_then_scarce() {
        let mut storage = Storage {
            is_default: true,
            ..Storage::new(100)
        };
        let mut told = vec![(storage.is_ample(), storage.is_scarce())];
        for at in 0..2 {
            storage.add(at, planned(at, 30, &[]), 30, 30);
            told.push((storage.is_ample(), storage.is_scarce()));
        }
        assert_eq!(told, [(true, false), (false, false), (false, true)]);
        let said = Storage::new(100);
        assert!(said.is_scarce() && !said.is_ample());
    }

    #[test]
    fn a_run_that_goes_on_may_take_what_it_might() {
        let mut storage = Storage {
            is_default: true,
            ..Storage::new(15)
        };
        storage.know(0, planned(0, 40, &[]), 40);
        storage.begun_before();
        assert_eq!(storage.limit, 25);
    }

    #[test]
    fn what_a_new_checkpoint_needs_stays() {
        let mut storage = Storage::new(100);
        for at in 0..3 {
            storage.add(at, planned(at, 30, &[]), 30, 30);
        }
        let room = storage.make_room(&planned(3, 30, &[1]));
        let gone: Vec<u64> = room.gone.iter().map(|(pack, _)| *pack).collect();
        assert!(room.is_enough);
        assert_eq!(gone, [2]);
    }

    #[test]
    fn a_checkpoint_that_came_out_too_large_goes_again() {
        let mut storage = Storage::new(100);
        storage.add(0, planned(0, 60, &[]), 60, 60);
        assert!(storage.make_room(&planned(1, 30, &[])).is_enough);
        let room = storage.add(1, planned(1, 30, &[]), 70, 70);
        assert!(!room.is_enough);
        assert_eq!((room.gone[0].0, storage.kept.len()), (1, 1));
    }
}
