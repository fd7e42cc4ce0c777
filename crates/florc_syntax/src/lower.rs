//! Lowers the parser's tree to our arena tree: ids, exact spans, identifiers with places.
//!
//! ```python
//! @cache                # the parser's range of `f` starts at `def`; ours at `@`
//! def f(x): return (y := (x))      # the parser's range of the walrus ends before `)`
//! ```
//!
//! Checks what the parser lets through and Python refuses (targets, starred expressions). Gives
//! names no meaning.

mod check;
mod compound;
mod expr;
mod fstring;
mod params;
mod pattern;
mod place;
mod stmt;

use rustpython_ast as ast;
use rustpython_parser::text_size::TextRange;

use crate::token::Tokens;
use crate::tree::{Expr, ExprId, ExprKind, StmtId, Tree};
use crate::{Diagnostic, Severity, SourceText, Span};

/// Depth of statements and expressions together, beyond which a file is refused. CPython's own
/// compiler gives up at some 1,000 to 3,000.
const MAX_DEPTH: u32 = 1_000;

type Lowered<T> = Result<T, Diagnostic>;

/// Lowers the statements of a module.
pub(crate) fn lower(
    source: &SourceText,
    tokens: &Tokens,
    suite: &[ast::Stmt],
) -> Result<Tree, Diagnostic> {
    let mut lowerer = Lowerer {
        source,
        tokens,
        tree: Tree::default(),
        stmt: StmtId(0),
        parent: None,
        depth: 0,
        level: 0,
        around: Around::default(),
        clip: Span::new(0, source.text().len() as u32),
    };
    lowerer.tree.body = lowerer.block(suite, None)?;
    Ok(lowerer.tree)
}

/// What decides whether `break`, `continue` and `return` may stand.
#[derive(Clone, Copy, Default)]
struct Around {
    is_loop: bool,
    is_function: bool,
}

struct Lowerer<'a> {
    source: &'a SourceText,
    tokens: &'a Tokens,
    tree: Tree,
    /// The statement being lowered.
    stmt: StmtId,
    /// The expression around the one being lowered, in the same statement.
    parent: Option<ExprId>,
    depth: u32,
    /// f-strings around the current expression.
    level: u32,
    /// The loop and function that the current statement is in.
    around: Around,
    /// What spans are cut to: the parser sees a field with parentheses that are not there.
    clip: Span,
}

impl Lowerer<'_> {
    fn refuse<T>(&self, span: Span, title: impl Into<String>) -> Lowered<T> {
        Err(Diagnostic::new(
            "syntax-error",
            Severity::Error,
            self.source,
            span,
            title,
        ))
    }

    fn span(&self, range: TextRange) -> Span {
        let span = Span::new(range.start().into(), range.end().into());
        Span::new(span.start.max(self.clip.start), span.end.min(self.clip.end))
    }

    fn deeper(&mut self, span: Span) -> Lowered<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.refuse(Span::empty(span.start), "this code is too deeply nested");
        }
        Ok(())
    }

    /// A new expression with an id; its kind comes later.
    fn reserve(&mut self, span: Span) -> ExprId {
        let id = ExprId(self.tree.exprs.len() as u32);
        self.tree.exprs.push(Expr {
            span,
            kind: ExprKind::Ellipsis,
        });
        self.tree.expr_stmts.push(self.stmt);
        self.tree.expr_parents.push(self.parent);
        id
    }

    /// A new expression without parts.
    fn leaf(&mut self, span: Span, kind: ExprKind) -> ExprId {
        let id = self.reserve(span);
        self.tree.exprs[id.0 as usize].kind = kind;
        id
    }
}
