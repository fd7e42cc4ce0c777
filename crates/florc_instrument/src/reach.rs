//! Which functions of the module a region may run.
//!
//! ```python
//! for epoch in range(3):
//!     train(model)           # `train`, and what `train` calls
//! ```
//!
//! Two answers: what resolved calls reach (to choose cut points), and what might run at all (for
//! whatever must not be missed). Neither follows imports into modules that are not linked.

use std::collections::BTreeSet;

use florc_manifest::LogKind;
use florc_semantic::{Callee, FunctionId};
use florc_syntax::Span;
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};

use crate::decide::Facts;
use crate::plan::LogStatement;

impl Facts<'_> {
    /// Functions that resolved calls in `stmts` reach, directly or through each other.
    pub(crate) fn called_from(&self, stmts: &[StmtId]) -> BTreeSet<FunctionId> {
        self.closure(self.calls_in(stmts))
    }

    /// Functions that resolved calls of `function` reach, directly or through each other.
    pub(crate) fn called_by(&self, function: FunctionId) -> BTreeSet<FunctionId> {
        self.closure(self.callees_of(function))
    }

    fn closure(&self, mut queue: Vec<FunctionId>) -> BTreeSet<FunctionId> {
        let mut found = BTreeSet::new();
        while let Some(function) = queue.pop() {
            if found.insert(function) {
                queue.extend(self.callees_of(function));
            }
        }
        found
    }

    /// Functions that resolved calls directly in `stmts` name, nested functions' calls too, and the
    /// bodies of files that are imported there.
    fn calls_in(&self, stmts: &[StmtId]) -> Vec<FunctionId> {
        let tree = &self.module.tree;
        let inside = |span: Span| {
            let mut around = stmts.iter().map(|stmt| tree.stmt(*stmt).span);
            around.any(|around| around.contains_span(span))
        };
        let mut found = self.resolved(|call| inside(tree.expr(call.expr).span));
        found.extend(self.imported(|stmt| inside(tree.stmt(stmt).span)));
        found
    }

    /// Functions that resolved calls of `function` name, and the bodies of files that it imports.
    fn callees_of(&self, function: FunctionId) -> Vec<FunctionId> {
        let mut found = self.resolved(|call| call.caller == function);
        found.extend(self.imported(|stmt| self.semantics.function_of_stmt(stmt) == function));
        found
    }

    fn resolved(&self, keep: impl Fn(&florc_semantic::Call) -> bool) -> Vec<FunctionId> {
        let calls = self.semantics.calls();
        let kept = calls.iter().filter(|call| keep(call));
        kept.filter_map(|call| match &call.callee {
            Callee::Functions(functions) => Some(functions.clone()),
            _ => None,
        })
        .flatten()
        .collect()
    }

    fn imported(&self, keep: impl Fn(StmtId) -> bool) -> Vec<FunctionId> {
        let runs = self.semantics.imports().iter();
        let kept = runs.filter(|(stmt, _)| keep(*stmt));
        kept.flat_map(|(_, bodies)| bodies.clone()).collect()
    }

    /// The statements of a function's body.
    pub(crate) fn body_of(&self, function: FunctionId) -> &[StmtId] {
        let Some(stmt) = self.semantics.function(function).stmt else {
            let file = self.semantics.modules.iter().position(|of| *of == function);
            let body = file.and_then(|file| self.module.tree.bodies().nth(file));
            return body.map_or(&[], |body| body.as_slice());
        };
        match &self.module.tree.stmt(stmt).kind {
            StmtKind::FunctionDef(def) => &def.body,
            _ => &[],
        }
    }

    /// Whether a log statement is in `stmts`, or may be reached from them.
    pub(crate) fn may_log(&self, stmts: &[StmtId], logs: &[LogStatement]) -> bool {
        self.may_run_one(stmts, logs.iter())
    }

    /// `print(…, file=…)`.
    fn names_a_file(&self, call: ExprId) -> bool {
        match &self.module.tree.expr(call).kind {
            ExprKind::Call { keywords, .. } => keywords.iter().any(|it| match &it.name {
                Some(name) => name.text == "file",
                None => true,
            }),
            _ => false,
        }
    }

    /// Whether what is printed may go to files.
    pub(crate) fn redirects_output(&self) -> bool {
        let text = self.module.source.text();
        let places = [
            "redirect_std",
            "sys.stdout =",
            "sys.stderr =",
            "sys.stdout=",
            "sys.stderr=",
        ];
        places.iter().any(|it| text.contains(it))
    }

    fn may_run_one<'l>(
        &self,
        stmts: &[StmtId],
        logs: impl Iterator<Item = &'l LogStatement> + Clone,
    ) -> bool {
        if logs.clone().next().is_none() {
            return false;
        }
        let tree = &self.module.tree;
        let lexically = logs.clone().any(|log| {
            let span = tree.expr(log.call).span;
            stmts
                .iter()
                .any(|stmt| tree.stmt(*stmt).span.contains_span(span))
        });
        lexically || {
            let reached = self.effects.may_reach(stmts);
            let mut logs = logs;
            logs.any(|log| reached.contains(&self.semantics.function_of_expr(log.call)))
        }
    }

    /// Whether a statement may write files, itself or by a tracker or logger that does.
    pub(crate) fn may_write(&self, stmt: StmtId, logs: &[LogStatement]) -> bool {
        let function = self.semantics.function_of_stmt(stmt);
        let region = self.effects.region(function, &[stmt]);
        if region.hidden.files || !region.opaque.is_empty() || self.redirects_output() {
            return true;
        }
        let is_shown = |log: &&LogStatement| {
            !self.names_a_file(log.call)
                && matches!(
                    log.site.kind,
                    LogKind::Print
                        | LogKind::Printed
                        | LogKind::TqdmWrite
                        | LogKind::Postfix
                        | LogKind::Text
                )
        };
        self.may_run_one(&[stmt], logs.iter().filter(|log| !is_shown(log)))
    }

    /// Whether running `function` may be suspended half-way.
    pub(crate) fn suspends(&self, function: FunctionId) -> bool {
        let function = self.semantics.function(function);
        function.is_generator || function.is_async
    }

    /// `stmt` and what is nested in it, without the bodies of functions and classes.
    pub(crate) fn own_stmts(&self, stmt: StmtId) -> Vec<StmtId> {
        let tree = &self.module.tree;
        let mut found = vec![stmt];
        if !matches!(
            tree.stmt(stmt).kind,
            StmtKind::FunctionDef(_) | StmtKind::ClassDef(_)
        ) {
            for block in tree.blocks(stmt) {
                found.extend(block.iter().flat_map(|inner| self.own_stmts(*inner)));
            }
        }
        found
    }
}
