//! The passes that make the plan, in their order.
//!
//! ```python
//! for epoch in range(3):     # logs, clocks; main loop; SkipBlocks; counted loops; guards
//!     print(epoch)
//! ```
//!
//! Decides nothing itself, and edits nothing.

use florc_effects::Effects;
use florc_manifest::{Settings, SourceSpan};
use florc_semantic::{BindingId, Definition, Link, Loop, Semantics};
use florc_syntax::tree::StmtId;
use florc_syntax::{Diagnostic, Module, Span};

use crate::diagnostics::{
    misplaced_directive, no_main_loop, shadowed_print, skip_refused, unknown_code,
    unknown_directive, unknown_loop,
};
use crate::directives::Directives;
use crate::lints::{self, Scene};
use crate::plan::Plan;
use crate::wishes::Wishes;
use crate::{Options, blocks, clocks, contexts, guards, logs, main_loop, reuse};

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
        source_span(self.module, span)
    }

    /// `train.py:main/epoch`: the file and the path of a loop.
    pub(crate) fn loop_id(&self, each: &Loop) -> String {
        let start = self.module.tree.stmt(each.stmt).span.start;
        format!("{}:{}", self.module.source.file_of(start).path, each.path)
    }

    /// Whether a variable is imported and no data of another file of the program: such names do
    /// not change.
    pub(crate) fn is_fixed_import(&self, id: BindingId) -> bool {
        let binding = self.semantics.binding(id);
        let mut definitions = binding.definitions.iter();
        let from_program = |definition: &Definition| {
            let targets = self.semantics.import_targets(definition);
            targets
                .iter()
                .any(|target| matches!(target, Link::Binding(_)))
        };
        let mut data = || definitions.any(from_program) && self.effects.is_data(id);
        binding.is_import && !data()
    }

    /// Whether a statement stands in the entry of the program.
    pub(crate) fn in_entry(&self, stmt: StmtId) -> bool {
        self.module
            .source
            .file_of(self.module.tree.stmt(stmt).span.start)
            .start
            == 0
    }

    /// Whether a place is in a library's file: what it logs is not the user's.
    pub(crate) fn in_library(&self, span: Span) -> bool {
        self.module.source.file_of(span.start).is_library
    }

    /// The manifest's form of a statement's place.
    pub(crate) fn stmt_span(&self, stmt: StmtId) -> SourceSpan {
        self.span(self.module.tree.stmt(stmt).span)
    }
}

/// The manifest's form of a place in a module or linked program.
pub fn source_span(module: &Module, span: Span) -> SourceSpan {
    let source = &module.source;
    let file = source.file_of(span.start);
    let path = if file.start == 0 { "" } else { &file.path };
    let (local, place) = (source.local(span), source.line_column(span.start));
    SourceSpan {
        file: path.to_owned(),
        start: local.start,
        end: local.end,
        line: place.line,
        column: place.column,
    }
}

/// Where a place of the manifest is in a module or linked program; `None` in no file of it.
pub fn program_span(module: &Module, place: &SourceSpan) -> Option<Span> {
    let span = Span::new(place.start, place.end);
    module.source.global(&place.file, span)
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
    let directives = Directives::of(module);
    diagnostics.extend(directives.findings.iter().cloned());
    let (wishes, found) = Wishes::new(facts, &directives, &options.settings);
    diagnostics.extend(found);
    let clocks = clocks::find(facts, &logs);
    let mut plan = Plan {
        logs,
        clocks,
        ..Plan::default()
    };
    plan.isolated = reuse::isolated(facts, &options.isolated);
    plan.doubtful = reuse::statements(facts, &options.doubtful);
    plan.impure = reuse::statements(facts, &options.impure);
    if let Some(recorded) = &options.reuse {
        diagnostics.extend(reuse::cut_points(facts, recorded, &mut plan));
    } else {
        diagnostics.extend(main_loop::choose(facts, &wishes, &mut plan));
        diagnostics.extend(blocks::choose(facts, &wishes, &mut plan));
    }
    contexts::choose(facts, &mut plan);
    guards::choose(facts, &mut plan);
    retain_wanted(&mut diagnostics, facts, &directives, &options.settings);
    diagnostics.sort_by_key(|finding| (finding.span.start, finding.span.end, finding.code));
    (plan, diagnostics)
}

/// Findings of the plan that hold of a file whoever runs it.
const OF_ANY_FILE: &[&str] = &[
    misplaced_directive::CODE,
    shadowed_print::CODE,
    skip_refused::CODE,
    unknown_code::CODE,
    unknown_directive::CODE,
    unknown_loop::CODE,
];

/// As [`plan`], for the findings alone, with those of the lints. That a file has no training is no
/// finding here: most files have none.
pub(crate) fn check(
    module: &Module,
    semantics: &Semantics,
    effects: &Effects,
    options: &Options,
) -> Vec<Diagnostic> {
    let facts = Facts {
        module,
        semantics,
        effects,
    };
    let (plan, mut diagnostics) = plan(module, semantics, effects, options);
    let scene = Scene::new(facts, &plan);
    if scene.trains_as_script() {
        diagnostics.retain(|finding| finding.code != no_main_loop::CODE);
    } else {
        // Of a module that others run the plan is another one.
        diagnostics.retain(|finding| OF_ANY_FILE.contains(&finding.code));
    }
    let mut found = lints::run(&scene);
    retain_wanted(
        &mut found,
        facts,
        &Directives::of(module),
        &options.settings,
    );
    diagnostics.extend(found);
    diagnostics.sort_by_key(|finding| (finding.span.start, finding.span.end, finding.code));
    diagnostics
}

/// Drops findings that comments or settings ignore.
fn retain_wanted(
    found: &mut Vec<Diagnostic>,
    facts: Facts<'_>,
    directives: &Directives,
    settings: &Settings,
) {
    found.retain(|finding| {
        let by_setting = settings.ignore.iter().any(|code| code == finding.code);
        !by_setting && !directives.ignore(facts.module, finding)
    });
}
