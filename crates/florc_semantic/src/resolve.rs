//! Second pass: what each name means, and which variables other functions mention.
//!
//! ```python
//! x = 1
//! class A:
//!     x = 2
//!     def f(self): return x      # the module's: functions do not see class scopes
//! ```
//!
//! Names that nothing binds are builtins, or unknown; with a star import every such name is unknown.

use florc_syntax::tree::{ExprId, ExprKind, StmtId, Tree};

use crate::Semantics;
use crate::builtin_names::is_builtin;
use crate::ids::{BindingId, ScopeId};
use crate::model::{Resolution, ScopeKind};
use crate::tables::Use;

/// Builtins that run through a generator before they return.
const CONSUMERS: [&str; 11] = [
    "all",
    "any",
    "dict",
    "frozenset",
    "list",
    "max",
    "min",
    "set",
    "sorted",
    "sum",
    "tuple",
];

/// Fills names, uses, reads, fallbacks and captures.
pub(crate) fn resolve(tree: &Tree, semantics: &mut Semantics) {
    let names: Vec<(ExprId, &str)> = (0..tree.expr_count() as u32)
        .map(ExprId)
        .filter_map(|id| match &tree.expr(id).kind {
            ExprKind::Name(name) => Some((id, name.as_str())),
            _ => None,
        })
        .collect();
    for (id, name) in &names {
        let found = lookup(semantics, semantics.scope_of_expr(*id), name);
        semantics.tables.expr_names.insert(*id, found);
    }
    eager_generators(tree, semantics);
    semantics.tables.uses = vec![Vec::new(); semantics.bindings.len()];
    semantics.tables.stmt_reads = vec![Vec::new(); tree.stmt_count()];
    for (id, name) in names {
        if let Some(binding) = semantics.binding_of_name(id) {
            mention(semantics, tree.stmt_of(id), id, binding);
            if let Some(outer) = fallback(semantics, id, binding, name) {
                semantics.tables.class_fallbacks.insert(id, outer);
                mention(semantics, tree.stmt_of(id), id, outer);
            }
        }
    }
}

/// What `name` means in code of that scope.
pub(crate) fn lookup(semantics: &Semantics, scope: ScopeId, name: &str) -> Resolution {
    let mut at = Some(scope);
    let mut sees_class = true;
    while let Some(id) = at {
        let scope = semantics.scope(id);
        let visible = match scope.kind {
            ScopeKind::Class(_) => sees_class,
            ScopeKind::Module
            | ScopeKind::Function(_)
            | ScopeKind::Lambda(_)
            | ScopeKind::Comprehension(_)
            | ScopeKind::TypeParameters(_) => true,
        };
        if visible
            && let Some(found) = scope
                .declared
                .get(name)
                .or_else(|| scope.bindings.get(name))
        {
            return Resolution::Binding(*found);
        }
        // Only type parameters look through to the class they stand in.
        sees_class &= matches!(scope.kind, ScopeKind::TypeParameters(_));
        at = scope.parent;
    }
    let module = semantics.module_of(semantics.scope(scope).function);
    let mut stars = semantics
        .dynamic
        .iter()
        .filter(|found| found.expr.is_none());
    let shadowed = stars.any(|found| found.globals_of == Some(module));
    if !shadowed && is_builtin(name) {
        Resolution::Builtin(name.to_owned())
    } else {
        Resolution::Unknown(name.to_owned())
    }
}

/// A name in a class body means the variable outside while the class has not bound it.
fn fallback(
    semantics: &Semantics,
    name_at: ExprId,
    binding: BindingId,
    name: &str,
) -> Option<BindingId> {
    let owner = semantics.scope(semantics.binding(binding).scope);
    if !matches!(owner.kind, ScopeKind::Class(_))
        || semantics.tables.expr_uses[name_at.0 as usize] == Use::Store
    {
        return None;
    }
    match lookup(semantics, owner.parent?, name) {
        Resolution::Binding(outer) => Some(outer),
        Resolution::Builtin(_) | Resolution::Unknown(_) => None,
    }
}

fn mention(semantics: &mut Semantics, stmt: StmtId, name: ExprId, binding: BindingId) {
    let tables = &mut semantics.tables;
    tables.uses[binding.index()].push(name);
    match tables.expr_uses[name.0 as usize] {
        Use::Load | Use::LoadStore | Use::Delete => {
            tables.stmt_reads[stmt.0 as usize].push(binding);
        }
        Use::Store => {}
    }
    let captured = is_captured(semantics, name, binding);
    semantics.bindings[binding.index()].is_captured |= captured;
}

/// Whether the code around the name may run later than the code around it.
fn is_captured(semantics: &Semantics, name: ExprId, binding: BindingId) -> bool {
    let owner = semantics.binding(binding).scope;
    let mut at = semantics.scope_of_expr(name);
    while at != owner {
        let scope = semantics.scope(at);
        match scope.kind {
            ScopeKind::Function(_) | ScopeKind::Lambda(_) | ScopeKind::TypeParameters(_) => {
                return true;
            }
            ScopeKind::Comprehension(id) => {
                let lazy = semantics.tables.lazy_generators.contains(&id);
                if lazy && !semantics.tables.eager_generators.contains(&id) {
                    return true;
                }
            }
            ScopeKind::Module | ScopeKind::Class(_) => {}
        }
        let Some(parent) = scope.parent else { break };
        at = parent;
    }
    false
}

/// Finds generator expressions, and those that are the argument of a builtin that consumes them.
fn eager_generators(tree: &Tree, semantics: &mut Semantics) {
    for id in (0..tree.expr_count() as u32).map(ExprId) {
        if !matches!(tree.expr(id).kind, ExprKind::GeneratorExp { .. }) {
            continue;
        }
        semantics.tables.lazy_generators.insert(id);
        if let Some(parent) = tree.expr_parent(id)
            && let ExprKind::Call { func, args, .. } = &tree.expr(parent).kind
            && args.contains(&id)
            && let Resolution::Builtin(name) = semantics.resolve(*func)
            && CONSUMERS.contains(&name.as_str())
        {
            semantics.tables.eager_generators.insert(id);
        }
    }
}
