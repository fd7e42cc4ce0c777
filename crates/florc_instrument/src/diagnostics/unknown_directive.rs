//! A `# florc:` comment that florc does not understand.
//!
//! ```python
//! for x in loader: ...      # florc: skipp
//! ```
//!
//! Only words the finding.

use florc_syntax::{Diagnostic, Module, Severity, Span};

/// The code.
pub const CODE: &str = "unknown-directive";

/// The comment at `at` begins with `word`, which means nothing.
pub fn report(module: &Module, at: Span, word: &str) -> Diagnostic {
    let title = if word.is_empty() {
        "this comment asks nothing of florc".to_owned()
    } else {
        format!("`florc: {word}` means nothing")
    };
    Diagnostic::new(CODE, Severity::Warning, &module.source, at, title).with_help(
        "write `main-loop`, `skip`, `no-skip`, `ignore[CODE]` or `ignore-file[CODE]` after `florc:`",
    )
}

/// The comment at `at` does not say which codes to ignore.
pub fn no_codes(module: &Module, at: Span, word: &str) -> Diagnostic {
    let title = format!("`florc: {word}` does not say what");
    Diagnostic::new(CODE, Severity::Warning, &module.source, at, title)
        .with_help(format!("name the codes: `{word}[unseeded-rng]`"))
}
