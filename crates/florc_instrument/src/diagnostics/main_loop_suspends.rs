//! A training loop in a generator, coroutine or class body is recorded without checkpoints.
//!
//! ```python
//! def train():
//!     for epoch in range(10):
//!         ...
//!         yield loss         # the caller's code runs inside the loop
//! ```
//!
//! Only words the finding.

use florc_syntax::tree::StmtId;
use florc_syntax::{Diagnostic, Module, Severity};

use super::header;

/// The code.
pub const CODE: &str = "main-loop-suspends";

/// The training loop at `stmt` is in `place`: "the generator `train`", "a class body".
pub fn report(module: &Module, stmt: StmtId, place: &str) -> Diagnostic {
    let title = format!("this training loop is not the main loop: it stands in {place}");
    Diagnostic::new(
        CODE,
        Severity::Warning,
        &module.source,
        header(module, stmt),
        title,
    )
    .with_reason(
        header(module, stmt),
        "its state cannot be restored from here",
    )
    .with_help("move the loop into a plain function; log statements are recorded all the same")
}
