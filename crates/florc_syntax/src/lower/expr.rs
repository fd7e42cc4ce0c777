//! Expressions.
//!
//! ```python
//! [f(x, *a, k=1) for x in y if x] if (z := w) else -b ** c
//! ```
//!
//! One arm per kind of the parser's tree; spans are corrected here.

use rustpython_ast::{self as ast, Ranged};

use super::place::normalized;
use super::{Lowered, Lowerer};
use crate::Span;
use crate::tree::{
    BoolOperator, CompareOperator, Comprehension, DictItem, ExprId, ExprKind, Operator,
    UnaryOperator,
};

impl Lowerer<'_> {
    pub(super) fn expr(&mut self, node: &ast::Expr) -> Lowered<ExprId> {
        let span = self.span(node.range());
        self.deeper(span)?;
        let id = self.reserve(span);
        let around = self.parent.replace(id);
        let kind = self.expr_kind(node, span)?;
        self.parent = around;
        if let ExprKind::Named { target, value } = kind {
            let (after, value) = (self.tree.expr(target).span.end, self.tree.expr(value).span);
            self.tree.exprs[id.0 as usize].span.end = self.end_with_parentheses(after, value);
        }
        if let ExprKind::Call { args, keywords, .. } = &kind
            && let (&[only], []) = (&args[..], &keywords[..])
        {
            self.widen_sole_generator(only);
        }
        self.tree.exprs[id.0 as usize].kind = kind;
        self.depth -= 1;
        Ok(id)
    }

    /// `f(x for x in y)`: the call's parentheses are the generator expression's own.
    fn widen_sole_generator(&mut self, id: ExprId) {
        let ExprKind::GeneratorExp { elt, .. } = self.tree.expr(id).kind else {
            return;
        };
        let (span, elt) = (self.tree.expr(id).span, self.tree.expr(elt).span);
        if self.opens_around(span.start, elt) == self.closes_after(elt.end) {
            let start = self.operator_before(span.start, b'(');
            let end = self.end_with_parentheses(start, span);
            self.tree.exprs[id.0 as usize].span = Span::new(start, end);
        }
    }

    pub(super) fn optional(&mut self, node: Option<&ast::Expr>) -> Lowered<Option<ExprId>> {
        node.map(|node| self.expr(node)).transpose()
    }

    pub(super) fn exprs(&mut self, nodes: &[ast::Expr]) -> Lowered<Vec<ExprId>> {
        nodes.iter().map(|node| self.expr(node)).collect()
    }

    fn expr_kind(&mut self, node: &ast::Expr, span: Span) -> Lowered<ExprKind> {
        use ast::Expr as E;
        Ok(match node {
            E::BoolOp(_) | E::BinOp(_) | E::UnaryOp(_) | E::Compare(_) => {
                self.operation(node, span)?
            }
            E::Call(it) => ExprKind::Call {
                func: self.expr(&it.func)?,
                args: self.exprs(&it.args)?,
                keywords: self.keywords(&it.keywords)?,
            },
            E::Attribute(it) => ExprKind::Attribute {
                value: self.expr(&it.value)?,
                attr: self.name_before(span.end),
            },
            E::Subscript(it) => ExprKind::Subscript {
                value: self.expr(&it.value)?,
                slice: self.slice(&it.slice)?,
            },
            E::Starred(it) => ExprKind::Starred {
                value: self.expr(&it.value)?,
            },
            E::Name(it) => ExprKind::Name(normalized(&it.id)),
            E::Slice(it) => ExprKind::Slice {
                lower: self.optional(it.lower.as_deref())?,
                upper: self.optional(it.upper.as_deref())?,
                step: self.optional(it.step.as_deref())?,
            },
            E::Constant(it) => self.constant(&it.value, span)?,
            E::List(it) => ExprKind::List {
                elts: self.exprs(&it.elts)?,
            },
            E::Tuple(it) => ExprKind::Tuple {
                elts: self.exprs(&it.elts)?,
            },
            E::Set(it) => ExprKind::Set {
                elts: self.exprs(&it.elts)?,
            },
            E::Dict(it) => self.dict(it)?,
            E::ListComp(_) | E::SetComp(_) | E::DictComp(_) | E::GeneratorExp(_) => {
                self.comprehension(node)?
            }
            _ => self.rare(node, span)?,
        })
    }

    fn operation(&mut self, node: &ast::Expr, span: Span) -> Lowered<ExprKind> {
        use ast::Expr as E;
        Ok(match node {
            E::BoolOp(it) => ExprKind::BoolOp {
                op: match it.op {
                    ast::BoolOp::And => BoolOperator::And,
                    ast::BoolOp::Or => BoolOperator::Or,
                },
                values: self.exprs(&it.values)?,
            },
            E::BinOp(it) => ExprKind::BinOp {
                left: self.expr(&it.left)?,
                op: operator(it.op),
                right: self.expr(&it.right)?,
            },
            E::UnaryOp(it) => ExprKind::UnaryOp {
                op: unary(it.op),
                operand: self.expr(&it.operand)?,
            },
            E::Compare(it) => ExprKind::Compare {
                left: self.expr(&it.left)?,
                ops: it.ops.iter().copied().map(comparison).collect(),
                comparators: self.exprs(&it.comparators)?,
            },
            _ => self.rare(node, span)?,
        })
    }

    /// Expressions that hold control flow, and those that do not come out of the parser.
    fn rare(&mut self, node: &ast::Expr, span: Span) -> Lowered<ExprKind> {
        use ast::Expr as E;
        Ok(match node {
            E::NamedExpr(it) => ExprKind::Named {
                target: self.expr(&it.target)?,
                value: self.expr(&it.value)?,
            },
            E::Lambda(it) => ExprKind::Lambda {
                params: Box::new(self.parameters(&it.args)?),
                body: self.expr(&it.body)?,
            },
            E::IfExp(it) => ExprKind::IfExp {
                test: self.expr(&it.test)?,
                body: self.expr(&it.body)?,
                orelse: self.expr(&it.orelse)?,
            },
            E::Await(it) => ExprKind::Await {
                value: self.expr(&it.value)?,
            },
            E::Yield(it) => ExprKind::Yield {
                value: self.optional(it.value.as_deref())?,
            },
            E::YieldFrom(it) => ExprKind::YieldFrom {
                value: self.expr(&it.value)?,
            },
            _ => return self.refuse(span, "this f-string is not understood"),
        })
    }

    /// `x[*y]` is a tuple of one starred expression.
    fn slice(&mut self, node: &ast::Expr) -> Lowered<ExprId> {
        if !matches!(node, ast::Expr::Starred(_)) {
            return self.expr(node);
        }
        let id = self.reserve(self.span(node.range()));
        let around = self.parent.replace(id);
        let elts = vec![self.expr(node)?];
        self.parent = around;
        self.tree.exprs[id.0 as usize].kind = ExprKind::Tuple { elts };
        Ok(id)
    }

    fn constant(&mut self, value: &ast::Constant, span: Span) -> Lowered<ExprKind> {
        Ok(match value {
            ast::Constant::None => ExprKind::None,
            ast::Constant::Bool(true) => ExprKind::True,
            ast::Constant::Bool(false) => ExprKind::False,
            ast::Constant::Str(_) => self.string(span)?,
            ast::Constant::Bytes(_) => self.bytes(span)?,
            ast::Constant::Int(value) => ExprKind::Int(value.to_string()),
            ast::Constant::Float(value) => ExprKind::Float(*value),
            ast::Constant::Complex { imag, .. } => ExprKind::Complex(*imag),
            ast::Constant::Ellipsis => ExprKind::Ellipsis,
            ast::Constant::Tuple(_) => return self.refuse(span, "this literal is not understood"),
        })
    }

    fn dict(&mut self, node: &ast::ExprDict) -> Lowered<ExprKind> {
        let mut items = Vec::with_capacity(node.values.len());
        for (key, value) in node.keys.iter().zip(&node.values) {
            let key = self.optional(key.as_ref())?;
            items.push(DictItem {
                key,
                value: self.expr(value)?,
            });
        }
        Ok(ExprKind::Dict { items })
    }

    fn comprehension(&mut self, node: &ast::Expr) -> Lowered<ExprKind> {
        use ast::Expr as E;
        Ok(match node {
            E::ListComp(it) => ExprKind::ListComp {
                elt: self.expr(&it.elt)?,
                generators: self.generators(&it.generators)?,
            },
            E::SetComp(it) => ExprKind::SetComp {
                elt: self.expr(&it.elt)?,
                generators: self.generators(&it.generators)?,
            },
            E::GeneratorExp(it) => ExprKind::GeneratorExp {
                elt: self.expr(&it.elt)?,
                generators: self.generators(&it.generators)?,
            },
            E::DictComp(it) => ExprKind::DictComp {
                key: self.expr(&it.key)?,
                value: self.expr(&it.value)?,
                generators: self.generators(&it.generators)?,
            },
            _ => return self.rare(node, self.span(node.range())),
        })
    }

    fn generators(&mut self, nodes: &[ast::Comprehension]) -> Lowered<Vec<Comprehension>> {
        let lower = |node: &ast::Comprehension| {
            let target = self.expr(&node.target)?;
            self.check_target(target, "assign to")?;
            Ok(Comprehension {
                is_async: node.is_async,
                target,
                iter: self.expr(&node.iter)?,
                ifs: self.exprs(&node.ifs)?,
            })
        };
        nodes.iter().map(lower).collect()
    }
}

pub(super) fn operator(op: ast::Operator) -> Operator {
    match op {
        ast::Operator::Add => Operator::Add,
        ast::Operator::Sub => Operator::Sub,
        ast::Operator::Mult => Operator::Mult,
        ast::Operator::MatMult => Operator::MatMult,
        ast::Operator::Div => Operator::Div,
        ast::Operator::Mod => Operator::Mod,
        ast::Operator::Pow => Operator::Pow,
        ast::Operator::LShift => Operator::LShift,
        ast::Operator::RShift => Operator::RShift,
        ast::Operator::BitOr => Operator::BitOr,
        ast::Operator::BitXor => Operator::BitXor,
        ast::Operator::BitAnd => Operator::BitAnd,
        ast::Operator::FloorDiv => Operator::FloorDiv,
    }
}

fn unary(op: ast::UnaryOp) -> UnaryOperator {
    match op {
        ast::UnaryOp::Invert => UnaryOperator::Invert,
        ast::UnaryOp::Not => UnaryOperator::Not,
        ast::UnaryOp::UAdd => UnaryOperator::Plus,
        ast::UnaryOp::USub => UnaryOperator::Minus,
    }
}

fn comparison(op: ast::CmpOp) -> CompareOperator {
    match op {
        ast::CmpOp::Eq => CompareOperator::Eq,
        ast::CmpOp::NotEq => CompareOperator::NotEq,
        ast::CmpOp::Lt => CompareOperator::Lt,
        ast::CmpOp::LtE => CompareOperator::LtE,
        ast::CmpOp::Gt => CompareOperator::Gt,
        ast::CmpOp::GtE => CompareOperator::GtE,
        ast::CmpOp::Is => CompareOperator::Is,
        ast::CmpOp::IsNot => CompareOperator::IsNot,
        ast::CmpOp::In => CompareOperator::In,
        ast::CmpOp::NotIn => CompareOperator::NotIn,
    }
}
