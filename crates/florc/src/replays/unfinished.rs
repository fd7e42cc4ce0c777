//! A replay that was broken off: Ctrl-C, a machine that went down.
//!
//! ```python
//! # .florc/replays/<id>/plan.json, segment-0.jsonl, and no replay.json
//! ```
//!
//! Finds one that asks the same of the same run; what it has is still good. Runs nothing.

use std::path::{Path, PathBuf};

use florc_manifest::{ReplayPlan, ShardLine, Verdict};
use florc_runtime::{has_shards, shard_path};

/// The newest replay of this plan over these sources that was broken off, or for parts of which there
/// was no time, with its id and folder.
pub(crate) fn unfinished(
    store: &Path,
    plan: &ReplayPlan,
    sources: &[(String, Vec<u8>)],
) -> Option<(String, PathBuf)> {
    let entries = std::fs::read_dir(super::folder(store)).ok()?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let is_same = |folder: &PathBuf| -> bool {
        let text = std::fs::read(folder.join("plan.json")).unwrap_or_default();
        let Ok(theirs) = serde_json::from_slice::<ReplayPlan>(&text) else {
            return false;
        };
        let ours = ReplayPlan {
            replay: theirs.replay.clone(),
            ..plan.clone()
        };
        let mut sources = sources.iter();
        ours == theirs
            && has_gaps(folder, plan)
            && sources.all(|(name, bytes)| {
                std::fs::read(folder.join(name)).is_ok_and(|found| found == *bytes)
            })
    };
    let folder = folders.into_iter().rev().find(is_same)?;
    let id = folder.file_name()?.to_string_lossy().into_owned();
    Some((id, folder))
}

/// Whether it was not published, or lacks segments.
fn has_gaps(folder: &Path, plan: &ReplayPlan) -> bool {
    let mut segments = plan.segments.iter();
    let is_whole = |index: u32| has_shards(folder, index, plan.world_size);
    !folder.join("replay.json").exists() || !segments.all(|it| is_whole(it.index))
}

/// Segments that failed are to be run again.
pub(crate) fn forget_failures(folder: &Path, plan: &ReplayPlan) {
    let ranks = |index: u32| (0..plan.world_size).map(move |rank| shard_path(folder, index, rank));
    for shard in plan.segments.iter().flat_map(|it| ranks(it.index)) {
        if shard.exists() && !is_good(&shard) {
            // one that cannot be removed is read, and told, again
            let _ = std::fs::remove_file(&shard);
        }
    }
}

/// Whether a shard ends with a verdict that is no failure.
fn is_good(shard: &Path) -> bool {
    let text = std::fs::read_to_string(shard).unwrap_or_default();
    let last = text.lines().next_back().unwrap_or_default();
    matches!(serde_json::from_str::<ShardLine>(last),
        Ok(ShardLine::Verdict(verdict)) if !matches!(verdict, Verdict::Failed { .. }))
}
