//! Reads of the outer world whose results are memoized.
//!
//! ```python
//! start = time.time()        # start = florc.clock(0, time.time)
//! ```
//!
//! Which functions these are is the effect analysis' knowledge; here they are only found.

use florc_manifest::ClockSite;

use crate::decide::Facts;
use crate::logs;
use crate::plan::{ClockRead, LogStatement};

/// All memoized reads in source order. A log statement is never one. Those of libraries are kept by
/// the runtime.
pub(crate) fn find(facts: Facts<'_>, logs: &[LogStatement]) -> Vec<ClockRead> {
    let mut found = Vec::new();
    for call in logs::own_calls(facts) {
        if logs.iter().any(|log| log.call == call) {
            continue;
        }
        if let Some(callee) = facts.effects.is_clock_call(call) {
            let span = facts.span(facts.module.tree.expr(call).span);
            found.push(ClockRead {
                call,
                site: ClockSite { callee, span },
            });
        }
    }
    found
}
