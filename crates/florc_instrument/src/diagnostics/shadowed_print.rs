//! A `print` that is not Python's own is not a log statement.
//!
//! ```python
//! from rich import print
//! print("loss", loss)        # shadowed-print: runs as written, gives no log rows
//! ```
//!
//! Only words the finding.

use florc_syntax::{Diagnostic, Module, Severity, Span};

/// The code.
pub const CODE: &str = "shadowed-print";

/// The call of a `print` at `at` is one that the program defines itself.
pub fn report(module: &Module, at: Span) -> Diagnostic {
    let title = "calls of this `print` are not recorded: it is not the builtin";
    Diagnostic::new(CODE, Severity::Note, &module.source, at, title)
        .with_reason(at, "`print` is bound by the program")
        .with_help("call `florc.log(name, value)` for values that should be recorded")
}
