//! How much of the disk the checkpoints of a run may take where nobody said.
//!
//! ```text
//! 400 GB free   one process: 100 GB   four that train together: 25 GB each
//! ```
//!
//! A run that nobody watches must not fill the disk that the training writes to.

use std::path::Path;

/// Of what is free when the run begins.
const SHARE: u64 = 4;

/// Bytes that one of `world_size` processes may take in the file system of `store`, where the system tells.
pub(crate) fn default_limit(store: &Path, world_size: u32) -> Option<u64> {
    Some(default_share(free(store)?) / u64::from(world_size.max(1)))
}

/// Of so many bytes that are free.
pub(crate) fn default_share(free: u64) -> u64 {
    free / SHARE
}

#[cfg(unix)]
fn free(store: &Path) -> Option<u64> {
    let told = rustix::fs::statvfs(store).ok()?;
    Some(told.f_bavail.saturating_mul(told.f_frsize))
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn processes_share_a_quarter() {
        let folder = tempfile::tempdir().unwrap();
        let alone = default_limit(folder.path(), 1).unwrap();
        let four = default_limit(folder.path(), 4).unwrap();
        assert!(0 < four && four < alone);
        assert_eq!(default_limit(Path::new("/nowhere/at all"), 1), None);
    }
}
