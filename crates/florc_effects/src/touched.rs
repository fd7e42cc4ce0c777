//! Which outer variables the code of each function mentions.
//!
//! ```python
//! def step(x):
//!     log.append(config.lr * x)     # `log` of this file, `lr` of config.py
//! ```
//!
//! By syntax; what the variables hold is not asked.

use std::collections::BTreeSet;

use florc_semantic::{BindingId, Link, Semantics};
use florc_syntax::Module;
use florc_syntax::tree::{ExprId, ExprKind, Tree};

use crate::modules::is_module_base;

/// The variable of another file that `module.name` means.
fn member(semantics: &Semantics, tree: &Tree, expr: ExprId) -> Option<BindingId> {
    let ExprKind::Attribute { value, attr } = &tree.expr(expr).kind else {
        return None;
    };
    match semantics.link(*value)? {
        Link::Module(file) => semantics.member(file, &attr.text).0,
        Link::Binding(_) => None,
    }
}

/// For each function the outer variables that its own code mentions.
pub(crate) fn touched(module: &Module, semantics: &Semantics) -> Vec<BTreeSet<BindingId>> {
    let mut touched = vec![BTreeSet::new(); semantics.functions.len()];
    let tree = &module.tree;
    for index in 0..tree.expr_count() {
        let expr = ExprId(index as u32);
        let own = semantics.binding_of_name(expr);
        let own = own.filter(|_| !is_module_base(semantics, tree, expr));
        let Some(binding) = own.or_else(|| member(semantics, tree, expr)) else {
            continue;
        };
        let home = semantics.scope(semantics.binding(binding).scope).function;
        let mut function = Some(semantics.function_of_expr(expr));
        while let Some(id) = function.filter(|id| *id != home) {
            touched[id.index()].insert(binding);
            function = semantics.functions[id.index()].parent;
        }
    }
    touched
}
