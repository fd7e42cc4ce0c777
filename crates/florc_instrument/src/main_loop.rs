//! The choice of the main loops.
//!
//! ```python
//! for seed in (1, 2):            # a main loop: an outermost one that trains
//!     for epoch in range(10):    # a SkipBlock
//!         train(model)           # `train` holds the innermost training loop
//! for epoch in range(3):         # another main loop
//!     finetune(model)
//! ```
//!
//! Whether a loop trains is a judgement of the effect analysis. A loop of another function counts
//! as inner when a training loop calls that function. A comment or a setting overrules the choice.

use std::collections::BTreeSet;

use florc_manifest::{MainLoopSite, Uninstrumented};
use florc_semantic::files::library_loop;
use florc_semantic::{FunctionId, Loop};
use florc_syntax::Diagnostic;
use florc_syntax::tree::{StmtId, StmtKind};

use crate::decide::Facts;
use crate::diagnostics::{
    dynamic_names, main_loop_not_recreatable, main_loop_suspends, no_main_loop, state_out_of_reach,
};
use crate::plan::{MainLoop, Plan};
use crate::wishes::Wishes;
use crate::{dynamic, roots};

/// Labels of loops that are taken for the main loop when no loop is known to train.
const TRAINING_LABELS: &[&str] = &[
    "epoch",
    "epochs",
    "step",
    "iteration",
    "episode",
    "iter_num",
    "global_step",
    "generation",
];

/// Puts the main loops into the plan, with the findings about loops that are none.
pub(crate) fn choose(facts: Facts<'_>, wishes: &Wishes, plan: &mut Plan) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let wanted = |each: &&Loop| Some(each.stmt) == wishes.main_loop;
    if let Some(each) = facts.semantics.loops.iter().find(wanted) {
        let Some(place) = obstacle(facts, each) else {
            let (main, found) = site(facts, each);
            plan.main_loops.push(main);
            return found;
        };
        let finding = main_loop_suspends::report(facts.module, each.stmt, &place);
        diagnostics.push(finding);
    }
    let of_libraries: Vec<&Loop> = of_libraries(facts);
    let training: Vec<&Loop> = candidates(facts)
        .filter(|l| facts.effects.trains(&[l.stmt]))
        .collect();
    let training = if training.is_empty() && of_libraries.is_empty() {
        by_label(facts)
    } else {
        training
    };
    let mut outermost = outermost(facts, &training);
    outermost.extend(of_libraries);
    let (usable, refused): (Vec<&Loop>, Vec<&Loop>) = outermost
        .into_iter()
        .partition(|l| obstacle(facts, l).is_none());
    for each in refused {
        let place = obstacle(facts, each).unwrap_or_default();
        let finding = main_loop_suspends::report(facts.module, each.stmt, &place);
        note(facts, plan, each, &finding);
        if !diagnostics.contains(&finding) {
            diagnostics.push(finding);
        }
    }
    if usable.is_empty() {
        diagnostics.push(no_main_loop::report(facts.module));
        return diagnostics;
    }
    let trains = |each: &Loop| is_of_library(facts, each) || trains_surely(facts, each);
    let surely = usable.iter().any(|each| trains(each));
    let chosen = usable.into_iter();
    let mut chosen: Vec<&Loop> = chosen.filter(|each| !surely || trains(each)).collect();
    chosen.sort_by_key(|each| facts.module.tree.stmt(each.stmt).span.start);
    for each in chosen {
        let (main, found) = site(facts, each);
        plan.main_loops.push(main);
        diagnostics.extend(found);
    }
    diagnostics
}

/// Whether a loop trains itself or through resolved calls, not only through code that may run
/// anything. In a program of one file this is not asked.
fn trains_surely(facts: Facts<'_>, each: &Loop) -> bool {
    let trains =
        |function: FunctionId, stmts: &[StmtId]| facts.effects.trains_directly(function, stmts);
    let called = || facts.called_from(&[each.stmt]).into_iter();
    facts.module.source.files().len() < 2
        || trains(each.function, &[each.stmt])
        || called().any(|function| trains(function, facts.body_of(function)))
}

/// All loops; those of the entry where its imports are not followed.
fn candidates(facts: Facts<'_>) -> impl Iterator<Item = &Loop> {
    let linked = facts.semantics.is_linked();
    let loops = facts.semantics.loops.iter();
    loops.filter(move |l| (linked || facts.in_entry(l.stmt)) && !is_of_library(facts, l))
}

fn is_of_library(facts: Facts<'_>, each: &Loop) -> bool {
    facts.in_library(facts.module.tree.stmt(each.stmt).span)
}

/// The training loops of the libraries that the program has excerpts of: of each the last one with
/// the known label.
fn of_libraries(facts: Facts<'_>) -> Vec<&Loop> {
    let files = facts.module.source.files().iter();
    let found = files.filter_map(|file| {
        let known = library_loop(&file.name).filter(|_| file.is_library)?;
        let is_it = |l: &&Loop| {
            let span = facts.module.tree.stmt(l.stmt).span;
            file.span().contains_span(span)
                && l.label == known.label
                && facts.semantics.function(l.function).qualname == known.function
        };
        facts.semantics.loops.iter().rev().find(is_it)
    });
    found.collect()
}

fn by_label(facts: Facts<'_>) -> Vec<&Loop> {
    let named = |l: &&Loop| TRAINING_LABELS.contains(&l.label.as_str());
    candidates(facts).filter(named).collect()
}

/// Training loops that are in no other one, lexically or through calls.
fn outermost<'a>(facts: Facts<'_>, training: &[&'a Loop]) -> Vec<&'a Loop> {
    let reached: Vec<(FunctionId, BTreeSet<FunctionId>)> = training
        .iter()
        .map(|l| (l.function, facts.called_from(&[l.stmt])))
        .collect();
    let tree = &facts.module.tree;
    training
        .iter()
        .copied()
        .filter(|l| {
            let span = tree.stmt(l.stmt).span;
            let lexically = training
                .iter()
                .any(|o| o.id != l.id && tree.stmt(o.stmt).span.contains_span(span));
            let called = reached
                .iter()
                .any(|(function, reach)| *function != l.function && reach.contains(&l.function));
            !lexically && !called
        })
        .collect()
}

/// Why a loop cannot be a main loop.
fn obstacle(facts: Facts<'_>, each: &Loop) -> Option<String> {
    let function = facts.semantics.function(each.function);
    if facts.semantics.in_class_body(each.stmt) {
        return Some("a class body".to_owned());
    }
    let kind = match (function.is_async, function.is_generator) {
        (true, _) => "coroutine",
        (false, true) => "generator",
        (false, false) => return None,
    };
    Some(format!("the {kind} `{}`", function.qualname))
}

fn note(facts: Facts<'_>, plan: &mut Plan, each: &Loop, finding: &Diagnostic) {
    plan.uninstrumented.push(Uninstrumented {
        id: facts.loop_id(each),
        span: facts.stmt_span(each.stmt),
        code: finding.code.to_owned(),
        reason: finding.title.clone(),
    });
}

/// The site of the chosen loop; each finding forbids to start inside it.
fn site(facts: Facts<'_>, chosen: &Loop) -> (MainLoop, Vec<Diagnostic>) {
    let stmt = chosen.stmt;
    let head = roots::at_head(facts, chosen);
    let mut findings = Vec::new();
    let unsure = iterable(facts, stmt).filter(|i| !facts.effects.recreatable_iterable(*i));
    if let Some(iter) = unsure.filter(|iter| facts.effects.runs_own_code(*iter)) {
        findings.push(main_loop_not_recreatable::report(facts.module, stmt, iter));
    }
    if let Some((at, callee)) = dynamic::find(facts, &[stmt]) {
        findings.push(dynamic_names::report(facts.module, stmt, at, &callee, true));
    }
    if let Some(found) = head.out_of_reach {
        findings.push(state_out_of_reach::report(facts.module, stmt, found, true));
    }
    let site = MainLoopSite {
        id: facts.loop_id(chosen),
        label: label(facts, chosen),
        function: facts.semantics.function(chosen.function).qualname.clone(),
        span: facts.stmt_span(stmt),
        is_for: iterable(facts, stmt).is_some(),
        recreatable: findings.is_empty(),
        asks: unsure.is_some(),
        roots: head.roots,
        passed: head.passed,
        returned: head.returned,
        inputs: roots::inputs(facts, chosen),
    };
    (MainLoop { stmt, site }, findings)
}

/// What a run calls the iterations of a loop.
fn label(facts: Facts<'_>, chosen: &Loop) -> String {
    let start = facts.module.tree.stmt(chosen.stmt).span.start;
    let file = facts.module.source.file_of(start);
    let known = library_loop(&file.name).filter(|_| file.is_library);
    known.map_or_else(|| chosen.label.clone(), |it| it.counts.to_owned())
}

fn iterable(facts: Facts<'_>, stmt: StmtId) -> Option<florc_syntax::tree::ExprId> {
    match &facts.module.tree.stmt(stmt).kind {
        StmtKind::For { iter, .. } => Some(*iter),
        _ => None,
    }
}
