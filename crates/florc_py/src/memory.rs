//! Raw copies between Python-owned memory and buffers: the only unsafe code of this crate.
//!
//! ```python
//! w.data_ptr(), w.nbytes     # what `read` copies from, and `write` copies to
//! ```
//!
//! Callers keep the owner of the memory alive and have checked the bounds. Decides nothing.
#![allow(
    unsafe_code,
    reason = "tensor and array memory is only reachable by address"
)]

use pyo3::prelude::*;

/// Copies at least this big are made with the GIL released.
const BIG: usize = 1 << 20;

/// Fills each buffer with the bytes at the address beside it.
pub(crate) fn read(py: Python<'_>, buffers: Vec<(usize, &mut [u8])>) {
    let length: usize = buffers.iter().map(|(_, buffer)| buffer.len()).sum();
    let copy = move || {
        for (address, buffer) in buffers {
            if buffer.is_empty() {
                continue;
            }
            // SAFETY: the walk holds a reference to the tensor or array whose extent this is, and
            // `buffer` is memory of our own, so the ranges do not overlap.
            unsafe {
                std::ptr::copy_nonoverlapping(
                    address as *const u8,
                    buffer.as_mut_ptr(),
                    buffer.len(),
                );
            }
        }
    };
    if length < BIG {
        copy();
    } else {
        py.detach(copy);
    }
}

/// Overwrites memory at `address`.
pub(crate) fn write(py: Python<'_>, address: usize, bytes: &[u8]) {
    if bytes.is_empty() || address == 0 {
        return;
    }
    let copy = move || {
        // SAFETY: the restore holds a reference to the owner and checked that the extent is
        // inside its storage; `bytes` is memory of our own, so the ranges do not overlap.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len());
        }
    };
    if bytes.len() < BIG {
        copy();
    } else {
        py.detach(copy);
    }
}

/// Whether memory at `address` holds exactly `bytes`.
pub(crate) fn equals(address: usize, bytes: &[u8]) -> bool {
    if bytes.is_empty() || address == 0 {
        return bytes.is_empty();
    }
    // SAFETY: as in `read`.
    unsafe { std::slice::from_raw_parts(address as *const u8, bytes.len()) == bytes }
}
