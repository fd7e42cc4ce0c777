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
use florc_syntax::{Diagnostic, Module, Reason, Severity};

use super::header;

/// The code.
pub const CODE: &str = "state-out-of-reach";

/// The loop at `stmt` (the main loop or a block) changes `name`, for the `reasons` given.
pub fn report(
    module: &Module,
    stmt: StmtId,
    name: &str,
    reasons: Vec<Reason>,
    main: bool,
) -> Diagnostic {
    let what = if main {
        "replay cannot start inside this loop"
    } else {
        "this loop is always run in replay"
    };
    let title = format!("{what}: `{name}` changes and cannot be assigned from here");
    let mut diagnostic = Diagnostic::new(
        CODE,
        Severity::Warning,
        &module.source,
        header(module, stmt),
        title,
    )
    .with_help(format!(
        "declare `nonlocal {name}` in the function that holds the loop"
    ));
    diagnostic.reasons = reasons;
    diagnostic
}
