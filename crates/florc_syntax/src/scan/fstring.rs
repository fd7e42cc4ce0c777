//! The pieces of an f-string: literal text and replacement fields, as PEP 701 reads them.
//!
//! ```python
//! f"{a!r:>{w}}{{x}}{b = }"    # field `a` (conversion r, spec with field `w`), text, field `b =`
//! ```
//!
//! Follows CPython 3.12's tokenizer, also for older versions' files: nested quotes, backslashes,
//! comments and line breaks inside fields. Does not parse the fields' expressions.

use super::{Quotes, ScanError, Scanner, error};
use crate::Span;
use crate::token::Piece;

/// f-strings inside each other's fields (CPython: 149).
const MAX_NESTED: u32 = 100;
/// Fields inside format specs inside format specs.
const MAX_SPECS: u32 = 100;

impl Scanner<'_> {
    /// Takes an f-string's content and its closing quotes.
    pub(super) fn format_string(&mut self, quotes: &Quotes) -> Result<Vec<Piece>, ScanError> {
        if self.level >= MAX_NESTED {
            return error(quotes.start, self.at, "too many nested f-strings");
        }
        let mut pieces = Vec::new();
        let mut literal = self.at;
        loop {
            let here = self.at;
            if self.closes(quotes)? {
                push_literal(&mut pieces, literal, here);
                return Ok(pieces);
            }
            match self.peek(0) {
                b'{' if self.peek(1) == b'{' => self.at += 2,
                b'}' if self.peek(1) == b'}' => self.at += 2,
                b'}' => return error(here, here + 1, "f-string: single `}` is not allowed"),
                b'{' => {
                    push_literal(&mut pieces, literal, here);
                    pieces.push(self.field(quotes, 0)?);
                    literal = self.at;
                }
                b'\\' => self.escape(quotes),
                _ => self.at += 1,
            }
        }
    }

    /// Takes a backslash and what it escapes; never a brace, but for the name in `\N{…}`.
    fn escape(&mut self, quotes: &Quotes) {
        self.at += 1;
        match self.peek(0) {
            b'{' | b'}' => {}
            b'N' if !quotes.is_raw && self.peek(1) == b'{' => {
                while self.at < self.bytes.len() && !matches!(self.peek(0), b'}' | b'\n' | b'\r') {
                    self.at += 1;
                }
                self.at += usize::from(self.peek(0) == b'}');
            }
            b'\r' | b'\n' => self.at += self.line_ending_length(0),
            _ if self.at < self.bytes.len() => self.at += 1,
            _ => {}
        }
    }

    /// Takes `{expr=!r:spec}` from its opening brace on.
    fn field(&mut self, quotes: &Quotes, depth: u32) -> Result<Piece, ScanError> {
        let start = self.at;
        if depth >= MAX_SPECS {
            return error(start, start + 1, "f-string: expressions nested too deeply");
        }
        self.at += 1;
        let (level, in_line) = (self.level, self.in_line);
        let around = std::mem::take(&mut self.brackets);
        self.level += 1;
        self.field_expression(quotes, start)?;
        self.level = level;
        self.brackets = around;
        self.in_line = in_line;
        let mut expr = Span::new(start as u32 + 1, self.at as u32);
        if self.text[expr.range()].trim().is_empty() {
            return error(
                start,
                self.at + 1,
                "f-string: valid expression required before `}`",
            );
        }
        let debug = self.debug_sign(&mut expr, start);
        let conversion = self.conversion(start)?;
        let mut spec = Vec::new();
        if self.peek(0) == b':' {
            self.at += 1;
            spec = self.format_spec(quotes, depth)?;
        }
        if self.peek(0) != b'}' {
            return error(start, start + 1, "f-string: expecting `}`");
        }
        self.at += 1;
        let span = Span::new(start as u32, self.at as u32);
        Ok(Piece::Field {
            span,
            expr,
            debug,
            conversion,
            spec,
        })
    }

    /// Takes the tokens of a field's expression, up to `=`, `!`, `:` or `}`.
    fn field_expression(&mut self, quotes: &Quotes, start: usize) -> Result<(), ScanError> {
        loop {
            if self.at >= self.bytes.len() {
                return error(start, start + 1, "f-string: expecting `}`");
            }
            let byte = self.peek(0);
            if self.brackets.is_empty() {
                match byte {
                    b'!' if self.peek(1) != b'=' => return Ok(()),
                    b'!' | b'<' | b'>' | b'=' if self.peek(1) == b'=' => {
                        self.operator(byte)?;
                        self.operator(b'=')?;
                        continue;
                    }
                    b'}' | b':' | b'=' => return Ok(()),
                    _ => {}
                }
            }
            if quotes.length == 1 && self.ends_old_field(quotes) {
                return self.unterminated(quotes);
            }
            self.next()?;
        }
    }

    /// A quote of the f-string's own kind with no partner on its line: the string ends here, in
    /// the middle of a field.
    fn ends_old_field(&self, quotes: &Quotes) -> bool {
        self.peek(0) == quotes.quote && {
            let rest = &self.bytes[self.at + 1..];
            let line = rest
                .split(|byte| matches!(byte, b'\n' | b'\r'))
                .next()
                .unwrap_or(rest);
            !line.contains(&quotes.quote)
        }
    }

    /// Takes the `=` of `{x=}` and the blanks after it.
    fn debug_sign(&mut self, expr: &mut Span, start: usize) -> Option<Span> {
        if self.peek(0) != b'=' {
            return None;
        }
        expr.end = self.at as u32;
        self.at += 1;
        loop {
            match self.peek(0) {
                b' ' | b'\t' | b'\x0c' | b'\n' | b'\r' => self.at += 1,
                b'#' => self.comment(),
                _ => break,
            }
        }
        Some(Span::new(start as u32 + 1, self.at as u32))
    }

    fn conversion(&mut self, start: usize) -> Result<Option<char>, ScanError> {
        if self.peek(0) != b'!' {
            return Ok(None);
        }
        let letter = self.peek(1);
        if !matches!(letter, b's' | b'r' | b'a') {
            let title = "f-string: invalid conversion character, expected `s`, `r` or `a`";
            return error(start, self.at + 1, title);
        }
        self.at += 2;
        while matches!(self.peek(0), b' ' | b'\t') {
            self.at += 1;
        }
        Ok(Some(char::from(letter)))
    }

    fn format_spec(&mut self, quotes: &Quotes, depth: u32) -> Result<Vec<Piece>, ScanError> {
        let mut pieces = Vec::new();
        let mut literal = self.at;
        loop {
            let here = self.at;
            match self.peek(0) {
                b'}' => {
                    push_literal(&mut pieces, literal, here);
                    return Ok(pieces);
                }
                b'{' => {
                    push_literal(&mut pieces, literal, here);
                    pieces.push(self.field(quotes, depth + 1)?);
                    literal = self.at;
                }
                b'\\' => self.escape(quotes),
                _ => {
                    if self.closes(quotes)? {
                        return error(here, self.at, "f-string: expecting `}`");
                    }
                    self.at += 1;
                }
            }
        }
    }
}

fn push_literal(pieces: &mut Vec<Piece>, start: usize, end: usize) {
    if start < end {
        pieces.push(Piece::Literal(Span::new(start as u32, end as u32)));
    }
}
