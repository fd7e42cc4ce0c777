//! Code that reaches variables by name behind the compiler's back cannot be skipped or jumped into.
//!
//! ```python
//! for x in loader:
//!     exec(f"weight_{x} = 1")    # which variables change is not in the source
//! ```
//!
//! Only words the finding.

use florc_syntax::tree::StmtId;
use florc_syntax::{Diagnostic, Module, Severity, Span};

use super::header;

/// The code.
pub const CODE: &str = "dynamic-names";

/// The loop at `stmt` (the main loop or a block) runs the call of `callee` at `at`.
pub fn report(module: &Module, stmt: StmtId, at: Span, callee: &str, main: bool) -> Diagnostic {
    let what = if main {
        "replay cannot start inside this loop"
    } else {
        "this loop is always run in replay"
    };
    let title = format!("{what}: `{callee}` may change variables by name");
    Diagnostic::new(
        CODE,
        Severity::Warning,
        &module.source,
        header(module, stmt),
        title,
    )
    .with_reason(
        at,
        format!("`{callee}` hides which variables are read or changed"),
    )
    .with_help("use a dictionary or `getattr`/`setattr` on an object instead")
}
