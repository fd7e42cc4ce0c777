//! The passes that make the plan, in their order.
//!
//! ```python
//! for epoch in range(3):     # logs, clocks; main loop; SkipBlocks; counted loops
//!     print(epoch)
//! ```
//!
//! Decides nothing itself, and edits nothing.

use florc_effects::Effects;
use florc_manifest::SourceSpan;
use florc_semantic::Semantics;
use florc_syntax::tree::StmtId;
use florc_syntax::{Diagnostic, Module, Span};

use crate::plan::Plan;
use crate::{Options, blocks, clocks, contexts, logs, main_loop, reuse};

/// What is known of the module under instrumentation.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) module: &'a Module,
    pub(crate) semantics: &'a Semantics,
    pub(crate) effects: &'a Effects,
}

impl Facts<'_> {
    /// The manifest's form of a place.
    pub(crate) fn span(&self, span: Span) -> SourceSpan {
        let place = self.module.source.line_column(span.start);
        SourceSpan {
            start: span.start,
            end: span.end,
            line: place.line,
            column: place.column,
        }
    }

    /// `train.py:main/epoch` from the path of a loop.
    pub(crate) fn loop_id(&self, path: &str) -> String {
        format!("{}:{path}", self.module.source.path())
    }

    /// The manifest's form of a statement's place.
    pub(crate) fn stmt_span(&self, stmt: StmtId) -> SourceSpan {
        self.span(self.module.tree.stmt(stmt).span)
    }
}

/// Decides every cut point and site; with `options.reuse` the cut points are those recorded.
pub fn plan(
    module: &Module,
    semantics: &Semantics,
    effects: &Effects,
    options: &Options,
) -> (Plan, Vec<Diagnostic>) {
    let facts = Facts {
        module,
        semantics,
        effects,
    };
    let (logs, mut diagnostics) = logs::find(facts);
    let clocks = clocks::find(facts, &logs);
    let mut plan = Plan {
        logs,
        clocks,
        ..Plan::default()
    };
    if let Some(recorded) = &options.reuse {
        diagnostics.extend(reuse::cut_points(facts, recorded, &mut plan));
    } else {
        diagnostics.extend(main_loop::choose(facts, &mut plan));
        diagnostics.extend(blocks::choose(facts, &mut plan));
    }
    contexts::choose(facts, &mut plan);
    diagnostics.sort_by_key(|finding| (finding.span.start, finding.span.end, finding.code));
    (plan, diagnostics)
}
