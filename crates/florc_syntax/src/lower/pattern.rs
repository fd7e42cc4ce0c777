//! Patterns of `match`.
//!
//! ```python
//! case Point(x=0, y=[_, *rest]) | {"k": v, **others} as p: ...
//! ```
//!
//! Captured names are identifiers, not expressions.

use rustpython_ast as ast;

use super::{Lowered, Lowerer};
use crate::Span;
use crate::tree::{ExprKind, Identifier, Pattern, PatternId, PatternKind};

impl Lowerer<'_> {
    pub(super) fn pattern(&mut self, node: &ast::Pattern) -> Lowered<PatternId> {
        let span = self.span(range_of(node));
        self.deeper(span)?;
        let id = PatternId(self.tree.patterns.len() as u32);
        self.tree.patterns.push(Pattern {
            span,
            kind: PatternKind::Star(None),
        });
        let kind = self.pattern_kind(node, span)?;
        self.tree.patterns[id.0 as usize].kind = kind;
        self.depth -= 1;
        Ok(id)
    }

    fn pattern_kind(&mut self, node: &ast::Pattern, span: Span) -> Lowered<PatternKind> {
        Ok(match node {
            ast::Pattern::MatchValue(it) => self.pattern_value(&it.value)?,
            ast::Pattern::MatchSingleton(it) => {
                let kind = match it.value {
                    ast::Constant::Bool(true) => ExprKind::True,
                    ast::Constant::Bool(false) => ExprKind::False,
                    _ => ExprKind::None,
                };
                PatternKind::Value(self.leaf(span, kind))
            }
            ast::Pattern::MatchSequence(it) => PatternKind::Sequence(self.patterns(&it.patterns)?),
            ast::Pattern::MatchMapping(it) => self.mapping(it, span)?,
            ast::Pattern::MatchClass(it) => self.class_pattern(it)?,
            ast::Pattern::MatchStar(it) => {
                PatternKind::Star(it.name.as_ref().map(|_| self.name_before(span.end)))
            }
            ast::Pattern::MatchAs(it) => PatternKind::As {
                pattern: it
                    .pattern
                    .as_deref()
                    .map(|inner| self.pattern(inner))
                    .transpose()?,
                name: it.name.as_ref().map(|_| self.name_before(span.end)),
            },
            ast::Pattern::MatchOr(it) => PatternKind::Or(self.patterns(&it.patterns)?),
        })
    }

    fn patterns(&mut self, nodes: &[ast::Pattern]) -> Lowered<Vec<PatternId>> {
        nodes.iter().map(|node| self.pattern(node)).collect()
    }

    fn pattern_value(&mut self, value: &ast::Expr) -> Lowered<PatternKind> {
        let id = self.expr(value)?;
        if matches!(self.tree.expr(id).kind, ExprKind::FString { .. }) {
            let span = self.tree.expr(id).span;
            return self.refuse(
                span,
                "patterns may only match literals and attribute lookups",
            );
        }
        Ok(PatternKind::Value(id))
    }

    fn mapping(&mut self, node: &ast::PatternMatchMapping, span: Span) -> Lowered<PatternKind> {
        let keys = node
            .keys
            .iter()
            .map(|key| self.expr(key))
            .collect::<Lowered<_>>()?;
        let patterns = self.patterns(&node.patterns)?;
        let rest = node.rest.as_ref().map(|_| self.name_before(span.end));
        Ok(PatternKind::Mapping {
            keys,
            patterns,
            rest,
        })
    }

    fn class_pattern(&mut self, node: &ast::PatternMatchClass) -> Lowered<PatternKind> {
        let class = self.expr(&node.cls)?;
        let patterns = self.patterns(&node.patterns)?;
        let mut keywords: Vec<(Identifier, PatternId)> = Vec::new();
        for pattern in &node.kwd_patterns {
            let start = self.span(range_of(pattern)).start;
            let name = self.name_before(self.operator_before(start, b'='));
            keywords.push((name, self.pattern(pattern)?));
        }
        Ok(PatternKind::Class {
            class,
            patterns,
            keywords,
        })
    }
}

fn range_of(node: &ast::Pattern) -> rustpython_parser::text_size::TextRange {
    match node {
        ast::Pattern::MatchValue(it) => it.range,
        ast::Pattern::MatchSingleton(it) => it.range,
        ast::Pattern::MatchSequence(it) => it.range,
        ast::Pattern::MatchMapping(it) => it.range,
        ast::Pattern::MatchClass(it) => it.range,
        ast::Pattern::MatchStar(it) => it.range,
        ast::Pattern::MatchAs(it) => it.range,
        ast::Pattern::MatchOr(it) => it.range,
    }
}
