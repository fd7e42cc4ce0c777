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
    let mut labels = Vec::new();
    let own = diagnostic
        .reasons
        .iter()
        .any(|reason| reason.span == diagnostic.span);
    if !own {
        labels.push(label(source, diagnostic.span, None, true));
    }
    for reason in &diagnostic.reasons {
        let primary = reason.span == diagnostic.span;
        labels.push(label(
            source,
            reason.span,
            Some(reason.text.clone()),
            primary,
        ));
    }
    let named = NamedSource::new(diagnostic.file.clone(), source.text().to_owned());
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

/// A label never reaches over the end of its first line: long statements stay readable.
fn label(source: &SourceText, span: Span, text: Option<String>, primary: bool) -> LabeledSpan {
    let length = source.text().len();
    let start = (span.start as usize).min(length);
    let end = (span.end as usize).clamp(start, length);
    let whole = source.text().get(start..end).unwrap_or_default();
    let first = whole.lines().next().unwrap_or_default().len();
    if primary {
        LabeledSpan::new_primary_with_span(text, (start, first))
    } else {
        LabeledSpan::new_with_span(text, (start, first))
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
