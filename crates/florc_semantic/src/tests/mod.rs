//! Inside tests: a source goes in, facts come out as text.
//!
//! ```python
//! x = 1      #? a fact is rendered for each line with this mark
//! ```
//!
//! Renderings are for these tests only and promise nothing.

#![expect(
    clippy::format_push_string,
    clippy::format_collect,
    reason = "renderings are small and plain"
)]

mod calls;
mod cfg;
mod files;
mod flow;
mod names;
mod regions;
mod robustness;
mod shapes;
mod types;

use std::collections::BTreeSet;

use florc_syntax::tree::{ExprId, StmtId};
use florc_syntax::{Module, SourceText, parse};

use crate::{BindingId, FunctionId, ScopeKind, Semantics};

pub(super) struct Subject {
    pub(super) module: Module,
    pub(super) semantics: Semantics,
}

#[track_caller]
pub(super) fn subject(source: &str) -> Subject {
    let source = SourceText::from_bytes("test.py", source.as_bytes().to_vec());
    let module = source
        .and_then(parse)
        .unwrap_or_else(|error| panic!("{error:?}"));
    let (semantics, diagnostics) = crate::analyze(&module);
    assert!(diagnostics.is_empty());
    Subject { module, semantics }
}

/// Compares line by line, blind to indentation and to empty lines around.
#[track_caller]
pub(super) fn same(actual: &str, expected: &str) {
    let clean = |text: &str| {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    let (actual, expected) = (clean(actual), clean(expected));
    assert!(
        actual == expected,
        "\n--- found ---\n{actual}--- expected ---\n{expected}"
    );
}

impl Subject {
    pub(super) fn line(&self, offset: u32) -> u32 {
        self.module.source.line_column(offset).line
    }

    fn marked(&self, line: u32) -> bool {
        let text = self.module.source.text();
        text.lines()
            .nth(line as usize - 1)
            .is_some_and(|line| line.contains("#?"))
    }

    /// Statements that begin on a marked line, the outermost for each line.
    pub(super) fn marked_stmts(&self) -> Vec<(u32, StmtId)> {
        let ids = (0..self.module.tree.stmt_count() as u32).map(StmtId);
        let mut seen = BTreeSet::new();
        let stmts = ids.map(|id| (self.line(self.module.tree.stmt(id).span.start), id));
        stmts
            .filter(|(line, _)| self.marked(*line) && seen.insert(*line))
            .collect()
    }

    /// Expressions on marked lines.
    pub(super) fn marked_exprs(&self) -> Vec<(u32, ExprId)> {
        let ids = (0..self.module.tree.expr_count() as u32).map(ExprId);
        let exprs = ids.map(|id| (self.line(self.module.tree.expr(id).span.start), id));
        let mut marked: Vec<_> = exprs.filter(|(line, _)| self.marked(*line)).collect();
        marked.sort_by_key(|(_, id)| (self.module.tree.expr(*id).span, *id));
        marked
    }

    /// Where a variable lives and its name: `main.x`, `Net.x`, `<comp>.x`; at module level `x`.
    pub(super) fn place(&self, binding: BindingId) -> String {
        let binding = self.semantics.binding(binding);
        let scope = self.semantics.scope(binding.scope);
        let home = match scope.kind {
            ScopeKind::Module => return binding.name.clone(),
            ScopeKind::Function(_) | ScopeKind::Lambda(_) => {
                self.semantics.function(scope.function).qualname.clone()
            }
            ScopeKind::Class(class) => self.semantics.attributes.qualname(class).to_owned(),
            ScopeKind::Comprehension(_) => "<comp>".to_owned(),
            ScopeKind::TypeParameters(_) => "<type>".to_owned(),
        };
        format!("{home}.{}", binding.name)
    }

    pub(super) fn function(&self, function: FunctionId) -> &str {
        match self.semantics.function(function).qualname.as_str() {
            "" => "module",
            name => name,
        }
    }

    pub(super) fn names<'a>(&self, set: impl IntoIterator<Item = &'a BindingId>) -> String {
        let mut names: Vec<String> = set.into_iter().map(|id| self.place(*id)).collect();
        names.sort();
        names.join(" ")
    }
}
