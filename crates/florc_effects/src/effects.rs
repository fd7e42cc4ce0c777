//! [`Effects`]: the answers about regions and functions.
//!
//! ```python
//! for x, y in loader:            # region: this loop
//!     loss = step(net, opt, x)   # bound: x, y, loss; mutated: net, opt
//! ```
//!
//! Built once per module, then only read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use florc_semantic::{BindingId, FunctionId, ScopeKind, Semantics};
use florc_syntax::Span;
use florc_syntax::tree::{ExprId, StmtId};

use crate::effect::{Cause, GENERATORS, LogCall, RegionEffect, Summary};
use crate::event::{Action, Event};
use crate::heap::{Field, Heap, ObjId, ObjKind, Site};
use crate::interp::Interp;
use crate::object_set::ObjSet;
use crate::spread::{Deferred, Spread, World, collect, outer_objects, spread};

/// What every function of a module may do.
#[derive(Debug)]
pub struct Effects {
    pub(crate) heap: Heap,
    pub(crate) env: Vec<ObjSet>,
    /// All that a variable may lead to.
    pub(crate) reach: Vec<ObjSet>,
    pub(crate) events: Vec<Vec<Event>>,
    pub(crate) spreads: Vec<Spread>,
    /// The calls of which nothing is known, by their numbers.
    opaques: Vec<(Span, String)>,
    pub(crate) outer: Vec<ObjSet>,
    pub(crate) external: BTreeSet<FunctionId>,
    /// Generator expressions that unknown code may iterate.
    pub(crate) lent: Vec<Deferred>,
    foreign: BTreeSet<FunctionId>,
    pub(crate) touched: Vec<BTreeSet<BindingId>>,
    pub(crate) homes: Vec<FunctionId>,
    pub(crate) globals: Vec<BindingId>,
    /// The body of each file.
    modules: Vec<FunctionId>,
    pub(crate) parents: Vec<Option<StmtId>>,
    /// Of each statement its number in the order of the text, and that of what follows it.
    order: Vec<(u32, u32)>,
    pub(crate) logs: BTreeMap<ExprId, LogCall>,
    pub(crate) clocks: BTreeMap<ExprId, String>,
    pub(crate) recreatable: BTreeSet<ExprId>,
    pub(crate) generating: BTreeSet<ExprId>,
    /// Variables that may hold an iterator.
    pub(crate) iterators: BTreeSet<BindingId>,
    in_class: Vec<bool>,
    function_parents: Vec<Option<FunctionId>>,
    params: Vec<Vec<BindingId>>,
    definitions: Vec<Option<StmtId>>,
    /// The analysis gave up.
    pub(crate) doubted: bool,
    /// Functions of which every statement may do anything.
    pub(crate) apart: BTreeSet<FunctionId>,
    /// All that unknown code may run: looked for once.
    pub(crate) beyond: OnceLock<BTreeSet<FunctionId>>,
}

impl Effects {
    pub(crate) fn from_interp(mut interp: Interp<'_>, reached: bool) -> Self {
        interp.finish(reached);
        interp.heap.doubt_closures();
        let semantics = interp.semantics;
        let reach = interp
            .env
            .iter()
            .map(|values| interp.heap.closure(values, false))
            .collect();
        let parents: Vec<Option<StmtId>> = (0..interp.tree.stmt_count())
            .map(|id| interp.tree.parent(StmtId(id as u32)))
            .collect();
        let lent = lent(&interp);
        let mut effects = Self {
            reach,
            order: order(&parents),
            parents,
            recreatable: crate::questions::recreatable_expressions(&interp),
            generating: crate::questions::generating_expressions(&interp),
            iterators: crate::questions::iterator_variables(&interp),
            homes: homes(semantics),
            globals: globals(semantics),
            modules: semantics.modules.clone(),
            in_class: in_class(semantics),
            function_parents: semantics
                .functions
                .iter()
                .map(|function| function.parent)
                .collect(),
            params: params(semantics),
            definitions: semantics
                .functions
                .iter()
                .map(|function| function.stmt)
                .collect(),
            heap: interp.heap,
            env: interp.env,
            events: interp.events,
            external: interp.external,
            lent,
            foreign: interp.foreign,
            touched: interp.touched,
            logs: interp.logs,
            clocks: interp.clocks,
            spreads: Vec::new(),
            opaques: Vec::new(),
            outer: Vec::new(),
            doubted: !reached,
            apart: BTreeSet::new(),
            beyond: OnceLock::new(),
        };
        if !reached {
            effects.doubt_everything(semantics);
        } else if !interp.apart.is_empty() {
            effects.doubt_functions(semantics, &interp.apart);
            effects.apart = interp.apart;
        }
        effects.number_opaques();
        effects.outer = outer_objects(&effects.heap, &effects.touched, &effects.env);
        effects.spreads = spread(&effects.world());
        effects
    }

    pub(crate) fn world(&self) -> World<'_> {
        World {
            heap: &self.heap,
            events: &self.events,
            external: &self.external,
            lent: &self.lent,
            homes: &self.homes,
            outer: &self.outer,
        }
    }

    /// The analysis gave up: every statement may change everything, and all variables may share.
    fn doubt_everything(&mut self, semantics: &Semantics) {
        let functions = semantics.functions.iter().map(|function| function.id);
        self.doubt_functions(semantics, &functions.collect());
    }

    /// Every statement of these functions may change everything.
    fn doubt_functions(&mut self, semantics: &Semantics, functions: &BTreeSet<FunctionId>) {
        let anything = self.heap.make(
            Site::Place(Span::default()),
            ObjKind::Unknown,
            FunctionId(0),
        );
        for (index, home) in self.homes.iter().enumerate() {
            if functions.contains(home) {
                self.reach[index].insert(anything);
                self.env[index].insert(anything);
            }
        }
        for function in functions {
            self.events[function.index()].retain(|event| !event.action.is_doubtful());
        }
        let doubts = doubts(semantics, ObjSet::one(anything));
        for stmt in (0..self.parents.len()).map(|id| StmtId(id as u32)) {
            let function = semantics.function_of_stmt(stmt);
            if !functions.contains(&function) {
                continue;
            }
            let events = &mut self.events[function.index()];
            let span = events
                .iter()
                .find(|event| event.stmt == stmt)
                .or(events.first())
                .map(|event| event.span)
                .unwrap_or_default();
            events.extend(doubts.iter().map(|action| Event {
                stmt,
                span,
                text: "opaque: the module is too involved to be analysed".to_string(),
                action: action.clone(),
            }));
        }
    }

    /// Whether nothing is known of what some of these statements run.
    pub(crate) fn is_doubted(&self, stmts: &[StmtId]) -> bool {
        let mut apart = self.apart.iter();
        self.doubted || apart.any(|id| !self.events_in(*id, stmts).is_empty())
    }

    /// Whether the program was too involved: every statement is taken to change everything.
    pub fn gave_up(&self) -> bool {
        self.doubted
    }

    /// What running these statements of `function`, once or many times, may do.
    pub fn region(&self, function: FunctionId, stmts: &[StmtId]) -> RegionEffect {
        let events = self.events_in(function, stmts);
        let mut all = Spread::default();
        collect(&self.world(), &self.spreads, &events, None, &mut all);
        let mut effect = RegionEffect {
            hidden: all.hidden.clone(),
            ..RegionEffect::default()
        };
        effect.opaque = self.opaque_calls(&all);
        effect.yields = events
            .iter()
            .any(|event| matches!(event.action, Action::Yield));
        effect.awaits = events
            .iter()
            .any(|event| matches!(event.action, Action::Await));
        effect.bound = self.bound_by(&all);
        effect.bound.retain(|id, _| self.is_visible(*id, function));
        self.add_members(&all, &mut effect);
        effect.mutated = self.changed_variables(&all, |binding| self.is_visible(binding, function));
        effect.drawn = self.drawn(&all.objects, effect.mutated.keys());
        self.add_foreign_globals(function, &all, &mut effect);
        effect
    }

    /// Variables that lead to no changed object but random generators.
    fn drawn<'a>(
        &self,
        changed: &ObjSet,
        variables: impl Iterator<Item = &'a BindingId>,
    ) -> BTreeSet<BindingId> {
        let is_generator = |id: ObjId| {
            let of = self.heap.kind(id).typed();
            of.is_some_and(|of| GENERATORS.contains(&&*of))
        };
        let only_generators = |binding: &&BindingId| {
            let reached = self.reach[binding.index()].common(changed);
            reached.iter().all(is_generator)
        };
        variables.filter(only_generators).copied().collect()
    }

    /// Whether the module was so involved that unknown values were taken for one, or all statements
    /// to change everything.
    pub fn is_coarse(&self) -> bool {
        self.heap.dense
    }

    /// What a call of a function may do.
    pub fn summary(&self, function: FunctionId) -> Summary {
        let all = &self.spreads[function.index()];
        let own = |binding: BindingId| self.homes[binding.index()] == function;
        let params = &self.params[function.index()];
        Summary {
            parameters: self.changed_variables(all, |binding| params.contains(&binding)),
            bound: self.bound_by(all),
            mutated: self.changed_variables(all, |binding| {
                !own(binding) && self.is_visible(binding, function)
            }),
            opaque: self.opaque_calls(all),
            hidden: all.hidden.clone(),
        }
    }

    fn number_opaques(&mut self) {
        for event in self.events.iter_mut().flatten() {
            if let Action::Opaque(number) = &mut event.action {
                *number = self.opaques.len() as u32;
                self.opaques.push((event.span, event.text.clone()));
            }
        }
    }

    /// Places and names of calls of which nothing is known, in source order.
    fn opaque_calls(&self, all: &Spread) -> Vec<(Span, String)> {
        let calls = all.opaque.iter().map(|id| &self.opaques[id.0 as usize]);
        let calls: BTreeSet<&(Span, String)> = calls.collect();
        calls.into_iter().cloned().collect()
    }

    /// Variables that are bound again, by name or with all others of their file.
    fn bound_by(&self, all: &Spread) -> BTreeMap<BindingId, Cause> {
        let mut bound = all.bound.clone();
        for (file, cause) in &all.bound_files {
            let own = |id: &&BindingId| file.is_none_or(|file| self.homes[id.index()] == file);
            for binding in self.globals.iter().filter(own) {
                bound.entry(*binding).or_insert_with(|| cause.clone());
            }
        }
        bound
    }

    /// Variables that may lead to a changed object.
    fn changed_variables(
        &self,
        all: &Spread,
        wanted: impl Fn(BindingId) -> bool,
    ) -> BTreeMap<BindingId, Cause> {
        let mut changed = BTreeMap::new();
        for (index, reach) in self.reach.iter().enumerate() {
            let binding = BindingId(index as u32);
            if !wanted(binding) || !reach.intersects(&all.objects) {
                continue;
            }
            // The object itself explains better than what it holds.
            let direct = self.env[index].common(&all.objects).iter().next();
            let object = direct.or_else(|| reach.common(&all.objects).iter().next());
            if let Some(cause) = object.and_then(|id| all.mutated.get(&id)) {
                changed.insert(binding, cause.clone());
            }
        }
        changed
    }

    /// Who changes a module, and nobody knows how, may bind any of its variables again.
    fn add_members(&self, all: &Spread, effect: &mut RegionEffect) {
        for (object, cause) in &all.mutated {
            let one = ObjSet::one(*object);
            for object in self.heap.meant(&one).iter() {
                let ObjKind::Module(file) = self.heap.kind(object) else {
                    continue;
                };
                let own = |id: &&BindingId| self.homes[id.index()] == self.modules[file];
                for binding in self.globals.iter().filter(own) {
                    let bound = effect.bound.entry(*binding);
                    bound.or_insert_with(|| cause.clone());
                }
            }
        }
    }

    /// Parameters of a function that others call may be any global object.
    fn add_foreign_globals(&self, function: FunctionId, all: &Spread, effect: &mut RegionEffect) {
        let mut home = Some(function);
        let mut foreign = false;
        while let Some(id) = home {
            foreign |= self.foreign.contains(&id) || self.external.contains(&id);
            home = self.function_parents[id.index()];
        }
        if !foreign {
            return;
        }
        let touched = all
            .mutated
            .iter()
            .find(|(id, _)| self.heap.is_foreign(**id));
        let Some((_, cause)) = touched else { return };
        let (own, entry) = (self.module_of(function), FunctionId(0));
        let near = |id: &&BindingId| [own, entry].contains(&self.homes[id.index()]);
        for binding in self.globals.iter().filter(near) {
            let held = &self.env[binding.index()];
            let data = held.iter().any(|id| match self.heap.kind(id) {
                ObjKind::Typed(_) | ObjKind::Unknown | ObjKind::Instance(_) => true,
                ObjKind::Scalar
                | ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => false,
            });
            if data {
                effect.drawn.remove(binding);
                effect
                    .mutated
                    .entry(*binding)
                    .or_insert_with(|| cause.clone());
            }
        }
    }

    /// Notes of the region's own statements: a body runs when its function is called, not where the
    /// `def` stands.
    pub(crate) fn events_in(&self, function: FunctionId, stmts: &[StmtId]) -> Vec<&Event> {
        let place = |stmt: StmtId| self.order.get(stmt.0 as usize).copied();
        let def = self.definition_of(function).and_then(place);
        let holds_def =
            |(first, end): &(u32, u32)| def.is_some_and(|(at, _)| *first <= at && at < *end);
        let ranges: Vec<(u32, u32)> = stmts
            .iter()
            .filter_map(|stmt| place(*stmt))
            .filter(|range| !holds_def(range))
            .collect();
        let inside = |stmt: StmtId| {
            let at = place(stmt).map_or(u32::MAX, |(at, _)| at);
            ranges.iter().any(|(first, end)| *first <= at && at < *end)
        };
        let events = self.events[function.index()].iter();
        events.filter(|event| inside(event.stmt)).collect()
    }

    /// Whether code of `function` can see the variable by name, or as an attribute of a module.
    pub(crate) fn is_visible(&self, binding: BindingId, function: FunctionId) -> bool {
        if self.in_class[binding.index()] {
            return false;
        }
        let home = self.homes[binding.index()];
        let mut next = Some(function);
        while let Some(id) = next {
            if id == home {
                return true;
            }
            next = self.function_parents[id.index()];
        }
        self.modules.contains(&home)
    }

    /// The body of the file that a function is in.
    pub(crate) fn module_of(&self, function: FunctionId) -> FunctionId {
        let around = |id: &FunctionId| self.function_parents[id.index()];
        let all = std::iter::successors(Some(function), around);
        all.last().unwrap_or(function)
    }

    /// The `def` of a function.
    pub(crate) fn definition_of(&self, function: FunctionId) -> Option<StmtId> {
        self.definitions[function.index()]
    }
}

/// Generator expressions that unknown code may iterate.
fn lent(interp: &Interp<'_>) -> Vec<Deferred> {
    let known = interp.escaped.common(&interp.heap.kinds.deferred);
    let codes = known.iter().filter_map(|id| interp.heap.get(id).deferred);
    codes.collect()
}

/// What any statement may do: change all objects, bind what is not its own.
fn doubts(semantics: &Semantics, all: ObjSet) -> Vec<Action> {
    let mut doubts = vec![Action::Mutate(all), Action::BindGlobals(None)];
    for (index, binding) in semantics.bindings.iter().enumerate() {
        if binding.is_nonlocal_declared {
            doubts.push(Action::Bind(BindingId(index as u32)));
        }
    }
    doubts
}

impl Heap {
    /// Made by somebody else and passed to a function of this module.
    pub(crate) fn is_foreign(&self, id: ObjId) -> bool {
        let foreign = |id| {
            matches!(self.site(id), Site::Foreign(_))
                || (self.merged_foreign && self.is_anything(id))
        };
        let any = self.get(id).fields.get(&Field::Any);
        foreign(id) || any.is_some_and(|any| self.unmerged(any).iter().any(foreign))
    }
}

/// Numbers statements so that what is inside of one comes right after it.
fn order(parents: &[Option<StmtId>]) -> Vec<(u32, u32)> {
    let mut inside: Vec<Vec<usize>> = vec![Vec::new(); parents.len()];
    let mut work = Vec::new();
    for (index, parent) in parents.iter().enumerate().rev() {
        match parent {
            Some(parent) => inside[parent.0 as usize].push(index),
            None => work.push((index, false)),
        }
    }
    let mut order = vec![(0, 0); parents.len()];
    let mut next = 0;
    while let Some((index, done)) = work.pop() {
        if done {
            order[index].1 = next;
            continue;
        }
        order[index].0 = next;
        next += 1;
        work.push((index, true));
        work.extend(inside[index].iter().map(|inner| (*inner, false)));
    }
    order
}

fn homes(semantics: &Semantics) -> Vec<FunctionId> {
    semantics
        .bindings
        .iter()
        .map(|binding| semantics.scope(binding.scope).function)
        .collect()
}

fn globals(semantics: &Semantics) -> Vec<BindingId> {
    let scopes = semantics.modules.iter().map(|module| {
        let scope = semantics.function(*module).scope;
        semantics.scope(scope).bindings.values().copied()
    });
    scopes.flatten().collect()
}

fn params(semantics: &Semantics) -> Vec<Vec<BindingId>> {
    let functions = semantics.functions.iter();
    functions.map(|function| function.params.clone()).collect()
}

fn in_class(semantics: &Semantics) -> Vec<bool> {
    let class = |scope| {
        matches!(
            semantics.scope(scope).kind,
            ScopeKind::Class(_) | ScopeKind::Comprehension(_)
        )
    };
    semantics
        .bindings
        .iter()
        .map(|binding| class(binding.scope))
        .collect()
}
