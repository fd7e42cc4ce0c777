//! The lints of `florc check`, one file each; what a code means at length is its page under
//! `docs/src/diagnostics/`.
//!
//! ```python
//! rng = np.random.default_rng()      # unseeded-rng: a second run draws other numbers
//! ```
//!
//! A lint reads what the analyses found; none of them edits or changes the plan. A warning is meant
//! to be right nearly always: where a lint is unsure it says nothing, or only advises.

use florc_syntax::Diagnostic;

mod calls;
mod device;
pub mod local_class;
pub mod log_changes_state;
pub mod nondeterministic_cuda;
pub mod opaque_call;
mod scene;
pub mod shadowed_log;
pub mod synchronising_log;
pub mod unrepeatable_iterator;
pub mod unseeded_rng;
pub mod worker_rng;

pub(crate) use scene::Scene;

/// Every code of a lint, in alphabetical order.
pub const CODES: &[&str] = &[
    local_class::CODE,
    log_changes_state::CODE,
    nondeterministic_cuda::CODE,
    opaque_call::CODE,
    shadowed_log::CODE,
    synchronising_log::CODE,
    unrepeatable_iterator::CODE,
    unseeded_rng::CODE,
    worker_rng::CODE,
];

/// What all lints find, in no order.
pub(crate) fn run(scene: &Scene<'_>) -> Vec<Diagnostic> {
    let lints: [fn(&Scene<'_>) -> Vec<Diagnostic>; 9] = [
        local_class::find,
        log_changes_state::find,
        nondeterministic_cuda::find,
        opaque_call::find,
        shadowed_log::find,
        synchronising_log::find,
        unrepeatable_iterator::find,
        unseeded_rng::find,
        worker_rng::find,
    ];
    lints.into_iter().flat_map(|lint| lint(scene)).collect()
}
