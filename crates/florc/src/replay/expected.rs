//! How long parts of a run are expected to take in a replay.
//!
//! ```python
//! for epoch in range(8):             # seconds as recorded,
//!     print("lr", schedule())        # if it may change the training, the block after it is run
//!     for x in loader: ...           # less what a block took that is skipped, and what restoring it takes
//! ```
//!
//! Figures only; what is run is decided by the worker.

use std::collections::BTreeSet;

use florc_manifest::{BlockKey, CutKey, NeededRoots};

use super::changes::Comparison;
use super::find::Subject;
use super::probed::Probed;
use crate::facts::{IterationFacts, RunFacts};

/// Bytes of a state that are read, checked and put back in a second.
const RESTORED: f64 = 1e9;

/// What the expectations rest on.
pub(crate) struct Expected<'a> {
    facts: &'a RunFacts,
    probed: &'a Probed,
    /// Main loops that a statement may run in which may change the training.
    doubting: BTreeSet<&'a str>,
    /// The script is run from its beginning, and no block is skipped.
    whole: bool,
}

impl<'a> Expected<'a> {
    pub(crate) fn new(
        subject: &'a Subject,
        probed: &'a Probed,
        comparison: &'a Comparison,
        whole: bool,
    ) -> Self {
        let mains = probed.main_loops.iter();
        let doubting = mains.filter(|main| comparison.may_doubt_in(&main.id));
        let doubting = doubting.map(|main| main.id.as_str()).collect();
        let facts = &subject.facts;
        Self {
            facts,
            probed,
            doubting,
            whole,
        }
    }

    /// Seconds of all iterations, given which of them are asked for.
    pub(crate) fn iterations(&self, wanted: impl Fn(&IterationFacts) -> bool) -> Vec<f64> {
        // Until a head shows that nothing was changed.
        let mut is_doubtful = false;
        let iterations = self.facts.iterations.iter().map(|each| {
            let head = CutKey::Head(each.head);
            is_doubtful &= !self.facts.checkpoints.contains_key(&head);
            let seconds = self.iteration(each, wanted(each), is_doubtful);
            let site = self.facts.main_loop_of(each.head);
            is_doubtful |= site.is_some_and(|site| self.doubting.contains(site.id.as_str()));
            seconds
        });
        iterations.collect()
    }

    /// Blocks that will be skipped cost what it takes to restore their ends.
    fn iteration(&self, each: &IterationFacts, is_wanted: bool, is_doubtful: bool) -> f64 {
        let site = self.facts.main_loop_of(each.head);
        let carries = site.is_some_and(|site| self.probed.carrying.contains(&site.id));
        let is_run = |block: &BlockKey| {
            let is_probed = self.probed.executed_blocks.contains(&block.site);
            self.whole
                || is_doubtful
                || self.probed.in_doubt.contains(&block.site)
                || self.facts.unexpected.contains(&block.site)
                || is_probed && (is_wanted || carries)
                || !self.is_restorable(block)
        };
        let skipped = each.blocks.iter().filter(|(block, _)| !is_run(block));
        skipped.fold(each.seconds, |left, (block, seconds)| {
            let restored = self.restoring(&CutKey::Block(block.clone()));
            (left - seconds).max(0.0) + restored
        })
    }

    /// Ids of the blocks that are run in iterations that are asked for, whether or not their ends could be restored.
    pub(crate) fn executed(&self) -> Vec<String> {
        let is_executed = |id: &String| {
            self.whole
                || self.probed.in_doubt.contains(id)
                || self.facts.unexpected.contains(id)
                || self.probed.executed_blocks.contains(id)
        };
        let blocks = self.probed.skip_blocks.iter().map(|block| &block.id);
        blocks.filter(|id| is_executed(id)).cloned().collect()
    }

    fn is_restorable(&self, block: &BlockKey) -> bool {
        let checkpoint = self.facts.checkpoints.get(&CutKey::Block(block.clone()));
        let needed = NeededRoots::at(&self.probed.needed, &block.site);
        checkpoint.is_some_and(|record| record.restorable(needed))
    }

    /// Seconds to put back a state.
    pub(crate) fn restoring(&self, cut: &CutKey) -> f64 {
        let checkpoint = self.facts.checkpoints.get(cut);
        checkpoint.map_or(0.0, |it| it.raw_bytes as f64 / RESTORED)
    }

    /// Seconds of what comes before the main loop, with the start of the process.
    pub(crate) fn before(&self) -> f64 {
        self.facts.manifest.launch_seconds + self.facts.loop_began.unwrap_or(0.0)
    }

    /// Seconds of what comes after it.
    pub(crate) fn after(&self) -> f64 {
        let facts = self.facts;
        let end = facts.ended.as_ref().map_or(0.0, |ended| ended.seconds);
        let left = facts.loop_left.or(facts.loop_began).unwrap_or(0.0);
        (end - left).max(0.0)
    }
}

/// By how much longer an iteration takes than it did where so many segments are run at a time, since they share
/// the processors.
pub(crate) fn crowded(facts: &RunFacts, segments: usize) -> f64 {
    let busy = facts.ended.as_ref().and_then(|ended| ended.processors);
    let processes = segments * facts.manifest.world_size() as usize;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    shared(busy.unwrap_or(1.0), processes, cores)
}

/// Of processes that each keep `busy` processors busy.
fn shared(busy: f64, processes: usize, cores: usize) -> f64 {
    (busy * processes as f64 / cores as f64).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::shared;

    #[test]
    fn processes_are_slower_where_they_want_more_processors_than_there_are() {
        let check = |(busy, processes, cores), expected: f64| {
            let slower = shared(busy, processes, cores);
            assert!((slower - expected).abs() < 1e-9, "{slower}");
        };
        check((1.0, 2, 4), 1.0);
        check((3.8, 1, 4), 1.0);
        check((4.0, 2, 4), 2.0);
        check((1.0, 6, 4), 1.5);
    }
}
