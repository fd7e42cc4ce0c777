//! Where a program is: main-loop iteration, SkipBlock, context.
//!
//! ```python
//! for epoch in range(3):        # iteration (instance 0, iteration 2)
//!     for x, y in loader:       # its SkipBlock "loader", occurrence 0
//!         ...
//! ```
//!
//! Recorder and replayer count with this one machine, so that keys of one are keys of the other.
//! Decides nothing.

use std::collections::BTreeMap;

use florc_manifest::{BlockKey, HeadKey, MainLoopSite, Row, RunManifest};

use crate::context::{Context, LoopToken};
use crate::recorder::LogEvent;

/// A part of the program's time, in order: what runs before the n-th entry of a main loop (and
/// after the one before), or one iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    instance: u32,
    iteration: Option<u64>,
}

impl Moment {
    /// Outside of iterations.
    pub(crate) fn gap(entries: u32) -> Self {
        Self {
            instance: entries,
            iteration: None,
        }
    }

    /// In an iteration.
    pub(crate) fn head(head: HeadKey) -> Self {
        Self {
            instance: head.instance,
            iteration: Some(head.iteration),
        }
    }

    /// The iteration.
    pub(crate) fn key(self) -> Option<HeadKey> {
        let key = |iteration| HeadKey {
            instance: self.instance,
            iteration,
        };
        self.iteration.map(key)
    }
}

/// Where the program is.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Loops around.
    pub(crate) context: Context,
    entered: u32,
    gap: u32,
    main: Option<Main>,
    main_site: String,
    /// Main loops inside of a main loop: loops like others.
    inner: Vec<LoopToken>,
    blocks: Vec<String>,
    block: Option<BlockKey>,
    occurrences: BTreeMap<String, u32>,
    reads: BTreeMap<(Moment, Option<BlockKey>, u32), u64>,
    rows: u64,
}

#[derive(Debug)]
struct Main {
    instance: u32,
    begun: u64,
    token: LoopToken,
    iteration: Option<u64>,
}

impl Progress {
    /// A main loop is entered. `None`: inside of one.
    pub(crate) fn enter(&mut self, site: &str, label: &str) -> Option<u32> {
        let token = self.context.enter(label);
        if self.main.is_some() {
            self.inner.push(token);
            return None;
        }
        let instance = self.entered;
        self.entered += 1;
        self.gap = instance;
        site.clone_into(&mut self.main_site);
        self.main = Some(Main {
            instance,
            begun: 0,
            token,
            iteration: None,
        });
        self.blocks.clear();
        self.block = None;
        Some(instance)
    }

    /// The next head is that of `iteration`.
    pub(crate) fn fast_forward(&mut self, iteration: u64) {
        if let Some(main) = &mut self.main {
            main.begun = iteration;
            self.context.fast_forward(main.token, iteration);
        }
    }

    /// An iteration begins: its key and its position.
    pub(crate) fn head(&mut self, position: Option<i64>) -> Option<(HeadKey, i64)> {
        if let Some(token) = self.inner.last() {
            self.context.advance(*token, position);
            return None;
        }
        let main = self.main.as_mut()?;
        let iteration = main.begun;
        main.begun += 1;
        main.iteration = Some(iteration);
        self.gap = main.instance + 1;
        self.context.advance(main.token, position);
        self.blocks.clear();
        self.block = None;
        self.occurrences.clear();
        self.reads.clear();
        let key = HeadKey {
            instance: main.instance,
            iteration,
        };
        Some((key, position.unwrap_or(iteration.cast_signed())))
    }

    /// The main loop ended; how many iterations it had.
    pub(crate) fn leave(&mut self) -> Option<HeadKey> {
        if let Some(token) = self.inner.pop() {
            self.context.exit(token);
            return None;
        }
        let main = self.main.take()?;
        self.context.exit(main.token);
        self.gap = main.instance + 1;
        self.blocks.clear();
        self.block = None;
        self.reads.clear();
        Some(HeadKey {
            instance: main.instance,
            iteration: main.begun,
        })
    }

    /// Whether a main loop runs inside of one.
    pub(crate) fn is_inside_another(&self) -> bool {
        !self.inner.is_empty()
    }

    /// Id of the main loop that was entered last.
    pub(crate) fn main_site(&self) -> &str {
        &self.main_site
    }

    /// A SkipBlock begins. `Some`: in an iteration and outside of other SkipBlocks.
    pub(crate) fn begin_block(&mut self, site: &str) -> Option<BlockKey> {
        let head = self.moment().key();
        self.blocks.push(site.to_owned());
        let (Some(head), 1) = (head, self.blocks.len()) else {
            return None;
        };
        let count = self.occurrences.entry(site.to_owned()).or_default();
        let key = BlockKey {
            head,
            site: site.to_owned(),
            occurrence: *count,
        };
        *count += 1;
        self.block = Some(key.clone());
        Some(key)
    }

    /// A SkipBlock ended. `Some` as above.
    pub(crate) fn end_block(&mut self, site: &str) -> Option<BlockKey> {
        let at = self.blocks.iter().rposition(|open| open == site)?;
        self.blocks.truncate(at);
        if at == 0 { self.block.take() } else { None }
    }

    /// Now.
    pub(crate) fn moment(&self) -> Moment {
        match &self.main {
            Some(Main {
                instance,
                iteration: Some(iteration),
                ..
            }) => Moment {
                instance: *instance,
                iteration: Some(*iteration),
            },
            Some(_) | None => Moment::gap(self.gap),
        }
    }

    /// Whether a main loop or SkipBlock that counts is being run.
    pub(crate) fn runs_in(&self, site: &str) -> bool {
        self.moment().key().is_some()
            && (self.main_site == site || self.block.as_ref().is_some_and(|it| it.site == site))
    }

    /// The outermost SkipBlock that runs.
    pub(crate) fn block(&self) -> Option<&BlockKey> {
        self.block.as_ref()
    }

    /// Number of reads of a clock site before, in this moment and block.
    pub(crate) fn count_read(&mut self, site: u32) -> u64 {
        let count = self
            .reads
            .entry((self.moment(), self.block.clone(), site))
            .or_default();
        *count += 1;
        *count - 1
    }

    /// So many rows were recorded before.
    pub(crate) fn count_rows(&mut self, rows: u64) {
        self.rows = rows;
    }

    /// A row, with where it comes from.
    pub(crate) fn row(&mut self, event: LogEvent) -> Row {
        self.rows += 1;
        Row {
            site: event.site,
            line: event.line,
            head: self.moment().key(),
            block: self.block.clone(),
            context: self.context.positions(),
            seq: self.rows - 1,
            text: event.text,
            values: event.values,
        }
    }
}

/// The main loops of a run.
pub(crate) fn main_loops(manifest: &RunManifest) -> impl Iterator<Item = &MainLoopSite> {
    let modules = manifest.modules.iter();
    modules.flat_map(|module| &module.main_loops)
}

/// Label of a main loop.
pub(crate) fn main_label<'m>(manifest: &'m RunManifest, site: &'m str) -> &'m str {
    let found = main_loops(manifest).find(|main| main.id == site);
    let found = found.map(|main| main.label.as_str());
    found.unwrap_or_else(|| site.rsplit(['/', ':']).next().unwrap_or(site))
}

/// Names of the roots of a main loop or SkipBlock that nobody reads after the cut point. They are
/// in checkpoints for future probes; replay may leave them as they are, so they are not compared.
pub(crate) fn dead_roots(manifest: &RunManifest, site: &str) -> Vec<String> {
    let blocks = manifest
        .modules
        .iter()
        .flat_map(|module| &module.skip_blocks);
    let mut sites = main_loops(manifest)
        .map(|main| (&main.id, &main.roots))
        .chain(blocks.map(|block| (&block.id, &block.roots)));
    let Some((_, roots)) = sites.find(|(id, _)| *id == site) else {
        return Vec::new();
    };
    roots
        .iter()
        .filter(|root| !root.live)
        .map(florc_manifest::Root::key)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_counted_outside_of_each_other() {
        let mut progress = Progress::default();
        assert_eq!(progress.begin_block("a"), None);
        assert_eq!(progress.end_block("a"), None);
        progress.enter("m", "epoch");
        progress.head(None);
        let occurrence = |key: Option<BlockKey>| key.map(|key| key.occurrence);
        assert_eq!(occurrence(progress.begin_block("a")), Some(0));
        assert_eq!(occurrence(progress.begin_block("b")), None);
        assert_eq!(occurrence(progress.end_block("b")), None);
        assert_eq!(occurrence(progress.end_block("a")), Some(0));
        assert_eq!(occurrence(progress.begin_block("b")), Some(0));
        progress.end_block("b");
        assert_eq!(occurrence(progress.begin_block("a")), Some(1));
        progress.head(None);
        assert_eq!(progress.block(), None);
        assert_eq!(occurrence(progress.begin_block("a")), Some(0));
    }

    #[test]
    fn moments_are_in_program_order() {
        let mut progress = Progress::default();
        let mut moments = vec![progress.moment()];
        for _ in 0..2 {
            progress.enter("m", "epoch");
            progress.head(Some(7));
            moments.push(progress.moment());
            progress.head(Some(8));
            moments.push(progress.moment());
            progress.leave();
            moments.push(progress.moment());
        }
        assert!(moments.is_sorted_by(|a, b| a < b), "{moments:?}");
        assert_eq!(
            moments[4].key(),
            Some(HeadKey {
                instance: 1,
                iteration: 0
            })
        );
    }

    #[test]
    fn one_main_loop_after_the_other() {
        let mut progress = Progress::default();
        assert_eq!(progress.enter("a", "epoch"), Some(0));
        progress.head(None);
        progress.leave();
        assert_eq!(progress.enter("b", "step"), Some(1));
        assert_eq!(progress.main_site(), "b");
        assert_eq!(progress.enter("a", "epoch"), None);
        assert_eq!(progress.main_site(), "b");
    }

    #[test]
    fn a_main_loop_inside_of_itself_is_a_loop_like_others() {
        let mut progress = Progress::default();
        assert_eq!(progress.enter("m", "epoch"), Some(0));
        progress.head(None);
        assert_eq!(progress.enter("m", "epoch"), None);
        assert_eq!(progress.head(None), None);
        assert_eq!(progress.leave(), None);
        assert_eq!(
            progress.leave(),
            Some(HeadKey {
                instance: 0,
                iteration: 1
            })
        );
    }
}
