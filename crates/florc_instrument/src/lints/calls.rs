//! Calls as the lints look at them.
//!
//! ```python
//! DataLoader(data, num_workers=4)      # path `torch.utils.data.DataLoader`, keyword `num_workers`
//! ```
//!
//! Only takes calls apart.

use florc_semantic::Callee;
use florc_syntax::tree::{ExprId, ExprKind, Keyword};

use super::Scene;

/// A call expression.
#[derive(Clone, Copy)]
pub(crate) struct CallParts<'a> {
    /// The call.
    pub(crate) expr: ExprId,
    /// What is called.
    pub(crate) func: ExprId,
    /// Positional arguments.
    pub(crate) args: &'a [ExprId],
    /// Keyword arguments.
    pub(crate) keywords: &'a [Keyword],
}

impl CallParts<'_> {
    /// The value of a keyword.
    pub(crate) fn keyword(&self, name: &str) -> Option<ExprId> {
        let named = |keyword: &&Keyword| keyword.name.as_ref().is_some_and(|it| it.text == name);
        self.keywords
            .iter()
            .find(named)
            .map(|keyword| keyword.value)
    }

    /// Whether keywords may be given that the source does not show.
    pub(crate) fn has_hidden_keywords(&self) -> bool {
        self.keywords.iter().any(|keyword| keyword.name.is_none())
    }
}

impl<'a> Scene<'a> {
    /// Every call.
    pub(crate) fn calls(&self) -> impl Iterator<Item = CallParts<'a>> + use<'a> {
        let tree = &self.facts.module.tree;
        let exprs = self.exprs();
        exprs.filter_map(move |expr| match &tree.expr(expr).kind {
            ExprKind::Call {
                func,
                args,
                keywords,
            } => Some(CallParts {
                expr,
                func: *func,
                args,
                keywords,
            }),
            _ => None,
        })
    }

    /// The dotted path of what is called, where that is a library's: `torch.optim.AdamW`.
    pub(crate) fn path(&self, call: CallParts<'_>) -> Option<String> {
        match &self.facts.semantics.callee(call.expr)?.callee {
            Callee::Library(path) => Some(path.clone()),
            Callee::Functions(_) | Callee::Method { .. } | Callee::Unknown => None,
        }
    }

    /// The name after the last dot of what is called.
    pub(crate) fn last_name(&self, call: CallParts<'_>) -> Option<&'a str> {
        match &self.facts.module.tree.expr(call.func).kind {
            ExprKind::Name(name) => Some(name),
            ExprKind::Attribute { attr, .. } => Some(&attr.text),
            _ => None,
        }
    }

    /// Whether an expression is this literal.
    pub(crate) fn is_true(&self, expr: ExprId) -> bool {
        matches!(self.facts.module.tree.expr(expr).kind, ExprKind::True)
    }

    /// Whether an expression is `None`.
    pub(crate) fn is_none(&self, expr: ExprId) -> bool {
        matches!(self.facts.module.tree.expr(expr).kind, ExprKind::None)
    }

    /// The text of a string literal.
    pub(crate) fn literal(&self, expr: ExprId) -> Option<&'a str> {
        match &self.facts.module.tree.expr(expr).kind {
            ExprKind::Str(text) => Some(text),
            _ => None,
        }
    }
}
