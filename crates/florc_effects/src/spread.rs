//! Effects through calls: what each function does with all that it calls, with reason chains.
//!
//! ```python
//! def step(net): net.n += 1     # mutates the object of `net`
//! def train(net): step(net)     # so does this: "`step(net)` calls `step`", "`net.n` is assigned"
//! ```
//!
//! A fixpoint over the call graph. A callee's mutations count at a call only as far as they can
//! be reached from there: through the arguments, outer variables, or objects that it makes.

use std::collections::{BTreeMap, BTreeSet};

use florc_semantic::{BindingId, FunctionId};
use florc_syntax::Span;
use florc_syntax::tree::StmtId;

use crate::effect::{Cause, Hidden};
use crate::event::{Action, Event, Target};
use crate::heap::{Heap, ObjId};
use crate::object_set::ObjSet;

/// Reason chains longer than this are cut; the first steps say most.
const MAX_STEPS: usize = 6;

/// All that running some code may do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spread {
    pub(crate) mutated: BTreeMap<ObjId, Cause>,
    pub(crate) objects: ObjSet,
    pub(crate) bound: BTreeMap<BindingId, Cause>,
    pub(crate) opaque: BTreeSet<(Span, String)>,
    pub(crate) hidden: Hidden,
    pub(crate) trains: bool,
    /// Functions of the module that may run.
    pub(crate) reach: BTreeSet<FunctionId>,
    pub(crate) escaping: bool,
}

impl Spread {
    fn size(&self) -> (usize, usize, usize, usize, Hidden, bool, bool) {
        let counts = (
            self.mutated.len(),
            self.bound.len(),
            self.opaque.len(),
            self.reach.len(),
        );
        (
            counts.0,
            counts.1,
            counts.2,
            counts.3,
            self.hidden.clone(),
            self.trains,
            self.escaping,
        )
    }
}

/// What the spreading needs to know.
pub(crate) struct World<'a> {
    pub(crate) heap: &'a Heap,
    pub(crate) events: &'a [Vec<Event>],
    pub(crate) external: &'a BTreeSet<FunctionId>,
    pub(crate) touched: &'a [BTreeSet<BindingId>],
    pub(crate) env: &'a [ObjSet],
    /// The function in which each variable lives.
    pub(crate) homes: &'a [FunctionId],
    pub(crate) globals: &'a [BindingId],
}

/// The effects of every function, itself and all that it calls.
pub(crate) fn spread(world: &World<'_>) -> Vec<Spread> {
    let count = world.events.len();
    let mut spreads = vec![Spread::default(); count];
    let outer = outer_objects(world);
    loop {
        let mut changed = false;
        // Callees are mostly defined before callers; any order ends at the same result.
        for index in 0..count {
            let events: Vec<&Event> = world.events[index].iter().collect();
            let mut next = std::mem::take(&mut spreads[index]);
            let before = next.size();
            let id = FunctionId(index as u32);
            collect(world, &spreads, &outer, &events, Some(id), &mut next);
            changed |= next.size() != before;
            spreads[index] = next;
        }
        if !changed {
            return spreads;
        }
    }
}

/// Everything that a function reaches through variables that are not its own.
pub(crate) fn outer_objects(world: &World<'_>) -> Vec<ObjSet> {
    let roots = world.touched.iter().map(|touched| {
        let mut roots = ObjSet::default();
        for binding in touched {
            roots.extend(&world.env[binding.index()]);
        }
        world.heap.closure(&roots, true)
    });
    roots.collect()
}

/// Adds the effects of some events.
pub(crate) fn collect(
    world: &World<'_>,
    spreads: &[Spread],
    outer: &[ObjSet],
    events: &[&Event],
    function: Option<FunctionId>,
    into: &mut Spread,
) {
    for event in events {
        match &event.action {
            Action::Mutate(objects) => {
                let new = objects
                    .iter()
                    .filter(|id| !into.objects.contains(*id))
                    .collect::<Vec<_>>();
                for object in new {
                    into.objects.insert(object);
                    into.mutated
                        .insert(object, Cause::at(event.span, event.text.clone()));
                }
            }
            Action::Bind(binding) => {
                let local = function.is_some_and(|id| world.homes[binding.index()] == id);
                if !local {
                    into.bound
                        .entry(*binding)
                        .or_insert_with(|| Cause::at(event.span, event.text.clone()));
                }
            }
            Action::BindGlobals(of) => {
                let meant = |id: &&BindingId| of.is_none_or(|of| world.homes[id.index()] == of);
                for binding in world.globals.iter().filter(meant) {
                    into.bound
                        .entry(*binding)
                        .or_insert_with(|| Cause::at(event.span, event.text.clone()));
                }
            }
            Action::Opaque => {
                into.opaque.insert((event.span, event.text.clone()));
            }
            Action::Hidden(hidden) => into.hidden.join(hidden),
            Action::Trains => into.trains = true,
            Action::Yield | Action::Await => {}
            Action::Call {
                targets,
                reachable,
                escaping,
            } => {
                call(
                    world,
                    spreads,
                    outer,
                    event,
                    (targets, reachable, *escaping),
                    into,
                );
            }
        }
    }
}

fn call(
    world: &World<'_>,
    spreads: &[Spread],
    outer: &[ObjSet],
    event: &Event,
    (targets, reachable, escaping): (&[Target], &ObjSet, bool),
    into: &mut Spread,
) {
    into.escaping |= escaping;
    let mut functions: BTreeSet<FunctionId> = BTreeSet::new();
    let mut bodies: BTreeSet<FunctionId> = BTreeSet::new();
    let mut statements: BTreeSet<(FunctionId, StmtId, Span)> = BTreeSet::new();
    for target in targets {
        match target {
            Target::Function(id) => {
                functions.insert(*id);
            }
            Target::Body(id) => {
                bodies.insert(*id);
            }
            Target::Deferred(id, stmt, span) => {
                statements.insert((*id, *stmt, *span));
            }
        }
    }
    let named = functions.clone();
    if escaping {
        functions.extend(world.external);
    }
    for id in functions {
        into.reach.insert(id);
        let text = if named.contains(&id) && !event.text.is_empty() {
            event.text.clone()
        } else {
            "opaque code may call functions of this module that it knows".to_string()
        };
        absorb(
            world,
            &spreads[id.index()],
            id,
            (event.span, &text),
            reachable,
            outer,
            into,
        );
    }
    for id in bodies {
        run_body(world, &spreads[id.index()], id, event, outer, into);
    }
    for (id, stmt, span) in statements {
        let own: Vec<&Event> = world.events[id.index()]
            .iter()
            .filter(|found| found.stmt == stmt && span.contains_span(found.span))
            .collect();
        // The statement that makes a generator cannot consume it before it exists.
        let own: Vec<&Event> = own
            .into_iter()
            .filter(|found| !is_deferred(found))
            .collect();
        collect(world, spreads, outer, &own, None, into);
    }
}

/// Adds the effects of an imported file's body on what is not its own.
fn run_body(
    world: &World<'_>,
    callee: &Spread,
    id: FunctionId,
    event: &Event,
    outer: &[ObjSet],
    into: &mut Spread,
) {
    into.reach.insert(id);
    let mut others = Spread::default();
    let (place, nothing) = ((event.span, event.text.as_str()), ObjSet::default());
    absorb(world, callee, id, place, &nothing, outer, &mut others);
    for (object, cause) in others.mutated {
        if world.heap.get(object).maker != id {
            into.objects.insert(object);
            into.mutated.entry(object).or_insert(cause);
        }
    }
    for (binding, cause) in others.bound {
        if world.homes[binding.index()] != id {
            into.bound.entry(binding).or_insert(cause);
        }
    }
    into.opaque.extend(others.opaque);
    into.hidden.join(&others.hidden);
    into.trains |= others.trains;
    into.escaping |= others.escaping;
    into.reach.extend(others.reach);
}

fn is_deferred(event: &Event) -> bool {
    match &event.action {
        Action::Call { targets, .. } => targets
            .iter()
            .any(|target| matches!(target, Target::Deferred(..))),
        Action::Mutate(_)
        | Action::Bind(_)
        | Action::BindGlobals(_)
        | Action::Opaque
        | Action::Hidden(_)
        | Action::Trains
        | Action::Yield
        | Action::Await => false,
    }
}

/// Adds a callee's effects as its caller sees them.
fn absorb(
    world: &World<'_>,
    callee: &Spread,
    id: FunctionId,
    (span, text): (Span, &str),
    reachable: &ObjSet,
    outer: &[ObjSet],
    into: &mut Spread,
) {
    let mut new = callee.objects.clone();
    new.subtract(&into.objects);
    for object in new.iter() {
        let made_there = |maker: FunctionId| maker == id || callee.reach.contains(&maker);
        let seen = reachable.contains(object)
            || outer[id.index()].contains(object)
            || callee
                .reach
                .iter()
                .any(|inner| outer[inner.index()].contains(object))
            || made_there(world.heap.get(object).maker);
        if let Some(cause) = callee.mutated.get(&object).filter(|_| seen) {
            into.objects.insert(object);
            into.mutated.insert(object, chain(cause, span, text));
        }
    }
    for (binding, cause) in &callee.bound {
        into.bound
            .entry(*binding)
            .or_insert_with(|| chain(cause, span, text));
    }
    for found in &callee.opaque {
        if !into.opaque.contains(found) {
            into.opaque.insert(found.clone());
        }
    }
    into.hidden.join(&callee.hidden);
    into.trains |= callee.trains;
    into.escaping |= callee.escaping;
    into.reach.extend(callee.reach.iter().copied());
}

fn chain(cause: &Cause, span: Span, text: &str) -> Cause {
    let mut chained = cause.called_from(span, text);
    if chained.steps.len() > MAX_STEPS {
        let last = chained.steps.len() - 1;
        chained.steps.drain(MAX_STEPS - 1..last);
    }
    chained
}
