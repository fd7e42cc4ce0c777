//! A setting names a loop that its file does not have.
//!
//! ```python
//! # main-loop = "train.py:main/epochs"
//! def main():
//!     for epoch in range(3): ...        # this one is `train.py:main/epoch`
//! ```
//!
//! Only words the finding.

use florc_syntax::{Diagnostic, Module, Severity, Span};

/// The code.
pub const CODE: &str = "unknown-loop";

/// The setting `key` names `loop_id`; the module has the loops `known`.
pub fn report(module: &Module, key: &str, loop_id: &str, known: &[String]) -> Diagnostic {
    let title = format!("the setting `{key}` names `{loop_id}`, and there is no such loop");
    let help = if known.is_empty() {
        format!("remove it from `{key}`: this file has no loops")
    } else {
        let shown: Vec<String> = known.iter().take(6).map(|id| format!("`{id}`")).collect();
        format!("name one of {}", shown.join(", "))
    };
    Diagnostic::new(
        CODE,
        Severity::Warning,
        &module.source,
        Span::empty(0),
        title,
    )
    .with_help(help)
}
