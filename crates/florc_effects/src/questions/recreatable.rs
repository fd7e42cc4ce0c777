//! Whether an iterable can be made again and wound forward.
//!
//! ```python
//! for i, batch in enumerate(tqdm(loader)):   # yes
//! for batch in stream:                       # no, if `stream = iter(loader)` lives outside
//! ```
//!
//! Looks at the expression and, for names, at all values they are bound to.

use std::collections::BTreeMap;

use florc_semantic::{DefinitionKind, Resolution};
use florc_syntax::tree::{ExprId, ExprKind};

use crate::interp::Interp;

/// Whether evaluating `expr` again gives the same items.
pub(crate) fn is_recreatable(
    interp: &Interp<'_>,
    expr: ExprId,
    known: &mut BTreeMap<ExprId, bool>,
    depth: u32,
) -> bool {
    if let Some(answer) = known.get(&expr) {
        return *answer;
    }
    if depth > 20 {
        return false;
    }
    // A name that is defined by itself is no iterable that can be made again.
    known.insert(expr, false);
    let answer = judge(interp, expr, known, depth);
    known.insert(expr, answer);
    answer
}

#[expect(clippy::too_many_lines, reason = "one arm for each kind")]
fn judge(
    interp: &Interp<'_>,
    expr: ExprId,
    known: &mut BTreeMap<ExprId, bool>,
    depth: u32,
) -> bool {
    let tree = interp.tree;
    match &tree.expr(expr).kind {
        ExprKind::Call {
            func,
            args,
            keywords,
        } => {
            if let ExprKind::Attribute { value, attr } = &tree.expr(*func).kind
                && matches!(attr.text.as_str(), "items" | "keys" | "values")
            {
                return is_recreatable(interp, *value, known, depth + 1);
            }
            let Some(path) = interp.semantics.qualified(*func) else {
                return false;
            };
            let Some(rule) = interp.knowledge.function(&path) else {
                return false;
            };
            let container = path == "builtins.range" || makes_container(rule);
            let values = args
                .iter()
                .copied()
                .chain(keywords.iter().map(|keyword| keyword.value));
            let sources: Vec<ExprId> = values.filter(|arg| !is_plain(interp, *arg)).collect();
            rule.recreatable
                && (container
                    || sources
                        .iter()
                        .all(|arg| is_recreatable(interp, *arg, known, depth + 1)))
        }
        ExprKind::Name(_) => match interp.semantics.resolve(expr) {
            Resolution::Binding(binding) => {
                let definitions = &interp.semantics.binding(binding).definitions;
                let is_param = definitions
                    .iter()
                    .any(|found| matches!(found.kind, DefinitionKind::Parameter(_)));
                if is_param {
                    return holds_recreatable(interp, expr);
                }
                !definitions.is_empty()
                    && definitions.iter().all(|found| match &found.kind {
                        DefinitionKind::Assign(value) => {
                            is_recreatable(interp, *value, known, depth + 1)
                        }
                        DefinitionKind::Unpack(_)
                        | DefinitionKind::Augment(_)
                        | DefinitionKind::Iteration(_)
                        | DefinitionKind::With(_)
                        | DefinitionKind::Capture => holds_recreatable(interp, expr),
                        DefinitionKind::Parameter(_)
                        | DefinitionKind::Import(_)
                        | DefinitionKind::Function(_)
                        | DefinitionKind::Class(_)
                        | DefinitionKind::Except
                        | DefinitionKind::Type
                        | DefinitionKind::Delete => false,
                    })
            }
            Resolution::Builtin(_) | Resolution::Unknown(_) => false,
        },
        ExprKind::Attribute { .. } | ExprKind::Subscript { .. } | ExprKind::BinOp { .. } => {
            holds_recreatable(interp, expr)
        }
        ExprKind::IfExp { body, orelse, .. } => {
            is_recreatable(interp, *body, known, depth + 1)
                && is_recreatable(interp, *orelse, known, depth + 1)
        }
        ExprKind::Named { value, .. } => is_recreatable(interp, *value, known, depth + 1),
        ExprKind::Str(_)
        | ExprKind::Bytes(_)
        | ExprKind::List { .. }
        | ExprKind::Tuple { .. }
        | ExprKind::Set { .. }
        | ExprKind::Dict { .. }
        | ExprKind::ListComp { .. }
        | ExprKind::SetComp { .. }
        | ExprKind::DictComp { .. } => true,
        ExprKind::BoolOp { .. }
        | ExprKind::UnaryOp { .. }
        | ExprKind::Lambda { .. }
        | ExprKind::GeneratorExp { .. }
        | ExprKind::Await { .. }
        | ExprKind::Yield { .. }
        | ExprKind::YieldFrom { .. }
        | ExprKind::Compare { .. }
        | ExprKind::FString { .. }
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Complex(_)
        | ExprKind::True
        | ExprKind::False
        | ExprKind::None
        | ExprKind::Ellipsis
        | ExprKind::Starred { .. }
        | ExprKind::Slice { .. } => false,
    }
}

/// Whether all values of an expression are of types that can be iterated again.
fn holds_recreatable(interp: &Interp<'_>, expr: ExprId) -> bool {
    let Some(values) = interp.values.get(&expr) else {
        return false;
    };
    !values.is_empty()
        && values.iter().all(|id| match interp.heap.kind(id) {
            crate::heap::ObjKind::Scalar => true,
            crate::heap::ObjKind::Typed(of) => interp
                .knowledge
                .iterate(of)
                .is_some_and(|rule| rule.recreatable),
            crate::heap::ObjKind::Unknown
            | crate::heap::ObjKind::Instance(_)
            | crate::heap::ObjKind::Function(_)
            | crate::heap::ObjKind::Class(_)
            | crate::heap::ObjKind::Library(_)
            | crate::heap::ObjKind::Module(_)
            | crate::heap::ObjKind::Method(_)
            | crate::heap::ObjKind::Super(_) => false,
        })
}

/// Numbers and strings are no sources of items.
fn is_plain(interp: &Interp<'_>, expr: ExprId) -> bool {
    let values = interp.values.get(&expr);
    values.is_some_and(|values| values.iter().all(|id| id == crate::heap::SCALAR))
        || matches!(interp.tree.expr(expr).kind, ExprKind::Lambda { .. })
}

/// `list(…)`, `sorted(…)`: evaluated at once.
fn makes_container(rule: &crate::knowledge::Rule) -> bool {
    rule.returns
        .iter()
        .any(|text| matches!(text.as_str(), "new:builtins.list" | "new:builtins.dict"))
}
