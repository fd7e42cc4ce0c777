//! `florc explain`: what florc makes of a script, with reasons; or what a diagnostic code means.
//!
//! ```python
//! for epoch in range(3):        # main loop epoch (line 1)
//!     for x in loader:          #   SkipBlock loader (line 2): changes model, optimizer
//! ```
//!
//! Shows the compiler's findings; it decides nothing.

use florc_instrument::Instrumented;
use florc_manifest::{Root, SourceSpan};
use serde_json::{Value, json};

use crate::args::{ExplainArgs, TextFormat};
use crate::failure::Failure;
use crate::{DONE, HostPython, analysis, out, pages, project, render};

/// Explains a script or a code.
pub(crate) fn explain(args: &ExplainArgs, host: &HostPython) -> Result<i32, Failure> {
    let path = std::path::Path::new(&args.subject);
    if !path.exists() && path.extension().is_none() && path.components().count() == 1 {
        return page(&args.subject, args.format);
    }
    let project = project::of(path);
    let files = analysis::program(&project, path, host)?;
    let compiled = analysis::compile(files, &analysis::options(path))?;
    match args.format {
        TextFormat::Json => out::json(&as_json(&compiled))?,
        TextFormat::Text => {
            out::text(&as_text(&compiled))?;
            for diagnostic in &compiled.diagnostics {
                out::text(&format!(
                    "\n{}",
                    render::diagnostic(diagnostic, Some(&compiled.module.source))
                ))?;
            }
        }
    }
    Ok(DONE)
}

fn page(code: &str, format: TextFormat) -> Result<i32, Failure> {
    let Some((_, text)) = pages::PAGES.iter().find(|(name, _)| *name == code) else {
        let names: Vec<String> = pages::PAGES
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        let failure = Failure::new(format!("`{code}` is neither a file nor a diagnostic code"));
        return Err(match crate::listing::closest(code, &names).first() {
            Some(name) => failure.help(format!("did you mean `{name}`?")),
            None => failure.help(format!("the codes are: {}", names.join(", "))),
        });
    };
    match format {
        TextFormat::Text => out::text(text)?,
        TextFormat::Json => out::json(&json!({ "code": code, "page": text }))?,
    }
    Ok(DONE)
}

fn as_json(compiled: &Instrumented) -> Value {
    let diagnostics: Vec<Value> = compiled
        .diagnostics
        .iter()
        .map(|diagnostic| {
            let place = compiled.module.source.line_column(diagnostic.span.start);
            json!({
                "code": diagnostic.code,
                "severity": format!("{:?}", diagnostic.severity).to_lowercase(),
                "file": diagnostic.file,
                "line": place.line,
                "column": place.column,
                "title": diagnostic.title,
                "reasons": diagnostic.reasons.iter().map(|r| &r.text).collect::<Vec<_>>(),
                "help": diagnostic.help,
            })
        })
        .collect();
    json!({ "manifest": compiled.manifest, "diagnostics": diagnostics })
}

/// One entry of the nest, to be sorted by place and indented by enclosing spans.
struct Entry<'a> {
    span: &'a SourceSpan,
    head: String,
    lines: Vec<String>,
}

impl<'a> Entry<'a> {
    fn new(span: &'a SourceSpan, head: String, lines: Vec<String>) -> Self {
        Self { span, head, lines }
    }
}

fn as_text(compiled: &Instrumented) -> String {
    let manifest = &compiled.manifest;
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for site in &manifest.main_loops {
        let mut lines = roots("carries", &site.roots);
        if !site.recreatable {
            let text = "a worker cannot start inside: what it iterates over cannot be made again";
            lines.push(text.to_owned());
        }
        entries.push(Entry::new(
            &site.span,
            format!("main loop {}", label_of(&site.id)),
            lines,
        ));
    }
    for site in &manifest.skip_blocks {
        let head = format!("SkipBlock {}", label_of(&site.id));
        entries.push(Entry::new(&site.span, head, roots("changes", &site.roots)));
    }
    for site in &manifest.loops {
        if entries.iter().all(|entry| entry.span != &site.span) {
            let head = format!("loop {}", label_of(&site.id));
            entries.push(Entry::new(&site.span, head, Vec::new()));
        }
    }
    for site in &manifest.uninstrumented {
        let head = format!("left alone {} [{}]", label_of(&site.id), site.code);
        entries.push(Entry::new(&site.span, head, vec![site.reason.clone()]));
    }
    for site in &manifest.logs {
        let columns: Vec<&str> = site
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let colon = if columns.is_empty() { "" } else { ": " };
        let head = format!("log {}{colon}{}", site.callee, columns.join(", "));
        entries.push(Entry::new(&site.span, head, Vec::new()));
    }
    let mut text = String::new();
    for (at, file) in compiled.files.iter().enumerate() {
        let of_file = |entry: &Entry<'_>| match at {
            0 => entry.span.file.is_empty(),
            _ => entry.span.file == file.path,
        };
        let (own, others): (Vec<_>, Vec<_>) = entries.into_iter().partition(of_file);
        entries = others;
        if at == 0 || !own.is_empty() {
            text.push_str(&nest(&file.path, own));
        }
    }
    text
}

fn nest(file: &str, mut entries: Vec<Entry<'_>>) -> String {
    use std::fmt::Write as _;
    entries.sort_by_key(|entry| (entry.span.start, std::cmp::Reverse(entry.span.end)));
    let mut text = format!("{file}\n");
    if entries.is_empty() {
        text.push_str("  no loops and no log statements\n");
    }
    for (at, entry) in entries.iter().enumerate() {
        let depth = entries[..at]
            .iter()
            .filter(|each| each.span.start <= entry.span.start && entry.span.end <= each.span.end)
            .count();
        let indent = "  ".repeat(depth + 1);
        let _ = writeln!(text, "{indent}{} (line {})", entry.head, entry.span.line);
        for line in &entry.lines {
            let _ = writeln!(text, "{indent}    {line}");
        }
    }
    text
}

fn roots(verb: &str, roots: &[Root]) -> Vec<String> {
    let mut lines = Vec::new();
    for root in roots {
        let extra = if root.live { "" } else { " (for probes only)" };
        lines.push(format!("{verb} {}{extra}", root.name));
        lines.extend(root.reasons.iter().map(|reason| format!("    {reason}")));
    }
    lines
}

/// `train.py:main/epoch` without the file.
fn label_of(id: &str) -> &str {
    id.split_once(':').map_or(id, |(_, path)| path)
}
