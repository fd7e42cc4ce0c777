//! A loop that may return from its function cannot be skipped.
//!
//! ```python
//! for x, y in loader:
//!     if y is None:
//!         return None        # after a skip nobody would know that this had happened
//! ```
//!
//! Only words the finding.

use florc_syntax::tree::StmtId;
use florc_syntax::{Diagnostic, Module, Severity, Span};

use super::header;

/// The code.
pub const CODE: &str = "block-returns";

/// The loop at `stmt` holds the `return` at `at`.
pub fn report(module: &Module, stmt: StmtId, at: Span) -> Diagnostic {
    let title = "this loop is always run in replay: it may return from its function";
    Diagnostic::new(
        CODE,
        Severity::Warning,
        &module.source,
        header(module, stmt),
        title,
    )
    .with_reason(at, "returns from inside the loop")
    .with_help("set a flag and `break` instead, and return after the loop")
}
