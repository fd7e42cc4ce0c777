//! Statements with suites.
//!
//! ```python
//! for i, x in y:
//!     total += x
//! else: pass
//! ```
//!
//! One arm per kind of the parser's tree. Simple statements are in `stmt.rs`.

use rustpython_ast::{self as ast, Ranged};

use super::{Around, Lowered, Lowerer};
use crate::Span;
use crate::tree::{
    Block, ClassDef, ExceptHandler, ExprId, ExprKind, FunctionDef, MatchCase, StmtId, StmtKind,
    WithItem,
};

/// What a suite is the body of.
#[derive(Clone, Copy)]
enum Inside {
    Loop,
    Function,
    Class,
}

impl Lowerer<'_> {
    pub(super) fn compound(
        &mut self,
        node: &ast::Stmt,
        id: StmtId,
        span: Span,
    ) -> Lowered<StmtKind> {
        use ast::Stmt as S;
        Ok(match node {
            S::If(it) => StmtKind::If {
                test: self.expr(&it.test)?,
                body: self.block(&it.body, Some(id))?,
                orelse: self.block(&it.orelse, Some(id))?,
                is_elif: self.text_of(span).starts_with("elif"),
            },
            S::While(it) => StmtKind::While {
                test: self.expr(&it.test)?,
                body: self.block_in(&it.body, id, Inside::Loop)?,
                orelse: self.block(&it.orelse, Some(id))?,
            },
            S::For(it) => {
                self.for_loop(false, (&it.target, &it.iter), (&it.body, &it.orelse), id)?
            }
            S::AsyncFor(it) => {
                self.for_loop(true, (&it.target, &it.iter), (&it.body, &it.orelse), id)?
            }
            S::With(it) => self.with(false, &it.items, &it.body, id)?,
            S::AsyncWith(it) => self.with(true, &it.items, &it.body, id)?,
            S::Match(it) => StmtKind::Match {
                subject: self.subject(&it.subject, span)?,
                cases: self.cases(&it.cases, id)?,
            },
            S::Try(it) => StmtKind::Try {
                body: self.block(&it.body, Some(id))?,
                handlers: self.handlers(&it.handlers, id)?,
                orelse: self.block(&it.orelse, Some(id))?,
                finalbody: self.block(&it.finalbody, Some(id))?,
                is_star: false,
            },
            S::TryStar(it) => StmtKind::Try {
                body: self.block(&it.body, Some(id))?,
                handlers: self.handlers(&it.handlers, id)?,
                orelse: self.block(&it.orelse, Some(id))?,
                finalbody: self.block(&it.finalbody, Some(id))?,
                is_star: true,
            },
            _ => self.definition(node, id, span)?,
        })
    }

    fn definition(&mut self, node: &ast::Stmt, id: StmtId, span: Span) -> Lowered<StmtKind> {
        use ast::Stmt as S;
        Ok(match node {
            S::FunctionDef(it) => StmtKind::FunctionDef(Box::new(FunctionDef {
                name: self.name_after(header(span, &it.decorator_list), "def"),
                is_async: false,
                decorators: self.exprs(&it.decorator_list)?,
                type_params: self.type_params(&it.type_params)?,
                params: self.parameters(&it.args)?,
                returns: self.optional(it.returns.as_deref())?,
                body: self.block_in(&it.body, id, Inside::Function)?,
            })),
            S::AsyncFunctionDef(it) => StmtKind::FunctionDef(Box::new(FunctionDef {
                name: self.name_after(header(span, &it.decorator_list), "def"),
                is_async: true,
                decorators: self.exprs(&it.decorator_list)?,
                type_params: self.type_params(&it.type_params)?,
                params: self.parameters(&it.args)?,
                returns: self.optional(it.returns.as_deref())?,
                body: self.block_in(&it.body, id, Inside::Function)?,
            })),
            S::ClassDef(it) => StmtKind::ClassDef(Box::new(ClassDef {
                name: self.name_after(header(span, &it.decorator_list), "class"),
                decorators: self.exprs(&it.decorator_list)?,
                type_params: self.type_params(&it.type_params)?,
                bases: self.exprs(&it.bases)?,
                keywords: self.keywords(&it.keywords)?,
                body: self.block_in(&it.body, id, Inside::Class)?,
            })),
            _ => return self.refuse(span, "this statement is not understood"),
        })
    }

    /// Lowers a suite in which `break`, `continue` and `return` mean something else than around it.
    fn block_in(&mut self, suite: &[ast::Stmt], id: StmtId, inside: Inside) -> Lowered<Block> {
        let around = self.around;
        self.around = match inside {
            Inside::Loop => Around {
                is_loop: true,
                ..around
            },
            Inside::Function => Around {
                is_loop: false,
                is_function: true,
            },
            Inside::Class => Around::default(),
        };
        let block = self.block(suite, Some(id))?;
        self.around = around;
        Ok(block)
    }

    fn for_loop(
        &mut self,
        is_async: bool,
        (target, iter): (&ast::Expr, &ast::Expr),
        (body, orelse): (&[ast::Stmt], &[ast::Stmt]),
        id: StmtId,
    ) -> Lowered<StmtKind> {
        let target = self.expr(target)?;
        self.check_target(target, "assign to")?;
        Ok(StmtKind::For {
            is_async,
            target,
            iter: self.expr(iter)?,
            body: self.block_in(body, id, Inside::Loop)?,
            orelse: self.block(orelse, Some(id))?,
        })
    }

    fn with(
        &mut self,
        is_async: bool,
        nodes: &[ast::WithItem],
        body: &[ast::Stmt],
        id: StmtId,
    ) -> Lowered<StmtKind> {
        let mut items = Vec::with_capacity(nodes.len());
        for node in nodes {
            let context = self.expr(&node.context_expr)?;
            let target = self.optional(node.optional_vars.as_deref())?;
            if let Some(target) = target {
                self.check_target(target, "assign to")?;
            }
            items.push(WithItem { context, target });
        }
        Ok(StmtKind::With {
            is_async,
            items,
            body: self.block(body, Some(id))?,
        })
    }

    /// The parser gives `a, b` in `match a, b:` the range of the whole statement, and drops the
    /// tuple of `match a,:`.
    fn subject(&mut self, node: &ast::Expr, stmt: Span) -> Lowered<ExprId> {
        let id = self.expr(node)?;
        let span = self.tree.expr(id).span;
        let bare = span.start == stmt.start || !self.text_of(span).starts_with('(');
        if let ExprKind::Tuple { elts } = &self.tree.expr(id).kind
            && let (true, Some(last)) = (bare, elts.last())
        {
            let last = self.tree.expr(*last).span;
            let written = self.between_keyword_and_colon(stmt.start, last);
            self.tree.exprs[id.0 as usize].span = written;
            return Ok(id);
        }
        let written = self.between_keyword_and_colon(stmt.start, span);
        if !self.text_of(written).ends_with(',') {
            return Ok(id);
        }
        let tuple = self.leaf(written, ExprKind::Tuple { elts: vec![id] });
        self.tree.expr_parents[id.0 as usize] = Some(tuple);
        Ok(tuple)
    }

    fn cases(&mut self, nodes: &[ast::MatchCase], id: StmtId) -> Lowered<Vec<MatchCase>> {
        let mut cases = Vec::with_capacity(nodes.len());
        for node in nodes {
            let pattern = self.pattern(&node.pattern)?;
            let guard = self.optional(node.guard.as_deref())?;
            cases.push(MatchCase {
                pattern,
                guard,
                body: self.block(&node.body, Some(id))?,
            });
        }
        Ok(cases)
    }

    fn handlers(
        &mut self,
        nodes: &[ast::ExceptHandler],
        id: StmtId,
    ) -> Lowered<Vec<ExceptHandler>> {
        let mut handlers = Vec::with_capacity(nodes.len());
        for node in nodes {
            let ast::ExceptHandler::ExceptHandler(node) = node;
            let mut span = self.span(node.range);
            let exception = self.optional(node.type_.as_deref())?;
            let after = exception.map_or(span.start, |it| self.tree.expr(it).span.end);
            let name = node.name.as_ref().map(|_| self.name_after(after, "as"));
            let body = self.block(&node.body, Some(id))?;
            if let Some(end) = self.last_of_suites(id) {
                span.end = end;
            }
            handlers.push(ExceptHandler {
                exception,
                name,
                body,
                span,
            });
        }
        Ok(handlers)
    }
}

/// Where the `def` or `class` keyword is to be looked for.
fn header(span: Span, decorators: &[ast::Expr]) -> u32 {
    let last = decorators.last().map(|last| u32::from(last.end()));
    last.map_or(span.start, |last| last.max(span.start))
}
