//! The Python files of a folder, each with the project that it belongs to.
//!
//! ```python
//! # DIR/owner+name/pkg/train.py: project `owner+name`, path `pkg/train.py`
//! ```
//!
//! Links are not followed, hidden folders are left out. Reads nothing but names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A file of the corpus.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// The folder directly below the corpus; empty for a file beside these.
    pub(crate) project: String,
    /// As shown: relative to the corpus.
    pub(crate) shown: String,
}

/// All `*.py` below `root`, in the order of their names.
pub(crate) fn find(root: &Path) -> Result<Vec<Found>, String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        for entry in entries.flatten() {
            let path = entry.path();
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !hidden => folders.push(path),
                Ok(kind) if kind.is_file() && path.extension().is_some_and(|e| e == "py") => {
                    found.push(path);
                }
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found.into_iter().map(|path| place(root, path)).collect())
}

fn place(root: &Path, path: PathBuf) -> Found {
    let relative = path.strip_prefix(root).unwrap_or(&path);
    let mut parts = relative.components();
    let first = parts
        .next()
        .map(|it| it.as_os_str().to_string_lossy().into_owned());
    let project = if parts.next().is_some() { first } else { None };
    Found {
        shown: relative.to_string_lossy().into_owned(),
        project: project.unwrap_or_default(),
        path,
    }
}

/// What modules of a project may be called: names of its files and folders.
pub(crate) fn module_names(files: &[Found], project: &str) -> BTreeSet<String> {
    let own = files.iter().filter(|file| file.project == project);
    own.flat_map(|file| {
        let relative = Path::new(&file.shown);
        let parts = relative.components().skip(usize::from(!project.is_empty()));
        let names = parts.map(|part| part.as_os_str().to_string_lossy().into_owned());
        names
            .map(|name| name.trim_end_matches(".py").to_owned())
            .collect::<Vec<_>>()
    })
    .collect()
}
