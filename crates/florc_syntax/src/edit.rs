//! Edits that keep every other byte of a source.
//!
//! ```python
//! for x in y:         # insert("florc.loop(") before `y`, insert(")") behind it
//!     s = """a
//!   b"""              # indent() moves the line above, never this one
//! ```
//!
//! Does not know what is inserted, and never prints a tree.

use std::fmt;

use crate::source_map::{Segment, SourceMap};
use crate::tree::StmtId;
use crate::{Module, SourceText, Span};

/// One edit: `span` of the original text becomes `text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty for an insertion.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
}

/// Why edits cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditError {
    /// Two edits touch the same bytes.
    Overlap(Span, Span),
    /// An edit is outside the text, or starts or ends inside a character.
    OutOfText(Span),
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overlap(a, b) => {
                write!(
                    f,
                    "edits of bytes {}..{} and {}..{} overlap",
                    a.start, a.end, b.start, b.end
                )
            }
            Self::OutOfText(span) => {
                write!(
                    f,
                    "edit of bytes {}..{} does not fit the text",
                    span.start, span.end
                )
            }
        }
    }
}

impl std::error::Error for EditError {}

/// An edited text and where its bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The text after the edits.
    pub text: String,
    /// Maps its offsets to the original's and back.
    pub map: SourceMap,
}

/// Edits of one source, in the order they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EditSet {
    edits: Vec<Edit>,
}

impl EditSet {
    /// No edits.
    pub fn new() -> Self {
        Self::default()
    }

    /// The edits made so far.
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// Whether nothing is edited.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Inserts before the byte at `offset`; insertions at one offset keep their order.
    pub fn insert(&mut self, offset: u32, text: impl Into<String>) {
        self.replace(Span::empty(offset), text);
    }

    /// Replaces a span. Insertions at its start come before, at its end behind the replacement.
    pub fn replace(&mut self, span: Span, text: impl Into<String>) {
        self.edits.push(Edit {
            span,
            text: text.into(),
        });
    }

    /// Moves the lines of consecutive statements of one suite to the right by `by`, put between a
    /// line's own blanks and its first byte. Blank lines stay, and so do lines that start inside a
    /// string literal.
    pub fn indent(&mut self, block: &[StmtId], module: &Module, by: &str) {
        for offset in indented_lines(block, module) {
            self.insert(offset, by);
        }
    }

    /// Applies the edits. Overlapping replacements, and insertions inside one, are refused.
    pub fn apply(&self, source: &SourceText) -> Result<Edited, EditError> {
        self.apply_in(source, Span::new(0, source.text().len() as u32))
    }

    /// Applies the edits to one file of a program; the map's offsets are those of the file.
    pub fn apply_in(&self, source: &SourceText, file: Span) -> Result<Edited, EditError> {
        let original = source.slice(file);
        let mut edits: Vec<&Edit> = self.edits.iter().collect();
        edits.sort_by_key(|edit| (edit.span.start, !edit.span.is_empty()));
        let mut edited = Edited {
            text: String::with_capacity(original.len()),
            map: SourceMap::default(),
        };
        let mut done = Span::empty(0);
        for edit in edits {
            if !file.contains_span(edit.span) {
                return Err(EditError::OutOfText(edit.span));
            }
            let span = Span::new(edit.span.start - file.start, edit.span.end - file.start);
            if original.get(span.range()).is_none() {
                return Err(EditError::OutOfText(edit.span));
            }
            if span.start < done.end {
                return Err(EditError::Overlap(done, span));
            }
            edited.copy(original, Span::new(done.end, span.start));
            edited.put(span, &edit.text);
            done = span;
        }
        edited.copy(original, Span::new(done.end, original.len() as u32));
        Ok(edited)
    }
}

impl Edited {
    fn copy(&mut self, original: &str, span: Span) {
        self.segment(span, &original[span.range()], true);
    }

    fn put(&mut self, span: Span, text: &str) {
        self.segment(span, text, false);
    }

    fn segment(&mut self, span: Span, text: &str, exact: bool) {
        if text.is_empty() && span.is_empty() {
            return;
        }
        let edited_start = self.text.len() as u32;
        self.text.push_str(text);
        self.map.push(Segment {
            edited_start,
            edited_end: self.text.len() as u32,
            original_start: span.start,
            original_len: span.len(),
            exact,
        });
    }
}

/// Where the lines of a block begin, behind their blanks.
fn indented_lines(block: &[StmtId], module: &Module) -> Vec<u32> {
    let spans = block.iter().map(|id| module.tree.stmt(*id).span);
    let Some(whole) = spans.reduce(Span::cover) else {
        return Vec::new();
    };
    let source = &module.source;
    let starts = source.line_starts_in(whole).iter().copied();
    let outside = starts.filter(|start| !module.trivia.inside_string(*start));
    outside
        .filter_map(|start| first_byte(source.text(), start))
        .collect()
}

/// The first byte of a line that is no blank; `None` for a blank line.
fn first_byte(text: &str, start: u32) -> Option<u32> {
    let rest = &text.as_bytes()[start as usize..];
    let blanks = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\x0c'))
        .count();
    let is_blank = matches!(rest.get(blanks), None | Some(b'\n' | b'\r'));
    (!is_blank).then_some(start + blanks as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &str) {
        let source = SourceText::from_bytes("t.py", source.into()).expect("utf-8");
        let module = crate::parse(source).expect("valid");
        let mut edits = EditSet::new();
        edits.indent(module.tree.blocks(StmtId(0))[0], &module, ">>");
        assert_eq!(
            edits.apply(&module.source).expect("no overlap").text,
            expected
        );
    }

    #[test]
    fn indents_lines_but_not_strings() {
        check("if a:\n  b\n\n  c\nd\n", "if a:\n  >>b\n\n  >>c\nd\n");
        check("if a:\r\n\tb\r\n\tc", "if a:\r\n\t>>b\r\n\t>>c");
        check(
            "if a:\n  s = '''x\n  y'''; z\n",
            "if a:\n  >>s = '''x\n  y'''; z\n",
        );
        check(
            "if a:\n  s = f'''{\n  y}'''\n",
            "if a:\n  >>s = f'''{\n  y}'''\n",
        );
        check(
            "if a:\n  s = 'x\\\n  y'\n  z\n",
            "if a:\n  >>s = 'x\\\n  y'\n  >>z\n",
        );
        check(
            "if a:\n  # c\n  f(b,\n    c)\n",
            "if a:\n  # c\n  >>f(b,\n    >>c)\n",
        );
        check("if a:\n  b\n  # c\n  d\n", "if a:\n  >>b\n  >># c\n  >>d\n");
    }

    #[test]
    fn overlaps_are_refused() {
        let source = SourceText::from_bytes("t.py", "aäb".into()).expect("utf-8");
        let mut edits = EditSet::new();
        edits.replace(Span::new(0, 3), "x");
        edits.insert(0, "1");
        edits.insert(0, "2");
        edits.insert(3, "3");
        assert_eq!(
            edits.apply(&source).map(|it| it.text).as_deref(),
            Ok("12x3b")
        );
        edits.insert(1, "4");
        assert_eq!(
            edits.apply(&source),
            Err(EditError::Overlap(Span::new(0, 3), Span::empty(1)))
        );
        let mut edits = EditSet::new();
        edits.insert(2, "x");
        assert_eq!(
            edits.apply(&source),
            Err(EditError::OutOfText(Span::empty(2)))
        );
    }
}
