//! Code that changes variables by name.
//!
//! ```python
//! exec("best = 1")           # binds `best`, as no analysis can see
//! ```
//!
//! Only finds it; that a loop with such code is not skipped is decided where cut points are chosen.

use florc_semantic::Resolution;
use florc_syntax::Span;
use florc_syntax::tree::{ExprId, ExprKind, StmtId};

use crate::decide::Facts;

/// The first such mention in `stmts` or in a function that they call, and its text.
pub(crate) fn find(facts: Facts<'_>, stmts: &[StmtId]) -> Option<(Span, String)> {
    let mut reached = facts.called_from(stmts);
    reached.extend(facts.effects.may_reach(stmts));
    // The script itself runs once: what stands before a loop in it is over when the loop begins, but for
    // functions that it may have made.
    if let Some(script) = facts
        .semantics
        .modules
        .first()
        .filter(|_| all_names_stand(facts))
    {
        reached.remove(script);
    }
    let tree = &facts.module.tree;
    let uses = facts
        .semantics
        .dynamic_uses()
        .iter()
        .filter(|found| found.writes_globals);
    uses.map(|found| {
        let whole = tree.stmt(found.stmt).span;
        (found, found.expr.map_or(whole, |expr| tree.expr(expr).span))
    })
    .find(|(found, span)| {
        let inside = stmts
            .iter()
            .any(|stmt| tree.stmt(*stmt).span.contains_span(*span));
        inside || reached.contains(&found.function)
    })
    .map(|(_, span)| (span, facts.module.source.slice(span).to_owned()))
}

/// Whether the program binds every name that it mentions.
fn all_names_stand(facts: Facts<'_>) -> bool {
    let mut exprs = (0..facts.module.tree.expr_count() as u32).map(ExprId);
    exprs.all(|id| {
        !matches!(facts.module.tree.expr(id).kind, ExprKind::Name(_))
            || !matches!(facts.semantics.resolve(id), Resolution::Unknown(_))
    })
}

/// Whether any code of the module may read variables by name: then all count as live.
pub(crate) fn reads_by_name(facts: Facts<'_>) -> bool {
    let uses = facts.semantics.dynamic_uses().iter();
    uses.into_iter()
        .any(|found| found.expr.is_some() && (found.locals || found.reads_globals))
}
