//! Decides what a change since the run means: a probe, something a probe needs, or something that
//! makes the recorded checkpoints those of another program.
//!
//! ```python
//! norm = sum(p.norm() for p in model.parameters())    # feeds: a new name, nothing else changes
//! print(norm)                                         # a probe
//! lr = 0.1                                            # refused: training reads `lr`
//! ```
//!
//! A statement is proven harmless only when all it binds are names that no recorded statement
//! uses, and all it changes are objects of such names, or when it runs after the main loop only.
//! Effects are asked of a [`Judge`]; nothing is guessed here, and no plan is made.

use std::collections::{BTreeMap, BTreeSet};

use florc_semantic::{BindingId, FunctionId, ScopeKind, Semantics};
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};
use florc_syntax::{Module, Span};

use crate::diff::SourceDiff;
use crate::named_values::names_the_value;
use crate::neighbours::{feeds_logs, is_imported_before, is_log_block};
use crate::permitted::{Objection, objections};
use crate::places::probe_places;
use crate::shape::suites;

/// What a change means for a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A log statement that the recorded version does not have.
    Probe,
    /// A statement that holds or feeds probes and changes nothing else.
    Feeds,
    /// A recorded statement that binds a new name to its value now.
    Named,
    /// A recorded log statement that is gone, or a condition that holds such statements only.
    LogRemoved,
    /// Nothing that could be noticed (`pass`).
    Harmless,
    /// It may change what the training uses: states that are compared after it tell whether it does.
    Unproven,
    /// Anything else: replaying would answer for a program that was never run.
    Refused,
}

/// One change since the run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Change {
    /// What it means.
    pub kind: ChangeKind,
    /// Whether `span` and `reasons` are in the recorded version (else in the current one).
    pub in_recorded: bool,
    /// The statement.
    pub span: Span,
    /// One line in lower case.
    pub title: String,
    /// Why, with places.
    pub reasons: Vec<(Span, String)>,
    /// It draws random numbers, or may: the generators are to be put back after it.
    pub isolated: bool,
    /// It holds a log statement.
    pub logs: bool,
    /// A statement that was added and has lines of its own: it could be run, though it is refused.
    pub can_run: bool,
    /// Variables that lead to generators of the script from which it may draw, as `name` or, where
    /// a global, `module:name`.
    pub generators: Vec<String>,
}

impl Change {
    /// One of which no more is to be said. The place is in the recorded version, or in the current one.
    fn told(
        kind: ChangeKind,
        (in_recorded, span): (bool, Span),
        title: &str,
        reasons: Vec<(Span, String)>,
    ) -> Self {
        Self {
            kind,
            in_recorded,
            span,
            title: title.to_owned(),
            reasons,
            isolated: false,
            logs: false,
            can_run: false,
            generators: Vec::new(),
        }
    }

    /// It touches random generators and logs nothing.
    fn draws_alone(&self) -> bool {
        self.kind == ChangeKind::Feeds && self.isolated && !self.logs
    }
}

/// What running some statements may do.
#[derive(Clone, Debug, Default)]
pub struct ProbeEffect {
    /// Variables that are bound or whose objects may change, each with its reasons.
    pub changes: BTreeMap<BindingId, Vec<(Span, String)>>,
    /// Unknown calls: they may change anything that a checkpoint holds.
    pub unknown: Vec<(Span, String)>,
    /// Random draws from generators of the process: state, surely changed, that can be put back.
    pub draws: Vec<(Span, String)>,
    /// Variables that lead to random generators which are objects of the script, and to nothing
    /// else that changes: surely found from there, and put back.
    pub generators: BTreeMap<BindingId, Vec<(Span, String)>>,
    /// Process-wide settings: state, surely changed.
    pub settings: Vec<(Span, String)>,
    /// Readings of clocks, files and the like: they would give today's values.
    pub outside: Vec<(Span, String)>,
}

impl ProbeEffect {
    /// Variables whose objects may change, generators of the script among them.
    pub(crate) fn changed(&self) -> BTreeSet<BindingId> {
        let changes = self.changes.keys().chain(self.generators.keys());
        changes.copied().collect()
    }

    /// Whether it draws random numbers, or may.
    pub(crate) fn draws(&self) -> bool {
        !(self.draws.is_empty() && self.generators.is_empty() && self.unknown.is_empty())
    }
}

/// The effect analysis of one version, as far as it is needed here.
pub trait Judge {
    /// Whether a call is a log statement.
    fn is_log(&self, call: ExprId) -> bool;
    /// What statements of a function may do when they run.
    fn effect(&self, function: FunctionId, stmts: &[StmtId]) -> ProbeEffect;
    /// Functions of the module that may run when these statements do.
    fn may_reach(&self, stmts: &[StmtId]) -> BTreeSet<FunctionId>;
}

/// A version of the module with its analysis.
#[derive(Clone, Copy)]
pub struct Version<'a> {
    /// Tree and text.
    pub module: &'a Module,
    /// Names and flow.
    pub semantics: &'a Semantics,
    /// Effects.
    pub judge: &'a dyn Judge,
}

/// Every change of `diff`, in source order. A replay is possible when none is
/// [`ChangeKind::Refused`]. `main_loops` are those of the current version; `None`: they are not known, so that nothing is
/// known to run after them.
pub fn classify(
    recorded: Version<'_>,
    current: Version<'_>,
    diff: &SourceDiff,
    main_loops: Option<&[StmtId]>,
) -> Vec<Change> {
    let new: Vec<StmtId> = diff
        .added
        .iter()
        .copied()
        .chain(diff.changed.iter().map(|(_, new)| *new))
        .collect();
    let fresh = Fresh::new(current, &new, main_loops);
    let mut changes = Vec::new();
    for &stmt in &diff.added {
        let change = added(recorded, current, &fresh, stmt);
        changes.push(if change.draws_alone() && !feeds_logs(current, &new, stmt) {
            let why = "it draws random numbers, or sets what is drawn, and no added log statement shows it";
            Change {
                kind: ChangeKind::Refused,
                title: "this added statement changes the training".to_owned(),
                reasons: vec![(change.span, why.to_owned())],
                ..change
            }
        } else {
            change
        });
    }
    for &stmt in &diff.removed {
        changes.push(removed(recorded, stmt));
    }
    for &(old, new) in &diff.changed {
        changes.extend(changed(recorded, current, &fresh, old, new));
    }
    changes.sort_by_key(|change| (change.in_recorded, change.span));
    changes
}

/// A log statement may become another one; everything else that differs is refused as a whole.
fn changed(
    recorded: Version<'_>,
    current: Version<'_>,
    fresh: &Fresh,
    old: StmtId,
    new: StmtId,
) -> Vec<Change> {
    if names_the_value((recorded.module, old), (current.module, new)) {
        return vec![named(current, fresh, new)];
    }
    let gone = removed(recorded, old);
    let come = added(recorded, current, fresh, new);
    if gone.kind != ChangeKind::Refused {
        return vec![gone, come];
    }
    let before = recorded.module.tree.stmt(old).span;
    let was = first_line(recorded.module.source.slice(before));
    let span = current.module.tree.stmt(new).span;
    let title = "this statement is not the one that was recorded";
    let reasons = vec![(span, format!("recorded was `{was}`"))];
    vec![Change::told(
        ChangeKind::Refused,
        (false, span),
        title,
        reasons,
    )]
}

/// The value of a recorded statement has a name now.
fn named(current: Version<'_>, fresh: &Fresh, stmt: StmtId) -> Change {
    let bound = current.semantics.assigned_in(&[stmt]).into_iter();
    let mut reasons: Vec<_> = bound.filter_map(|it| fresh.conflict(current, it)).collect();
    if current.semantics.in_class_body(stmt) {
        let span = current.module.tree.stmt(stmt).span;
        reasons.push((
            span,
            "it gives a recorded class another attribute".to_owned(),
        ));
    }
    let (kind, title) = if reasons.is_empty() {
        (ChangeKind::Named, "names the value of a recorded statement")
    } else {
        let title = "this name is more than a name for a recorded value";
        (ChangeKind::Refused, title)
    };
    let span = current.module.tree.stmt(stmt).span;
    Change::told(kind, (false, span), title, reasons)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn removed(recorded: Version<'_>, stmt: StmtId) -> Change {
    let span = recorded.module.tree.stmt(stmt).span;
    let change = |kind, title, reasons| Change::told(kind, (true, span), title, reasons);
    match &recorded.module.tree.stmt(stmt).kind {
        StmtKind::Pass => change(ChangeKind::Harmless, "`pass` was removed", Vec::new()),
        _ if is_log_block(recorded, stmt) => {
            let function = recorded.semantics.function_of_stmt(stmt);
            let effect = recorded.judge.effect(function, &[stmt]);
            let mut reasons = effect.draws;
            reasons.extend(effect.settings);
            reasons.extend(effect.unknown);
            reasons.extend(effect.changes.into_values().flatten());
            reasons.extend(effect.generators.into_values().flatten());
            if reasons.is_empty() {
                change(
                    ChangeKind::LogRemoved,
                    "a recorded log statement was removed",
                    reasons,
                )
            } else {
                change(
                    ChangeKind::Refused,
                    "the log statement that was removed may have changed the training",
                    reasons,
                )
            }
        }
        _ => change(
            ChangeKind::Refused,
            "this recorded statement was removed",
            Vec::new(),
        ),
    }
}

fn effect_of(current: Version<'_>, fresh: &Fresh, stmt: StmtId) -> ProbeEffect {
    if is_imported_before(current, &fresh.added, stmt) {
        return ProbeEffect::default();
    }
    let function = current.semantics.function_of_stmt(stmt);
    current.judge.effect(function, &[stmt])
}

fn added(recorded: Version<'_>, current: Version<'_>, fresh: &Fresh, stmt: StmtId) -> Change {
    let span = current.module.tree.stmt(stmt).span;
    let mut refusals = bindings_and_kind(recorded, current, fresh, stmt);
    let effect = effect_of(current, fresh, stmt);
    refusals.extend(effect.outside);
    let (mut doubts, mut isolated, mut generators) = (Vec::new(), false, Vec::new());
    if !fresh.runs_after_the_loop(current, stmt) {
        refusals.extend(effect.settings);
        let drawn = effect.generators.keys();
        let drawn = drawn.filter(|it| fresh.conflict(current, **it).is_some());
        generators = drawn.map(|it| place_of(current, *it)).collect();
        isolated = !(effect.draws.is_empty() && generators.is_empty());
        if isolated && shares_line(current.module, stmt) {
            refusals.push((
                span,
                "it draws random numbers: put it on a line of its own".to_owned(),
            ));
        }
        doubts.extend(effect.unknown);
        for (binding, chain) in effect.changes {
            if let Some(conflict) = fresh.conflict(current, binding) {
                doubts.extend(chain);
                doubts.push(conflict);
            }
        }
    }
    if !doubts.is_empty() && shares_line(current.module, stmt) {
        let why = "what it changes is not known: put it on a line of its own";
        refusals.push((span, why.to_owned()));
    }
    let (kind, title, mut reasons) = match (refusals.is_empty(), doubts.is_empty()) {
        (false, _) => {
            refusals.extend(doubts);
            (
                ChangeKind::Refused,
                "this added statement changes the training",
                refusals,
            )
        }
        (true, false) => (
            ChangeKind::Unproven,
            "this added statement may change the training",
            doubts,
        ),
        (true, true) if holds_log(current, stmt) => (ChangeKind::Probe, "a probe", doubts),
        (true, true) => (ChangeKind::Feeds, "feeds probes only", doubts),
    };
    dedup(&mut reasons);
    // What stands in the statement itself is the nearest cause.
    reasons.sort_by_key(|(place, _)| !span.contains_span(*place));
    Change {
        isolated: isolated || kind == ChangeKind::Unproven,
        logs: holds_log(current, stmt),
        can_run: !shares_line(current.module, stmt),
        generators,
        kind,
        in_recorded: false,
        span,
        title: title.to_owned(),
        reasons,
    }
}

/// What speaks against a statement whatever it calls: its kind, and what it binds.
fn bindings_and_kind(
    recorded: Version<'_>,
    current: Version<'_>,
    fresh: &Fresh,
    stmt: StmtId,
) -> Vec<(Span, String)> {
    let mut refusals: Vec<(Span, String)> = objections(recorded.module, current, stmt)
        .into_iter()
        .map(|Objection { span, text }| (span, text))
        .collect();
    for binding in current.semantics.assigned_in(&[stmt]) {
        refusals.extend(fresh.conflict(current, binding));
        if let Some(star) = fresh.star.filter(|_| is_global_elsewhere(current, binding)) {
            let name = &current.semantics.binding(binding).name;
            refusals.push((star, format!("this import may bind `{name}`, too")));
        }
    }
    for (span, binding) in assigned_parts(current, stmt) {
        if let Some(conflict) = fresh.conflict(current, binding) {
            refusals.push((span, "it assigns to a part of this object".to_owned()));
            refusals.push(conflict);
        }
    }
    refusals
}

/// A variable as a replay looks it up: `name`, or `module:name`.
fn place_of(current: Version<'_>, binding: BindingId) -> String {
    let binding = current.semantics.binding(binding);
    let file = |span: Span| &current.module.source.file_of(span.start).name;
    match binding.definitions.first() {
        Some(place) if current.semantics.scope(binding.scope).kind == ScopeKind::Module => {
            format!("{}:{}", file(place.span), binding.name)
        }
        _ => binding.name.clone(),
    }
}

/// Whether another statement, or the header of the suite, is on a statement's lines.
fn shares_line(module: &Module, stmt: StmtId) -> bool {
    let source = &module.source;
    let span = module.tree.stmt(stmt).span;
    let start = source.start_of_line(span.start);
    let before = source.slice(Span::new(start, span.start));
    let end = module.trivia.line_end_after(span.end);
    let after = source.slice(Span::new(span.end, end)).trim_start();
    !before.trim_start_matches('\u{feff}').trim().is_empty()
        || !(after.is_empty() || after.starts_with('#'))
}

/// Targets such as `x.a` and `x[0]`, with the variable that they begin with.
pub(crate) fn assigned_parts(current: Version<'_>, stmt: StmtId) -> Vec<(Span, BindingId)> {
    let tree = &current.module.tree;
    let mut work: Vec<ExprId> = Vec::new();
    for inner in std::iter::once(stmt).chain(tree.descendants(stmt)) {
        match &tree.stmt(inner).kind {
            StmtKind::Assign { targets, .. } | StmtKind::Delete { targets } => work.extend(targets),
            StmtKind::AugAssign { target, .. }
            | StmtKind::AnnAssign {
                target,
                value: Some(_),
                ..
            }
            | StmtKind::For { target, .. } => work.push(*target),
            StmtKind::With { items, .. } => work.extend(items.iter().filter_map(|i| i.target)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    while let Some(target) = work.pop() {
        match &tree.expr(target).kind {
            ExprKind::Tuple { elts } | ExprKind::List { elts } => work.extend(elts),
            ExprKind::Starred { value } => work.push(*value),
            ExprKind::Attribute { value, .. } | ExprKind::Subscript { value, .. } => {
                let root = root_name(current.module, *value);
                let binding = root.and_then(|name| current.semantics.binding_of_name(name));
                found.extend(binding.map(|binding| (tree.expr(target).span, binding)));
            }
            _ => {}
        }
    }
    found
}

/// `x` of `x.a[0].b`.
fn root_name(module: &Module, expr: ExprId) -> Option<ExprId> {
    let mut at = expr;
    loop {
        match &module.tree.expr(at).kind {
            ExprKind::Attribute { value, .. } | ExprKind::Subscript { value, .. } => at = *value,
            ExprKind::Name(_) => return Some(at),
            _ => return None,
        }
    }
}

/// Whether a variable is a global of a file other than the entry.
fn is_global_elsewhere(current: Version<'_>, binding: BindingId) -> bool {
    let binding = current.semantics.binding(binding);
    let source = &current.module.source;
    let mut places = binding.definitions.iter();
    current.semantics.scope(binding.scope).kind == ScopeKind::Module
        && places.any(|place| source.file_of(place.span.start).start > 0)
}

/// Globals, as (module, name), of files other than the entry that only added statements bind.
pub fn added_globals(current: Version<'_>, added: &[StmtId]) -> Vec<(String, String)> {
    let source = &current.module.source;
    let spans: Vec<Span> = added
        .iter()
        .map(|stmt| current.module.tree.stmt(*stmt).span)
        .collect();
    let bindings = current.semantics.assigned_in(added).into_iter();
    let fresh = bindings.filter(|binding| is_global_elsewhere(current, *binding));
    fresh
        .filter_map(|id| {
            let binding = current.semantics.binding(id);
            let mut places = binding.definitions.iter();
            let only = places.all(|place| spans.iter().any(|span| span.contains_span(place.span)));
            let file = source.file_of(binding.definitions.first()?.span.start);
            only.then(|| (file.name.clone(), binding.name.clone()))
        })
        .collect()
}

fn dedup(reasons: &mut Vec<(Span, String)>) {
    let mut seen = BTreeSet::new();
    reasons.retain(|(span, text)| seen.insert((*span, text.clone())));
}

/// Whether a log statement is in `stmt`, at any depth.
pub(crate) fn holds_log(version: Version<'_>, stmt: StmtId) -> bool {
    let tree = &version.module.tree;
    let own = tree
        .stmt_exprs(stmt)
        .into_iter()
        .flat_map(|expr| tree.all_exprs(expr));
    own.into_iter().any(|expr| version.judge.is_log(expr))
        || suites(&tree.stmt(stmt).kind)
            .into_iter()
            .flatten()
            .any(|inner| holds_log(version, *inner))
}

/// What is known of added statements as a whole.
struct Fresh {
    /// A use or definition outside of added statements, by variable.
    used: BTreeMap<BindingId, Span>,
    main_loops: Option<Vec<StmtId>>,
    /// The added statements.
    added: BTreeSet<StmtId>,
    /// An import of all names of another module.
    star: Option<Span>,
}

impl Fresh {
    fn new(current: Version<'_>, added: &[StmtId], main_loops: Option<&[StmtId]>) -> Self {
        let tree = &current.module.tree;
        let spans: Vec<Span> = added.iter().map(|stmt| tree.stmt(*stmt).span).collect();
        let is_added = |span: Span| spans.iter().any(|each| each.contains_span(span));
        let mut used = BTreeMap::new();
        for index in 0..tree.expr_count() as u32 {
            let expr = tree.expr(ExprId(index));
            if matches!(expr.kind, ExprKind::Name(_))
                && !is_added(expr.span)
                && let Some(binding) = current.semantics.binding_of_name(ExprId(index))
            {
                used.entry(binding).or_insert(expr.span);
            }
        }
        for (index, binding) in current.semantics.bindings.iter().enumerate() {
            for definition in binding
                .definitions
                .iter()
                .filter(|each| !is_added(each.span))
            {
                used.entry(BindingId(index as u32))
                    .or_insert(definition.span);
            }
        }
        let star = (0..tree.stmt_count() as u32).map(StmtId).find(|stmt| {
            matches!(&tree.stmt(*stmt).kind, StmtKind::ImportFrom { names, .. }
                if names.iter().any(|alias| alias.name.text == "*"))
        });
        Self {
            used,
            added: added.iter().copied().collect(),
            main_loops: main_loops.map(<[StmtId]>::to_vec),
            star: star.map(|stmt| tree.stmt(stmt).span),
        }
    }

    /// Where the recorded program uses a variable.
    fn conflict(&self, current: Version<'_>, binding: BindingId) -> Option<(Span, String)> {
        let name = &current.semantics.binding(binding).name;
        let used = self.used.get(&binding)?;
        Some((*used, format!("the recorded program uses `{name}`")))
    }

    /// Then no checkpoint is behind it: all that follows runs in the replay, too.
    fn runs_after_the_loop(&self, current: Version<'_>, stmt: StmtId) -> bool {
        let Some(main_loops) = &self.main_loops else {
            return false;
        };
        let places = probe_places(current, main_loops, &[stmt]);
        main_loops.is_empty() || (!places.before && !places.inside)
    }
}
