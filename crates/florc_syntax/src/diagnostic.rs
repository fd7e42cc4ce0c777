//! Diagnostics as data: every crate of the compile side makes them, one late place words and
//! colours them.
//!
//! ```python
//! f() = 1      # syntax-error: cannot assign to a call, span of `f()`
//! ```
//!
//! Nothing here renders, prints or decides an exit code.

use crate::{SourceText, Span};

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// Something is left out, and the user may want to act.
    Warning,
    /// Worth knowing.
    Note,
}

/// One step of the chain that explains a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Where this step is seen.
    pub span: Span,
    /// What is seen there.
    pub text: String,
}

/// A finding about a source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable kebab-case code; `florc explain CODE` tells more.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Path of the file, as given to [`SourceText::from_bytes`].
    pub file: String,
    /// One line in lower case, names in backticks.
    pub title: String,
    /// The primary place.
    pub span: Span,
    /// Why, from the primary place towards the cause.
    pub reasons: Vec<Reason>,
    /// What to do, in the imperative.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without reasons and help.
    pub fn new(
        code: &'static str,
        severity: Severity,
        source: &SourceText,
        span: Span,
        title: impl Into<String>,
    ) -> Self {
        let file = source.file_of(span.start).path.as_str();
        Self::in_file(code, severity, file, span, title)
    }

    /// As [`Diagnostic::new`], for a file that has no [`SourceText`] (yet).
    pub fn in_file(
        code: &'static str,
        severity: Severity,
        file: impl Into<String>,
        span: Span,
        title: impl Into<String>,
    ) -> Self {
        let (file, title) = (file.into(), title.into());
        Self {
            code,
            severity,
            file,
            title,
            span,
            reasons: Vec::new(),
            help: None,
        }
    }

    /// Adds a step to the reason chain.
    #[must_use]
    pub fn with_reason(mut self, span: Span, text: impl Into<String>) -> Self {
        self.reasons.push(Reason {
            span,
            text: text.into(),
        });
        self
    }

    /// Sets the help line.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
