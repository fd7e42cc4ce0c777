//! Compound statements: loops, branches, `with`, `match`, `try`.
//!
//! ```python
//! for i, x in enumerate(xs):       # loop `i`; binds i and x from `enumerate(xs)`
//!     match x:
//!         case [a, *_]: ...        # binds a
//! ```
//!
//! Opens loops; no new scopes are made here.

use florc_syntax::tree::{
    Block, ExceptHandler, ExprId, Identifier, MatchCase, PatternId, PatternKind, StmtId, StmtKind,
    Tree, WithItem,
};

use super::targets::Source;
use super::{At, Collector};
use crate::ids::{LoopId, ScopeId};
use crate::model::{DefinitionKind, Loop};

impl Collector<'_> {
    pub(super) fn compound(&mut self, id: StmtId, at: At) {
        let tree = self.tree;
        match &tree.stmt(id).kind {
            StmtKind::For {
                target,
                iter,
                body,
                orelse,
                ..
            } => {
                self.expr(*iter, at);
                let inside = self.open_loop(id, at);
                self.target(*target, at, Source::Iteration(*iter));
                self.inner_block(id, body, inside);
                self.inner_block(id, orelse, at);
            }
            StmtKind::While { test, body, orelse } => {
                self.expr(*test, at);
                let inside = self.open_loop(id, at);
                self.inner_block(id, body, inside);
                self.inner_block(id, orelse, at);
            }
            StmtKind::With { items, body, .. } => self.with_statement(id, items, body, at),
            StmtKind::If { body, orelse, .. } => {
                self.exprs(tree.stmt_exprs(id), at);
                self.inner_block(id, body, at);
                self.inner_block(id, orelse, at);
            }
            StmtKind::Match { subject, cases } => self.match_statement(id, *subject, cases, at),
            StmtKind::Try {
                body,
                handlers,
                orelse,
                finalbody,
                ..
            } => self.try_statement(id, [body, orelse, finalbody], handlers, at),
            StmtKind::FunctionDef(_)
            | StmtKind::ClassDef(_)
            | StmtKind::Return { .. }
            | StmtKind::Delete { .. }
            | StmtKind::Assign { .. }
            | StmtKind::TypeAlias { .. }
            | StmtKind::AugAssign { .. }
            | StmtKind::AnnAssign { .. }
            | StmtKind::Raise { .. }
            | StmtKind::Assert { .. }
            | StmtKind::Import { .. }
            | StmtKind::ImportFrom { .. }
            | StmtKind::Global { .. }
            | StmtKind::Nonlocal { .. }
            | StmtKind::Expr { .. }
            | StmtKind::Pass
            | StmtKind::Break
            | StmtKind::Continue => {}
        }
    }

    fn with_statement(&mut self, id: StmtId, items: &[WithItem], body: &Block, at: At) {
        for item in items {
            self.expr(item.context, at);
            if let Some(target) = item.target {
                self.target(target, at, Source::With(item.context));
            }
        }
        self.inner_block(id, body, at);
    }

    fn try_statement(
        &mut self,
        id: StmtId,
        [body, orelse, finalbody]: [&Block; 3],
        handlers: &[ExceptHandler],
        at: At,
    ) {
        self.inner_block(id, body, at);
        for handler in handlers {
            self.exprs(handler.exception, at);
            if let Some(name) = &handler.name {
                self.define(at.scope, name, DefinitionKind::Except);
            }
            self.inner_block(id, &handler.body, at);
        }
        self.inner_block(id, orelse, at);
        self.inner_block(id, finalbody, at);
    }

    fn open_loop(&mut self, stmt: StmtId, at: At) -> At {
        let id = LoopId(self.semantics.loops.len() as u32);
        let function = self.semantics.scopes[at.scope.index()].function;
        let label = self.label(stmt);
        let parent = at
            .loop_id
            .map(|parent| self.semantics.loops[parent.index()].path.as_str());
        let outer = parent.unwrap_or(&self.semantics.functions[function.index()].qualname);
        let path = match outer {
            "" => label.clone(),
            outer => format!("{outer}/{label}"),
        };
        let count = self.paths.entry(path.clone()).or_insert(0);
        *count += 1;
        let path = match *count {
            1 => path,
            again => format!("{path}#{again}"),
        };
        self.semantics.loops.push(Loop {
            id,
            stmt,
            function,
            parent: at.loop_id,
            label,
            path,
        });
        self.semantics.tables.stmt_loops[stmt.0 as usize] = Some(id);
        At {
            loop_id: Some(id),
            ..at
        }
    }

    fn match_statement(&mut self, id: StmtId, subject: ExprId, cases: &[MatchCase], at: At) {
        self.expr(subject, at);
        for case in cases {
            let mut values = Vec::new();
            self.tree.pattern_exprs(case.pattern, &mut values);
            self.exprs(values, at);
            self.captures(case.pattern, at.scope);
            self.exprs(case.guard, at);
            self.inner_block(id, &case.body, at);
        }
    }

    fn captures(&mut self, pattern: PatternId, scope: ScopeId) {
        for name in captures(self.tree, pattern) {
            self.define(scope, name, DefinitionKind::Capture);
        }
    }
}

/// The names that a pattern binds, in source order.
pub(crate) fn captures(tree: &Tree, pattern: PatternId) -> Vec<&Identifier> {
    match &tree.pattern(pattern).kind {
        PatternKind::Value(_) => Vec::new(),
        PatternKind::Sequence(patterns) | PatternKind::Or(patterns) => patterns
            .iter()
            .flat_map(|inner| captures(tree, *inner))
            .collect(),
        PatternKind::Mapping { patterns, rest, .. } => {
            let inner = patterns.iter().flat_map(|inner| captures(tree, *inner));
            inner.chain(rest).collect()
        }
        PatternKind::Class {
            patterns, keywords, ..
        } => {
            let keywords = keywords.iter().map(|(_, inner)| inner);
            let all = patterns.iter().chain(keywords);
            all.flat_map(|inner| captures(tree, *inner)).collect()
        }
        PatternKind::Star(name) => name.iter().collect(),
        PatternKind::As { pattern, name } => {
            let inner = pattern.iter().flat_map(|inner| captures(tree, *inner));
            inner.chain(name).collect()
        }
    }
}
