//! A `# florc: ignore[…]` names a code that no diagnostic has.
//!
//! ```python
//! x = random.random()       # florc: ignore[unseded-rng]
//! ```
//!
//! Only words the finding.

use florc_syntax::{Diagnostic, Module, Severity, Span};

/// The code.
pub const CODE: &str = "unknown-code";

/// The comment at `at` ignores `code`.
pub fn report(module: &Module, at: Span, code: &str) -> Diagnostic {
    let title = format!("no diagnostic has the code `{code}`");
    Diagnostic::new(CODE, Severity::Warning, &module.source, at, title)
        .with_help("copy the code from the diagnostic; `florc explain CODE` shows its page")
}
