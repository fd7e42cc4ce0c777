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
use crate::ids::FunctionId;
use crate::model::{DynamicUse, Resolution};
use crate::tables::Use;

/// Finds every mention, in source order; star imports were found before.
pub(crate) fn find(tree: &Tree, semantics: &mut Semantics) {
    for id in (0..tree.expr_count() as u32).map(ExprId) {
        let function = semantics.function_of_expr(id);
        let in_module = semantics.is_module(function);
        let found = match &tree.expr(id).kind {
            ExprKind::Name(name) if semantics.tables.expr_uses[id.0 as usize] == Use::Load => {
                let builtin = format!("builtins.{name}");
                let path = match semantics.tables.expr_names.get(&id) {
                    Some(Resolution::Unknown(_)) => Some(builtin),
                    _ => semantics.qualified(id),
                };
                path.and_then(|path| mentioned(tree, id, &path, in_module))
            }
            ExprKind::Attribute { .. } => {
                let path = semantics.qualified(id);
                path.and_then(|path| mentioned(tree, id, &path, in_module))
            }
            ExprKind::Call { func, args, .. } => by_text(tree, *func, args),
            _ => None,
        };
        if let Some((locals, reads_globals, writes_globals)) = found {
            let module = semantics.module_of(function);
            semantics.dynamic.push(DynamicUse {
                expr: Some(id),
                stmt: tree.stmt_of(id),
                function,
                globals_of: (!every_module(semantics, id)).then_some(module),
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

fn mentioned(tree: &Tree, id: ExprId, path: &str, in_module: bool) -> Option<Reach> {
    match path {
        "builtins.exec"
        | "builtins.eval"
        | "builtins.breakpoint"
        | "inspect.currentframe"
        | "inspect.stack"
        | "sys._getframe"
        | "sys._current_frames"
        | "code.interact"
        | "pdb.set_trace" => Some((true, true, true)),
        // `vars(args)` looks at an object, `vars()` at the frame.
        "builtins.vars" if has_arguments(tree, id) => None,
        // At module level these are the globals.
        "builtins.locals" | "builtins.vars" => Some((true, in_module, in_module)),
        "builtins.globals" | "sys.modules" => Some((false, true, true)),
        "numexpr.evaluate" | "pandas.eval" => Some((true, true, false)),
        _ => None,
    }
}

/// Frames lead to the frames of callers, and `sys.modules` to every module.
fn every_module(semantics: &Semantics, id: ExprId) -> bool {
    let path = semantics.qualified(id);
    path.is_some_and(|path| path.starts_with("inspect.") || path.starts_with("sys."))
}

fn has_arguments(tree: &Tree, func: ExprId) -> bool {
    let call = tree.expr_parent(func).map(|parent| &tree.expr(parent).kind);
    matches!(
        call,
        Some(ExprKind::Call { func: called, args, .. }) if *called == func && !args.is_empty()
    )
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
                globals_of: Some(FunctionId(0)),
                locals: false,
                reads_globals: true,
                writes_globals: true,
            });
        }
    }
}
