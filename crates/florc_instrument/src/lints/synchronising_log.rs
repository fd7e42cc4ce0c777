//! A log statement that waits for the device in each step of the training.
//!
//! ```python
//! for x, y in loader:
//!     ...
//!     print(loss.item())        # the GPU runs dry until the number is here
//! ```
//!
//! Advice, for modules that name a CUDA device: the value can be asked for later, with `florc
//! replay`. Says nothing where an `if` around the statement lets it run now and then only.

use florc_syntax::tree::{ExprId, ExprKind, Operator, StmtKind};
use florc_syntax::{Diagnostic, Severity};

use super::Scene;

/// The code.
pub const CODE: &str = "synchronising-log";

/// Methods of tensors that wait for the device.
const METHODS: &[&str] = &["cpu", "item", "numpy", "tolist"];

/// Looks for it.
pub(crate) fn find(scene: &Scene<'_>) -> Vec<Diagnostic> {
    if scene.cuda().is_none() {
        return Vec::new();
    }
    let logs = scene.plan.logs.iter().map(|log| log.call);
    let hot = logs.filter(|call| scene.is_hot(*call) && !is_occasional(scene, *call));
    hot.filter_map(|call| Some(report(scene, call, waits(scene, call)?)))
        .collect()
}

fn report(scene: &Scene<'_>, call: ExprId, waits: ExprId) -> Diagnostic {
    let title = "this log statement waits for the device in each step";
    scene
        .finding(CODE, Severity::Note, scene.span(call), title)
        .with_reason(
            scene.span(waits),
            "the value is fetched from the device here",
        )
        .with_help(
            "remove it, and add it again when you want to know: `florc replay` gives the values",
        )
}

/// The argument that fetches a value.
fn waits(scene: &Scene<'_>, log: ExprId) -> Option<ExprId> {
    let tree = &scene.module().tree;
    let inside = tree.all_exprs(log);
    inside
        .into_iter()
        .find(|expr| match &tree.expr(*expr).kind {
            ExprKind::Call { func, args, .. } => match &tree.expr(*func).kind {
                ExprKind::Attribute { attr, .. } => {
                    args.is_empty() && METHODS.contains(&attr.text.as_str())
                }
                _ => false,
            },
            _ => false,
        })
}

/// Whether an `if` with a remainder in its test stands around the call: `if step % 100 == 0`.
fn is_occasional(scene: &Scene<'_>, call: ExprId) -> bool {
    let tree = &scene.module().tree;
    let mut next = Some(tree.stmt_of(call));
    while let Some(stmt) = next {
        match &tree.stmt(stmt).kind {
            StmtKind::If { test, .. } if has_remainder(scene, *test) => return true,
            StmtKind::For { .. } | StmtKind::While { .. } | StmtKind::FunctionDef(_) => {
                return false;
            }
            _ => {}
        }
        next = tree.parent(stmt);
    }
    false
}

fn has_remainder(scene: &Scene<'_>, test: ExprId) -> bool {
    let tree = &scene.module().tree;
    let parts = tree.all_exprs(test).into_iter();
    parts.map(|part| &tree.expr(part).kind).any(|kind| {
        matches!(
            kind,
            ExprKind::BinOp {
                op: Operator::Mod,
                ..
            } | ExprKind::Call { .. }
        )
    })
}
