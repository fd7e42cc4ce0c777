//! Roots: the names from which the runtime walks at a cut point.
//!
//! ```python
//! best = 0.0
//! for epoch in range(3):             # head: best (rebound), model (changed by `train`)
//!     best = max(best, train(model))
//! print(best)
//! ```
//!
//! A root is a visible name that the loop may rebind or whose objects it may change. Rebound ones
//! that may be read later are given back by the hook and assigned; the others are patched in place.
//! Globals of the module, seen from a function, are the runtime's to set.
//! Liveness and effects are asked for, not computed here.

use std::collections::{BTreeMap, BTreeSet};

use florc_effects::{Cause, RegionEffect};
use florc_manifest::{Place, Root};
use florc_semantic::{Binding, BindingId, DefinitionKind, FunctionId, Loop, Resolution};
use florc_syntax::tree::{ExprKind, StmtId, StmtKind};
use florc_syntax::{Reason, Span};

use crate::decide::Facts;
use crate::dynamic;

/// The roots of a cut point, in the order of the manifest.
#[derive(Default)]
pub(crate) struct Cut {
    pub(crate) roots: Vec<Root>,
    pub(crate) passed: usize,
    pub(crate) returned: Vec<usize>,
    pub(crate) restore_arguments: Vec<usize>,
    /// A name that changes and cannot be put back from here.
    pub(crate) out_of_reach: Option<OutOfReach>,
}

/// Why something cannot be put back.
pub(crate) struct OutOfReach {
    pub(crate) name: String,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) help: String,
}

/// One root before it is ordered.
struct Candidate {
    root: Root,
    /// The hook can be given its value.
    passable: bool,
    /// Rebound, live and assignable here.
    returned: bool,
    /// Surely bound before the loop, and asked for from then on: a name that is dead there may be
    /// unbound after earlier skips.
    held_before: bool,
}

/// The roots at the head of the main loop.
pub(crate) fn at_head(facts: Facts<'_>, each: &Loop) -> Cut {
    let region = facts.effects.region(each.function, &[each.stmt]);
    let mut bound = facts.semantics.bound_at_head(each.id);
    let bound_after = facts.semantics.bound_after(each.stmt);
    if !bound_after.is_empty() {
        // empty: the line after an endless loop, where `leave` stands, is never reached
        bound.retain(|id| bound_after.contains(id));
    }
    let cut = CutPoint {
        facts,
        function: each.function,
        stmt: each.stmt,
        live: facts.semantics.live_at_head(each.id),
        live_before: facts.semantics.live_before(each.stmt),
        bound_before: bound.clone(),
        bound,
        targets: targets(facts, each.stmt),
        declared: declared_nonlocal(facts, each.function),
        all_live: dynamic::reads_by_name(facts),
    };
    cut.order(&region)
}

/// The roots at the end of a SkipBlock.
pub(crate) fn at_end(facts: Facts<'_>, each: &Loop) -> Cut {
    let region = facts.effects.region(each.function, &[each.stmt]);
    let cut = CutPoint {
        facts,
        function: each.function,
        stmt: each.stmt,
        live: facts.semantics.live_after(each.stmt),
        live_before: facts.semantics.live_before(each.stmt),
        bound: facts.semantics.bound_after(each.stmt),
        bound_before: facts.semantics.bound_before(each.stmt),
        targets: BTreeSet::new(),
        declared: declared_nonlocal(facts, each.function),
        all_live: dynamic::reads_by_name(facts),
    };
    cut.order(&region)
}

/// Names that the main loop reads and never changes.
pub(crate) fn inputs(facts: Facts<'_>, each: &Loop) -> Vec<Root> {
    let region = facts.effects.region(each.function, &[each.stmt]);
    let mut read = facts.semantics.read_in(&[each.stmt]);
    read.extend(facts.effects.inputs_of_called(&[each.stmt]));
    let bound = facts.semantics.bound_before(each.stmt);
    let mut inputs = Vec::new();
    for id in read {
        let binding = facts.semantics.binding(id);
        let fixed = binding.is_import || binding.is_function || binding.is_class;
        let changed = region.bound.contains_key(&id) || region.mutated.contains_key(&id);
        let Some(place) = place(facts, each.function, id).filter(|_| !fixed && !changed) else {
            continue;
        };
        inputs.push(Root {
            name: binding.name.clone(),
            place,
            live: true,
            always_bound: bound.contains(&id),
            replaced: false,
            reasons: Vec::new(),
        });
    }
    inputs
}

/// The variables that a `for` loop's own target binds.
fn targets(facts: Facts<'_>, stmt: StmtId) -> BTreeSet<BindingId> {
    let StmtKind::For { target, .. } = &facts.module.tree.stmt(stmt).kind else {
        return BTreeSet::new();
    };
    let names = facts
        .module
        .tree
        .all_exprs(*target)
        .into_iter()
        .filter(|part| {
            let parent = facts.module.tree.expr_parent(*part);
            let displayed = parent.is_none_or(|parent| {
                matches!(
                    facts.module.tree.expr(parent).kind,
                    ExprKind::Tuple { .. } | ExprKind::List { .. } | ExprKind::Starred { .. }
                )
            });
            displayed && matches!(facts.module.tree.expr(*part).kind, ExprKind::Name(_))
        });
    names
        .filter_map(|name| match facts.semantics.resolve(name) {
            Resolution::Binding(binding) => Some(binding),
            _ => None,
        })
        .collect()
}

/// Where a variable lives, seen from a function; `None` where it cannot be seen.
fn place(facts: Facts<'_>, function: FunctionId, binding: BindingId) -> Option<Place> {
    let semantics = facts.semantics;
    let home = semantics.binding(binding).scope;
    if semantics.function(function).scope == home {
        return Some(Place::Local);
    }
    if semantics.function(FunctionId(0)).scope == home {
        return Some(Place::Global);
    }
    let outer = |id: &FunctionId| semantics.function(*id).parent;
    std::iter::successors(outer(&function), outer)
        .any(|around| semantics.function(around).scope == home)
        .then_some(Place::Captured)
}

/// What a region does to a variable.
struct Change<'r> {
    /// Binds it again or unbinds it, other than as the loop's own target.
    rebound: bool,
    /// May change an object that it leads to, or bind a live name to such an object.
    touched: bool,
    cause: &'r Cause,
}

struct CutPoint<'a> {
    facts: Facts<'a>,
    function: FunctionId,
    stmt: StmtId,
    live: BTreeSet<BindingId>,
    live_before: BTreeSet<BindingId>,
    bound: BTreeSet<BindingId>,
    bound_before: BTreeSet<BindingId>,
    targets: BTreeSet<BindingId>,
    declared: BTreeSet<String>,
    all_live: bool,
}

impl CutPoint<'_> {
    /// Orders the roots: passed and given back, passed, the rest.
    fn order(&self, region: &RegionEffect) -> Cut {
        let mut cut = Cut::default();
        let mut candidates = self.candidates(region, &mut cut.out_of_reach);
        candidates.sort_by_key(|c| (!c.passable, !c.returned));
        let indices = |keep: &dyn Fn(&Candidate) -> bool| -> Vec<usize> {
            candidates
                .iter()
                .enumerate()
                .filter(|(_, c)| keep(c))
                .map(|(index, _)| index)
                .collect()
        };
        cut.passed = indices(&|c| c.passable).len();
        cut.returned = indices(&|c| c.returned);
        cut.restore_arguments = indices(&|c| c.passable && c.held_before);
        cut.roots = candidates
            .into_iter()
            .map(|candidate| candidate.root)
            .collect();
        cut
    }

    fn candidates(
        &self,
        region: &RegionEffect,
        out_of_reach: &mut Option<OutOfReach>,
    ) -> Vec<Candidate> {
        let mut names: BTreeSet<(bool, &str)> = BTreeSet::new();
        let mut found = Vec::new();
        for (id, change) in self.changes(region) {
            let binding = self.facts.semantics.binding(id);
            let Some(place) = place(self.facts, self.function, id) else {
                continue;
            };
            let live = self.is_live(id, &place, &change);
            let assignable = match place {
                Place::Local => true,
                Place::Captured => self.declared.contains(&binding.name),
                Place::Global => false,
            };
            let bound = self.bound.contains(&id);
            let help = if !names.insert((place == Place::Global, &binding.name)) {
                Some("give the two variables different names".to_owned())
            } else if self.in_class() && is_private(&binding.name) && !bound {
                Some("let its name begin with one underscore".to_owned())
            } else if self.loses_object(id, region) {
                Some("bind the new object to another name".to_owned())
            } else if place == Place::Captured && !self.reaches(id, change.rebound && !assignable) {
                Some(format!(
                    "declare `nonlocal {}` in the function of the loop",
                    binding.name
                ))
            } else {
                None
            };
            if let Some(help) = help.filter(|_| live && out_of_reach.is_none()) {
                let reasons = reasons(change.cause);
                *out_of_reach = Some(OutOfReach {
                    name: binding.name.clone(),
                    reasons,
                    help,
                });
            }
            found.push(Candidate {
                passable: live && bound && place != Place::Global,
                returned: live && change.rebound && assignable,
                held_before: self.live_before.contains(&id)
                    && (place == Place::Captured || self.bound_before.contains(&id)),
                root: Root {
                    name: binding.name.clone(),
                    place,
                    live,
                    always_bound: bound,
                    replaced: change.rebound && self.replaced(binding),
                    reasons: self.reason_lines(change.cause),
                },
            });
        }
        found
    }

    /// What the region does to each variable, and which others must keep sharing objects with one
    /// that is rebound.
    fn changes<'r>(&self, region: &'r RegionEffect) -> BTreeMap<BindingId, Change<'r>> {
        let semantics = self.facts.semantics;
        let mut changes = BTreeMap::new();
        for (id, cause) in region
            .mutated
            .iter()
            .filter(|(id, _)| !semantics.binding(**id).is_import)
        {
            changes.insert(
                *id,
                Change {
                    rebound: false,
                    touched: true,
                    cause,
                },
            );
        }
        for (id, cause) in region
            .bound
            .iter()
            .filter(|(id, _)| !self.targets.contains(id))
        {
            let touched = changes.contains_key(id);
            changes.insert(
                *id,
                Change {
                    rebound: true,
                    touched,
                    cause,
                },
            );
            let place = place(self.facts, self.function, *id);
            let live = place.is_some_and(|p| p != Place::Local) || self.live.contains(id);
            if !live || !self.replaced(semantics.binding(*id)) {
                continue;
            }
            for other in self.facts.effects.may_share(*id, self.function) {
                let binding = semantics.binding(other);
                let data = !(binding.is_import || binding.is_function || binding.is_class);
                if data && !region.bound.contains_key(&other) && !self.targets.contains(&other) {
                    let shared = Change {
                        rebound: false,
                        touched: true,
                        cause,
                    };
                    changes.entry(other).or_insert(shared);
                }
            }
        }
        changes
    }

    /// Whether the value may be asked for after the cut point: by name, or as an object that the
    /// region touches and that others refer to.
    fn is_live(&self, id: BindingId, place: &Place, change: &Change<'_>) -> bool {
        let binding = self.facts.semantics.binding(id);
        let steady = binding.is_parameter && binding.definitions.len() == 1;
        let known = self.live_before.contains(&id) || steady;
        self.all_live
            || *place != Place::Local
            || self.live.contains(&id)
            || (change.touched && known && self.defined_outside(binding))
    }

    /// Whether an object that a caller may hold is changed, and then no name leads to it any more.
    fn loses_object(&self, id: BindingId, region: &RegionEffect) -> bool {
        let semantics = self.facts.semantics;
        let binding = semantics.binding(id);
        let gone = self.function != FunctionId(0)
            && region.mutated.contains_key(&id)
            && self.live_before.contains(&id)
            && self.replaced(binding);
        let params = &semantics.function(self.function).params;
        let mut rebound = params
            .iter()
            .filter(|id| semantics.binding(**id).definitions.len() > 1);
        gone && (binding.is_parameter || rebound.any(|id| region.mutated.contains_key(id)))
    }

    /// Whether the variable may hold an object from before the loop.
    fn defined_outside(&self, binding: &Binding) -> bool {
        binding
            .definitions
            .iter()
            .any(|definition| !self.whole().contains_span(definition.span))
    }

    /// Whether the loop, or a function that it calls, may bind another object to the variable.
    /// `x += …` keeps the object that it changes.
    fn replaced(&self, binding: &Binding) -> bool {
        binding.definitions.iter().any(|definition| {
            let runs =
                definition.function != self.function || self.whole().contains_span(definition.span);
            runs && !matches!(definition.kind, DefinitionKind::Augment(_))
        })
    }

    fn whole(&self) -> Span {
        self.facts.module.tree.stmt(self.stmt).span
    }

    /// Whether Python spells private names of the function in another way.
    fn in_class(&self) -> bool {
        let semantics = self.facts.semantics;
        std::iter::successors(Some(self.function), |id| semantics.function(*id).parent)
            .any(|id| semantics.function(id).class.is_some())
    }

    /// Whether a captured variable can be read here and need not be assigned.
    fn reaches(&self, binding: BindingId, must_assign: bool) -> bool {
        let free = || {
            let body = self.facts.body_of(self.function);
            self.facts.semantics.read_in(body).contains(&binding)
        };
        !must_assign && (self.bound.contains(&binding) || free())
    }

    fn reason_lines(&self, cause: &Cause) -> Vec<String> {
        let source = &self.facts.module.source;
        let line = |span: &Span| source.line_column(span.start).line;
        cause
            .steps
            .iter()
            .map(|(span, text)| format!("line {}: {text}", line(span)))
            .collect()
    }
}

fn reasons(cause: &Cause) -> Vec<Reason> {
    let steps = cause.steps.iter();
    steps
        .map(|(span, text)| Reason {
            span: *span,
            text: text.clone(),
        })
        .collect()
}

/// `__x` in a class is `_Class__x` for everyone who looks it up by name.
fn is_private(name: &str) -> bool {
    name.starts_with("__") && !name.ends_with("__")
}

/// Names that the function declares `nonlocal`.
fn declared_nonlocal(facts: Facts<'_>, function: FunctionId) -> BTreeSet<String> {
    let tree = &facts.module.tree;
    let own = facts
        .body_of(function)
        .iter()
        .flat_map(|stmt| facts.own_stmts(*stmt));
    own.filter_map(|stmt: StmtId| match &tree.stmt(stmt).kind {
        StmtKind::Nonlocal { names } => Some(names),
        _ => None,
    })
    .flatten()
    .map(|name| name.text.clone())
    .collect()
}
