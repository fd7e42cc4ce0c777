//! Rules of methods: where a name is looked up on each kind of object, and construction.
//!
//! ```python
//! net = Net()          # runs `Net.__init__`
//! net(x)               # a module: runs `forward`, and hooks
//! super().step()       # the next class in line, or the library's rule
//! ```
//!
//! Binding of arguments is in [`crate::rules::call`].

use std::collections::BTreeMap;

use florc_semantic::FunctionId;
use florc_syntax::tree::{ExprId, StmtId};

use crate::classes::Flavor;
use crate::heap::{Field, ObjId, ObjKind, SCALAR};
use crate::interp::Interp;
use crate::name::Name;
use crate::object_set::ObjSet;
use crate::rules::call::Args;

impl Interp<'_> {
    pub(super) fn scalar_method(&mut self, site: ExprId, name: Name, args: &Args) -> ObjSet {
        let given = args.all();
        match &*name {
            "split" | "rsplit" | "splitlines" | "partition" | "rpartition" => {
                let list = self.typed(site, "split", "builtins.list");
                self.put_one(list, Field::Elements, SCALAR);
                ObjSet::one(list)
            }
            "join" => {
                self.iterate(&given, site);
                ObjSet::one(SCALAR)
            }
            "format" | "format_map" => {
                self.run_dunders(
                    site,
                    &given,
                    &["__format__", "__str__", "__repr__", "__getattr__"],
                );
                ObjSet::one(SCALAR)
            }
            _any_other => ObjSet::one(SCALAR),
        }
    }

    /// A method of many receivers; those that do the same are taken together.
    pub(super) fn call_methods(
        &mut self,
        site: ExprId,
        receivers: &ObjSet,
        name: Name,
        args: &Args,
    ) -> ObjSet {
        let field = Field::Attr(name);
        let mut result = ObjSet::default();
        let mut typed: BTreeMap<Name, ObjSet> = BTreeMap::new();
        let mut instances: BTreeMap<StmtId, ObjSet> = BTreeMap::new();
        for receiver in receivers.iter() {
            let plain = !self.heap.has(receiver, &field);
            match self.heap.kind(receiver) {
                ObjKind::Typed(of) if plain => {
                    typed.entry(of).or_default().insert(receiver);
                }
                ObjKind::Instance(class) if plain && !self.classes.find(class, name).is_empty() => {
                    instances.entry(class).or_default().insert(receiver);
                }
                ObjKind::Scalar
                | ObjKind::Typed(_)
                | ObjKind::Unknown
                | ObjKind::Instance(_)
                | ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => {
                    let found = self.call_method(site, receiver, name, args);
                    result.extend(&found);
                }
            }
        }
        for (of, own) in typed {
            let found = self.typed_method(site, &own, of, name, args);
            result.extend(&found);
        }
        for (class, own) in instances {
            let methods = self.classes.find(class, name);
            let found = self.run_methods(site, &methods, &own, class, args);
            result.extend(&found);
        }
        result
    }

    /// A method of instances of one library type.
    pub(super) fn typed_method(
        &mut self,
        site: ExprId,
        own: &ObjSet,
        of: Name,
        name: Name,
        args: &Args,
    ) -> ObjSet {
        let knowledge = self.knowledge;
        let mut stored = ObjSet::default();
        for receiver in own.iter() {
            stored.extend(&self.heap.exact(receiver, &Field::Attr(name)));
        }
        let mut result = self.call_each(site, &stored, args);
        if let Some(rule) = knowledge.method(of, name) {
            result.extend(&self.apply_rule(site, rule, Some(own), args, &name));
        } else if let Some(rule) = knowledge.attribute(of, name) {
            let callees = self.apply_rule(site, rule, Some(own), &Args::default(), &name);
            for callee in callees.iter().filter(|callee| !own.contains(*callee)) {
                result.extend(&self.call_object(site, callee, args));
            }
            if callees.intersects(own) {
                result.extend(&self.opaque_call(site, own, args, "is not known"));
            }
        } else if stored.is_empty() {
            result.extend(&self.opaque_call(site, own, args, "is not in the knowledge base"));
        }
        result
    }

    pub(super) fn instance_method(
        &mut self,
        site: ExprId,
        receiver: ObjId,
        class: StmtId,
        name: Name,
        args: &Args,
    ) -> ObjSet {
        let own = ObjSet::one(receiver);
        let methods = self.classes.find(class, name);
        let mut result = self.run_methods(site, &methods, &own, class, args);
        let mut found = !methods.is_empty();
        let mut stored = self.heap.exact(receiver, &Field::Attr(name));
        let dunder = name.starts_with("__") && name.ends_with("__");
        if methods.is_empty() {
            // Python looks for special methods in classes only.
            if !dunder {
                stored = self.heap.read(receiver, &Field::Attr(name));
            }
            for base in self.classes.line(class).to_vec() {
                for object in self.class_objects(base).iter() {
                    let shared = self.heap.read(object, &Field::Attr(name));
                    result.extend(&self.call_bound(site, &shared, &own, args));
                    stored.extend(&shared);
                }
            }
        }
        stored.remove(SCALAR);
        found |= !stored.is_empty();
        result.extend(&self.call_each(site, &stored, args));
        if methods.is_empty() {
            for of in self.classes.typed_bases(class) {
                found |= self.typed_base_method(site, receiver, class, of, name, args, &mut result);
            }
        }
        let special = dunder && &*name != "__call__";
        let lost = !found && (!special || self.classes.has_unknown_base(class));
        self.reads.unsettled |= lost;
        if lost && (self.settled || self.classes.has_unknown_base(class)) {
            result.extend(&self.opaque_call(
                site,
                &own,
                args,
                "is a method that this module does not define",
            ));
        }
        result
    }

    /// What a class has that is no `def` of its body, called through an instance: `put = partialmethod(…)`, a function
    /// that was put there. The instance is its first argument.
    fn call_bound(&mut self, site: ExprId, shared: &ObjSet, own: &ObjSet, args: &Args) -> ObjSet {
        let partial = Name::from("functools.partial");
        let mut result = ObjSet::default();
        for object in shared.iter() {
            let binds = match self.heap.kind(object) {
                ObjKind::Function(_) | ObjKind::Unknown => true,
                ObjKind::Typed(of) => of == partial,
                _other => false,
            };
            if binds {
                let mut bound = args.clone();
                bound.positional.insert(0, own.clone());
                result.extend(&self.call_object(site, object, &bound));
            }
        }
        result
    }

    #[expect(clippy::too_many_arguments, reason = "one call, described")]
    pub(super) fn typed_base_method(
        &mut self,
        site: ExprId,
        receiver: ObjId,
        class: StmtId,
        of: Name,
        name: Name,
        args: &Args,
        result: &mut ObjSet,
    ) -> bool {
        let knowledge = self.knowledge;
        let own = ObjSet::one(receiver);
        if &*name == "__call__" && knowledge.is_a(of, "torch.nn.Module") {
            let forward = self.classes.find(class, "forward");
            result.extend(&self.run_methods(site, &forward, &own, class, args));
            self.run_hooks(site, receiver, args);
            return !forward.is_empty();
        }
        let rule = if &*name == "__call__" {
            knowledge.call(of)
        } else {
            knowledge.method(of, name)
        };
        if let Some(rule) = rule {
            result.extend(&self.apply_rule(site, rule, Some(&own), args, &name));
        }
        rule.is_some()
    }

    /// Hooks that were registered on a module.
    pub(super) fn run_hooks(&mut self, site: ExprId, receiver: ObjId, args: &Args) {
        let own = ObjSet::one(receiver);
        let mut reachable = self.heap.closure(&own, false);
        if self.heap.has_anything(&reachable) {
            // They are given the module and its input.
            reachable.extend(&self.heap.closure(&args.all().union(&own), true));
        }
        let hooks = self.callables_reached(site, &reachable);
        self.call_back(site, &hooks, args.all().union(&own));
    }

    pub(super) fn run_methods(
        &mut self,
        site: ExprId,
        methods: &[(FunctionId, Flavor)],
        own: &ObjSet,
        class: StmtId,
        args: &Args,
    ) -> ObjSet {
        let mut result = ObjSet::default();
        for (function, flavor) in methods {
            let called = match flavor {
                Flavor::Method => self.call_function(site, *function, args, Some(own)),
                Flavor::Static => self.call_function(site, *function, args, None),
                Flavor::Class => {
                    let of = self.class_objects(class);
                    self.call_function(site, *function, args, Some(&of))
                }
                Flavor::Property => {
                    let no_args = Args::of(&[ObjSet::one(SCALAR)]);
                    let got = self.call_function(site, *function, &no_args, Some(own));
                    self.call_each(site, &got, args)
                }
            };
            result.extend(&called);
        }
        result
    }

    pub(super) fn class_method(
        &mut self,
        site: ExprId,
        object: ObjId,
        class: StmtId,
        name: Name,
        args: &Args,
    ) -> ObjSet {
        let mut result = ObjSet::default();
        let methods = self.classes.find(class, name);
        for (function, flavor) in &methods {
            let of = self.class_objects(class);
            let receiver = (*flavor == Flavor::Class).then_some(&of);
            result.extend(&self.call_function(site, *function, args, receiver));
        }
        if !methods.is_empty() {
            return result;
        }
        let stored = self.read_attribute(site, &ObjSet::one(object), name);
        result.extend(&self.call_each(site, &stored, args));
        if &*name == "apply"
            || self.classes.has_unknown_base(class)
            || !self.classes.typed_bases(class).is_empty()
        {
            result.extend(&self.run_autograd_function(site, class, args));
        }
        result
    }

    /// `F.apply(x)` of a `torch.autograd.Function` runs `forward`, and `backward` some day.
    pub(super) fn run_autograd_function(
        &mut self,
        site: ExprId,
        class: StmtId,
        args: &Args,
    ) -> ObjSet {
        let mut result = ObjSet::default();
        let context = self.made(site, "context", ObjKind::Unknown);
        let mut given = args.all();
        given.insert(context);
        for name in ["forward", "backward", "setup_context"] {
            for (function, _) in self.classes.find(class, name) {
                let all = Args {
                    star: Some(given.clone()),
                    ..Args::default()
                };
                result.extend(&self.call_function(site, function, &all, None));
            }
        }
        result
    }

    pub(super) fn super_method(
        &mut self,
        site: ExprId,
        object: ObjId,
        class: StmtId,
        name: Name,
        args: &Args,
    ) -> ObjSet {
        let receivers = self.heap.read(object, &Field::Receiver);
        let methods = self.classes.find_above(class, name);
        if !methods.is_empty() {
            return self.run_methods(site, &methods, &receivers, class, args);
        }
        let knowledge = self.knowledge;
        let mut result = ObjSet::one(SCALAR);
        for of in self.classes.typed_bases(class) {
            if let Some(rule) = knowledge.method(of, name) {
                result.extend(&self.apply_rule(site, rule, Some(&receivers), args, &name));
                return result;
            }
        }
        let bare =
            self.classes.typed_bases(class).is_empty() && !self.classes.has_unknown_base(class);
        let quiet = matches!(
            &*name,
            "__init__" | "__new__" | "__init_subclass__" | "__setattr__" | "__getattribute__"
        );
        if quiet && !self.classes.has_unknown_base(class) {
            if &*name == "__setattr__" {
                let span = self.span(site);
                self.note_mutation(&receivers, span, || format!("`{name}` sets an attribute"));
            }
            for receiver in receivers.iter() {
                self.heap.put(receiver, Field::Any, &args.all());
            }
            return result.union(&receivers);
        }
        self.reads.unsettled |= bare;
        if !bare || self.settled {
            result.extend(&self.opaque_call(
                site,
                &receivers,
                args,
                "is a method of an unknown base class",
            ));
        }
        result
    }

    /// `C(args)`.
    pub(super) fn construct(&mut self, site: ExprId, class: StmtId, args: &Args) -> ObjSet {
        if self.is_enumeration(class) {
            let mut members = ObjSet::default();
            for of in self.class_objects(class).iter() {
                members.insert(self.member(of, class, &ObjSet::default()));
            }
            return members;
        }
        let object = self.made(site, "new", ObjKind::Instance(class));
        self.link_class(object, class);
        let own = ObjSet::one(object);
        let mut result = own.clone();
        let init = self.classes.find(class, "__init__");
        self.run_methods(site, &init, &own, class, args);
        for name in ["__new__", "__post_init__"] {
            let found = self.classes.find(class, name);
            let made = match name {
                "__new__" => {
                    let mut all = args.clone();
                    all.positional.insert(0, self.class_objects(class));
                    self.run_methods(site, &found, &own, class, &all)
                }
                _post => self.run_methods(site, &found, &own, class, &Args::default()),
            };
            result.extend(&made);
        }
        result.remove(SCALAR);
        if init.is_empty() {
            self.heap.put(object, Field::Any, &args.all());
            let knowledge = self.knowledge;
            for of in self.classes.typed_bases(class) {
                if let Some(rule) = knowledge.method(of, "__init__".into()) {
                    self.apply_rule(site, rule, Some(&own), args, "__init__");
                }
            }
            if self.classes.has_unknown_base(class) {
                result.extend(&self.opaque_call(
                    site,
                    &own,
                    args,
                    "is a class with an unknown base",
                ));
            }
        }
        result
    }

    /// Code that holds an instance can reach the state of its class.
    pub(crate) fn link_class(&mut self, object: ObjId, class: StmtId) {
        for of in self.classes.line(class).to_vec() {
            let class = self.class_objects(of);
            self.heap.put(object, Field::Graph, &class);
        }
    }
}
