//! A replay asks for a recorded cut point that this version of the source does not have.
//!
//! ```python
//! for epoch in range(3): ...     # recorded as the main loop, no longer there
//! ```
//!
//! Only words the finding.

use florc_syntax::{Diagnostic, Module, Severity, Span};

/// The code.
pub const CODE: &str = "cut-point-missing";

/// No loop stands at `at`, where the recorded cut point `id` should be.
pub fn report(module: &Module, at: Span, id: &str) -> Diagnostic {
    let title = format!("the recorded loop `{id}` is not here any more");
    Diagnostic::new(CODE, Severity::Error, &module.source, at, title)
        .with_help("restore the loop, or record a new run")
}
