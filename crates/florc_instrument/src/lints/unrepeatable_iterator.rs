//! An iterator that lives across iterations of the main loop.
//!
//! ```python
//! batches = iter(loader)
//! for step in range(1000):
//!     x, y = next(batches)       # half-way through its items at every checkpoint
//! ```
//!
//! Looks at the state that the main loop carries. Iterators in attributes are not looked for; the
//! recorder notes those.

use florc_manifest::Root;
use florc_semantic::{BindingId, Callee, DefinitionKind, Resolution};
use florc_syntax::tree::{ExprId, ExprKind};
use florc_syntax::{Diagnostic, Severity};

use super::Scene;

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
    "itertools.islice",
    "tqdm.auto.tqdm",
    "tqdm.tqdm",
];

/// Functions and classes whose results, or whose iterators, do not say where they are.
const MAKERS: &[&str] = &["itertools.cycle", "torch.utils.data.DataLoader"];

/// Looks for it.
pub(crate) fn find(scene: &Scene<'_>) -> Vec<Diagnostic> {
    let Some(main) = scene
        .plan
        .main_loop
        .as_ref()
        .filter(|_| scene.trains_as_script())
    else {
        return Vec::new();
    };
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
        .filter_map(|binding| of_binding(scene, binding))
        .collect()
}

fn of_binding(scene: &Scene<'_>, binding: BindingId) -> Option<Diagnostic> {
    let main = scene.plan.main_loop.as_ref()?;
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
    match &scene.module().tree.expr(value).kind {
        ExprKind::GeneratorExp { .. } => true,
        ExprKind::Call { args, .. } => match semantics.callee(value).map(|call| &call.callee) {
            Some(Callee::Library(path)) if WRAPPERS.contains(&path.as_str()) => {
                args.iter().any(|argument| makes_iterator(scene, *argument))
            }
            Some(Callee::Library(path)) => MAKERS.contains(&path.as_str()),
            Some(Callee::Functions(functions)) => {
                let makes = |id: &_| {
                    let function = semantics.function(*id);
                    function.is_generator && !function.is_async
                };
                semantics.constructed_class(value).is_none() && functions.iter().any(makes)
            }
            Some(Callee::Method { .. } | Callee::Unknown) | None => false,
        },
        _ => semantics
            .type_of(value)
            .is_some_and(|path| MAKERS.contains(&path.as_str())),
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
