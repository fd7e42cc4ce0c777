//! One pass over the text that finds tokens, strings, f-string fields, comments and nesting.
//!
//! ```python
//! f"{x["a"]:>{width}} \N{DEGREE SIGN}"   # two fields, one nested in the other's format spec
//! ```
//!
//! Refuses what would be too deep for the parser and what CPython's tokenizer refuses. Checks no
//! grammar: that is the parser's duty.

mod fstring;

use crate::token::{StringToken, Token, TokenKind, Tokens};
use crate::{Diagnostic, Severity, SourceText, Span};

/// Open brackets that CPython's tokenizer takes.
const MAX_BRACKETS: usize = 200;
/// Indentation levels that CPython's tokenizer takes.
const MAX_INDENTS: usize = 99;
/// Tokens of one expression that are not separated by commas or brackets; bounds its depth.
const MAX_RUN: u32 = 6_000;
/// `elif`s of one file; bounds the depth of the parser's tree.
const MAX_ELIFS: u32 = 20_000;
/// `lambda`s of one logical line; their defaults nest in spite of commas.
const MAX_LAMBDAS: u32 = 10_000;

/// Splits a source into tokens.
pub(crate) fn scan(source: &SourceText) -> Result<Tokens, Diagnostic> {
    let mut scanner = Scanner::new(source);
    scanner.run().map_err(|error| {
        Diagnostic::new(
            "syntax-error",
            Severity::Error,
            source,
            error.span,
            error.title,
        )
    })?;
    Ok(scanner.tokens)
}

/// Why the text cannot be split.
#[derive(Debug)]
struct ScanError {
    span: Span,
    title: String,
}

fn error<T>(start: usize, end: usize, title: impl Into<String>) -> Result<T, ScanError> {
    Err(ScanError {
        span: Span::new(start as u32, end as u32),
        title: title.into(),
    })
}

struct Scanner<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
    tokens: Tokens,
    /// Open brackets: the byte, and how long the run of tokens at the level around it is.
    brackets: Vec<(u8, usize, u32)>,
    /// Tokens since the last separator at this level, plus the runs of the levels around it.
    run: u32,
    indents: Vec<usize>,
    elifs: u32,
    /// `lambda`s of the current logical line.
    lambdas: u32,
    /// f-strings around the current place.
    level: u32,
    /// Whether the current logical line has a token.
    in_line: bool,
}

impl<'a> Scanner<'a> {
    fn new(source: &'a SourceText) -> Self {
        let text = source.text();
        let at = source.line_start(1) as usize;
        Self {
            bytes: text.as_bytes(),
            text,
            at,
            tokens: Tokens::default(),
            brackets: Vec::new(),
            run: 0,
            indents: Vec::new(),
            elifs: 0,
            lambdas: 0,
            level: 0,
            in_line: false,
        }
    }

    fn run(&mut self) -> Result<(), ScanError> {
        self.indentation()?;
        while self.at < self.bytes.len() {
            self.next()?;
        }
        if let Some((bracket, open, _)) = self.brackets.pop() {
            return error(
                open,
                open + 1,
                format!("`{}` is never closed", char::from(bracket)),
            );
        }
        if self.in_line {
            self.newline(self.at, self.at);
        }
        Ok(())
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, kind: TokenKind, start: usize, end: usize) {
        let span = Span::new(start as u32, end as u32);
        self.tokens.tokens.push(Token { kind, span });
    }

    /// Takes one token, or blanks, or a line ending.
    fn next(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        let byte = self.peek(0);
        match byte {
            b' ' | b'\t' | b'\x0c' => self.at += 1,
            b'\n' | b'\r' => self.line_ending()?,
            b'\\' => self.continuation()?,
            b'#' => self.comment(),
            0 => return error(start, start + 1, "source code cannot contain null bytes"),
            b'"' | b'\'' => self.string(start)?,
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_ascii_digit() => self.number(),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => self.name()?,
            _ => self.operator(byte)?,
        }
        Ok(())
    }

    fn comment(&mut self) {
        let start = self.at;
        while self.at < self.bytes.len() && !matches!(self.peek(0), b'\n' | b'\r') {
            self.at += 1;
        }
        self.push(TokenKind::Comment, start, self.at);
    }

    /// Length of the line ending at the current place.
    fn line_ending_length(&self, ahead: usize) -> usize {
        if self.peek(ahead) == b'\r' && self.peek(ahead + 1) == b'\n' {
            2
        } else {
            1
        }
    }

    fn line_ending(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        self.at += self.line_ending_length(0);
        if !self.brackets.is_empty() || self.level > 0 {
            return Ok(());
        }
        if self.in_line {
            self.newline(start, self.at);
        }
        self.indentation()
    }

    fn newline(&mut self, start: usize, end: usize) {
        self.push(TokenKind::Newline, start, end);
        self.in_line = false;
        self.run = 0;
        self.lambdas = 0;
    }

    /// Counts the levels of indentation at the start of a logical line.
    fn indentation(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        let mut column = 0;
        loop {
            match self.peek(0) {
                b' ' => column += 1,
                b'\t' => column = (column / 8 + 1) * 8,
                b'\x0c' => column = 0,
                _ => break,
            }
            self.at += 1;
        }
        if self.at >= self.bytes.len() || matches!(self.peek(0), b'\n' | b'\r' | b'#' | b'\\') {
            return Ok(());
        }
        while self.indents.last().is_some_and(|&top| top > column) {
            self.indents.pop();
        }
        if column > self.indents.last().copied().unwrap_or(0) {
            self.indents.push(column);
            if self.indents.len() > MAX_INDENTS {
                return error(start, self.at, "too many levels of indentation");
            }
        }
        Ok(())
    }

    fn continuation(&mut self) -> Result<(), ScanError> {
        if !matches!(self.peek(1), b'\n' | b'\r') {
            let title = "unexpected character after line continuation character";
            return error(self.at, self.at + 1, title);
        }
        self.at += 1 + self.line_ending_length(1);
        Ok(())
    }

    /// Counts a token of the current run.
    fn count(&mut self, start: usize) -> Result<(), ScanError> {
        self.in_line = true;
        self.run += 1;
        if self.run > MAX_RUN {
            return error(
                start,
                self.at.max(start),
                "this expression is too deeply nested",
            );
        }
        Ok(())
    }

    fn number(&mut self) {
        let start = self.at;
        let radix = matches!(self.peek(1), b'x' | b'X' | b'o' | b'O' | b'b' | b'B');
        if self.peek(0) == b'0' && radix {
            let is_hex = matches!(self.peek(1), b'x' | b'X');
            self.at += 2;
            while self.peek(0) == b'_'
                || (if is_hex {
                    self.peek(0).is_ascii_hexdigit()
                } else {
                    self.peek(0).is_ascii_digit()
                })
            {
                self.at += 1;
            }
        } else {
            self.decimal();
        }
        self.push(TokenKind::Number, start, self.at);
        self.in_line = true;
        self.run += 1;
    }

    fn decimal(&mut self) {
        self.digits();
        if self.peek(0) == b'.' {
            self.at += 1;
            self.digits();
        }
        if matches!(self.peek(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if self.peek(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.digits();
            }
        }
        if matches!(self.peek(0), b'j' | b'J') {
            self.at += 1;
        }
    }

    fn digits(&mut self) {
        while self.peek(0).is_ascii_digit() || self.peek(0) == b'_' {
            self.at += 1;
        }
    }

    fn name(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        while matches!(self.peek(0), b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | 0x80..) {
            self.at += 1;
        }
        if matches!(self.peek(0), b'"' | b'\'') && is_prefix(&self.bytes[start..self.at]) {
            return self.string(start);
        }
        match &self.bytes[start..self.at] {
            b"elif" => self.elifs += 1,
            b"lambda" => self.lambdas += 1,
            _ => {}
        }
        if self.elifs > MAX_ELIFS || self.lambdas > MAX_LAMBDAS {
            return error(start, self.at, "this code is too deeply nested");
        }
        self.push(TokenKind::Name, start, self.at);
        self.count(start)
    }

    fn operator(&mut self, byte: u8) -> Result<(), ScanError> {
        let start = self.at;
        self.at += 1;
        match byte {
            b'(' | b'[' | b'{' => {
                if self.brackets.len() >= MAX_BRACKETS {
                    return error(start, self.at, "too many nested parentheses");
                }
                self.brackets.push((byte, start, self.run));
            }
            b')' | b']' | b'}' => self.close(byte, start)?,
            b',' | b';' => self.run = self.brackets.last().map_or(0, |(_, _, run)| *run),
            _ => {}
        }
        self.push(TokenKind::Operator(byte), start, self.at);
        self.count(start)
    }

    fn close(&mut self, byte: u8, start: usize) -> Result<(), ScanError> {
        let shown = char::from(byte);
        let expected = match byte {
            b')' => b'(',
            b']' => b'[',
            _ => b'{',
        };
        match self.brackets.pop() {
            Some((open, _, run)) if open == expected => {
                self.run = run;
                Ok(())
            }
            Some((open, _, _)) => {
                let open = char::from(open);
                error(
                    start,
                    start + 1,
                    format!("closing `{shown}` does not match opening `{open}`"),
                )
            }
            None => error(start, start + 1, format!("unmatched `{shown}`")),
        }
    }

    /// Takes a string literal whose prefix starts at `start` and whose quote is the current byte.
    fn string(&mut self, start: usize) -> Result<(), ScanError> {
        let prefix = self.bytes[start..self.at].to_ascii_lowercase();
        if prefix.contains(&b't') {
            let title = "template strings (t\"…\", Python 3.14) are not supported";
            return error(start, self.at + 1, title);
        }
        let quote = self.peek(0);
        let length = if self.peek(1) == quote && self.peek(2) == quote {
            3
        } else {
            1
        };
        self.at += length;
        let index = self.tokens.strings.len();
        let follows_string = matches!(
            self.tokens.tokens.last(),
            Some(Token {
                kind: TokenKind::Text(_),
                ..
            })
        );
        self.push(TokenKind::Text(index as u32), start, start);
        let place = self.tokens.tokens.len() - 1;
        self.tokens.strings.push(StringToken {
            span: Span::empty(start as u32),
            content: Span::empty(self.at as u32),
            is_raw: prefix.contains(&b'r'),
            is_bytes: prefix.contains(&b'b'),
            pieces: None,
            level: self.level,
        });
        let quotes = Quotes {
            start,
            quote,
            length,
            is_raw: prefix.contains(&b'r'),
        };
        let content = self.at;
        let mut pieces = None;
        if prefix.contains(&b'f') {
            pieces = Some(self.format_string(&quotes)?);
        } else {
            self.plain_string(&quotes)?;
        }
        let span = Span::new(start as u32, self.at as u32);
        self.tokens.tokens[place].span = span;
        let token = &mut self.tokens.strings[index];
        token.span = span;
        token.content = Span::new(content as u32, (self.at - length) as u32);
        token.pieces = pieces;
        self.in_line = true;
        if follows_string {
            Ok(())
        } else {
            self.count(start)
        }
    }

    fn plain_string(&mut self, quotes: &Quotes) -> Result<(), ScanError> {
        loop {
            if self.closes(quotes)? {
                return Ok(());
            }
            if self.peek(0) == b'\\' {
                self.at += 1;
                self.at += if self.at < self.bytes.len() {
                    self.line_ending_length(0)
                } else {
                    0
                };
            } else {
                self.at += 1;
            }
        }
    }

    /// Takes the closing quotes if they stand here; an error where the string cannot go on.
    fn closes(&mut self, quotes: &Quotes) -> Result<bool, ScanError> {
        if self.at >= self.bytes.len() {
            return self.unterminated(quotes);
        }
        let closing = &[quotes.quote; 3][..quotes.length];
        if self.bytes[self.at..].starts_with(closing) {
            self.at += quotes.length;
            return Ok(true);
        }
        if quotes.length == 1 && matches!(self.peek(0), b'\n' | b'\r') {
            return self.unterminated(quotes);
        }
        Ok(false)
    }

    fn unterminated<T>(&self, quotes: &Quotes) -> Result<T, ScanError> {
        let kind = if quotes.length == 3 {
            "triple-quoted string"
        } else {
            "string literal"
        };
        let end = if quotes.length == 3 {
            quotes.start + 1
        } else {
            self.at
        };
        error(quotes.start, end, format!("unterminated {kind}"))
    }
}

/// How a string is delimited.
struct Quotes {
    start: usize,
    quote: u8,
    length: usize,
    is_raw: bool,
}

fn is_prefix(name: &[u8]) -> bool {
    matches!(
        &*name.to_ascii_lowercase(),
        b"r" | b"u" | b"b" | b"br" | b"rb" | b"f" | b"fr" | b"rf" | b"t" | b"tr" | b"rt"
    )
}
