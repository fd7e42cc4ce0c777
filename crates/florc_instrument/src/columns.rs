//! The typed values inside a log statement.
//!
//! ```python
//! print(f"epoch {epoch} loss {total / n:.4f}", best)
//! # columns: `epoch`, `total / n` (wrapped in florc.v); arguments: covered, `best`
//! ```
//!
//! Only what is evaluated exactly once whenever the statement runs is a column: nothing inside
//! lambdas, conditionals, `and`/`or`, comprehensions, and no `{x=}` field, whose text is shown.

use florc_manifest::{Column, LogKind};
use florc_syntax::tree::{ExprId, ExprKind, FStringPart, Keyword, Operator};

use crate::decide::Facts;

/// What a log statement logs.
#[derive(Default)]
pub(crate) struct Logged {
    /// Expressions to announce, in evaluation order.
    pub(crate) exprs: Vec<ExprId>,
    /// Their names.
    pub(crate) names: Vec<Column>,
    /// Per positional argument before the first `*`: the name of its value, if it is one.
    pub(crate) arguments: Vec<Option<String>>,
}

/// The columns of the log statement `call`.
pub(crate) fn of(facts: Facts<'_>, call: ExprId, kind: LogKind) -> Logged {
    let mut found = Logged::default();
    let ExprKind::Call { args, .. } = &facts.module.tree.expr(call).kind else {
        return found;
    };
    let plain = !suspends(facts, call);
    let mut starred = false;
    for (index, argument) in args.iter().enumerate() {
        starred |= matches!(
            facts.module.tree.expr(*argument).kind,
            ExprKind::Starred { .. }
        );
        let before = found.exprs.len();
        if plain && kind == LogKind::Row {
            row_fields(facts, *argument, &mut found);
        } else if plain && (kind != LogKind::AddScalars || index == 0) {
            collect(facts, *argument, &mut found);
        }
        if !starred {
            let covered = found.exprs.len() > before || is_literal(facts, *argument);
            let name = (!covered).then(|| argument_name(facts, call, index, kind));
            found.arguments.push(name);
        }
    }
    found
}

/// The source of an expression on one line.
pub(crate) fn text(facts: Facts<'_>, expr: ExprId) -> String {
    let source = facts.module.source.slice(facts.module.tree.expr(expr).span);
    source.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A statement that may suspend in its arguments could be interleaved with itself.
fn suspends(facts: Facts<'_>, call: ExprId) -> bool {
    facts.module.tree.all_exprs(call).into_iter().any(|expr| {
        matches!(
            facts.module.tree.expr(expr).kind,
            ExprKind::Await { .. } | ExprKind::Yield { .. } | ExprKind::YieldFrom { .. }
        )
    })
}

fn collect(facts: Facts<'_>, expr: ExprId, found: &mut Logged) {
    let tree = &facts.module.tree;
    match &tree.expr(expr).kind {
        ExprKind::FString { parts } => {
            for part in parts {
                if let FStringPart::Field {
                    expr, debug: false, ..
                } = part
                {
                    push(facts, *expr, None, found);
                }
            }
        }
        ExprKind::Call {
            func,
            args,
            keywords,
        } => call_fields(facts, *func, args, keywords, found),
        ExprKind::BinOp {
            left,
            op: Operator::Mod,
            right,
        } if is_text(facts, *left) => {
            collect(facts, *left, found);
            percent_fields(facts, *right, found);
        }
        ExprKind::BinOp {
            left,
            op: Operator::Add,
            right,
        } => {
            collect(facts, *left, found);
            collect(facts, *right, found);
        }
        ExprKind::Dict { items } => {
            for item in items {
                if let Some(key) = item.key {
                    push(facts, item.value, literal_text(facts, key), found);
                }
            }
        }
        _ => {}
    }
}

/// `[epoch, loss]` of a `writerow`.
fn row_fields(facts: Facts<'_>, row: ExprId, found: &mut Logged) {
    match &facts.module.tree.expr(row).kind {
        ExprKind::List { elts } | ExprKind::Tuple { elts } => {
            for cell in elts {
                let before = found.exprs.len();
                collect(facts, *cell, found);
                if found.exprs.len() == before {
                    push(facts, *cell, None, found);
                }
            }
        }
        _ => collect(facts, row, found),
    }
}

/// `"…".format(a, b=c)` and `str(a)` (the latter inside a concatenation).
fn call_fields(
    facts: Facts<'_>,
    func: ExprId,
    args: &[ExprId],
    keywords: &[Keyword],
    found: &mut Logged,
) {
    match &facts.module.tree.expr(func).kind {
        ExprKind::Attribute { value, attr } if attr.text == "format" && is_text(facts, *value) => {
            collect(facts, *value, found);
            let named = keywords.iter().filter(|keyword| keyword.name.is_some());
            for value in args
                .iter()
                .copied()
                .chain(named.map(|keyword| keyword.value))
            {
                push(facts, value, None, found);
            }
        }
        ExprKind::Name(name) if name == "str" && keywords.is_empty() => {
            if let [argument] = args {
                push(facts, *argument, None, found);
            }
        }
        _ => {}
    }
}

/// The right side of `"…" % …`.
fn percent_fields(facts: Facts<'_>, right: ExprId, found: &mut Logged) {
    match &facts.module.tree.expr(right).kind {
        ExprKind::Tuple { elts } => {
            for value in elts {
                push(facts, *value, None, found);
            }
        }
        ExprKind::Dict { .. } => collect(facts, right, found),
        _ => push(facts, right, None, found),
    }
}

fn push(facts: Facts<'_>, expr: ExprId, name: Option<String>, found: &mut Logged) {
    let starred = matches!(facts.module.tree.expr(expr).kind, ExprKind::Starred { .. });
    if starred || is_literal(facts, expr) {
        return;
    }
    let name = name.unwrap_or_else(|| value_name(facts, expr));
    found.exprs.push(expr);
    found.names.push(Column { name });
}

fn value_name(facts: Facts<'_>, expr: ExprId) -> String {
    match &facts.module.tree.expr(expr).kind {
        ExprKind::Named { target, .. } => text(facts, *target),
        _ => text(facts, expr),
    }
}

/// The value of `add_scalar(tag, value)` and `florc.log(name, value)` is called by its tag, that of
/// `run["loss"].append(value)` by its key.
fn argument_name(facts: Facts<'_>, call: ExprId, index: usize, kind: LogKind) -> String {
    let ExprKind::Call { func, args, .. } = &facts.module.tree.expr(call).kind else {
        return String::new();
    };
    let tag = match kind {
        LogKind::Series if index == 0 => series_key(facts, *func),
        LogKind::AddScalar
        | LogKind::AddScalars
        | LogKind::AddValue
        | LogKind::FlorcLog
        | LogKind::TrackerLog
        | LogKind::Metric
        | LogKind::ModuleLog
            if index == 1 =>
        {
            args.first().and_then(|tag| literal_text(facts, *tag))
        }
        _ => None,
    };
    tag.unwrap_or_else(|| value_name(facts, args[index]))
}

/// The key in `run[key].append`.
fn series_key(facts: Facts<'_>, func: ExprId) -> Option<String> {
    let ExprKind::Attribute { value, .. } = &facts.module.tree.expr(func).kind else {
        return None;
    };
    let ExprKind::Subscript { slice, .. } = &facts.module.tree.expr(*value).kind else {
        return None;
    };
    Some(literal_text(facts, *slice).unwrap_or_else(|| value_name(facts, *slice)))
}

fn literal_text(facts: Facts<'_>, expr: ExprId) -> Option<String> {
    match &facts.module.tree.expr(expr).kind {
        ExprKind::Str(text) => Some(text.clone()),
        _ => None,
    }
}

fn is_text(facts: Facts<'_>, expr: ExprId) -> bool {
    matches!(
        facts.module.tree.expr(expr).kind,
        ExprKind::Str(_) | ExprKind::FString { .. }
    )
}

fn is_literal(facts: Facts<'_>, expr: ExprId) -> bool {
    matches!(
        facts.module.tree.expr(expr).kind,
        ExprKind::Str(_)
            | ExprKind::Bytes(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Complex(_)
            | ExprKind::True
            | ExprKind::False
            | ExprKind::None
            | ExprKind::Ellipsis
    )
}
