//! What a run takes on disk.
//!
//! Runs share nothing: what a run takes is free once it is removed. Within a run a chunk that
//! several checkpoints have is stored once; how much that saves is told. Reads footers, no chunks.

use std::fs;
use std::path::Path;

use crate::error::StoreError;
use crate::pack::open_pack;
use crate::run::RunHandle;

/// Bytes of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Manifest, journal and sources.
    pub records: u64,
    /// Files of checkpoints.
    pub checkpoints: u64,
    /// How many.
    pub count: u64,
    /// State in all checkpoints, uncompressed.
    pub state: u64,
    /// What chunks would take besides that several checkpoints of the run share.
    pub shared: u64,
}

impl RunHandle {
    /// What it takes.
    pub fn usage(&self) -> Result<Usage, StoreError> {
        let mut usage = Usage {
            records: bytes_below(self.directory()),
            checkpoints: bytes_below(self.packs()),
            ..Usage::default()
        };
        for of_rank in self.all_ranks() {
            for record in of_rank.checkpoints()? {
                usage.count += 1;
                usage.state = usage.state.saturating_add(record.raw_bytes);
                // a damaged one is `florc fsck`'s to name
                if let Ok(pack) = open_pack(&self.packs().join(&record.pack)) {
                    usage.shared += pack.shared_bytes();
                }
            }
        }
        Ok(usage)
    }
}

/// Bytes of a file, or of all files below a directory. Follows no link.
pub fn bytes_below(path: &Path) -> u64 {
    let Ok(data) = fs::symlink_metadata(path) else {
        return 0;
    };
    if !data.is_dir() {
        return data.len();
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| bytes_below(&entry.path())).sum()
}
