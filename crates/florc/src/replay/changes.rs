//! Compares the working tree with the recorded script and refuses what a replay cannot answer.
//!
//! ```python
//! lr = 0.4       # was 0.5: refused, with this line
//! ```
//!
//! Words the refusal; what a change means is decided in `florc_history`.

use std::collections::BTreeSet;

use florc_effects::{Effects, Knowledge};
use florc_history::{
    Change, ChangeKind, ProbePlaces, SourceDiff, Version, added_globals, classify, diff_sources,
    probe_places, run_by_imports, span_in_current,
};
use florc_instrument::{Options, plan, source_span};
use florc_manifest::{IsolatedSite, ModuleManifest, Settings, SourceSpan};
use florc_semantic::{FunctionId, Semantics};
use florc_syntax::tree::StmtId;
use florc_syntax::{Diagnostic, Module, Severity, SourceText, Span};

use super::find::{Sources, Subject};
use super::isolated::isolated;
use super::judge::EffectJudge;
use crate::analysis;
use crate::failure::Failure;

/// A version of the program with its analysis.
pub(crate) struct Analysed {
    pub(crate) semantics: Semantics,
    pub(crate) effects: Effects,
}

/// What the difference allows.
pub(crate) struct Comparison {
    pub(crate) diff: SourceDiff,
    pub(crate) current: Analysed,
    pub(crate) has_probes: bool,
    /// Added statements and log statements that became others, outermost ones.
    pub(crate) added: Vec<StmtId>,
    /// Globals of other files that only those bind.
    pub(crate) added_globals: Vec<(String, String)>,
    /// Functions that may run when another file is imported.
    pub(crate) run_by_imports: BTreeSet<FunctionId>,
    /// The recorded main loops, by id, where they stand now.
    main_loops: Vec<(String, StmtId)>,
    pub(crate) places: ProbePlaces,
    /// Statements that may change the training: states are compared after them.
    pub(crate) unproven: Vec<Change>,
    /// Where these stand.
    pub(crate) doubtful: Vec<SourceSpan>,
    /// As statements.
    pub(crate) doubtful_statements: Vec<StmtId>,
    /// Main loops that they may run in.
    pub(crate) doubted: BTreeSet<StmtId>,
    /// Statements that change the training and are run all the same, since the user allows it.
    pub(crate) impure: Vec<SourceSpan>,
    /// Added statements around which the random generators are kept and put back.
    pub(crate) isolated: Vec<IsolatedSite>,
}

impl Analysed {
    /// What the compiler makes of the version.
    pub(crate) fn manifest(&self, module: &Module, settings: &Settings) -> ModuleManifest {
        let options = Options {
            settings: settings.clone(),
            ..Options::default()
        };
        let (plan, _) = plan(module, &self.semantics, &self.effects, &options);
        plan.manifest(module.source.path())
    }

    pub(crate) fn new(module: &Module, settings: &Settings) -> Result<Self, Failure> {
        let (own, settings) = (module.clone(), settings.clone());
        analysis::limited(module.source.path(), move || {
            let (semantics, effects, _) = florc_instrument::analyse(&own, &settings);
            Self { semantics, effects }
        })
    }

    /// Of a version that only gained statements nothing is asked: an empty one stands in.
    fn of_recorded(
        sources: &Sources,
        diff: &SourceDiff,
        settings: &Settings,
    ) -> Result<Self, Failure> {
        let only_added = diff.removed.is_empty() && diff.changed.is_empty();
        let empty = SourceText::from_bytes("", Vec::new())
            .and_then(florc_syntax::parse)
            .ok();
        Self::new(
            empty
                .as_ref()
                .filter(|_| only_added)
                .unwrap_or(&sources.recorded),
            settings,
        )
    }

    pub(crate) fn judge<'a>(
        &'a self,
        module: &'a Module,
        knowledge: &'a Knowledge,
    ) -> EffectJudge<'a> {
        EffectJudge {
            module,
            semantics: &self.semantics,
            effects: &self.effects,
            knowledge,
        }
    }

    pub(crate) fn version<'a>(
        &'a self,
        module: &'a Module,
        judge: &'a EffectJudge<'a>,
    ) -> Version<'a> {
        Version {
            module,
            semantics: &self.semantics,
            judge,
        }
    }
}

impl Comparison {
    /// The recorded main loops, by id, where they stand now.
    pub(crate) fn main_loops(&self) -> impl Iterator<Item = (&str, StmtId)> {
        self.main_loops
            .iter()
            .map(|(id, stmt)| (id.as_str(), *stmt))
    }

    /// Whether an added statement may run in iterations of a main loop.
    pub(crate) fn may_run_in(&self, site: &str) -> bool {
        self.is_among(&self.places.loops, site)
    }

    /// Whether a statement that may change the training runs in a main loop.
    pub(crate) fn may_doubt_in(&self, site: &str) -> bool {
        self.is_among(&self.doubted, site)
    }

    fn is_among(&self, loops: &BTreeSet<StmtId>, site: &str) -> bool {
        let mut sites = self.main_loops.iter().filter(|(id, _)| id == site);
        sites.any(|(_, stmt)| loops.contains(stmt))
    }
}

/// Compares. The inner error is a change that is not log-only, with its place and reason.
pub(crate) fn compare(
    sources: &Sources,
    subject: &Subject,
    allow_impure: bool,
) -> Result<Result<Comparison, Failure>, Failure> {
    let diff = diff_sources(&sources.recorded, &sources.current);
    let settings = &subject.facts.manifest.settings;
    let knowledge = florc_instrument::knowledge(settings);
    let recorded = Analysed::of_recorded(sources, &diff, settings)?;
    let current = Analysed::new(&sources.current, settings)?;
    let old_judge = recorded.judge(&sources.recorded, &knowledge);
    let new_judge = current.judge(&sources.current, &knowledge);
    let old = recorded.version(&sources.recorded, &old_judge);
    let new = current.version(&sources.current, &new_judge);
    let sites = subject.facts.manifest.modules.first();
    let sites = sites.map_or(&[][..], |module| &module.main_loops);
    let found = sites.iter().filter_map(|site| {
        let found = span_in_current(&sources.recorded, &sources.current, &diff, &site.span);
        found.map(|(stmt, _)| (site.id.clone(), stmt))
    });
    let main_loops: Vec<(String, StmtId)> = found.collect();
    let stmts: Vec<StmtId> = main_loops.iter().map(|(_, stmt)| *stmt).collect();
    let changes = classify(old, new, &diff, Some(&stmts));
    let (impure, changes): (Vec<Change>, Vec<Change>) = changes
        .into_iter()
        .partition(|it| allow_impure && is_impure(it));
    if let Err(refusal) = refuse(sources, &changes) {
        return Ok(Err(refusal));
    }
    let has_probes = !impure.is_empty()
        || changes
            .iter()
            .any(|change| matches!(change.kind, ChangeKind::Probe | ChangeKind::Unproven));
    let impure = spans(sources, &impure);
    let changed = diff.changed.iter().map(|(_, new)| *new);
    let mut added: Vec<StmtId> = diff.added.iter().copied().chain(changed).collect();
    added.sort_unstable();
    let places = probe_places(new, &stmts, &added);
    let added_globals = added_globals(new, &added);
    let run_by_imports = run_by_imports(new);
    let isolated = isolated(sources, &added, &changes);
    let unproven: Vec<Change> = changes
        .into_iter()
        .filter(|change| change.kind == ChangeKind::Unproven)
        .collect();
    let doubtful = spans(sources, &unproven);
    let doubtful_statements = among(sources, &added, &unproven);
    let doubted = probe_places(new, &stmts, &doubtful_statements).loops;
    Ok(Ok(Comparison {
        diff,
        current,
        has_probes,
        added,
        added_globals,
        run_by_imports,
        main_loops,
        places,
        unproven,
        doubtful,
        doubtful_statements,
        doubted,
        impure,
        isolated,
    }))
}

/// Whether a change is an added statement that changes the training, or may and asks nothing itself.
fn is_impure(change: &Change) -> bool {
    let is_silent = change.kind == ChangeKind::Unproven && !change.logs;
    change.can_run && (change.kind == ChangeKind::Refused || is_silent)
}

/// Where changes stand.
fn spans(sources: &Sources, changes: &[Change]) -> Vec<SourceSpan> {
    let spans = changes
        .iter()
        .map(|it| source_span(&sources.current, it.span));
    spans.collect()
}

/// The statements that these changes are about.
fn among(sources: &Sources, added: &[StmtId], changes: &[Change]) -> Vec<StmtId> {
    let added = added.iter().copied();
    let is_one = |stmt: &StmtId| {
        let span = sources.current.tree.stmt(*stmt).span;
        changes.iter().any(|change| change.span == span)
    };
    added.filter(is_one).collect()
}

fn refuse(sources: &Sources, changes: &[Change]) -> Result<(), Failure> {
    let refused: Vec<&Change> = changes
        .iter()
        .filter(|change| change.kind == ChangeKind::Refused)
        .collect();
    let Some(first) = refused.first() else {
        return Ok(());
    };
    let diagnostic = diagnostic(sources, first);
    let module = if first.in_recorded {
        &sources.recorded
    } else {
        &sources.current
    };
    let failure = Failure::diagnostic(&diagnostic, Some(&module.source));
    let mut rendered = String::new();
    if refused.len() > 1 {
        use std::fmt::Write as _;
        rendered.push_str("\nother changes that are not log statements:\n");
        for change in &refused[1..] {
            let module = if change.in_recorded {
                &sources.recorded
            } else {
                &sources.current
            };
            let line = module.source.line_column(change.span.start).line;
            let file = shown_file(module, change);
            let _ = writeln!(rendered, "  {file}:{line}: {}", change.title);
        }
    }
    Err(failure.with_lines(&rendered))
}

/// The file of a change, and which version of it.
fn shown_file(module: &Module, change: &Change) -> String {
    let file = &module.source.file_of(change.span.start).path;
    if change.in_recorded {
        format!("{file} (recorded)")
    } else {
        file.clone()
    }
}

/// A change as a diagnostic.
pub(crate) fn diagnostic(sources: &Sources, change: &Change) -> Diagnostic {
    let module = if change.in_recorded {
        &sources.recorded
    } else {
        &sources.current
    };
    let (code, severity, help) = match change.kind {
        ChangeKind::Unproven => (
            "probe-unproven",
            Severity::Warning,
            "this may be the cause; make the log statement plainer",
        ),
        ChangeKind::Refused
        | ChangeKind::Probe
        | ChangeKind::Feeds
        | ChangeKind::Named
        | ChangeKind::LogRemoved
        | ChangeKind::Harmless => (
            "not-log-only",
            Severity::Error,
            "undo this change, so that only log statements and what they need differ from the \
             recorded script; or record the new version with `florc run`",
        ),
    };
    let mut diagnostic = Diagnostic::new(
        code,
        severity,
        &module.source,
        change.span,
        change.title.clone(),
    )
    .with_help(help);
    diagnostic.file = shown_file(module, change);
    if !sources.lines.is_empty() && !change.in_recorded {
        diagnostic.file += " (recorded, with the log statements)";
    }
    let mut shown: Vec<Span> = Vec::new();
    for (span, text) in &change.reasons {
        // Marks over each other cannot be read.
        let overlaps = |other: &Span| other.start < span.end && span.start < other.end;
        if shown.len() < 4 && (*span == change.span || !shown.iter().any(overlaps)) {
            shown.push(*span);
            diagnostic = diagnostic.with_reason(*span, text.clone());
        }
    }
    diagnostic
}
