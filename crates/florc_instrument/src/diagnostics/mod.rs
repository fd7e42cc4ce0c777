//! The diagnostics of the plan, one file each; what a code means at length is its page under
//! `docs/src/diagnostics/`.
//!
//! ```python
//! for x in loader:      # block-returns: this loop is not skipped, since …
//!     if bad(x):
//!         return None   # … it may return from here
//! ```
//!
//! Each file words one finding. None of them decides whether it applies: that is the plan's work.

use florc_syntax::tree::{StmtId, StmtKind};
use florc_syntax::{Module, Span};

pub mod block_breaks_out;
pub mod block_deletes_outer;
pub mod block_returns;
pub mod block_suspends;
pub mod cut_point_missing;
pub mod dynamic_names;
pub mod main_loop_not_recreatable;
pub mod main_loop_suspends;
pub mod misplaced_directive;
pub mod no_main_loop;
pub mod program_too_involved;
pub mod shadowed_print;
pub mod skip_refused;
pub mod state_out_of_reach;
pub mod unknown_code;
pub mod unknown_directive;
pub mod unknown_loop;

/// Every code of this crate, in alphabetical order.
pub const CODES: &[&str] = &[
    block_breaks_out::CODE,
    block_deletes_outer::CODE,
    block_returns::CODE,
    block_suspends::CODE,
    cut_point_missing::CODE,
    dynamic_names::CODE,
    main_loop_not_recreatable::CODE,
    main_loop_suspends::CODE,
    misplaced_directive::CODE,
    no_main_loop::CODE,
    program_too_involved::CODE,
    shadowed_print::CODE,
    skip_refused::CODE,
    state_out_of_reach::CODE,
    unknown_code::CODE,
    unknown_directive::CODE,
    unknown_loop::CODE,
];

/// Codes of the other crates' diagnostics, which have pages too.
const ELSEWHERE: &[&str] = &[
    "bad-settings",
    "not-log-only",
    "probe-unproven",
    "probe-without-place",
    "syntax-error",
    "undecodable-source",
    "where-expression",
];

/// Whether a diagnostic has this code.
pub fn is_code(code: &str) -> bool {
    [CODES, crate::lints::CODES, ELSEWHERE]
        .into_iter()
        .any(|codes| codes.contains(&code))
}

/// The header of a loop, up to the end of its iterable or test: what a diagnostic points at.
pub(crate) fn header(module: &Module, stmt: StmtId) -> Span {
    let whole = module.tree.stmt(stmt).span;
    let last = match &module.tree.stmt(stmt).kind {
        StmtKind::For { iter, .. } => *iter,
        StmtKind::While { test, .. } => *test,
        _ => return whole,
    };
    Span::new(
        whole.start,
        module.tree.expr(last).span.end.max(whole.start),
    )
}

#[cfg(test)]
mod tests {
    use super::CODES;

    /// Code, page and Markdown test go together.
    #[test]
    fn every_code_has_a_page_and_a_case() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        for code in CODES.iter().chain(crate::lints::CODES) {
            let page = std::fs::read_to_string(format!("{root}/docs/src/diagnostics/{code}.md"));
            assert!(
                page.is_ok_and(|text| text.starts_with(&format!("# {code}\n"))),
                "{code}: page"
            );
            let elsewhere = [
                super::cut_point_missing::CODE,
                super::program_too_involved::CODE,
                super::unknown_loop::CODE,
            ];
            if elsewhere.contains(code) {
                continue; // met in replay (tests/reuse.rs), in huge programs, with settings (tests/settings.rs)
            }
            let case =
                std::fs::read_to_string(format!("{root}/fixtures/mdtest/diagnostics/{code}.md"));
            assert!(
                case.is_ok_and(|text| text.contains(&format!("{code} "))),
                "{code}: mdtest"
            );
        }
        assert!(CODES.is_sorted(), "{CODES:?}");
        assert!(crate::lints::CODES.is_sorted());
    }
}
