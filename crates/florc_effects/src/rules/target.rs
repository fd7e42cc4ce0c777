//! Rules of targets: assignment, augmented assignment, deletion.
//!
//! ```python
//! state["best"] = model       # `state` is mutated, and shares with `model` from now on
//! history += [loss]           # the list is mutated in place
//! ```
//!
//! A name that is bound again is not a mutation of what it held.

use std::collections::BTreeMap;

use florc_semantic::BindingId;
use florc_syntax::Span;
use florc_syntax::tree::{ExprId, ExprKind, Operator};

use crate::effect::{Cause, Hidden};
use crate::event::Action;
use crate::heap::{Field, ObjKind, SCALAR};
use crate::interp::Interp;
use crate::object_set::ObjSet;

impl Interp<'_> {
    /// Binds a name that is no expression.
    pub(crate) fn bind_identifier(&mut self, span: Span, values: &ObjSet) {
        if let Some(binding) = self.semantics.binding_of_identifier(span) {
            self.bind_values(binding, values);
            let text = self.module.source.slice(span);
            self.note(span, Action::Bind(binding), || format!("`{text}` is bound"));
            self.note_cells(binding, span);
        }
    }

    /// Binding a captured variable changes the cells of the functions that share it.
    fn note_cells(&mut self, binding: BindingId, span: Span) {
        if !self.recording
            || !self.semantics.binding(binding).is_captured
            || self.is_global(binding)
        {
            return;
        }
        let mut holders = ObjSet::default();
        for function in &self.semantics.functions {
            if self.touched[function.id.index()].contains(&binding) {
                holders.insert(self.function_object(function.id));
            }
        }
        let name = &self.semantics.binding(binding).name;
        self.note_mutation(&holders, span, || {
            format!("`{name}` is captured, and assigned")
        });
    }

    /// Binds or stores into a target.
    pub(crate) fn assign(&mut self, target: ExprId, values: &ObjSet) {
        let tree = self.tree;
        match &tree.expr(target).kind {
            ExprKind::Name(_) => self.bind_name(target, values),
            ExprKind::Attribute { value, attr } => {
                let owners = self.eval(*value);
                self.store_attribute(target, &owners, &attr.text, values);
            }
            ExprKind::Subscript { value, slice } => {
                let owners = self.eval(*value);
                self.store_subscript(target, &owners, *slice, values);
            }
            ExprKind::Starred { value } => {
                let list = self.typed(target, "starred", "builtins.list");
                self.heap.put(list, Field::Elements, values);
                self.assign(*value, &ObjSet::one(list));
            }
            ExprKind::Tuple { elts } | ExprKind::List { elts } => {
                let starred = |id: &ExprId| matches!(tree.expr(*id).kind, ExprKind::Starred { .. });
                let star = elts.iter().position(starred);
                for (index, part) in elts.iter().enumerate() {
                    let known = star.is_none_or(|star| index < star).then_some(index);
                    let items = self.unpack(values, known, target);
                    self.assign(*part, &items);
                }
            }
            ExprKind::BoolOp { .. }
            | ExprKind::Named { .. }
            | ExprKind::BinOp { .. }
            | ExprKind::UnaryOp { .. }
            | ExprKind::Lambda { .. }
            | ExprKind::IfExp { .. }
            | ExprKind::Dict { .. }
            | ExprKind::Set { .. }
            | ExprKind::ListComp { .. }
            | ExprKind::SetComp { .. }
            | ExprKind::DictComp { .. }
            | ExprKind::GeneratorExp { .. }
            | ExprKind::Await { .. }
            | ExprKind::Yield { .. }
            | ExprKind::YieldFrom { .. }
            | ExprKind::Compare { .. }
            | ExprKind::Call { .. }
            | ExprKind::FString { .. }
            | ExprKind::Str(_)
            | ExprKind::Bytes(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Complex(_)
            | ExprKind::True
            | ExprKind::False
            | ExprKind::None
            | ExprKind::Ellipsis
            | ExprKind::Slice { .. } => {}
        }
    }

    fn bind_name(&mut self, target: ExprId, values: &ObjSet) {
        if let Some(binding) = self.semantics.binding_of_name(target) {
            self.bind_values(binding, values);
            let span = self.span(target);
            let text = self.module.source.slice(span);
            self.note(span, Action::Bind(binding), || {
                format!("`{text}` is assigned")
            });
            self.note_cells(binding, span);
        }
    }

    /// The parts of unpacked values.
    fn unpack(&mut self, values: &ObjSet, index: Option<usize>, site: ExprId) -> ObjSet {
        let mut items = ObjSet::default();
        let mut others = ObjSet::default();
        for object in values.iter() {
            match self.heap.kind(object) {
                ObjKind::Typed(of) if self.knowledge.is_a(of, "builtins.tuple") => match index {
                    Some(index) => {
                        items.extend(
                            &self
                                .heap
                                .read(object, &Field::Key(index.to_string().into())),
                        );
                        items.extend(&self.heap.read(object, &Field::Elements));
                    }
                    None => {
                        items.extend(&self.heap.elements(object));
                    }
                },
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
                    others.insert(object);
                }
            }
        }
        if !others.is_empty() {
            items.extend(&self.iterate(&others, site));
        }
        items
    }

    /// `target op= value`.
    pub(super) fn augment(&mut self, target: ExprId, op: Operator, value: ExprId) {
        let before = self.eval_target_value(target);
        let operand = self.eval(value);
        let after = self.binary(target, op, &before, &operand, true);
        let span = self.span(target);
        let text = self.text(target);
        for object in before.iter() {
            match self.heap.kind(object) {
                ObjKind::Scalar | ObjKind::Function(_) => {}
                ObjKind::Typed(of) => {
                    self.note_mutation(&ObjSet::one(object), span, || {
                        format!("`{text}` is changed in place")
                    });
                    if self.knowledge.is_a(of, "builtins.list") {
                        let items = self.iterate(&operand, value);
                        self.heap.put(object, Field::Elements, &items);
                    } else {
                        self.heap.put(object, Field::Graph, &operand);
                        let parts = self.parts_of_dicts(&operand);
                        self.heap.put(object, Field::Elements, &parts);
                    }
                }
                ObjKind::Unknown
                | ObjKind::Instance(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => {
                    let changed = self.deep_if_unknown(&ObjSet::one(object));
                    self.note_mutation(&changed, span, || format!("`{text}` is changed in place"));
                    self.heap.put_unknown(&ObjSet::one(object), &operand);
                }
            }
        }
        if self.is_descent(op, value) {
            self.note_training_update(target);
        }
        self.assign(target, &before.union(&after));
    }

    fn parts_of_dicts(&self, values: &ObjSet) -> ObjSet {
        let mut parts = ObjSet::default();
        for object in values.iter() {
            if matches!(self.heap.kind(object), ObjKind::Typed(of) if self.knowledge.is_a(of, "builtins.dict"))
            {
                parts.extend(&self.heap.elements(object));
            }
        }
        parts
    }

    /// What an augmented or updated target holds before.
    pub(super) fn eval_target_value(&mut self, target: ExprId) -> ObjSet {
        let mut values = self.eval(target);
        if values.is_empty() {
            values.insert(SCALAR);
        }
        values
    }

    pub(super) fn delete(&mut self, target: ExprId) {
        let tree = self.tree;
        let span = self.span(target);
        match &tree.expr(target).kind {
            ExprKind::Name(name) => {
                if let Some(binding) = self.semantics.binding_of_name(target) {
                    self.note(span, Action::Bind(binding), || {
                        format!("`{name}` is deleted")
                    });
                    self.note_cells(binding, span);
                }
            }
            ExprKind::Attribute { value, attr } => {
                self.delete_attribute(target, *value, &attr.text);
            }
            ExprKind::Subscript { value, slice } => {
                let owners = self.eval(*value);
                self.eval(*slice);
                self.run_dunders(target, &owners, &["__delitem__"]);
                let changed = self.deep_if_unknown(&owners);
                let text = self.text(target);
                self.note_mutation(&changed, span, || format!("`{text}` is deleted"));
            }
            ExprKind::Tuple { elts } | ExprKind::List { elts } => {
                for part in elts {
                    self.delete(*part);
                }
            }
            ExprKind::BoolOp { .. }
            | ExprKind::Named { .. }
            | ExprKind::BinOp { .. }
            | ExprKind::UnaryOp { .. }
            | ExprKind::Lambda { .. }
            | ExprKind::IfExp { .. }
            | ExprKind::Dict { .. }
            | ExprKind::Set { .. }
            | ExprKind::ListComp { .. }
            | ExprKind::SetComp { .. }
            | ExprKind::DictComp { .. }
            | ExprKind::GeneratorExp { .. }
            | ExprKind::Await { .. }
            | ExprKind::Yield { .. }
            | ExprKind::YieldFrom { .. }
            | ExprKind::Compare { .. }
            | ExprKind::Call { .. }
            | ExprKind::FString { .. }
            | ExprKind::Str(_)
            | ExprKind::Bytes(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Complex(_)
            | ExprKind::True
            | ExprKind::False
            | ExprKind::None
            | ExprKind::Ellipsis
            | ExprKind::Starred { .. }
            | ExprKind::Slice { .. } => {}
        }
    }

    fn delete_attribute(&mut self, target: ExprId, owner: ExprId, attr: &str) {
        let span = self.span(target);
        let owners = self.eval(owner);
        self.run_dunders(target, &owners, &["__delattr__"]);
        let text = self.text(target);
        self.note_deleted_members(&owners, attr, span);
        self.note_mutation(&owners, span, || format!("`{text}` is deleted"));
    }

    /// `owner.attr = values`.
    pub(super) fn store_attribute(
        &mut self,
        target: ExprId,
        owners: &ObjSet,
        attr: &str,
        values: &ObjSet,
    ) {
        let span = self.span(target);
        let text = self.text(target);
        self.store_through_setters(target, owners, attr.into(), values);
        let mut changed = ObjSet::default();
        for object in owners.iter() {
            if let ObjKind::Library(path) = self.heap.kind(object)
                && self.knowledge.is_known_package(&path)
            {
                let mut library = BTreeMap::new();
                if !path.starts_with("torch.backends") {
                    let cause = Cause::at(span, format!("`{text}` is assigned"));
                    library.insert(format!("{path}.{attr}"), cause);
                }
                let hidden = Hidden {
                    device: true,
                    library,
                    ..Hidden::default()
                };
                self.note_hidden(span, hidden);
                continue;
            }
            if let ObjKind::Module(file) = self.heap.kind(object)
                && self.store_member((file, attr), span, &text, values)
            {
                continue;
            }
            if attr == "requires_grad" {
                self.heap.want_grad(object);
            }
            if self.heap.kind(object) == ObjKind::Unknown {
                self.heap.put_unknown(&ObjSet::one(object), values);
            }
            let field = if matches!(attr, "__dict__" | "data") {
                Field::Any
            } else {
                Field::Attr(attr.into())
            };
            if let ObjKind::Function(function) = self.heap.kind(object)
                && let Some(class) = self.semantics.functions[function.index()].class
            {
                // No variable leads to a method but that of its class.
                changed.extend(&self.class_objects(class));
            }
            self.heap.put(object, field, values);
            changed.insert(object);
        }
        let changed = self.deep_if_unknown(&changed);
        self.note_mutation(&changed, span, || format!("`{text}` is assigned"));
    }

    /// Unknown objects may run setters of their own: all inside of them may change.
    pub(super) fn deep_if_unknown(&self, objects: &ObjSet) -> ObjSet {
        let unknown = objects
            .iter()
            .filter(|id| matches!(self.heap.kind(*id), ObjKind::Unknown));
        let mut roots = ObjSet::default();
        for object in unknown {
            roots.insert(object);
        }
        objects.union(&self.changeable(&self.heap.closure(&roots, false)))
    }
}
