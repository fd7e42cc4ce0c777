//! A main loop that is left by a plain `return` of its own body is left in words.
//!
//! ```python
//! for epoch in florc.main_loop("t.py:fit/epoch", range(90)):
//!     if waited > 5:
//!         florc.leave("t.py:fit/epoch", model, waited); return model
//! ```
//!
//! Only where nothing can come between the two: the value is a name, a constant, an attribute of a name or a tuple of
//! these, and the `return` stands in the body or in `if` statements of it. Other ways out are not seen here: they are
//! known when the iterator goes away, without a state at the loop's end.

use florc_manifest::MainLoopSite;
use florc_syntax::Module;
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind, Tree};

/// The `return` statements before which the loop may be said to be left.
pub(super) fn plain_returns(module: &Module, main: StmtId, site: &MainLoopSite) -> Vec<StmtId> {
    let tree = &module.tree;
    let roots = site.roots.iter().take(site.passed);
    let names: Vec<&str> = roots.map(|root| root.name.as_str()).collect();
    if unbinds(tree, main, &names) {
        return Vec::new();
    }
    let is_plain = |id: &StmtId| match &tree.stmt(*id).kind {
        StmtKind::Return { value } => {
            value.is_none_or(|value| is_at_hand(tree, value)) && is_near(tree, *id, main)
        }
        _other => false,
    };
    tree.descendants(main).filter(is_plain).collect()
}

/// Whether only `if` statements stand between a statement and the loop.
fn is_near(tree: &Tree, stmt: StmtId, main: StmtId) -> bool {
    std::iter::successors(tree.parent(stmt), |stmt| tree.parent(*stmt))
        .take_while(|stmt| *stmt != main)
        .all(|stmt| matches!(tree.stmt(stmt).kind, StmtKind::If { .. }))
}

/// Whether to evaluate an expression runs nothing of the program's.
fn is_at_hand(tree: &Tree, expr: ExprId) -> bool {
    match &tree.expr(expr).kind {
        ExprKind::Name(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::True
        | ExprKind::False
        | ExprKind::None => true,
        ExprKind::Attribute { value, .. } => is_at_hand(tree, *value),
        ExprKind::Tuple { elts } => elts.iter().all(|each| is_at_hand(tree, *each)),
        _other => false,
    }
}

/// Whether a name that is handed over may be unbound at some place inside the loop.
fn unbinds(tree: &Tree, main: StmtId, names: &[&str]) -> bool {
    tree.descendants(main).any(|id| match &tree.stmt(id).kind {
            StmtKind::Delete { targets } => targets.iter().any(|target| {
                matches!(&tree.expr(*target).kind, ExprKind::Name(name) if names.contains(&name.as_str()))
            }),
            StmtKind::Try { handlers, .. } => handlers.iter().any(|handler| {
                let name = handler.name.as_ref();
                name.is_some_and(|name| names.contains(&name.text.as_str()))
            }),
            _other => false,
        })
}
