//! Findings as workflow commands: GitHub shows them beside the lines of a pull request.
//!
//! ```python
//! # ::warning file=train.py,line=1,col=7,endLine=1,endColumn=30,title=unseeded-rng::this `…`
//! ```
//!
//! Knows the escapes of that format and nothing else.

use std::fmt::Write as _;

use florc_syntax::Severity;

use super::finding::Finding;

/// One line.
pub(crate) fn command(finding: &Finding) -> String {
    let diagnostic = finding.diagnostic();
    let at = finding.region(diagnostic.span);
    let level = match finding.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut text = diagnostic.title.clone();
    for reason in &diagnostic.reasons {
        let line = finding.region(reason.span).line;
        let _ = write!(text, "\nline {line}: {}", reason.text);
    }
    if let Some(help) = &diagnostic.help {
        let _ = write!(text, "\nhelp: {help}");
    }
    format!(
        "::{level} file={},line={},col={},endLine={},endColumn={},title={}::{}\n",
        property(&diagnostic.file),
        at.line,
        at.column,
        at.end_line,
        at.end_column,
        property(diagnostic.code),
        data(&text),
    )
}

/// A message.
pub(crate) fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property's value.
pub(crate) fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use florc_syntax::{Diagnostic, Span};

    use super::*;

    #[test]
    fn what_has_a_meaning_is_escaped() {
        let found = Diagnostic::in_file("c", Severity::Note, "", Span::empty(0), "50 %: a,\nb");
        let line = command(&Finding::new("a,b:c.py", None, found));
        let expected = "::notice file=a%2Cb%3Ac.py,line=1,col=1,endLine=1,endColumn=1,title=c::\
                        50 %25: a,%0Ab\n";
        assert_eq!(line, expected);
    }
}
