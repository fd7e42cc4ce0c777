//! Python files that differ between two versions of a repository.
//!
//! ```python
//! # HEAD~1 against the working tree; HEAD against the index; one revision against another
//! ```
//!
//! Reads objects, index and working tree; writes nothing, and checks nothing out. What the
//! difference means is not known here.

use std::cell::OnceCell;
use std::fmt;
use std::path::{Path, PathBuf};

use git2::{Delta, Diff, DiffDelta, DiffFindOptions, DiffOptions, ObjectType, Repository, Tree};

/// A version of all files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// A commit, tag, branch, or anything else that `git rev-parse` knows.
    Revision(String),
    /// What is staged.
    Index,
    /// The files on disk, untracked ones too, ignored ones not.
    WorkTree,
}

/// A Python file that differs; `None` on the side that does not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedFile {
    /// Path in the older version, relative to the repository, with `/`.
    pub old_path: Option<String>,
    /// Path in the newer version.
    pub new_path: Option<String>,
    /// Content in the older version.
    pub old: Option<Vec<u8>>,
    /// Content in the newer version.
    pub new: Option<Vec<u8>>,
}

/// Why versions cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevisionError {
    /// There is no repository around this folder.
    NoRepository,
    /// It has no working tree (a bare one).
    Bare,
    /// There is no such revision.
    Unknown(String),
    /// Git's own words.
    Git(String),
}

impl fmt::Display for RevisionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRepository => f.write_str("this is not in a git repository"),
            Self::Bare => f.write_str("the repository has no working tree"),
            Self::Unknown(name) => write!(f, "there is no revision `{name}`"),
            Self::Git(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for RevisionError {}

impl From<git2::Error> for RevisionError {
    fn from(error: git2::Error) -> Self {
        Self::Git(error.message().to_owned())
    }
}

/// A repository, opened for reading.
pub struct Revisions {
    pub(super) repository: Repository,
    pub(super) submodules: OnceCell<Vec<(String, Revisions)>>,
}

impl Revisions {
    /// The repository around a folder.
    pub fn discover(folder: &Path) -> Result<Self, RevisionError> {
        let repository = Repository::discover(folder).map_err(|_| RevisionError::NoRepository)?;
        Ok(Self::of(repository))
    }

    pub(super) fn of(repository: Repository) -> Self {
        Self {
            repository,
            submodules: OnceCell::new(),
        }
    }

    /// Root of the working tree.
    pub fn root(&self) -> Option<PathBuf> {
        let root = self.repository.workdir()?;
        Some(root.canonicalize().unwrap_or_else(|_| root.to_path_buf()))
    }

    /// Whether there is a commit.
    pub fn has_commits(&self) -> bool {
        self.repository.head().is_ok()
    }

    /// Whether there is such a revision.
    pub fn check(&self, name: &str) -> Result<(), RevisionError> {
        self.tree(name).map(drop)
    }

    /// The commit from which two revisions went apart.
    pub fn merge_base(&self, one: &str, other: &str) -> Result<String, RevisionError> {
        let commit = |name: &str| {
            let object = self.repository.revparse_single(name);
            let commit = object.and_then(|it| it.peel_to_commit());
            commit.map_err(|_| RevisionError::Unknown(name.to_owned()))
        };
        let base = self
            .repository
            .merge_base(commit(one)?.id(), commit(other)?.id())?;
        Ok(base.to_string())
    }

    /// Python files that differ, by path, those of submodules among them. Renamed files are one.
    pub fn changed(&self, old: &Side, new: &Side) -> Result<Vec<ChangedFile>, RevisionError> {
        if self.repository.is_bare() && (*new != Side::Index || *old != Side::Index) {
            let both = matches!((old, new), (Side::Revision(_), Side::Revision(_)));
            if !both {
                return Err(RevisionError::Bare);
            }
        }
        let mut diff = self.diff(old, new)?;
        let mut renames = DiffFindOptions::new();
        renames.renames(true).for_untracked(true);
        diff.find_similar(Some(&mut renames))?;
        let mut found = Vec::new();
        for delta in diff.deltas() {
            found.extend(self.file(&delta, new));
        }
        found.extend(self.changed_below(old, new)?);
        found.sort_by(|a: &ChangedFile, b| a.path().cmp(b.path()));
        Ok(found)
    }

    /// A file's content on a side.
    pub fn content(&self, side: &Side, path: &str) -> Option<Vec<u8>> {
        if let Some((inner, side, path)) = self.in_submodule(side, path) {
            return inner.content(&side, path);
        }
        match side {
            Side::Revision(name) => {
                let tree = self.tree(name).ok()??;
                let entry = tree.get_path(Path::new(path)).ok()?;
                self.blob(entry.id())
            }
            Side::Index => {
                let index = self.repository.index().ok()?;
                let entry = index.get_path(Path::new(path), 0)?;
                self.blob(entry.id)
            }
            Side::WorkTree => std::fs::read(self.repository.workdir()?.join(path)).ok(),
        }
    }

    /// Whether a side has this file.
    pub fn is_file(&self, side: &Side, path: &str) -> bool {
        if let Some((inner, side, path)) = self.in_submodule(side, path) {
            return inner.is_file(&side, path);
        }
        match side {
            Side::Revision(name) => self.kind(name, path) == Some(ObjectType::Blob),
            Side::Index => self.staged(|staged| staged == path),
            Side::WorkTree => self.on_disk(path).is_some_and(|it| it.is_file()),
        }
    }

    /// Whether a side has this folder; the repository's root is one.
    pub fn is_folder(&self, side: &Side, path: &str) -> bool {
        if let Some((inner, side, path)) = self.in_submodule(side, path) {
            return inner.is_folder(&side, path);
        }
        match side {
            Side::Revision(name) => {
                path.is_empty() || self.kind(name, path) == Some(ObjectType::Tree)
            }
            Side::Index => {
                let folder = format!("{path}/");
                path.is_empty() || self.staged(|staged| staged.starts_with(&folder))
            }
            Side::WorkTree => self.on_disk(path).is_some_and(|it| it.is_dir()),
        }
    }

    fn kind(&self, revision: &str, path: &str) -> Option<ObjectType> {
        let tree = self.tree(revision).ok()??;
        tree.get_path(Path::new(path)).ok()?.kind()
    }

    fn staged(&self, is_wanted: impl Fn(&str) -> bool) -> bool {
        let index = self.repository.index();
        index.is_ok_and(|index| {
            let mut paths = index.iter().map(|entry| entry.path);
            paths.any(|path| is_wanted(&String::from_utf8_lossy(&path)))
        })
    }

    fn on_disk(&self, path: &str) -> Option<PathBuf> {
        Some(self.repository.workdir()?.join(path))
    }

    fn diff(&self, old: &Side, new: &Side) -> Result<Diff<'_>, RevisionError> {
        let mut options = DiffOptions::new();
        options
            .pathspec("*.py")
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .ignore_submodules(true)
            .ignore_filemode(true);
        let tree = match old {
            Side::Revision(name) => self.tree(name)?,
            Side::Index | Side::WorkTree => self.tree("HEAD")?,
        };
        let tree = tree.as_ref();
        Ok(match new {
            Side::Revision(name) => {
                let other = self.tree(name)?;
                self.repository
                    .diff_tree_to_tree(tree, other.as_ref(), Some(&mut options))?
            }
            Side::Index => self
                .repository
                .diff_tree_to_index(tree, None, Some(&mut options))?,
            Side::WorkTree if *old == Side::Index => self
                .repository
                .diff_index_to_workdir(None, Some(&mut options))?,
            Side::WorkTree => self
                .repository
                .diff_tree_to_workdir_with_index(tree, Some(&mut options))?,
        })
    }

    /// The tree of a revision; `None` is the empty one, of `HEAD` before the first commit.
    pub(super) fn tree(&self, name: &str) -> Result<Option<Tree<'_>>, RevisionError> {
        if name == "HEAD" && !self.has_commits() {
            return Ok(None);
        }
        let object = self.repository.revparse_single(name);
        let object = object.map_err(|_| RevisionError::Unknown(name.to_owned()))?;
        let tree = object.peel_to_tree();
        tree.map(Some)
            .map_err(|_| RevisionError::Unknown(name.to_owned()))
    }

    fn file(&self, delta: &DiffDelta<'_>, new: &Side) -> Option<ChangedFile> {
        let text = |path: Option<&Path>| {
            path.map(|path| {
                path.to_string_lossy()
                    .replace(std::path::MAIN_SEPARATOR, "/")
            })
        };
        let is_link = |mode: git2::FileMode| mode == git2::FileMode::Link;
        if is_link(delta.old_file().mode()) || is_link(delta.new_file().mode()) {
            return None;
        }
        let has_old = !matches!(delta.status(), Delta::Added | Delta::Untracked);
        let has_new = delta.status() != Delta::Deleted;
        let old_path = text(delta.old_file().path()).filter(|_| has_old);
        let new_path = text(delta.new_file().path()).filter(|_| has_new);
        let old = match &old_path {
            Some(_) => self.blob(delta.old_file().id()),
            None => None,
        };
        let new_content = match (&new_path, new) {
            (Some(path), Side::WorkTree) => self.content(&Side::WorkTree, path),
            (Some(_), Side::Revision(_) | Side::Index) => self.blob(delta.new_file().id()),
            (None, _) => None,
        };
        if old == new_content && old_path == new_path {
            return None; // a file that was only touched
        }
        Some(ChangedFile {
            old_path,
            new_path,
            old,
            new: new_content,
        })
    }

    fn blob(&self, id: git2::Oid) -> Option<Vec<u8>> {
        let blob = self.repository.find_blob(id).ok()?;
        Some(blob.content().to_vec())
    }
}

impl ChangedFile {
    /// The path of the newer version, else that of the older one.
    pub fn path(&self) -> &str {
        let path = self.new_path.as_deref().or(self.old_path.as_deref());
        path.unwrap_or_default()
    }
}
