//! What an edit would mean for a training, in one word.
//!
//! ```python
//! lr = 0.4                  # argument: another constant, and training reads it
//! def norm(model): ...      # replayable: only log statements call it
//! if False: step()          # dead code
//! ```
//!
//! Of what is listed beside log statements. Nothing is replayed because of it: what takes part in a replay is
//! judged by [`classify`](crate::classify).

use std::collections::BTreeSet;

use florc_manifest::{ModuleManifest, SourceSpan};
use florc_semantic::{Binding, BindingId, ScopeId, ScopeKind};
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};
use florc_syntax::{Module, Span};

use crate::align::{innermost, statement_at};
use crate::carry::{Difference, DifferenceKind};
use crate::classify::{Change, ChangeKind, Version};
use crate::log_only::LogOnly;
use crate::matching::Matching;
use crate::places::probe_places;
use crate::shape::{own_text_of_expr, own_text_of_stmt};

/// What an edit means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Only names differ.
    Renaming,
    /// It never runs.
    DeadCode,
    /// It reaches no state that is captured: proven.
    Replayable,
    /// It may reach some.
    MayChangeState,
    /// It changes the training, behind its last checkpoint.
    AfterLastCheckpoint,
    /// It reads other data.
    Data,
    /// Constants differ.
    Argument,
    /// It changes the training.
    StateChanging,
}

impl Meaning {
    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Renaming => "renaming",
            Self::DeadCode => "dead code",
            Self::Replayable => "replayable",
            Self::MayChangeState => "may change the state",
            Self::AfterLastCheckpoint => "after the last checkpoint",
            Self::Data => "state-changing (data)",
            Self::Argument => "state-changing (argument)",
            Self::StateChanging => "state-changing",
        }
    }

    /// Whether the training is the same with it.
    pub fn is_harmless(self) -> bool {
        matches!(self, Self::Renaming | Self::DeadCode | Self::Replayable)
    }
}

/// Where checkpoints are made, and of what.
#[derive(Clone, Debug, Default)]
pub struct CutPoints {
    /// Main loops; none are known of a file that others import.
    pub main_loops: Vec<StmtId>,
    /// Statements with which SkipBlocks begin.
    blocks: Vec<StmtId>,
    /// Names of what checkpoints hold that is read behind them.
    captured: BTreeSet<String>,
}

impl CutPoints {
    /// Those of a program that was compiled. The loops of a file whose statements run none when they are
    /// executed as a script are run by others, nobody knows when: it has no cut points of its own.
    pub fn of(version: Version<'_>, manifest: &ModuleManifest) -> Self {
        let found = Self::wherever(version.module, manifest);
        let body = version.module.tree.bodies().next();
        let reached = version.judge.may_reach(body.map_or(&[], Vec::as_slice));
        let runs = |stmt: &StmtId| {
            let function = version.semantics.function_of_stmt(*stmt);
            version.semantics.is_module(function) || reached.contains(&function)
        };
        if found.main_loops.iter().any(runs) {
            found
        } else {
            Self::default()
        }
    }

    fn wherever(module: &Module, manifest: &ModuleManifest) -> Self {
        let place = |span: &SourceSpan| {
            let inside = Span::new(span.start, span.end);
            module.source.global(&span.file, inside)
        };
        let main_loops = manifest.main_loops.iter();
        let main_loops = main_loops.filter_map(|it| statement_at(module, place(&it.span)?));
        let blocks = manifest.skip_blocks.iter();
        let blocks = blocks.filter_map(|it| innermost(module, place(&it.span)?.start));
        let of_loops = manifest.main_loops.iter().flat_map(|it| &it.roots);
        let of_blocks = manifest.skip_blocks.iter().flat_map(|it| &it.roots);
        let live = of_loops.chain(of_blocks).filter(|root| root.live);
        Self {
            main_loops: main_loops.collect(),
            blocks: blocks.collect(),
            captured: live.map(|root| root.name.clone()).collect(),
        }
    }

    /// The same places in a newer version.
    #[must_use]
    pub fn in_newer(&self, matching: &Matching) -> Self {
        let there = |stmts: &[StmtId]| {
            let partners = stmts.iter().filter_map(|it| matching.stmts.get(it));
            partners.copied().collect()
        };
        Self {
            main_loops: there(&self.main_loops),
            blocks: there(&self.blocks),
            captured: self.captured.clone(),
        }
    }

    /// Variables that checkpoints may hold: those of such a name, of modules and of functions with cut points.
    fn held(&self, version: Version<'_>) -> BTreeSet<BindingId> {
        let semantics = version.semantics;
        let sites = self.main_loops.iter().chain(&self.blocks);
        let scopes: BTreeSet<ScopeId> = sites.map(|it| semantics.scope_of_stmt(*it)).collect();
        let is_held = |(_, binding): &(u32, &Binding)| {
            let is_global = semantics.scope(binding.scope).kind == ScopeKind::Module;
            self.captured.contains(&binding.name) && (is_global || scopes.contains(&binding.scope))
        };
        let all = (0..).zip(&semantics.bindings);
        all.filter(is_held).map(|(id, _)| BindingId(id)).collect()
    }
}

/// One version with its cut points.
#[derive(Clone, Copy)]
pub struct Trained<'a> {
    /// The version.
    pub version: Version<'a>,
    /// Its cut points.
    pub cuts: &'a CutPoints,
}

/// Tells what edits mean.
pub struct Meanings<'a> {
    old: Trained<'a>,
    new: Trained<'a>,
    changes: &'a [Change],
    log_only: [LogOnly<'a>; 2],
}

impl<'a> Meanings<'a> {
    /// Of two versions, with what [`classify`](crate::classify) finds of them where their main loops are not known.
    pub fn new(old: Trained<'a>, new: Trained<'a>, changes: &'a [Change]) -> Self {
        let log_only = |side: Trained<'a>| {
            LogOnly::new(
                side.version,
                side.cuts.held(side.version),
                side.cuts.main_loops.is_empty(),
            )
        };
        Self {
            old,
            new,
            changes,
            log_only: [log_only(old), log_only(new)],
        }
    }

    /// What an edit means.
    pub fn of(&self, difference: &Difference) -> Meaning {
        if difference.kind == DifferenceKind::Renamed {
            return Meaning::Renaming;
        }
        if self.all(difference, |side, stmt| never_runs(side.version, stmt)) {
            return Meaning::DeadCode;
        }
        let class = self.class(difference);
        if class == Meaning::Replayable && difference.kind != DifferenceKind::Moved {
            return class;
        }
        if self.all(difference, runs_after) {
            return Meaning::AfterLastCheckpoint;
        }
        if self.is_read_by_logs_only(difference) {
            return Meaning::Replayable;
        }
        if difference.kind == DifferenceKind::Moved {
            return Meaning::StateChanging;
        }
        if class == Meaning::StateChanging && self.is_of_constants(difference) {
            return if self.reads(difference) {
                Meaning::Data
            } else {
                Meaning::Argument
            };
        }
        class
    }

    /// Whether something is true of the statement in each version that has it.
    fn all(&self, difference: &Difference, holds: impl Fn(Trained<'a>, StmtId) -> bool) -> bool {
        let side = if difference.in_old {
            self.old
        } else {
            self.new
        };
        let was = difference.was.is_none_or(|was| holds(self.old, was));
        was && holds(side, difference.stmt)
    }

    fn is_read_by_logs_only(&self, difference: &Difference) -> bool {
        let [old, new] = &self.log_only;
        let here = if difference.in_old { old } else { new };
        difference.was.is_none_or(|was| old.holds(was)) && here.holds(difference.stmt)
    }

    fn class(&self, difference: &Difference) -> Meaning {
        let touches = |change: &&Change| {
            change.in_recorded == difference.in_old
                && (change.span.contains_span(difference.span)
                    || difference.span.contains_span(change.span))
        };
        let touched: Vec<&Change> = self.changes.iter().filter(touches).collect();
        let is = |kind| touched.iter().any(|it| it.kind == kind);
        // nobody puts generators back in a run
        let draws = touched.iter().any(|it| it.isolated && !it.logs);
        if is(ChangeKind::Refused) {
            Meaning::StateChanging
        } else if is(ChangeKind::Unproven) || draws {
            Meaning::MayChangeState
        } else {
            Meaning::Replayable
        }
    }

    /// Whether both versions say the same but for constants.
    fn is_of_constants(&self, difference: &Difference) -> bool {
        let Some(was) = difference.was else {
            return false;
        };
        let (old, new) = (self.old.version.module, self.new.version.module);
        let stmt = difference.stmt;
        let (before, after) = (own_exprs(old, was), own_exprs(new, stmt));
        let same = |(a, b): (&ExprId, &ExprId)| {
            is_constant(old, *a) && is_constant(new, *b)
                || own_text_of_expr(old, *a) == own_text_of_expr(new, *b)
        };
        own_text_of_stmt(old, was) == own_text_of_stmt(new, stmt)
            && before.len() == after.len()
            && before.iter().zip(&after).all(same)
    }

    /// Whether it reads files or the like.
    fn reads(&self, difference: &Difference) -> bool {
        let version = self.new.version;
        let function = version.semantics.function_of_stmt(difference.stmt);
        let effect = version.judge.effect(function, &[difference.stmt]);
        !effect.outside.is_empty()
    }
}

fn own_exprs(module: &Module, stmt: StmtId) -> Vec<ExprId> {
    let exprs = module.tree.stmt_exprs(stmt).into_iter();
    exprs.flat_map(|it| module.tree.all_exprs(it)).collect()
}

fn is_constant(module: &Module, expr: ExprId) -> bool {
    let kind = &module.tree.expr(expr).kind;
    matches!(
        kind,
        ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Str(_)
            | ExprKind::True
            | ExprKind::False
            | ExprKind::None
    )
}

/// What runs only when no checkpoint is to come.
fn runs_after(side: Trained<'_>, stmt: StmtId) -> bool {
    let places = probe_places(side.version, &side.cuts.main_loops, &[stmt]);
    !side.cuts.main_loops.is_empty() && !places.before && !places.inside
}

/// Whether control never comes to a statement: it is behind a `return`, or under `if False:`.
fn never_runs(version: Version<'_>, stmt: StmtId) -> bool {
    let tree = &version.module.tree;
    let all: Vec<StmtId> = std::iter::successors(Some(stmt), |at| tree.parent(*at)).collect();
    let is_switched_off = |pair: &[StmtId]| match &tree.stmt(pair[1]).kind {
        StmtKind::If {
            test, body, orelse, ..
        } => match constant_truth(version.module, *test) {
            Some(true) => orelse.contains(&pair[0]),
            Some(false) => body.contains(&pair[0]),
            None => false,
        },
        StmtKind::While { test, body, .. } => {
            constant_truth(version.module, *test) == Some(false) && body.contains(&pair[0])
        }
        _ => false,
    };
    all.windows(2).any(is_switched_off) || all.iter().any(|at| is_behind_an_end(version, *at))
}

/// Whether a statement before it in its function never lets control go on.
fn is_behind_an_end(version: Version<'_>, stmt: StmtId) -> bool {
    let function = version.semantics.function_of_stmt(stmt);
    let reached = version.semantics.cfg(function).reached();
    let mut inside = version.module.tree.descendants(stmt);
    !inside.any(|it| reached.contains(&it))
}

fn constant_truth(module: &Module, expr: ExprId) -> Option<bool> {
    match &module.tree.expr(expr).kind {
        ExprKind::True => Some(true),
        ExprKind::False | ExprKind::None => Some(false),
        ExprKind::Int(digits) => Some(digits != "0"),
        _ => None,
    }
}
