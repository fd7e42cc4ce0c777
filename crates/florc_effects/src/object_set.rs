//! Sets of abstract objects.
//!
//! ```python
//! b = buf if test else []      # b: {the list of line 3, the list of line 7}
//! ```
//!
//! A dense bit set, iterated in order of ids. Knows nothing of what the objects are.

use crate::heap::ObjId;

/// A set of abstract objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ObjSet {
    words: Vec<u64>,
}

impl ObjSet {
    pub(crate) fn one(object: ObjId) -> Self {
        let mut set = Self::default();
        set.insert(object);
        set
    }

    pub(crate) fn from_words(words: Vec<u64>) -> Self {
        let mut set = Self { words };
        while set.words.last() == Some(&0) {
            set.words.pop();
        }
        set
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    pub(crate) fn insert(&mut self, object: ObjId) -> bool {
        let (word, bit) = (object.0 as usize / 64, object.0 % 64);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let before = self.words[word];
        self.words[word] |= 1 << bit;
        before != self.words[word]
    }

    pub(crate) fn contains(&self, object: ObjId) -> bool {
        let (word, bit) = (object.0 as usize / 64, object.0 % 64);
        self.words
            .get(word)
            .is_some_and(|bits| bits & (1 << bit) != 0)
    }

    pub(crate) fn remove(&mut self, object: ObjId) {
        if let Some(bits) = self.words.get_mut(object.0 as usize / 64) {
            *bits &= !(1 << (object.0 % 64));
        }
    }

    /// Adds all of `other`; whether anything was new.
    pub(crate) fn extend(&mut self, other: &Self) -> bool {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        let mut changed = false;
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            changed |= theirs & !*mine != 0;
            *mine |= theirs;
        }
        changed
    }

    /// Takes all of `other` away.
    pub(crate) fn subtract(&mut self, other: &Self) {
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine &= !theirs;
        }
    }

    /// Keeps what is also in `other`.
    pub(crate) fn retain(&mut self, other: &Self) {
        for (index, mine) in self.words.iter_mut().enumerate() {
            *mine &= other.words.get(index).copied().unwrap_or(0);
        }
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut set = self.clone();
        set.extend(other);
        set
    }

    pub(crate) fn intersects(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).any(|(a, b)| a & b != 0)
    }

    /// Size of the set in words, which is what a union costs.
    pub(crate) fn width(&self) -> u64 {
        self.words.len() as u64
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|bits| *bits == 0)
    }

    pub(crate) fn iter(&self) -> Objects<'_> {
        Objects {
            words: &self.words,
            next: 0,
            bits: self.words.first().copied().unwrap_or(0),
        }
    }
}

/// The objects of a set in order.
pub(crate) struct Objects<'a> {
    words: &'a [u64],
    next: usize,
    bits: u64,
}

impl Iterator for Objects<'_> {
    type Item = ObjId;

    fn next(&mut self) -> Option<ObjId> {
        while self.bits == 0 {
            self.next += 1;
            self.bits = *self.words.get(self.next)?;
        }
        let bit = self.bits.trailing_zeros();
        self.bits &= self.bits - 1;
        Some(ObjId(self.next as u32 * 64 + bit))
    }
}
