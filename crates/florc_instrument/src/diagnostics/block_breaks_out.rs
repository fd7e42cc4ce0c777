//! A loop whose `else` clause leaves or continues an outer loop cannot be skipped.
//!
//! ```python
//! for x in loader:
//!     ...
//! else:
//!     continue           # belongs to the loop around: a skip could not repeat the jump
//! ```
//!
//! Only words the finding.

use florc_syntax::tree::StmtId;
use florc_syntax::{Diagnostic, Module, Severity, Span};

use super::header;

/// The code.
pub const CODE: &str = "block-breaks-out";

/// The loop at `stmt` holds the `break` or `continue` at `at`, which belongs to a loop around it.
pub fn report(module: &Module, stmt: StmtId, at: Span) -> Diagnostic {
    let word = module.source.slice(at);
    let title = format!("this loop is always run in replay: its `else` may `{word}` an outer loop");
    Diagnostic::new(
        CODE,
        Severity::Warning,
        &module.source,
        header(module, stmt),
        title,
    )
    .with_reason(at, format!("this `{word}` belongs to the loop around"))
    .with_help("set a flag in the `else` clause and test it after the loop")
}
