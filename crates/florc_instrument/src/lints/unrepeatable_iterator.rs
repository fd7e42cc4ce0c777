//! An iterator that lives across iterations of the main loop.
//!
//! ```python
//! batches = stream()             # a generator that reads, counts, remembers
//! for step in range(1000):
//!     x, y = next(batches)       # half-way through its items at every checkpoint
//! ```
//!
//! The runtime makes iterators of sequences, of loaders without workers and generators that only hand
//! on what a loop over a parameter gives again: these are no finding. Looks at the state that the main
//! loop carries. Iterators in attributes are not looked for; the recorder notes those.

use florc_manifest::Root;
use florc_semantic::{BindingId, Callee, Definition, DefinitionKind, FunctionId, Resolution};
use florc_syntax::tree::{ExprId, ExprKind, Keyword, StmtId, StmtKind};
use florc_syntax::{Diagnostic, Severity};

use super::Scene;
use crate::plan::MainLoop;

/// The code.
pub const CODE: &str = "unrepeatable-iterator";

/// Functions whose results are as far as what they draw from: the runtime saves and restores their
/// own position.
const WRAPPERS: &[&str] = &[
    "builtins.enumerate",
    "builtins.filter",
    "builtins.iter",
    "builtins.map",
    "builtins.zip",
    "itertools.chain",
    "itertools.cycle",
    "itertools.islice",
    "tqdm.auto.tqdm",
    "tqdm.tqdm",
];

const LOADER: &str = "torch.utils.data.DataLoader";

/// Looks for it.
pub(crate) fn find(scene: &Scene<'_>) -> Vec<Diagnostic> {
    if !scene.trains_as_script() {
        return Vec::new();
    }
    let mains = scene.plan.main_loops.iter();
    mains.flat_map(|main| of_loop(scene, main)).collect()
}

fn of_loop(scene: &Scene<'_>, main: &MainLoop) -> Vec<Diagnostic> {
    let scope = scene.facts.semantics.scope_of_stmt(main.stmt);
    let live = main.site.roots.iter().filter(|root| root.live);
    let bindings =
        live.filter_map(
            |root: &Root| match scene.facts.semantics.lookup(scope, &root.name) {
                Resolution::Binding(binding) => Some(binding),
                Resolution::Builtin(_) | Resolution::Unknown(_) => None,
            },
        );
    bindings
        .filter_map(|binding| of_binding(scene, main, binding))
        .collect()
}

fn of_binding(scene: &Scene<'_>, main: &MainLoop, binding: BindingId) -> Option<Diagnostic> {
    let around = scene.module().tree.stmt(main.stmt).span;
    let found = scene.facts.semantics.binding(binding);
    let made = found
        .definitions
        .iter()
        .find_map(|definition| match definition.kind {
            DefinitionKind::Assign(value) => {
                let outside = !around.contains_span(definition.span);
                (outside && makes_iterator(scene, value)).then_some(value)
            }
            _ => None,
        })?;
    let drawn = drawn_from(scene, binding)?;
    let name = &found.name;
    let title = format!(
        "replay cannot start inside `{}`: `{name}` is half-way through its items there",
        main.site.label
    );
    let finding = scene
        .finding(CODE, Severity::Warning, scene.span(drawn), title)
        .with_reason(
            scene.span(made),
            format!("`{name}` is made here, before the loop"),
        )
        .with_reason(scene.span(drawn), "and drawn from in the loop")
        .with_help("make the iterator anew in each iteration, or loop over what it is made from");
    Some(finding)
}

/// Whether an expression gives an iterator whose position cannot be read, or what makes one when it
/// is iterated.
fn makes_iterator(scene: &Scene<'_>, value: ExprId) -> bool {
    let semantics = scene.facts.semantics;
    let ExprKind::Call { args, .. } = &scene.module().tree.expr(value).kind else {
        return matches!(
            scene.module().tree.expr(value).kind,
            ExprKind::GeneratorExp { .. }
        );
    };
    match semantics.callee(value).map(|call| &call.callee) {
        Some(Callee::Library(path)) if WRAPPERS.contains(&path.as_str()) => {
            let held = args.iter().map(|argument| assigned(scene, *argument));
            held.into_iter().any(|held| makes_iterator(scene, held))
        }
        Some(Callee::Library(path)) => path == LOADER && has_workers(scene, value),
        Some(Callee::Functions(functions)) => {
            let makes = |id: &FunctionId| {
                let function = semantics.function(*id);
                function.is_generator && !function.is_async && !hands_on(scene, *id)
            };
            semantics.constructed_class(value).is_none() && functions.iter().any(makes)
        }
        Some(Callee::Method { .. } | Callee::Unknown) | None => false,
    }
}

/// What a name was assigned, if that was one thing.
fn assigned(scene: &Scene<'_>, value: ExprId) -> ExprId {
    let semantics = scene.facts.semantics;
    let binding = semantics.binding_of_name(value);
    let definitions = binding.map(|id| semantics.binding(id).definitions.as_slice());
    match definitions {
        Some(
            [
                Definition {
                    kind: DefinitionKind::Assign(made),
                    ..
                },
            ],
        ) => *made,
        Some(_) | None => value,
    }
}

fn has_workers(scene: &Scene<'_>, call: ExprId) -> bool {
    let tree = &scene.module().tree;
    let ExprKind::Call { keywords, .. } = &tree.expr(call).kind else {
        return false;
    };
    let own = |keyword: &&Keyword| {
        keyword
            .name
            .as_ref()
            .is_some_and(|it| it.text == "num_workers")
    };
    let workers = keywords.iter().find(own);
    workers.is_some_and(|workers| scene.module().source.slice(tree.expr(workers.value).span) != "0")
}

/// Whether a generator is one loop over a parameter that ends in its `yield`.
fn hands_on(scene: &Scene<'_>, function: FunctionId) -> bool {
    let tree = &scene.module().tree;
    let is_text = |stmt: &&StmtId| match &tree.stmt(**stmt).kind {
        StmtKind::Expr { value } => matches!(tree.expr(*value).kind, ExprKind::Str(_)),
        _ => false,
    };
    let body = scene.facts.body_of(function);
    let mut stmts: Vec<StmtId> = body.iter().filter(|stmt| !is_text(stmt)).copied().collect();
    if let [outer] = stmts.as_slice()
        && let StmtKind::While { body, .. } = &tree.stmt(*outer).kind
    {
        stmts.clone_from(body);
    }
    let [only] = stmts.as_slice() else {
        return false;
    };
    let yields = |value: ExprId| match &tree.expr(value).kind {
        ExprKind::Yield { .. } => true,
        ExprKind::YieldFrom { value } => matches!(tree.expr(*value).kind, ExprKind::Name(_)),
        _ => false,
    };
    match &tree.stmt(*only).kind {
        StmtKind::For { iter, body, .. } => {
            let last = body.last().map(|stmt| &tree.stmt(*stmt).kind);
            let ends = matches!(last, Some(StmtKind::Expr { value }) if yields(*value));
            ends && matches!(tree.expr(*iter).kind, ExprKind::Name(_))
        }
        StmtKind::Expr { value } => yields(*value),
        _ => false,
    }
}

/// A `next(it)` in the main loop.
fn drawn_from(scene: &Scene<'_>, binding: BindingId) -> Option<ExprId> {
    let mut calls = scene.calls().filter(|call| scene.in_main_loop(call.expr));
    let found = calls.find(|call| {
        let first = call.args.first().copied();
        scene.path(*call).as_deref() == Some("builtins.next")
            && first.and_then(|it| scene.facts.semantics.binding_of_name(it)) == Some(binding)
    })?;
    Some(found.expr)
}
