//! A set of small numbers as words.
//!
//! ```python
//! x = 1; y = 2     # {0, 1} when `x` is 0 and `y` is 1 in their function
//! ```
//!
//! Only what dataflow needs; sets that are combined have the same capacity.

/// A set of numbers below a fixed capacity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    pub(crate) fn empty(capacity: usize) -> Self {
        Self(vec![0; capacity.div_ceil(64)])
    }

    pub(crate) fn insert(&mut self, item: usize) {
        self.0[item / 64] |= 1 << (item % 64);
    }

    pub(crate) fn remove(&mut self, item: usize) {
        self.0[item / 64] &= !(1 << (item % 64));
    }

    /// Adds all of `other`; says whether anything was new.
    pub(crate) fn unite(&mut self, other: &Self) -> bool {
        let mut changed = false;
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            changed |= *more & !*word != 0;
            *word |= more;
        }
        changed
    }

    /// Keeps what `other` has too; says whether anything was lost.
    pub(crate) fn intersect(&mut self, other: &Self) -> bool {
        let mut changed = false;
        for (word, keep) in self.0.iter_mut().zip(&other.0) {
            changed |= *word & !*keep != 0;
            *word &= keep;
        }
        changed
    }

    pub(crate) fn subtract(&mut self, other: &Self) {
        for (word, gone) in self.0.iter_mut().zip(&other.0) {
            *word &= !gone;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let word = *word;
            (0..64)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| at * 64 + bit)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    #[test]
    fn sets_work_across_words() {
        let mut some = Bits::empty(130);
        for item in [0, 64, 129] {
            some.insert(item);
        }
        let mut other = some.clone();
        other.remove(64);
        assert_eq!(other.iter().collect::<Vec<_>>(), [0, 129]);
        assert!(some.intersect(&other) && !some.intersect(&other));
        other.insert(1);
        assert!(some.unite(&other) && !some.unite(&other));
        some.subtract(&other);
        assert_eq!(some, Bits::empty(130));
    }
}
