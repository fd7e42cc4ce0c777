//! The recorded cut points, for a source that has gained log statements since.
//!
//! ```python
//! for epoch in range(3):         # recorded as `t.py:epoch`; keeps this id and these roots
//!     print(gradient_norm)       # the probe
//! ```
//!
//! Nothing is chosen: loops that were no cut points when the run was recorded are none now.

use florc_manifest::{MainLoopSite, SkipBlockSite};
use florc_syntax::tree::{StmtId, StmtKind};
use florc_syntax::{Diagnostic, Span};

use crate::Reuse;
use crate::decide::Facts;
use crate::diagnostics::cut_point_missing;
use crate::plan::{MainLoop, Plan, SkipBlock};

/// Puts the recorded cut points into the plan.
pub(crate) fn cut_points(facts: Facts<'_>, recorded: &Reuse, plan: &mut Plan) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    if let Some((span, site)) = &recorded.main_loop {
        match loop_at(facts, *span) {
            Some(stmt) => {
                let site = MainLoopSite {
                    span: facts.span(*span),
                    ..site.clone()
                };
                plan.main_loop = Some(MainLoop { stmt, site });
            }
            None => diagnostics.push(cut_point_missing::report(facts.module, *span, &site.id)),
        }
    }
    for (span, site) in &recorded.skip_blocks {
        match loop_at(facts, *span) {
            Some(stmt) => {
                let has_logs = facts.may_log(&[stmt], &plan.logs);
                let site = SkipBlockSite {
                    span: facts.span(*span),
                    has_logs,
                    ..site.clone()
                };
                plan.skip_blocks.push(SkipBlock { stmt, site });
            }
            None => diagnostics.push(cut_point_missing::report(facts.module, *span, &site.id)),
        }
    }
    plan.skip_blocks.sort_by_key(|block| block.site.span.start);
    diagnostics
}

fn loop_at(facts: Facts<'_>, span: Span) -> Option<StmtId> {
    let tree = &facts.module.tree;
    (0..tree.stmt_count() as u32).map(StmtId).find(|stmt| {
        let node = tree.stmt(*stmt);
        node.span == span && matches!(node.kind, StmtKind::For { .. } | StmtKind::While { .. })
    })
}
