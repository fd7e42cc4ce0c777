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
use crate::heap::{ANYTHING, Heap, ObjId};
use crate::object_set::ObjSet;

/// Reason chains longer than this are cut; the first steps say most.
const MAX_STEPS: usize = 6;

/// All that running some code may do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spread {
    pub(crate) mutated: BTreeMap<ObjId, Cause>,
    pub(crate) objects: ObjSet,
    pub(crate) bound: BTreeMap<BindingId, Cause>,
    /// Files of which any variable may be bound, by their bodies; `None` is every file.
    pub(crate) bound_files: BTreeMap<Option<FunctionId>, Cause>,
    /// Calls of which nothing is known, by their numbers.
    pub(crate) opaque: ObjSet,
    pub(crate) hidden: Hidden,
    pub(crate) trains: bool,
    /// Functions of the module that may run, by their numbers.
    reach: ObjSet,
    pub(crate) escaping: bool,
    /// What its code reaches by itself: through outer variables, or since it is made there.
    visible: ObjSet,
}

impl Spread {
    /// Functions of the module that may run.
    pub(crate) fn reached(&self) -> impl Iterator<Item = FunctionId> + '_ {
        self.reach.iter().map(|id| FunctionId(id.0))
    }

    fn size(&self) -> (usize, usize, usize, usize, Hidden, bool, bool) {
        let counts = (
            self.mutated.len(),
            self.bound.len() + self.bound_files.len(),
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

/// A generator expression: the function and statement that it is in, and where it stands.
pub(crate) type Deferred = (FunctionId, StmtId, Span);

/// What was run already of one list of events.
#[derive(Default)]
struct Done {
    functions: BTreeSet<FunctionId>,
    generators: BTreeSet<Deferred>,
}

/// What the spreading needs to know.
pub(crate) struct World<'a> {
    pub(crate) heap: &'a Heap,
    pub(crate) events: &'a [Vec<Event>],
    pub(crate) external: &'a BTreeSet<FunctionId>,
    /// Generator expressions that unknown code may iterate.
    pub(crate) lent: &'a [Deferred],
    /// The function in which each variable lives.
    pub(crate) homes: &'a [FunctionId],
    /// What each function reaches through variables that are not its own, and what it makes.
    pub(crate) outer: &'a [ObjSet],
}

/// The effects of every function, itself and all that it calls.
pub(crate) fn spread(world: &World<'_>) -> Vec<Spread> {
    let count = world.events.len();
    let mut spreads = vec![Spread::default(); count];
    for (index, spread) in spreads.iter_mut().enumerate() {
        spread.visible = world.outer[index].clone();
    }
    let callers = callers(world);
    let mut due = vec![true; count];
    // Callees are mostly defined before callers; any order ends at the same result.
    while due.iter().any(|it| *it) {
        for index in 0..count {
            if !std::mem::take(&mut due[index]) {
                continue;
            }
            let events: Vec<&Event> = world.events[index].iter().collect();
            let mut next = std::mem::take(&mut spreads[index]);
            let (before, reached) = (next.size(), next.reach.clone());
            collect(
                world,
                &spreads,
                &events,
                Some(FunctionId(index as u32)),
                &mut next,
            );
            let mut new = next.reach.clone();
            new.subtract(&reached);
            for inner in new.iter() {
                next.visible.extend(&world.outer[inner.0 as usize]);
            }
            if next.size() != before {
                for caller in &callers[index] {
                    due[caller.index()] = true;
                }
            }
            spreads[index] = next;
        }
    }
    spreads
}

/// For each function those that may run it.
fn callers(world: &World<'_>) -> Vec<BTreeSet<FunctionId>> {
    let count = world.events.len();
    let mut callers = vec![BTreeSet::new(); count];
    for index in 0..count {
        let caller = FunctionId(index as u32);
        // Generators run code of the functions that they are in.
        let (mut around, mut work) = (BTreeSet::from([caller]), vec![caller]);
        let mut escaping = false;
        while let Some(id) = work.pop() {
            for event in &world.events[id.index()] {
                if let Action::Call { targets, .. } = &event.action {
                    for target in targets {
                        if let Target::Function(id) | Target::Body(id) = target {
                            callers[id.index()].insert(caller);
                        }
                    }
                }
                escaping |= is_escaping(event);
                let lent = if is_escaping(event) { world.lent } else { &[] };
                let inner = generators_in(event).chain(lent.iter().copied());
                work.extend(inner.map(|(id, ..)| id).filter(|id| around.insert(*id)));
            }
        }
        for id in world.external.iter().filter(|_| escaping) {
            callers[id.index()].insert(caller);
        }
    }
    callers
}

fn is_escaping(event: &Event) -> bool {
    matches!(&event.action, Action::Call { escaping: true, .. })
}

/// Generator expressions that an event iterates.
pub(crate) fn generators_in(event: &Event) -> impl Iterator<Item = Deferred> + '_ {
    let targets = match &event.action {
        Action::Call { targets, .. } => &targets[..],
        _other => &[],
    };
    targets.iter().filter_map(|target| match target {
        Target::Deferred(id, stmt, span) => Some((*id, *stmt, *span)),
        Target::Function(_) | Target::Body(_) => None,
    })
}

/// What a generator expression does when it is iterated.
pub(crate) fn events_of(
    events: &[Vec<Event>],
    (id, stmt, span): Deferred,
) -> impl Iterator<Item = &Event> {
    let own = events[id.index()].iter();
    own.filter(move |found| found.stmt == stmt && span.contains_span(found.span))
}

/// Everything that a function reaches through variables that are not its own, and what it makes.
pub(crate) fn outer_objects(
    heap: &Heap,
    touched: &[BTreeSet<BindingId>],
    env: &[ObjSet],
) -> Vec<ObjSet> {
    let roots = touched.iter().map(|touched| {
        let mut roots = ObjSet::default();
        for binding in touched {
            roots.extend(&env[binding.index()]);
        }
        heap.closure(&roots, true)
    });
    let mut outer: Vec<ObjSet> = roots.collect();
    for object in (0..heap.len()).map(|index| ObjId(index as u32)) {
        if let Some(own) = outer.get_mut(heap.get(object).maker.index()) {
            own.insert(object);
        }
    }
    if heap.dense {
        // Whatever runs may have unknown values of its own.
        for own in &mut outer {
            own.insert(ANYTHING);
        }
    }
    outer
}

/// Adds the effects of some events.
pub(crate) fn collect(
    world: &World<'_>,
    spreads: &[Spread],
    events: &[&Event],
    function: Option<FunctionId>,
    into: &mut Spread,
) {
    collect_rest(world, spreads, events, function, &mut Done::default(), into);
}

fn collect_rest(
    world: &World<'_>,
    spreads: &[Spread],
    events: &[&Event],
    function: Option<FunctionId>,
    done: &mut Done,
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
                into.bound_files
                    .entry(*of)
                    .or_insert_with(|| Cause::at(event.span, event.text.clone()));
            }
            Action::Opaque(number) => {
                into.opaque.insert(ObjId(*number));
            }
            Action::Hidden(hidden) => into.hidden.join(hidden),
            Action::Trains => into.trains = true,
            Action::Yield | Action::Await => {}
            Action::Call {
                targets,
                reachable,
                escaping,
            } => {
                let call = (&targets[..], reachable, *escaping);
                run_call(world, spreads, event, call, done, into);
            }
        }
    }
}

fn run_call(
    world: &World<'_>,
    spreads: &[Spread],
    event: &Event,
    (targets, reachable, escaping): (&[Target], &ObjSet, bool),
    done: &mut Done,
    into: &mut Spread,
) {
    into.escaping |= escaping;
    let mut functions: BTreeSet<FunctionId> = BTreeSet::new();
    let mut bodies: BTreeSet<FunctionId> = BTreeSet::new();
    for target in targets {
        match target {
            Target::Function(id) => {
                functions.insert(*id);
            }
            Target::Body(id) => {
                bodies.insert(*id);
            }
            Target::Deferred(..) => {}
        }
    }
    let named = functions.clone();
    if escaping {
        functions.extend(world.external);
    }
    for id in functions {
        into.reach.insert(ObjId(id.0));
        let text = if named.contains(&id) && !event.text.is_empty() {
            event.text.clone()
        } else {
            "opaque code may call functions of this module that it knows".to_string()
        };
        let callee = &spreads[id.index()];
        absorb_objects(world, callee, (event.span, &text), reachable, into);
        // Unknown code that may call anything is no sign of training.
        into.trains |= callee.trains && !escaping;
        if done.functions.insert(id) {
            absorb_rest(callee, (event.span, &text), into);
        }
    }
    for id in bodies {
        run_body(world, &spreads[id.index()], id, event, into);
    }
    let trains = into.trains;
    for generator in world.lent.iter().filter(|_| escaping) {
        run_generator(world, spreads, *generator, done, into);
    }
    into.trains = trains;
    for generator in generators_in(event) {
        run_generator(world, spreads, generator, done, into);
    }
}

fn run_generator(
    world: &World<'_>,
    spreads: &[Spread],
    generator: Deferred,
    done: &mut Done,
    into: &mut Spread,
) {
    if done.generators.insert(generator) {
        let own: Vec<&Event> = events_of(world.events, generator).collect();
        collect_rest(world, spreads, &own, None, done, into);
    }
}

/// Adds the effects of an imported file's body on what is not its own.
fn run_body(world: &World<'_>, callee: &Spread, id: FunctionId, event: &Event, into: &mut Spread) {
    into.reach.insert(ObjId(id.0));
    let mut others = Spread::default();
    let (place, nothing) = ((event.span, event.text.as_str()), ObjSet::default());
    absorb_objects(world, callee, place, &nothing, &mut others);
    absorb_rest(callee, place, &mut others);
    for (object, cause) in others.mutated {
        if world.heap.get(object).maker != id || world.heap.is_anything(object) {
            into.objects.insert(object);
            into.mutated.entry(object).or_insert(cause);
        }
    }
    for (binding, cause) in others.bound {
        if world.homes[binding.index()] != id {
            into.bound.entry(binding).or_insert(cause);
        }
    }
    for (file, cause) in others.bound_files {
        if file != Some(id) {
            into.bound_files.entry(file).or_insert(cause);
        }
    }
    into.opaque.extend(&others.opaque);
    into.hidden.join(&others.hidden);
    into.trains |= callee.trains;
    into.escaping |= others.escaping;
    into.reach.extend(&others.reach);
}

/// Adds what a callee changes, as far as its caller can see it.
fn absorb_objects(
    world: &World<'_>,
    callee: &Spread,
    (span, text): (Span, &str),
    reachable: &ObjSet,
    into: &mut Spread,
) {
    let mut new = callee.objects.clone();
    new.subtract(&into.objects);
    if new.is_empty() {
        return;
    }
    new.retain(&world.heap.meant(&callee.visible.union(reachable)));
    for object in new.iter() {
        if let Some(cause) = callee.mutated.get(&object) {
            into.objects.insert(object);
            into.mutated.insert(object, chain(cause, span, text));
        }
    }
}

/// Adds the other effects of a callee.
fn absorb_rest(callee: &Spread, (span, text): (Span, &str), into: &mut Spread) {
    for (binding, cause) in &callee.bound {
        into.bound
            .entry(*binding)
            .or_insert_with(|| chain(cause, span, text));
    }
    for (file, cause) in &callee.bound_files {
        into.bound_files
            .entry(*file)
            .or_insert_with(|| chain(cause, span, text));
    }
    into.opaque.extend(&callee.opaque);
    into.hidden.join(&callee.hidden);
    into.escaping |= callee.escaping;
    into.reach.extend(&callee.reach);
}

fn chain(cause: &Cause, span: Span, text: &str) -> Cause {
    let mut chained = cause.called_from(span, text);
    if chained.steps.len() > MAX_STEPS {
        let last = chained.steps.len() - 1;
        chained.steps.drain(MAX_STEPS - 1..last);
    }
    chained
}
