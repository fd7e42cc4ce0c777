//! Expressions: in which scope each is evaluated.
//!
//! ```python
//! [x * k for x in xs if (last := x)]   # `xs`, `k` outside; `x` inside; `last` bound outside
//! lambda x, y=k: x                     # `k` outside, `x` in the lambda's own scope
//! ```
//!
//! The first iterable of a comprehension is evaluated outside of it; an assignment expression in
//! it binds outside of it.

use florc_syntax::tree::{Comprehension, ExprId, ExprKind, Parameters};

use super::targets::Source;
use super::{At, Collector};
use crate::ids::ScopeId;
use crate::model::{DefinitionKind, FunctionKind, ScopeKind};

impl Collector<'_> {
    pub(super) fn exprs(&mut self, exprs: impl IntoIterator<Item = ExprId>, at: At) {
        for expr in exprs {
            self.expr(expr, at);
        }
    }

    pub(super) fn expr(&mut self, id: ExprId, at: At) {
        let tree = self.tree;
        self.semantics.tables.expr_scopes[id.0 as usize] = at.scope;
        match &tree.expr(id).kind {
            ExprKind::Named { target, value } => {
                self.expr(*value, at);
                let scope = self.outside_comprehensions(at.scope);
                self.target(*target, At { scope, ..at }, Source::Value(*value));
            }
            ExprKind::Lambda { params, body } => self.lambda(id, params, *body, at),
            ExprKind::ListComp { elt, generators }
            | ExprKind::SetComp { elt, generators }
            | ExprKind::GeneratorExp { elt, generators } => {
                self.comprehension(id, generators, &[*elt], at);
            }
            ExprKind::DictComp {
                key,
                value,
                generators,
            } => self.comprehension(id, generators, &[*key, *value], at),
            ExprKind::Yield { .. } | ExprKind::YieldFrom { .. } => {
                self.function_of(at.scope).is_generator = true;
                self.exprs(tree.child_exprs(id), at);
            }
            ExprKind::BoolOp { .. }
            | ExprKind::BinOp { .. }
            | ExprKind::UnaryOp { .. }
            | ExprKind::IfExp { .. }
            | ExprKind::Dict { .. }
            | ExprKind::Set { .. }
            | ExprKind::Await { .. }
            | ExprKind::Compare { .. }
            | ExprKind::Call { .. }
            | ExprKind::FString { .. }
            | ExprKind::Attribute { .. }
            | ExprKind::Subscript { .. }
            | ExprKind::Starred { .. }
            | ExprKind::List { .. }
            | ExprKind::Tuple { .. }
            | ExprKind::Slice { .. } => self.exprs(tree.child_exprs(id), at),
            ExprKind::Name(_)
            | ExprKind::Str(_)
            | ExprKind::Bytes(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Complex(_)
            | ExprKind::True
            | ExprKind::False
            | ExprKind::None
            | ExprKind::Ellipsis => {}
        }
    }

    fn lambda(&mut self, id: ExprId, params: &Parameters, body: ExprId, at: At) {
        self.exprs(params.iter().filter_map(|parameter| parameter.default), at);
        let qualname = self.qualname(at.scope, "<lambda>");
        let opened = Some((ScopeKind::Lambda(id), at.scope));
        let function = self.function("<lambda>", qualname, FunctionKind::Lambda, opened);
        self.semantics.functions[function.index()].expr = Some(id);
        self.semantics.tables.lambdas.insert(id, function);
        self.semantics
            .tables
            .function_sites
            .push((function, self.stmt));
        let scope = self.semantics.functions[function.index()].scope;
        self.parameters(params, scope);
        let at = At {
            scope,
            loop_id: None,
        };
        self.expr(body, at);
    }

    pub(super) fn parameters(&mut self, params: &Parameters, scope: ScopeId) {
        for parameter in params.iter() {
            let kind = DefinitionKind::Parameter(parameter.default);
            self.define(scope, &parameter.name, kind);
        }
    }

    fn comprehension(
        &mut self,
        id: ExprId,
        generators: &[Comprehension],
        results: &[ExprId],
        at: At,
    ) {
        let scope = self.inner_scope(ScopeKind::Comprehension(id), at.scope);
        let inside = At { scope, ..at };
        for (index, generator) in generators.iter().enumerate() {
            self.expr(generator.iter, if index == 0 { at } else { inside });
            self.target(generator.target, inside, Source::Iteration(generator.iter));
            self.exprs(generator.ifs.iter().copied(), inside);
        }
        self.exprs(results.iter().copied(), inside);
    }

    /// The innermost scope around that is no comprehension.
    fn outside_comprehensions(&self, mut scope: ScopeId) -> ScopeId {
        while let found = &self.semantics.scopes[scope.index()]
            && matches!(found.kind, ScopeKind::Comprehension(_))
            && let Some(parent) = found.parent
        {
            scope = parent;
        }
        scope
    }
}
