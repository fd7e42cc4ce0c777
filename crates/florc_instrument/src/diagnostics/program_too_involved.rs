//! A program whose files cannot be analysed together in bounded work.
//!
//! ```python
//! from engine import train     # opaque: may change all that it is given
//! for epoch in range(3):
//!     train(model)             # its loops are no SkipBlocks
//! ```
//!
//! Only words the finding.

use florc_syntax::{Diagnostic, Module, Severity, Span};

/// The code.
pub const CODE: &str = "program-too-involved";

/// The files of `module` are looked at one by one.
pub fn report(module: &Module) -> Diagnostic {
    let title = "the files of this program are too involved to be analysed together: only loops of \
                 the script itself are skipped";
    Diagnostic::new(CODE, Severity::Note, &module.source, Span::empty(0), title)
        .with_help("nothing to do; log statements of all files are recorded all the same")
}
