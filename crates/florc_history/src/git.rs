//! Where the sources stand in git: the only place that names `git2`.
//!
//! Reads the repository's head and status; never writes to it, and has no opinion where there is
//! no repository. Versions of files are in [`revisions`].

mod hooks;
mod revisions;
mod submodules;

use std::path::Path;

use florc_manifest::GitState;
use git2::{Repository, StatusOptions};

pub use self::hooks::hooks_folder;
pub use self::revisions::{ChangedFile, RevisionError, Revisions, Side};

/// The state of the repository that holds `path`; `None` outside of any, or when it cannot be read.
pub fn git_state(path: &Path) -> Option<GitState> {
    let repository = Repository::discover(path).ok()?;
    let head = repository.head().ok();
    Some(GitState {
        head: head
            .as_ref()
            .and_then(git2::Reference::target)
            .map(|id| id.to_string()),
        branch: branch(&repository, head.as_ref()),
        dirty: dirty(&repository),
    })
}

/// The root of the work tree that holds `path`.
pub fn git_root(path: &Path) -> Option<std::path::PathBuf> {
    Repository::discover(path)
        .ok()?
        .workdir()
        .map(Path::to_path_buf)
}

/// The name that git has for a file of these bytes (its blob id); `None` when libgit2 fails.
pub fn blob_id(bytes: &[u8]) -> Option<String> {
    git2::Oid::hash_object(git2::ObjectType::Blob, bytes)
        .ok()
        .map(|id| id.to_string())
}

fn branch(repository: &Repository, head: Option<&git2::Reference<'_>>) -> Option<String> {
    if repository.head_detached().unwrap_or(false) {
        return None;
    }
    head.and_then(|head| head.shorthand().ok().map(str::to_owned))
}

/// A status that cannot be read counts as dirty.
fn dirty(repository: &Repository) -> bool {
    let mut options = StatusOptions::new();
    options.include_untracked(true).include_ignored(false);
    repository
        .statuses(Some(&mut options))
        .map_or(true, |entries| !entries.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_dirty_and_outside_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(git_state(folder.path()), None);
        Repository::init(folder.path()).unwrap();
        let clean = git_state(folder.path()).unwrap();
        assert_eq!((clean.head, clean.dirty), (None, false));
        std::fs::write(folder.path().join("train.py"), "pass\n").unwrap();
        assert!(git_state(folder.path()).unwrap().dirty);
    }
}
