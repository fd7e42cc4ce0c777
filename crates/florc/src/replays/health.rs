//! Whether what replays left is what they wrote, and what it takes.
//!
//! ```python
//! # replays/20260131-…/rows.jsonl: its bytes do not match their hash
//! ```
//!
//! A damaged replay is put away whole: replaying again gives its rows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use florc_runtime::{Damage, bytes_below};

use super::{StoredReplay, folder, read_replay, read_rows};
use crate::failure::Failure;

/// Damages of finished replays.
pub(crate) fn damages(store: &Path) -> Vec<Damage> {
    damaged(store)
        .into_iter()
        .map(|(_, damage)| damage)
        .collect()
}

/// Moves damaged replays to `damaged/replays`. A line for each.
pub(crate) fn set_aside(store: &Path) -> Result<Vec<String>, Failure> {
    let mut done = Vec::new();
    for (id, _) in damaged(store) {
        let to = store.join("damaged").join("replays");
        let from = folder(store).join(&id);
        let moved =
            std::fs::create_dir_all(&to).and_then(|()| std::fs::rename(&from, to.join(&id)));
        moved.map_err(|error| Failure::io("move", &from, &error))?;
        done.push(format!("`replays/{id}`: moved to `damaged/replays/{id}`"));
    }
    Ok(done)
}

/// Bytes of replays by run. Those whose run cannot be told belong to none.
pub(crate) fn bytes_by_run(store: &Path) -> BTreeMap<String, u64> {
    let mut bytes = BTreeMap::new();
    for id in ids(store) {
        let own = folder(store).join(&id);
        if let Some(Ok(replay)) = read_replay(&own) {
            *bytes.entry(replay.run).or_default() += bytes_below(&own);
        }
    }
    bytes
}

fn ids(store: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder(store))
        .into_iter()
        .flatten()
        .flatten();
    let mut ids: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    ids.sort();
    ids
}

fn damaged(store: &Path) -> Vec<(String, Damage)> {
    let mut found = Vec::new();
    for id in ids(store) {
        let own = folder(store).join(&id);
        let failure = match read_replay(&own) {
            None => continue,
            Some(Ok(replay)) => read_rows(store, &replay)
                .err()
                .map(|_| (replay, "rows.jsonl")),
            Some(Err(_)) => Some((StoredReplay::default(), "replay.json")),
        };
        let Some((replay, file)) = failure else {
            continue;
        };
        let damage = Damage {
            run: replay.run,
            file: PathBuf::from("replays").join(&id).join(file),
            offset: None,
            what: "its bytes do not match their hash".to_owned(),
            lost: "the rows of this replay; replaying again gives them".to_owned(),
            usable: "the recorded run and other replays".to_owned(),
        };
        found.push((id, damage));
    }
    found
}
