//! Ways to reach variables that names do not show.
//!
//! ```python
//! exec(open("configurator.py").read())     # may bind any global
//! frame.query("a > @limit")                # reads `limit` by name
//! ```
//!
//! Any mention counts, called or not. Libraries that look at frames unasked are not known here.

use florc_syntax::tree::{ExprId, ExprKind, StmtKind, Tree};

use crate::Semantics;
use crate::model::DynamicUse;

/// Finds every mention, in source order; star imports were found before.
pub(crate) fn find(tree: &Tree, semantics: &mut Semantics) {
    for id in (0..tree.expr_count() as u32).map(ExprId) {
        let found = match &tree.expr(id).kind {
            ExprKind::Name(_) | ExprKind::Attribute { .. } => {
                let path = semantics.tables.qualified.get(&id);
                path.filter(|path| !is_of_object(tree, id, path))
                    .and_then(|path| reach(path))
            }
            ExprKind::Call { func, args, .. } => by_text(tree, *func, args),
            _ => None,
        };
        if let Some((locals, reads_globals, writes_globals)) = found {
            semantics.dynamic.push(DynamicUse {
                expr: Some(id),
                stmt: tree.stmt_of(id),
                function: semantics.function_of_expr(id),
                locals,
                reads_globals,
                writes_globals,
            });
        }
    }
    imports_of_main(tree, semantics);
    semantics
        .dynamic
        .sort_by_key(|found| (found.stmt, found.expr));
}

/// (locals, reads globals, writes globals)
type Reach = (bool, bool, bool);

fn reach(path: &str) -> Option<Reach> {
    match path {
        "builtins.exec"
        | "builtins.eval"
        | "inspect.currentframe"
        | "inspect.stack"
        | "sys._getframe"
        | "sys._current_frames"
        | "code.interact"
        | "builtins.breakpoint"
        | "pdb.set_trace"
        | "builtins.locals"
        | "builtins.vars" => Some((true, true, true)),
        "builtins.globals" | "sys.modules" => Some((false, true, true)),
        "numexpr.evaluate" | "pandas.eval" | "pandas.query" => Some((true, true, false)),
        _ => None,
    }
}

/// `vars(args)` looks at an object, `vars()` at the frame.
fn is_of_object(tree: &Tree, id: ExprId, path: &str) -> bool {
    let call = tree.expr_parent(id).map(|parent| &tree.expr(parent).kind);
    let has_arguments = matches!(
        call,
        Some(ExprKind::Call { func, args, .. }) if *func == id && !args.is_empty()
    );
    path == "builtins.vars" && has_arguments
}

/// `frame.query("a > @limit")` and `frame.eval("a + @b")` look names up in the caller's frame.
fn by_text(tree: &Tree, func: ExprId, args: &[ExprId]) -> Option<Reach> {
    let ExprKind::Attribute { attr, .. } = &tree.expr(func).kind else {
        return None;
    };
    let text = args.first().map(|first| &tree.expr(*first).kind);
    let by_text = matches!(attr.text.as_str(), "query" | "eval") && text.is_some();
    by_text.then_some((true, true, false))
}

/// `import __main__` gives every global away.
fn imports_of_main(tree: &Tree, semantics: &mut Semantics) {
    for stmt in (0..tree.stmt_count() as u32).map(florc_syntax::tree::StmtId) {
        let main = match &tree.stmt(stmt).kind {
            StmtKind::Import { names } => names.iter().any(|alias| alias.name.text == "__main__"),
            StmtKind::ImportFrom { module, .. } => module
                .as_ref()
                .is_some_and(|module| module.text == "__main__"),
            _ => false,
        };
        if main {
            let function = semantics.function_of_stmt(stmt);
            semantics.dynamic.push(DynamicUse {
                expr: None,
                stmt,
                function,
                locals: false,
                reads_globals: true,
                writes_globals: true,
            });
        }
    }
}
