//! No loop of the module trains: log statements are recorded, nothing can be skipped.
//!
//! ```python
//! model.fit(x, y)            # the training loop is inside the library
//! print(model.score(x, y))
//! ```
//!
//! Only words the finding.

use florc_syntax::{Diagnostic, Module, Severity, Span};

/// The code.
pub const CODE: &str = "no-main-loop";

/// Nothing in `module` is a main loop.
pub fn report(module: &Module) -> Diagnostic {
    let start = module
        .tree
        .body
        .first()
        .map_or(0, |stmt| module.tree.stmt(*stmt).span.start);
    let title = "no loop of this file trains: a replay runs the whole script again";
    Diagnostic::new(
        CODE,
        Severity::Note,
        &module.source,
        Span::empty(start),
        title,
    )
    .with_help("nothing to do where training is quick; log statements are recorded all the same")
}
