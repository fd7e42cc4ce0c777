//! What the tree leaves out: comments, string tokens and logical lines.
//!
//! ```python
//! s = """two         # not a comment: inside a string
//! lines"""           # a comment, after the statement
//! ```
//!
//! Answers where text may be inserted or moved; does not say what belongs to which node.

use crate::Span;
use crate::token::{TokenKind, Tokens};

/// Comments, strings and logical lines of a file, each by increasing start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trivia {
    /// Every comment, without the line ending; those inside f-string fields too.
    pub comments: Vec<Span>,
    /// String tokens, prefix and quotes included, f-strings as a whole.
    pub strings: Vec<Span>,
    /// From the first token of each logical line to its line ending.
    pub logical_lines: Vec<Span>,
    /// All tokens.
    pub tokens: Tokens,
}

impl Trivia {
    pub(crate) fn new(tokens: Tokens) -> Self {
        let mut trivia = Self::default();
        let mut line_start = None;
        let mut inside = 0;
        for token in &tokens.tokens {
            if token.kind == TokenKind::Comment {
                trivia.comments.push(token.span);
                continue;
            }
            if token.span.start < inside {
                continue;
            }
            if let TokenKind::Text(_) = token.kind {
                trivia.strings.push(token.span);
                inside = token.span.end;
            }
            if token.kind == TokenKind::Newline {
                let start = line_start.take().unwrap_or(token.span.start);
                trivia
                    .logical_lines
                    .push(Span::new(start, token.span.start));
            } else {
                line_start.get_or_insert(token.span.start);
            }
        }
        Self { tokens, ..trivia }
    }

    /// Whether text inserted at `offset` would land in a string literal.
    pub fn inside_string(&self, offset: u32) -> bool {
        let index = self.strings.partition_point(|span| span.start < offset);
        index > 0 && offset < self.strings[index - 1].end
    }

    /// Whether a logical line (one or more statements) starts at `offset`.
    pub fn is_line_start_of_logical_line(&self, offset: u32) -> bool {
        self.logical_lines
            .binary_search_by_key(&offset, |line| line.start)
            .is_ok()
    }

    /// The logical line that `offset` lies in, up to and with its end.
    pub fn logical_line_at(&self, offset: u32) -> Option<Span> {
        let index = self
            .logical_lines
            .partition_point(|line| line.start <= offset);
        let line = *self.logical_lines.get(index.checked_sub(1)?)?;
        (offset <= line.end).then_some(line)
    }

    /// Where the logical line that holds `offset` ends: behind `;` and comments, before the line
    /// ending. Lines may be inserted there after the statement that ends at `offset`.
    pub fn line_end_after(&self, offset: u32) -> u32 {
        self.logical_line_at(offset).map_or(offset, |line| line.end)
    }

    /// The comment behind a statement on the line where the statement ends.
    pub fn comment_after(&self, span: Span) -> Option<Span> {
        let mut rest = self.tokens.from(span.end).iter();
        rest.find_map(|token| match token.kind {
            TokenKind::Comment => Some(Some(token.span)),
            TokenKind::Operator(b';') => None,
            _ => Some(None),
        })
        .flatten()
    }
}
