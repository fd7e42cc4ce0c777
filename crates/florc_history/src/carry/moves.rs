//! Statements that say the same and run elsewhere, or in another order.
//!
//! ```python
//! loss.backward()
//! opt.zero_grad()      # stood before `loss.backward()`: nothing is trained any more
//! ```
//!
//! What stands in the partners of the loops, conditions and functions around it, also where it came to a new function that
//! is called once, runs where it ran. Definitions and imports may stand anywhere. Of a suite as few statements as can be have changed their
//! order; one that has nothing to do with those that it passed is not told.

use std::collections::{BTreeMap, BTreeSet};

use florc_semantic::{BindingId, Callee, FunctionId};
use florc_syntax::tree::{StmtId, StmtKind};

use super::differences::{Difference, DifferenceKind};
use super::{first_line, is_log};
use crate::classify::{ProbeEffect, Version, assigned_parts};
use crate::matching::Matching;

/// A part of a compound statement (`else`), or of a file.
type Suite = (Option<StmtId>, usize);

/// Functions around a statement that are followed to their callers.
const DEEPEST: usize = 20;

/// Statements that moved, of the newer version.
pub(super) fn moved(old: Version<'_>, new: Version<'_>, matching: &Matching) -> Vec<Difference> {
    let before = Side::new(old, &matching.stmts);
    let after = Side::new(new, &matching.old_stmts);
    let mut found = BTreeSet::new();
    // of each suite, what came from the same one, as (place then, statement now)
    let mut groups: BTreeMap<(Suite, Suite), Vec<(usize, StmtId)>> = BTreeMap::new();
    for (&was, &is) in &matching.stmts {
        if !(counts(old, was) && counts(new, is)) {
            continue;
        }
        let (then, now) = (before.places[&was], after.places[&is]);
        if let (Some(around_then), Some(around_now)) = (before.around(was), after.around(is)) {
            let there = |(stmt, part): &Suite| (stmt.and_then(|it| matching.stmts.get(&it)), *part);
            let expected: Vec<_> = around_then.iter().map(there).collect();
            let given: Vec<_> = around_now
                .iter()
                .map(|(it, part)| (it.as_ref(), *part))
                .collect();
            if expected != given {
                found.insert(is);
                continue;
            }
        }
        groups
            .entry((now.0, then.0))
            .or_default()
            .push((then.1, is));
    }
    for mut group in groups.into_values() {
        group.sort_by_key(|(_, is)| after.places[is].1);
        found.extend(out_of_order(new, &group));
    }
    let told = |stmt: StmtId| Difference {
        kind: DifferenceKind::Moved,
        in_old: false,
        stmt,
        span: first_line(new.module, stmt),
        was: matching.old_stmts.get(&stmt).copied(),
    };
    found.into_iter().map(told).collect()
}

/// Whether it matters where a statement stands.
fn counts(version: Version<'_>, stmt: StmtId) -> bool {
    let tree = &version.module.tree;
    let is_text = |value| matches!(tree.expr(value).kind, florc_syntax::tree::ExprKind::Str(_));
    match &tree.stmt(stmt).kind {
        // a name that is bound twice is the later one
        StmtKind::FunctionDef(_) | StmtKind::ClassDef(_) => {
            let bound = version.semantics.bound_by(stmt).iter();
            let mut counts = bound.map(|it| version.semantics.binding(*it).definitions.len());
            counts.any(|count| count > 1)
        }
        StmtKind::Import { .. }
        | StmtKind::ImportFrom { .. }
        | StmtKind::Global { .. }
        | StmtKind::Nonlocal { .. }
        | StmtKind::Pass => false,
        StmtKind::Expr { value } => !is_text(*value) && !is_log(version, stmt),
        _ => true,
    }
}

/// One version.
struct Side<'a> {
    version: Version<'a>,
    partners: &'a BTreeMap<StmtId, StmtId>,
    /// Suite and place in it.
    places: BTreeMap<StmtId, (Suite, usize)>,
    /// The statements that call a function.
    callers: BTreeMap<FunctionId, BTreeSet<StmtId>>,
}

impl<'a> Side<'a> {
    fn new(version: Version<'a>, partners: &'a BTreeMap<StmtId, StmtId>) -> Self {
        let tree = &version.module.tree;
        let mut places = BTreeMap::new();
        let mut number = |suite: Suite, stmts: &[StmtId]| {
            let each = stmts.iter().enumerate();
            places.extend(each.map(|(at, stmt)| (*stmt, (suite, at))));
        };
        for (file, body) in tree.bodies().enumerate() {
            number((None, file), body);
        }
        for stmt in (0..tree.stmt_count() as u32).map(StmtId) {
            for (part, body) in tree.blocks(stmt).into_iter().enumerate() {
                number((Some(stmt), part), body);
            }
        }
        let mut callers: BTreeMap<FunctionId, BTreeSet<StmtId>> = BTreeMap::new();
        for call in version.semantics.calls() {
            if let Callee::Functions(functions) = &call.callee {
                for function in functions {
                    let stmt = tree.stmt_of(call.expr);
                    callers.entry(*function).or_default().insert(stmt);
                }
            }
        }
        Self {
            version,
            partners,
            places,
            callers,
        }
    }

    /// Parts of statements around one that the other version has too, innermost first, up to a function that it
    /// has; `None` where that cannot be told.
    fn around(&self, stmt: StmtId) -> Option<Vec<Suite>> {
        let semantics = self.version.semantics;
        let mut found = Vec::new();
        let (mut at, mut depth) = (stmt, 0);
        while let (Some(parent), part) = self.places[&at].0 {
            let kind = &self.version.module.tree.stmt(parent).kind;
            let is_known = self.partners.contains_key(&parent);
            if is_known {
                found.push((Some(parent), part));
            }
            at = parent;
            if !matches!(kind, StmtKind::FunctionDef(_)) {
                continue;
            }
            if is_known {
                break;
            }
            let function = semantics.function_of_def(parent)?;
            depth += 1;
            if semantics.escaping_functions().contains(&function) || depth > DEEPEST {
                return None;
            }
            let mut callers = self.callers.get(&function)?.iter();
            at = *callers.next()?;
            if callers.next().is_some() {
                return None;
            }
        }
        Some(found)
    }
}

/// Statements of a suite, with their places then, that must have moved to come to their order of now.
fn out_of_order(version: Version<'_>, group: &[(usize, StmtId)]) -> Vec<StmtId> {
    let stays = longest_increasing(&group.iter().map(|(then, _)| *then).collect::<Vec<_>>());
    if stays.len() == group.len() {
        return Vec::new();
    }
    let touched: Vec<Touched> = group
        .iter()
        .map(|(_, it)| Touched::by(version, *it))
        .collect();
    let depends = |at: usize| {
        let passed = |other: &usize| (group[*other].0 < group[at].0) != (*other < at);
        let others = (0..group.len()).filter(|other| *other != at);
        others
            .filter(passed)
            .any(|other| touched[at].depends_on(&touched[other]))
    };
    let moved = (0..group.len()).filter(|at| !stays.contains(at));
    moved
        .filter(|at| depends(*at))
        .map(|at| group[at].1)
        .collect()
}

/// Positions of a longest increasing subsequence (patience sorting).
fn longest_increasing(values: &[usize]) -> BTreeSet<usize> {
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; values.len()];
    for (at, value) in values.iter().enumerate() {
        let length = ends.partition_point(|end| values[*end] < *value);
        before[at] = length.checked_sub(1).map(|shorter| ends[shorter]);
        if length == ends.len() {
            ends.push(at);
        } else {
            ends[length] = at;
        }
    }
    std::iter::successors(ends.last().copied(), |at| before[*at]).collect()
}

/// What a statement reads and changes.
struct Touched {
    effect: ProbeEffect,
    reads: BTreeSet<BindingId>,
    writes: BTreeSet<BindingId>,
    leaves: bool,
}

impl Touched {
    fn by(version: Version<'_>, stmt: StmtId) -> Self {
        let tree = &version.module.tree;
        let function = version.semantics.function_of_stmt(stmt);
        let effect = version.judge.effect(function, &[stmt]);
        let mut writes: BTreeSet<BindingId> = effect.changed();
        writes.extend(version.semantics.assigned_in(&[stmt]));
        writes.extend(assigned_parts(version, stmt).into_iter().map(|(_, it)| it));
        let names = tree
            .exprs_in(stmt)
            .filter_map(|it| version.semantics.variable(it));
        let is_end = |it: StmtId| {
            matches!(
                tree.stmt(it).kind,
                StmtKind::Return { .. }
                    | StmtKind::Raise { .. }
                    | StmtKind::Break
                    | StmtKind::Continue
                    | StmtKind::Assert { .. }
            )
        };
        Self {
            reads: names.chain(writes.iter().copied()).collect(),
            leaves: tree.descendants(stmt).any(is_end),
            effect,
            writes,
        }
    }

    /// Whether their order matters, or may.
    fn depends_on(&self, other: &Self) -> bool {
        let meet = |a: &BTreeSet<BindingId>, b: &BTreeSet<BindingId>| !a.is_disjoint(b);
        let both_hidden = self.is_hidden() && other.is_hidden();
        let opaque = |a: &Self, b: &Self| a.changes_anything() && !b.is_constant();
        self.leaves
            || other.leaves
            || both_hidden
            || opaque(self, other)
            || opaque(other, self)
            || meet(&self.writes, &other.reads)
            || meet(&other.writes, &self.reads)
    }

    /// It reads or changes what no variable holds.
    fn is_hidden(&self) -> bool {
        self.changes_anything() || self.effect.draws() || !self.effect.outside.is_empty()
    }

    fn changes_anything(&self) -> bool {
        !(self.effect.unknown.is_empty() && self.effect.settings.is_empty())
    }

    /// It binds names to constants.
    fn is_constant(&self) -> bool {
        !self.is_hidden() && self.reads == self.writes
    }
}
