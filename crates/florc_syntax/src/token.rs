//! The tokens that the scanner leaves: enough to find names, brackets, strings and comments.
//!
//! ```python
//! x = f"{y!r:>{w}}"   # Name, Operator, Text (an f-string), Name `y`, Operator …, Comment, Newline
//! ```
//!
//! Tokens carry no values and say nothing of grammar; keywords are names.

use crate::Span;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// An identifier or keyword.
    Name,
    /// A number literal.
    Number,
    /// One byte of an operator or bracket; `**` is two of them.
    Operator(u8),
    /// A string literal, by its index in [`Tokens::strings`]. The tokens of an f-string's fields
    /// follow it and lie inside its span.
    Text(u32),
    /// A comment, without the line ending.
    Comment,
    /// The end of a logical line.
    Newline,
}

/// One token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub span: Span,
}

/// One string literal token (not a whole implicit concatenation).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringToken {
    /// From the prefix to the last quote.
    pub span: Span,
    /// The text between the quotes.
    pub content: Span,
    /// Has an `r` prefix.
    pub is_raw: bool,
    /// Has a `b` prefix.
    pub is_bytes: bool,
    /// The pieces of an f-string; `None` for other strings.
    pub pieces: Option<Vec<Piece>>,
    /// How many f-strings this token is nested in.
    pub level: u32,
}

/// A piece of an f-string, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Literal text, not decoded.
    Literal(Span),
    /// A replacement field.
    Field {
        /// With the braces.
        span: Span,
        /// The expression's text, with the blanks around it.
        expr: Span,
        /// `{x=}`: the text up to and with the `=` and the blanks after it.
        debug: Option<Span>,
        /// The letter after `!`.
        conversion: Option<char>,
        /// The pieces after `:`.
        spec: Vec<Piece>,
    },
}

/// All tokens of a file, by increasing start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Every token.
    pub tokens: Vec<Token>,
    /// Every string literal, those nested in f-strings too.
    pub strings: Vec<StringToken>,
}

impl Tokens {
    /// Index of the first token that starts at or after `offset`.
    pub fn index_from(&self, offset: u32) -> usize {
        self.tokens
            .partition_point(|token| token.span.start < offset)
    }

    /// The tokens that start at or after `offset`.
    pub fn from(&self, offset: u32) -> &[Token] {
        &self.tokens[self.index_from(offset)..]
    }

    /// The tokens that start before `offset`.
    pub fn before(&self, offset: u32) -> &[Token] {
        &self.tokens[..self.index_from(offset)]
    }

    /// The string tokens that start inside `span`.
    pub fn strings_in(&self, span: Span) -> &[StringToken] {
        let first = self
            .strings
            .partition_point(|token| token.span.start < span.start);
        let last = self
            .strings
            .partition_point(|token| token.span.start < span.end);
        &self.strings[first..last.max(first)]
    }
}
