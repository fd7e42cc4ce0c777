//! The recorded sources with the probes of the working tree, where more than those was edited.
//!
//! ```python
//! lr = 0.4              # was 0.5: takes no part, and is listed
//! print(norm(model))    # a probe: goes into the recorded source, behind the statement it follows
//! ```
//!
//! Where a statement goes is `florc_history`'s decision; this puts the texts together and words
//! what was left out. The result is compared with the recorded version like any edit.

use std::collections::BTreeMap;

use florc_history::{
    Carried, CutPoints, Difference, DifferenceKind, Meaning, Meanings, Refusal, Trained, carry,
    classify, diff_sources,
};
use florc_syntax::tree::StmtId;
use florc_syntax::{Diagnostic, EditSet, Edited, Module, Named, Severity, SourceText, Span};
use serde_json::{Value, json};

use super::changes::Analysed;
use super::find::{Sources, Subject, Text, parsed};
use crate::failure::Failure;
use crate::{analysis, out, table};

/// Differences that are listed one by one.
const LISTED: usize = 8;

/// Edits of the working tree that take no part in a replay.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeftOut {
    edits: Vec<Edit>,
}

/// One of them.
#[derive(Clone, Debug)]
struct Edit {
    file: String,
    line: u32,
    in_recorded: bool,
    what: &'static str,
    class: &'static str,
    text: String,
}

/// Puts the probes of the current version into the recorded one.
pub(crate) fn carried(sources: Sources, subject: &Subject) -> Result<(Sources, LeftOut), Failure> {
    let settings = &subject.facts.manifest.settings;
    let knowledge = florc_instrument::knowledge(settings);
    let recorded = Analysed::new(&sources.recorded, settings)?;
    let current = Analysed::new(&sources.current, settings)?;
    let old_judge = recorded.judge(&sources.recorded, &knowledge);
    let new_judge = current.judge(&sources.current, &knowledge);
    let old = recorded.version(&sources.recorded, &old_judge);
    let new = current.version(&sources.current, &new_judge);
    let carried = carry(old, new);
    if let Some(refusal) = carried.refusals.first() {
        return Err(refused(&sources, refusal, carried.refusals.len() - 1));
    }
    let diff = diff_sources(&sources.recorded, &sources.current);
    let changes = classify(old, new, &diff, None);
    let sites = subject.facts.manifest.modules.first();
    let before = sites.map(|sites| CutPoints::of(old, sites));
    let before = before.unwrap_or_default();
    let after = before.in_newer(&carried.matching);
    let with = |version, cuts| Trained { version, cuts };
    let meanings = Meanings::new(with(old, &before), with(new, &after), &changes);
    let edits = carried.differences.iter();
    let left_out = LeftOut {
        edits: edits
            .map(|difference| Edit::new(&sources, difference, meanings.of(difference)))
            .collect(),
    };
    Ok((with_probes(sources, subject, &carried)?, left_out))
}

/// The recorded version, edited.
fn with_probes(sources: Sources, subject: &Subject, carried: &Carried) -> Result<Sources, Failure> {
    let mut current = Vec::new();
    let mut texts = Vec::new();
    let mut lines = BTreeMap::new();
    for (file, text) in sources.recorded.source.files().iter().zip(sources.texts) {
        if file.is_library {
            current.push(parsed(&text.module, text.bytes.clone())?);
            texts.push(text);
            continue;
        }
        let mut edits = EditSet::new();
        let mut stmts = Vec::new();
        let span = file.span();
        for (edit, placed) in carried.edits.edits().iter().zip(&carried.placed) {
            if span.contains_span(edit.span) {
                edits.replace(edit.span, edit.text.clone());
                stmts.push((edit.span, placed.stmt));
            }
        }
        let bug = |what: &str| {
            Failure::new(format!(
                "the probes cannot be put in `{}`: {what}",
                file.path
            ))
        };
        let edited = edits.apply_in(&sources.recorded.source, span);
        let edited = edited.map_err(|error| bug(&error.to_string()))?;
        let own = recorded_text(subject, &file.path)?;
        let bytes = own
            .encode(&edited.text)
            .ok_or_else(|| bug("its encoding has not all characters"))?;
        let source = analysis::decode(file.path.clone(), bytes.clone())?;
        let module = analysis::parse(source)?;
        stmts.sort_by_key(|(span, _)| (span.start, !span.is_empty()));
        let stmts = stmts.into_iter().map(|(_, stmt)| stmt);
        for (line, there) in moved_lines(&edited, &module, &sources.current, stmts) {
            lines.insert((file.path.clone(), line), there);
        }
        current.push(Named {
            name: file.name.clone(),
            package: file.package.clone(),
            module,
            is_library: false,
        });
        texts.push(Text { bytes, ..text });
    }
    let none = || Failure::new("the run has no source").help("record the script again");
    Ok(Sources {
        recorded: sources.recorded,
        current: florc_syntax::link(current).ok_or_else(none)?,
        texts,
        lines,
    })
}

/// Lines of the edited text that come from other lines of the working tree, with those.
fn moved_lines(
    edited: &Edited,
    module: &Module,
    current: &Module,
    stmts: impl Iterator<Item = StmtId>,
) -> Vec<(u32, u32)> {
    let mut lines = Vec::new();
    let inserted = edited
        .map
        .segments()
        .iter()
        .filter(|segment| !segment.exact);
    for (segment, stmt) in inserted.zip(stmts) {
        let whole = &edited.text[segment.edited_start as usize..segment.edited_end as usize];
        let blank = whole.len() - whole.trim_start().len();
        let start = segment.edited_start + blank as u32;
        let first = module.source.line_column(start).line;
        let span = current.tree.stmt(stmt).span;
        let there = current.source.line_column(span.start).line;
        let count = whole.trim().lines().count().max(1) as u32;
        lines.extend((0..count).map(|line| (first + line, there + line)));
    }
    lines
}

fn recorded_text(subject: &Subject, path: &str) -> Result<SourceText, Failure> {
    let bytes = super::find::recorded_bytes(subject, path)?;
    analysis::decode(path.to_owned(), bytes)
}

/// Why a probe has no place: its span, and the places in question with their lines.
fn refused(sources: &Sources, refusal: &Refusal, others: usize) -> Failure {
    let (old, new) = (&sources.recorded, &sources.current);
    let span = refusal
        .here
        .first()
        .map_or_else(|| new.tree.stmt(refusal.stmt).span, |(span, _)| *span);
    let mut diagnostic = Diagnostic::new(
        "probe-without-place",
        Severity::Error,
        &new.source,
        span,
        refusal.title.clone(),
    );
    for (span, text) in &refusal.here {
        diagnostic = diagnostic.with_reason(*span, text.clone());
    }
    let mut help: Vec<String> = refusal
        .there
        .iter()
        .map(|(span, text)| {
            let line = old.source.line_column(span.start).line;
            let file = &old.source.file_of(span.start).path;
            format!(
                "{text}: `{}` ({file} as recorded, line {line})",
                first_line(old, *span)
            )
        })
        .collect();
    help.push("put the log statement beside a statement that the recorded version has, or undo the other edits around it".to_owned());
    if others > 0 {
        help.push(format!(
            "no place either: {}",
            table::count(others, "other statement")
        ));
    }
    let diagnostic = diagnostic.with_help(help.join("\n"));
    Failure::diagnostic(&diagnostic, Some(&new.source))
}

fn first_line(module: &Module, span: Span) -> &str {
    module.source.slice(span).lines().next().unwrap_or_default()
}

impl LeftOut {
    /// Whether nothing was left out.
    pub(crate) fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Tells of them on standard error.
    pub(crate) fn tell(&self) {
        if self.is_empty() {
            return;
        }
        out::note(&format!(
            "florc: the recorded sources are replayed with the log statements added, without {} of the working tree:",
            table::count(self.edits.len(), "other edit")
        ));
        for edit in self.edits.iter().take(LISTED) {
            let version = if edit.in_recorded { " (recorded)" } else { "" };
            out::note(&format!(
                "  {}:{}{version}: {}, {}: {}",
                edit.file, edit.line, edit.what, edit.class, edit.text
            ));
        }
        if self.edits.len() > LISTED {
            out::note(&format!("  … and {} more", self.edits.len() - LISTED));
        }
    }

    /// For programs.
    pub(crate) fn json(&self) -> Vec<Value> {
        let edits = self.edits.iter();
        edits
            .map(|edit| {
                json!({
                    "file": edit.file, "line": edit.line,
                    "version": if edit.in_recorded { "recorded" } else { "current" },
                    "change": edit.what, "class": edit.class, "text": edit.text,
                })
            })
            .collect()
    }
}

impl Edit {
    fn new(sources: &Sources, difference: &Difference, meaning: Meaning) -> Self {
        let module = if difference.in_old {
            &sources.recorded
        } else {
            &sources.current
        };
        Self {
            file: module.source.file_of(difference.span.start).path.clone(),
            line: module.source.line_column(difference.span.start).line,
            in_recorded: difference.in_old,
            what: what(difference.kind),
            class: meaning.word(),
            text: format!("`{}`", first_line(module, difference.span)),
        }
    }
}

/// How a statement differs, in a word.
pub(crate) fn what(kind: DifferenceKind) -> &'static str {
    match kind {
        DifferenceKind::Added => "added",
        DifferenceKind::Removed => "removed",
        DifferenceKind::Changed => "changed",
        DifferenceKind::Renamed => "renamed",
        DifferenceKind::Moved => "moved",
        DifferenceKind::LogRemoved => "log statement removed",
    }
}
