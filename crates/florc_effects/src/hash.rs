//! Hashes of small keys: ids and names.
//!
//! ```python
//! opt.step()      # (this call, the optimizer): two numbers, looked up many times
//! ```
//!
//! Multiply and rotate, as rustc does for its own ids. Not for keys that an attacker may choose to
//! collide: a program that does only slows its own analysis. Tables with it are never iterated where the order shows.

use std::hash::{BuildHasherDefault, Hasher};

/// Builds the hasher.
pub(crate) type Quick = BuildHasherDefault<QuickHasher>;

/// A table of small keys.
pub(crate) type Table<K, V> = std::collections::HashMap<K, V, Quick>;

/// A set of names.
pub(crate) type Names = std::collections::HashSet<crate::name::Name, Quick>;

const FACTOR: u64 = 0xf135_7aea_2e62_a9c5;

/// The state of a hash.
#[derive(Default)]
pub(crate) struct QuickHasher(u64);

impl QuickHasher {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    }
}

impl Hasher for QuickHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.add(u64::from_le_bytes(chunk.try_into().unwrap_or_default()));
        }
        let mut last = [0; 8];
        let rest = chunks.remainder();
        last[..rest.len()].copy_from_slice(rest);
        self.add(u64::from_le_bytes(last) ^ (rest.len() as u64) << 56);
    }

    fn write_u8(&mut self, word: u8) {
        self.add(u64::from(word));
    }

    fn write_u32(&mut self, word: u32) {
        self.add(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.add(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.add(word as u64);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}
