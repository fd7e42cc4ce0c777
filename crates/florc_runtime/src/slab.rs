//! Memory of one snapshot: all of its storages in one piece.
//!
//! ```python
//! model, optimizer      # 300 tensors: one slab, one range each
//! ```
//!
//! A large slab is mapped for huge pages, so that filling it for the first time costs few page faults, and
//! one that was filled before costs none. Does not decide how many slabs there are: the pool does.

use std::any::Any;
use std::ops::Range;

use memmap2::MmapMut;

/// Smaller slabs come from the allocator.
const MAPPED_FROM: usize = 1 << 20;
const HUGE_PAGE: usize = 2 << 20;
/// Where a storage may begin.
const ALIGNMENT: usize = 64;

/// Memory with arbitrary content.
#[derive(Debug)]
pub(crate) struct Slab {
    /// Whatever keeps the memory in its place; goes before it.
    hold: Option<Box<dyn Any + Send>>,
    memory: Memory,
    /// First byte that is used: a huge page's.
    start: usize,
    capacity: usize,
}

#[derive(Debug)]
enum Memory {
    Heap(Vec<u8>),
    Mapped(MmapMut),
}

impl Slab {
    /// A slab for at least `bytes` bytes. Where the system maps no memory, the allocator gives it;
    /// `None`: it has none either.
    pub(crate) fn new(bytes: usize) -> Option<Self> {
        let mapped = (bytes >= MAPPED_FROM).then(|| Self::map(bytes)).flatten();
        mapped.or_else(|| {
            let mut heap = Vec::new();
            heap.try_reserve_exact(bytes).ok()?;
            heap.resize(bytes, 0);
            Some(Self::of(heap))
        })
    }

    fn of(heap: Vec<u8>) -> Self {
        Self {
            hold: None,
            start: 0,
            capacity: heap.len(),
            memory: Memory::Heap(heap),
        }
    }

    fn map(bytes: usize) -> Option<Self> {
        let capacity = bytes.checked_next_multiple_of(HUGE_PAGE)?;
        let mapped = MmapMut::map_anon(capacity.checked_add(HUGE_PAGE)?).ok()?;
        let address = mapped.as_ptr() as usize;
        let start = address.next_multiple_of(HUGE_PAGE) - address;
        // a refusal costs time only
        #[cfg(target_os = "linux")]
        let _ = mapped.advise_range(memmap2::Advice::HugePage, start, capacity);
        Some(Self {
            hold: None,
            memory: Memory::Mapped(mapped),
            start,
            capacity,
        })
    }

    /// Has the system give all of it now, which takes longer than a copy.
    pub(crate) fn touch(&mut self) {
        const PAGE: usize = 4096;
        for page in self.bytes_mut().iter_mut().step_by(PAGE) {
            // read and written: what nobody reads would not be written
            *page = std::hint::black_box(*page);
        }
    }

    /// Bytes that fit.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    fn bytes(&self) -> &[u8] {
        let all = match &self.memory {
            Memory::Heap(bytes) => bytes.as_slice(),
            Memory::Mapped(mapped) => mapped,
        };
        &all[self.start..self.start + self.capacity]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let all = match &mut self.memory {
            Memory::Heap(bytes) => bytes.as_mut_slice(),
            Memory::Mapped(mapped) => mapped,
        };
        &mut all[self.start..self.start + self.capacity]
    }
}

/// The bytes of the storages of a snapshot, from [`crate::BufferPool::take`].
#[derive(Debug)]
pub struct Buffers {
    slab: Slab,
    ranges: Vec<Range<usize>>,
    /// Nothing was in it before.
    is_fresh: bool,
}

impl Buffers {
    /// Bytes of a slab that holds storages of these sizes; `None` where no memory is so large.
    pub(crate) fn extent(sizes: &[usize]) -> Option<usize> {
        sizes.iter().try_fold(0, |at: usize, size| {
            at.checked_next_multiple_of(ALIGNMENT)?.checked_add(*size)
        })
    }

    /// Storages of these sizes in a slab that is large enough; arbitrary content.
    pub(crate) fn over(slab: Slab, sizes: &[usize]) -> Self {
        let mut at: usize = 0;
        let ranges = sizes.iter().map(|size| {
            let start = at.next_multiple_of(ALIGNMENT);
            at = start + size;
            start..at
        });
        let ranges = ranges.collect();
        Self {
            slab,
            ranges,
            is_fresh: false,
        }
    }

    /// In memory that nothing was in before: filling it takes longer.
    pub(crate) fn fresh(self) -> Self {
        Self {
            is_fresh: true,
            ..self
        }
    }

    /// Whether nothing was in its memory before.
    pub(crate) fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// Number of storages.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Bytes of all storages.
    pub fn total(&self) -> u64 {
        self.ranges.iter().map(|range| range.len() as u64).sum()
    }

    /// The bytes of a storage; `None` where there is none with this number.
    pub fn get(&self, storage: usize) -> Option<&[u8]> {
        let range = self.ranges.get(storage)?;
        Some(&self.slab.bytes()[range.clone()])
    }

    /// Keeps the memory in its place for as long as it exists, also when later snapshots use it. Memory that is
    /// not used again, or is kept already, is left as it is.
    pub fn hold(&mut self, by: impl FnOnce(&mut [u8]) -> Option<Box<dyn Any + Send>>) {
        let slab = &mut self.slab;
        if slab.hold.is_none() && slab.capacity >= MAPPED_FROM {
            slab.hold = by(slab.bytes_mut());
        }
    }

    /// All storages, to be filled.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let mut rest = self.slab.bytes_mut();
        let mut at = 0;
        self.ranges.iter().map(move |range| {
            let (_, after) = std::mem::take(&mut rest).split_at_mut(range.start - at);
            let (storage, after) = after.split_at_mut(range.len());
            at = range.end;
            rest = after;
            storage
        })
    }

    pub(crate) fn into_slab(self) -> Slab {
        self.slab
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self::over(Slab::of(Vec::new()), &[])
    }
}

impl From<Vec<Vec<u8>>> for Buffers {
    fn from(storages: Vec<Vec<u8>>) -> Self {
        let sizes: Vec<usize> = storages.iter().map(Vec::len).collect();
        let slab = Slab::of(vec![0; Self::extent(&sizes).unwrap_or(0)]);
        let mut buffers = Self::over(slab, &sizes);
        for (to, from) in buffers.iter_mut().zip(&storages) {
            to.copy_from_slice(from);
        }
        buffers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storages_do_not_overlap() {
        for big in [0, 3 * HUGE_PAGE + 1] {
            let storages: Vec<Vec<u8>> = [1, 0, 63, 64, 65, big, 7]
                .iter()
                .enumerate()
                .map(|(at, size)| vec![at as u8 + 1; *size])
                .collect();
            let buffers = Buffers::from(storages.clone());
            for (at, storage) in storages.iter().enumerate() {
                assert_eq!(buffers.get(at), Some(storage.as_slice()));
            }
            assert_eq!(
                buffers.total(),
                storages.iter().map(|it| it.len() as u64).sum::<u64>()
            );
        }
    }

    #[test]
    fn a_large_slab_begins_at_a_huge_page() {
        let slab = Slab::new(HUGE_PAGE + 1).unwrap();
        assert_eq!(slab.bytes().as_ptr() as usize % HUGE_PAGE, 0);
        assert_eq!(slab.capacity(), 2 * HUGE_PAGE);
    }
}
