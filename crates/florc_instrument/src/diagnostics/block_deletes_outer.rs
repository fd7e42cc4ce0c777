//! A loop that deletes a variable of another scope cannot be skipped.
//!
//! ```python
//! def step():
//!     global cache
//!     for x in xs:
//!         del cache          # a skip could not take the global away
//! ```
//!
//! Only words the finding.

use florc_syntax::tree::StmtId;
use florc_syntax::{Diagnostic, Module, Severity, Span};

use super::header;

/// The code.
pub const CODE: &str = "block-deletes-outer";

/// The loop at `stmt` deletes the variable `name` of another scope at `at`.
pub fn report(module: &Module, stmt: StmtId, at: Span, name: &str) -> Diagnostic {
    let title =
        format!("this loop is always run in replay: it deletes `{name}`, which is not a local");
    Diagnostic::new(
        CODE,
        Severity::Warning,
        &module.source,
        header(module, stmt),
        title,
    )
    .with_reason(at, format!("deletes `{name}` of an outer scope"))
    .with_help(format!("assign `{name} = None` instead of deleting it"))
}
