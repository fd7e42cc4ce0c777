//! What the effect analysis says of added statements, in the terms of `florc_history`.
//!
//! ```python
//! print(rng.random())     # draws: the next draw of the training would be another
//! ```
//!
//! Translates; it adds no judgement.

use std::collections::{BTreeMap, BTreeSet};

use florc_effects::{Cause, Effects};
use florc_history::{Judge, ProbeEffect};
use florc_semantic::FunctionId;
use florc_syntax::tree::{ExprId, StmtId};
use florc_syntax::{Module, Span};

/// The effects of one version.
pub(crate) struct EffectJudge<'a> {
    pub(crate) module: &'a Module,
    pub(crate) effects: &'a Effects,
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
        effect.changes = changes;
        let place = self.place(stmts);
        for generator in &region.hidden.rng {
            let text = format!("it draws from the random generator `{generator}`");
            effect.draws.push((place, text));
        }
        if region.hidden.device {
            effect.draws.push((
                place,
                "it changes a setting of the whole process".to_owned(),
            ));
        }
        if region.hidden.clock {
            let text = "it reads the clock: the value would be of today, not of the run";
            effect.outside.push((place, text.to_owned()));
        }
        if region.hidden.files {
            let text = "it reads or writes a file: what is there today is not what was there then";
            effect.outside.push((place, text.to_owned()));
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

fn steps(cause: &Cause) -> impl Iterator<Item = (Span, String)> + '_ {
    cause.steps.iter().cloned()
}
