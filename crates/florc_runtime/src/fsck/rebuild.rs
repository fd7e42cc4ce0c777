//! Makes of a damaged store one that can be used as far as it is whole.
//!
//! ```text
//! .florc/damaged/<run>/…      what was put away, under its own name
//! ```
//!
//! Nothing is deleted but half-written files. Nothing is guessed: records behind a damaged place of
//! a journal are kept behind a note, and a replay stops believing there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use florc_manifest::JournalRecord;

use super::{Health, Mend};
use crate::error::StoreError;
use crate::journal::{encode_journal, scan_journal};
use crate::recorded::JOURNAL_DAMAGED;
use crate::store::{Store, write_whole};

/// Mends what [`super::check_store`] found. Gives a line for each thing that was done.
pub fn rebuild(store: &Store, health: &Health) -> Result<Vec<String>, StoreError> {
    let mut done = Vec::new();
    let root = store.directory();
    for file in &health.leftovers {
        remove(&root.join(file)).map_err(|error| failed(&root.join(file), "remove", &error))?;
        done.push(format!(
            "removed `{}`, which was half-written",
            file.display()
        ));
    }
    for mend in &health.mends {
        let (path, mended) = match mend {
            Mend::Journal { path, ends_early } => {
                let kept = mend_journal(root, path, *ends_early);
                (path, kept.map(|kept| Some(format!("kept {kept} records"))))
            }
            Mend::SetAside(path) => {
                let moved = set_aside(root, path);
                (
                    path,
                    moved.map(|to| Some(format!("moved to `{}`", to.display()))),
                )
            }
            Mend::Source(path) => {
                let found = find_source(root, path);
                let said = || "restored from another run".to_owned();
                (path, found.map(|found| found.then(said)))
            }
        };
        let shown = path.strip_prefix(root).unwrap_or(path).display();
        let mended = mended.map_err(|error| failed(path, "mend it", &error))?;
        done.extend(mended.map(|what| format!("`{shown}`: {what}")));
    }
    Ok(done)
}

fn failed(path: &Path, doing: &str, error: &io::Error) -> StoreError {
    StoreError::io(path, doing, error)
}

/// Removes a file, or a directory with all that is in it. Follows no link.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let is_directory = fs::symlink_metadata(path)?.is_dir();
    if is_directory {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

/// Where a damaged file is kept: below `damaged`, by its run and name.
fn aside(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let relative = path.strip_prefix(root).map_err(io::Error::other)?;
    let below: PathBuf = relative.components().skip(1).collect();
    let to = root.join("damaged").join(below);
    fs::create_dir_all(to.parent().unwrap_or(root))?;
    Ok(to)
}

fn set_aside(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let to = aside(root, path)?;
    fs::rename(path, &to)?;
    Ok(to.strip_prefix(root).map_or(to.clone(), Path::to_owned))
}

/// The whole records, with a note at each damaged place. The damaged file is kept.
fn mend_journal(root: &Path, path: &Path, ends_early: bool) -> io::Result<usize> {
    let scan = scan_journal(&fs::read(path)?);
    let mut records = Vec::with_capacity(scan.records.len() + scan.holes.len());
    let mut holes = scan.holes.iter().peekable();
    for (at, record) in scan.records.iter().enumerate() {
        while let Some(hole) = holes.next_if(|hole| hole.after == at) {
            let text = "rows may be missing here, and what follows is not replayed";
            records.push(note(&format!(
                "{} bytes of the journal were damaged: {text}",
                hole.bytes
            )));
        }
        records.push(record.clone());
    }
    if ends_early {
        records.push(note("the end of the journal was damaged: rows are missing"));
    }
    fs::copy(path, aside(root, path)?)?;
    write_whole(path, &encode_journal(&records)?)?;
    Ok(scan.records.len())
}

fn note(text: &str) -> JournalRecord {
    JournalRecord::Note {
        code: JOURNAL_DAMAGED.to_owned(),
        text: text.to_owned(),
    }
}

/// Sources have their hash as name: another run may have the same one, whole.
fn find_source(root: &Path, path: &Path) -> io::Result<bool> {
    let Some(name) = path.file_name() else {
        return Ok(false);
    };
    for run in fs::read_dir(root.join("runs"))? {
        let other = run?.path().join("sources").join(name);
        let Ok(bytes) = fs::read(&other) else {
            continue;
        };
        if Some(blake3::hash(&bytes).to_hex().as_str()) == name.to_str() {
            write_whole(path, &bytes)?;
            return Ok(true);
        }
    }
    Ok(false)
}
