//! Rules of `x[i]`.
//!
//! ```python
//! config["model"]      # what was stored under "model", and what may stand anywhere
//! weights[1:3]         # a list: a new one with the same elements; an array: a view, the same storage
//! ```
//!
//! Constant keys are kept apart; every other key may be any.

use florc_syntax::tree::{ExprId, ExprKind};

use crate::heap::{Field, ObjId, ObjKind, SCALAR};
use crate::interp::Interp;
use crate::knowledge::Rule;
use crate::name::Name;
use crate::object_set::ObjSet;
use crate::rules::call::Args;

impl<'a> Interp<'a> {
    /// A key that is the same in every run.
    pub(super) fn constant_key(&self, slice: ExprId) -> Option<Name> {
        match &self.tree.expr(slice).kind {
            ExprKind::Str(text) => Some(format!("'{text}'").into()),
            ExprKind::Int(digits) => Some(digits.into()),
            _other => None,
        }
    }

    fn is_slice(&self, slice: ExprId) -> bool {
        matches!(self.tree.expr(slice).kind, ExprKind::Slice { .. })
    }

    pub(super) fn subscript(&mut self, site: ExprId, owners: &ObjSet, slice: ExprId) -> ObjSet {
        let index = self.eval(slice);
        let mut values = ObjSet::default();
        let (unknown, known) = self.split_unknown(owners);
        if !unknown.is_empty() {
            self.unknown_method(site, &unknown, &index, &["__getitem__"]);
            values = self.unknown_operators(site, &unknown);
        }
        let has_rule = |of| self.subscript_rule(of).is_some();
        let (typed, others) = self.heap.by_type(&known, has_rule);
        for object in others.iter() {
            let found = self.item_of(site, object, slice, &index);
            values.extend(&found);
        }
        for (of, own) in typed {
            if let Some(rule) = self.subscript_rule(of) {
                let args = Args::of(std::slice::from_ref(&index));
                values.extend(&self.apply_rule(site, rule, Some(&own), &args, "[]"));
            }
        }
        values
    }

    /// How items of a library type that is no list or dict are found.
    fn subscript_rule(&self, of: Name) -> Option<&'a Rule> {
        let container = ["builtins.list", "builtins.dict"];
        let own = container.iter().any(|base| self.knowledge.is_a(of, base));
        self.knowledge.subscript(of).filter(|_| !own)
    }

    fn item_of(&mut self, site: ExprId, object: ObjId, slice: ExprId, index: &ObjSet) -> ObjSet {
        match self.heap.kind(object) {
            ObjKind::Scalar => ObjSet::one(SCALAR),
            ObjKind::Typed(of) => self.typed_item(site, object, of, slice),
            ObjKind::Instance(_) => {
                let owner = ObjSet::one(object);
                let args = Args::of(std::slice::from_ref(index));
                let mut values = self.call_dunder(site, &owner, "__getitem__", &args);
                if self.classes.any_defines(&["__missing__"]) {
                    values.extend(&self.call_dunder(site, &owner, "__missing__", &args));
                }
                values
            }
            ObjKind::Unknown | ObjKind::Super(_) => {
                let mut values = self.unknown_operator(site, object);
                values.extend(&self.heap.elements(object));
                values
            }
            ObjKind::Library(path) if self.knowledge.is_known_package(&path) => ObjSet::one(SCALAR),
            ObjKind::Library(_) | ObjKind::Module(_) => self.unknown_operator(site, object),
            ObjKind::Function(_) | ObjKind::Class(_) | ObjKind::Method(_) => ObjSet::one(object),
        }
    }

    fn typed_item(&mut self, site: ExprId, object: ObjId, of: Name, slice: ExprId) -> ObjSet {
        let knowledge = self.knowledge;
        if knowledge.is_a(of, "builtins.list") || knowledge.is_a(of, "builtins.dict") {
            let default = knowledge.is_a(of, "collections.defaultdict");
            let mut values = if default {
                self.default_item(site, object)
            } else {
                ObjSet::default()
            };
            if self.is_slice(slice) {
                let items = self.heap.elements(object);
                let part = self.typed(site, "slice", "builtins.list");
                self.heap.put(part, Field::Elements, &items);
                values.insert(part);
            } else if let Some(key) = self.constant_key(slice) {
                values.extend(&self.heap.read(object, &Field::Key(key)));
                values.extend(&self.heap.read(object, &Field::Elements));
            } else {
                values.extend(&self.heap.elements(object));
            }
            return values;
        }
        let mut values = self.heap.elements(object);
        values.extend(&self.unknown_operator(site, object));
        values
    }

    /// Reading a `defaultdict` may insert what its factory makes.
    fn default_item(&mut self, site: ExprId, object: ObjId) -> ObjSet {
        let owner = ObjSet::one(object);
        let text = self.text(site);
        self.note_mutation(&owner, self.span(site), || {
            format!("`{text}` may insert a default")
        });
        let factory = self.heap.read(object, &Field::Key("0".into()));
        let made = self.call_values(site, &factory, &ObjSet::default());
        self.heap.put(object, Field::Elements, &made);
        made
    }

    /// `owners[slice] = values`.
    pub(super) fn store_subscript(
        &mut self,
        target: ExprId,
        owners: &ObjSet,
        slice: ExprId,
        values: &ObjSet,
    ) {
        let index = self.eval(slice);
        let text = self.text(target);
        let span = self.span(target);
        let key = self.constant_key(slice);
        let (unknown, known) = self.split_unknown(owners);
        if !unknown.is_empty() {
            let given = index.union(values);
            self.unknown_method(target, &unknown, &given, &["__setitem__"]);
            self.heap.put_unknown(&unknown, values);
        }
        for object in known.iter() {
            match self.heap.kind(object) {
                ObjKind::Instance(_) => {
                    let args = Args::of(&[index.clone(), values.clone()]);
                    self.call_dunder(target, &ObjSet::one(object), "__setitem__", &args);
                }
                ObjKind::Typed(of) if self.knowledge.is_a(of, "torch.Tensor") => {
                    self.heap.put(object, Field::Graph, values);
                }
                ObjKind::Typed(of) if self.knowledge.is_a(of, "numpy.ndarray") => {
                    // An object array may hold anything; numbers are copied.
                    let held = self.non_arrays(values);
                    self.heap.put(object, Field::Elements, &held);
                }
                ObjKind::Typed(of) => {
                    let is_list = self.knowledge.is_a(of, "builtins.list");
                    let field = match &key {
                        Some(key) if !is_list => Field::Key(*key),
                        Some(_) | None => Field::Elements,
                    };
                    self.heap.put(object, field, values);
                    if self.is_slice(slice) {
                        let items = self.iterate(values, target);
                        self.heap.put(object, Field::Elements, &items);
                    }
                    self.heap.put(object, Field::Keys, &index);
                }
                ObjKind::Scalar => {}
                ObjKind::Unknown
                | ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => self.heap.put(object, Field::Any, values),
            }
        }
        let changed = self.deep_if_unknown(owners);
        self.note_mutation(&changed, span, || format!("`{text}` is assigned"));
    }

    fn non_arrays(&self, values: &ObjSet) -> ObjSet {
        let mut held = ObjSet::default();
        for object in values.iter() {
            let copied = match self.heap.kind(object) {
                ObjKind::Typed(of) => {
                    self.knowledge.is_a(of, "numpy.ndarray")
                        || self.knowledge.is_a(of, "torch.Tensor")
                }
                ObjKind::Scalar => true,
                ObjKind::Unknown
                | ObjKind::Instance(_)
                | ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => false,
            };
            if !copied {
                held.insert(object);
            }
        }
        held
    }
}
