//! Where lines begin and end around a statement: the places at which whole lines may be inserted.
//!
//! ```python
//!     for x in xs:  # comment
//! #   ^ indentation           ^ end of the header line
//!         f(x); g(x)
//! #                 ^ end of the statement's last line
//! ```
//!
//! Reads the text only; nothing is inserted here.

use florc_syntax::tree::{StmtId, StmtKind};
use florc_syntax::{Module, Span};

/// The lines of a file.
#[derive(Clone, Copy)]
pub(crate) struct Layout<'a> {
    module: &'a Module,
    file: Span,
}

impl<'a> Layout<'a> {
    /// Of the file of a program that has this span.
    pub(crate) fn new(module: &'a Module, file: Span) -> Self {
        Self { module, file }
    }

    /// How this file ends its lines.
    pub(crate) fn newline(self) -> &'static str {
        let text = self.module.source.slice(self.file);
        match text.find(['\n', '\r']) {
            Some(at) if text[at..].starts_with("\r\n") => "\r\n",
            Some(at) if text[at..].starts_with('\r') => "\r",
            _ => "\n",
        }
    }

    /// First byte of the line that `offset` is on.
    pub(crate) fn line_start(self, offset: u32) -> u32 {
        self.module.source.start_of_line(offset)
    }

    /// The white space before a statement that begins its line.
    pub(crate) fn indentation(self, stmt: StmtId) -> Option<&'a str> {
        let start = self.module.tree.stmt(stmt).span.start;
        let before = self
            .text()
            .get(self.line_start(start) as usize..start as usize)?;
        before
            .chars()
            .all(|c| matches!(c, ' ' | '\t' | '\u{c}'))
            .then_some(before)
    }

    /// Whether a statement begins a line, and that line is none that goes on from the one before it.
    pub(crate) fn begins_line(self, stmt: StmtId) -> bool {
        let start = self.line_start(self.module.tree.stmt(stmt).span.start);
        let before = self.text().get(..start as usize).unwrap_or_default();
        let before = before.trim_end_matches(['\r', '\n']);
        self.indentation(stmt).is_some() && !before.ends_with('\\')
    }

    /// The end of the last line of a statement, before its newline: after a trailing comment, `;`
    /// and continued empty lines.
    pub(crate) fn end_of_lines(self, stmt: StmtId) -> u32 {
        self.end_of_line(self.module.tree.stmt(stmt).span.end)
    }

    fn end_of_line(self, from: u32) -> u32 {
        let bytes = &self.text().as_bytes()[..self.file.end as usize];
        let mut at = from as usize;
        let mut comment = false;
        while at < bytes.len() && !matches!(bytes[at], b'\n' | b'\r') {
            comment |= bytes[at] == b'#';
            let continued = !comment && bytes[at] == b'\\';
            at += 1;
            if continued {
                at += usize::from(bytes.get(at) == Some(&b'\r'));
                at += usize::from(bytes.get(at) == Some(&b'\n'));
            }
        }
        at.min(bytes.len()) as u32
    }

    /// Offset just after the `:` of a loop header whose last expression ends at `from`.
    fn after_colon(self, from: u32) -> Option<u32> {
        let bytes = self.text().as_bytes();
        let mut at = from as usize;
        let mut comment = false;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\n' | b'\r' => comment = false,
                b'#' => comment = true,
                b':' if !comment => return Some(at as u32 + 1),
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// Where a line can be inserted as the first of a loop's body.
    pub(crate) fn body_start(self, stmt: StmtId) -> Option<BodyStart> {
        let (last, body) = match &self.module.tree.stmt(stmt).kind {
            StmtKind::For { iter, body, .. } => (*iter, body),
            StmtKind::While { test, body, .. } => (*test, body),
            _ => return None,
        };
        let first = *body.first()?;
        let colon = self.after_colon(self.module.tree.expr(last).span.end)?;
        match self.indentation(first) {
            Some(indentation) => Some(BodyStart {
                offset: self.end_of_line(colon),
                indentation: indentation.to_owned(),
                on_header_line: false,
            }),
            None => Some(BodyStart {
                offset: self.module.tree.stmt(first).span.start,
                indentation: format!("{}{}", self.indentation(stmt)?, self.unit(stmt)),
                on_header_line: true,
            }),
        }
    }

    /// One step of indentation that keeps every line of `stmt` consistent when put before it.
    pub(crate) fn unit(self, stmt: StmtId) -> String {
        let span = self.module.tree.stmt(stmt).span;
        let lines = &self.text()[self.line_start(span.start) as usize..span.end as usize];
        let white =
            |line: &'a str| &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        if lines
            .split(['\n', '\r'])
            .any(|line| white(line).contains('\t'))
        {
            return "\t".to_owned();
        }
        let base = self.indentation(stmt).map_or(0, str::len);
        let deeper = lines
            .split(['\n', '\r'])
            .skip(1)
            .filter(|line| !line.trim().is_empty());
        let step = deeper.map(|line| white(line).len()).find(|len| *len > base);
        let step = step.map_or(4, |len| len - base);
        " ".repeat(if step <= 8 { step } else { 4 })
    }

    fn text(self) -> &'a str {
        self.module.source.text()
    }
}

/// The place of a first line of a body.
pub(crate) struct BodyStart {
    /// Where to insert.
    pub(crate) offset: u32,
    /// Indentation of the body.
    pub(crate) indentation: String,
    /// The body is written on the line of the header: `for x in xs: f(x)`.
    pub(crate) on_header_line: bool,
}
