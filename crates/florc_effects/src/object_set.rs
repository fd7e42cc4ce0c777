//! Sets of abstract objects.
//!
//! ```python
//! b = buf if test else []      # b: {the list of line 3, the list of line 7}
//! ```
//!
//! A sparse bit set: blocks of 64 ids that have some, in order; up to two stand in the set itself,
//! which is what most variables and fields need. Knows nothing of what the objects are.

use crate::kind::ObjId;

/// Ids `64 * index` to `64 * index + 63`; some of them are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Block {
    index: u32,
    bits: u64,
}

/// Blocks that stand in the set itself.
const INLINE: usize = 2;

/// Blocks that are looked at one by one before the others are searched.
const NEAR: usize = 4;

/// A set of abstract objects.
#[derive(Clone, Debug)]
pub(crate) struct ObjSet(Blocks);

#[derive(Clone, Debug)]
enum Blocks {
    Few([Block; INLINE], usize),
    Many(Vec<Block>),
}

impl Default for ObjSet {
    fn default() -> Self {
        Self(Blocks::Few([Block::default(); INLINE], 0))
    }
}

impl PartialEq for ObjSet {
    fn eq(&self, other: &Self) -> bool {
        self.blocks() == other.blocks()
    }
}

impl Eq for ObjSet {}

impl std::hash::Hash for ObjSet {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.blocks().hash(state);
    }
}

impl ObjSet {
    pub(crate) fn one(object: ObjId) -> Self {
        let block = Block {
            index: object.0 / 64,
            bits: 1 << (object.0 % 64),
        };
        Self(Blocks::Few([block, Block::default()], 1))
    }

    /// A set of whole words; their indices grow.
    pub(crate) fn from_words(words: impl Iterator<Item = (u32, u64)>) -> Self {
        let blocks = words.filter(|(_, bits)| *bits != 0);
        let mut set = Self::default();
        for (index, bits) in blocks {
            if let Some(last) = set.grow(1).last_mut() {
                *last = Block { index, bits };
            }
        }
        set
    }

    /// The words that are not empty, with their indices.
    pub(crate) fn words(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.blocks().iter().map(|block| (block.index, block.bits))
    }

    fn blocks(&self) -> &[Block] {
        match &self.0 {
            Blocks::Few(blocks, count) => &blocks[..*count],
            Blocks::Many(blocks) => blocks,
        }
    }

    fn blocks_mut(&mut self) -> &mut [Block] {
        match &mut self.0 {
            Blocks::Few(blocks, count) => &mut blocks[..*count],
            Blocks::Many(blocks) => blocks,
        }
    }

    /// Makes room for more blocks behind those that are there.
    fn grow(&mut self, more: usize) -> &mut [Block] {
        if let Blocks::Few(blocks, count) = &mut self.0 {
            if *count + more <= INLINE {
                *count += more;
            } else {
                let mut many = Vec::with_capacity((*count + more).max(2 * INLINE));
                many.extend_from_slice(&blocks[..*count]);
                self.0 = Blocks::Many(many);
            }
        }
        match &mut self.0 {
            Blocks::Few(blocks, count) => &mut blocks[..*count],
            Blocks::Many(blocks) => {
                blocks.resize(blocks.len() + more, Block::default());
                blocks
            }
        }
    }

    fn drop_empty(&mut self) {
        match &mut self.0 {
            Blocks::Few(blocks, count) => {
                let mut kept = 0;
                for at in 0..*count {
                    if blocks[at].bits != 0 {
                        blocks[kept] = blocks[at];
                        kept += 1;
                    }
                }
                *count = kept;
            }
            Blocks::Many(blocks) => blocks.retain(|block| block.bits != 0),
        }
    }

    pub(crate) fn insert(&mut self, object: ObjId) -> bool {
        self.extend(&Self::one(object))
    }

    pub(crate) fn contains(&self, object: ObjId) -> bool {
        let (index, bit) = (object.0 / 64, 1 << (object.0 % 64));
        let blocks = self.blocks();
        let at = seek(blocks, 0, index);
        blocks
            .get(at)
            .is_some_and(|block| block.index == index && block.bits & bit != 0)
    }

    pub(crate) fn remove(&mut self, object: ObjId) {
        if self.contains(object) {
            self.subtract(&Self::one(object));
        }
    }

    /// Adds all of `other`; whether anything was new.
    pub(crate) fn extend(&mut self, other: &Self) -> bool {
        let theirs = other.blocks();
        if self.is_empty() && !theirs.is_empty() {
            *self = other.clone();
            return true;
        }
        let (mut changed, mut missing, mut at) = (false, 0, 0);
        let mine = self.blocks_mut();
        for block in theirs {
            at = seek(mine, at, block.index);
            match mine.get_mut(at).filter(|own| own.index == block.index) {
                Some(own) => {
                    changed |= block.bits & !own.bits != 0;
                    own.bits |= block.bits;
                }
                None => missing += 1,
            }
        }
        if missing > 0 {
            self.merge(theirs, missing);
        }
        changed || missing > 0
    }

    /// Puts in the blocks that are missing, from the last to the first.
    fn merge(&mut self, theirs: &[Block], missing: usize) {
        let mut own = self.blocks().len();
        let mine = self.grow(missing);
        let (mut to, mut other) = (mine.len(), theirs.len());
        while other > 0 {
            to -= 1;
            let block = theirs[other - 1];
            if own > 0 && mine[own - 1].index >= block.index {
                own -= 1;
                other -= usize::from(mine[own].index == block.index);
                mine[to] = mine[own];
            } else {
                other -= 1;
                mine[to] = block;
            }
        }
    }

    /// Takes all of `other` away.
    pub(crate) fn subtract(&mut self, other: &Self) {
        self.mask(other, |mine, theirs| mine & !theirs);
    }

    /// Keeps what is also in `other`.
    pub(crate) fn retain(&mut self, other: &Self) {
        self.mask(other, |mine, theirs| mine & theirs);
    }

    fn mask(&mut self, other: &Self, kept: impl Fn(u64, u64) -> u64) {
        let (theirs, mut at, mut emptied) = (other.blocks(), 0, false);
        for own in self.blocks_mut() {
            at = seek(theirs, at, own.index);
            let found = theirs.get(at).filter(|block| block.index == own.index);
            own.bits = kept(own.bits, found.map_or(0, |block| block.bits));
            emptied |= own.bits == 0;
        }
        if emptied {
            self.drop_empty();
        }
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut set = self.clone();
        set.extend(other);
        set
    }

    /// What is in both.
    pub(crate) fn common(&self, other: &Self) -> Self {
        let mut set = self.clone();
        set.retain(other);
        set
    }

    pub(crate) fn intersects(&self, other: &Self) -> bool {
        let (few, many) = (self.blocks(), other.blocks());
        let (few, many) = if few.len() <= many.len() {
            (few, many)
        } else {
            (many, few)
        };
        let mut at = 0;
        few.iter().any(|block| {
            at = seek(many, at, block.index);
            let found = many.get(at).filter(|it| it.index == block.index);
            found.is_some_and(|it| it.bits & block.bits != 0)
        })
    }

    /// Whether all of `other` is in it, one object left aside.
    pub(crate) fn holds_all(&self, other: &Self, aside: ObjId) -> bool {
        let (mine, mut at) = (self.blocks(), 0);
        other.blocks().iter().all(|block| {
            at = seek(mine, at, block.index);
            let own = mine.get(at).filter(|own| own.index == block.index);
            let mut missing = block.bits & !own.map_or(0, |own| own.bits);
            if block.index == aside.0 / 64 {
                missing &= !(1 << (aside.0 % 64));
            }
            missing == 0
        })
    }

    /// Size of the set in blocks, which is what a union costs.
    pub(crate) fn width(&self) -> u64 {
        self.blocks().len() as u64
    }

    /// How many objects are in it.
    pub(crate) fn len(&self) -> usize {
        self.words()
            .map(|(_, bits)| bits.count_ones() as usize)
            .sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks().is_empty()
    }

    pub(crate) fn iter(&self) -> Objects<'_> {
        let blocks = self.blocks();
        Objects {
            blocks,
            bits: blocks.first().map_or(0, |block| block.bits),
        }
    }
}

/// The first block from `at` on whose index is not below `index`. It is mostly near.
fn seek(blocks: &[Block], mut at: usize, index: u32) -> usize {
    for _ in 0..NEAR {
        match blocks.get(at) {
            Some(block) if block.index < index => at += 1,
            Some(_) | None => return at,
        }
    }
    at + blocks[at..].partition_point(|block| block.index < index)
}

/// The objects of a set in order.
pub(crate) struct Objects<'a> {
    /// Those that are not done.
    blocks: &'a [Block],
    /// What is left of the first one.
    bits: u64,
}

impl Iterator for Objects<'_> {
    type Item = ObjId;

    fn next(&mut self) -> Option<ObjId> {
        while self.bits == 0 {
            self.blocks = self.blocks.get(1..)?;
            self.bits = self.blocks.first()?.bits;
        }
        let bit = self.bits.trailing_zeros();
        self.bits &= self.bits - 1;
        Some(ObjId(self.blocks.first()?.index * 64 + bit))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ObjSet;
    use crate::heap::ObjId;

    fn set(ids: &BTreeSet<u32>) -> ObjSet {
        let mut set = ObjSet::default();
        for id in ids {
            set.insert(ObjId(*id));
        }
        set
    }

    /// Sets of all sizes and distances, the same in every run.
    fn samples() -> Vec<BTreeSet<u32>> {
        let mut seed = 7_u32;
        let mut next = |below: u32| {
            seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            (seed >> 8) % below
        };
        let mut of = |size, below| (0..size).map(|_| next(below)).collect();
        let sizes = [0, 1, 2, 3, 5, 20, 200];
        sizes
            .iter()
            .flat_map(|size| [of(*size, 70), of(*size, 500), of(*size, 5000)])
            .collect()
    }

    #[test]
    fn sets_do_what_sets_do() {
        for a in samples() {
            for b in samples() {
                let (one, other) = (set(&a), set(&b));
                let mut both = one.clone();
                assert_eq!(both.extend(&other), !b.is_subset(&a));
                assert_eq!(both, set(&a.union(&b).copied().collect()));
                assert_eq!(
                    one.common(&other),
                    set(&a.intersection(&b).copied().collect())
                );
                let mut rest = one.clone();
                rest.subtract(&other);
                assert_eq!(rest, set(&a.difference(&b).copied().collect()));
                assert_eq!(one.intersects(&other), !a.is_disjoint(&b));
                assert!(
                    b.iter()
                        .all(|id| one.contains(ObjId(*id)) == a.contains(id))
                );
            }
            assert_eq!(set(&a).len(), a.len());
            let listed: Vec<u32> = set(&a).iter().map(|id| id.0).collect();
            assert_eq!(listed, a.into_iter().collect::<Vec<_>>());
        }
    }
}
