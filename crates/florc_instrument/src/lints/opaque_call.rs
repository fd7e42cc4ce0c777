//! A call in the loop that trains, of which nothing is known.
//!
//! ```python
//! for x, y in loader:
//!     loss = engine.step(model, x, y)    # may change anything that it is given
//! ```
//!
//! Advice: values stay exact, checkpoints may get larger than they need be. One finding for each
//! function of a library; methods of things whose type is not known are left out, since no setting
//! could describe them.

use std::collections::BTreeSet;

use florc_syntax::tree::ExprId;
use florc_syntax::{Diagnostic, Severity, Span};

use super::Scene;

/// The code.
pub const CODE: &str = "opaque-call";

/// Looks for it.
pub(crate) fn find(scene: &Scene<'_>) -> Vec<Diagnostic> {
    if !scene.trains_as_script() {
        return Vec::new();
    }
    let semantics = scene.facts.semantics;
    let mut told: BTreeSet<String> = BTreeSet::new();
    let mut findings = Vec::new();
    for stmt in scene.hot() {
        let function = semantics.function_of_stmt(stmt);
        let region = scene.facts.effects.region(function, &[stmt]);
        for (span, reason) in region.opaque {
            let Some((call, callee)) = call_at(scene, span) else {
                continue;
            };
            if told.insert(callee.clone()) {
                findings.push(report(scene, call, &callee, &reason));
            }
        }
    }
    findings
}

/// The call at a place, and the full name of what it calls.
fn call_at(scene: &Scene<'_>, span: Span) -> Option<(ExprId, String)> {
    let call = scene.calls().find(|call| scene.span(call.expr) == span)?;
    Some((call.expr, scene.path(call)?))
}

fn report(scene: &Scene<'_>, call: ExprId, callee: &str, reason: &str) -> Diagnostic {
    let title = format!("nothing is known of `{callee}`: it may change all that it is given");
    let span = scene.span(call);
    scene
        .finding(CODE, Severity::Note, span, title)
        .with_reason(span, reason)
        .with_help("describe it in `[tool.florc.effects]`, or move it out of the loop")
}
