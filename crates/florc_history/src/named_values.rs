//! Statements that give a name to what a recorded one computed and dropped.
//!
//! ```python
//! clip_grad_norm_(net.parameters(), 1.0)             # recorded
//! norm = clip_grad_norm_(net.parameters(), 1.0)      # does the same, and binds a name
//! ```

use florc_syntax::Module;
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};

use crate::matching::Matching;
use crate::shape::whole_text_of_expr;

/// Whether `new` does what `old` does and binds plain names to the value.
pub(crate) fn names_the_value(old: (&Module, StmtId), new: (&Module, StmtId)) -> bool {
    let StmtKind::Expr { value: before } = &old.0.tree.stmt(old.1).kind else {
        return false;
    };
    let StmtKind::Assign { targets, value } = &new.0.tree.stmt(new.1).kind else {
        return false;
    };
    targets.iter().all(|target| is_plain(new.0, *target))
        && whole_text_of_expr(old.0, *before) == whole_text_of_expr(new.0, *value)
}

fn is_plain(module: &Module, target: ExprId) -> bool {
    matches!(module.tree.expr(target).kind, ExprKind::Name(_))
}

/// Pairs such statements of suites that are partners, where there is one of each only.
pub(crate) fn pair_named_values(old: &Module, new: &Module, matching: &mut Matching) {
    let all = |module: &Module| (0..module.tree.stmt_count() as u32).map(StmtId);
    let dropped: Vec<StmtId> = all(old)
        .filter(|it| matches!(old.tree.stmt(*it).kind, StmtKind::Expr { .. }))
        .filter(|it| !matching.stmts.contains_key(it))
        .collect();
    if dropped.is_empty() {
        return;
    }
    let mut pairs: Vec<(StmtId, StmtId)> = Vec::new();
    for named in all(new).filter(|it| !matching.old_stmts.contains_key(it)) {
        let owner = new.tree.parent(named);
        let place = owner.map(|it| matching.old_stmts.get(&it).copied());
        let is_partner = |was: &&StmtId| match place {
            Some(place) => place.is_some() && old.tree.parent(**was) == place,
            None => old.tree.parent(**was).is_none(),
        };
        let inside = dropped.iter().filter(is_partner);
        let found = inside.filter(|was| names_the_value((old, **was), (new, named)));
        pairs.extend(found.map(|was| (*was, named)));
    }
    for (was, is) in &pairs {
        let count = pairs.iter().filter(|(a, b)| a == was || b == is).count();
        if count == 1 {
            matching.stmts.insert(*was, *is);
            matching.old_stmts.insert(*is, *was);
        }
    }
}
