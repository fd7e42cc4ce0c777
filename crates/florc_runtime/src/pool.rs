//! Memory for snapshots, kept between checkpoints.
//!
//! A fresh allocation costs fourteen times the copy into a pooled one (page faults), so buffers
//! come back here after they were written. Keeps at most what was in use at once, and no more than it
//! is told to; what is in use is bounded by [`crate::Recorder::admit`].

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Free buffers by capacity.
#[derive(Debug, Default)]
pub struct BufferPool {
    free: Mutex<Free>,
}

#[derive(Debug, Default)]
struct Free {
    by_capacity: BTreeMap<usize, Vec<Vec<u8>>>,
    bytes: usize,
    largest_snapshot: usize,
    /// Bytes that may be kept.
    bound: Option<usize>,
}

/// Smaller buffers are left to the allocator.
const POOLED_FROM: usize = 4096;

impl BufferPool {
    /// A pool that keeps at most so many free bytes.
    pub(crate) fn bounded(bytes: u64) -> Self {
        let pool = Self::default();
        pool.lock().bound = usize::try_from(bytes).ok();
        pool
    }

    /// A buffer of exactly `bytes` bytes with arbitrary content.
    pub fn take(&self, bytes: usize) -> Vec<u8> {
        let mut buffer = if bytes < POOLED_FROM {
            Vec::new()
        } else {
            self.fitting(bytes)
        };
        buffer.resize(bytes, 0);
        buffer
    }

    /// Takes the buffers of a snapshot back. Of buffers that fit nothing any more (state that
    /// grows) at most two snapshots' worth are kept.
    pub fn give_back(&self, buffers: Vec<Vec<u8>>) {
        let mut free = self.lock();
        let total = buffers.iter().map(Vec::capacity).sum();
        free.largest_snapshot = free.largest_snapshot.max(total);
        for buffer in buffers {
            if buffer.capacity() >= POOLED_FROM {
                free.bytes += buffer.capacity();
                free.by_capacity
                    .entry(buffer.capacity())
                    .or_default()
                    .push(buffer);
            }
        }
        let most = (2 * free.largest_snapshot).min(free.bound.unwrap_or(usize::MAX));
        while free.bytes > most && free.pop_smallest() {}
    }

    fn fitting(&self, bytes: usize) -> Vec<u8> {
        self.lock()
            .pop_fitting(bytes)
            .unwrap_or_else(|| Vec::with_capacity(bytes))
    }

    fn lock(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Free {
    /// The smallest buffer that is large enough, but not of more than twice the size.
    fn pop_fitting(&mut self, bytes: usize) -> Option<Vec<u8>> {
        let range = bytes..=bytes.saturating_mul(2);
        let capacity = *self.by_capacity.range(range).next()?.0;
        self.pop(capacity)
    }

    fn pop_smallest(&mut self) -> bool {
        let smallest = self.by_capacity.keys().next().copied();
        smallest.and_then(|capacity| self.pop(capacity)).is_some()
    }

    fn pop(&mut self, capacity: usize) -> Option<Vec<u8>> {
        let same = self.by_capacity.get_mut(&capacity)?;
        let buffer = same.pop();
        if same.is_empty() {
            self.by_capacity.remove(&capacity);
        }
        self.bytes -= buffer.as_ref().map_or(0, Vec::capacity);
        buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again() {
        let pool = BufferPool::default();
        let buffer = pool.take(10_000);
        let place = buffer.as_ptr();
        pool.give_back(vec![buffer]);
        let again = pool.take(9_000);
        assert_eq!((again.as_ptr(), again.len()), (place, 9_000));
        let other = pool.take(9_000);
        assert_ne!(other.as_ptr(), place);
    }
    #[test]
    fn a_bound_is_kept() {
        let pool = BufferPool::bounded(15_000);
        let buffers = vec![pool.take(10_000), pool.take(10_000)];
        pool.give_back(buffers);
        assert_eq!(pool.lock().bytes, 10_000);
    }
}
