//! State that the training makes of a class that exists only inside a function.
//!
//! ```python
//! def main():
//!     class Record: ...
//!     for epoch in range(3):
//!         history.append(Record())       # a new process finds no `Record` to make it of
//! ```
//!
//! florc finds classes by their names, as pickle does. Lambdas and inner functions are no such
//! hazard: their code is found again in the script.

use florc_semantic::Resolution;
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};
use florc_syntax::{Diagnostic, Severity};

use super::Scene;

/// The code.
pub const CODE: &str = "local-class";

/// Methods that keep their arguments.
const KEEPING: &[&str] = &[
    "add",
    "append",
    "appendleft",
    "extend",
    "insert",
    "put",
    "setdefault",
    "update",
];

/// Looks for it.
pub(crate) fn find(scene: &Scene<'_>) -> Vec<Diagnostic> {
    if !scene.trains_as_script() {
        return Vec::new();
    }
    let calls = scene.calls().filter(|call| scene.in_main_loop(call.expr));
    let made = calls.filter_map(|call| {
        let class = scene.facts.semantics.constructed_class(call.expr)?;
        let semantics = scene.facts.semantics;
        let local = !semantics.is_module(semantics.function_of_stmt(class));
        (local && is_kept(scene, call.expr)).then_some((call.expr, class))
    });
    made.map(|(call, class)| report(scene, call, class))
        .collect()
}

fn report(scene: &Scene<'_>, call: ExprId, class: StmtId) -> Diagnostic {
    let (name, span) = match &scene.module().tree.stmt(class).kind {
        StmtKind::ClassDef(def) => (def.name.text.clone(), def.name.span),
        _ => (String::new(), scene.span(call)),
    };
    let title =
        format!("a checkpoint cannot be restored that holds a `{name}`: its class is local");
    scene
        .finding(CODE, Severity::Warning, scene.span(call), title)
        .with_reason(
            span,
            "this class is found by no name from outside of the function",
        )
        .with_help("define the class at the top of the module")
}

/// Whether an object outlives the iteration: it goes into a container or an attribute, or into a
/// variable that the main loop carries.
fn is_kept(scene: &Scene<'_>, call: ExprId) -> bool {
    let tree = &scene.module().tree;
    if let Some(parent) = tree.expr_parent(call)
        && let ExprKind::Call { func, .. } = &tree.expr(parent).kind
    {
        return match &tree.expr(*func).kind {
            ExprKind::Attribute { attr, .. } => KEEPING.contains(&attr.text.as_str()),
            _ => false,
        };
    }
    match &tree.stmt(tree.stmt_of(call)).kind {
        StmtKind::Assign { targets, value } => {
            *value == call && targets.iter().any(|target| outlives(scene, *target))
        }
        _ => false,
    }
}

fn outlives(scene: &Scene<'_>, target: ExprId) -> bool {
    match &scene.module().tree.expr(target).kind {
        ExprKind::Attribute { .. } | ExprKind::Subscript { .. } => true,
        ExprKind::Name(name) => {
            let main = scene.plan.main_loops.iter();
            let mut roots = main.flat_map(|main| &main.site.roots);
            matches!(
                scene.facts.semantics.resolve(target),
                Resolution::Binding(_)
            ) && roots.any(|root| root.live && root.name == *name)
        }
        _ => false,
    }
}
