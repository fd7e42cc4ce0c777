//! The recorded cut points, for a source that has gained log statements since.
//!
//! ```python
//! for epoch in range(3):         # recorded as `t.py:epoch`; keeps this id and these roots
//!     print(gradient_norm)       # the probe
//! ```
//!
//! Nothing is chosen: loops that were no cut points when the run was recorded are none now.

use std::collections::BTreeSet;

use florc_manifest::{IsolatedSite, MainLoopSite, SkipBlockSite, SourceSpan};
use florc_syntax::tree::{StmtId, StmtKind};
use florc_syntax::{Diagnostic, Span};

use crate::Reuse;
use crate::decide::{Facts, program_span};
use crate::diagnostics::cut_point_missing;
use crate::plan::{Isolated, MainLoop, Plan, SkipBlock};

/// Puts the recorded cut points into the plan.
pub(crate) fn cut_points(facts: Facts<'_>, recorded: &Reuse, plan: &mut Plan) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for site in &recorded.main_loops {
        match loop_at(facts, &site.span) {
            Ok(stmt) => {
                let site = MainLoopSite {
                    span: facts.stmt_span(stmt),
                    ..site.clone()
                };
                plan.main_loops.push(MainLoop { stmt, site });
            }
            Err(span) => diagnostics.push(cut_point_missing::report(facts.module, span, &site.id)),
        }
    }
    let mains: Vec<StmtId> = plan.main_loops.iter().map(|main| main.stmt).collect();
    for site in &recorded.skip_blocks {
        match loop_at(facts, &site.span) {
            Ok(stmt) => {
                let has_logs = facts.may_log(&[stmt], &plan.logs);
                let site = SkipBlockSite {
                    span: facts.stmt_span(stmt),
                    has_logs,
                    redirected: facts.redirects_output() && has_logs,
                    writes: facts.may_write(stmt, &plan.logs),
                    differentiated: facts.may_differentiate_after(stmt, &mains),
                    ..site.clone()
                };
                plan.skip_blocks.push(SkipBlock { stmt, site });
            }
            Err(span) => diagnostics.push(cut_point_missing::report(facts.module, span, &site.id)),
        }
    }
    let start = |stmt: StmtId| facts.module.tree.stmt(stmt).span.start;
    plan.main_loops.sort_by_key(|main| start(main.stmt));
    plan.skip_blocks.sort_by_key(|block| start(block.stmt));
    diagnostics
}

/// The rows of statements at these places.
pub(crate) fn isolated(facts: Facts<'_>, places: &[IsolatedSite]) -> Vec<Isolated> {
    let tree = &facts.module.tree;
    let at = |place: &SourceSpan| {
        let span = program_span(facts.module, place)?;
        let mut all = (0..tree.stmt_count() as u32).map(StmtId);
        all.find(|stmt| tree.stmt(*stmt).span == span)
    };
    let found = places.iter().filter_map(|place| {
        Some(Isolated {
            first: at(&place.span)?,
            last: at(&place.last)?,
            generators: place.generators.clone(),
            is_seen: place.is_seen,
        })
    });
    found.collect()
}

/// The statements at these places.
pub(crate) fn statements(facts: Facts<'_>, places: &[SourceSpan]) -> Vec<StmtId> {
    let spans = places
        .iter()
        .filter_map(|it| program_span(facts.module, it));
    let spans: BTreeSet<Span> = spans.collect();
    let tree = &facts.module.tree;
    let all = (0..tree.stmt_count() as u32).map(StmtId);
    all.filter(|stmt| spans.contains(&tree.stmt(*stmt).span))
        .collect()
}

/// The loop at a place, else the place as it is called here.
fn loop_at(facts: Facts<'_>, place: &SourceSpan) -> Result<StmtId, Span> {
    let span = program_span(facts.module, place).ok_or(Span::default())?;
    let tree = &facts.module.tree;
    let mut all = (0..tree.stmt_count() as u32).map(StmtId);
    let found = all.find(|stmt| {
        let node = tree.stmt(*stmt);
        node.span == span && matches!(node.kind, StmtKind::For { .. } | StmtKind::While { .. })
    });
    found.ok_or(span)
}
