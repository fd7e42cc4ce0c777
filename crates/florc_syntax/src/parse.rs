//! Parses a source into a [`Module`]: the text, the arena tree and the trivia.
//!
//! ```python
//! print(f"{x["a"]}")     # the parser sees  print("________")  of the same length,
//! ```
//!
//! and each field is parsed at its own offset afterwards, so ranges inside f-strings are exact. No
//! recovery: the first thing that Python would refuse is the one diagnostic.

use std::panic::AssertUnwindSafe;

use rustpython_parser::text_size::TextSize;
use rustpython_parser::{Parse, ParseError, ParseErrorType, Tok, ast};

use crate::big_stack::on_big_stack;
use crate::token::{StringToken, TokenKind, Tokens};
use crate::tree::{ExprId, StmtId, Tree};
use crate::{Diagnostic, Severity, SourceText, Span, Trivia, lower, scan};

/// A parsed source file.
#[derive(Clone, Debug)]
pub struct Module {
    /// The text that all spans are into.
    pub source: SourceText,
    /// Its statements and expressions.
    pub tree: Tree,
    /// Its strings, comments and logical lines.
    pub trivia: Trivia,
}

impl Module {
    /// The text of an expression, without parentheses around it.
    pub fn text_of_expr(&self, id: ExprId) -> &str {
        self.source.slice(self.tree.expr(id).span)
    }

    /// The text of a statement, with its decorators and suites.
    pub fn text_of_stmt(&self, id: StmtId) -> &str {
        self.source.slice(self.tree.stmt(id).span)
    }
}

/// Parses a source file. Any input gives a module or one diagnostic with code `syntax-error`.
pub fn parse(source: SourceText) -> Result<Module, Diagnostic> {
    let (tokens, tree) = on_big_stack(|| {
        let tokens = scan::scan(&source)?;
        let tree = tree(&source, &tokens)?;
        Ok((tokens, tree))
    })?;
    let trivia = Trivia::new(tokens);
    Ok(Module {
        source,
        tree,
        trivia,
    })
}

fn tree(source: &SourceText, tokens: &Tokens) -> Result<Tree, Diagnostic> {
    let whole = Span::new(0, source.text().len() as u32);
    let masked = mask(source.text(), whole, 0, &tokens.strings);
    let suite = guarded(source, whole, || ast::Suite::parse(&masked, source.path()))?
        .map_err(|error| syntax_error(source, tokens, &error))?;
    lower::lower(source, tokens, &suite)
}

/// Parses the expression of a replacement field, between its braces.
pub(crate) fn parse_field(
    source: &SourceText,
    tokens: &Tokens,
    field: Span,
    level: u32,
) -> Result<ast::Expr, Diagnostic> {
    let text = format!("({})", mask(source.text(), field, level, &tokens.strings));
    let start = TextSize::new(field.start - 1);
    guarded(source, field, || {
        ast::Expr::parse_starts_at(&text, source.path(), start)
    })?
    .map_err(|error| syntax_error(source, tokens, &error))
}

/// Runs the parser; should it panic on an input that nobody has seen, that is one more diagnostic.
fn guarded<T>(source: &SourceText, span: Span, parse: impl FnOnce() -> T) -> Result<T, Diagnostic> {
    std::panic::catch_unwind(AssertUnwindSafe(parse)).map_err(|_| {
        let title = "the parser gave up on this code";
        Diagnostic::new("syntax-error", Severity::Error, source, span, title)
            .with_help("report this file as a bug of florc")
    })
}

/// The character of a Unicode name.
pub(crate) fn named_character(name: &str) -> Option<char> {
    if name.contains(['"', '\\', '\n', '\r']) {
        return None;
    }
    match ast::Expr::parse(&format!("\"\\N{{{name}}}\""), "").ok()? {
        ast::Expr::Constant(constant) => constant.value.str()?.chars().next(),
        _ => None,
    }
}

/// The text of `span`, its f-strings of that nesting level replaced by plain strings of the same
/// length in bytes.
fn mask(text: &str, span: Span, level: u32, strings: &[StringToken]) -> String {
    let mut masked = String::with_capacity(span.len() as usize + 2);
    let mut at = span.start;
    let first = strings.partition_point(|string| string.span.start < span.start);
    for string in &strings[first..] {
        if string.span.start >= span.end {
            break;
        }
        if string.pieces.is_none() || string.level != level {
            continue;
        }
        masked.push_str(&text[Span::new(at, string.span.start).range()]);
        masked.push('"');
        masked.extend(std::iter::repeat_n('_', string.span.len() as usize - 2));
        masked.push('"');
        at = string.span.end;
    }
    masked.push_str(&text[Span::new(at, span.end).range()]);
    masked
}

/// The parser's error at its place, in words.
fn syntax_error(source: &SourceText, tokens: &Tokens, error: &ParseError) -> Diagnostic {
    let mut offset = u32::from(error.offset).min(source.text().len() as u32);
    while !source.text().is_char_boundary(offset as usize) {
        offset -= 1;
    }
    let next = tokens
        .from(offset)
        .first()
        .filter(|token| token.kind != TokenKind::Newline);
    let next = next
        .map(|token| token.span)
        .filter(|span| span.start == offset);
    let span = next.unwrap_or(Span::empty(offset));
    let title = unsupported(source, tokens, span)
        .map_or_else(|| title(source, span, &error.error), str::to_owned);
    Diagnostic::new("syntax-error", Severity::Error, source, span, title)
}

fn title(source: &SourceText, span: Span, error: &ParseErrorType) -> String {
    match error {
        ParseErrorType::Eof => "unexpected end of file".to_owned(),
        ParseErrorType::InvalidToken => "invalid token".to_owned(),
        ParseErrorType::Lexical(error) => {
            let text = error.to_string().replace(" Token", " token");
            let rest = text.chars().skip(1);
            text.chars()
                .take(1)
                .flat_map(char::to_lowercase)
                .chain(rest)
                .collect()
        }
        ParseErrorType::UnrecognizedToken(_, Some(expected)) if expected == "Indent" => {
            "expected an indented block".to_owned()
        }
        ParseErrorType::UnrecognizedToken(Tok::Indent, _) => "unexpected indent".to_owned(),
        ParseErrorType::ExtraToken(_) | ParseErrorType::UnrecognizedToken(..) => {
            let text = source.slice(span).lines().next().unwrap_or("");
            if text.is_empty() {
                "invalid syntax".to_owned()
            } else {
                format!("invalid syntax at `{text}`")
            }
        }
    }
}

/// Syntax of newer Pythons than 3.12, told by the words of its line before the error at `span`.
fn unsupported(source: &SourceText, tokens: &Tokens, span: Span) -> Option<&'static str> {
    let before = tokens.before(span.start);
    let line = before
        .rsplit(|token| token.kind == TokenKind::Newline)
        .next()?;
    let first = source.slice(
        line.iter()
            .find(|token| token.kind != TokenKind::Comment)?
            .span,
    );
    let count = |byte| {
        line.iter()
            .filter(|it| it.kind == TokenKind::Operator(byte))
            .count()
    };
    let open = |byte, closing| count(byte) > count(closing);
    match (source.slice(span), first) {
        (",", "except") if !open(b'(', b')') => {
            Some("several exceptions without parentheses (Python 3.14) are not supported")
        }
        ("=", "def" | "class" | "type" | "async") if open(b'[', b']') && !open(b'(', b')') => {
            Some("defaults of type parameters (Python 3.13) are not supported")
        }
        _ => None,
    }
}
