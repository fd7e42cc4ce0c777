//! Findings as workflow commands of GitHub.
//!
//! ```python
//! # ::warning file=train.py,line=1,col=7,endLine=1,endColumn=30,title=unseeded-rng::this `…`
//! ```
//!
//! Knows what is said of a finding; the format is [`crate::workflow`]'s.

use std::fmt::Write as _;

use florc_syntax::Severity;

use super::finding::Finding;
use crate::workflow::{self, Level, Lines};

/// One line.
pub(crate) fn command(finding: &Finding) -> String {
    let diagnostic = finding.diagnostic();
    let at = finding.region(diagnostic.span);
    let level = match finding.severity() {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
        Severity::Note => Level::Notice,
    };
    let mut text = diagnostic.title.clone();
    for reason in &diagnostic.reasons {
        let line = finding.region(reason.span).line;
        let _ = write!(text, "\nline {line}: {}", reason.text);
    }
    if let Some(help) = &diagnostic.help {
        let _ = write!(text, "\nhelp: {help}");
    }
    let lines = Lines {
        line: at.line,
        rest: Some((at.column, at.end_line, at.end_column)),
    };
    workflow::command(level, &diagnostic.file, Some(lines), diagnostic.code, &text)
}
