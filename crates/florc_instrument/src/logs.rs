//! Log statements: which calls put values where the user sees them.
//!
//! ```python
//! print(f"loss {loss:.3f}")                    # print, column `loss`
//! logger.info("lr %g", lr)                     # logging, argument `lr`
//! writer.add_scalar("loss/train", loss, step)  # arguments `loss/train`, `step`
//! ```
//!
//! What a call logs, and under which names, is the work of `columns`. No other call is touched,
//! and nothing is assumed of what a log statement prints to.

use std::collections::BTreeSet;

use florc_effects::LogCall;
use florc_manifest::{LogKind, LogSite};
use florc_semantic::{BindingId, Resolution};
use florc_syntax::tree::{ExprId, ExprKind, FStringPart, StmtId, StmtKind};
use florc_syntax::{Diagnostic, Module, Span};

use crate::columns;
use crate::decide::Facts;
use crate::diagnostics::shadowed_print;
use crate::plan::LogStatement;

const LEVELS: &[&str] = &[
    "debug",
    "info",
    "warning",
    "warn",
    "error",
    "critical",
    "exception",
    "log",
];
const LOGGER_NAMES: &[&str] = &["logger", "_logger", "LOGGER", "log", "_log", "LOG"];
const TRACKER_CALLS: &[&str] = &[
    "wandb.log",
    "mlflow.log_metrics",
    "trackio.log",
    "swanlab.log",
];

/// All log statements in source order, and the calls that only look like one.
pub(crate) fn find(facts: Facts<'_>) -> (Vec<LogStatement>, Vec<Diagnostic>) {
    let receivers = Receivers::collect(facts);
    let mut found = Vec::new();
    let mut shadowed: Option<Span> = None;
    for call in own_calls(facts) {
        if let Some(kind) = kind(facts, &receivers, call) {
            found.push(statement(facts, call, kind));
        } else if is_other_print(facts, call) && shadowed.is_none() {
            shadowed = Some(facts.module.tree.expr(call).span);
        }
    }
    let diagnostics = shadowed.map(|span| shadowed_print::report(facts.module, span));
    (found, diagnostics.into_iter().collect())
}

/// The calls in the user's own files.
pub(crate) fn own_calls(facts: Facts<'_>) -> impl Iterator<Item = ExprId> {
    let is_own = move |call: &ExprId| !facts.in_library(facts.module.tree.expr(*call).span);
    calls(facts).into_iter().filter(is_own)
}

/// Every call of the module whose callee is written plainly before its `(`, in source order. Not
/// those in a `{call()=}` field of an f-string, which shows its own text.
pub(crate) fn calls(facts: Facts<'_>) -> Vec<ExprId> {
    let tree = &facts.module.tree;
    let ids = || (0..tree.expr_count() as u32).map(ExprId);
    let mut shown = Vec::new();
    for id in ids() {
        if let ExprKind::FString { parts } = &tree.expr(id).kind {
            shown_fields(parts, &mut shown);
        }
    }
    let mut calls: Vec<ExprId> = ids()
        .filter(|id| open_paren_of(facts.module, *id).is_some())
        .filter(|id| {
            !shown
                .iter()
                .any(|field| field.contains_span(tree.expr(*id).span))
        })
        .collect();
    calls.sort_by_key(|id| {
        (
            tree.expr(*id).span.start,
            std::cmp::Reverse(tree.expr(*id).span.end),
        )
    });
    calls
}

/// Fields that are printed with their source text.
fn shown_fields(parts: &[FStringPart], shown: &mut Vec<Span>) {
    for part in parts {
        if let FStringPart::Field {
            span, debug, spec, ..
        } = part
        {
            if *debug {
                shown.push(*span);
            }
            shown_fields(spec, shown);
        }
    }
}

/// Offset of the `(` of a call; `None` where the callee is in parentheses of its own.
pub(crate) fn open_paren_of(module: &Module, call: ExprId) -> Option<u32> {
    let ExprKind::Call { func, .. } = &module.tree.expr(call).kind else {
        return None;
    };
    let callee = module.tree.expr(*func).span;
    if callee.start != module.tree.expr(call).span.start {
        return None;
    }
    let rest = module.source.text().get(callee.end as usize..)?;
    let gap = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    rest[gap..]
        .starts_with('(')
        .then_some(callee.end + gap as u32)
}

fn statement(facts: Facts<'_>, call: ExprId, kind: LogKind) -> LogStatement {
    let tree = &facts.module.tree;
    let columns::Logged {
        exprs,
        names,
        arguments,
    } = columns::of(facts, call, kind);
    let callee = match &tree.expr(call).kind {
        ExprKind::Call { func, .. } => columns::text(facts, *func),
        _ => String::new(),
    };
    let function = facts.semantics.function_of_expr(call);
    let site = LogSite {
        kind,
        function: facts.semantics.function(function).qualname.clone(),
        span: facts.span(tree.expr(call).span),
        callee,
        columns: names,
        arguments,
    };
    LogStatement {
        call,
        columns: exprs,
        site,
    }
}

/// Variables that hold loggers and tracker runs.
struct Receivers {
    loggers: BTreeSet<BindingId>,
    trackers: BTreeSet<BindingId>,
}

impl Receivers {
    fn collect(facts: Facts<'_>) -> Self {
        let mut receivers = Self {
            loggers: BTreeSet::new(),
            trackers: BTreeSet::new(),
        };
        for id in 0..facts.module.tree.stmt_count() as u32 {
            if let StmtKind::Assign { targets, value } = &facts.module.tree.stmt(StmtId(id)).kind {
                receivers.add(facts, targets, *value);
            }
        }
        receivers
    }

    fn add(&mut self, facts: Facts<'_>, targets: &[ExprId], value: ExprId) {
        let ExprKind::Call { func, .. } = &facts.module.tree.expr(value).kind else {
            return;
        };
        let set = match facts.semantics.qualified(*func).as_deref() {
            Some("logging.getLogger") => &mut self.loggers,
            Some("wandb.init" | "trackio.init" | "swanlab.init") => &mut self.trackers,
            _ => return,
        };
        for target in targets {
            if let Resolution::Binding(binding) = facts.semantics.resolve(*target) {
                set.insert(binding);
            }
        }
    }
}

fn kind(facts: Facts<'_>, receivers: &Receivers, call: ExprId) -> Option<LogKind> {
    facts
        .effects
        .is_log_call(call)
        .map(known_kind)
        .or_else(|| written_kind(facts, receivers, call))
}

fn known_kind(call: LogCall) -> LogKind {
    match call {
        LogCall::Print => LogKind::Print,
        LogCall::Logging => LogKind::Logging,
        LogCall::TqdmWrite => LogKind::TqdmWrite,
        LogCall::AddScalar => LogKind::AddScalar,
        LogCall::TrackerLog => LogKind::TrackerLog,
        LogCall::FlorcLog => LogKind::FlorcLog,
        LogCall::Printed => LogKind::Printed,
        LogCall::Loguru => LogKind::Loguru,
        LogCall::Postfix => LogKind::Postfix,
        LogCall::Text => LogKind::Text,
        LogCall::AddScalars => LogKind::AddScalars,
        LogCall::AddValue => LogKind::AddValue,
        LogCall::Metric => LogKind::Metric,
        LogCall::ModuleLog => LogKind::ModuleLog,
        LogCall::Row => LogKind::Row,
        LogCall::Series => LogKind::Series,
    }
}

fn written_kind(facts: Facts<'_>, receivers: &Receivers, call: ExprId) -> Option<LogKind> {
    let ExprKind::Call { func, .. } = &facts.module.tree.expr(call).kind else {
        return None;
    };
    match &facts.module.tree.expr(*func).kind {
        ExprKind::Name(name) => named_kind(facts, *func, name),
        ExprKind::Attribute { value, attr } => qualified_kind(facts, *func)
            .or_else(|| method_kind(facts, receivers, *value, &attr.text)),
        _ => None,
    }
}

fn named_kind(facts: Facts<'_>, func: ExprId, name: &str) -> Option<LogKind> {
    match facts.semantics.resolve(func) {
        Resolution::Builtin(_) => (name == "print").then_some(LogKind::Print),
        _ => qualified_kind(facts, func),
    }
}

fn qualified_kind(facts: Facts<'_>, func: ExprId) -> Option<LogKind> {
    let name = facts.semantics.qualified(func)?;
    if TRACKER_CALLS.contains(&name.as_str()) {
        return Some(LogKind::TrackerLog);
    }
    match name.rsplit_once('.')? {
        ("logging", level) if LEVELS.contains(&level) => Some(LogKind::Logging),
        ("builtins", "print") => Some(LogKind::Print),
        ("florc", "log") => Some(LogKind::FlorcLog),
        (owner, "write") if owner == "tqdm" || owner.starts_with("tqdm.") => {
            Some(LogKind::TqdmWrite)
        }
        _ => None,
    }
}

fn method_kind(
    facts: Facts<'_>,
    receivers: &Receivers,
    receiver: ExprId,
    method: &str,
) -> Option<LogKind> {
    let binding = facts.semantics.variable(receiver);
    let holds = |set: &BTreeSet<BindingId>| binding.is_some_and(|binding| set.contains(&binding));
    match method {
        "add_scalar" => return Some(LogKind::AddScalar),
        "add_scalars" => return Some(LogKind::AddScalars),
        "set_postfix" => return Some(LogKind::Postfix),
        _ => {}
    }
    if method == "log" && holds(&receivers.trackers) {
        return Some(LogKind::TrackerLog);
    }
    let level = LEVELS.contains(&method);
    let named =
        method != "log" && last_name(facts, receiver).is_some_and(|n| LOGGER_NAMES.contains(&n));
    (level && (holds(&receivers.loggers) || named)).then_some(LogKind::Logging)
}

fn last_name(facts: Facts<'_>, expr: ExprId) -> Option<&str> {
    match &facts.module.tree.expr(expr).kind {
        ExprKind::Name(name) => Some(name),
        ExprKind::Attribute { attr, .. } => Some(&attr.text),
        _ => None,
    }
}

fn is_other_print(facts: Facts<'_>, call: ExprId) -> bool {
    let ExprKind::Call { func, .. } = &facts.module.tree.expr(call).kind else {
        return false;
    };
    matches!(&facts.module.tree.expr(*func).kind, ExprKind::Name(name) if name == "print")
}
