//! Moves a tree and its trivia behind others: every id and every span of a linked file.
//!
//! ```python
//! # b.py, the second file: `y` was ExprId(0) at byte 4, now it is ExprId(7) at byte 31
//! x = y
//! ```
//!
//! One arm for each kind of node, so that a new kind is not forgotten. Changes nothing else.

use crate::token::{Piece, TokenKind};
use crate::tree::{
    Alias, Block, ClassDef, Comprehension, ExprId, ExprKind, FStringPart, FunctionDef, Identifier,
    Keyword, Parameters, PatternId, PatternKind, StmtId, StmtKind, Tree, TypeParam,
};
use crate::{Span, Trivia};

/// How far things are moved.
struct Move {
    stmts: u32,
    exprs: u32,
    patterns: u32,
    bytes: u32,
}

impl Tree {
    /// Adds the nodes of a file whose text begins at `bytes`.
    pub(crate) fn append(&mut self, mut other: Self, bytes: u32) {
        let by = Move {
            stmts: self.stmts.len() as u32,
            exprs: self.exprs.len() as u32,
            patterns: self.patterns.len() as u32,
            bytes,
        };
        for stmt in &mut other.stmts {
            by.span(&mut stmt.span);
            by.stmt(&mut stmt.kind);
        }
        for expr in &mut other.exprs {
            by.span(&mut expr.span);
            by.expr(&mut expr.kind);
        }
        for pattern in &mut other.patterns {
            by.span(&mut pattern.span);
            by.pattern(&mut pattern.kind);
        }
        other
            .stmt_parents
            .iter_mut()
            .flatten()
            .for_each(|it| by.s(it));
        other.expr_stmts.iter_mut().for_each(|it| by.s(it));
        other
            .expr_parents
            .iter_mut()
            .flatten()
            .for_each(|it| by.e(it));
        by.block(&mut other.body);
        self.stmts.append(&mut other.stmts);
        self.exprs.append(&mut other.exprs);
        self.patterns.append(&mut other.patterns);
        self.stmt_parents.append(&mut other.stmt_parents);
        self.expr_stmts.append(&mut other.expr_stmts);
        self.expr_parents.append(&mut other.expr_parents);
        self.others.push(other.body);
    }
}

impl Trivia {
    /// Adds the trivia of a file whose text begins at `bytes`.
    pub(crate) fn append(&mut self, mut other: Self, bytes: u32) {
        let by = Move {
            stmts: 0,
            exprs: 0,
            patterns: 0,
            bytes,
        };
        let spans = other.comments.iter_mut().chain(&mut other.strings);
        spans
            .chain(&mut other.logical_lines)
            .for_each(|it| by.span(it));
        let strings = self.tokens.strings.len() as u32;
        for token in &mut other.tokens.tokens {
            by.span(&mut token.span);
            if let TokenKind::Text(index) = &mut token.kind {
                *index += strings;
            }
        }
        for string in &mut other.tokens.strings {
            by.span(&mut string.span);
            by.span(&mut string.content);
            string
                .pieces
                .iter_mut()
                .for_each(|pieces| by.pieces(pieces));
        }
        self.comments.append(&mut other.comments);
        self.strings.append(&mut other.strings);
        self.logical_lines.append(&mut other.logical_lines);
        self.tokens.tokens.append(&mut other.tokens.tokens);
        self.tokens.strings.append(&mut other.tokens.strings);
    }
}

impl Move {
    fn span(&self, span: &mut Span) {
        *span = Span::new(span.start + self.bytes, span.end + self.bytes);
    }

    fn s(&self, id: &mut StmtId) {
        id.0 += self.stmts;
    }

    fn e(&self, id: &mut ExprId) {
        id.0 += self.exprs;
    }

    fn p(&self, id: &mut PatternId) {
        id.0 += self.patterns;
    }

    fn patterns<'a>(&self, ids: impl IntoIterator<Item = &'a mut PatternId>) {
        ids.into_iter().for_each(|id| self.p(id));
    }

    fn all<'a>(&self, ids: impl IntoIterator<Item = &'a mut ExprId>) {
        ids.into_iter().for_each(|id| self.e(id));
    }

    fn block(&self, block: &mut Block) {
        for id in block {
            self.s(id);
        }
    }

    fn identifier(&self, name: &mut Identifier) {
        self.span(&mut name.span);
    }

    fn identifiers<'a>(&self, names: impl IntoIterator<Item = &'a mut Identifier>) {
        names.into_iter().for_each(|name| self.identifier(name));
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind")]
    fn stmt(&self, kind: &mut StmtKind) {
        match kind {
            StmtKind::FunctionDef(def) => self.function(def),
            StmtKind::ClassDef(def) => self.class(def),
            StmtKind::Return { value } => self.all(value),
            StmtKind::Delete { targets } => self.all(targets),
            StmtKind::Assign { targets, value } => {
                self.all(targets);
                self.e(value);
            }
            StmtKind::TypeAlias {
                name,
                type_params,
                value,
            } => {
                self.e(name);
                self.type_params(type_params);
                self.e(value);
            }
            StmtKind::AugAssign { target, value, .. } => self.all([target, value]),
            StmtKind::AnnAssign {
                target,
                annotation,
                value,
            } => {
                self.all([target, annotation]);
                self.all(value);
            }
            StmtKind::For {
                target,
                iter,
                body,
                orelse,
                ..
            } => {
                self.all([target, iter]);
                self.block(body);
                self.block(orelse);
            }
            StmtKind::While { test, body, orelse }
            | StmtKind::If {
                test, body, orelse, ..
            } => {
                self.e(test);
                self.block(body);
                self.block(orelse);
            }
            StmtKind::With { items, body, .. } => {
                for item in items {
                    self.e(&mut item.context);
                    self.all(&mut item.target);
                }
                self.block(body);
            }
            StmtKind::Match { subject, cases } => {
                self.e(subject);
                for case in cases {
                    self.p(&mut case.pattern);
                    self.all(&mut case.guard);
                    self.block(&mut case.body);
                }
            }
            StmtKind::Raise { exc, cause } => self.all(exc.iter_mut().chain(cause)),
            StmtKind::Try {
                body,
                handlers,
                orelse,
                finalbody,
                ..
            } => {
                self.block(body);
                for handler in handlers {
                    self.all(&mut handler.exception);
                    self.identifiers(&mut handler.name);
                    self.block(&mut handler.body);
                    self.span(&mut handler.span);
                }
                self.block(orelse);
                self.block(finalbody);
            }
            StmtKind::Assert { test, msg } => {
                self.e(test);
                self.all(msg);
            }
            StmtKind::Import { names } => self.aliases(names),
            StmtKind::ImportFrom { module, names, .. } => {
                self.identifiers(module);
                self.aliases(names);
            }
            StmtKind::Global { names } | StmtKind::Nonlocal { names } => self.identifiers(names),
            StmtKind::Expr { value } => self.e(value),
            StmtKind::Pass | StmtKind::Break | StmtKind::Continue => {}
        }
    }

    fn function(&self, def: &mut FunctionDef) {
        self.identifier(&mut def.name);
        self.all(&mut def.decorators);
        self.type_params(&mut def.type_params);
        self.parameters(&mut def.params);
        self.all(&mut def.returns);
        self.block(&mut def.body);
    }

    fn class(&self, def: &mut ClassDef) {
        self.identifier(&mut def.name);
        self.all(&mut def.decorators);
        self.type_params(&mut def.type_params);
        self.all(&mut def.bases);
        self.keywords(&mut def.keywords);
        self.block(&mut def.body);
    }

    fn type_params(&self, params: &mut [TypeParam]) {
        for param in params {
            self.identifier(&mut param.name);
            self.all(&mut param.bound);
        }
    }

    fn parameters(&self, params: &mut Parameters) {
        let all = params.positional_only.iter_mut();
        let all = all.chain(&mut params.positional).chain(&mut params.vararg);
        for param in all.chain(&mut params.keyword_only).chain(&mut params.kwarg) {
            self.identifier(&mut param.name);
            self.all(&mut param.annotation);
            self.all(&mut param.default);
        }
    }

    fn keywords(&self, keywords: &mut [Keyword]) {
        for keyword in keywords {
            self.identifiers(&mut keyword.name);
            self.e(&mut keyword.value);
            self.span(&mut keyword.span);
        }
    }

    fn aliases(&self, names: &mut [Alias]) {
        for alias in names {
            self.identifier(&mut alias.name);
            self.identifiers(&mut alias.asname);
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind")]
    fn expr(&self, kind: &mut ExprKind) {
        match kind {
            ExprKind::BoolOp { values, .. } => self.all(values),
            ExprKind::Named { target, value } => self.all([target, value]),
            ExprKind::BinOp { left, right, .. } => self.all([left, right]),
            ExprKind::UnaryOp { operand, .. } => self.e(operand),
            ExprKind::Lambda { params, body } => {
                self.parameters(params);
                self.e(body);
            }
            ExprKind::IfExp { test, body, orelse } => self.all([test, body, orelse]),
            ExprKind::Dict { items } => {
                for item in items {
                    self.all(&mut item.key);
                    self.e(&mut item.value);
                }
            }
            ExprKind::Set { elts } | ExprKind::List { elts } | ExprKind::Tuple { elts } => {
                self.all(elts);
            }
            ExprKind::ListComp { elt, generators }
            | ExprKind::SetComp { elt, generators }
            | ExprKind::GeneratorExp { elt, generators } => {
                self.e(elt);
                self.comprehensions(generators);
            }
            ExprKind::DictComp {
                key,
                value,
                generators,
            } => {
                self.all([key, value]);
                self.comprehensions(generators);
            }
            ExprKind::Yield { value } => self.all(value),
            ExprKind::Await { value }
            | ExprKind::YieldFrom { value }
            | ExprKind::Starred { value } => self.e(value),
            ExprKind::Compare {
                left, comparators, ..
            } => {
                self.e(left);
                self.all(comparators);
            }
            ExprKind::Call {
                func,
                args,
                keywords,
            } => {
                self.e(func);
                self.all(args);
                self.keywords(keywords);
            }
            ExprKind::FString { parts } => self.parts(parts),
            ExprKind::Attribute { value, attr } => {
                self.e(value);
                self.identifier(attr);
            }
            ExprKind::Subscript { value, slice } => self.all([value, slice]),
            ExprKind::Slice { lower, upper, step } => {
                self.all(lower.iter_mut().chain(upper).chain(step));
            }
            ExprKind::Str(_)
            | ExprKind::Bytes(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Complex(_)
            | ExprKind::True
            | ExprKind::False
            | ExprKind::None
            | ExprKind::Ellipsis
            | ExprKind::Name(_) => {}
        }
    }

    fn comprehensions(&self, generators: &mut [Comprehension]) {
        for generator in generators {
            self.all([&mut generator.target, &mut generator.iter]);
            self.all(&mut generator.ifs);
        }
    }

    fn parts(&self, parts: &mut [FStringPart]) {
        for part in parts {
            match part {
                FStringPart::Literal { span, .. } => self.span(span),
                FStringPart::Field {
                    span, expr, spec, ..
                } => {
                    self.span(span);
                    self.e(expr);
                    self.parts(spec);
                }
            }
        }
    }

    fn pattern(&self, kind: &mut PatternKind) {
        match kind {
            PatternKind::Value(value) => self.e(value),
            PatternKind::Sequence(patterns) | PatternKind::Or(patterns) => {
                self.patterns(patterns);
            }
            PatternKind::Mapping {
                keys,
                patterns,
                rest,
            } => {
                self.all(keys);
                self.patterns(patterns);
                self.identifiers(rest);
            }
            PatternKind::Class {
                class,
                patterns,
                keywords,
            } => {
                self.e(class);
                self.patterns(patterns);
                for (name, id) in keywords {
                    self.identifier(name);
                    self.p(id);
                }
            }
            PatternKind::Star(name) => self.identifiers(name),
            PatternKind::As { pattern, name } => {
                self.patterns(pattern);
                self.identifiers(name);
            }
        }
    }

    fn pieces(&self, pieces: &mut [Piece]) {
        for piece in pieces {
            match piece {
                Piece::Literal(span) => self.span(span),
                Piece::Field {
                    span,
                    expr,
                    debug,
                    spec,
                    ..
                } => {
                    self.span(span);
                    self.span(expr);
                    if let Some(span) = debug {
                        self.span(span);
                    }
                    self.pieces(spec);
                }
            }
        }
    }
}
