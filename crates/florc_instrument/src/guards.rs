//! Functions that announce themselves, since a region from which no call of theirs is known may not run them.
//!
//! ```python
//! class Batches(Sampler):
//!     def set_epoch(self, epoch):
//!         florc.entered(0)            # not expected in the SkipBlock: whoever calls it there is not understood
//!         self.epoch = epoch
//! ```
//!
//! What a cut point holds is what its region is understood to change. A library may call what nobody expects; if a
//! function that changes something runs where it was not expected, the run says so, and no replay skips the region.
//! Only functions that unseen code can get at are guarded: methods, generators, lambdas, and whatever is named other
//! than to call it.

use std::collections::BTreeSet;

use florc_effects::Cause;
use florc_manifest::GuardSite;
use florc_semantic::{Function, FunctionId, FunctionKind};
use florc_syntax::Span;
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};

use crate::decide::Facts;
use crate::plan::{Guard, GuardedBody, Plan};

/// Modules that compile the source text of functions, to which a hook is unknown.
const COMPILERS: [&str; 4] = ["numba", "triton", "taichi", "cython"];
/// The same of attributes: `torch.compile`, `torch.jit.script`.
const COMPILES: [&str; 4] = ["compile", "export", "script", "script_method"];

/// Adds the guards to the plan, which has its cut points.
pub(crate) fn choose(facts: Facts<'_>, plan: &mut Plan) {
    let mains = plan
        .main_loops
        .iter()
        .map(|it| (it.stmt, &it.site.id, true));
    let blocks = plan
        .skip_blocks
        .iter()
        .map(|it| (it.stmt, &it.site.id, false));
    let regions: Vec<Region> = mains
        .chain(blocks)
        .map(|(stmt, id, is_main)| Region {
            id: id.clone(),
            stmt,
            is_main,
            expected: facts.effects.may_reach(&[stmt]),
        })
        .collect();
    if regions.is_empty() || compiles_sources(facts) {
        return;
    }
    let body: &[StmtId] = facts.module.tree.bodies().next().map_or(&[], |body| body);
    let program = Program {
        regions,
        called: facts.called_from(body),
    };
    for function in &facts.semantics.functions {
        plan.guards.extend(guard(facts, function, &program));
    }
}

struct Program {
    regions: Vec<Region>,
    /// Functions that resolved calls reach.
    called: BTreeSet<FunctionId>,
}

/// A main loop or a SkipBlock.
struct Region {
    id: String,
    stmt: StmtId,
    is_main: bool,
    expected: BTreeSet<FunctionId>,
}

fn guard(facts: Facts<'_>, function: &Function, program: &Program) -> Option<Guard> {
    let regions = &program.regions;
    let (body, span) = body(facts, function)?;
    let is_within_reach = facts.semantics.escaping_functions().contains(&function.id);
    if !is_within_reach || facts.in_library(span) {
        return None;
    }
    let is_around = |region: &Region| span.contains_span(facts.module.tree.stmt(region.stmt).span);
    if regions
        .iter()
        .any(|region| region.is_main && is_around(region))
    {
        return None;
    }
    let unexpected = regions
        .iter()
        .filter(|region| !region.expected.contains(&function.id) && !is_around(region))
        .map(|region| region.id.clone());
    let sites: Vec<String> = unexpected.collect();
    let changes = changes_something(facts, function);
    // Of what no line is known to call, log statements would be missed too.
    if sites.is_empty() || !changes && program.called.contains(&function.id) {
        return None;
    }
    let site = GuardSite {
        function: function.qualname.clone(),
        span: facts.span(span),
        changes,
        sites,
    };
    Some(Guard { body, site })
}

/// The code of a function, and the whole of it.
fn body(facts: Facts<'_>, function: &Function) -> Option<(GuardedBody, Span)> {
    let tree = &facts.module.tree;
    match (function.kind, function.stmt, function.expr) {
        (FunctionKind::Def, Some(stmt), _) if is_plain(facts, stmt) => {
            Some((GuardedBody::Def(stmt), tree.stmt(stmt).span))
        }
        (FunctionKind::Lambda, _, Some(expr))
            if !function.is_generator && !is_shown(facts, expr) =>
        {
            match &tree.expr(expr).kind {
                ExprKind::Lambda { body, .. } => {
                    Some((GuardedBody::Lambda(*body), tree.expr(expr).span))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether an expression is in an f-string, which may show its text.
fn is_shown(facts: Facts<'_>, expr: ExprId) -> bool {
    let tree = &facts.module.tree;
    let around = std::iter::successors(tree.expr_parent(expr), |it| tree.expr_parent(*it));
    around
        .into_iter()
        .any(|it| matches!(tree.expr(it).kind, ExprKind::FString { .. }))
}

/// Whether a call leaves anything behind but its result, which is what `__init__` makes of `self`: attributes that it
/// sets there are no change, as far as the first reason of each tells.
fn changes_something(facts: Facts<'_>, function: &Function) -> bool {
    let summary = facts.effects.summary(function.id);
    let made = function
        .params
        .first()
        .filter(|_| function.name == "__init__");
    let made = made.map(|it| format!("{}.", facts.semantics.binding(*it).name));
    let is_making = |cause: &Cause| {
        let place = cause
            .steps
            .first()
            .map(|(span, _)| facts.module.source.slice(*span));
        place
            .zip(made.as_deref())
            .is_some_and(|(text, made)| text.starts_with(made) || text.starts_with("super()"))
    };
    let mut changed = summary.parameters.values().chain(summary.mutated.values());
    !changed.all(is_making)
        || !summary.bound.is_empty()
        || !summary.opaque.is_empty()
        || summary.hidden.files
        || summary.hidden.device
        || !summary.hidden.library.is_empty()
}

/// Whether no decorator compiles the function: `@jax.jit`, `@njit`. Others call what they are given.
fn is_plain(facts: Facts<'_>, stmt: StmtId) -> bool {
    let tree = &facts.module.tree;
    match &tree.stmt(stmt).kind {
        StmtKind::FunctionDef(def) => def
            .decorators
            .iter()
            .all(|it| !last_name(facts, *it).contains("jit")),
        _ => false,
    }
}

/// `no_grad` of `@torch.no_grad()`.
fn last_name(facts: Facts<'_>, expr: ExprId) -> &str {
    match &facts.module.tree.expr(expr).kind {
        ExprKind::Call { func, .. } => last_name(facts, *func),
        ExprKind::Attribute { attr, .. } => &attr.text,
        ExprKind::Name(name) => name,
        _ => "",
    }
}

/// Whether the program gives functions to a compiler that reads their source text or byte code.
fn compiles_sources(facts: Facts<'_>) -> bool {
    let tree = &facts.module.tree;
    let by_import = (0..tree.stmt_count() as u32).any(|id| match &tree.stmt(StmtId(id)).kind {
        StmtKind::Import { names } => names.iter().any(|alias| is_compiler(&alias.name.text)),
        StmtKind::ImportFrom { module, names, .. } => module.as_ref().is_some_and(|name| {
            is_compiler(&name.text)
                || name.text.starts_with("torch")
                    && names
                        .iter()
                        .any(|alias| COMPILES.contains(&alias.name.text.as_str()))
        }),
        _ => false,
    });
    by_import
        || (0..tree.expr_count() as u32).any(|id| match &tree.expr(ExprId(id)).kind {
            ExprKind::Attribute { value, attr } => {
                COMPILES.contains(&attr.text.as_str())
                    && !matches!(&tree.expr(*value).kind, ExprKind::Name(name) if name == "re")
            }
            _ => false,
        })
}

fn is_compiler(module: &str) -> bool {
    let first = module.split('.').next().unwrap_or(module);
    COMPILERS.contains(&first)
}
