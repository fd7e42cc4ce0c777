//! Questions about single calls and about what a region reads and reaches.
//!
//! ```python
//! t0 = time.time()               # is_clock_call -> "time.time"
//! for i in range(len(data)):     # recreatable_iterable -> true
//! ```
//!
//! Answers from the tables of the analysis; runs nothing again.

use std::collections::{BTreeMap, BTreeSet};

use florc_semantic::{BindingId, FunctionId};
use florc_syntax::tree::{ExprId, StmtId, StmtKind};

use crate::effect::LogCall;
use crate::effects::Effects;
use crate::event::{Action, Event, Target};
use crate::heap::ObjKind;
use crate::interp::Interp;
use crate::spread::{Deferred, events_of, generators_in};

/// What was added when functions are collected that events may run.
#[derive(Default)]
struct Done {
    generators: BTreeSet<Deferred>,
    /// All that unknown code may run.
    escaped: bool,
}

impl Effects {
    /// What kind of log statement a call expression is, if it is one.
    pub fn is_log_call(&self, call: ExprId) -> Option<LogCall> {
        self.logs.get(&call).copied()
    }

    /// The full name of the clock (or other reading of the outer world) that a call reads.
    pub fn is_clock_call(&self, call: ExprId) -> Option<String> {
        self.clocks.get(&call).cloned()
    }

    /// Whether evaluating the iterable again in a new process and drawing items gives the same
    /// items: `range`, containers, `DataLoader`s and what is built from them.
    pub fn recreatable_iterable(&self, iterable: ExprId) -> bool {
        self.recreatable.contains(&iterable)
    }

    /// Whether all that an iterable may be runs code of the program to give its items: generators,
    /// and objects of the program's own classes.
    pub fn runs_own_code(&self, iterable: ExprId) -> bool {
        self.generating.contains(&iterable)
    }

    /// Whether a variable may hold an iterator: one that is drawn from cannot be set back in place.
    pub fn may_hold_iterator(&self, binding: BindingId) -> bool {
        self.doubted || self.iterators.contains(&binding)
    }

    /// Whether these statements make training progress, themselves or through calls: `.backward()`,
    /// an optimizer's `.step()`, `.fit()`, or `w -= lr * gradient`.
    pub fn trains(&self, stmts: &[StmtId]) -> bool {
        self.running(stmts)
            .into_iter()
            .any(|event| self.event_trains(event, &mut BTreeSet::new()))
    }

    /// Code that only may be called by something unknown is no sign of training.
    fn event_trains(&self, event: &Event, done: &mut BTreeSet<Deferred>) -> bool {
        match &event.action {
            Action::Trains => true,
            Action::Call {
                targets, escaping, ..
            } => targets.iter().any(|target| match target {
                Target::Function(id) | Target::Body(id) => {
                    !escaping && self.spreads[id.index()].trains
                }
                Target::Deferred(id, stmt, span) => {
                    let generator = (*id, *stmt, *span);
                    let mut inner = events_of(&self.events, generator);
                    done.insert(generator) && inner.any(|inner| self.event_trains(inner, done))
                }
            }),
            Action::Mutate(_)
            | Action::Bind(_)
            | Action::BindGlobals(_)
            | Action::Opaque(_)
            | Action::Hidden(_)
            | Action::Yield
            | Action::Await => false,
        }
    }

    /// Every function of the module that may run while these statements do.
    pub fn may_reach(&self, stmts: &[StmtId]) -> BTreeSet<FunctionId> {
        if self.is_doubted(stmts) {
            return (0..self.events.len() as u32).map(FunctionId).collect();
        }
        let mut reached = BTreeSet::new();
        let mut done = Done::default();
        for event in self.running(stmts) {
            self.add_reached(event, &mut done, &mut reached);
        }
        reached
    }

    /// As [`Effects::may_reach`] for one statement of `function`, without the statements in its
    /// suites: what a test, an iterable or a decorator may run.
    pub fn may_reach_at(&self, function: FunctionId, stmt: StmtId) -> BTreeSet<FunctionId> {
        if self.is_doubted(&[stmt]) {
            return (0..self.events.len() as u32).map(FunctionId).collect();
        }
        let (mut reached, mut done) = (BTreeSet::new(), Done::default());
        for event in self.events[function.index()]
            .iter()
            .filter(|it| it.stmt == stmt)
        {
            self.add_reached(event, &mut done, &mut reached);
        }
        reached
    }

    /// Adds the functions that an event may run, directly or not.
    fn add_reached(&self, event: &Event, done: &mut Done, into: &mut BTreeSet<FunctionId>) {
        let Action::Call {
            targets, escaping, ..
        } = &event.action
        else {
            return;
        };
        let mut escaping = *escaping;
        for target in targets {
            if let Target::Function(id) | Target::Body(id) = target {
                let found = &self.spreads[id.index()];
                into.insert(*id);
                into.extend(found.reached());
                escaping |= found.escaping;
            }
        }
        if escaping && !std::mem::replace(&mut done.escaped, true) {
            into.extend(self.beyond.get_or_init(|| self.run_by_unknown_code()));
        }
        let lent = if escaping { &self.lent[..] } else { &[] };
        let generators = generators_in(event).chain(lent.iter().copied());
        for generator in generators {
            if done.generators.insert(generator) {
                for inner in events_of(&self.events, generator) {
                    self.add_reached(inner, done, into);
                }
            }
        }
    }

    fn run_by_unknown_code(&self) -> BTreeSet<FunctionId> {
        let called = self.external.iter().flat_map(|id| {
            let further = self.spreads[id.index()].reached();
            std::iter::once(*id).chain(further)
        });
        self.apart.iter().copied().chain(called).collect()
    }

    /// Outer variables that functions which may run during these statements mention; with the
    /// region's own reads these are its inputs.
    pub fn inputs_of_called(&self, stmts: &[StmtId]) -> BTreeSet<BindingId> {
        let reached = self.may_reach(stmts);
        let mentioned = reached.iter().flat_map(|id| &self.touched[id.index()]);
        mentioned
            .copied()
            .filter(|binding| self.is_data(*binding))
            .collect()
    }

    /// Variables that code of `function` sees.
    pub fn visible(&self, function: FunctionId) -> impl Iterator<Item = BindingId> + '_ {
        let all = (0..self.reach.len() as u32).map(BindingId);
        all.filter(move |binding| self.is_visible(*binding, function))
    }

    /// Whether two variables may lead to the same data.
    pub fn may_share(&self, one: BindingId, other: BindingId) -> bool {
        let data = |id: &crate::heap::ObjId| match self.heap.kind(*id) {
            ObjKind::Typed(_) | ObjKind::Unknown | ObjKind::Instance(_) => true,
            ObjKind::Scalar
            | ObjKind::Function(_)
            | ObjKind::Class(_)
            | ObjKind::Library(_)
            | ObjKind::Module(_)
            | ObjKind::Method(_)
            | ObjKind::Super(_) => false,
        };
        let reach = |binding: BindingId| self.reach.get(binding.index());
        let (Some(one), Some(other)) = (reach(one), reach(other)) else {
            return false;
        };
        one.intersects(other) && one.common(other).iter().any(|id| data(&id))
    }

    /// A variable that holds data, not only functions, classes and modules.
    pub fn is_data(&self, binding: BindingId) -> bool {
        self.env[binding.index()]
            .iter()
            .any(|id| match self.heap.kind(id) {
                ObjKind::Scalar
                | ObjKind::Typed(_)
                | ObjKind::Unknown
                | ObjKind::Instance(_)
                | ObjKind::Method(_) => true,
                ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Super(_) => false,
            })
    }

    /// Notes of the code that runs while these statements do, calls not followed.
    fn running(&self, stmts: &[StmtId]) -> Vec<&Event> {
        let functions = (0..self.events.len() as u32).map(FunctionId);
        functions.flat_map(|id| self.events_in(id, stmts)).collect()
    }

    /// Whether an event of training is noted in these statements themselves.
    pub fn trains_directly(&self, function: FunctionId, stmts: &[StmtId]) -> bool {
        let events = self.events_in(function, stmts);
        events
            .iter()
            .any(|event| matches!(event.action, Action::Trains))
    }
}

/// Iterables that a new process builds the same way.
pub(crate) fn recreatable_expressions(interp: &Interp<'_>) -> BTreeSet<ExprId> {
    let mut known: BTreeMap<ExprId, bool> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for index in 0..interp.tree.expr_count() {
        let expr = ExprId(index as u32);
        if crate::questions::recreatable::is_recreatable(interp, expr, &mut known, 0) {
            found.insert(expr);
        }
    }
    found
}

/// Variables that may hold an iterator, or what nothing is known of.
pub(crate) fn iterator_variables(interp: &Interp<'_>) -> BTreeSet<BindingId> {
    let is_iterator = |id| match interp.heap.kind(id) {
        ObjKind::Typed(of) => interp.knowledge.is_a(of, "builtins.iterator"),
        ObjKind::Unknown => true,
        ObjKind::Scalar
        | ObjKind::Instance(_)
        | ObjKind::Function(_)
        | ObjKind::Class(_)
        | ObjKind::Library(_)
        | ObjKind::Module(_)
        | ObjKind::Method(_)
        | ObjKind::Super(_) => false,
    };
    let variables = interp.env.iter().enumerate();
    variables
        .filter(|(_, values)| values.iter().any(is_iterator))
        .map(|(index, _)| BindingId(index as u32))
        .collect()
}

/// Iterables that run code of the program when they are drawn from.
pub(crate) fn generating_expressions(interp: &Interp<'_>) -> BTreeSet<ExprId> {
    let generates = |id| match interp.heap.kind(id) {
        ObjKind::Instance(_) => true,
        ObjKind::Typed(of) => &*of == "builtins.generator",
        ObjKind::Scalar
        | ObjKind::Unknown
        | ObjKind::Function(_)
        | ObjKind::Class(_)
        | ObjKind::Library(_)
        | ObjKind::Module(_)
        | ObjKind::Method(_)
        | ObjKind::Super(_) => false,
    };
    let stmts = (0..interp.tree.stmt_count() as u32).map(StmtId);
    let iterables = stmts.filter_map(|stmt| match &interp.tree.stmt(stmt).kind {
        StmtKind::For { iter, .. } => Some(*iter),
        _ => None,
    });
    let all_generate = |iter: &ExprId| {
        let values = interp.values.get(iter);
        values.is_some_and(|values| !values.is_empty() && values.iter().all(generates))
    };
    iterables.filter(all_generate).collect()
}

mod recreatable;
