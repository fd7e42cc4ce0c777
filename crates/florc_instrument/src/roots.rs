//! Roots: the names from which the runtime walks at a cut point.
//!
//! ```python
//! best = 0.0
//! for epoch in range(3):             # head: best (rebound), model (changed by `train`)
//!     best = max(best, train(model))
//! print(best)
//! ```
//!
//! A root is a visible name that the loop may rebind or whose objects it may change. Rebound ones
//! that may be read later are given back by the hook and assigned; the others are patched in place.
//! Globals of the module, seen from a function, are the runtime's to set.
//! Here the questions for a cut point are put together; `cut` answers them name by name. Liveness
//! and effects are asked for, not computed.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use florc_manifest::Root;
use florc_semantic::{BindingId, FunctionId, Loop, Resolution};
use florc_syntax::tree::{ExprKind, StmtId, StmtKind};

use crate::cut::{Cut, CutPoint, place};
use crate::decide::Facts;
use crate::dynamic;

/// The roots at the head of the main loop.
pub(crate) fn at_head(facts: Facts<'_>, each: &Loop) -> Cut {
    let region = facts.effects.region(each.function, &[each.stmt]);
    let mut bound = facts.semantics.bound_at_head(each.id);
    let bound_after = facts.semantics.bound_after(each.stmt);
    if !bound_after.is_empty() {
        // empty: the line after an endless loop, where `leave` stands, is never reached
        bound.retain(|id| bound_after.contains(id));
    }
    let cut = CutPoint {
        facts,
        function: each.function,
        stmt: each.stmt,
        live: facts.semantics.live_at_head(each.id),
        live_before: facts.semantics.live_before(each.stmt),
        bound_before: bound.clone(),
        bound,
        targets: targets(facts, each.stmt),
        declared: declared_nonlocal(facts, each.function),
        all_live: dynamic::reads_by_name(facts),
        callers: OnceCell::new(),
    };
    cut.order(&region)
}

/// The roots at the end of a SkipBlock.
pub(crate) fn at_end(facts: Facts<'_>, each: &Loop) -> Cut {
    let region = facts.effects.region(each.function, &[each.stmt]);
    let cut = CutPoint {
        facts,
        function: each.function,
        stmt: each.stmt,
        live: facts.semantics.live_after(each.stmt),
        live_before: facts.semantics.live_before(each.stmt),
        bound: facts.semantics.bound_after(each.stmt),
        bound_before: facts.semantics.bound_before(each.stmt),
        targets: BTreeSet::new(),
        declared: declared_nonlocal(facts, each.function),
        all_live: dynamic::reads_by_name(facts),
        callers: OnceCell::new(),
    };
    cut.order(&region)
}

/// Names that the main loop reads and never changes.
pub(crate) fn inputs(facts: Facts<'_>, each: &Loop) -> Vec<Root> {
    let region = facts.effects.region(each.function, &[each.stmt]);
    let mut read = facts.semantics.read_in(&[each.stmt]);
    read.extend(facts.effects.inputs_of_called(&[each.stmt]));
    let bound = facts.semantics.bound_before(each.stmt);
    let mut inputs = Vec::new();
    for id in read {
        let binding = facts.semantics.binding(id);
        let fixed = facts.is_fixed_import(id) || binding.is_function || binding.is_class;
        let changed = region.bound.contains_key(&id) || region.mutated.contains_key(&id);
        let home = place(facts, each.function, id).filter(|_| !fixed && !changed);
        let Some((place, module)) = home else {
            continue;
        };
        inputs.push(Root {
            name: binding.name.clone(),
            place,
            module,
            live: true,
            held: false,
            always_bound: bound.contains(&id),
            replaced: false,
            reasons: Vec::new(),
        });
    }
    inputs
}

/// The variables that a `for` loop's own target binds.
fn targets(facts: Facts<'_>, stmt: StmtId) -> BTreeSet<BindingId> {
    let StmtKind::For { target, .. } = &facts.module.tree.stmt(stmt).kind else {
        return BTreeSet::new();
    };
    let names = facts
        .module
        .tree
        .all_exprs(*target)
        .into_iter()
        .filter(|part| {
            let parent = facts.module.tree.expr_parent(*part);
            let displayed = parent.is_none_or(|parent| {
                matches!(
                    facts.module.tree.expr(parent).kind,
                    ExprKind::Tuple { .. } | ExprKind::List { .. } | ExprKind::Starred { .. }
                )
            });
            displayed && matches!(facts.module.tree.expr(*part).kind, ExprKind::Name(_))
        });
    names
        .filter_map(|name| match facts.semantics.resolve(name) {
            Resolution::Binding(binding) => Some(binding),
            _ => None,
        })
        .collect()
}

/// Names that the function declares `nonlocal`.
fn declared_nonlocal(facts: Facts<'_>, function: FunctionId) -> BTreeSet<String> {
    let tree = &facts.module.tree;
    let own = facts
        .body_of(function)
        .iter()
        .flat_map(|stmt| facts.own_stmts(*stmt));
    own.filter_map(|stmt: StmtId| match &tree.stmt(stmt).kind {
        StmtKind::Nonlocal { names } => Some(names),
        _ => None,
    })
    .flatten()
    .map(|name| name.text.clone())
    .collect()
}
