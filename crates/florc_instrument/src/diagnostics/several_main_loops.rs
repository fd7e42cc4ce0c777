//! More than one outermost loop trains; one of them is the main loop.
//!
//! ```python
//! for epoch in range(5): pretrain(model)     # several-main-loops: run in full by every replay
//! for epoch in range(50): finetune(model)    # the main loop
//! ```
//!
//! Only words the finding.

use florc_syntax::tree::StmtId;
use florc_syntax::{Diagnostic, Module, Severity};

use super::header;

/// The code.
pub const CODE: &str = "several-main-loops";

/// The loop at `stmt` trains too, but `chosen` is the main loop.
pub fn report(module: &Module, stmt: StmtId, chosen: StmtId) -> Diagnostic {
    let title = "this training loop is run in full by every replay: another one is the main loop";
    Diagnostic::new(
        CODE,
        Severity::Warning,
        &module.source,
        header(module, stmt),
        title,
    )
    .with_reason(header(module, chosen), "this is the main loop")
    .with_help("put both phases into one outer loop to have checkpoints in both")
}
