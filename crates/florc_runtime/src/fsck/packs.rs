//! The checkpoints of a run: footers, chunks, and what the journal says of them.
//!
//! A checkpoint whose chunks lie in a damaged pack is lost with it, and named with it. Reads each
//! chunk once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use florc_manifest::{CheckpointRecord, CutKey, HeadKey, JournalRecord};

use super::{Damage, Health, Mend};
use crate::cut_text::cut_text;
use crate::error::StoreErrorKind;
use crate::journal::Scan;
use crate::pack::{Pack, Seen, open_pack};
use crate::recorded::JOURNAL_DAMAGED;
use crate::run::RunHandle;

/// What is known of the packs of a run.
#[derive(Default)]
struct Packs {
    /// Those whose footer can be read: cut point, and the packs that they need.
    opened: BTreeMap<String, (CutKey, BTreeSet<String>)>,
    /// Packs that cannot be restored.
    unusable: BTreeSet<String>,
    /// Unusable here and now, which another florc or user may read.
    kept: BTreeSet<String>,
    /// Damaged places: file and offset; what is wrong, whose checkpoints are lost with it.
    places: BTreeMap<(String, Option<u64>), (String, BTreeSet<CutKey>)>,
}

/// Reads all checkpoints of a run.
pub(super) fn check(
    store: &Path,
    run: &RunHandle,
    scan: &Scan,
    is_open: bool,
    health: &mut Health,
) {
    let journal = Journaled::of(scan);
    let mut packs = Packs::default();
    let mut seen = Seen::new();
    let names = match run.pack_names() {
        Ok(names) => names,
        Err(error) => {
            let damage = Damage::of(error.what, "its checkpoints", "the journal, the sources");
            health.add(store, run, run.packs(), damage);
            return;
        }
    };
    for name in names.keys() {
        health.checkpoints += 1;
        health.count_bytes(&run.packs().join(name));
        match open_pack(&run.packs().join(name)) {
            Ok(pack) => packs.add(name, &pack, &journal, &mut seen),
            Err(error) => {
                packs.place(name, None, &error.what, journal.cut_of(name), name);
                if error.kind != StoreErrorKind::Damaged {
                    packs.kept.insert(name.clone());
                }
            }
        }
    }
    for (name, record) in &journal.checkpoints {
        let put_away = store.join("damaged").join(run.id()).join(name);
        let is_known = journal.dropped.contains(&record.cut) || put_away.exists();
        let is_gone = !names.contains_key(name) && !is_known;
        if is_gone && !is_open {
            packs.place(
                name,
                None,
                "the file is gone",
                Some(record.cut.clone()),
                name,
            );
        }
    }
    packs.report(store, run, health);
    packs.set_aside(run, health);
    // without holes, what is missing is missing at the end
    if scan.holes.is_empty() && !journal.is_mended {
        check_end(store, run, &packs, &journal, health);
    }
}

/// What the journal says of checkpoints.
#[derive(Default)]
struct Journaled {
    checkpoints: BTreeMap<String, CheckpointRecord>,
    dropped: BTreeSet<CutKey>,
    last_head: Option<HeadKey>,
    /// That records are missing was said before.
    is_mended: bool,
}

impl Journaled {
    fn of(scan: &Scan) -> Self {
        let mut found = Self::default();
        for record in &scan.records {
            match record {
                JournalRecord::Checkpoint(it) => {
                    found.checkpoints.insert(it.pack.clone(), it.clone());
                }
                JournalRecord::CheckpointDropped { cut, .. } => {
                    found.dropped.insert(cut.clone());
                }
                JournalRecord::IterationBegan { head, .. } => {
                    found.last_head = found.last_head.max(Some(*head));
                }
                JournalRecord::Note { code, .. } => found.is_mended |= code == JOURNAL_DAMAGED,
                _ => {}
            }
        }
        found
    }

    fn cut_of(&self, pack: &str) -> Option<CutKey> {
        self.checkpoints.get(pack).map(|it| it.cut.clone())
    }
}

impl Packs {
    fn add(&mut self, name: &str, pack: &Pack, journal: &Journaled, seen: &mut Seen) {
        let cut = pack.record.cut.clone();
        if let Some(known) = journal.checkpoints.get(name)
            && (known.pack_hash != pack.record.pack_hash || known.cut != cut)
        {
            let what = "this is not the checkpoint of the journal";
            self.place(name, None, what, Some(known.cut.clone()), name);
        }
        if let Err(error) = pack.check_lengths() {
            self.place(name, None, &error.what, Some(cut.clone()), name);
        }
        for bad in pack.bad_chunks(seen) {
            self.place(
                &bad.pack,
                Some(bad.offset),
                &bad.what,
                Some(cut.clone()),
                name,
            );
        }
        self.opened.insert(name.to_owned(), (cut, pack.needs()));
    }

    /// `file` is damaged, and with it the checkpoint `cut` of the pack `of`.
    fn place(
        &mut self,
        file: &str,
        offset: Option<u64>,
        what: &str,
        cut: Option<CutKey>,
        of: &str,
    ) {
        let key = (file.to_owned(), offset);
        let new = || (what.to_owned(), BTreeSet::new());
        self.places.entry(key).or_insert_with(new).1.extend(cut);
        self.unusable.insert(of.to_owned());
    }

    fn report(&self, store: &Path, run: &RunHandle, health: &mut Health) {
        let whole = self
            .opened
            .keys()
            .filter(|name| !self.unusable.contains(*name))
            .count();
        for ((file, offset), (what, cuts)) in &self.places {
            let cuts: Vec<String> = cuts.iter().map(cut_text).collect();
            let lost = match cuts.as_slice() {
                [] => "a checkpoint".to_owned(),
                [one] => format!("the checkpoint at {one}"),
                several => format!("the checkpoints at {}", several.join(", ")),
            };
            let usable = format!("{whole} whole checkpoints of the run, its journal and sources");
            let damage = Damage::of(what, lost, usable);
            let damage = Damage {
                offset: *offset,
                ..damage
            };
            health.add(store, run, &run.packs().join(file), damage);
        }
    }

    /// What cannot be restored and holds nothing that another one needs.
    fn set_aside(&self, run: &RunHandle, health: &mut Health) {
        let usable = self
            .opened
            .iter()
            .filter(|(name, _)| !self.unusable.contains(*name));
        let needed: BTreeSet<&String> = usable.flat_map(|(_, (_, needs))| needs).collect();
        let is_useless = |name: &&String| !needed.contains(name) && !self.kept.contains(*name);
        for name in self.unusable.iter().filter(is_useless) {
            let path = run.packs().join(name);
            if path.exists() {
                health.mends.push(Mend::SetAside(path));
            }
        }
    }
}

/// A checkpoint of an iteration that the journal does not know of tells that its end is missing.
fn check_end(
    store: &Path,
    run: &RunHandle,
    packs: &Packs,
    journal: &Journaled,
    health: &mut Health,
) {
    let head = |cut: &CutKey| match cut {
        CutKey::Head(head) => *head,
        CutKey::Block(block) => block.head,
        // as many iterations had begun
        CutKey::Exit(head) => HeadKey {
            iteration: head.iteration.saturating_sub(1),
            ..*head
        },
    };
    let is_late = |cut: &&CutKey| Some(head(cut)) > journal.last_head;
    let late = packs.opened.values().map(|(cut, _)| cut).find(is_late);
    if let Some(cut) = late {
        let what = format!(
            "it ends before {}, of which there is a checkpoint",
            cut_text(cut)
        );
        let damage = Damage::of(
            what,
            "what was recorded at its end",
            "its records; checkpoints",
        );
        health.add(store, run, &run.journal_path(), damage);
        health.mends.push(Mend::Journal {
            path: run.journal_path(),
            ends_early: true,
        });
    }
}
