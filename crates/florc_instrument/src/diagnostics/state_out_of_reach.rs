//! State that changes in a loop but cannot be put back from where the loop stands.
//!
//! ```python
//! def outer():
//!     best = 0
//!     def bump(): nonlocal best; best += 1
//!     def fit():
//!         for epoch in range(3):
//!             bump()          # rebinds `best` of `outer`, which `fit` cannot assign
//! ```
//!
//! Only words the finding.

use florc_syntax::tree::StmtId;
use florc_syntax::{Diagnostic, Module, Severity};

use super::header;
use crate::cut::OutOfReach;

/// The code.
pub const CODE: &str = "state-out-of-reach";

/// The loop at `stmt` (the main loop or a block) changes what was `found`.
pub(crate) fn report(module: &Module, stmt: StmtId, found: OutOfReach, main: bool) -> Diagnostic {
    let what = if main {
        "replay cannot start inside this loop"
    } else {
        "this loop is always run in replay"
    };
    let title = format!(
        "{what}: `{}` changes and cannot be put back from here",
        found.name
    );
    let mut diagnostic = Diagnostic::new(
        CODE,
        Severity::Warning,
        &module.source,
        header(module, stmt),
        title,
    )
    .with_help(found.help);
    diagnostic.reasons = found.reasons;
    diagnostic
}
