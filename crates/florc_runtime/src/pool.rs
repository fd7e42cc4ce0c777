//! Memory for snapshots, kept between checkpoints.
//!
//! The pages of fresh memory cost more than the copy into it, so slabs come back here after they were written:
//! one, or two where a program takes two snapshots at once. Those of small states are made ready before they are asked
//! for. Keeps no more than it is told to; what is in use is bounded by [`crate::Recorder::admit`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::slab::{Buffers, Slab};

/// Free slabs.
#[derive(Clone, Debug, Default)]
pub struct BufferPool {
    shared: Arc<Mutex<Free>>,
}

#[derive(Debug, Default)]
struct Free {
    slabs: Vec<Slab>,
    /// Slabs that are away, and their bytes.
    away: usize,
    taken: usize,
    /// Most that were away at once.
    most: usize,
    /// Bytes that free slabs and those away may have together.
    bound: Option<usize>,
}

/// Smaller snapshots are left to the allocator.
const POOLED_FROM: usize = 1 << 20;
/// Slabs that are kept, where as many snapshots were in flight at once: the end of a block and the head after it.
const KEPT: usize = 2;

/// Larger slabs are made when they are asked for: memory that may be in vain.
const PREPARED: usize = 128 << 20;

impl BufferPool {
    /// A pool whose slabs have at most so many bytes together, those in use among them. What is
    /// asked for beyond that is given and not kept.
    pub(crate) fn bounded(bytes: u64) -> Self {
        let pool = Self::default();
        pool.lock().bound = usize::try_from(bytes).ok();
        pool
    }

    /// Memory for storages of these sizes, with arbitrary content; `None`: the system has none.
    pub fn take(&self, sizes: &[usize]) -> Option<Buffers> {
        let bytes = Buffers::extent(sizes)?;
        if bytes < POOLED_FROM {
            return Some(Buffers::over(Slab::new(bytes)?, sizes));
        }
        let mut free = self.lock();
        let fitting = free.take_fitting(bytes);
        if fitting.is_none() {
            // of a state that has grown: they would never fit again
            free.slabs.retain(|slab| slab.capacity() >= bytes);
        }
        drop(free);
        let is_fresh = fitting.is_none();
        let slab = fitting.or_else(|| Slab::new(bytes))?;
        let mut free = self.lock();
        free.taken += slab.capacity();
        free.away += 1;
        free.most = free.most.max(free.away);
        drop(free);
        let buffers = Buffers::over(slab, sizes);
        Some(if is_fresh { buffers.fresh() } else { buffers })
    }

    /// Makes a slab of so many bytes ready for the snapshot after the next that is away, where it is small and there is none.
    pub(crate) fn prepare(&self, bytes: u64) {
        let Ok(bytes) = usize::try_from(bytes) else {
            return;
        };
        if !(POOLED_FROM..=PREPARED).contains(&bytes) || !self.lock().wants(bytes) {
            return;
        }
        let Some(mut slab) = Slab::new(bytes) else {
            return;
        };
        slab.touch();
        let mut free = self.lock();
        if free.wants(bytes) {
            free.most = free.most.max(free.away + 1);
            free.slabs = vec![slab]; // smaller ones would never fit again
        }
    }

    /// Takes the memory of a snapshot back.
    pub fn give_back(&self, buffers: Buffers) {
        let slab = buffers.into_slab();
        let capacity = slab.capacity();
        if capacity < POOLED_FROM {
            return;
        }
        let mut free = self.lock();
        free.taken = free.taken.saturating_sub(capacity);
        free.away = free.away.saturating_sub(1);
        free.keep(slab);
    }

    fn lock(&self) -> MutexGuard<'_, Free> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Free {
    /// The smallest slab that is large enough. A much smaller snapshot does not take it away from the next large one.
    fn take_fitting(&mut self, bytes: usize) -> Option<Slab> {
        let fitting = (0..self.slabs.len())
            .filter(|at| (bytes..=bytes.saturating_mul(8)).contains(&self.slabs[*at].capacity()));
        let smallest = fitting.min_by_key(|at| self.slabs[*at].capacity())?;
        Some(self.slabs.swap_remove(smallest))
    }

    fn keep(&mut self, slab: Slab) {
        let is_wanted = self.slabs.len() + self.away < self.most.clamp(1, KEPT);
        if is_wanted && self.has_room(slab.capacity()) {
            self.slabs.push(slab);
        }
    }

    /// Whether a further slab of so many bytes may be of use.
    fn wants(&self, bytes: usize) -> bool {
        let mut slabs = self.slabs.iter();
        let has_one = slabs.any(|slab| slab.capacity() >= bytes);
        !has_one && self.away < KEPT && self.has_room(bytes)
    }

    fn has_room(&self, bytes: usize) -> bool {
        let kept: usize = self.slabs.iter().map(Slab::capacity).sum();
        let all = kept.saturating_add(self.taken).saturating_add(bytes);
        self.bound.is_none_or(|bound| all <= bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: usize = 1 << 20;

    fn place(buffers: &Buffers) -> *const u8 {
        buffers.get(0).map_or(std::ptr::null(), <[u8]>::as_ptr)
    }

    #[test]
    fn memory_is_used_again() {
        let pool = BufferPool::default();
        let first = pool.take(&[6 * MB, 100]).unwrap();
        let at = place(&first);
        pool.give_back(first);
        let again = pool.take(&[5 * MB]).unwrap();
        assert_eq!((place(&again), again.total()), (at, 5 * MB as u64));
        assert_ne!(place(&pool.take(&[5 * MB]).unwrap()), at);
    }

    #[test]
    fn memory_that_no_machine_has_is_refused() {
        let pool = BufferPool::default();
        assert!(pool.take(&[usize::MAX / 2, usize::MAX / 2, 9]).is_none());
        assert!(pool.take(&[usize::MAX / 4]).is_none());
        assert!(pool.lock().slabs.is_empty() && pool.lock().away == 0);
    }

    #[test]
    fn what_was_prepared_is_there_and_stays() {
        let pool = BufferPool::default();
        let first = pool.take(&[6 * MB]).unwrap();
        pool.prepare(6 * MB as u64);
        let second = pool.take(&[6 * MB]).unwrap();
        assert!(first.is_fresh() && !second.is_fresh());
        pool.prepare(6 * MB as u64);
        assert!(pool.lock().slabs.is_empty(), "two are enough");
        pool.give_back(first);
        pool.give_back(second);
        assert_eq!(pool.lock().slabs.len(), 2);
    }

    #[test]
    fn what_is_prepared_takes_the_place_of_what_is_too_small() {
        let pool = BufferPool::default();
        let head = pool.take(&[2 * MB]).unwrap();
        pool.prepare(8 * MB as u64);
        pool.give_back(head);
        let end = pool.take(&[8 * MB]).unwrap();
        pool.prepare(8 * MB as u64);
        let next = pool.take(&[8 * MB]).unwrap();
        assert!(!end.is_fresh() && !next.is_fresh());
    }

    #[test]
    fn large_memory_is_not_prepared() {
        let pool = BufferPool::default();
        pool.prepare(PREPARED as u64 + 1);
        assert!(pool.lock().slabs.is_empty());
    }

    #[test]
    fn a_bound_is_kept() {
        let pool = BufferPool::bounded(15 * MB as u64);
        let buffers = [
            pool.take(&[10 * MB]).unwrap(),
            pool.take(&[10 * MB]).unwrap(),
        ];
        for buffers in buffers {
            pool.give_back(buffers);
        }
        assert_eq!(pool.lock().slabs.len(), 1);
    }

    #[test]
    fn a_small_snapshot_uses_the_memory_of_a_large_one() {
        let pool = BufferPool::default();
        let large = pool.take(&[40 * MB]).unwrap();
        let at = place(&large);
        pool.give_back(large);
        for _ in 0..2 {
            let small = pool.take(&[6 * MB]).unwrap();
            assert_eq!(place(&small), at);
            pool.give_back(small);
        }
        assert_ne!(place(&pool.take(&[4 * MB]).unwrap()), at);
    }

    #[test]
    fn slabs_that_a_state_outgrew_go() {
        let pool = BufferPool::default();
        let small = pool.take(&[4 * MB]).unwrap();
        pool.give_back(small);
        let large = pool.take(&[20 * MB]).unwrap();
        assert!(pool.lock().slabs.is_empty());
        pool.give_back(large);
        assert_eq!(pool.lock().slabs.len(), 1);
    }
}
