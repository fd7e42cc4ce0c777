//! What can be wrong with a store: what, where, and what to do.
//!
//! Only the world is at fault here (missing, damaged, newer or unwritable files); a mistake of
//! florc itself is never a [`StoreError`].

use std::fmt;
use std::path::{Path, PathBuf};

/// A file of the store that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// What kind of trouble it is.
    pub kind: StoreErrorKind,
    /// What is wrong, in lower case.
    pub what: String,
    /// The file or directory.
    pub path: PathBuf,
    /// What to do, in the imperative.
    pub help: String,
}

/// Kinds of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// It is not there.
    Missing,
    /// More than one run is meant.
    Ambiguous,
    /// It was written by a newer florc.
    Newer,
    /// Its content does not match its checksums.
    Damaged,
    /// The operating system refused.
    Io,
}

impl StoreError {
    pub(crate) fn new(
        kind: StoreErrorKind,
        path: &Path,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            what: what.into(),
            path: path.to_owned(),
            help: help.into(),
        }
    }

    pub(crate) fn io(path: &Path, doing: &str, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => StoreErrorKind::Missing,
            _ => StoreErrorKind::Io,
        };
        let help = "check that it exists, its permissions and the free space";
        Self::new(kind, path, format!("cannot {doing}: {error}"), help)
    }

    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        let help = "restore the file from a copy, or record the run again";
        Self::new(StoreErrorKind::Damaged, path, what, help)
    }

    pub(crate) fn newer(path: &Path, format: u32) -> Self {
        let what = format!(
            "written by a newer florc (format {format}, this one reads up to {})",
            florc_manifest::FORMAT_VERSION
        );
        Self::new(StoreErrorKind::Newer, path, what, "update florc")
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.path.display(), self.what, self.help)
    }
}

impl std::error::Error for StoreError {}
