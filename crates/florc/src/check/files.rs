//! Which files a path on the command line means.
//!
//! ```python
//! # florc check src     ->  src/train.py, src/models/net.py; not src/.venv/…, not src/build/…
//! ```
//!
//! A file that is named is always taken. Links to folders are not followed.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Folders that hold no sources of the user's own. Folders whose name begins with a dot, and
/// virtual environments of any name, are left out as well.
const SKIPPED: &[&str] = &[
    "__pycache__",
    "__pypackages__",
    "build",
    "dist",
    "env",
    "mlruns",
    "node_modules",
    "site-packages",
    "venv",
    "wandb",
];

/// The file, or the Python files below the folder, by path.
pub(crate) fn under(
    path: &Path,
    mut excluded: impl FnMut(&Path) -> bool,
) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |path: &Path, error: &std::io::Error| Failure::io("read", path, error);
    if !path.is_dir() {
        crate::analysis::check_exists(path)?;
        return Ok(vec![path.to_path_buf()]);
    }
    let mut found = Vec::new();
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&folder, &error))?;
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry
                .file_type()
                .map_err(|error| unreadable(&path, &error))?;
            if kind.is_dir() {
                if !is_skipped(&path, &name) && !excluded(&path) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "py")
                && path.is_file()
                && !excluded(&path)
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn is_skipped(path: &Path, name: &str) -> bool {
    name.starts_with('.')
        || SKIPPED.contains(&name)
        || name.ends_with(".egg-info")
        || path.join("pyvenv.cfg").is_file()
}

/// A path as it is shown: with `/`, without a leading `./`.
pub(crate) fn plain(path: &Path) -> String {
    let text = path
        .to_string_lossy()
        .replace(std::path::MAIN_SEPARATOR, "/");
    match text.strip_prefix("./") {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => text,
    }
}

/// An absolute path, relative to the current folder where it is below it.
pub(crate) fn from_here(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    plain(path.strip_prefix(here).unwrap_or(path))
}
