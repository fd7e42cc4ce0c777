//! What a replay must know of the recorded run, looked up by moment.
//!
//! Reads the journal once. Compares nothing.

use std::collections::{BTreeMap, BTreeSet};

use florc_manifest::{
    BlockKey, CheckpointRecord, CutKey, HeadKey, JournalRecord, LoopPosition, MainLoopSite, Place,
    Row, RunManifest, Value,
};

use crate::error::StoreError;
use crate::progress::{Moment, dead_roots, main_loops};
use crate::run::RunHandle;

/// Code of the note at a damaged place of a journal that was mended: records behind it are rows to
/// be shown, no proof.
pub(crate) const JOURNAL_DAMAGED: &str = "journal-damaged";

/// A log row, without where it stood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LoggedRow {
    /// Index of the recorded site.
    pub(crate) site: u32,
    /// Outermost SkipBlock it was emitted in.
    pub(crate) block: Option<BlockKey>,
    /// Loops around it.
    pub(crate) context: Vec<LoopPosition>,
    /// Text as printed.
    pub(crate) text: String,
    /// Typed columns.
    pub(crate) values: Vec<(String, Value)>,
}

impl LoggedRow {
    fn of(row: Row) -> Self {
        Self {
            site: row.site,
            block: row.block,
            context: row.context,
            text: row.text,
            values: row.values,
        }
    }
}

/// A clock read: moment, block, site, number in these.
pub(crate) type ReadKey = (Moment, Option<BlockKey>, u32, u64);

/// A recorded run.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) run: RunHandle,
    pub(crate) manifest: RunManifest,
    /// Content hashes of the main loop's inputs, by entry.
    pub(crate) inputs: BTreeMap<u32, BTreeMap<String, String>>,
    /// Main loop of each entry; empty: the only one.
    pub(crate) sites: BTreeMap<u32, String>,
    /// Entries of a main loop in which a new process draws the same items.
    pub(crate) repeats: BTreeSet<u32>,
    /// Position of each iteration that began.
    pub(crate) positions: BTreeMap<HeadKey, i64>,
    /// Number of iterations by entry, where the loop ended normally or by `break`.
    pub(crate) left: BTreeMap<u32, u64>,
    pub(crate) rows: BTreeMap<Moment, Vec<LoggedRow>>,
    pub(crate) reads: BTreeMap<ReadKey, Value>,
    pub(crate) checkpoints: BTreeMap<CutKey, CheckpointRecord>,
    /// Since when a file must not have been written to be what the program saw at a moment.
    file_limits: BTreeMap<Moment, f64>,
    /// When main loops were left, by the same clock: what was written before is older.
    left_at: BTreeMap<Moment, f64>,
    /// Last moment of a run that was killed: what it has of it may be a part.
    pub(crate) cut_off: Option<Moment>,
    /// Main loops and SkipBlocks in which functions were called that were not expected there: what they change
    /// may not be in checkpoints.
    unexpected: BTreeSet<String>,
    /// Checkpoints that another process of the run cannot restore.
    refused: BTreeSet<CutKey>,
}

impl Recorded {
    /// Reads a run.
    pub(crate) fn read(run: RunHandle) -> Result<Self, StoreError> {
        let manifest = run.manifest()?;
        let journal = run.journal()?;
        let checkpoints = run.checkpoints_of(&journal)?;
        let mut recorded = Self {
            run,
            manifest,
            inputs: BTreeMap::new(),
            sites: BTreeMap::new(),
            repeats: BTreeSet::new(),
            positions: BTreeMap::new(),
            left: BTreeMap::new(),
            rows: BTreeMap::new(),
            reads: BTreeMap::new(),
            checkpoints: checkpoints
                .into_iter()
                .map(|it| (it.cut.clone(), it))
                .collect(),
            file_limits: BTreeMap::new(),
            left_at: BTreeMap::new(),
            cut_off: None,
            unexpected: BTreeSet::new(),
            refused: BTreeSet::new(),
        };
        let mut gap = 0;
        let mut has_ended = false;
        for record in journal.records {
            if matches!(&record, JournalRecord::Note { code, .. } if code == JOURNAL_DAMAGED) {
                has_ended = false;
                break;
            }
            has_ended |= matches!(record, JournalRecord::Ended { .. });
            recorded.add(record, &mut gap);
        }
        recorded.leave_out_unexpected();
        if !has_ended {
            let last_head = recorded
                .positions
                .keys()
                .next_back()
                .map(|head| Moment::head(*head));
            let is_left = recorded.left.contains_key(&gap.saturating_sub(1));
            recorded.cut_off = last_head.filter(|_| !is_left).or(Some(Moment::gap(gap)));
        }
        Ok(recorded)
    }

    /// Processes that exchange data must take the same way: what one of them cannot restore or
    /// jump to, none does. `needed`: names that a checkpoint of a site must have.
    pub(crate) fn keep_what_is_restorable<'a>(
        &mut self,
        other: &Self,
        needed: &dyn Fn(&str) -> &'a [String],
    ) {
        self.repeats.retain(|entry| other.repeats.contains(entry));
        self.unexpected.extend(other.unexpected.iter().cloned());
        for cut in self.checkpoints.keys() {
            let site = match cut {
                CutKey::Block(block) => block.site.as_str(),
                CutKey::Head(head) | CutKey::Exit(head) => other
                    .main_loop_of(head.instance)
                    .map_or("", |main| &main.id),
            };
            let theirs = other.checkpoints.get(cut);
            if !theirs.is_some_and(|record| record.restorable(needed(site))) {
                self.refused.insert(cut.clone());
            }
        }
    }

    /// No iteration of a main loop may begin at a checkpoint that may not hold all.
    fn leave_out_unexpected(&mut self) {
        let (sites, unexpected) = (&self.sites, &self.unexpected);
        self.repeats.retain(|entry| {
            !sites
                .get(entry)
                .is_some_and(|site| unexpected.contains(site))
        });
    }

    /// Whether a SkipBlock must be run, since a checkpoint of its end may not hold all.
    pub(crate) fn must_run(&self, block: &str) -> bool {
        self.unexpected.contains(block)
    }

    /// Whether another process of the run cannot restore a checkpoint.
    pub(crate) fn is_refused(&self, cut: &CutKey) -> bool {
        self.refused.contains(cut)
    }

    /// A file that was written at that time or later may not be what the program saw at a moment.
    /// What is read in an iteration must be older than it; what is read outside of iterations
    /// must be older than the next one, as all that the program itself writes there is written
    /// again by a replay. `None`: nothing of the run came later.
    pub(crate) fn file_limit(&self, moment: Moment) -> Option<f64> {
        let known = self.file_limits.get(&moment).copied();
        known.or_else(|| moment.key().map(|_| self.manifest.started))
    }

    /// A file that is older than this was not written in a moment or later; `None`: not known.
    pub(crate) fn file_began(&self, moment: Moment) -> Option<f64> {
        let starts = if moment.key().is_some() {
            &self.file_limits
        } else {
            &self.left_at
        };
        starts.get(&moment).copied()
    }

    fn leave(&mut self, head: HeadKey, clock: Option<(Moment, f64)>) {
        self.left_at.extend(clock);
        self.left.insert(head.instance, head.iteration);
    }

    fn add(&mut self, record: JournalRecord, gap: &mut u32) {
        let moment = |head: Option<HeadKey>, gap: u32| head.map_or(Moment::gap(gap), Moment::head);
        match record {
            JournalRecord::LoopEntered {
                instance,
                site,
                inputs,
                repeats,
                file_clock,
                ..
            } => {
                *gap = instance;
                self.sites.insert(instance, site);
                self.repeats.extend(repeats.then_some(instance));
                let limit = file_clock.unwrap_or(self.manifest.started);
                self.file_limits.insert(Moment::gap(instance), limit);
                self.inputs.insert(instance, inputs);
            }
            JournalRecord::IterationBegan {
                head,
                position,
                file_clock,
                ..
            } => {
                *gap = head.instance.saturating_add(1);
                let limit = file_clock.unwrap_or(self.manifest.started);
                self.file_limits.insert(Moment::head(head), limit);
                self.positions.insert(head, position);
            }
            JournalRecord::LoopLeft {
                head, file_clock, ..
            } => {
                *gap = head.instance.saturating_add(1);
                let clock = file_clock.map(|clock| (Moment::gap(*gap), clock));
                self.leave(head, clock);
            }
            JournalRecord::Log(row) => {
                let rows = self.rows.entry(moment(row.head, *gap)).or_default();
                rows.push(LoggedRow::of(row));
            }
            JournalRecord::Clock {
                site,
                head,
                block,
                index,
                value,
            } => {
                self.reads
                    .insert((moment(head, *gap), block, site, index), value);
            }
            JournalRecord::Unexpected { guard, site } => {
                self.unexpected
                    .extend(self.manifest.changes(guard).then_some(site));
            }
            JournalRecord::BlockEnded { .. }
            | JournalRecord::Checkpoint(_)
            | JournalRecord::CheckpointDropped { .. }
            | JournalRecord::Source(_)
            | JournalRecord::Note { .. }
            | JournalRecord::Ended { .. } => {}
        }
    }

    /// Roots that nobody reads after a cut point.
    pub(crate) fn dead_roots(&self, cut: &CutKey, main_site: &str) -> Vec<String> {
        let site = match cut {
            CutKey::Block(block) => block.site.as_str(),
            CutKey::Head(_) | CutKey::Exit(_) => main_site,
        };
        dead_roots(&self.manifest, site)
    }

    /// Globals that are dead at the head of a main loop, as block ends in functions name them.
    pub(crate) fn dead_globals(&self, main_site: &str) -> BTreeSet<String> {
        let mains = main_loops(&self.manifest).filter(|main| main.id == main_site);
        let roots = mains.flat_map(|main| main.roots.iter().map(move |root| (main, root)));
        let dead = roots.filter(|(_, root)| !root.live);
        dead.flat_map(|(main, root)| match root.place {
            Place::Local if main.function.is_empty() => vec![
                format!("global {}", root.name),
                format!("global __main__:{}", root.name),
            ],
            Place::Global => vec![root.key()],
            Place::Local | Place::Captured => Vec::new(),
        })
        .collect()
    }

    /// The main loop of an entry.
    pub(crate) fn main_loop_of(&self, instance: u32) -> Option<&MainLoopSite> {
        let site = self.sites.get(&instance)?;
        main_loops(&self.manifest).find(|main| site.is_empty() || main.id == *site)
    }

    /// Whether items of a main loop may be drawn without running its body.
    pub(crate) fn can_jump(&self, site: &str) -> bool {
        let mut mains = main_loops(&self.manifest);
        mains
            .find(|main| main.id == site)
            .is_some_and(|main| main.recreatable)
    }

    /// Line of a recorded log statement.
    pub(crate) fn line(&self, site: u32) -> Option<u32> {
        let module = self.manifest.modules.first()?;
        module.logs.get(site as usize).map(|log| log.span.line)
    }
}
