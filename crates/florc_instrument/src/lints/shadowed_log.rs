//! A name that stands for a logging library here and for something else there.
//!
//! ```python
//! try:
//!     import wandb
//! except ImportError:
//!     wandb = Quiet()            # now no call of `wandb.log` is known to log
//! ```
//!
//! Advice. `print` has a diagnostic of its own, [`crate::diagnostics::shadowed_print`].

use std::collections::BTreeSet;

use florc_semantic::{Binding, BindingId, Definition, DefinitionKind};
use florc_syntax::tree::{ExprId, ExprKind};
use florc_syntax::{Diagnostic, Severity};

use super::Scene;

/// The code.
pub const CODE: &str = "shadowed-log";

/// Modules and functions that log.
const LOGGING: &[&str] = &[
    "logging",
    "mlflow",
    "swanlab",
    "tqdm",
    "tqdm.auto.tqdm",
    "tqdm.tqdm",
    "trackio",
    "wandb",
];

/// Methods that log.
const METHODS: &[&str] = &[
    "critical",
    "debug",
    "error",
    "exception",
    "info",
    "log",
    "log_metric",
    "log_metrics",
    "warning",
    "write",
];

/// Looks for it: the first call through each such name.
pub(crate) fn find(scene: &Scene<'_>) -> Vec<Diagnostic> {
    let mut told: BTreeSet<BindingId> = BTreeSet::new();
    let mut findings = Vec::new();
    for call in scene.calls() {
        let ExprKind::Attribute { value, attr } = &scene.module().tree.expr(call.func).kind else {
            continue;
        };
        let Some(binding) = scene.facts.semantics.binding_of_name(*value) else {
            continue;
        };
        let shadowed = METHODS
            .contains(&attr.text.as_str())
            .then(|| other(scene, binding))
            .flatten();
        if let Some(other) = shadowed
            && told.insert(binding)
        {
            findings.push(report(scene, call.func, *value, other));
        }
    }
    findings
}

fn report(scene: &Scene<'_>, func: ExprId, name: ExprId, other: &Definition) -> Diagnostic {
    let name = scene.text(name);
    let title = format!(
        "calls of `{}` are not recorded: `{name}` may be something else",
        scene.text(func)
    );
    scene
        .finding(CODE, Severity::Note, scene.span(func), title)
        .with_reason(other.span, format!("`{name}` is bound again here"))
        .with_help("give the other thing another name, or call `florc.log(name, value)`")
}

/// The definition that keeps an imported logging library from being known as such.
fn other<'a>(scene: &'a Scene<'_>, binding: BindingId) -> Option<&'a Definition> {
    let found: &Binding = scene.facts.semantics.binding(binding);
    let imported = |definition: &&Definition| matches!(&definition.kind, DefinitionKind::Import(path) if LOGGING.contains(&path.as_str()));
    found.definitions.iter().find(imported)?;
    found
        .definitions
        .iter()
        .find(|definition| match &definition.kind {
            DefinitionKind::Import(path) => !LOGGING.contains(&path.as_str()),
            DefinitionKind::Assign(value) => {
                !scene.is_none(*value) && scene.facts.semantics.qualified(*value).is_none()
            }
            DefinitionKind::Delete => false,
            DefinitionKind::Unpack(_)
            | DefinitionKind::Augment(_)
            | DefinitionKind::Parameter(_)
            | DefinitionKind::Iteration(_)
            | DefinitionKind::Function(_)
            | DefinitionKind::Class(_)
            | DefinitionKind::With(_)
            | DefinitionKind::Except
            | DefinitionKind::Capture
            | DefinitionKind::Type => true,
        })
}
