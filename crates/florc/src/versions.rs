//! The files of a version in git, as if they were on disk.
//!
//! ```python
//! # train.py and engine/trainer.py as they were in HEAD~1, at their paths of today
//! ```
//!
//! Reads objects and the index; nothing is checked out. Which file imports which is found elsewhere.

use std::path::{Path, PathBuf};

use florc_history::{Revisions, Side};
use florc_semantic::files::Files;

use crate::program::Disk;

/// One version of a repository's files.
pub(crate) struct GitFiles<'a> {
    revisions: &'a Revisions,
    side: &'a Side,
    root: Option<PathBuf>,
    disk: Disk,
}

impl<'a> GitFiles<'a> {
    /// The files of the project below `project` on a side.
    pub(crate) fn new(revisions: &'a Revisions, side: &'a Side, project: &Path) -> Self {
        Self {
            revisions,
            side,
            root: revisions.root(),
            disk: Disk::new(project, Vec::new()),
        }
    }

    /// A path as the repository names it; the file itself need not exist.
    pub(crate) fn inside(&self, path: &Path) -> Option<String> {
        let path = std::path::absolute(path).ok()?;
        // The nearest folder that exists may be reached through a link.
        let known = path.ancestors().skip(1).find(|it| it.is_dir())?;
        let rest = path.strip_prefix(known).ok()?;
        let real = known.canonicalize().ok()?.join(rest);
        let inside = real.strip_prefix(self.root.as_ref()?).ok()?;
        Some(
            inside
                .to_string_lossy()
                .replace(std::path::MAIN_SEPARATOR, "/"),
        )
    }
}

impl Files for GitFiles<'_> {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.revisions
            .content(self.side, &self.inside(Path::new(path))?)
    }

    fn is_file(&self, path: &str) -> bool {
        let inside = self.inside(Path::new(path));
        inside.is_some_and(|path| self.revisions.is_file(self.side, &path))
    }

    fn is_folder(&self, path: &str) -> bool {
        let inside = self.inside(Path::new(path));
        inside.is_some_and(|path| self.revisions.is_folder(self.side, &path))
    }

    fn real(&self, path: &str) -> String {
        match (&self.root, self.inside(Path::new(path))) {
            (Some(root), Some(inside)) => root.join(inside).to_string_lossy().into_owned(),
            _ => path.to_owned(),
        }
    }

    fn is_own(&self, real: &str) -> bool {
        self.disk.is_own(real)
    }
}
