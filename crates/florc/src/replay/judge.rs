//! What the effect analysis says of added statements, in the terms of `florc_history`.
//!
//! ```python
//! print(rng.random())     # draws: the next draw of the training would be another
//! ```
//!
//! Translates; it adds no judgement.

use std::collections::{BTreeMap, BTreeSet};

use florc_effects::{Cause, Effects, Knowledge, RegionEffect};
use florc_history::{Judge, ProbeEffect};
use florc_semantic::{FunctionId, Semantics};
use florc_syntax::tree::{ExprId, ExprKind, StmtId};
use florc_syntax::{Module, Span};

/// The effects of one version.
pub(crate) struct EffectJudge<'a> {
    pub(crate) module: &'a Module,
    pub(crate) semantics: &'a Semantics,
    pub(crate) effects: &'a Effects,
    pub(crate) knowledge: &'a Knowledge,
}

impl Judge for EffectJudge<'_> {
    fn is_log(&self, call: ExprId) -> bool {
        self.effects.is_log_call(call).is_some()
    }

    fn effect(&self, function: FunctionId, stmts: &[StmtId]) -> ProbeEffect {
        let region = self.effects.region(function, stmts);
        let mut effect = ProbeEffect {
            unknown: region.opaque.clone(),
            ..ProbeEffect::default()
        };
        let mut changes: BTreeMap<_, Vec<(Span, String)>> = BTreeMap::new();
        for (binding, cause) in region.bound.iter().chain(&region.mutated) {
            changes.entry(*binding).or_default().extend(steps(cause));
        }
        for binding in &region.drawn {
            let drawn = changes.remove_entry(binding);
            effect.generators.extend(drawn);
        }
        effect.changes = changes;
        effect.outside = self.readings(stmts);
        let hidden = hidden(&region, self.place(stmts));
        if region.opaque.is_empty() {
            effect.draws = hidden.draws;
            effect.settings = hidden.settings;
            effect.outside.extend(hidden.outside);
        } else {
            // What an unknown call might do is a doubt, not a finding.
            effect.unknown.extend(hidden.draws);
            effect.unknown.extend(hidden.settings);
        }
        effect
    }

    fn may_reach(&self, stmts: &[StmtId]) -> BTreeSet<FunctionId> {
        self.effects.may_reach(stmts)
    }
}

impl EffectJudge<'_> {
    fn place(&self, stmts: &[StmtId]) -> Span {
        stmts
            .first()
            .map(|stmt| self.module.tree.stmt(*stmt).span)
            .unwrap_or_default()
    }
}

impl EffectJudge<'_> {
    /// Calls in the statements themselves that surely read the clock or use a file.
    fn readings(&self, stmts: &[StmtId]) -> Vec<(Span, String)> {
        let tree = &self.module.tree;
        let inside = stmts
            .iter()
            .flat_map(|stmt| std::iter::once(*stmt).chain(tree.descendants(*stmt)));
        let exprs = inside.flat_map(|stmt| tree.stmt_exprs(stmt));
        let mut found = Vec::new();
        for call in exprs.flat_map(|expr| tree.all_exprs(expr)) {
            let ExprKind::Call { func, .. } = &tree.expr(call).kind else {
                continue;
            };
            let span = tree.expr(call).span;
            if self.effects.is_clock_call(call).is_some() {
                found.push((span, CLOCK.to_owned()));
            }
            let rule = self.semantics.qualified(*func);
            let rule = rule
                .as_deref()
                .and_then(|name| self.knowledge.function(name));
            if rule.is_some_and(|rule| rule.files && rule.log.is_none()) {
                found.push((span, FILE.to_owned()));
            }
        }
        found
    }
}

const CLOCK: &str = "it reads the clock: the value would be of today, not of the run";
const ADDRESS: &str = "it reads the address of an object, which is another one in every process";
const FILE: &str = "it reads or writes a file: what is there today is not what was there then";

fn hidden(region: &RegionEffect, place: Span) -> ProbeEffect {
    let mut found = ProbeEffect::default();
    for generator in &region.hidden.rng {
        let text = format!("it draws from the random generator `{generator}`");
        found.draws.push((place, text));
    }
    if region.hidden.device {
        found.settings.push((
            place,
            "it changes a setting of the whole process".to_owned(),
        ));
    }
    if region.hidden.clock {
        found.outside.push((place, CLOCK.to_owned()));
    }
    if region.hidden.address {
        found.outside.push((place, ADDRESS.to_owned()));
    }
    if region.hidden.files {
        found.outside.push((place, FILE.to_owned()));
    }
    found
}

fn steps(cause: &Cause) -> impl Iterator<Item = (Span, String)> + '_ {
    cause.steps.iter().cloned()
}
