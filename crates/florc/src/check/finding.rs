//! One finding with its source, and its forms for people and as JSON.
//!
//! ```python
//! rng = np.random.default_rng()     # {"code": "unseeded-rng", "line": 1, "column": 7, …}
//! ```
//!
//! Lines and columns count from 1, columns in characters.

use std::sync::Arc;

use florc_syntax::{Diagnostic, Severity, SourceText, Span};
use serde_json::{Value, json};

use crate::render;

/// A diagnostic of a file.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    diagnostic: Diagnostic,
    source: Option<Arc<SourceText>>,
}

/// The ends of a span, as people count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) end_line: u32,
    pub(crate) end_column: u32,
}

impl Finding {
    /// A diagnostic of the file that is shown as `shown`.
    pub(crate) fn new(
        shown: &str,
        source: Option<Arc<SourceText>>,
        diagnostic: Diagnostic,
    ) -> Self {
        let diagnostic = Diagnostic {
            file: shown.to_owned(),
            ..diagnostic
        };
        Self { diagnostic, source }
    }

    /// How much it matters.
    pub(crate) fn severity(&self) -> Severity {
        self.diagnostic.severity
    }

    /// The diagnostic.
    pub(crate) fn diagnostic(&self) -> &Diagnostic {
        &self.diagnostic
    }

    /// Where a span of the file is.
    pub(crate) fn region(&self, span: Span) -> Region {
        let place = |offset| match &self.source {
            Some(source) => {
                let found = source.line_column(offset);
                let start = source.line_start(found.line);
                let before = source.slice(Span::new(start, start + found.column));
                (found.line, before.chars().count() as u32 + 1)
            }
            None => (1, 1),
        };
        let ((line, column), (end_line, end_column)) = (place(span.start), place(span.end));
        Region {
            line,
            column,
            end_line,
            end_column,
        }
    }

    /// As text for people.
    pub(crate) fn text(&self) -> String {
        render::diagnostic(&self.diagnostic, self.source.as_deref())
    }

    /// `error`, `warning` or `advice`.
    pub(crate) fn level(&self) -> &'static str {
        match self.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "advice",
        }
    }

    /// As one object.
    pub(crate) fn json(&self) -> Value {
        let diagnostic = &self.diagnostic;
        let region = self.region(diagnostic.span);
        let reasons = diagnostic.reasons.iter().map(|reason| {
            let at = self.region(reason.span);
            json!({ "line": at.line, "column": at.column, "text": reason.text })
        });
        json!({
            "code": diagnostic.code,
            "level": self.level(),
            "file": diagnostic.file,
            "line": region.line,
            "column": region.column,
            "end_line": region.end_line,
            "end_column": region.end_column,
            "title": diagnostic.title,
            "reasons": reasons.collect::<Vec<_>>(),
            "help": diagnostic.help,
        })
    }
}
