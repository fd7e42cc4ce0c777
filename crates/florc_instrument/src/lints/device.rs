//! Whether the training may run on CUDA, and whether it was told to be deterministic there.
//!
//! ```python
//! device = torch.device("cuda" if torch.cuda.is_available() else "cpu")     # may be CUDA
//! torch.use_deterministic_algorithms(True)
//! ```
//!
//! Goes by what the module says of devices; a device that is handed in from elsewhere counts as
//! none.

use florc_syntax::Span;
use florc_syntax::tree::{ExprKind, FStringPart, StmtId, StmtKind};

use super::Scene;

impl Scene<'_> {
    /// Where the module speaks of a CUDA device.
    pub(crate) fn cuda(&self) -> Option<Span> {
        let tree = &self.module().tree;
        let names_it = |text: &str| text == "cuda" || text.starts_with("cuda:");
        let found = self.exprs().filter(|expr| match &tree.expr(*expr).kind {
            ExprKind::Str(text) => names_it(text),
            ExprKind::FString { parts } => match parts.first() {
                Some(FStringPart::Literal { text, .. }) => names_it(text),
                _ => false,
            },
            ExprKind::Call { func, args, .. } => match &tree.expr(*func).kind {
                ExprKind::Attribute { attr, .. } => attr.text == "cuda" && args.len() <= 1,
                _ => false,
            },
            _ => false,
        });
        found
            .map(|expr| self.span(expr))
            .min_by_key(|span| span.start)
    }

    /// `torch.use_deterministic_algorithms(True)`, or the setting of the same meaning.
    pub(crate) fn is_deterministic(&self) -> bool {
        self.calls().any(|call| match self.path(call).as_deref() {
            Some("torch.use_deterministic_algorithms") => {
                let mode = call.args.first().copied().or(call.keyword("mode"));
                mode.is_none_or(|mode| {
                    !matches!(self.module().tree.expr(mode).kind, ExprKind::False)
                })
            }
            Some("torch.set_deterministic_debug_mode") => true,
            Some(path) => {
                path.ends_with("seed_everything") && call.keyword("deterministic").is_some()
            }
            None => false,
        })
    }

    /// Assignments to the attribute with this path: the whole statement, and whether `True` is
    /// assigned.
    pub(crate) fn assignments_to(&self, path: &str) -> Vec<(Span, bool)> {
        let tree = &self.module().tree;
        let stmts = (0..tree.stmt_count() as u32).map(StmtId);
        let found = stmts.filter_map(|stmt| match &tree.stmt(stmt).kind {
            StmtKind::Assign { targets, value } => {
                let hit = targets
                    .iter()
                    .any(|target| self.dotted(*target).as_deref() == Some(path));
                hit.then(|| (tree.stmt(stmt).span, self.is_true(*value)))
            }
            _ => None,
        });
        found.collect()
    }

    /// The path of an attribute that the module itself assigns to.
    fn dotted(&self, expr: florc_syntax::tree::ExprId) -> Option<String> {
        match &self.module().tree.expr(expr).kind {
            ExprKind::Attribute { value, attr } => {
                Some(format!("{}.{}", self.dotted(*value)?, attr.text))
            }
            _ => self.facts.semantics.qualified(expr),
        }
    }
}
