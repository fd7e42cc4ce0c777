//! Call sites inside of training loops: which of the library names are known.
//!
//! ```python
//! loss = F.cross_entropy(net(x), y)   # external: torch.nn.functional.cross_entropy; a value: net
//! loss.backward()                     # external: `.backward`
//! ```
//!
//! Two questions for each: does a knowledge file know the name, and did the analysis know the call
//! (its receiver's type too). Functions of the project are not external.

use std::collections::BTreeSet;

use florc_semantic::{Callee, FunctionId};
use florc_syntax::Span;
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};

use crate::one::{Compiled, KNOWLEDGE};

/// What a call site calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    /// A function of the same file.
    Own,
    /// A function or class that was imported, by its path, or a builtin.
    Function(String),
    /// A method, by its name.
    Method(String),
    /// A value that is called: `model(x)`.
    Value,
}

/// A call site in a loop that trains, or in a function that runs in one.
pub(crate) struct Site {
    pub(crate) named: Named,
    /// A knowledge file has the name.
    pub(crate) known: bool,
    /// The analysis knew what the call does.
    pub(crate) resolved: bool,
}

/// The call sites of a file that run in training loops, each once.
pub(crate) fn of(compiled: &Compiled) -> Vec<Site> {
    let (tree, semantics) = (&compiled.module.tree, &compiled.semantics);
    let spans: Vec<Span> = semantics
        .loops
        .iter()
        .filter(|each| compiled.effects.trains(&[each.stmt]))
        .map(|each| tree.stmt(each.stmt).span)
        .collect();
    if spans.is_empty() {
        return Vec::new();
    }
    let in_loop = |expr: ExprId| {
        spans
            .iter()
            .any(|it| it.contains_span(tree.expr(expr).span))
    };
    let mut reached: BTreeSet<FunctionId> = BTreeSet::new();
    let calls = semantics.calls();
    let callees = |keep: &dyn Fn(&florc_semantic::Call) -> bool| -> Vec<FunctionId> {
        let kept = calls.iter().filter(|call| keep(call));
        kept.filter_map(|call| match &call.callee {
            Callee::Functions(functions) => Some(functions.clone()),
            _ => None,
        })
        .flatten()
        .collect()
    };
    let mut queue = callees(&|call| in_loop(call.expr));
    while let Some(function) = queue.pop() {
        if reached.insert(function) {
            queue.extend(callees(&|call| call.caller == function));
        }
    }
    let opaque = opaque_spans(compiled);
    calls
        .iter()
        .filter(|call| in_loop(call.expr) || reached.contains(&call.caller))
        .map(|call| site(compiled, call, &opaque))
        .collect()
}

fn opaque_spans(compiled: &Compiled) -> BTreeSet<Span> {
    let all = compiled.semantics.functions.iter();
    all.flat_map(|function| compiled.effects.summary(function.id).opaque)
        .map(|(span, _)| span)
        .collect()
}

fn site(compiled: &Compiled, call: &florc_semantic::Call, opaque: &BTreeSet<Span>) -> Site {
    let tree = &compiled.module.tree;
    let named = match &call.callee {
        Callee::Functions(_) => Named::Own,
        Callee::Library(path) => Named::Function(path.clone()),
        Callee::Method { name, .. } if name != "__call__" => Named::Method(name.clone()),
        Callee::Method { .. } => Named::Value,
        Callee::Unknown => match &tree.expr(call.expr).kind {
            ExprKind::Call { func, .. } => match &tree.expr(*func).kind {
                ExprKind::Attribute { attr, .. } => Named::Method(attr.text.clone()),
                _ => Named::Value,
            },
            _ => Named::Value,
        },
    };
    let known = match &named {
        Named::Own | Named::Value => true,
        Named::Function(path) => KNOWLEDGE.knows_function(path),
        Named::Method(name) => KNOWLEDGE.knows_method(name),
    };
    Site {
        named,
        known,
        resolved: !opaque.contains(&tree.expr(call.expr).span),
    }
}

/// Names of all functions that a file defines.
pub(crate) fn defined(compiled: &Compiled) -> BTreeSet<String> {
    let functions = compiled.semantics.functions.iter();
    functions.map(|function| function.name.clone()).collect()
}

/// Names of attributes that a file assigns: `self.model(x)` calls a value.
pub(crate) fn stored(compiled: &Compiled) -> BTreeSet<String> {
    let tree = &compiled.module.tree;
    let stmts = (0..tree.stmt_count() as u32).map(StmtId);
    let targets = stmts.flat_map(|stmt| match &tree.stmt(stmt).kind {
        StmtKind::Assign { targets, .. } => targets.clone(),
        StmtKind::AnnAssign { target, .. } => vec![*target],
        _ => Vec::new(),
    });
    let parts = targets.flat_map(|target| tree.all_exprs(target));
    parts
        .filter_map(|part| match &tree.expr(part).kind {
            ExprKind::Attribute { attr, .. } => Some(attr.text.clone()),
            _ => None,
        })
        .collect()
}
