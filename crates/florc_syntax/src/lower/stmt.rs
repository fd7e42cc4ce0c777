//! Statements without suites, and suites as such.
//!
//! ```python
//! from a import b as c; total += c
//! ```
//!
//! One arm per kind of the parser's tree; those with suites are in `compound.rs`. Spans run from the first decorator to the last byte of
//! the last suite.

use rustpython_ast::{self as ast, Ranged};

use super::{Lowered, Lowerer};
use crate::Span;
use crate::tree::{Alias, Block, ExprId, Identifier, Stmt, StmtId, StmtKind};

impl Lowerer<'_> {
    /// Lowers a suite of the statement `parent`.
    pub(super) fn block(&mut self, suite: &[ast::Stmt], parent: Option<StmtId>) -> Lowered<Block> {
        let around = (self.stmt, self.parent.take());
        let mut block = Block::with_capacity(suite.len());
        for node in suite {
            block.push(self.statement(node, parent)?);
        }
        (self.stmt, self.parent) = around;
        Ok(block)
    }

    fn statement(&mut self, node: &ast::Stmt, parent: Option<StmtId>) -> Lowered<StmtId> {
        let id = StmtId(self.tree.stmts.len() as u32);
        let mut span = self.span(node.range());
        self.deeper(span)?;
        self.stmt = id;
        self.tree.stmts.push(Stmt {
            span,
            kind: StmtKind::Pass,
        });
        self.tree.stmt_parents.push(parent);
        let kind = self.stmt_kind(node, id, span)?;
        span.start = self.decorated_start(&kind, span.start);
        if let Some(end) = self.last_of_suites(id) {
            span.end = end;
        }
        self.tree.stmts[id.0 as usize] = Stmt { span, kind };
        self.depth -= 1;
        Ok(id)
    }

    /// The end of the last statement lowered inside `id`.
    pub(super) fn last_of_suites(&self, id: StmtId) -> Option<u32> {
        let inside = &self.tree.stmts[id.0 as usize + 1..];
        inside.last().map(|last| last.span.end)
    }

    fn decorated_start(&self, kind: &StmtKind, start: u32) -> u32 {
        let decorators = match kind {
            StmtKind::FunctionDef(def) => &def.decorators,
            StmtKind::ClassDef(def) => &def.decorators,
            _ => return start,
        };
        let first = decorators
            .first()
            .map(|first| self.tree.expr(*first).span.start);
        first.map_or(start, |first| self.operator_before(first, b'@').min(start))
    }

    fn stmt_kind(&mut self, node: &ast::Stmt, id: StmtId, span: Span) -> Lowered<StmtKind> {
        use ast::Stmt as S;
        Ok(match node {
            S::Expr(it) => StmtKind::Expr {
                value: self.unstarred(&it.value)?,
            },
            S::Assign(it) => StmtKind::Assign {
                targets: self.targets(&it.targets, "assign to")?,
                value: self.unstarred(&it.value)?,
            },
            S::AugAssign(_) | S::AnnAssign(_) => self.in_place_assignment(node, span)?,
            S::Return(_) | S::Break(_) | S::Continue(_) => self.jump(node, span)?,
            S::Delete(it) => StmtKind::Delete {
                targets: self.targets(&it.targets, "delete")?,
            },
            S::Raise(it) => StmtKind::Raise {
                exc: self.optional(it.exc.as_deref())?,
                cause: self.optional(it.cause.as_deref())?,
            },
            S::Assert(it) => StmtKind::Assert {
                test: self.expr(&it.test)?,
                msg: self.optional(it.msg.as_deref())?,
            },
            S::TypeAlias(it) => StmtKind::TypeAlias {
                name: self.expr(&it.name)?,
                type_params: self.type_params(&it.type_params)?,
                value: self.expr(&it.value)?,
            },
            S::Import(it) => StmtKind::Import {
                names: self.aliases(&it.names),
            },
            S::ImportFrom(it) => StmtKind::ImportFrom {
                module: it.module.as_ref().map(|_| self.module_of_from(span)),
                names: self.aliases(&it.names),
                level: it.level.as_ref().map_or(0, ast::Int::to_u32),
            },
            S::Global(_) => StmtKind::Global {
                names: self.names_in(span, 1),
            },
            S::Nonlocal(_) => StmtKind::Nonlocal {
                names: self.names_in(span, 1),
            },
            S::Pass(_) => StmtKind::Pass,
            _ => self.compound(node, id, span)?,
        })
    }

    fn jump(&mut self, node: &ast::Stmt, span: Span) -> Lowered<StmtKind> {
        use ast::Stmt as S;
        Ok(match node {
            S::Return(_) if !self.around.is_function => {
                return self.refuse(span, "`return` outside function");
            }
            S::Return(it) => {
                let value = it.value.as_deref();
                StmtKind::Return {
                    value: value.map(|value| self.unstarred(value)).transpose()?,
                }
            }
            S::Break(_) if self.around.is_loop => StmtKind::Break,
            S::Continue(_) if self.around.is_loop => StmtKind::Continue,
            _ => {
                let word = self.text_of(span);
                return self.refuse(span, format!("`{word}` outside loop"));
            }
        })
    }

    fn in_place_assignment(&mut self, node: &ast::Stmt, span: Span) -> Lowered<StmtKind> {
        use ast::Stmt as S;
        Ok(match node {
            S::AugAssign(it) => {
                let target = self.expr(&it.target)?;
                self.check_single_target(target, "an augmented assignment")?;
                let op = super::expr::operator(it.op);
                StmtKind::AugAssign {
                    target,
                    op,
                    value: self.expr(&it.value)?,
                }
            }
            S::AnnAssign(it) => {
                let target = self.expr(&it.target)?;
                self.check_single_target(target, "an annotation")?;
                let annotation = self.expr(&it.annotation)?;
                let value = self.optional(it.value.as_deref())?;
                StmtKind::AnnAssign {
                    target,
                    annotation,
                    value,
                }
            }
            _ => return self.refuse(span, "this statement is not understood"),
        })
    }

    fn targets(&mut self, nodes: &[ast::Expr], verb: &str) -> Lowered<Vec<ExprId>> {
        let targets = self.exprs(nodes)?;
        for target in &targets {
            self.check_target(*target, verb)?;
        }
        Ok(targets)
    }

    fn aliases(&mut self, nodes: &[ast::Alias]) -> Vec<Alias> {
        nodes.iter().map(|node| self.alias(node)).collect()
    }

    fn alias(&self, node: &ast::Alias) -> Alias {
        let span = self.span(node.range);
        let asname = node.asname.as_ref().map(|_| self.name_before(span.end));
        let mut name_end = span.end;
        if let Some(asname) = &asname {
            name_end = self.name_before(asname.span.start).span.start;
        }
        let text = self.text_of(Span::new(span.start, name_end)).trim_end();
        let name = self.identifier(Span::new(span.start, span.start + text.len() as u32));
        Alias {
            name: without_blanks(name),
            asname,
        }
    }

    /// The dotted module between `from` and `import`.
    fn module_of_from(&self, span: Span) -> Identifier {
        let first = self.names_in(span, 1).into_iter().next();
        let start = first.map_or(span.start, |first| first.span.start);
        let tokens = self.tokens.from(start).iter();
        let module = tokens.take_while(|token| !self.is_name(token, "import"));
        let end = module.map(|token| token.span.end).max().unwrap_or(start);
        without_blanks(self.identifier(Span::new(start, end)))
    }
}

/// `a . b` is the module `a.b`.
fn without_blanks(mut name: Identifier) -> Identifier {
    name.text.retain(|c| !c.is_whitespace() && c != '\\');
    name
}
