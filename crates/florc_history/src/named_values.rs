//! Statements that give a name to what a recorded one computed and dropped.
//!
//! ```python
//! clip_grad_norm_(net.parameters(), 1.0)             # recorded
//! norm = clip_grad_norm_(net.parameters(), 1.0)      # does the same, and binds a name
//! ```

use florc_syntax::Module;
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};

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
