//! The recorded cut points in the probed source, and what the probes need of them.
//!
//! ```python
//! for epoch in range(8):        # the recorded main loop, two lines further down
//!     for x in loader: ...      # a recorded block; executed when a probe is in it
//!     print(loss)               # needs `loss` in the block's checkpoint
//! ```
//!
//! Compiles the probed source afresh to learn what is live with the probes; chooses nothing about
//! segments.

use std::collections::{BTreeMap, BTreeSet};

use florc_history::{align_sites, runs_once, span_in_current};
use florc_instrument::{Options, Reuse, plan, source_span};
use florc_manifest::{
    MainLoopSite, ModuleManifest, NeededRoots, Place, Root, Settings, SkipBlockSite, SourceSpan,
    WatchedRoots,
};
use florc_semantic::{FunctionId, Semantics};
use florc_syntax::tree::{StmtId, StmtKind};
use florc_syntax::{Module, Span};

use super::beyond_state;
use super::changes::{Analysed, Comparison};
use super::find::{Sources, Subject};
use super::in_doubt::in_doubt;
use super::reached::Reached;

/// The probed module as the workers will run it.
pub(crate) struct Probed {
    pub(crate) manifest: ModuleManifest,
    pub(crate) main_loops: Vec<MainLoopSite>,
    pub(crate) skip_blocks: Vec<SkipBlockSite>,
    pub(crate) forward_sites: Vec<Option<u32>>,
    pub(crate) clock_sites: Vec<Option<u32>>,
    pub(crate) executed_blocks: Vec<String>,
    pub(crate) needed: Vec<NeededRoots>,
    /// Why no worker can start at the checkpoints of a main loop, by its id.
    pub(crate) cannot_start: BTreeMap<String, String>,
    /// Main loops of which blocks that must run do so in iterations that nothing is asked of, too.
    pub(crate) carrying: Vec<String>,
    /// Blocks that are run since a statement comes before them that may change the training.
    pub(crate) in_doubt: BTreeSet<String>,
    /// What statements that may change the training may change besides.
    pub(crate) watched: Vec<WatchedRoots>,
    /// Iterations in which added statements can run.
    pub(crate) reached: Reached,
}

impl Probed {
    /// Why no worker can start at any checkpoint, if so.
    pub(crate) fn why_from_start(&self) -> Option<String> {
        let all = self.cannot_start.len() == self.main_loops.len();
        self.cannot_start.values().next().filter(|_| all).cloned()
    }
}

/// Compiles the probed source with the recorded cut points.
pub(crate) fn probed(subject: &Subject, sources: &Sources, comparison: &Comparison) -> Probed {
    let modules = &subject.facts.manifest.modules;
    let recorded = modules.first().cloned().unwrap_or_default();
    let find = |span: &SourceSpan| {
        span_in_current(&sources.recorded, &sources.current, &comparison.diff, span)
    };
    let blocks: Vec<((StmtId, Span), &SkipBlockSite)> = recorded
        .skip_blocks
        .iter()
        .filter_map(|site| Some((find(&site.span)?, site)))
        .collect();
    let settings = &subject.facts.manifest.settings;
    let afresh = compile(sources, comparison, settings, None);
    let here = |span: Span| source_span(&sources.current, span);
    let reuse = Reuse {
        main_loops: recorded
            .main_loops
            .iter()
            .filter_map(|site| Some(widen_main(site, here(find(&site.span)?.1), &afresh)))
            .collect(),
        skip_blocks: blocks
            .iter()
            .map(|((_, span), site)| widen_block(site, here(*span), &afresh))
            .collect(),
    };
    let compiled = compile(sources, comparison, settings, Some(reuse));
    let needs = Needs::new(comparison, &sources.current, &recorded, &compiled, &afresh)
        .for_ranks(subject.facts.manifest.world_size(), &compiled)
        .beyond_state(&sources.current, &compiled)
        .without(&subject.facts.unexpected, &compiled)
        .with_callers(&subject.facts.entered, &sources.current);
    let forward = pair(sources, comparison, &recorded, &compiled, |module| {
        module.logs.iter().map(|site| site.span.clone()).collect()
    });
    let clocks = pair(sources, comparison, &recorded, &compiled, |module| {
        module.clocks.iter().map(|site| site.span.clone()).collect()
    });
    let mut compiled = compiled;
    for log in &mut compiled.logs {
        let file = if log.span.file.is_empty() {
            sources.current.source.path()
        } else {
            &log.span.file
        };
        log.span.line = sources.line(file, log.span.line);
    }
    let of_blocks = blocks.iter().map(|((block, _), site)| (*block, &site.id));
    Probed {
        main_loops: needs.startable(&compiled),
        skip_blocks: compiled.skip_blocks.clone(),
        forward_sites: forward,
        clock_sites: clocks,
        executed_blocks: needs.executed(&sources.current, &blocks),
        in_doubt: in_doubt(comparison, &sources.current, of_blocks),
        needed: needs.needed,
        cannot_start: needs.cannot_start,
        carrying: needs.carrying.into_iter().collect(),
        watched: needs.watched,
        reached: Reached::new(subject, sources, comparison),
        manifest: compiled,
    }
}

/// The manifest of the current version; its analysis is at hand.
fn compile(
    sources: &Sources,
    comparison: &Comparison,
    settings: &Settings,
    reuse: Option<Reuse>,
) -> ModuleManifest {
    let Analysed { semantics, effects } = &comparison.current;
    let options = Options {
        reuse,
        settings: settings.clone(),
        ..Options::default()
    };
    let (plan, _) = plan(&sources.current, semantics, effects, &options);
    plan.manifest(sources.current.source.path())
}

fn pair(
    sources: &Sources,
    comparison: &Comparison,
    recorded: &ModuleManifest,
    probed: &ModuleManifest,
    spans: impl Fn(&ModuleManifest) -> Vec<SourceSpan>,
) -> Vec<Option<u32>> {
    let (old, new) = (spans(recorded), spans(probed));
    align_sites(
        (&sources.recorded, &old),
        (&sources.current, &new),
        &comparison.diff,
    )
}

/// A recorded main loop that also gives back what only the probes read. Checkpoints hold names
/// that nobody read when the run was recorded, for this.
fn widen_main(site: &MainLoopSite, span: SourceSpan, afresh: &ModuleManifest) -> MainLoopSite {
    let mut site = site.clone();
    let same = afresh.main_loops.iter().find(|new| new.span == span);
    site.span = span;
    if let Some(new) = same {
        widen_roots(&mut site.roots, &new.roots);
        widen_indices(&site.roots, &mut site.returned, &new.roots, &new.returned);
    }
    site
}

/// As [`widen_main`], for a SkipBlock.
fn widen_block(site: &SkipBlockSite, span: SourceSpan, afresh: &ModuleManifest) -> SkipBlockSite {
    let mut site = site.clone();
    let same = afresh.skip_blocks.iter().find(|new| new.span == span);
    site.span = span;
    if let Some(new) = same {
        widen_roots(&mut site.roots, &new.roots);
        let arguments = &mut site.restore_arguments;
        widen_indices(&site.roots, arguments, &new.roots, &new.restore_arguments);
        let results = &mut site.restore_results;
        widen_indices(&site.roots, results, &new.roots, &new.restore_results);
    }
    site
}

fn widen_roots(recorded: &mut [Root], afresh: &[Root]) {
    for root in recorded {
        if let Some(new) = afresh.iter().find(|new| new.key() == root.key()) {
            root.live |= new.live;
            root.held &= new.held || !new.live;
            root.always_bound &= new.always_bound;
            root.replaced |= new.replaced;
        }
    }
}

/// Adds the roots that `new` names among `new_roots` to `indices`.
fn widen_indices(roots: &[Root], indices: &mut Vec<usize>, new_roots: &[Root], new: &[usize]) {
    for root in new.iter().filter_map(|index| new_roots.get(*index)) {
        let at = roots.iter().position(|known| known.key() == root.key());
        indices.extend(at.filter(|at| !indices.contains(at)));
    }
}

/// What the probes need at each cut point.
struct Needs<'a> {
    comparison: &'a Comparison,
    needed: Vec<NeededRoots>,
    cannot_start: BTreeMap<String, String>,
    carrying: BTreeSet<String>,
    watched: Vec<WatchedRoots>,
    /// Names of variables that added statements bind.
    fresh: BTreeSet<String>,
    /// Blocks whose checkpoints lack a needed name, or that must be run for another reason.
    unusable: BTreeSet<String>,
}

impl<'a> Needs<'a> {
    fn new(
        comparison: &'a Comparison,
        module: &Module,
        recorded: &ModuleManifest,
        compiled: &ModuleManifest,
        afresh: &ModuleManifest,
    ) -> Self {
        let mut needs = Self {
            comparison,
            needed: Vec::new(),
            cannot_start: BTreeMap::new(),
            carrying: BTreeSet::new(),
            watched: Vec::new(),
            fresh: fresh_names(comparison, module),
            unusable: BTreeSet::new(),
        };
        for site in &compiled.main_loops {
            let same = afresh.main_loops.iter().find(|new| new.span == site.span);
            if let Some(old) = recorded.main_loop(&site.id) {
                needs.main_loop(old, same);
            }
        }
        for site in &compiled.skip_blocks {
            let same = afresh.skip_blocks.iter().find(|new| new.span == site.span);
            let old = recorded.skip_blocks.iter().find(|old| old.id == site.id);
            match (same, old) {
                (Some(same), Some(old)) if needs.missing(&same.roots, &old.roots).is_none() => {
                    needs.add(&site.id, &same.roots, &old.roots);
                }
                _ => {
                    // What it makes for the probes is not in its checkpoints: it runs in each iteration.
                    let mains = compiled.main_loops.iter();
                    needs.carrying.extend(mains.map(|main| main.id.clone()));
                    needs.unusable.insert(site.id.clone());
                }
            }
        }
        needs
    }

    /// Of several processes only some may run a statement: a block that one of them runs for it, all must.
    fn for_ranks(mut self, count: u32, compiled: &ModuleManifest) -> Self {
        if count > 1 && !self.comparison.unproven.is_empty() {
            let mains = compiled.main_loops.iter();
            self.carrying = mains.map(|site| site.id.clone()).collect();
            let blocks = compiled.skip_blocks.iter();
            self.unusable = blocks.map(|site| site.id.clone()).collect();
        }
        self
    }

    /// What no state holds is there only where all is run.
    fn beyond_state(mut self, module: &Module, compiled: &ModuleManifest) -> Self {
        let Some(name) = beyond_state::asked(self.comparison, module) else {
            return self;
        };
        for site in &compiled.main_loops {
            let why = format!("the added statements ask for `{name}`, which no checkpoint holds");
            self.cannot_start.insert(site.id.clone(), why);
            self.carrying.insert(site.id.clone());
        }
        let blocks = compiled.skip_blocks.iter();
        self.unusable = blocks.map(|site| site.id.clone()).collect();
        self
    }

    /// Checkpoints of main loops in which something unexpected ran may not hold all.
    fn without(mut self, unexpected: &BTreeSet<String>, compiled: &ModuleManifest) -> Self {
        for site in &compiled.main_loops {
            if unexpected.contains(&site.id) {
                let why = "a function ran in the loop that was not expected there".to_owned();
                self.cannot_start.insert(site.id.clone(), why);
            }
        }
        self
    }

    /// Blocks in which a function with an added statement ran, though no call of it is known there.
    fn with_callers(
        mut self,
        entered: &BTreeSet<(String, String, String)>,
        module: &Module,
    ) -> Self {
        let semantics = &self.comparison.current.semantics;
        let added = self.comparison.added.iter().map(|stmt| {
            let function = semantics.function_of_stmt(*stmt);
            let file = module.source.file_of(module.tree.stmt(*stmt).span.start);
            (
                file.path.as_str(),
                semantics.function(function).qualname.as_str(),
            )
        });
        let added: BTreeSet<(&str, &str)> = added.collect();
        let ran = entered.iter();
        let ran =
            ran.filter(|(_, file, function)| added.contains(&(file.as_str(), function.as_str())));
        self.unusable.extend(ran.map(|(site, ..)| site.clone()));
        self
    }

    fn main_loop(&mut self, recorded: &MainLoopSite, afresh: Option<&MainLoopSite>) {
        let Some(afresh) = afresh else {
            self.carrying.insert(recorded.id.clone());
            let why = "with the added statements this is no main loop any more".to_owned();
            self.cannot_start.insert(recorded.id.clone(), why);
            return;
        };
        let why = if let Some(name) = self.missing(&afresh.roots, &recorded.roots) {
            self.carrying.insert(recorded.id.clone());
            Some(format!(
                "the added statements carry `{name}` from one iteration to the next, and the \
                 recorded checkpoints do not hold it"
            ))
        } else if recorded.recreatable {
            None
        } else {
            Some("what the loop iterates over cannot be made again".to_owned())
        };
        self.cannot_start
            .extend(why.map(|why| (recorded.id.clone(), why)));
        let unheld = lacking(&afresh.roots, &recorded.roots).filter(|it| self.is_watched(it));
        let roots: Vec<Root> = unheld.cloned().collect();
        if !roots.is_empty() {
            self.watched.push(WatchedRoots {
                site: recorded.id.clone(),
                roots,
            });
        }
        self.add(&recorded.id, &afresh.roots, &recorded.roots);
    }

    /// A live name that recorded checkpoints would have to hold, and do not.
    fn missing<'r>(&self, live: &'r [Root], recorded: &'r [Root]) -> Option<&'r str> {
        let mut lacking = lacking(live, recorded).filter(|root| !self.is_watched(root));
        lacking.next().map(|root| root.name.as_str())
    }

    /// Whether the recorded program leaves it as it is, so that only statements that may change the
    /// training could change it: whether they do is seen when they run.
    fn is_watched(&self, root: &Root) -> bool {
        // A variable of an enclosing function may be out of the frame's sight.
        !self.comparison.unproven.is_empty()
            && root.place != Place::Captured
            && !self.fresh.contains(&root.name)
    }

    /// The main loops; a worker starts in none that the probes forbid.
    fn startable(&self, compiled: &ModuleManifest) -> Vec<MainLoopSite> {
        let startable = |site: &MainLoopSite| MainLoopSite {
            recreatable: site.recreatable && !self.cannot_start.contains_key(&site.id),
            ..site.clone()
        };
        compiled.main_loops.iter().map(startable).collect()
    }

    fn add(&mut self, site: &str, roots: &[Root], recorded: &[Root]) {
        // What only others may hold was looked for when it was recorded.
        let was_held = |root: &Root| {
            recorded
                .iter()
                .any(|old| old.held && old.key() == root.key())
        };
        let names = roots
            .iter()
            .filter(|root| root.live && !(root.held && was_held(root)))
            .filter(|root| is_known(recorded, root) || !self.is_watched(root))
            .map(Root::key)
            .collect();
        self.needed.push(NeededRoots {
            site: site.to_owned(),
            names,
        });
    }

    /// Blocks that hold, or may reach, an added statement; and those that cannot be skipped.
    fn executed(
        &self,
        module: &Module,
        blocks: &[((StmtId, Span), &SkipBlockSite)],
    ) -> Vec<String> {
        let comparison = self.comparison;
        let semantics = &comparison.current.semantics;
        let added = comparison.added.iter();
        let functions: BTreeSet<FunctionId> = added
            .map(|stmt| semantics.function_of_stmt(*stmt))
            .collect();
        let by_import = !functions.is_disjoint(&comparison.run_by_imports);
        let again = functions
            .into_iter()
            .filter(|it| !runs_once(semantics, module, *it));
        let functions: BTreeSet<FunctionId> = again.collect();
        let importing = importing(module, semantics);
        // Where no checkpoint shows all that a statement may have changed, what follows it is run.
        let in_doubt = !comparison.unproven.is_empty() && !self.cannot_start.is_empty();
        let must_run = |block: StmtId| {
            let reached = comparison.current.effects.may_reach(&[block]);
            let inside: BTreeSet<StmtId> = std::iter::once(block)
                .chain(module.tree.descendants(block))
                .collect();
            comparison.added.iter().any(|stmt| inside.contains(stmt))
                || !functions.is_disjoint(&reached)
                || by_import
                    && (inside.iter().any(|stmt| is_import(module, *stmt))
                        || !importing.is_disjoint(&reached))
        };
        let executed = blocks.iter().filter(|((block, _), site)| {
            in_doubt || self.unusable.contains(&site.id) || must_run(*block)
        });
        executed.map(|(_, site)| site.id.clone()).collect()
    }
}

fn is_import(module: &Module, stmt: StmtId) -> bool {
    let kind = &module.tree.stmt(stmt).kind;
    matches!(kind, StmtKind::Import { .. } | StmtKind::ImportFrom { .. })
}

/// Functions that import something: the first time, that runs a file.
fn importing(module: &Module, semantics: &Semantics) -> BTreeSet<FunctionId> {
    let all = (0..module.tree.stmt_count() as u32).map(StmtId);
    all.filter(|stmt| is_import(module, *stmt))
        .map(|stmt| semantics.function_of_stmt(stmt))
        .collect()
}

/// The live names that the recorded roots do not have.
pub(super) fn lacking<'a>(
    live: &'a [Root],
    recorded: &'a [Root],
) -> impl Iterator<Item = &'a Root> {
    let live = live.iter().filter(|root| root.live);
    live.filter(|root| !is_known(recorded, root))
}

fn is_known(recorded: &[Root], root: &Root) -> bool {
    recorded
        .iter()
        .any(|old| old.key() == root.key() && old.place == root.place)
}

/// Names of variables that added statements bind.
fn fresh_names(comparison: &Comparison, module: &Module) -> BTreeSet<String> {
    let added = comparison.added.iter();
    let added: BTreeSet<StmtId> = added
        .flat_map(|stmt| std::iter::once(*stmt).chain(module.tree.descendants(*stmt)))
        .collect();
    let bindings = comparison.current.semantics.bindings.iter();
    let fresh = bindings.filter(|it| it.definitions.iter().any(|def| added.contains(&def.stmt)));
    fresh.map(|it| it.name.clone()).collect()
}
