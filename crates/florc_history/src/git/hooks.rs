//! Where git looks for the hooks of a repository.
//!
//! ```python
//! # core.hooksPath where it is set (relative to the working tree), else hooks/ of the repository
//! ```
//!
//! Finds the folder; it writes nothing.

use std::path::{Path, PathBuf};

use git2::Repository;

/// The folder of hooks of the repository around `folder`; worktrees share that of their repository.
pub fn hooks_folder(folder: &Path) -> Option<PathBuf> {
    let repository = Repository::discover(folder).ok()?;
    let config = repository.config().ok()?;
    match config.get_path("core.hooksPath") {
        Ok(path) if path.is_absolute() => Some(path),
        Ok(path) => Some(repository.workdir()?.join(path)),
        Err(_) => Some(repository.commondir().join("hooks")),
    }
}
