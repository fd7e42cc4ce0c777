//! Marks on things that are told apart by number, made while only read access is at hand.
//!
//! ```python
//! b = buf            # while this statement is run, what it reads is marked
//! ```
//!
//! Bits, and which words of bits are not empty, so that taking the marks costs what was marked.
//! Knows nothing of what the things are.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::object_set::ObjSet;

/// A set that grows through a shared reference.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    bits: Vec<AtomicU64>,
    /// Which words of `bits` are not empty.
    used: Vec<AtomicU64>,
}

impl Marks {
    /// Makes room for so many words of things.
    pub(crate) fn grow(&mut self, words: usize) {
        if self.bits.len() < words {
            self.bits.resize_with(words, AtomicU64::default);
            self.used.resize_with(words / 64 + 1, AtomicU64::default);
        }
    }

    /// As [`Marks::grow`], unless nothing was ever to be marked.
    pub(crate) fn widen(&mut self, words: usize) {
        if !self.bits.is_empty() {
            self.grow(words);
        }
    }

    /// Marks things of one word. Things for which no room was made are left out.
    pub(crate) fn note(&self, word: u32, bits: u64) {
        let Some(marked) = self.bits.get(word as usize) else {
            return;
        };
        let before = marked.load(Ordering::Relaxed);
        marked.store(before | bits, Ordering::Relaxed);
        if before == 0 {
            let used = &self.used[word as usize / 64];
            let known = used.load(Ordering::Relaxed);
            used.store(known | 1 << (word % 64), Ordering::Relaxed);
        }
    }

    /// What is marked; nothing is afterwards.
    pub(crate) fn take(&mut self) -> ObjSet {
        let mut found = Vec::new();
        for (at, used) in self.used.iter_mut().enumerate() {
            let mut left = std::mem::take(used.get_mut());
            while left != 0 {
                let word = at * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                found.push((word as u32, std::mem::take(self.bits[word].get_mut())));
            }
        }
        ObjSet::from_words(found.into_iter())
    }
}
