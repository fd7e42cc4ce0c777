//! The text of a carried statement: the user's own, moved to its new place.
//!
//! ```python
//!         print(net.loss)         # two suites deep, and `net` was called `model` …
//!     print(model.loss)           # … one suite deep
//! ```
//!
//! Lines keep their formatting and comments; blanks at their start become those of the place, but
//! never in a string. Nothing is printed from a tree.

use florc_syntax::tree::{ExprKind, StmtId};
use florc_syntax::{EditSet, Module, Span};

use super::anchor::suite_of;
use super::{Place, Placed, Refusal, imports};
use crate::names::Names;

/// Adds the edit that puts a statement at its place.
pub(super) fn edit(
    old: &Module,
    new: &Module,
    names: &Names,
    placed: &Placed,
    edits: &mut EditSet,
) -> Result<(), Refusal> {
    let ending = line_ending(old.source.text());
    match placed.place {
        Place::Instead(at) => {
            let span = old.tree.stmt(at).span;
            let text = carried_text(new, names, placed.stmt, indent_of(old, span.start))?;
            edits.replace(span, text);
        }
        Place::After(at) => {
            let (indent, _) = own_lines(old, placed.place, placed.stmt, new)?;
            let text = if placed.names.is_empty() {
                carried_text(new, names, placed.stmt, indent)?
            } else {
                imports::text((old, at), (new, placed.stmt), &placed.names)
            };
            let end = old.trivia.line_end_after(old.tree.stmt(at).span.end);
            edits.insert(end, format!("{ending}{indent}{text}"));
        }
        Place::Before(_) => {
            let (indent, start) = own_lines(old, placed.place, placed.stmt, new)?;
            let text = carried_text(new, names, placed.stmt, indent)?;
            edits.insert(start, format!("{indent}{text}{ending}"));
        }
    }
    Ok(())
}

/// The blanks before the first statement of the line that a statement begins on, and where that line starts: nothing
/// may be between the statement and the new one.
fn own_lines<'a>(
    old: &'a Module,
    place: Place,
    stmt: StmtId,
    new: &Module,
) -> Result<(&'a str, u32), Refusal> {
    let (at, is_behind) = match place {
        Place::After(at) => (at, true),
        Place::Before(at) | Place::Instead(at) => (at, false),
    };
    let span = |stmt: StmtId| old.tree.stmt(stmt).span;
    let line = |stmt: StmtId| old.source.start_of_line(span(stmt).start);
    let suite = suite_of(old, at);
    let own = suite.iter().position(|it| *it == at).unwrap_or_default();
    // `zero_grad(); backward(); step()`
    let shares = |index: &usize| *index > 0 && span(suite[index - 1]).end > line(suite[*index]);
    let mut first = own;
    while shares(&first) {
        first -= 1;
    }
    let next = suite.get(own + 1).map(|it| span(*it).start);
    let is_last = next.is_none_or(|next| next >= old.trivia.line_end_after(span(at).end));
    let start = line(suite[first]);
    let blanks = old.source.slice(Span::new(start, span(suite[first]).start));
    let alone = blanks
        .trim_start_matches(['\u{feff}', ' ', '\t', '\x0c'])
        .is_empty();
    let is_between = if is_behind { is_last } else { first == own };
    if alone && is_between {
        return Ok((blanks.trim_start_matches('\u{feff}'), start));
    }
    Err(Refusal {
        stmt,
        title: "its place in the recorded version is in the middle of a line".to_owned(),
        here: vec![(new.tree.stmt(stmt).span, "this statement".to_owned())],
        there: vec![(span(at), "beside this".to_owned())],
    })
}

fn indent_of(module: &Module, offset: u32) -> &str {
    let start = module.source.start_of_line(offset);
    let line = module.source.slice(Span::new(start, offset));
    let blanks = line.len() - line.trim_start_matches([' ', '\t', '\x0c']).len();
    &line[..blanks]
}

/// The statement with the names of the older version, its further lines moved to `indent`.
fn carried_text(
    new: &Module,
    names: &Names,
    stmt: StmtId,
    indent: &str,
) -> Result<String, Refusal> {
    let span = new.tree.stmt(stmt).span;
    let own = indent_of(new, span.start);
    let mut edits = EditSet::new();
    rename(new, names, stmt, &mut edits);
    let starts = new.source.line_starts_in(span).iter().copied();
    for start in starts.filter(|start| *start > span.start && !new.trivia.inside_string(*start)) {
        if new
            .source
            .slice(Span::new(start, span.end))
            .starts_with(own)
        {
            edits.replace(Span::new(start, start + own.len() as u32), indent);
        }
    }
    let edited = edits.apply_in(&new.source, span);
    edited.map(|edited| edited.text).map_err(|error| Refusal {
        stmt,
        title: format!("the text of this statement cannot be moved: {error}"),
        here: vec![(span, "this statement".to_owned())],
        there: Vec::new(),
    })
}

fn rename(new: &Module, names: &Names, stmt: StmtId, edits: &mut EditSet) {
    let tree = &new.tree;
    for expr in tree.exprs_in(stmt) {
        let span = tree.expr(expr).span;
        match &tree.expr(expr).kind {
            ExprKind::Name(_) => {
                if let Some(name) = names.spelling_at(span.start) {
                    edits.replace(span, name);
                }
            }
            ExprKind::Attribute { attr, .. } => {
                let name = names.attribute(&attr.text);
                if name != attr.text {
                    edits.replace(attr.span, name);
                }
            }
            _ => {}
        }
    }
}

fn line_ending(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        Some(_) | None => "\n",
    }
}
