//! A log statement that does more than log: the training depends on whether it is there.
//!
//! ```python
//! print("a sample", next(batches))          # takes the batch away from the training
//! print("noise", torch.randn(3))            # every number drawn later is another one
//! ```
//!
//! Looks at log statements in the main loop, and reports only what surely happens: draws from global
//! generators, `next`, and methods that change their object by their very name. What a model's own
//! call changes is not reported.

use florc_syntax::tree::{ExprId, ExprKind};
use florc_syntax::{Diagnostic, Severity};

use super::Scene;
use super::calls::CallParts;
use crate::known::KNOWLEDGE;

/// The code.
pub const CODE: &str = "log-changes-state";

/// Methods that change their object, whatever it is.
const METHODS: &[&str] = &[
    "append",
    "backward",
    "extend",
    "pop",
    "popitem",
    "popleft",
    "step",
    "zero_grad",
];

/// Looks for it.
pub(crate) fn find(scene: &Scene<'_>) -> Vec<Diagnostic> {
    let logs = scene.plan.logs.iter().map(|log| log.call);
    let training: Vec<ExprId> = logs.filter(|call| scene.in_main_loop(*call)).collect();
    let inside = |log: ExprId, call: &CallParts<'_>| {
        log != call.expr && scene.span(log).contains_span(scene.span(call.expr))
    };
    let mut findings = Vec::new();
    for log in training {
        let mut calls = scene
            .calls()
            .filter(|call| inside(log, call) && !is_deferred(scene, log, call.expr));
        if let Some((call, what)) = calls.find_map(|call| Some((call, effect(scene, call)?))) {
            findings.push(report(scene, log, call, &what));
        }
    }
    findings
}

fn report(scene: &Scene<'_>, log: ExprId, call: CallParts<'_>, what: &str) -> Diagnostic {
    let title = "this log statement changes the training: without it, other values come out";
    scene
        .finding(CODE, Severity::Warning, scene.span(log), title)
        .with_reason(scene.span(call.expr), what)
        .with_help("compute the value in a statement of its own, and log the result")
}

/// What a call surely changes.
fn effect(scene: &Scene<'_>, call: CallParts<'_>) -> Option<String> {
    let callee = scene.text(call.func);
    if let Some(path) = scene.path(call) {
        if path == "builtins.next" {
            return Some("`next` takes an item that the training does not get any more".to_owned());
        }
        let own = call
            .keyword("generator")
            .is_some_and(|value| !scene.is_none(value));
        let rng = &KNOWLEDGE.function(&path)?.rng;
        let global = rng
            .iter()
            .find(|it| matches!(it.as_str(), "random" | "numpy" | "torch"))?;
        return (!own).then(|| format!("`{callee}` draws from `{global}`"));
    }
    let ExprKind::Attribute { value, attr } = &scene.module().tree.expr(call.func).kind else {
        return None;
    };
    let changes = METHODS.contains(&attr.text.as_str());
    (changes && is_place(scene, *value))
        .then(|| format!("`{callee}` changes `{}`", scene.text(*value)))
}

/// A variable, or a part of one: what is changed outlives the statement.
fn is_place(scene: &Scene<'_>, expr: ExprId) -> bool {
    match &scene.module().tree.expr(expr).kind {
        ExprKind::Name(_) => true,
        ExprKind::Attribute { value, .. } | ExprKind::Subscript { value, .. } => {
            is_place(scene, *value)
        }
        _ => false,
    }
}

/// Whether a call stands in a lambda of the log statement.
fn is_deferred(scene: &Scene<'_>, log: ExprId, call: ExprId) -> bool {
    let tree = &scene.module().tree;
    let mut next = tree.expr_parent(call);
    while let Some(expr) = next.filter(|expr| *expr != log) {
        if matches!(tree.expr(expr).kind, ExprKind::Lambda { .. }) {
            return true;
        }
        next = tree.expr_parent(expr);
    }
    false
}
