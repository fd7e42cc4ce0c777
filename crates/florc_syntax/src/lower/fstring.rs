//! String literals: plain, bytes, f-strings, and implicit concatenations of them.
//!
//! ```python
//! "a" f"{x!r:>{w}}"     # FString: Literal "a", Field `x` with a spec of Literal ">" and Field `w`
//! ```
//!
//! The parser saw plain strings in the place of f-strings; their fields are parsed here.

use super::{Lowered, Lowerer};
use crate::Span;
use crate::literal::{decode_bytes, decode_str};
use crate::parse::{named_character, parse_field};
use crate::token::{Piece, StringToken, TokenKind};
use crate::tree::{ExprId, ExprKind, FStringPart};

impl<'a> Lowerer<'a> {
    /// The value of the string tokens of a `str` constant.
    pub(super) fn string(&mut self, span: Span) -> Lowered<ExprKind> {
        let tokens = self.string_tokens(span);
        if tokens.iter().all(|token| token.pieces.is_none()) {
            let mut value = String::new();
            for token in tokens {
                value.push_str(&self.decoded(token, token.content, false)?);
            }
            return Ok(ExprKind::Str(value));
        }
        let mut parts = Vec::new();
        for token in tokens {
            match &token.pieces {
                Some(pieces) => self.parts(token, pieces, &mut parts)?,
                None if token.content.is_empty() => {}
                None => parts.push(FStringPart::Literal {
                    span: token.content,
                    text: self.decoded(token, token.content, false)?,
                }),
            }
        }
        Ok(ExprKind::FString { parts })
    }

    /// The value of the string tokens of a `bytes` constant.
    pub(super) fn bytes(&mut self, span: Span) -> Lowered<ExprKind> {
        let mut value = Vec::new();
        for token in self.string_tokens(span) {
            match decode_bytes(self.text_of(token.content), token.is_raw) {
                Ok(bytes) => value.extend(bytes),
                Err(error) => {
                    return self.refuse(Span::empty(token.content.start + error.at), error.title);
                }
            }
        }
        Ok(ExprKind::Bytes(value))
    }

    /// The literal's own tokens, without those nested in its fields.
    fn string_tokens(&self, span: Span) -> Vec<&'a StringToken> {
        let tokens: &'a [StringToken] = self.tokens.strings_in(span);
        tokens
            .iter()
            .filter(|token| token.level == self.level)
            .collect()
    }

    fn parts(
        &mut self,
        token: &StringToken,
        pieces: &[Piece],
        parts: &mut Vec<FStringPart>,
    ) -> Lowered<()> {
        for piece in pieces {
            parts.push(match piece {
                Piece::Literal(span) => {
                    let text = self.decoded(token, *span, true)?;
                    FStringPart::Literal { span: *span, text }
                }
                Piece::Field {
                    span,
                    expr,
                    debug,
                    conversion,
                    spec,
                } => {
                    let expr = self.field(*expr)?;
                    let mut lowered = Vec::new();
                    self.parts(token, spec, &mut lowered)?;
                    FStringPart::Field {
                        span: *span,
                        expr,
                        debug: debug.is_some(),
                        conversion: *conversion,
                        spec: lowered,
                    }
                }
            });
        }
        Ok(())
    }

    /// Parses and lowers the expression of a field.
    fn field(&mut self, field: Span) -> Lowered<ExprId> {
        let node = parse_field(self.source, self.tokens, field, self.level + 1)?;
        let inside = self.tokens.from(field.start).iter();
        let inside = inside.take_while(|token| token.span.start < field.end);
        let written = inside
            .filter(|token| token.kind != TokenKind::Comment)
            .map(|token| token.span)
            .reduce(Span::cover)
            .unwrap_or(field);
        let clip = std::mem::replace(&mut self.clip, written);
        self.level += 1;
        let id = self.expr(&node);
        self.level -= 1;
        self.clip = clip;
        id
    }

    fn decoded(&self, token: &StringToken, span: Span, braces: bool) -> Lowered<String> {
        decode_str(self.text_of(span), token.is_raw, braces, &named_character)
            .or_else(|error| self.refuse(Span::empty(span.start + error.at), error.title))
    }
}
