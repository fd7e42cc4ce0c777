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

#[cfg(test)]
mod tests {
    use crate::{Module, SourceText, parse};

    fn module(text: &str) -> Module {
        parse(SourceText::from_bytes("t.py", text.into()).expect("utf-8")).expect("valid")
    }

    /// `text` with `|` at every offset that is not inside a string.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let trivia = module(text).trivia;
        let places = (0..=text.len()).map(|at| {
            let mark = if trivia.inside_string(at as u32) {
                ""
            } else {
                "|"
            };
            format!("{mark}{}", text.get(at..=at).unwrap_or(""))
        });
        assert_eq!(places.collect::<Vec<_>>().concat(), expected);
    }

    #[test]
    fn strings() {
        check("a+'b'+c", "|a|+|'b'|+|c|");
        check("f'{\"x\"}'+''", "|f'{\"x\"}'|+|''|");
    }

    #[test]
    fn logical_lines_and_comments() {
        let text = "# a\n\nx = (1,  # b\n 2); y # c\nif z: pass # d";
        let module = module(text);
        let slices = |spans: &[crate::Span]| {
            spans
                .iter()
                .map(|span| module.source.slice(*span).to_owned())
                .collect::<Vec<_>>()
        };
        let trivia = &module.trivia;
        let lines = ["x = (1,  # b\n 2); y # c", "if z: pass # d"];
        assert_eq!(slices(&trivia.logical_lines), lines);
        assert_eq!(slices(&trivia.comments), ["# a", "# b", "# c", "# d"]);
        assert!(trivia.is_line_start_of_logical_line(5));
        assert!(!trivia.is_line_start_of_logical_line(6));
        let first = module.tree.stmt(module.tree.body[0]).span;
        assert_eq!(trivia.comment_after(first), None);
        assert_eq!(trivia.line_end_after(first.end), 5 + lines[0].len() as u32);
    }
}
