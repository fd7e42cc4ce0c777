//! Takes a run that was cut short up again: its journal up to a head, and what comes after.
//!
//! ```text
//! … IterationBegan(57) Log Log ✂          killed
//! … Note(resumed) IterationBegan(57) Log …
//! ```
//!
//! The journal is replaced in one step and says which checkpoints are none any more: those after the
//! head, which are deleted then. Killed in between, the run is one that was cut short a little
//! earlier.

use std::fs;
use std::path::Path;

use florc_manifest::{CheckpointRecord, CutKey, HeadKey, JournalRecord, RunManifest};

use super::{Disk, Mode, RecordConfig, Recorder};
use crate::error::StoreError;
use crate::journal::{JournalWriter, encode_journal};
use crate::pack::open_pack;
use crate::policy::Policy;
use crate::pool::BufferPool;
use crate::progress::Progress;
use crate::run::{RunHandle, pack_number};
use crate::storage::{Planned, Storage};
use crate::store::write_whole;

/// Code of the note at the place where a run was taken up again.
const RESUMED: &str = "resumed";

impl Recorder {
    /// Records on from a head, whose state is the live one; with it the file in which rank 0 announces what is due, of
    /// several processes.
    pub(crate) fn go_on(
        config: &RecordConfig,
        run: &RunHandle,
        manifest: RunManifest,
        mut progress: Progress,
        (head, announcements): (HeadKey, Option<String>),
    ) -> Result<Self, StoreError> {
        let records = run.journal()?.records;
        let (began, position) = records
            .iter()
            .find_map(|record| began_at(record, head))
            .unwrap_or((0.0, head.iteration.cast_signed()));
        let mut kept = before(records, head);
        let rows = kept
            .iter()
            .filter(|it| matches!(it, JournalRecord::Log(_)))
            .count();
        progress.count_rows(rows as u64);
        let text = format!(
            "the run was cut short and went on from iteration {}",
            head.iteration
        );
        let code = RESUMED.to_owned();
        kept.push(JournalRecord::Note { code, text });
        let (earlier, later): (Vec<_>, Vec<_>) = run
            .checkpoints()?
            .into_iter()
            .partition(|it| !is_after(&it.cut, head));
        kept.extend(later.iter().map(|it| JournalRecord::CheckpointDropped {
            cut: it.cut.clone(),
            reason: "the run went on from an earlier one".to_owned(),
        }));
        let pack = next_pack(run)?;
        let path = run.journal_path();
        let failed = |error| StoreError::io(&path, "write the journal", &error);
        let storage = Storage::of(config.storage_limit, &config.store, manifest.world_size())
            .map(|storage| know(storage, run, &earlier, &kept, config));
        write_whole(&path, &encode_journal(&kept).map_err(failed)?).map_err(failed)?;
        let journal = JournalWriter::append_to(&path).map_err(failed)?;
        for record in later {
            remove(&run.packs().join(&record.pack))?;
        }
        let pool = BufferPool::bounded(config.memory_limit);
        let disk = Disk::over(run, journal, storage, pack, &pool);
        let mut recorder = Self::new(config, manifest, pool);
        recorder.disk = Some(disk);
        if let Some(announcements) = announcements {
            recorder.follow(run, &announcements);
        }
        recorder.progress = progress;
        recorder.seconds_before = began;
        recorder.policy = Policy::new(config.mode, began);
        recorder.again(head, position);
        Ok(recorder)
    }

    /// The iteration that is gone on with has begun.
    pub(super) fn again(&mut self, head: HeadKey, position: i64) {
        let seconds = self.now();
        // its head has a checkpoint: the iteration was due as a whole
        let is_due = self.policy.due(true, false, seconds);
        self.head_time = match self.mode {
            Mode::Adaptive { .. } => seconds,
            Mode::All | Mode::None | Mode::Every(_) => head.iteration as f64 + 1.0,
        };
        self.taken_time = self.head_time;
        self.is_due = is_due && self.is_writing();
        self.append(&JournalRecord::IterationBegan {
            head,
            position,
            seconds,
            file_clock: Some(crate::file_clock::now()),
        });
    }
}

fn began_at(record: &JournalRecord, at: HeadKey) -> Option<(f64, i64)> {
    match record {
        JournalRecord::IterationBegan {
            head,
            seconds,
            position,
            ..
        } if *head == at => Some((*seconds, *position)),
        _ => None,
    }
}

/// What was recorded before a head, and what belongs to it whenever it was written.
fn before(records: Vec<JournalRecord>, head: HeadKey) -> Vec<JournalRecord> {
    let mut is_later = false;
    let keeps = |record: &JournalRecord| {
        is_later |= matches!(record, JournalRecord::IterationBegan { head: it, .. } if *it >= head);
        match record {
            JournalRecord::Checkpoint(checkpoint) => !is_after(&checkpoint.cut, head),
            JournalRecord::CheckpointDropped { cut, .. } => !is_after(cut, head),
            JournalRecord::Source(_) | JournalRecord::Unexpected { .. } => true,
            JournalRecord::Ended { .. } => false,
            JournalRecord::Note { .. }
            | JournalRecord::LoopEntered { .. }
            | JournalRecord::IterationBegan { .. }
            | JournalRecord::BlockEnded { .. }
            | JournalRecord::LoopLeft { .. }
            | JournalRecord::Log(_)
            | JournalRecord::Clock { .. } => !is_later,
        }
    };
    let mut records = records;
    records.retain(keeps);
    records
}

/// Whether a cut point comes after a head.
fn is_after(cut: &CutKey, head: HeadKey) -> bool {
    match cut {
        CutKey::Head(it) => *it > head,
        CutKey::Block(block) => block.head >= head,
        CutKey::Exit(exit) => exit.instance >= head.instance,
    }
}

/// What the checkpoints that stay take.
fn know(
    mut storage: Storage,
    run: &RunHandle,
    checkpoints: &[CheckpointRecord],
    records: &[JournalRecord],
    config: &RecordConfig,
) -> Storage {
    for record in checkpoints {
        let Some(number) = pack_number(&record.pack) else {
            continue;
        };
        let head = match &record.cut {
            CutKey::Head(head) | CutKey::Exit(head) => *head,
            CutKey::Block(block) => block.head,
        };
        let began = records.iter().find_map(|it| began_at(it, head));
        let time = match config.mode {
            Mode::Adaptive { .. } => began.map_or(0.0, |(seconds, _)| seconds),
            Mode::All | Mode::None | Mode::Every(_) => head.iteration as f64 + 1.0,
        };
        let pack = open_pack(&run.packs().join(&record.pack));
        let needs = pack.map(|pack| pack.needs()).unwrap_or_default();
        let planned = Planned {
            cut: record.cut.clone(),
            time,
            new_bytes: 0,
            needs: needs.iter().filter_map(|name| pack_number(name)).collect(),
        };
        storage.know(number, planned, record.stored_bytes);
    }
    storage.begun_before();
    storage
}

fn remove(pack: &Path) -> Result<(), StoreError> {
    fs::remove_file(pack).map_err(|error| StoreError::io(pack, "remove the checkpoint", &error))
}

/// Number of the next pack: never one that was there.
fn next_pack(run: &RunHandle) -> Result<u64, StoreError> {
    let names = run.pack_names()?;
    let last = names.keys().filter_map(|name| pack_number(name)).max();
    Ok(last.map_or(0, |last| last + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use florc_manifest::BlockKey;

    #[test]
    fn what_comes_after_a_head() {
        let head = |instance, iteration| HeadKey {
            instance,
            iteration,
        };
        let block = |head| {
            CutKey::Block(BlockKey {
                head,
                site: "b".into(),
                occurrence: 0,
            })
        };
        let at = head(1, 4);
        for before in [
            CutKey::Head(head(1, 4)),
            CutKey::Head(head(0, 9)),
            block(head(1, 3)),
            CutKey::Exit(head(0, 9)),
        ] {
            assert!(!is_after(&before, at), "{before:?}");
        }
        for after in [
            CutKey::Head(head(1, 5)),
            block(head(1, 4)),
            CutKey::Exit(head(1, 9)),
            CutKey::Exit(head(2, 0)),
        ] {
            assert!(is_after(&after, at), "{after:?}");
        }
    }
}
