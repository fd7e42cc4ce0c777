//! What the parser lets through and Python refuses.
//!
//! ```python
//! f() = 1          # cannot assign to a call
//! del f()          # cannot delete a call
//! ```
//!
//! Does not repeat all of CPython's checks: a recorded run compiles with CPython first.

use rustpython_ast as ast;

use super::{Lowered, Lowerer};
use crate::tree::{ExprId, ExprKind};

impl Lowerer<'_> {
    /// Lowers a value that may not be starred itself.
    pub(super) fn unstarred(&mut self, node: &ast::Expr) -> Lowered<ExprId> {
        let id = self.expr(node)?;
        let expr = self.tree.expr(id);
        if matches!(expr.kind, ExprKind::Starred { .. }) {
            return self.refuse(
                expr.span,
                "a starred expression must be in a list, tuple or call",
            );
        }
        Ok(id)
    }

    /// Refuses what cannot be assigned to or deleted; `verb` is `assign to` or `delete`.
    pub(super) fn check_target(&self, id: ExprId, verb: &str) -> Lowered<()> {
        let mut pending = vec![(id, false)];
        while let Some((id, inside)) = pending.pop() {
            let expr = self.tree.expr(id);
            match &expr.kind {
                ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Subscript { .. } => {}
                ExprKind::Tuple { elts } | ExprKind::List { elts } => {
                    pending.extend(elts.iter().map(|elt| (*elt, true)));
                    let is_starred = |it: &&ExprId| {
                        matches!(self.tree.expr(**it).kind, ExprKind::Starred { .. })
                    };
                    if let Some(second) = elts.iter().filter(is_starred).nth(1) {
                        let span = self.tree.expr(*second).span;
                        return self.refuse(span, "multiple starred expressions in assignment");
                    }
                }
                ExprKind::Starred { value } if verb == "assign to" => {
                    if !inside {
                        let title = "starred assignment target must be in a list or tuple";
                        return self.refuse(expr.span, title);
                    }
                    pending.push((*value, true));
                }
                other => {
                    return self.refuse(expr.span, format!("cannot {verb} {}", described(other)));
                }
            }
        }
        Ok(())
    }

    /// Refuses what cannot be the target of `+=` or of an annotation.
    pub(super) fn check_single_target(&self, id: ExprId, what: &str) -> Lowered<()> {
        let expr = self.tree.expr(id);
        match &expr.kind {
            ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Subscript { .. } => Ok(()),
            other => self.refuse(
                expr.span,
                format!("{} is not a target of {what}", described(other)),
            ),
        }
    }
}

/// The kind of an expression for people.
fn described(kind: &ExprKind) -> &'static str {
    match kind {
        ExprKind::BoolOp { .. } | ExprKind::BinOp { .. } | ExprKind::UnaryOp { .. } => {
            "an expression"
        }
        ExprKind::Named { .. } => "a named expression",
        ExprKind::Lambda { .. } => "a lambda",
        ExprKind::IfExp { .. } => "a conditional expression",
        ExprKind::Dict { .. } => "a dict literal",
        ExprKind::Set { .. } => "a set display",
        ExprKind::ListComp { .. } => "a list comprehension",
        ExprKind::SetComp { .. } => "a set comprehension",
        ExprKind::DictComp { .. } => "a dict comprehension",
        ExprKind::GeneratorExp { .. } => "a generator expression",
        ExprKind::Await { .. } => "an await expression",
        ExprKind::Yield { .. } | ExprKind::YieldFrom { .. } => "a yield expression",
        ExprKind::Compare { .. } => "a comparison",
        ExprKind::Call { .. } => "a call",
        ExprKind::FString { .. } => "an f-string",
        ExprKind::Str(_)
        | ExprKind::Bytes(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Complex(_) => "a literal",
        ExprKind::True => "`True`",
        ExprKind::False => "`False`",
        ExprKind::None => "`None`",
        ExprKind::Ellipsis => "an ellipsis",
        ExprKind::Attribute { .. } => "an attribute",
        ExprKind::Subscript { .. } => "a subscript",
        ExprKind::Starred { .. } => "a starred expression",
        ExprKind::Name(_) => "a name",
        ExprKind::List { .. } => "a list",
        ExprKind::Tuple { .. } => "a tuple",
        ExprKind::Slice { .. } => "a slice",
    }
}
