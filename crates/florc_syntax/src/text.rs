//! The text of one source file, with its lines.
//!
//! ```python
//! # -*- coding: latin-1 -*-      # decoded by this cookie; offsets are into the decoded text
//! ```
//!
//! A leading byte-order mark stays in the text, so that a file without edits keeps its bytes; line
//! endings stay as they are. Does not read files and does not look at Python's grammar.

use crate::encoding::{self, Encoding};
use crate::{Diagnostic, Severity, Span};

/// A place as people and CPython count: lines from 1, columns from 0 in UTF-8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineColumn {
    /// Line, counted from 1.
    pub line: u32,
    /// Bytes from the start of the line (after a byte-order mark).
    pub column: u32,
}

/// A decoded source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    path: String,
    bytes: Vec<u8>,
    text: String,
    encoding: Encoding,
    line_starts: Vec<u32>,
}

impl SourceText {
    /// Decodes a file: byte-order mark, PEP 263 cookie (UTF-8, Latin-1 or ASCII), any line ending.
    ///
    /// The error is a diagnostic with code `undecodable-source`.
    pub fn from_bytes(path: impl Into<String>, bytes: Vec<u8>) -> Result<Self, Diagnostic> {
        let path = path.into();
        let refuse = |span, title: String| {
            Diagnostic::in_file(
                "undecodable-source",
                Severity::Error,
                path.clone(),
                span,
                title,
            )
        };
        if u32::try_from(bytes.len().saturating_mul(2)).is_err() {
            return Err(refuse(
                Span::empty(0),
                "the file is 2 GiB or larger".to_owned(),
            ));
        }
        let (encoding, text) = encoding::decode(&bytes)
            .map_err(|error| refuse(error.span, error.title).with_help("save the file as UTF-8"))?;
        let line_starts = line_starts(&text);
        Ok(Self {
            path,
            bytes,
            text,
            encoding,
            line_starts,
        })
    }

    /// The path as given; only ever shown.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The file's own bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The decoded text that all offsets are into, with a leading byte-order mark if there is one.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How the file is encoded.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Encodes an edited text as this file was encoded; `None` where it cannot be.
    pub fn encode(&self, text: &str) -> Option<Vec<u8>> {
        self.encoding.encode(text)
    }

    /// The text of a span; empty where the span is not in this text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// Number of lines; a text that ends in a newline has an empty last line.
    pub fn line_count(&self) -> u32 {
        self.line_starts.len() as u32
    }

    /// Offset of the first byte of a line (after a byte-order mark). Lines past the end give the
    /// length of the text, line 0 the start.
    pub fn line_start(&self, line: u32) -> u32 {
        let index = line.saturating_sub(1) as usize;
        self.line_starts
            .get(index)
            .copied()
            .unwrap_or(self.text.len() as u32)
    }

    /// The line and column of an offset; offsets past the end give the end.
    pub fn line_column(&self, offset: u32) -> LineColumn {
        let offset = offset.min(self.text.len() as u32);
        let line = self
            .line_starts
            .partition_point(|&start| start <= offset)
            .max(1);
        let column = offset.saturating_sub(self.line_starts[line - 1]);
        LineColumn {
            line: line as u32,
            column,
        }
    }

    /// The offset of a line and column, at most the end of that line.
    pub fn offset(&self, line: u32, column: u32) -> u32 {
        self.line_start(line)
            .saturating_add(column)
            .min(self.line_start(line.saturating_add(1)))
    }
}

/// Starts of the lines of `text`: after `\n`, `\r\n` or a lone `\r`, as CPython splits.
fn line_starts(text: &str) -> Vec<u32> {
    let bytes = text.as_bytes();
    let mut starts = vec![if text.starts_with('\u{feff}') { 3 } else { 0 }];
    for (index, byte) in bytes.iter().enumerate() {
        let ends = *byte == b'\n' || (*byte == b'\r' && bytes.get(index + 1) != Some(&b'\n'));
        if ends {
            starts.push(index as u32 + 1);
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], offset: u32, expected: (u32, u32)) {
        let source = SourceText::from_bytes("t.py", bytes.to_vec()).expect("decodable");
        let place = source.line_column(offset);
        assert_eq!((place.line, place.column), expected);
        assert_eq!(source.offset(place.line, place.column), offset);
    }

    #[test]
    fn lines_end_in_any_way() {
        check(b"a\nb\r\nc\rd", 0, (1, 0));
        check(b"a\nb\r\nc\rd", 2, (2, 0));
        check(b"a\nb\r\nc\rd", 5, (3, 0));
        check(b"a\nb\r\nc\rd", 7, (4, 0));
        check(b"a\nb\r\nc\rd", 8, (4, 1));
        check("ä = 1".as_bytes(), 3, (1, 3));
        check(b"a\n", 2, (2, 0));
        check(b"", 0, (1, 0));
    }

    #[test]
    fn byte_order_mark_is_kept_but_not_counted() {
        let source = SourceText::from_bytes("t.py", b"\xef\xbb\xbfx = 1".to_vec()).expect("utf-8");
        assert_eq!(source.line_column(3), LineColumn { line: 1, column: 0 });
        assert_eq!(source.line_column(0), LineColumn { line: 1, column: 0 });
        assert_eq!(
            source.encode(source.text()).as_deref(),
            Some(source.bytes())
        );
    }
}
