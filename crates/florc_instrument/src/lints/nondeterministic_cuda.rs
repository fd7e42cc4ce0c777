//! An operation whose result on CUDA differs from run to run in its last bits.
//!
//! ```python
//! torch.backends.cudnn.benchmark = True                  # the fastest algorithm of the day
//! loss = nn.CTCLoss()(log_probs.cuda(), y, n, m)         # its gradient adds in any order
//! ```
//!
//! The table is torch's own list (`torch.use_deterministic_algorithms`), without what depends on
//! values that the source does not show. Says nothing where the module names no CUDA device, or asks
//! torch for deterministic algorithms. Convolutions are left out: nearly every model has them, and
//! torch picks deterministic ones for most shapes.

use florc_syntax::tree::ExprKind;
use florc_syntax::{Diagnostic, Severity, Span};

use super::Scene;
use super::calls::CallParts;

/// The code.
pub const CODE: &str = "nondeterministic-cuda";

/// Functions and classes, without `torch.`. Sorted.
const CALLS: &[&str] = &[
    "index_add",
    "nn.AdaptiveAvgPool3d",
    "nn.AdaptiveMaxPool2d",
    "nn.AvgPool3d",
    "nn.CTCLoss",
    "nn.FractionalMaxPool2d",
    "nn.FractionalMaxPool3d",
    "nn.MaxUnpool1d",
    "nn.MaxUnpool2d",
    "nn.MaxUnpool3d",
    "nn.ReflectionPad1d",
    "nn.ReflectionPad2d",
    "nn.ReflectionPad3d",
    "nn.functional.ctc_loss",
    "nn.functional.grid_sample",
    "scatter_add",
    "scatter_reduce",
];

/// Methods that only tensors have. Sorted.
const METHODS: &[&str] = &[
    "index_add",
    "index_add_",
    "scatter_add",
    "scatter_add_",
    "scatter_reduce",
    "scatter_reduce_",
];

/// Modes of `interpolate` and `Upsample` whose gradients are not deterministic.
const MODES: &[&str] = &["bicubic", "bilinear", "linear", "trilinear"];

/// Looks for it.
pub(crate) fn find(scene: &Scene<'_>) -> Vec<Diagnostic> {
    let mut findings = benchmark(scene);
    if scene.is_deterministic() {
        return findings;
    }
    let Some(cuda) = scene.cuda() else {
        return findings;
    };
    for call in scene.calls() {
        if let Some(why) = why(scene, call) {
            findings.push(report(scene, call, cuda, why));
        }
    }
    findings
}

fn report(scene: &Scene<'_>, call: CallParts<'_>, cuda: Span, why: &str) -> Diagnostic {
    let callee = scene.last_name(call).unwrap_or("this").to_owned();
    let title = format!("`{callee}` is not deterministic on CUDA: {why}");
    let span = scene.span(call.func);
    scene
        .finding(CODE, Severity::Warning, span, title)
        .with_reason(cuda, "the device may be CUDA")
        .with_help("call `torch.use_deterministic_algorithms(True)`, or use another operation")
}

/// Why a call is not deterministic.
fn why(scene: &Scene<'_>, call: CallParts<'_>) -> Option<&'static str> {
    const ORDER: &str = "it adds in an order that changes from run to run";
    let path = scene.path(call);
    let Some(name) = path.as_deref().and_then(|path| path.strip_prefix("torch.")) else {
        let method = matches!(
            scene.module().tree.expr(call.func).kind,
            ExprKind::Attribute { .. }
        );
        let name = scene.last_name(call)?;
        let known = method && path.is_none() && METHODS.binary_search(&name).is_ok();
        return known.then_some(ORDER);
    };
    match name {
        "bincount" => call.keyword("weights").map(|_| ORDER),
        "nn.functional.interpolate" | "nn.Upsample" => {
            let mode = call.keyword("mode").and_then(|mode| scene.literal(mode));
            mode.filter(|mode| MODES.contains(mode)).map(|_| ORDER)
        }
        _ => CALLS.binary_search(&name).is_ok().then_some(ORDER),
    }
}

/// `torch.backends.cudnn.benchmark = True`.
fn benchmark(scene: &Scene<'_>) -> Vec<Diagnostic> {
    let set = scene.assignments_to("torch.backends.cudnn.benchmark");
    if set.iter().any(|(_, on)| !on) {
        return Vec::new();
    }
    let title = "`cudnn.benchmark` picks the algorithm that is fastest at the moment: the last bits \
                 differ from run to run";
    let found = set.into_iter().map(|(span, _)| {
        scene
            .finding(CODE, Severity::Warning, span, title)
            .with_help("set it to `False`")
    });
    found.collect()
}
