//! Targets: which names an assignment, loop, `with` or `del` binds, and from what.
//!
//! ```python
//! model, (x, *rest) = Net(), batch     # model: Assign(Net()); x, rest: Unpack(batch)
//! row[i] = x                           # binds nothing; reads `row` and `i`
//! ```
//!
//! Stores into attributes and items are no bindings; see [`crate::attributes`].

use florc_syntax::tree::{ExprId, ExprKind};

use super::{At, Collector};
use crate::model::DefinitionKind;
use crate::tables::Use;

/// Where the value of a target comes from.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// Exactly this expression.
    Value(ExprId),
    /// A part of this expression's value.
    Part(ExprId),
    Iteration(ExprId),
    With(ExprId),
    Augment(ExprId),
    Type,
    Delete,
}

impl Source {
    fn kind(self) -> DefinitionKind {
        match self {
            Source::Value(value) => DefinitionKind::Assign(value),
            Source::Part(value) => DefinitionKind::Unpack(value),
            Source::Iteration(iter) => DefinitionKind::Iteration(iter),
            Source::With(context) => DefinitionKind::With(context),
            Source::Augment(value) => DefinitionKind::Augment(value),
            Source::Type => DefinitionKind::Type,
            Source::Delete => DefinitionKind::Delete,
        }
    }

    fn name_use(self) -> Use {
        match self {
            Source::Augment(_) => Use::LoadStore,
            Source::Delete => Use::Delete,
            Source::Value(_)
            | Source::Part(_)
            | Source::Iteration(_)
            | Source::With(_)
            | Source::Type => Use::Store,
        }
    }

    /// Where a part of the target gets its value.
    fn part(self) -> Self {
        match self {
            Source::Value(value) => Source::Part(value),
            Source::Part(_)
            | Source::Iteration(_)
            | Source::With(_)
            | Source::Augment(_)
            | Source::Type
            | Source::Delete => self,
        }
    }
}

impl Collector<'_> {
    /// Binds the names of a target.
    pub(super) fn target(&mut self, target: ExprId, at: At, source: Source) {
        let tree = self.tree;
        self.semantics.tables.expr_scopes[target.0 as usize] = at.scope;
        match &tree.expr(target).kind {
            ExprKind::Name(name) => {
                self.semantics.tables.expr_uses[target.0 as usize] = source.name_use();
                self.define_expr(at.scope, name, target, source.kind());
            }
            ExprKind::Tuple { elts } | ExprKind::List { elts } => {
                let values = self.parts(elts, source);
                for (at_index, elt) in elts.iter().enumerate() {
                    let value = values.get(at_index).map(|value| Source::Value(*value));
                    self.target(*elt, at, value.unwrap_or(source.part()));
                }
            }
            ExprKind::Starred { value } => self.target(*value, at, source.part()),
            ExprKind::Attribute { value, .. } => {
                let stores = &mut self.semantics.tables.attribute_stores;
                stores.push((target, source.kind()));
                self.expr(*value, at);
            }
            ExprKind::Subscript { value, slice } => {
                self.expr(*value, at);
                self.expr(*slice, at);
            }
            ExprKind::BoolOp { .. }
            | ExprKind::Named { .. }
            | ExprKind::BinOp { .. }
            | ExprKind::UnaryOp { .. }
            | ExprKind::Lambda { .. }
            | ExprKind::IfExp { .. }
            | ExprKind::Dict { .. }
            | ExprKind::Set { .. }
            | ExprKind::ListComp { .. }
            | ExprKind::SetComp { .. }
            | ExprKind::DictComp { .. }
            | ExprKind::GeneratorExp { .. }
            | ExprKind::Await { .. }
            | ExprKind::Yield { .. }
            | ExprKind::YieldFrom { .. }
            | ExprKind::Compare { .. }
            | ExprKind::Call { .. }
            | ExprKind::FString { .. }
            | ExprKind::Str(_)
            | ExprKind::Bytes(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Complex(_)
            | ExprKind::True
            | ExprKind::False
            | ExprKind::None
            | ExprKind::Ellipsis
            | ExprKind::Slice { .. } => self.expr(target, at),
        }
    }

    /// `x: int`: makes `x` a name of this scope and binds nothing.
    pub(super) fn declared_only(&mut self, target: ExprId, at: At) {
        self.target(target, at, Source::Type);
        if let ExprKind::Name(_) = self.tree.expr(target).kind
            && let Some(raw) = self.raw.last_mut()
        {
            raw.binds = false;
        }
    }

    /// The values of `a, b = x, y`, one for each target; empty when they do not pair up.
    fn parts(&self, targets: &[ExprId], source: Source) -> Vec<ExprId> {
        let Source::Value(value) = source else {
            return Vec::new();
        };
        let (ExprKind::Tuple { elts } | ExprKind::List { elts }) = &self.tree.expr(value).kind
        else {
            return Vec::new();
        };
        let starred = |elt: &ExprId| matches!(self.tree.expr(*elt).kind, ExprKind::Starred { .. });
        if elts.len() != targets.len() || elts.iter().chain(targets).any(starred) {
            return Vec::new();
        }
        elts.clone()
    }
}
