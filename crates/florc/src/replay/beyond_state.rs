//! Added statements that ask for what no checkpoint holds, so that only the whole run shows it.
//!
//! ```python
//! print(square.cache_info())       # hits and misses of calls in blocks that would be skipped
//! print(loss.grad_fn)              # how a value came about
//! ```

use std::collections::BTreeSet;

use florc_syntax::Module;
use florc_syntax::tree::{ExprKind, StmtId};

use super::changes::Comparison;

/// Attributes of objects that are put back without them.
const ATTRIBUTES: [&str; 8] = [
    "__traceback__",
    "_backward_hooks",
    "_version",
    "cache_info",
    "grad_fn",
    "next_functions",
    "retains_grad",
    "saved_tensors",
];

/// Such an attribute that an added statement, or a function that it may call, names.
pub(super) fn asked(comparison: &Comparison, module: &Module) -> Option<&'static str> {
    let tree = &module.tree;
    let semantics = &comparison.current.semantics;
    let own = comparison.added.iter();
    let own: BTreeSet<StmtId> = own.flat_map(|stmt| tree.descendants(*stmt)).collect();
    let called = comparison.current.effects.may_reach(&comparison.added);
    let is_run =
        |stmt: &StmtId| own.contains(stmt) || called.contains(&semantics.function_of_stmt(*stmt));
    let all = (0..tree.stmt_count() as u32).map(StmtId).filter(is_run);
    let exprs = all.flat_map(|stmt| tree.stmt_exprs(stmt));
    let mut names = exprs.flat_map(|expr| tree.all_exprs(expr));
    names.find_map(|expr| match &tree.expr(expr).kind {
        ExprKind::Attribute { attr, .. } => ATTRIBUTES.iter().copied().find(|it| *it == attr.text),
        _ => None,
    })
}
