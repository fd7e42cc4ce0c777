//! Loops that give log rows their context.
//!
//! ```python
//! for batch in loader:       # for batch in florc.loop("t.py:train/batch", loader):
//!     print(loss)            # a row with context `batch=…`
//! ```
//!
//! Loops from which no log statement can be reached are left as they are. Neither are those of
//! generators and coroutines counted, whose iterations mix with their callers' code.

use florc_manifest::LoopSite;
use florc_syntax::tree::StmtKind;

use crate::decide::Facts;
use crate::plan::{CountedLoop, Plan};

/// Adds the counted loops to the plan.
pub(crate) fn choose(facts: Facts<'_>, plan: &mut Plan) {
    let mut found = Vec::new();
    for each in &facts.semantics.loops {
        let stmt = facts.module.tree.stmt(each.stmt);
        let asynchronous = matches!(stmt.kind, StmtKind::For { is_async: true, .. });
        let skipped = plan.is_main_loop(each.stmt) || asynchronous || facts.suspends(each.function);
        if !skipped && facts.may_log(&[each.stmt], &plan.logs) {
            let site = LoopSite {
                id: facts.loop_id(each),
                label: each.label.clone(),
                span: facts.span(stmt.span),
            };
            found.push(CountedLoop {
                stmt: each.stmt,
                site,
            });
        }
    }
    found.sort_by_key(|counted| facts.module.tree.stmt(counted.stmt).span.start);
    plan.loops = found;
}
