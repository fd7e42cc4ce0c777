//! A loop in a generator or coroutine cannot be skipped.
//!
//! ```python
//! def batches(data):
//!     for x in data:
//!         yield x            # others run between two iterations of this loop
//! ```
//!
//! Only words the finding.

use florc_syntax::tree::StmtId;
use florc_syntax::{Diagnostic, Module, Severity};

use super::header;

/// The code.
pub const CODE: &str = "block-suspends";

/// The loop at `stmt` is in the generator or `async` function called `function`.
pub fn report(module: &Module, stmt: StmtId, function: &str) -> Diagnostic {
    let title = format!("this loop is always run in replay: `{function}` may suspend inside it");
    Diagnostic::new(
        CODE,
        Severity::Note,
        &module.source,
        header(module, stmt),
        title,
    )
    .with_reason(
        header(module, stmt),
        "other code runs between two of its iterations",
    )
    .with_help("move costly work into a plain function that the generator calls")
}
