//! What people call a loop.
//!
//! ```python
//! for epoch in range(3):                 # epoch
//!     for i, x in enumerate(xs): ...     # i
//!     for x, y in self.loader: ...       # loader
//!     while step < n: ...                # step
//! ```
//!
//! Labels need not be unique; paths are made so by the caller.

use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};

use super::Collector;

/// Callables whose first argument says more than they do.
const WRAPPERS: [&str; 10] = [
    "enumerate",
    "iter",
    "islice",
    "list",
    "map",
    "prefetch",
    "reversed",
    "sorted",
    "tqdm",
    "zip",
];

impl Collector<'_> {
    pub(super) fn label(&self, stmt: StmtId) -> String {
        let (found, otherwise) = match &self.tree.stmt(stmt).kind {
            StmtKind::For { target, iter, .. } => (self.for_label(*target, *iter), "for"),
            StmtKind::While { test, .. } => (self.while_label(*test), "while"),
            StmtKind::FunctionDef(_)
            | StmtKind::ClassDef(_)
            | StmtKind::Return { .. }
            | StmtKind::Delete { .. }
            | StmtKind::Assign { .. }
            | StmtKind::TypeAlias { .. }
            | StmtKind::AugAssign { .. }
            | StmtKind::AnnAssign { .. }
            | StmtKind::If { .. }
            | StmtKind::With { .. }
            | StmtKind::Match { .. }
            | StmtKind::Raise { .. }
            | StmtKind::Try { .. }
            | StmtKind::Assert { .. }
            | StmtKind::Import { .. }
            | StmtKind::ImportFrom { .. }
            | StmtKind::Global { .. }
            | StmtKind::Nonlocal { .. }
            | StmtKind::Expr { .. }
            | StmtKind::Pass
            | StmtKind::Break
            | StmtKind::Continue => (None, "loop"),
        };
        found.unwrap_or(otherwise).to_owned()
    }

    fn for_label(&self, target: ExprId, iter: ExprId) -> Option<&str> {
        if let Some(name) = self.name(target) {
            return Some(name);
        }
        if let ExprKind::Tuple { elts } | ExprKind::List { elts } = &self.tree.expr(target).kind
            && let ExprKind::Call { func, .. } = &self.tree.expr(iter).kind
            && self.name(*func) == Some("enumerate")
            && let Some(name) = elts.first().and_then(|first| self.name(*first))
        {
            return Some(name);
        }
        self.last_identifier(iter)
    }

    /// The name on the left of a comparison, or else a bare name; the first of either.
    fn while_label(&self, test: ExprId) -> Option<&str> {
        let all = self.tree.all_exprs(test);
        let compared = all
            .iter()
            .find_map(|expr| match &self.tree.expr(*expr).kind {
                ExprKind::Compare { left, .. } => self.last_identifier(*left),
                _ => None,
            });
        compared.or_else(|| self.bare_name(test))
    }

    fn bare_name(&self, test: ExprId) -> Option<&str> {
        match &self.tree.expr(test).kind {
            ExprKind::BoolOp { values, .. } => {
                values.iter().find_map(|value| self.bare_name(*value))
            }
            ExprKind::UnaryOp { operand, .. } => self.bare_name(*operand),
            ExprKind::Named { target, .. } => self.name(*target),
            _ => self.name(test),
        }
    }

    fn name(&self, expr: ExprId) -> Option<&str> {
        match &self.tree.expr(expr).kind {
            ExprKind::Name(name) => Some(name),
            _ => None,
        }
    }

    fn last_identifier(&self, expr: ExprId) -> Option<&str> {
        match &self.tree.expr(expr).kind {
            ExprKind::Name(name) => Some(name),
            ExprKind::Attribute { attr, .. } => Some(&attr.text),
            ExprKind::Subscript { value, .. } => self.last_identifier(*value),
            ExprKind::Call { func, args, .. } => {
                let callee = self.last_identifier(*func)?;
                if !WRAPPERS.contains(&callee) {
                    return Some(callee);
                }
                let first = args.first().and_then(|first| self.last_identifier(*first));
                first.or(Some(callee))
            }
            _ => None,
        }
    }
}
