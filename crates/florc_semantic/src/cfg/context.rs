//! Which context managers surely let exceptions pass.
//!
//! ```python
//! with torch.no_grad():        # lets them pass: `y` is bound afterwards
//!     y = model(x)
//! with suppress(KeyError):     # does not: `z` may be unbound
//!     z = table[key]
//! ```
//!
//! Whatever is not known by name may swallow an exception.

use florc_syntax::tree::{ExprId, ExprKind, Tree};

use crate::Semantics;

/// Callables whose result lets exceptions pass, by dotted path. Sorted.
const TRANSPARENT: &[&str] = &[
    "builtins.memoryview",
    "builtins.open",
    "concurrent.futures.ProcessPoolExecutor",
    "concurrent.futures.ThreadPoolExecutor",
    "contextlib.closing",
    "contextlib.nullcontext",
    "contextlib.redirect_stderr",
    "contextlib.redirect_stdout",
    "gzip.open",
    "io.open",
    "jax.default_device",
    "multiprocessing.Pool",
    "numpy.errstate",
    "numpy.printoptions",
    "tempfile.NamedTemporaryFile",
    "tempfile.TemporaryDirectory",
    "tempfile.TemporaryFile",
    "threading.Lock",
    "threading.RLock",
    "torch.amp.autocast",
    "torch.autocast",
    "torch.autograd.detect_anomaly",
    "torch.autograd.enable_grad",
    "torch.autograd.inference_mode",
    "torch.autograd.no_grad",
    "torch.autograd.profiler.profile",
    "torch.autograd.profiler.record_function",
    "torch.autograd.set_detect_anomaly",
    "torch.autograd.set_grad_enabled",
    "torch.backends.cuda.sdp_kernel",
    "torch.backends.cudnn.flags",
    "torch.cpu.amp.autocast",
    "torch.cuda.amp.autocast",
    "torch.cuda.device",
    "torch.cuda.stream",
    "torch.device",
    "torch.enable_grad",
    "torch.inference_mode",
    "torch.no_grad",
    "torch.profiler.profile",
    "torch.profiler.record_function",
    "torch.random.fork_rng",
    "torch.set_grad_enabled",
    "torch.utils.tensorboard.SummaryWriter",
    "tqdm.auto.tqdm",
    "tqdm.auto.trange",
    "tqdm.contrib.logging.logging_redirect_tqdm",
    "tqdm.notebook.tqdm",
    "tqdm.tqdm",
    "tqdm.trange",
    "warnings.catch_warnings",
    "zipfile.ZipFile",
];

/// How many names are followed to what they were assigned.
const DEPTH: u32 = 4;

/// Whether `with expr:` may swallow an exception.
pub fn may_suppress(tree: &Tree, semantics: &Semantics, expr: ExprId) -> bool {
    !is_transparent(tree, semantics, expr, DEPTH)
}

fn is_transparent(tree: &Tree, semantics: &Semantics, expr: ExprId, depth: u32) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    match &tree.expr(expr).kind {
        ExprKind::Call { func, .. } => {
            let path = semantics.qualified(*func);
            path.is_some_and(|path| TRANSPARENT.binary_search(&path.as_str()).is_ok())
        }
        ExprKind::IfExp { body, orelse, .. } => {
            is_transparent(tree, semantics, *body, depth)
                && is_transparent(tree, semantics, *orelse, depth)
        }
        ExprKind::Name(_) => {
            let binding = semantics.binding_of_name(expr);
            let value = binding.and_then(|binding| semantics.only_value(binding));
            value.is_some_and(|value| is_transparent(tree, semantics, value, depth))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_list_can_be_searched() {
        assert!(super::TRANSPARENT.is_sorted());
    }
}
