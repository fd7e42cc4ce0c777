//! The main loop draws from an iterator whose position cannot be restored.
//!
//! ```python
//! for batch in stream():     # a generator: item 500 is reached only through items 0..499
//!     ...
//! ```
//!
//! Only words the finding.

use florc_syntax::tree::{ExprId, StmtId};
use florc_syntax::{Diagnostic, Module, Severity};

use super::header;

/// The code.
pub const CODE: &str = "main-loop-not-recreatable";

/// The main loop at `stmt` draws from `iter`.
pub fn report(module: &Module, stmt: StmtId, iter: ExprId) -> Diagnostic {
    let title =
        "replay cannot start inside this loop: its iterable may not give the same items again";
    let span = module.tree.expr(iter).span;
    Diagnostic::new(
        CODE,
        Severity::Warning,
        &module.source,
        header(module, stmt),
        title,
    )
    .with_reason(
        span,
        format!(
            "nothing is known of the items of `{}`",
            module.source.slice(span)
        ),
    )
    .with_help("loop over a `range`, a list or a `DataLoader`, and draw inside the loop")
}
