//! Diagnostics and errors in words, with the source they are about.
//!
//! ```python
//! for x in data:
//!     return x          # error[unskippable-return]: … with this line, marked
//! ```
//!
//! Wording comes with the diagnostic; this only lays it out (with miette).

use florc_syntax::{Diagnostic, Severity, SourceText, Span};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource,
    Severity as Level,
};

use crate::failure::Failure;

/// A diagnostic as text for people.
pub(crate) fn diagnostic(diagnostic: &Diagnostic, source: Option<&SourceText>) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
        Severity::Note => Level::Advice,
    };
    let mut report = MietteDiagnostic::new(diagnostic.title.clone())
        .with_code(diagnostic.code)
        .with_severity(level);
    if let Some(help) = &diagnostic.help {
        report = report.with_help(help.clone());
    }
    let Some(source) = source else {
        return handle(&report);
    };
    let file = source.file_of(diagnostic.span.start).span();
    let text = source.slice(file);
    let mut labels = Vec::new();
    let own = diagnostic
        .reasons
        .iter()
        .any(|reason| reason.span == diagnostic.span);
    if !own {
        labels.push(label(text, file, diagnostic.span, None, true));
    }
    let mut help: Vec<String> = diagnostic.help.iter().cloned().collect();
    for reason in &diagnostic.reasons {
        if !file.contains_span(reason.span) {
            let line = source.line_column(reason.span.start).line;
            let path = &source.file_of(reason.span.start).path;
            help.push(format!("{path}:{line}: {}", reason.text));
            continue;
        }
        let primary = reason.span == diagnostic.span;
        let words = Some(reason.text.clone());
        labels.push(label(text, file, reason.span, words, primary));
    }
    if !help.is_empty() {
        report = report.with_help(help.join("\n"));
    }
    let named = NamedSource::new(diagnostic.file.clone(), text.to_owned());
    let report = miette::Report::new(report.with_labels(labels)).with_source_code(named);
    handle(report.as_ref())
}

/// An error as text for people.
pub(crate) fn failure(failure: &Failure) -> String {
    if let Some(rendered) = &failure.rendered {
        return rendered.clone();
    }
    let help = failure
        .help
        .as_ref()
        .map(|help| format!("\n  help: {help}"))
        .unwrap_or_default();
    format!("florc: error: {}{help}", failure.title)
}

/// A label never reaches over the end of its first line: long statements stay readable. `text` is
/// that of `file`.
fn label(text: &str, file: Span, span: Span, words: Option<String>, primary: bool) -> LabeledSpan {
    let inside = |offset: u32| (offset.saturating_sub(file.start) as usize).min(text.len());
    let start = inside(span.start);
    let whole = text.get(start..inside(span.end)).unwrap_or_default();
    let first = whole.lines().next().unwrap_or_default().len();
    if primary {
        LabeledSpan::new_primary_with_span(words, (start, first))
    } else {
        LabeledSpan::new_with_span(words, (start, first))
    }
}

fn handle(report: &dyn miette::Diagnostic) -> String {
    let theme = if crate::out::colours() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(100)
        .with_links(false);
    match handler.render_report(&mut text, report) {
        Ok(()) => text,
        Err(_) => report.to_string(),
    }
}
