//! Edits inside lines: log statements, memoized reads and counted iterables.
//!
//! ```python
//! print(f"{epoch} {time.time()}")
//! florc.print(0, f"{florc.v(0, epoch)} {florc.v(0, florc.clock(0, time.time))}")
//! ```
//!
//! Only `(` of a call in call form is ever replaced; all else is insertions, so the user's bytes
//! stay, whatever quotes or format specs stand around them.

use florc_manifest::LogKind;
use florc_syntax::tree::{ExprId, ExprKind, StmtKind};
use florc_syntax::{EditSet, Module, Span};

use super::lines::literal;
use crate::logs::open_paren_of;
use crate::plan::{LogStatement, Plan};

/// What goes around one expression.
struct Wrap {
    span: Span,
    before: String,
    after: String,
    replace: Option<(Span, String)>,
}

/// Adds all edits of a file that stay inside a line.
pub(crate) fn edit(module: &Module, file: Span, plan: &Plan, florc: &str, edits: &mut EditSet) {
    let mut wraps = iterables(module, plan, florc);
    for (site, log) in plan.logs.iter().enumerate() {
        log_statement(module, site, log, florc, &mut wraps);
    }
    for (site, clock) in plan.clocks.iter().enumerate() {
        wraps.extend(call_form(
            module,
            clock.call,
            &format!("{florc}.clock({site}, "),
        ));
    }
    wraps.retain(|wrap| file.contains_span(wrap.span));
    wraps.sort_by_key(|wrap| (wrap.span.start, std::cmp::Reverse(wrap.span.end)));
    for wrap in &wraps {
        edits.insert(wrap.span.start, wrap.before.clone());
        if let Some((span, text)) = &wrap.replace {
            edits.replace(*span, text.clone());
        }
    }
    wraps.sort_by_key(|wrap| (wrap.span.end, std::cmp::Reverse(wrap.span.start)));
    for wrap in wraps.into_iter().filter(|wrap| !wrap.after.is_empty()) {
        edits.insert(wrap.span.end, wrap.after);
    }
}

/// `florc.main_loop("id", iterable)` and `florc.loop("id", iterable)`.
fn iterables(module: &Module, plan: &Plan, florc: &str) -> Vec<Wrap> {
    let main = plan
        .main_loops
        .iter()
        .map(|main| (main.stmt, "main_loop", &main.site.id));
    let counted = plan
        .loops
        .iter()
        .map(|counted| (counted.stmt, "loop", &counted.site.id));
    main.chain(counted)
        .filter_map(|(stmt, hook, id)| match &module.tree.stmt(stmt).kind {
            StmtKind::For { iter, .. } => Some(around(
                module,
                *iter,
                format!("{florc}.{hook}({}, ", literal(id)),
            )),
            _ => None,
        })
        .collect()
}

/// A call of one more argument around an expression.
fn around(module: &Module, expr: ExprId, before: String) -> Wrap {
    let node = module.tree.expr(expr);
    let bare = matches!(
        node.kind,
        ExprKind::Tuple { .. } | ExprKind::Yield { .. } | ExprKind::YieldFrom { .. }
    );
    let (before, after) = if bare {
        (before + "(", "))".to_owned())
    } else {
        (before, ")".to_owned())
    };
    Wrap {
        span: node.span,
        before,
        after,
        replace: None,
    }
}

fn log_statement(
    module: &Module,
    site: usize,
    log: &LogStatement,
    florc: &str,
    wraps: &mut Vec<Wrap>,
) {
    if log.site.kind == LogKind::Print && is_name(module, log.call) {
        wraps.extend(print_form(module, log.call, site, florc));
    } else {
        wraps.extend(call_form(
            module,
            log.call,
            &format!("{florc}.call({site}, "),
        ));
    }
    for column in &log.columns {
        wraps.push(around(module, *column, format!("{florc}.v({site}, ")));
    }
}

fn is_name(module: &Module, call: ExprId) -> bool {
    let ExprKind::Call { func, .. } = &module.tree.expr(call).kind else {
        return false;
    };
    matches!(&module.tree.expr(*func).kind, ExprKind::Name(name) if name == "print")
}

/// `print(…)` to `florc.print(site, …)`.
fn print_form(module: &Module, call: ExprId, site: usize, florc: &str) -> Vec<Wrap> {
    let ExprKind::Call {
        func,
        args,
        keywords,
    } = &module.tree.expr(call).kind
    else {
        return Vec::new();
    };
    let Some(paren) = open_paren_of(module, call) else {
        return Vec::new();
    };
    let span = module.tree.expr(call).span;
    let name = module.tree.expr(*func).span;
    let empty = args.is_empty() && keywords.is_empty();
    let bare = bare_generator(module, span, args);
    let first = match (empty, bare) {
        (true, _) => site.to_string(),
        (false, true) => format!("{site}, ("),
        (false, false) => format!("{site}, "),
    };
    let inside = Span::new(paren + 1, span.end.saturating_sub(1));
    let after = if bare { ")" } else { "" };
    vec![
        Wrap {
            span: name,
            before: format!("{florc}."),
            after: String::new(),
            replace: None,
        },
        Wrap {
            span: inside,
            before: first,
            after: after.to_owned(),
            replace: None,
        },
    ]
}

/// `f(…)` to `{prefix}f, …)`.
fn call_form(module: &Module, call: ExprId, prefix: &str) -> Vec<Wrap> {
    let ExprKind::Call { args, keywords, .. } = &module.tree.expr(call).kind else {
        return Vec::new();
    };
    let Some(paren) = open_paren_of(module, call) else {
        return Vec::new();
    };
    let span = module.tree.expr(call).span;
    let comma = match (
        args.is_empty() && keywords.is_empty(),
        bare_generator(module, span, args),
    ) {
        (true, _) => "",
        (false, true) => ", (",
        (false, false) => ", ",
    };
    let mut wraps = vec![Wrap {
        span,
        before: prefix.to_owned(),
        after: String::new(),
        replace: Some((Span::new(paren, paren + 1), comma.to_owned())),
    }];
    if comma == ", (" {
        let inside = Span::new(paren + 1, span.end.saturating_sub(1));
        wraps.push(Wrap {
            span: inside,
            before: String::new(),
            after: ")".into(),
            replace: None,
        });
    }
    wraps
}

/// A generator expression that may share its parentheses with the call: it needs its own when
/// another argument comes before it. One with a comma after it has them already.
fn bare_generator(module: &Module, call: Span, args: &[ExprId]) -> bool {
    let [only] = args else { return false };
    let node = module.tree.expr(*only);
    let gap = module.source.slice(Span::new(node.span.end, call.end));
    let comma = gap
        .lines()
        .any(|line| line.split('#').next().is_some_and(|l| l.contains(',')));
    matches!(node.kind, ExprKind::GeneratorExp { .. }) && !comma
}
