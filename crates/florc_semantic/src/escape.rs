//! Functions that may be called from places that no call expression names.
//!
//! ```python
//! def key(x): ...            # escapes: `sorted` calls it
//! sorted(xs, key=key)
//! def main(): ...            # does not: only ever called by name
//! ```
//!
//! Methods, generators, coroutines and decorated functions always count, and all functions of a file
//! whose module is used as a value.

use std::collections::BTreeSet;

use florc_syntax::tree::{ExprId, ExprKind, StmtKind, Tree};

use crate::Semantics;
use crate::ids::{BindingId, FunctionId};
use crate::model::{DefinitionKind, Function, FunctionKind};
use crate::tables::Use;

/// Finds them all.
pub(crate) fn escaping(tree: &Tree, semantics: &Semantics) -> BTreeSet<FunctionId> {
    let everything = semantics.dynamic.iter().any(|found| found.expr.is_some());
    let functions = semantics.functions.iter();
    let functions = functions.filter(|function| function.kind != FunctionKind::Module);
    let escaping = functions.filter(|function| {
        everything
            || semantics.given.contains(&semantics.module_of(function.id))
            || function.class.is_some()
            || function.is_decorated
            || function.is_generator
            || function.is_async
            || is_value(tree, semantics, function)
    });
    escaping.map(|function| function.id).collect()
}

/// Whether the function is used other than by calling it.
fn is_value(tree: &Tree, semantics: &Semantics, function: &Function) -> bool {
    match (function.kind, function.stmt, function.expr) {
        (FunctionKind::Def, Some(stmt), _) => match &tree.stmt(stmt).kind {
            StmtKind::FunctionDef(def) => semantics
                .binding_of_identifier(def.name.span)
                .is_none_or(|binding| is_read_as_value(tree, semantics, binding)),
            _ => true,
        },
        (FunctionKind::Lambda, _, Some(lambda)) => {
            !is_called(tree, lambda)
                && name_of_lambda(tree, semantics, lambda)
                    .is_none_or(|binding| is_read_as_value(tree, semantics, binding))
        }
        _ => true,
    }
}

fn is_read_as_value(tree: &Tree, semantics: &Semantics, binding: BindingId) -> bool {
    semantics.uses_of(binding).iter().any(|name| {
        match semantics.tables.expr_uses[name.0 as usize] {
            Use::Store | Use::Delete => false,
            Use::Load | Use::LoadStore => !is_called(tree, *name),
        }
    })
}

fn is_called(tree: &Tree, expr: ExprId) -> bool {
    let parent = tree.expr_parent(expr).map(|parent| &tree.expr(parent).kind);
    matches!(parent, Some(ExprKind::Call { func, .. }) if *func == expr)
}

/// The variable that a lambda is assigned to, when it is one.
fn name_of_lambda(tree: &Tree, semantics: &Semantics, lambda: ExprId) -> Option<BindingId> {
    if let StmtKind::Assign { targets, .. } = &tree.stmt(tree.stmt_of(lambda)).kind
        && targets.len() > 1
    {
        return None;
    }
    let ids = (0..semantics.bindings.len() as u32).map(BindingId);
    let mut holders = ids.filter(|binding| {
        let definitions = semantics.binding(*binding).definitions.iter();
        definitions
            .clone()
            .any(|found| found.kind == DefinitionKind::Assign(lambda))
    });
    let first = holders.next()?;
    let scope = semantics.scope(semantics.binding(first).scope);
    let is_attribute = matches!(scope.kind, crate::model::ScopeKind::Class(_));
    (holders.next().is_none() && !is_attribute).then_some(first)
}
