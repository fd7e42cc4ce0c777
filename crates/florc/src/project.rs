//! Where a script's project and store are.
//!
//! ```python
//! # project/.florc/  project/train.py  project/models/net.py
//! ```
//!
//! Finds folders; it creates nothing.

use std::path::{Path, PathBuf};

/// The store's folder name.
pub(crate) const STORE: &str = ".florc";

/// A project's folders, absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Project {
    /// Where sources are relative to.
    pub(crate) root: PathBuf,
    /// The store.
    pub(crate) store: PathBuf,
}

/// The project of a file, or of a folder.
pub(crate) fn of(path: &Path) -> Project {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = if absolute.is_dir() {
        absolute
    } else {
        absolute.parent().map(Path::to_path_buf).unwrap_or(absolute)
    };
    let with_store = folder.ancestors().find(|each| each.join(STORE).is_dir());
    let root = with_store
        .map(Path::to_path_buf)
        .or_else(|| florc_history::git_root(&folder))
        .unwrap_or(folder);
    let named = std::env::var_os("FLORC_DIR").filter(|value| !value.is_empty());
    let store = match named {
        Some(store) => std::path::absolute(&store).unwrap_or_else(|_| PathBuf::from(store)),
        None => root.join(STORE),
    };
    Project { root, store }
}
