//! Random numbers that a second run would not draw again.
//!
//! ```python
//! model = nn.Linear(4, 2)           # drawn from torch's generator, which nobody seeded
//! rng = np.random.default_rng()     # seeded by the system
//! ```
//!
//! Looks at scripts that train. A generator counts as seeded wherever the script's own code may get
//! to a call that seeds it, and where a helper of another module has `seed` in its name. One finding
//! for each of `random`, `numpy` and `torch`.

use florc_semantic::Callee;
use florc_syntax::tree::{ExprKind, StmtKind};
use florc_syntax::{Diagnostic, Severity};

use super::Scene;
use super::calls::CallParts;
use crate::known::KNOWLEDGE;

/// The code.
pub const CODE: &str = "unseeded-rng";

/// A global generator: its name, and how it is seeded.
const GENERATORS: &[(&str, &str)] = &[
    ("random", "random.seed(0)"),
    ("numpy", "numpy.random.seed(0)"),
    ("torch", "torch.manual_seed(0)"),
];

/// Constructors whose first argument is the seed.
const MAKERS: &[&str] = &[
    "numpy.random.RandomState",
    "numpy.random.default_rng",
    "random.Random",
];

/// Functions that seed, with the generator.
const SEEDS: &[(&str, &str)] = &[
    ("numpy.random.seed", "numpy"),
    ("numpy.random.set_state", "numpy"),
    ("random.seed", "random"),
    ("random.setstate", "random"),
    ("torch.manual_seed", "torch"),
    ("torch.random.manual_seed", "torch"),
    ("torch.random.set_rng_state", "torch"),
    ("torch.set_rng_state", "torch"),
];

/// Parts of torch whose construction draws.
const DRAWING_LAYERS: &[&str] = &[
    "Bilinear",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Embedding",
    "EmbeddingBag",
    "GRU",
    "GRUCell",
    "LSTM",
    "LSTMCell",
    "Linear",
    "MultiheadAttention",
    "RNN",
    "RNNCell",
    "Transformer",
    "TransformerDecoderLayer",
    "TransformerEncoderLayer",
];

/// Looks for it.
pub(crate) fn find(scene: &Scene<'_>) -> Vec<Diagnostic> {
    if !scene.trains_as_script() {
        return Vec::new();
    }
    let calls: Vec<CallParts<'_>> = scene.calls().collect();
    let mut findings = Vec::new();
    for (generator, how) in GENERATORS {
        if calls.iter().any(|call| seeds(scene, *call, generator)) {
            continue;
        }
        let drawing = calls.iter().filter(|call| draws(scene, **call, generator));
        if let Some(call) = drawing.min_by_key(|call| scene.span(call.expr).start) {
            findings.push(report(scene, *call, generator, how));
        }
    }
    let made = calls
        .into_iter()
        .filter(|call| is_unseeded_object(scene, *call));
    findings.extend(made.map(|call| unseeded_object(scene, call)));
    findings
}

fn report(scene: &Scene<'_>, call: CallParts<'_>, generator: &str, how: &str) -> Diagnostic {
    let title = format!("`{generator}` is never seeded: a second run draws other numbers");
    let span = scene.span(call.expr);
    let drawn = format!("`{}` draws from `{generator}`", scene.text(call.func));
    scene
        .finding(CODE, Severity::Warning, span, title)
        .with_reason(span, drawn)
        .with_help(format!("call `{how}` at the start of the script"))
}

fn unseeded_object(scene: &Scene<'_>, call: CallParts<'_>) -> Diagnostic {
    let callee = scene.text(call.func);
    let title =
        format!("this `{callee}()` is seeded by the system: a second run draws other numbers");
    let span = scene.span(call.expr);
    scene
        .finding(CODE, Severity::Warning, span, title)
        .with_help(format!("give a seed: `{callee}(0)`"))
}

fn is_unseeded_object(scene: &Scene<'_>, call: CallParts<'_>) -> bool {
    scene
        .path(call)
        .is_some_and(|path| MAKERS.contains(&path.as_str()))
        && !has_seed(scene, call)
        && scene.starts(scene.facts.semantics.function_of_expr(call.expr))
}

/// Whether a call has an argument that is not `None`.
fn has_seed(scene: &Scene<'_>, call: CallParts<'_>) -> bool {
    let keywords = call.keywords.iter().map(|keyword| keyword.value);
    let mut values = call.args.iter().copied().chain(keywords);
    values.any(|value| !scene.is_none(value))
}

fn draws(scene: &Scene<'_>, call: CallParts<'_>, generator: &str) -> bool {
    let Some(path) = scene.path(call) else {
        return false;
    };
    let own = call
        .keyword("generator")
        .is_some_and(|value| !scene.is_none(value));
    let of_torch =
        generator == "torch" && (makes_parameters(&path) || shuffles(scene, &path, call));
    let listed = path.starts_with(generator)
        && SEEDS.iter().all(|(seed, _)| *seed != path)
        && !path.contains("seed")
        && !path.contains("rng")
        && KNOWLEDGE
            .function(&path)
            .is_some_and(|rule| rule.rng.iter().any(|it| it == generator));
    (listed || of_torch) && !own && scene.starts(scene.facts.semantics.function_of_expr(call.expr))
}

fn makes_parameters(path: &str) -> bool {
    path.strip_prefix("torch.nn.")
        .is_some_and(|name| DRAWING_LAYERS.contains(&name))
}

fn shuffles(scene: &Scene<'_>, path: &str, call: CallParts<'_>) -> bool {
    path == "torch.utils.data.DataLoader"
        && call
            .keyword("shuffle")
            .is_some_and(|value| scene.is_true(value))
}

/// Whether a call may seed a generator, and may run.
fn seeds(scene: &Scene<'_>, call: CallParts<'_>, generator: &str) -> bool {
    let semantics = scene.facts.semantics;
    let caller = semantics.function_of_expr(call.expr);
    let direct = match semantics.callee(call.expr).map(|found| &found.callee) {
        Some(Callee::Library(path)) => match SEEDS.iter().find(|(seed, _)| seed == path) {
            Some((_, seeded)) => *seeded == generator && has_seed(scene, call),
            None => is_foreign_helper(path),
        },
        Some(Callee::Method { name, .. }) => {
            name.contains("seed")
                && !matches!(name.as_str(), "seed" | "manual_seed" | "initial_seed")
        }
        Some(Callee::Unknown) => scene
            .last_name(call)
            .is_some_and(|name| name.contains("seed")),
        Some(Callee::Functions(_)) | None => false,
    };
    direct && (scene.starts(caller) || is_mentioned(scene, caller))
}

/// `lightning.seed_everything(1)`, `from common import init_seeds`.
fn is_foreign_helper(path: &str) -> bool {
    let (package, name) = (path.split('.').next(), path.rsplit('.').next());
    let own = matches!(package, Some("builtins" | "numpy" | "random" | "torch"));
    !own && name.is_some_and(|name| name.to_lowercase().contains("seed"))
}

/// Whether any code names a function: it may be called in a way that the call graph does not show.
fn is_mentioned(scene: &Scene<'_>, function: florc_semantic::FunctionId) -> bool {
    let found = scene.facts.semantics.function(function);
    let tree = &scene.module().tree;
    let Some(StmtKind::FunctionDef(def)) = found.stmt.map(|stmt| &tree.stmt(stmt).kind) else {
        return true;
    };
    let binding = scene.facts.semantics.binding_of_identifier(def.name.span);
    let inside = found
        .stmt
        .map(|stmt| tree.stmt(stmt).span)
        .unwrap_or_default();
    let dunder = def.name.text.starts_with("__") || !def.decorators.is_empty();
    let mut exprs = scene
        .exprs()
        .filter(|expr| !inside.contains_span(scene.span(*expr)));
    dunder
        || exprs.any(|expr| match &tree.expr(expr).kind {
            ExprKind::Name(_) => {
                binding.is_some() && scene.facts.semantics.binding_of_name(expr) == binding
            }
            ExprKind::Attribute { attr, .. } => attr.text == def.name.text,
            _ => false,
        })
}
