//! Calls of libraries: finds the rule in the knowledge base and applies it.
//!
//! ```python
//! opt = optim.AdamW(net.parameters())    # new:torch.optim.Optimizer, which holds the parameters
//! opt.step()                             # mutates self*: the optimizer and all that it holds
//! ```
//!
//! What no file knows is opaque.

use florc_syntax::tree::{ExprId, StmtId};

use crate::effect::Hidden;
use crate::event::Action;
use crate::heap::{ANYTHING, Field, ObjId, ObjKind, SCALAR};
use crate::interp::Interp;
use crate::knowledge::{Callbacks, Rule};
use crate::name::Name;
use crate::object_set::ObjSet;
use crate::rules::call::Args;

/// Objects that are passed on one by one to code that a library calls.
const MOST_APART: usize = 8;

/// The name under which rules of operators are applied.
pub(super) const OPERATOR: &str = "operator";

impl Interp<'_> {
    pub(super) fn call_library(
        &mut self,
        site: ExprId,
        callee: ObjId,
        path: Name,
        args: &Args,
    ) -> ObjSet {
        match &*path {
            "builtins.super" => return self.super_object(site, args),
            "builtins.getattr" => {
                if let Some(name) = self.literal(args, 1) {
                    let owners = args.positional.first().cloned().unwrap_or_default();
                    let found = self.read_attribute(site, &owners, name.into());
                    return found.union(&args.positional.get(2).cloned().unwrap_or_default());
                }
                let owners = args.positional.first().cloned().unwrap_or_default();
                let module = |id| matches!(self.heap.kind(id), ObjKind::Module(_));
                if !owners.is_empty() && owners.iter().all(module) {
                    let found = self.any_member(&owners);
                    return found.union(&args.positional.get(2).cloned().unwrap_or_default());
                }
            }
            "builtins.setattr" => return self.set_attribute(site, args),
            "builtins.type" if args.positional.len() > 1 => return self.dynamic_class(site, args),
            "builtins.exec" | "builtins.eval" | "builtins.globals" | "builtins.__import__" => {
                self.anything_may_change(site, &*path != "builtins.globals");
            }
            "builtins.vars" | "builtins.locals" if args.positional.is_empty() => {
                self.anything_may_change(site, false);
            }
            "builtins.vars" => {
                if let Some(values) = self.vars(site, args) {
                    return values;
                }
            }
            _ => {}
        }
        if &*path == "importlib.import_module" && self.semantics.modules.len() > 1 {
            let modules = self.imported_modules(self.literal(args, 0));
            let opaque = self.opaque_call(site, &ObjSet::default(), args, "imports a module");
            return opaque.union(&modules);
        }
        let knowledge = self.knowledge;
        if let Some(rule) = knowledge.function(&path) {
            return self.apply_rule(site, rule, None, args, &path);
        }
        if let Some((owner, method)) = path.rsplit_once('.')
            && let Some(of) = knowledge.type_of_class(owner)
            && let Some(rule) = knowledge.method(of, method.into())
        {
            return self.unbound_method(site, rule, args, &path);
        }
        let own = if knowledge.is_known_package(&path) {
            ObjSet::default()
        } else {
            ObjSet::one(callee)
        };
        self.opaque_call(site, &own, args, "is not in the knowledge base")
    }

    /// `setattr(object, name, value)`.
    fn set_attribute(&mut self, site: ExprId, args: &Args) -> ObjSet {
        let owners = args.positional.first().cloned().unwrap_or_default();
        let values = args.positional.get(2).cloned().unwrap_or_default();
        if let Some(name) = self.literal(args, 1) {
            self.store_attribute(site, &owners, name, &values);
        } else {
            self.run_dunders(site, &owners, &["__setattr__"]);
            self.store_attribute(site, &owners, "__dict__", &values);
        }
        ObjSet::one(SCALAR)
    }

    /// `type(name, bases, attributes)`: a class of which nothing is known.
    fn dynamic_class(&mut self, site: ExprId, args: &Args) -> ObjSet {
        let class = self.made(site, "class", ObjKind::Unknown);
        self.heap.put(class, Field::Any, &args.all());
        ObjSet::one(class)
    }

    /// `nn.Module.__init__(self)`: the first argument is the receiver.
    fn unbound_method(&mut self, site: ExprId, rule: &Rule, args: &Args, path: &str) -> ObjSet {
        let mut rest = args.clone();
        let receiver = if rest.positional.is_empty() {
            rest.star.clone().unwrap_or_default()
        } else {
            rest.positional.remove(0)
        };
        self.apply_rule(site, rule, Some(&receiver), &rest, path)
    }

    fn super_object(&mut self, site: ExprId, args: &Args) -> ObjSet {
        let named = args.positional.first().and_then(|first| {
            first.iter().find_map(|id| match self.heap.kind(id) {
                ObjKind::Class(class) => Some(class),
                _other => None,
            })
        });
        let Some(class) = named.or_else(|| self.class_of_function()) else {
            return ObjSet::one(self.made(site, "super", ObjKind::Unknown));
        };
        let mut receivers = args.positional.get(1).cloned().unwrap_or_default();
        let mut function = Some(self.function);
        while let Some(id) = function.filter(|_| receivers.is_empty()) {
            let info = &self.semantics.functions[id.index()];
            if info.class.is_some() {
                let first = info.params.first();
                receivers = first
                    .map(|param| self.held(*param).clone())
                    .unwrap_or_default();
            }
            function = info.parent;
        }
        let object = self.made(site, "super", ObjKind::Super(class));
        self.heap.put(object, Field::Receiver, &receivers);
        ObjSet::one(object)
    }

    /// Code that no one can see, or that has all variables in its hands.
    fn anything_may_change(&mut self, site: ExprId, mutates: bool) {
        let span = self.span(site);
        let text = self.callee_text(site);
        let module = self.semantics.module_of(self.function);
        self.note(span, Action::BindGlobals(Some(module)), || {
            format!("`{text}` may bind any variable")
        });
        let mut visible = ObjSet::default();
        self.reads.everything = true;
        for (index, binding) in self.semantics.bindings.iter().enumerate() {
            let home = self.semantics.scope(binding.scope).function;
            if home == self.function || home == module {
                visible.extend(&self.env[index].clone());
            }
        }
        let reachable = self.heap.closure(&visible, true);
        if mutates {
            let changed = self.changeable(&reachable);
            self.note_mutation(&changed, span, || {
                format!("opaque: `{text}` runs code that is not in the source")
            });
            self.note_escaping(span, &reachable, Vec::new());
            self.escape(&reachable);
        } else {
            let holder = self.unknown(site, "opaque");
            self.heap.put(holder, Field::Any, &visible);
        }
    }

    /// Applies a rule at a call.
    pub(crate) fn apply_rule(
        &mut self,
        site: ExprId,
        rule: &Rule,
        receiver: Option<&ObjSet>,
        args: &Args,
        name: &str,
    ) -> ObjSet {
        self.apply_rule_at(site, rule, receiver, args, name, 0)
    }

    pub(super) fn apply_rule_at(
        &mut self,
        site: ExprId,
        rule: &Rule,
        receiver: Option<&ObjSet>,
        args: &Args,
        name: &str,
        depth: u32,
    ) -> ObjSet {
        if let Some(why) = &rule.opaque {
            return self.opaque_call(site, &receiver.cloned().unwrap_or_default(), args, why);
        }
        self.world(site, rule, name);
        self.run_callbacks(site, rule, receiver, args, name);
        if !rule.dunders.is_empty() {
            let names: Vec<&str> = rule.dunders.iter().map(String::as_str).collect();
            let all = args.all().union(&receiver.cloned().unwrap_or_default());
            self.run_dunders(site, &all, &names);
        }
        self.store(site, rule, receiver, args);
        self.mutate(site, rule, receiver, args, name);
        self.results(site, rule, receiver, args, depth)
    }

    /// State outside of variables, and tables for later questions.
    fn world(&mut self, site: ExprId, rule: &Rule, name: &str) {
        if let Some(log) = rule.log {
            self.logs.insert(site, log);
        }
        if rule.clock {
            self.clocks.insert(site, name.to_string());
        }
        if !self.recording {
            return;
        }
        let hidden = Hidden {
            rng: rule.rng.iter().cloned().collect(),
            clock: rule.clock,
            address: rule.address,
            // A log statement's sink is no file that anything reads back.
            files: rule.files && rule.log.is_none(),
            device: rule.device && !(rule.scoped && self.context == Some(site)),
            ..Hidden::default()
        };
        self.note_hidden(self.span(site), hidden);
        if rule.trains {
            let text = self.callee_text(site);
            self.note(self.span(site), Action::Trains, || text);
        }
    }

    /// Code of the user that the library runs; an operator calls none of its operands.
    fn run_callbacks(
        &mut self,
        site: ExprId,
        rule: &Rule,
        receiver: Option<&ObjSet>,
        args: &Args,
        name: &str,
    ) {
        if rule.callbacks == Callbacks::None || name == OPERATOR {
            return;
        }
        let own = receiver.cloned().unwrap_or_default();
        let all = args.all().union(&own);
        self.run_overridden(site, &rule.overridden, &own);
        if matches!(rule.callbacks, Callbacks::Functions | Callbacks::Numbers) {
            // A method of a library calls those that a class of the program has in place of its own.
            let (_, known) = self.split_unknown(&own.common(&self.heap.kinds.own));
            self.call_methods_inside(site, &known);
        }
        if rule.callbacks == Callbacks::Numbers {
            let found = self.callables_reached(site, &self.heap.closure(&all, true));
            // `scheduler.step(epoch)` hands its own argument on.
            let mut given = receiver.map(|_| args.all()).unwrap_or_default();
            given.insert(SCALAR);
            self.call_back(site, &found, given);
            return;
        }
        let direct = self.callables(&args.all());
        if !direct.is_empty() {
            let mut given = self.all_parts(&all).union(&all);
            given.subtract(&self.callables(&given));
            given.insert(SCALAR);
            self.call_back(site, &direct, given);
        }
        match rule.callbacks {
            Callbacks::None | Callbacks::Arguments | Callbacks::Numbers => {}
            Callbacks::Functions => {
                let reachable = self.heap.closure(&all, true);
                let found = self.callables_reached(site, &reachable);
                self.call_back(site, &found, reachable);
            }
            Callbacks::Methods => {
                // What a tensor was computed from is no part of what the library holds.
                let reachable = self.heap.closure(&all, false);
                let reachable = self.heap.unmerged(&reachable).into_owned();
                self.call_methods_inside(site, &reachable);
            }
            Callbacks::Forward => self.forward_inside(site, &own, args),
        }
    }

    /// Runs these methods of the objects inside of a receiver.
    fn run_overridden(&mut self, site: ExprId, names: &[String], own: &ObjSet) {
        if names.is_empty() {
            return;
        }
        let reachable = self.heap.closure(own, false);
        let reachable = self.heap.unmerged(&reachable).common(&self.heap.kinds.own);
        let mut classes = self.heap.by_class(&reachable);
        for object in reachable.iter() {
            let ObjKind::Instance(class) = self.heap.kind(object) else {
                continue;
            };
            let Some(objects) = classes.remove(&class) else {
                continue;
            };
            for name in names {
                for (function, _) in self.classes.find(class, name.as_str()) {
                    let args = Args::of(&[ObjSet::one(SCALAR)]);
                    self.call_function(site, function, &args, Some(&objects));
                }
            }
        }
    }

    /// A known library may run the methods of the objects in its hands: with an index where
    /// Python gives one, else with anything that it can reach.
    fn call_methods_inside(&mut self, site: ExprId, reachable: &ObjSet) {
        let index = self.made(site, "index", ObjKind::Unknown);
        let given = self.made(site, "given", ObjKind::Unknown);
        self.heap.put(given, Field::Any, reachable);
        let (unknown, known) = self.split_unknown(reachable);
        if !unknown.is_empty() {
            self.escape(&self.heap.closure(&unknown, true));
            if self.heap.has_anything(&unknown) {
                // What unknown code knows may be given all of it.
                self.escape(reachable);
            }
            self.note_escaping(self.span(site), reachable, Vec::new());
        }
        let stored = self.stored_in(&known);
        let mut classes = self.heap.by_class(&known);
        for object in known.iter() {
            match self.heap.kind(object) {
                ObjKind::Function(_) | ObjKind::Method(_) if stored.contains(object) => {
                    let mut values = ObjSet::one(given);
                    values.insert(SCALAR);
                    self.call_back(site, &ObjSet::one(object), values);
                }
                ObjKind::Instance(class) => {
                    if let Some(own) = classes.remove(&class) {
                        self.call_all_methods(site, class, &own, (index, given));
                    }
                }
                ObjKind::Scalar
                | ObjKind::Typed(_)
                | ObjKind::Unknown
                | ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => {}
            }
        }
    }

    /// Methods get an index where Python gives one, else anything that is given.
    fn call_all_methods(
        &mut self,
        site: ExprId,
        class: StmtId,
        own: &ObjSet,
        (index, given): (ObjId, ObjId),
    ) {
        for (name, function) in self.methods_by_name(class) {
            let star = match name.as_str() {
                "__init__" | "__new__" => continue,
                "__getitem__" | "__getitems__" | "__len__" | "__iter__" | "__next__" => index,
                _other => given,
            };
            let mut star = ObjSet::one(star);
            star.insert(SCALAR);
            let all = Args {
                star: Some(star),
                ..Args::default()
            };
            let made = self.call_function(site, function, &all, Some(own));
            self.run_generators(site, &made);
        }
    }

    /// The callables that objects of the set hold, rather than only their classes.
    fn stored_in(&self, objects: &ObjSet) -> ObjSet {
        let mut stored = ObjSet::default();
        for owner in objects.iter() {
            for values in self.heap.get(owner).fields.values() {
                stored.extend(&self.callables(values));
            }
        }
        stored
    }

    pub(super) fn callables(&self, objects: &ObjSet) -> ObjSet {
        objects.common(&self.heap.kinds.callable)
    }

    /// The callables that a library may find in its hands; what unknown code knows is called as that calls it.
    pub(super) fn callables_reached(&mut self, site: ExprId, reachable: &ObjSet) -> ObjSet {
        let all = &self.heap.kinds.callable;
        if self.heap.has_anything(reachable) && self.heap.merged.intersects(all) {
            self.escape(reachable);
            self.note_escaping(self.span(site), reachable, Vec::new());
        }
        self.callables(&self.heap.unmerged(reachable))
    }

    pub(super) fn call_back(&mut self, site: ExprId, callees: &ObjSet, given: ObjSet) {
        if callees.is_empty() {
            return;
        }
        let all = Args {
            star: Some(self.held_together(site, given)),
            ..Args::default()
        };
        for callee in callees.iter() {
            self.call_object(site, callee, &all);
        }
    }

    /// A few objects as they are; many as one unknown object that leads to them all.
    pub(super) fn held_together(&mut self, site: ExprId, objects: ObjSet) -> ObjSet {
        if objects.iter().nth(MOST_APART).is_none() {
            return objects;
        }
        let holder = self.made(site, "given", ObjKind::Unknown);
        let mut inside = objects;
        inside.remove(holder);
        inside.remove(SCALAR);
        self.heap.put(holder, Field::Any, &inside);
        let mut held = ObjSet::one(holder);
        held.insert(SCALAR);
        held
    }

    /// `forward` of user modules inside of a container, and hooks.
    fn forward_inside(&mut self, site: ExprId, own: &ObjSet, args: &Args) {
        let mut reachable = self.heap.closure(own, false);
        let between = self.typed(site, "between", "torch.Tensor");
        let mut given = args.all();
        self.heap.put(between, Field::Graph, &given.union(own));
        given.insert(between);
        if self.heap.dense && reachable.contains(ANYTHING) {
            // It may be any module that unknown code knows.
            reachable.extend(&self.heap.closure(&given, true));
        }
        let kinds = &self.heap.kinds;
        let relevant = self
            .heap
            .unmerged(&reachable)
            .common(&kinds.own.union(&kinds.callable));
        let mut classes = self.heap.by_class(&relevant);
        let mut told = false;
        for object in relevant.iter() {
            match self.heap.kind(object) {
                ObjKind::Instance(class) => {
                    let Some(modules) = classes.remove(&class) else {
                        continue;
                    };
                    for (function, _) in self.classes.find(class, "forward") {
                        let all = Args {
                            star: Some(given.clone()),
                            ..Args::default()
                        };
                        self.call_function(site, function, &all, Some(&modules));
                    }
                }
                ObjKind::Function(_) | ObjKind::Method(_) => {
                    self.call_back(site, &ObjSet::one(object), given.union(own));
                }
                ObjKind::Unknown if told => {}
                ObjKind::Unknown => {
                    told = true;
                    self.escape(&reachable);
                    self.note_escaping(self.span(site), &reachable, Vec::new());
                }
                ObjKind::Scalar
                | ObjKind::Typed(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Super(_) => {}
            }
        }
    }

    fn store(&mut self, site: ExprId, rule: &Rule, receiver: Option<&ObjSet>, args: &Args) {
        let named = rule.into.as_ref();
        let named = named.map(|place| self.place(place, receiver, args));
        let Some(owners) = named.or_else(|| receiver.cloned()) else {
            return;
        };
        let mut items = ObjSet::default();
        for place in &rule.stores {
            items.extend(&self.place(place, receiver, args));
        }
        for place in &rule.stores_elements {
            let sources = self.place(place, receiver, args);
            items.extend(&self.iterate(&sources, site));
            items.extend(&self.all_parts(&sources));
            for pair in items.clone().iter() {
                items.extend(&self.heap.elements(pair));
            }
        }
        for owner in owners.iter() {
            self.heap.put(owner, Field::Elements, &items);
            if rule.wants_grad {
                self.heap.want_grad(owner);
            }
        }
    }

    fn mutate(
        &mut self,
        site: ExprId,
        rule: &Rule,
        receiver: Option<&ObjSet>,
        args: &Args,
        name: &str,
    ) {
        for entry in &rule.mutates {
            let grows =
                rule.stores.is_empty() && rule.stores_elements.is_empty() && !rule.graph.is_empty();
            if !grows && !self.recording {
                continue;
            }
            let objects = self.changed_place(entry, receiver, args);
            let text = self.callee_text(site);
            let span = self.span(site);
            self.note_mutation(&objects, span, || match entry.as_str() {
                "graph" => {
                    format!("`{text}` writes the gradients of all that it was computed from")
                }
                _ if name == "iteration" => format!("`{text}` advances as it is iterated"),
                _ => format!("`{text}` changes {}", described(entry)),
            });
            if grows {
                let mut operands = ObjSet::default();
                for place in &rule.graph {
                    operands.extend(&self.place(place, receiver, args));
                }
                for object in objects.iter() {
                    self.heap.put(object, Field::Graph, &operands);
                }
            }
        }
    }
}

/// A place in words.
fn described(entry: &str) -> &'static str {
    let entry = entry.split('?').next().unwrap_or(entry);
    match entry {
        "self" => "its object",
        "self*" => "its object and all that it holds",
        "self~" => "the state inside of its object",
        _ if entry.ends_with('*') => "its argument and all that it holds",
        _ => "its argument",
    }
}
