//! Rules of attributes.
//!
//! ```python
//! self.model        # what was stored in the field, else a part of `self`
//! opt.step          # a bound method, which holds `opt`
//! ```
//!
//! Fields are kept apart by name. What nobody stored is an unknown part of its owner.

use florc_syntax::tree::{ExprId, StmtId};

use crate::classes::Flavor;
use crate::heap::{Field, ObjId, ObjKind, SCALAR};
use crate::interp::Interp;
use crate::name::Name;
use crate::object_set::ObjSet;
use crate::rules::call::Args;

impl Interp<'_> {
    /// `owners.attr`, read at `site`.
    pub(crate) fn read_attribute(&mut self, site: ExprId, owners: &ObjSet, attr: Name) -> ObjSet {
        let mut values = ObjSet::default();
        let knowledge = self.knowledge;
        let is_known = |of| knowledge.attribute(of, attr).is_some();
        let (typed, others) = self.heap.by_type(owners, is_known);
        for object in others.iter() {
            let found = self.attribute_of(site, object, attr);
            values.extend(&found);
        }
        for (of, own) in typed {
            for object in own.iter() {
                values.extend(&self.heap.exact(object, &Field::Attr(attr)));
            }
            if let Some(rule) = knowledge.attribute(of, attr) {
                let found = self.apply_rule(site, rule, Some(&own), &Args::default(), &attr);
                values.extend(&found);
            }
        }
        values
    }

    fn attribute_of(&mut self, site: ExprId, object: ObjId, attr: Name) -> ObjSet {
        match self.heap.kind(object) {
            ObjKind::Library(path) => self.library_attribute(object, path, attr),
            ObjKind::Module(file) => self.module_attribute(object, file, &attr),
            ObjKind::Instance(class) => self.instance_attribute(site, object, class, attr),
            ObjKind::Typed(of) => self.typed_attribute(site, object, of, attr),
            ObjKind::Unknown => {
                if self.classes.any_property(&attr) {
                    let reachable = self.heap.closure(&ObjSet::one(object), true);
                    self.note_escaping(self.span(site), &reachable, Vec::new());
                }
                let mut values = self.heap.read(object, &Field::Attr(attr));
                values.insert(object);
                values
            }
            ObjKind::Class(class) => self.class_attribute(object, class, attr),
            ObjKind::Function(_) => {
                let mut values = self.heap.read(object, &Field::Attr(attr));
                values.insert(SCALAR);
                values
            }
            ObjKind::Method(_) if &*attr == "__self__" => self.heap.read(object, &Field::Receiver),
            ObjKind::Method(_) | ObjKind::Scalar => ObjSet::one(SCALAR),
            ObjKind::Super(class) => {
                let receivers = self.heap.read(object, &Field::Receiver);
                let methods = self.classes.find_above(class, attr);
                self.run_properties(site, &methods, &receivers)
                    .unwrap_or_else(|| ObjSet::one(self.bound_method(site, attr, object)))
            }
        }
    }

    /// The full name of an attribute of a library, if it leads anywhere.
    fn library_member(&mut self, path: Name, attr: Name) -> Option<Name> {
        if let Some(known) = self.library_members.get(&(path, attr)) {
            return *known;
        }
        let name = format!("{path}.{attr}");
        let of = self.knowledge.type_of_class(&path);
        let is_method = || of.is_some_and(|of| self.knowledge.method(of, attr).is_some());
        let leads =
            self.roots.contains(&path) || self.knowledge.leads_somewhere(&name) || is_method();
        let found = leads.then(|| name.into());
        self.library_members.insert((path, attr), found);
        found
    }

    fn library_attribute(&mut self, owner: ObjId, path: Name, attr: Name) -> ObjSet {
        let mut values = self.heap.read(owner, &Field::Attr(attr));
        let Some(name) = self.library_member(path, attr) else {
            // An attribute of an attribute of something unknown: names would grow without end.
            values.insert(owner);
            return values;
        };
        let found = self.library(name);
        values.extend(&found);
        if !self.knowledge.is_known_package(&path) {
            self.heap.put(owner, Field::Attr(attr), &found);
        }
        values
    }

    fn instance_attribute(
        &mut self,
        site: ExprId,
        object: ObjId,
        class: StmtId,
        attr: Name,
    ) -> ObjSet {
        if &*attr == "__dict__" {
            return ObjSet::one(self.attributes_of(object, class));
        }
        if &*attr == "__class__" {
            return self.class_objects(class);
        }
        let mut values = self.heap.read(object, &Field::Attr(attr));
        let methods = self.classes.find(class, attr);
        if let Some(got) = self.run_properties(site, &methods, &ObjSet::one(object)) {
            values.extend(&got);
        } else if !methods.is_empty() {
            values = self.heap.exact(object, &Field::Attr(attr));
            values.insert(self.bound_method(site, attr, object));
        }
        for base in self.classes.line(class).to_vec() {
            let of = self.class_objects(base);
            for class_object in of.iter() {
                let shared = self.heap.read(class_object, &Field::Attr(attr));
                values.extend(&self.run_descriptors(
                    site,
                    &shared,
                    "__get__",
                    &ObjSet::one(object),
                ));
                for value in shared
                    .iter()
                    .filter(|id| !matches!(self.heap.kind(*id), ObjKind::Function(_)))
                {
                    values.insert(value);
                }
            }
        }
        if values.is_empty() {
            for of in self.classes.typed_bases(class) {
                let found = self.typed_rule_attribute(site, object, of, attr);
                values.extend(&found.unwrap_or_default());
            }
        }
        self.run_getattr(site, object, class, &mut values);
        self.reads.unsettled |= values.is_empty();
        if values.is_empty() && self.settled {
            values.insert(self.heap.inner(object, &attr, ObjKind::Unknown));
        }
        values
    }

    fn run_getattr(&mut self, site: ExprId, object: ObjId, class: StmtId, values: &mut ObjSet) {
        for name in ["__getattribute__", "__getattr__"] {
            if name == "__getattr__" && !values.is_empty() {
                continue;
            }
            for (function, _) in self.classes.find(class, name) {
                let args = Args::of(&[ObjSet::one(SCALAR)]);
                let got = self.call_function(site, function, &args, Some(&ObjSet::one(object)));
                values.extend(&got);
            }
        }
    }

    /// Calls `__get__` or `__set__` of those among the values of a class that define it.
    fn run_descriptors(
        &mut self,
        site: ExprId,
        shared: &ObjSet,
        name: &str,
        given: &ObjSet,
    ) -> ObjSet {
        let mut values = ObjSet::default();
        if !self.classes.any_defines(&[name]) {
            return values;
        }
        for value in shared.iter() {
            let ObjKind::Instance(class) = self.heap.kind(value) else {
                continue;
            };
            for (function, _) in self.classes.find(class, name) {
                let args = Args::of(&[given.clone(), given.clone()]);
                let own = ObjSet::one(value);
                values.extend(&self.call_function(site, function, &args, Some(&own)));
            }
        }
        values
    }

    /// Calls the property getters among `methods`; `None` if there is none.
    fn run_properties(
        &mut self,
        site: ExprId,
        methods: &[(florc_semantic::FunctionId, Flavor)],
        receivers: &ObjSet,
    ) -> Option<ObjSet> {
        let mut values = ObjSet::default();
        let mut found = false;
        for (function, flavor) in methods {
            if *flavor == Flavor::Property {
                found = true;
                let args = Args::of(&[ObjSet::one(SCALAR)]);
                let got = self.call_function(site, *function, &args, Some(receivers));
                if self.classes.is_kept(*function) {
                    self.keep_property(site, *function, receivers, &got);
                }
                values.extend(&got);
            }
        }
        found.then_some(values)
    }

    /// What a `functools.cached_property` gives is an attribute from then on.
    fn keep_property(
        &mut self,
        site: ExprId,
        function: florc_semantic::FunctionId,
        receivers: &ObjSet,
        got: &ObjSet,
    ) {
        let name = Name::from(&self.semantics.functions[function.index()].name);
        let span = self.span(site);
        self.note_mutation(receivers, span, || format!("`{name}` keeps what it gives"));
        for receiver in receivers.iter() {
            self.heap.put(receiver, Field::Attr(name), got);
        }
    }

    /// Property setters and `__setattr__`.
    pub(super) fn store_through_setters(
        &mut self,
        site: ExprId,
        owners: &ObjSet,
        attr: Name,
        values: &ObjSet,
    ) {
        let (unknown, known) = self.split_unknown(owners);
        if !unknown.is_empty()
            && (self.classes.any_property(&attr) || self.classes.any_defines(&["__setattr__"]))
        {
            let reachable = self.heap.closure(&unknown.union(values), true);
            self.escape(&reachable);
            self.note_escaping(self.span(site), &reachable, Vec::new());
        }
        for object in known.iter() {
            let ObjKind::Instance(class) = self.heap.kind(object) else {
                continue;
            };
            let receiver = ObjSet::one(object);
            let setters = self.classes.find(class, attr);
            for (function, flavor) in setters {
                if flavor == Flavor::Property {
                    self.call_function(
                        site,
                        function,
                        &Args::of(std::slice::from_ref(values)),
                        Some(&receiver),
                    );
                }
            }
            for base in self.classes.line(class).to_vec() {
                for of in self.class_objects(base).iter() {
                    let shared = self.heap.exact(of, &Field::Attr(attr));
                    self.run_descriptors(site, &shared, "__set__", &receiver.union(values));
                }
            }
            for (function, _) in self.classes.find(class, "__setattr__") {
                let args = Args::of(&[ObjSet::one(SCALAR), values.clone()]);
                self.call_function(site, function, &args, Some(&receiver));
            }
        }
    }

    fn typed_attribute(&mut self, site: ExprId, object: ObjId, of: Name, attr: Name) -> ObjSet {
        if let Some(found) = self.typed_rule_attribute(site, object, of, attr) {
            return found.union(&self.heap.exact(object, &Field::Attr(attr)));
        }
        let mut values = self.heap.read(object, &Field::Attr(attr));
        if values.is_empty() {
            values.insert(self.heap.inner(object, &attr, ObjKind::Unknown));
        }
        values
    }

    fn typed_rule_attribute(
        &mut self,
        site: ExprId,
        object: ObjId,
        of: Name,
        attr: Name,
    ) -> Option<ObjSet> {
        let knowledge = self.knowledge;
        if let Some(rule) = knowledge.attribute(of, attr) {
            return Some(self.apply_rule(
                site,
                rule,
                Some(&ObjSet::one(object)),
                &Args::default(),
                &attr,
            ));
        }
        knowledge.method(of, attr)?;
        Some(ObjSet::one(self.bound_method(site, attr, object)))
    }

    fn class_attribute(&mut self, object: ObjId, class: StmtId, attr: Name) -> ObjSet {
        let mut values = self.heap.read(object, &Field::Attr(attr));
        for base in self.classes.line(class).to_vec() {
            for of in self.class_objects(base).iter() {
                values.extend(&self.heap.read(of, &Field::Attr(attr)));
            }
        }
        let methods = self.classes.find(class, attr);
        if methods.is_empty() && !attr.starts_with("__") && self.is_enumeration(class) {
            values.insert(self.member(object, class, &values));
        }
        for (function, _) in methods {
            values.insert(self.function_object(function));
        }
        if attr.starts_with("__") {
            values.insert(SCALAR);
        }
        if values.is_empty() {
            values.insert(self.heap.inner(object, &attr, ObjKind::Unknown));
        }
        values
    }

    pub(super) fn is_enumeration(&self, class: StmtId) -> bool {
        let mut bases = self.classes.typed_bases(class).into_iter();
        bases.any(|of| self.knowledge.is_a(of, "enum.Enum"))
    }

    /// What stands for all members of an enumeration: an instance that has their values.
    pub(super) fn member(&mut self, owner: ObjId, class: StmtId, values: &ObjSet) -> ObjId {
        let member = self.heap.inner(owner, "member", ObjKind::Instance(class));
        for field in ["value", "_value_"] {
            self.heap.put(member, Field::Attr(field.into()), values);
        }
        member
    }

    /// The object of a class of this module.
    pub(crate) fn class_objects(&mut self, class: StmtId) -> ObjSet {
        let maker = self.semantics.function_of_stmt(class);
        ObjSet::one(self.heap.make(
            crate::heap::Site::Class(class),
            ObjKind::Class(class),
            maker,
        ))
    }

    pub(super) fn bound_method(&mut self, site: ExprId, name: Name, receiver: ObjId) -> ObjId {
        let method = self.made(site, "method", ObjKind::Method(name));
        self.put_one(method, Field::Receiver, receiver);
        method
    }
}
