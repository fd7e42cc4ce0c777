//! One run: its manifest, sources and journal.
//!
//! Checkpoints are in `packs`. A run that is being recorded may have an unfinished record at its
//! end and files that are still written: these are no damage.

use std::collections::BTreeSet;
use std::path::Path;

use florc_manifest::{JournalRecord, RunManifest, SourceFile};

use super::{Damage, Health, Mend, is_temporary, names, packs};
use crate::error::{StoreError, StoreErrorKind};
use crate::journal::{Hole, Scan, scan_journal};
use crate::run::RunHandle;

/// Reads all of a run.
pub(super) fn check(store: &Path, run: &RunHandle, health: &mut Health) {
    let is_open = run.is_open();
    health.runs += 1;
    for of_rank in run.all_ranks() {
        check_rank(store, &of_rank, is_open, health);
    }
    if !is_open {
        find_leftovers(store, run, health);
    }
}

/// What one process of it recorded.
fn check_rank(store: &Path, run: &RunHandle, is_open: bool, health: &mut Health) {
    let scan = check_journal(store, run, is_open, health);
    let manifest = check_manifest(store, run, &scan, is_open, health);
    let mut sources = manifest.map(|it| it.sources).unwrap_or_default();
    for record in &scan.records {
        if let JournalRecord::Source(source) = record {
            sources.push(source.clone());
        }
    }
    check_sources(store, run, &sources, health);
    packs::check(store, run, &scan, is_open, health);
}

fn check_manifest(
    store: &Path,
    run: &RunHandle,
    scan: &Scan,
    is_open: bool,
    health: &mut Health,
) -> Option<RunManifest> {
    let path = run.manifest_path();
    health.count_bytes(&path);
    let usable =
        "its journal and checkpoints are of use again once the file is restored from a copy";
    let lost = "the run cannot be shown or replayed";
    let what = match run.manifest() {
        Ok(manifest) if manifest.run == run.id() => return Some(manifest),
        Ok(manifest) => format!("this is the manifest of run {}", manifest.run),
        Err(error) if error.kind == StoreErrorKind::Missing && scan.records.is_empty() => {
            // killed while the run was made, or it is being made
            if !is_open {
                let relative = run.directory().strip_prefix(store);
                health.leftovers.extend(relative.map(Path::to_owned));
                health.runs -= 1;
            }
            return None;
        }
        Err(error) => error.what,
    };
    health.add(store, run, &path, Damage::of(what, lost, usable));
    None
}

fn check_sources(store: &Path, run: &RunHandle, sources: &[SourceFile], health: &mut Health) {
    let mut seen = BTreeSet::new();
    for source in sources.iter().filter(|it| seen.insert(&it.hash)) {
        let Err(error) = run.source_bytes(source) else {
            health.count_bytes(&run.directory().join("sources").join(&source.hash));
            continue;
        };
        let lost = format!("replays, which compare with the recorded `{}`", source.path);
        let usable = "logged rows and checkpoints";
        let damage = Damage::of(error.what, lost, usable);
        health.add(store, run, &error.path, damage);
        health.mends.push(Mend::Source(error.path));
    }
}

fn check_journal(store: &Path, run: &RunHandle, is_open: bool, health: &mut Health) -> Scan {
    let path = run.journal_path();
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Scan::default(),
        Err(error) => {
            let error = StoreError::io(&path, "read the journal", &error);
            let damage = Damage::of(error.what, "everything that was logged", "checkpoints");
            health.add(store, run, &path, damage);
            return Scan::default();
        }
    };
    health.bytes += bytes.len() as u64;
    if let Err(error) = run.journal()
        && error.kind == StoreErrorKind::Newer
    {
        let damage = Damage::of(error.what, "nothing", "everything, by that florc");
        health.add(store, run, &path, damage);
        return Scan::default();
    }
    let scan = scan_journal(&bytes);
    let ends_at = |hole: &Hole| hole.offset + hole.bytes == bytes.len() as u64;
    let real: Vec<&Hole> = scan
        .holes
        .iter()
        .filter(|hole| !(is_open && ends_at(hole)))
        .collect();
    for hole in &real {
        let damage = describe(hole, ends_at(hole), scan.records.len());
        health.add(store, run, &path, damage);
    }
    if let Some(last) = real.last() {
        let ends_early = ends_at(last);
        health.mends.push(Mend::Journal { path, ends_early });
    }
    scan
}

fn describe(hole: &Hole, is_end: bool, records: usize) -> Damage {
    let what = format!("{} bytes are not whole records", hole.bytes);
    let (before, behind) = (hole.after, records - hole.after);
    let damage = if is_end {
        let usable = format!("the {before} records before it; checkpoints");
        Damage::of(what, "what was recorded in them", usable)
    } else {
        let lost = "what was recorded in them, and replays of what comes after them";
        let usable = format!(
            "the {before} records before them; the {behind} behind them can be kept for \
             `florc logs`; checkpoints"
        );
        Damage::of(what, lost, usable)
    };
    damage.at(hole.offset)
}

fn find_leftovers(store: &Path, run: &RunHandle, health: &mut Health) {
    let sources = run.directory().join("sources");
    for directory in [run.directory(), sources.as_path(), run.packs()] {
        for name in names(directory).unwrap_or_default() {
            if is_temporary(&name) {
                let file = directory.join(name);
                let relative = file.strip_prefix(store).unwrap_or(&file);
                health.leftovers.push(relative.to_owned());
            }
        }
    }
}
