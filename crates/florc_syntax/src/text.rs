//! The text of one source file, with its lines.
//!
//! ```python
//! # -*- coding: latin-1 -*-      # decoded by this cookie; offsets are into the decoded text
//! ```
//!
//! A leading byte-order mark stays in the text, so that a file without edits keeps its bytes; line
//! endings stay as they are. The text of a linked program is that of its files one after another
//! (see [`crate::link`]): an offset tells its file. Does not read files and does not look at
//! Python's grammar.

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

/// A file of a program, as a part of the program's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// The path as given; only ever shown, and part of the ids of loops.
    pub path: String,
    /// Dotted module name; `__main__` for the entry.
    pub name: String,
    /// What relative imports start from (`__package__`); empty where there is none.
    pub package: String,
    /// It is an excerpt of an installed library.
    pub is_library: bool,
    /// Offset of its first byte.
    pub start: u32,
    /// One past its last byte.
    pub end: u32,
    /// Lines of the files before it.
    lines_before: u32,
}

impl FileInfo {
    /// The whole file.
    pub const fn span(&self) -> Span {
        Span::new(self.start, self.end)
    }
}

/// The decoded text of a source file, or of all files of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    bytes: Vec<u8>,
    text: String,
    encoding: Encoding,
    line_starts: Vec<u32>,
    /// Never empty; by increasing start, the entry first.
    files: Vec<FileInfo>,
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
        let file = FileInfo {
            path,
            name: "__main__".to_owned(),
            package: String::new(),
            is_library: false,
            start: 0,
            end: text.len() as u32,
            lines_before: 0,
        };
        Ok(Self {
            bytes,
            text,
            encoding,
            line_starts,
            files: vec![file],
        })
    }

    /// Names the module that a single file is.
    #[must_use]
    pub(crate) fn named(mut self, name: String, package: String, is_library: bool) -> Self {
        let file = &mut self.files[0];
        (file.name, file.package, file.is_library) = (name, package, is_library);
        self
    }

    /// Adds the files of another text; gives the offset at which they begin. A newline parts them,
    /// so that the end of one file is not the start of the next.
    pub(crate) fn append(&mut self, other: &Self) -> u32 {
        self.text.push('\n');
        let base = self.text.len() as u32;
        self.text.push_str(&other.text);
        let lines = self.line_starts.len() as u32;
        let starts = other.line_starts.iter().map(|start| start + base);
        self.line_starts.extend(starts);
        self.files.extend(other.files.iter().map(|file| FileInfo {
            start: file.start + base,
            end: file.end + base,
            lines_before: file.lines_before + lines,
            ..file.clone()
        }));
        base
    }

    /// The files, the entry first.
    pub fn files(&self) -> &[FileInfo] {
        &self.files
    }

    /// The file that holds an offset; offsets past the end give the last one.
    pub fn file_of(&self, offset: u32) -> &FileInfo {
        let index = self.files.partition_point(|file| file.start <= offset);
        &self.files[index.saturating_sub(1)]
    }

    /// A span as offsets into its own file.
    pub fn local(&self, span: Span) -> Span {
        let start = self.file_of(span.start).start;
        Span::new(span.start - start, span.end - start)
    }

    /// The place of offsets into the file of that path; an empty path means the entry.
    pub fn global(&self, path: &str, span: Span) -> Option<Span> {
        let mut files = self.files.iter();
        let file = files.find(|file| path.is_empty() || file.path == path)?;
        Some(Span::new(span.start + file.start, span.end + file.start))
    }

    /// The path of the entry as given; only ever shown.
    pub fn path(&self) -> &str {
        &self.files[0].path
    }

    /// The entry's own bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The decoded text that all offsets are into, with a leading byte-order mark if there is one.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How the entry is encoded.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Encodes an edited text as the entry was encoded; `None` where it cannot be.
    pub fn encode(&self, text: &str) -> Option<Vec<u8>> {
        self.encoding.encode(text)
    }

    /// The text of a span; empty where the span is not in this text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// Number of lines of the entry; a text that ends in a newline has an empty last line.
    pub fn line_count(&self) -> u32 {
        let second = self.files.get(1).map(|file| file.lines_before);
        second.unwrap_or(self.line_starts.len() as u32)
    }

    /// Offset of the first byte of a line of the entry (after a byte-order mark). Lines past the end
    /// give the length of the text, line 0 the start.
    pub fn line_start(&self, line: u32) -> u32 {
        let index = line.saturating_sub(1);
        let found = self.line_starts.get(index as usize).copied();
        found
            .filter(|_| index < self.line_count())
            .unwrap_or(self.files[0].end)
    }

    /// Offset of the first byte of the line that holds `offset`.
    pub fn start_of_line(&self, offset: u32) -> u32 {
        self.line_starts[self.line_index(offset)]
    }

    /// Where the lines begin that a span touches.
    pub fn line_starts_in(&self, span: Span) -> &[u32] {
        &self.line_starts[self.line_index(span.start)..=self.line_index(span.end)]
    }

    fn line_index(&self, offset: u32) -> usize {
        let after = self.line_starts.partition_point(|&start| start <= offset);
        let first = self.file_of(offset).lines_before as usize;
        after.saturating_sub(1).max(first)
    }

    /// The line and column of an offset in its file; offsets past the end give the end.
    pub fn line_column(&self, offset: u32) -> LineColumn {
        let offset = offset.min(self.text.len() as u32);
        let index = self.line_index(offset);
        let line = index as u32 - self.file_of(offset).lines_before + 1;
        let column = offset.saturating_sub(self.line_starts[index]);
        LineColumn { line, column }
    }

    /// The offset of a line and column of the entry, at most the end of that line.
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
