//! A `# florc:` comment about a loop stands at no loop, or asks for a second main loop.
//!
//! ```python
//! total = 0                 # florc: skip        (no loop here)
//! for x in loader: ...
//! ```
//!
//! Only words the finding.

use florc_syntax::{Diagnostic, Module, Severity, Span};

/// The code.
pub const CODE: &str = "misplaced-directive";

/// The directive at `at` is about a loop, and none begins there.
pub fn no_loop(module: &Module, at: Span) -> Diagnostic {
    let title = "this comment asks something of a loop, and there is none";
    Diagnostic::new(CODE, Severity::Warning, &module.source, at, title)
        .with_help("put it on the line of `for` or `while`, or on the line before")
}

/// The directive at `at` asks for another main loop than the one at `first`.
pub fn second(module: &Module, at: Span, first: Span) -> Diagnostic {
    let title = "a module has one main loop, and another is asked for above";
    Diagnostic::new(CODE, Severity::Warning, &module.source, at, title)
        .with_reason(first, "this one counts")
        .with_help("remove one of the two comments")
}
