//! A judge that knows the effects of a few calls by name; the real effect analysis is tested where
//! it lives.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up must fail")]

use std::collections::BTreeSet;

use florc_history::{Judge, ProbeEffect, Version};
use florc_semantic::{Callee, FunctionId, Semantics};
use florc_syntax::tree::{ExprId, ExprKind, StmtId};
use florc_syntax::{Module, SourceText};

/// One file, parsed.
pub(crate) fn module(text: &str) -> Module {
    let source = SourceText::from_bytes("t.py", text.as_bytes().to_vec()).unwrap();
    florc_syntax::parse(source).unwrap()
}

pub(crate) struct Named<'a> {
    pub(crate) module: &'a Module,
    pub(crate) semantics: &'a Semantics,
}

impl Named<'_> {
    fn calls(&self, stmt: StmtId) -> Vec<(ExprId, String)> {
        let tree = &self.module.tree;
        let inside = tree.descendants(stmt);
        let exprs = inside.flat_map(|stmt| tree.stmt_exprs(stmt));
        let all = exprs.flat_map(|expr| tree.all_exprs(expr));
        all.filter_map(|expr| match &tree.expr(expr).kind {
            ExprKind::Call { func, .. } => Some((expr, self.module.text_of_expr(*func).to_owned())),
            _ => None,
        })
        .collect()
    }
}

impl Judge for Named<'_> {
    fn is_log(&self, call: ExprId) -> bool {
        matches!(&self.module.tree.expr(call).kind, ExprKind::Call { func, .. }
            if self.module.text_of_expr(*func) == "print")
    }

    fn effect(&self, _: FunctionId, stmts: &[StmtId]) -> ProbeEffect {
        let mut effect = ProbeEffect::default();
        for (expr, name) in stmts.iter().flat_map(|stmt| self.calls(*stmt)) {
            let tree = &self.module.tree;
            let reason = (tree.expr(expr).span, format!("{name} was called"));
            match name.as_str() {
                "rng" => effect.draws.push(reason),
                "time" => effect.outside.push(reason),
                "bump" => {
                    let ExprKind::Call { args, .. } = &tree.expr(expr).kind else {
                        continue;
                    };
                    let binding = args
                        .first()
                        .and_then(|a| self.semantics.binding_of_name(*a));
                    effect
                        .changes
                        .extend(binding.map(|binding| (binding, vec![reason])));
                }
                _ => {}
            }
        }
        effect
    }

    fn may_reach(&self, stmts: &[StmtId]) -> BTreeSet<FunctionId> {
        let mut found = BTreeSet::new();
        for (expr, _) in stmts.iter().flat_map(|stmt| self.calls(*stmt)) {
            if let Some(Callee::Functions(functions)) =
                self.semantics.callee(expr).map(|call| &call.callee)
            {
                found.extend(functions.iter().copied());
            }
        }
        found
    }
}

impl<'a> Named<'a> {
    pub(crate) fn version(&'a self) -> Version<'a> {
        Version {
            module: self.module,
            semantics: self.semantics,
            judge: self,
        }
    }
}
