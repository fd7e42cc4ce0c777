//! What each node of a control-flow graph reads, binds and unbinds.
//!
//! ```python
//! if (m := match(line)) and (n := m.end()):    # reads line, m; surely binds m, not n
//! ```
//!
//! Reads may be too many, bindings are sure ones only. Lambdas and lazy generators are not entered:
//! what they mention is captured.

use florc_syntax::tree::{ExprId, ExprKind, PatternId, StmtId, StmtKind, Tree};

use super::FunctionFlow;
use crate::Semantics;
use crate::cfg::Node;
use crate::collect::captures;
use crate::ids::{BindingId, FunctionId};
use crate::tables::Use;

/// What a node does to the variables that are followed, as bits of the function's universe.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeEffect {
    pub(crate) reads: Vec<u32>,
    pub(crate) binds: Vec<u32>,
    pub(crate) unbinds: Vec<u32>,
}

/// Fills the effects of every node.
pub(super) fn node_effects(
    tree: &Tree,
    semantics: &Semantics,
    function: FunctionId,
    flow: &mut FunctionFlow,
) {
    let mut effects = Vec::with_capacity(flow.cfg.graph.node_count());
    for node in flow.cfg.graph.node_weights() {
        let mut walk = Walk {
            tree,
            semantics,
            flow,
            effect: NodeEffect::default(),
        };
        walk.node(*node, function);
        effects.push(walk.effect);
    }
    flow.effects = effects;
}

struct Walk<'a> {
    tree: &'a Tree,
    semantics: &'a Semantics,
    flow: &'a FunctionFlow,
    effect: NodeEffect,
}

impl Walk<'_> {
    fn node(&mut self, node: Node, function: FunctionId) {
        let tree = self.tree;
        match node {
            Node::Entry => {
                for param in &self.semantics.function(function).params {
                    self.bind(*param);
                }
            }
            Node::LambdaBody(lambda) => {
                if let ExprKind::Lambda { body, .. } = &tree.expr(lambda).kind {
                    self.expr(*body, true);
                }
            }
            Node::Statement(stmt) => self.statement(stmt),
            Node::Test(stmt)
            | Node::Iterable(stmt)
            | Node::Target(stmt)
            | Node::Enter(stmt, _)
            | Node::ClassEnd(stmt)
            | Node::Subject(stmt)
            | Node::Case(stmt, _)
            | Node::Capture(stmt, _)
            | Node::Guard(stmt, _)
            | Node::Handler(stmt, _)
            | Node::Caught(stmt, _)
            | Node::Unbind(stmt, _) => self.part(node, stmt),
            Node::Exit
            | Node::RaiseExit
            | Node::Next(_)
            | Node::LoopBody(_)
            | Node::Leave(_)
            | Node::Handlers(_)
            | Node::Finally(_)
            | Node::After(_) => {}
        }
    }

    /// A part of a compound statement.
    fn part(&mut self, node: Node, stmt: StmtId) {
        let tree = self.tree;
        match (node, &tree.stmt(stmt).kind) {
            (Node::Test(_), StmtKind::If { test, .. } | StmtKind::While { test, .. }) => {
                self.expr(*test, true);
            }
            (Node::Iterable(_), StmtKind::For { iter, .. }) => self.expr(*iter, true),
            (Node::Target(_), StmtKind::For { target, .. }) => self.expr(*target, true),
            (Node::Enter(_, index), StmtKind::With { items, .. }) => {
                if let Some(item) = items.get(index as usize) {
                    self.expr(item.context, true);
                    self.exprs(item.target, true);
                }
            }
            (Node::ClassEnd(_), StmtKind::ClassDef(def)) => self.bind_identifier(def.name.span),
            (Node::Subject(_), StmtKind::Match { subject, .. }) => self.expr(*subject, true),
            (Node::Case(_, index), StmtKind::Match { cases, .. }) => {
                if let Some(case) = cases.get(index as usize) {
                    self.pattern_values(case.pattern);
                }
            }
            (Node::Capture(_, index), StmtKind::Match { cases, .. }) => {
                if let Some(case) = cases.get(index as usize) {
                    for name in captures(tree, case.pattern) {
                        self.bind_identifier(name.span);
                    }
                }
            }
            (Node::Guard(_, index), StmtKind::Match { cases, .. }) => {
                self.exprs(cases.get(index as usize).and_then(|case| case.guard), true);
            }
            (Node::Handler(_, index), StmtKind::Try { handlers, .. }) => {
                let handler = handlers.get(index as usize);
                self.exprs(handler.and_then(|handler| handler.exception), true);
            }
            (Node::Caught(_, index), StmtKind::Try { handlers, .. }) => {
                let handler = handlers.get(index as usize);
                if let Some(name) = handler.and_then(|handler| handler.name.as_ref()) {
                    self.bind_identifier(name.span);
                }
            }
            (Node::Unbind(_, index), StmtKind::Try { handlers, .. }) => {
                let handler = handlers.get(index as usize);
                if let Some(name) = handler.and_then(|handler| handler.name.as_ref())
                    && let Some(binding) = self.semantics.binding_of_identifier(name.span)
                {
                    self.unbind(binding);
                }
            }
            _ => {}
        }
    }

    fn statement(&mut self, stmt: StmtId) {
        let tree = self.tree;
        let exprs = tree.stmt_exprs(stmt);
        match &tree.stmt(stmt).kind {
            // Compound statements have nodes for their parts; the head of `try` does nothing.
            StmtKind::For { .. }
            | StmtKind::While { .. }
            | StmtKind::If { .. }
            | StmtKind::With { .. }
            | StmtKind::Match { .. }
            | StmtKind::Try { .. } => {}
            // An assertion may be switched off, a `type` alias is evaluated later, and an annotation
            // alone binds nothing.
            StmtKind::Assert { .. } | StmtKind::AnnAssign { value: None, .. } => {
                self.exprs(exprs, false);
            }
            StmtKind::TypeAlias { name, .. } => self.expr(*name, true),
            StmtKind::FunctionDef(def) => {
                self.exprs(exprs, true);
                self.bind_identifier(def.name.span);
            }
            StmtKind::Import { names } | StmtKind::ImportFrom { names, .. } => {
                for alias in names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name);
                    self.bind_identifier(name.span);
                }
            }
            StmtKind::ClassDef(_)
            | StmtKind::Return { .. }
            | StmtKind::Delete { .. }
            | StmtKind::Assign { .. }
            | StmtKind::AugAssign { .. }
            | StmtKind::AnnAssign { value: Some(_), .. }
            | StmtKind::Raise { .. }
            | StmtKind::Global { .. }
            | StmtKind::Nonlocal { .. }
            | StmtKind::Expr { .. }
            | StmtKind::Pass
            | StmtKind::Break
            | StmtKind::Continue => self.exprs(exprs, true),
        }
    }

    fn pattern_values(&mut self, pattern: PatternId) {
        let mut values = Vec::new();
        self.tree.pattern_exprs(pattern, &mut values);
        self.exprs(values, true);
    }

    fn exprs(&mut self, exprs: impl IntoIterator<Item = ExprId>, sure: bool) {
        for expr in exprs {
            self.expr(expr, sure);
        }
    }

    /// Walks an expression that is evaluated surely, or maybe.
    fn expr(&mut self, id: ExprId, sure: bool) {
        let tree = self.tree;
        match &tree.expr(id).kind {
            ExprKind::Name(_) => self.name(id, sure),
            ExprKind::BoolOp { values, .. } => self.first_surely(values, sure),
            ExprKind::IfExp { test, body, orelse } => {
                self.expr(*test, sure);
                self.exprs([*body, *orelse], false);
            }
            ExprKind::Compare {
                left, comparators, ..
            } => {
                self.expr(*left, sure);
                self.first_surely(comparators, sure);
            }
            ExprKind::Lambda { params, .. } => {
                self.exprs(
                    params.iter().filter_map(|parameter| parameter.default),
                    sure,
                );
            }
            ExprKind::GeneratorExp { .. }
                if !self.semantics.tables.eager_generators.contains(&id) =>
            {
                self.exprs(tree.child_exprs(id).first().copied(), sure);
            }
            ExprKind::ListComp { .. }
            | ExprKind::SetComp { .. }
            | ExprKind::DictComp { .. }
            | ExprKind::GeneratorExp { .. } => self.first_surely(&tree.child_exprs(id), sure),
            ExprKind::Named { .. }
            | ExprKind::BinOp { .. }
            | ExprKind::UnaryOp { .. }
            | ExprKind::Dict { .. }
            | ExprKind::Set { .. }
            | ExprKind::Await { .. }
            | ExprKind::Yield { .. }
            | ExprKind::YieldFrom { .. }
            | ExprKind::Call { .. }
            | ExprKind::FString { .. }
            | ExprKind::Attribute { .. }
            | ExprKind::Subscript { .. }
            | ExprKind::Starred { .. }
            | ExprKind::List { .. }
            | ExprKind::Tuple { .. }
            | ExprKind::Slice { .. } => self.exprs(tree.child_exprs(id), sure),
            ExprKind::Str(_)
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

    fn first_surely(&mut self, exprs: &[ExprId], sure: bool) {
        if let Some((first, rest)) = exprs.split_first() {
            self.expr(*first, sure);
            self.exprs(rest.iter().copied(), false);
        }
    }

    fn name(&mut self, id: ExprId, sure: bool) {
        let fallback = self.semantics.tables.class_fallbacks.get(&id).copied();
        let own = self.semantics.binding_of_name(id);
        let how = self.semantics.tables.expr_uses[id.0 as usize];
        if let Some(outer) = fallback
            && how != Use::Store
        {
            self.read(outer);
        }
        if let Some(binding) = own {
            match how {
                Use::Load => self.read(binding),
                Use::Store if sure => self.bind(binding),
                Use::Store => {}
                Use::LoadStore => {
                    self.read(binding);
                    self.bind(binding);
                }
                Use::Delete => {
                    self.read(binding);
                    self.unbind(binding);
                }
            }
        }
    }

    fn bind_identifier(&mut self, span: florc_syntax::Span) {
        if let Some(binding) = self.semantics.binding_of_identifier(span) {
            self.bind(binding);
        }
    }

    fn read(&mut self, binding: BindingId) {
        if let Some(bit) = self.flow.bit(binding) {
            self.effect.reads.push(bit as u32);
        }
    }

    fn bind(&mut self, binding: BindingId) {
        if let Some(bit) = self.flow.bit(binding) {
            self.effect.binds.push(bit as u32);
        }
    }

    fn unbind(&mut self, binding: BindingId) {
        if let Some(bit) = self.flow.bit(binding) {
            self.effect.unbinds.push(bit as u32);
        }
    }
}
