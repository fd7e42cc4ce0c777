//! What finished replays left in the store.
//!
//! ```python
//! # .florc/replays/<id>/replay.json   what was asked, and the verdict
//! # .florc/replays/<id>/rows.jsonl    the merged rows, in program order, each exactly once
//! ```
//!
//! A replay exists once `replay.json` is renamed into place. The shards of its workers are merged
//! elsewhere.

mod health;
mod unfinished;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use florc_manifest::{HeadKey, LoopPosition, Row};
use florc_runtime::{content_hash, is_intact_json, to_checked_json};
pub(crate) use health::{bytes_by_run, damages, set_aside};
use serde::{Deserialize, Serialize};
pub(crate) use unfinished::{forget_failures, unfinished};

use crate::failure::Failure;
use crate::out;
use crate::rows::{LogRow, Origin};

/// How far values can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Trust {
    /// The segment ended in the recorded state with the recorded logs.
    Verified,
    /// It did not, or could not be checked; shown because the user asked for it.
    Approximate,
}

impl Trust {
    /// The word of the contract.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Approximate => "approximate",
        }
    }
}

/// `replay.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredReplay {
    /// Format version of the store.
    pub(crate) format: u32,
    /// Its id.
    pub(crate) replay: String,
    /// The run.
    pub(crate) run: String,
    /// The entry file, relative to the project.
    pub(crate) file: String,
    /// Hash of the probed sources.
    pub(crate) source_hash: String,
    /// The condition, if there was one.
    pub(crate) condition: Option<String>,
    /// Number of rows in `rows.jsonl`.
    pub(crate) rows: u64,
    /// Segments for which there was no time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) left: Vec<u32>,
    /// blake3 of `rows.jsonl`, hex.
    #[serde(default)]
    pub(crate) rows_hash: String,
}

/// A line of `rows.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredRow {
    /// The row as its worker wrote it.
    pub(crate) row: Row,
    /// How far it can be trusted.
    pub(crate) trust: Trust,
    /// Its file, where that is not the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// The process that gave it, where the run was several.
    #[serde(default, skip_serializing_if = "is_first")]
    pub(crate) rank: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_first(rank: &u32) -> bool {
    *rank == 0
}

/// The folder of replays.
pub(crate) fn folder(store: &Path) -> PathBuf {
    store.join("replays")
}

/// Puts a finished replay into the store.
pub(crate) fn publish(
    folder: &Path,
    replay: &StoredReplay,
    rows: &[StoredRow],
) -> Result<(), Failure> {
    let mut text = String::new();
    for row in rows {
        text.push_str(&serde_json::to_string(row).unwrap_or_default());
        text.push('\n');
    }
    replace(&folder.join("rows.jsonl"), text.as_bytes())?;
    let replay = StoredReplay {
        rows_hash: content_hash(text.as_bytes()),
        ..replay.clone()
    };
    let text = to_checked_json(&replay).unwrap_or_default();
    replace(&folder.join("replay.json"), &text)
}

/// Writes a file so that it is there whole or not at all.
pub(crate) fn replace(file: &Path, text: &[u8]) -> Result<(), Failure> {
    let fail = |error| Failure::io("write", file, &error);
    let temporary = file.with_extension("tmp");
    let mut handle = std::fs::File::create(&temporary).map_err(fail)?;
    std::io::Write::write_all(&mut handle, text).map_err(fail)?;
    handle.sync_data().map_err(fail)?;
    std::fs::rename(&temporary, file).map_err(fail)
}

/// The rows of all replays of a run. A row that was replayed again counts once: as verified where
/// it ever was, else as the newest.
pub(crate) fn rows_of_run(store: &Path, run: &str) -> Result<Vec<LogRow>, Failure> {
    let mut kept: BTreeMap<Key, (Trust, usize, u64)> = BTreeMap::new();
    let mut replays = of_run(store, run)?;
    let mut stored = Vec::new();
    replays.retain(|replay| match read_rows(store, replay) {
        Ok(rows) => {
            stored.push(rows);
            true
        }
        Err(failure) => {
            warn(&failure);
            false
        }
    });
    for (number, (replay, rows)) in replays.iter().zip(&stored).enumerate() {
        for (seq, key) in keys(replay, rows).into_iter().enumerate() {
            let trust = rows[seq].trust;
            let proven = kept
                .get(&key)
                .is_some_and(|(known, ..)| *known == Trust::Verified);
            if trust == Trust::Verified || !proven {
                kept.insert(key, (trust, number, seq as u64));
            }
        }
    }
    let mut places: Vec<(usize, u64)> = kept
        .into_values()
        .map(|(_, number, seq)| (number, seq))
        .collect();
    places.sort_unstable();
    let mut shown = Vec::new();
    for (number, seq) in places {
        let replay = &replays[number];
        let StoredRow {
            row,
            trust,
            file,
            rank,
        } = &stored[number][seq as usize];
        let origin = Origin {
            run,
            replay: Some(&replay.replay),
            file: file.as_ref().unwrap_or(&replay.file),
            rank: *rank,
        };
        shown.extend(LogRow::of(&origin, row, seq, trust.word()));
    }
    Ok(shown)
}

/// The key of each row; the n-th row of the same statement at the same place has ordinal n.
fn keys(replay: &StoredReplay, rows: &[StoredRow]) -> Vec<Key> {
    let mut counted: BTreeMap<Key, u64> = BTreeMap::new();
    let key = |stored: &StoredRow| {
        let mut key = Key::of(replay, stored);
        let ordinal = counted.entry(key.clone()).or_default();
        key.ordinal = *ordinal;
        *ordinal += 1;
        key
    };
    rows.iter().map(key).collect()
}

/// What makes two rows the same execution of the same statement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    source_hash: String,
    rank: u32,
    site: u32,
    head: Option<HeadKey>,
    context: Vec<(String, i64)>,
    ordinal: u64,
}

impl Key {
    fn of(replay: &StoredReplay, stored: &StoredRow) -> Self {
        let row = &stored.row;
        let pair = |position: &LoopPosition| (position.label.clone(), position.value);
        Self {
            source_hash: replay.source_hash.clone(),
            rank: stored.rank,
            site: row.site,
            head: row.head,
            context: row.context.iter().map(pair).collect(),
            ordinal: 0,
        }
    }
}

/// Finished replays of a run, oldest first.
pub(crate) fn of_run(store: &Path, run: &str) -> Result<Vec<StoredReplay>, Failure> {
    let folder = folder(store);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::io("read", &folder, &error)),
    };
    let mut found: Vec<StoredReplay> = Vec::new();
    for entry in entries.flatten() {
        match read_replay(&entry.path()) {
            Some(Ok(replay)) if replay.run == run => found.push(replay),
            Some(Err(failure)) => warn(&failure),
            Some(Ok(_)) | None => {}
        }
    }
    found.sort_by(|a, b| a.replay.cmp(&b.replay));
    Ok(found)
}

/// What is damaged is named and left out; the rest can be shown.
fn warn(failure: &Failure) {
    let help = failure.help.as_deref().unwrap_or_default();
    out::warning(&format!("{}; {help}", failure.title));
}

/// A replay by its folder; `None`: it is not finished.
fn read_replay(own: &Path) -> Option<Result<StoredReplay, Failure>> {
    let file = own.join("replay.json");
    let text = std::fs::read(&file).ok()?;
    let replay = serde_json::from_slice(&text).map_err(|_| damaged(&file));
    Some(replay.and_then(|replay: StoredReplay| {
        let is_own = own
            .file_name()
            .is_some_and(|name| name == replay.replay.as_str());
        if is_own && is_intact_json(&text) {
            Ok(replay)
        } else {
            Err(damaged(&file))
        }
    }))
}

fn read_rows(store: &Path, replay: &StoredReplay) -> Result<Vec<StoredRow>, Failure> {
    let file = folder(store).join(&replay.replay).join("rows.jsonl");
    let text = std::fs::read(&file).map_err(|error| Failure::io("read", &file, &error))?;
    if content_hash(&text) != replay.rows_hash {
        return Err(damaged(&file));
    }
    let lines = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let rows: Result<Vec<StoredRow>, _> = lines.map(serde_json::from_slice).collect();
    rows.map_err(|_| damaged(&file))
}

fn damaged(file: &Path) -> Failure {
    Failure::new(format!("`{}` is damaged", file.display()))
        .help("replay again; the recorded run is not affected")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replay(id: &str) -> StoredReplay {
        StoredReplay {
            format: 1,
            replay: id.to_owned(),
            run: "run".to_owned(),
            file: "train.py".to_owned(),
            source_hash: "hash".to_owned(),
            condition: None,
            rows: 2,
            left: Vec::new(),
            rows_hash: String::new(),
        }
    }

    /// Replays with these trusts, one after the other; two rows of the same statement each.
    #[track_caller]
    fn check(trusts: &[Trust], expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let row = Row {
            site: 0,
            line: 3,
            head: None,
            block: None,
            context: Vec::new(),
            seq: 0,
            text: "x\n".to_owned(),
            values: Vec::new(),
        };
        for (number, &trust) in trusts.iter().enumerate() {
            let replay = replay(&number.to_string());
            let own = self::folder(folder.path()).join(&replay.replay);
            std::fs::create_dir_all(&own).unwrap();
            let stored = StoredRow {
                row: row.clone(),
                trust,
                file: None,
                rank: 0,
            };
            publish(&own, &replay, &[stored.clone(), stored]).unwrap();
        }
        let rows = rows_of_run(folder.path(), "run").unwrap();
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn a_row_counts_once_and_verified_where_it_ever_was() {
        let (verified, approximate) = (Trust::Verified, Trust::Approximate);
        check(&[verified], &["run/0/0", "run/0/1"]);
        check(&[verified, verified], &["run/1/0", "run/1/1"]);
        check(&[verified, approximate], &["run/0/0", "run/0/1"]);
        check(&[approximate, verified], &["run/1/0", "run/1/1"]);
    }
}
