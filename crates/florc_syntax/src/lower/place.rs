//! Finds the places that the parser does not tell: identifiers, decorators' `@`, parentheses.
//!
//! ```python
//! from a import (b as c)     # the parser gives one range for `b as c`
//! ```
//!
//! Only reads tokens; the text is known to be valid here.

use super::Lowerer;
use crate::Span;
use crate::token::{Token, TokenKind};
use crate::tree::Identifier;
use unicode_normalization::{UnicodeNormalization, is_nfkc};

impl Lowerer<'_> {
    pub(super) fn text_of(&self, span: Span) -> &str {
        self.source.slice(span)
    }

    /// The identifier at `span`, as Python sees it.
    pub(super) fn identifier(&self, span: Span) -> Identifier {
        Identifier {
            text: normalized(self.text_of(span)),
            span,
        }
    }

    /// The first identifier at or after `offset`.
    pub(super) fn name_from(&self, offset: u32) -> Identifier {
        let found = self
            .tokens
            .from(offset)
            .iter()
            .find(|token| token.kind == TokenKind::Name);
        self.identifier(found.map_or(Span::empty(offset), |token| token.span))
    }

    /// The identifier after the first keyword `keyword` at or after `offset`.
    pub(super) fn name_after(&self, offset: u32, keyword: &str) -> Identifier {
        let found = self
            .tokens
            .from(offset)
            .iter()
            .find(|token| self.is_name(token, keyword));
        self.name_from(found.map_or(offset, |token| token.span.end))
    }

    /// The last identifier that starts before `offset`.
    pub(super) fn name_before(&self, offset: u32) -> Identifier {
        let mut before = self.tokens.before(offset).iter().rev();
        let found = before.find(|token| token.kind == TokenKind::Name);
        self.identifier(found.map_or(Span::empty(offset), |token| token.span))
    }

    /// The identifiers in `span`, after its first `skip` names.
    pub(super) fn names_in(&self, span: Span, skip: usize) -> Vec<Identifier> {
        let inside = self
            .tokens
            .from(span.start)
            .iter()
            .take_while(|it| it.span.start < span.end);
        let names = inside.filter(|token| token.kind == TokenKind::Name);
        names
            .skip(skip)
            .map(|token| self.identifier(token.span))
            .collect()
    }

    pub(super) fn is_name(&self, token: &Token, name: &str) -> bool {
        token.kind == TokenKind::Name && self.text_of(token.span) == name
    }

    /// The last operator `byte` before `offset`; `offset` itself where there is none.
    pub(super) fn operator_before(&self, offset: u32, byte: u8) -> u32 {
        let mut before = self.tokens.before(offset).iter().rev();
        let found = before.find(|token| token.kind == TokenKind::Operator(byte));
        found.map_or(offset, |token| token.span.start)
    }

    /// How many parentheses open between `after` and the start of `inner`.
    pub(super) fn opens_around(&self, after: u32, inner: Span) -> usize {
        let between = self
            .tokens
            .from(after)
            .iter()
            .take_while(|it| it.span.start < inner.start);
        between
            .filter(|token| token.kind == TokenKind::Operator(b'('))
            .count()
    }

    /// How many parentheses close behind `offset`, with nothing between.
    pub(super) fn closes_after(&self, offset: u32) -> usize {
        let code = self
            .tokens
            .from(offset)
            .iter()
            .filter(|it| it.kind != TokenKind::Comment);
        code.take_while(|token| token.kind == TokenKind::Operator(b')'))
            .count()
    }

    /// The code between the end of a keyword at `keyword` and the `:` behind `inner`.
    pub(super) fn between_keyword_and_colon(&self, keyword: u32, inner: Span) -> Span {
        let mut span = inner;
        if let Some(first) = self.tokens.from(keyword + 1).first() {
            span.start = first.span.start;
        }
        for token in self.tokens.from(inner.end) {
            match token.kind {
                TokenKind::Operator(b':') => break,
                TokenKind::Comment => {}
                _ => span.end = token.span.end,
            }
        }
        span
    }

    /// The end of `inner` with the parentheses around it that open between `after` and its start.
    pub(super) fn end_with_parentheses(&self, after: u32, inner: Span) -> u32 {
        let between = self
            .tokens
            .from(after)
            .iter()
            .take_while(|it| it.span.start < inner.start);
        let mut open = between
            .filter(|token| token.kind == TokenKind::Operator(b'('))
            .count();
        let mut end = inner.end;
        for token in self.tokens.from(inner.end) {
            if open == 0 {
                break;
            }
            match token.kind {
                TokenKind::Operator(b')') => {
                    end = token.span.end;
                    open -= 1;
                }
                TokenKind::Comment | TokenKind::Operator(b',') => {}
                _ => break,
            }
        }
        end
    }
}

/// NFKC, which Python applies to identifiers.
pub(super) fn normalized(text: &str) -> String {
    if is_nfkc(text) {
        text.to_owned()
    } else {
        text.nfkc().collect()
    }
}
