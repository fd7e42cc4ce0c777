//! Which live object stands for which saved node.
//!
//! ```python
//! saved = {"model": A, "alias": A}; live = {"model": x, "alias": y}   # A is x; y is left alone
//! ```
//!
//! A live object is claimed when it has the saved type at the saved place and neither side is
//! taken. Reads live objects only.

use florc_runtime::{Attributes, Node, NodeId};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple, PyType};

use super::{LiveRoots, Outcome, Restorer, create};
use crate::types::{self, Kind, TypeInfo};

impl<'py> Restorer<'py, '_> {
    pub(super) fn match_roots(&mut self, live: &LiveRoots<'py>) -> Outcome<()> {
        for (name, value) in live {
            if let (Some(node), Some(value)) = (self.graph.root(name), value) {
                self.queue.push_back((node, value.clone()));
            }
        }
        for (_, node) in &self.graph.hidden {
            let found = match self.node(*node) {
                Node::ClassState { class, .. } => self.lookup(*class).ok(),
                Node::ModuleState { module, .. } => create::resolve(self.py, module, "").ok(),
                _ => None,
            };
            if let Some(found) = found {
                self.queue.push_back((*node, found));
            }
        }
        loop {
            while let Some((node, object)) = self.queue.pop_front() {
                self.pair(node, &object)
                    .map_err(|failure| self.at(node, failure))?;
            }
            let late = std::mem::take(&mut self.late);
            if late.is_empty() {
                return Ok(());
            }
            for (node, object) in late {
                self.pair_by_object_keys(node, &object)?;
            }
        }
    }

    /// The object that a name stands for: a candidate met on the way, or by import.
    pub(super) fn lookup(&self, node: NodeId) -> Outcome<Bound<'py, PyAny>> {
        if let Some(found) = self.candidates.get(&node) {
            return Ok(found.clone());
        }
        match self.node(node) {
            Node::Named { module, qualname } => create::resolve(self.py, module, qualname),
            _ => self.object(node),
        }
    }

    /// Whether the class at `node` is `class`.
    fn is_class(&mut self, node: NodeId, class: &Bound<'py, PyType>, name: &str) -> bool {
        let Node::Named { module, qualname } = self.node(node) else {
            return false;
        };
        let same = name.len() == module.len() + 1 + qualname.len()
            && name.starts_with(module.as_str())
            && name.ends_with(qualname.as_str());
        if same {
            self.candidates
                .entry(node)
                .or_insert_with(|| class.clone().into_any());
        }
        same
    }

    fn claim(&mut self, node: NodeId, object: &Bound<'py, PyAny>) -> bool {
        let address = object.as_ptr() as usize;
        if self.claims[node.index()].is_some() || self.claimed.contains_key(&address) {
            return false;
        }
        self.claims[node.index()] = Some(object.clone());
        self.claimed.insert(address, node);
        true
    }

    fn pair(&mut self, node: NodeId, object: &Bound<'py, PyAny>) -> Outcome<()> {
        if self.claims[node.index()].is_some() {
            return Ok(());
        }
        let info = types::info_of(object)?;
        if self.fits(node, object, &info)? && self.claim(node, object) {
            self.pair_children(node, object, &info)?;
        }
        Ok(())
    }

    /// Whether a live object is of the saved type.
    #[expect(clippy::too_many_lines, reason = "one arm per kind of node")]
    fn fits(&mut self, node: NodeId, object: &Bound<'py, PyAny>, info: &TypeInfo) -> Outcome<bool> {
        let class = info.class.bind(self.py).clone();
        let kind = info.kind;
        Ok(match self.node(node) {
            Node::List { class: None, .. } => kind == Kind::List,
            Node::Tuple { class: None, .. } => kind == Kind::Tuple,
            Node::Dict { class: None, .. } => kind == Kind::Dict,
            Node::Set {
                class: None,
                frozen: false,
                ..
            } => kind == Kind::Set,
            Node::Deque {
                class: None,
                maxlen,
                ..
            } => info.name == "collections.deque" && max_length(object)? == *maxlen,
            Node::Deque {
                class: Some(of),
                maxlen,
                ..
            } => self.is_class(*of, &class, &info.name) && max_length(object)? == *maxlen,
            Node::List {
                class: Some(of), ..
            }
            | Node::Tuple {
                class: Some(of), ..
            }
            | Node::Dict {
                class: Some(of), ..
            }
            | Node::Set {
                class: Some(of),
                frozen: false,
                ..
            }
            | Node::Object {
                class: of,
                payload: None,
                ..
            }
            | Node::Adapted { class: of, .. } => self.is_class(*of, &class, &info.name),
            Node::Object { class: of, .. } => {
                let mutable = !matches!(kind, Kind::Object(base) if base.is_immutable());
                mutable && self.is_class(*of, &class, &info.name)
            }
            Node::Tensor {
                class: of,
                device,
                is_leaf: true,
                ..
            } => {
                kind == Kind::Tensor
                    && self.is_class(*of, &class, &info.name)
                    && object.getattr(intern!(self.py, "is_leaf"))?.is_truthy()?
                    && object
                        .getattr(intern!(self.py, "device"))?
                        .str()?
                        .to_cow()?
                        == *device
            }
            Node::Array { .. } | Node::ObjectArray { .. } => kind == Kind::Array,
            Node::ByteArray(_) => kind == Kind::ByteArray,
            Node::Cell(_) => kind == Kind::Cell,
            Node::WeakRef(_) => kind == Kind::WeakRef,
            Node::Method { .. } => matches!(kind, Kind::Method | Kind::Builtin),
            Node::Function { code_name, .. } => {
                kind == Kind::Function && &create::code_key(object)? == code_name
            }
            Node::Opaque { class } => info.name == *class,
            Node::ClassState { .. } => kind == Kind::Class,
            Node::ModuleState { .. } => kind == Kind::Module,
            Node::Named { qualname, .. } if qualname.contains("<locals>") => {
                if let Ok(class) = object.cast::<PyType>() {
                    self.is_class(node, class, &types::class_name(class));
                }
                false
            }
            _ => false,
        })
    }

    #[expect(clippy::too_many_lines, reason = "one arm per kind of node")]
    fn pair_children(
        &mut self,
        node: NodeId,
        object: &Bound<'py, PyAny>,
        info: &TypeInfo,
    ) -> Outcome<()> {
        match self.node(node) {
            Node::Object {
                attributes,
                slots,
                payload,
                ..
            } => {
                self.pair_attributes(attributes, object, info)?;
                self.pair_slots(slots, object, info);
                if let Some(content) = payload {
                    self.pair_content(*content, object, info)?;
                }
            }
            Node::List { attributes, .. }
            | Node::Deque { attributes, .. }
            | Node::Dict { attributes, .. }
            | Node::Set { attributes, .. } => {
                self.pair_attributes(attributes, object, info)?;
                self.pair_content(node, object, info)?;
            }
            Node::Tuple { .. } => self.pair_content(node, object, info)?,
            Node::ClassState { attributes, .. } | Node::ModuleState { attributes, .. } => {
                let namespace = object.getattr(intern!(self.py, "__dict__"))?;
                for (name, child) in attributes {
                    if let Ok(value) = namespace.get_item(name) {
                        self.queue.push_back((*child, value));
                    }
                }
            }
            Node::Tensor {
                grad, attributes, ..
            } => {
                self.pair_attributes(attributes, object, info)?;
                if let Some(grad) = grad {
                    let live = object.getattr(intern!(self.py, "grad"))?;
                    self.queue.push_back((*grad, live));
                }
            }
            Node::Function {
                cells,
                defaults,
                keyword_defaults,
                attributes,
                ..
            } => {
                self.pair_attributes(attributes, object, info)?;
                for (part, name) in [
                    (defaults, "__defaults__"),
                    (keyword_defaults, "__kwdefaults__"),
                ] {
                    if let Some(part) = part {
                        self.queue.push_back((*part, object.getattr(name)?));
                    }
                }
                let closure = object.getattr(intern!(self.py, "__closure__"))?;
                if let Ok(closure) = closure.cast_into::<PyTuple>() {
                    for (cell, live) in cells.iter().zip(closure.iter()) {
                        self.queue.extend(cell.map(|cell| (cell, live)));
                    }
                }
            }
            Node::Method { receiver, .. } => {
                self.queue
                    .push_back((*receiver, object.getattr(intern!(self.py, "__self__"))?));
            }
            Node::Cell(Some(content)) => {
                if let Ok(live) = object.getattr(intern!(self.py, "cell_contents")) {
                    self.queue.push_back((*content, live));
                }
            }
            Node::WeakRef(Some(target)) => self.queue.push_back((*target, object.call0()?)),
            Node::Adapted {
                adapter, payload, ..
            } => {
                let adapter = create::adapter(self.py, adapter)?;
                if adapter.hasattr(intern!(self.py, "save"))? {
                    let live = adapter.call_method1(intern!(self.py, "save"), (object,))?;
                    let shares = adapter.hasattr(intern!(self.py, "shares"))?;
                    self.pair_payload(*payload, &live, shares);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn pair_attributes(
        &mut self,
        attributes: &Attributes,
        object: &Bound<'py, PyAny>,
        info: &TypeInfo,
    ) -> Outcome<()> {
        for name in types::TENSOR_HOOKS {
            let saved = attributes.iter().find(|(saved, _)| saved == name);
            if info.kind == Kind::Tensor
                && let Some((_, child)) = saved
            {
                self.queue.push_back((*child, object.getattr(name)?));
            }
        }
        if attributes.is_empty() || !info.has_dict {
            return Ok(());
        }
        let dict = object.getattr(intern!(self.py, "__dict__"))?;
        let dict = dict.cast::<PyDict>()?;
        for (name, child) in attributes {
            if let Some(live) = dict.get_item(name)? {
                self.queue.push_back((*child, live));
            }
        }
        Ok(())
    }

    fn pair_slots(&mut self, slots: &Attributes, object: &Bound<'py, PyAny>, info: &TypeInfo) {
        for (name, child) in slots {
            let Some(slot) = info.slots.iter().find(|slot| slot.name == *name) else {
                continue;
            };
            let descriptor = slot.descriptor.bind(self.py);
            if let Ok(live) = descriptor.call_method1(intern!(self.py, "__get__"), (object,)) {
                self.queue.push_back((*child, live));
            }
        }
    }

    /// Elements of a container, whatever its class.
    fn pair_content(
        &mut self,
        node: NodeId,
        object: &Bound<'py, PyAny>,
        info: &TypeInfo,
    ) -> Outcome<()> {
        match self.node(node) {
            Node::List { items, .. } if object.is_instance_of::<PyList>() => {
                let live = object.cast::<PyList>()?;
                self.queue.extend(items.iter().copied().zip(live.iter()));
            }
            Node::Tuple { items, .. } if object.is_instance_of::<PyTuple>() => {
                let live = object.cast::<PyTuple>()?;
                self.queue.extend(items.iter().copied().zip(live.iter()));
            }
            Node::Deque { items, .. } => {
                let live = object.try_iter()?.collect::<PyResult<Vec<_>>>()?;
                self.queue.extend(items.iter().copied().zip(live));
            }
            Node::Dict { items, extra, .. } if object.is_instance_of::<PyDict>() => {
                let mut by_objects = false;
                let live = object.cast::<PyDict>()?;
                for (key, value) in items {
                    match create::scalar(self.py, self.node(*key))? {
                        Some(key) => {
                            if let Some(found) = live.get_item(key)? {
                                self.queue.push_back((*value, found));
                            }
                        }
                        None => by_objects = true,
                    }
                }
                if by_objects {
                    self.late.push((node, object.clone()));
                }
                if let (Some(extra), true) = (extra, info.is_defaultdict) {
                    let factory = object.getattr(intern!(self.py, "default_factory"))?;
                    self.queue.push_back((*extra, factory));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Entries whose keys are objects: by the live key where it is known, else by position.
    fn pair_by_object_keys(&mut self, node: NodeId, object: &Bound<'py, PyAny>) -> Outcome<()> {
        let Node::Dict { items, .. } = self.node(node) else {
            return Ok(());
        };
        let live: Vec<_> = object.cast::<PyDict>()?.iter().collect();
        for (index, (key, value)) in items.iter().enumerate() {
            let known = self.claims[key.index()].clone();
            let entry = match &known {
                Some(known) => live.iter().find(|(key, _)| key.is(known)),
                None => live.get(index),
            };
            if let Some((live_key, live_value)) = entry {
                self.queue.push_back((*key, live_key.clone()));
                self.queue.push_back((*value, live_value.clone()));
            }
        }
        Ok(())
    }

    /// Objects inside the data that an adapter gave: the data itself is made anew. With `shares` its
    /// tensors are the object's own.
    fn pair_payload(&mut self, node: NodeId, live: &Bound<'py, PyAny>, shares: bool) {
        let mut stack = vec![(node, live.clone())];
        while let Some((node, live)) = stack.pop() {
            match self.node(node) {
                Node::Tuple { items, .. } => {
                    if let Ok(live) = live.cast::<PyTuple>() {
                        stack.extend(items.iter().copied().zip(live.iter()));
                    }
                }
                Node::Dict {
                    items, class: None, ..
                } => {
                    let Ok(live) = live.cast::<PyDict>() else {
                        continue;
                    };
                    for (key, value) in items {
                        if let Node::Str(key) = self.node(*key)
                            && let Ok(Some(found)) = live.get_item(PyString::new(self.py, key))
                        {
                            stack.push((*value, found));
                        }
                    }
                }
                Node::Object { .. } | Node::Adapted { .. } | Node::Function { .. } => {
                    self.queue.push_back((node, live));
                }
                Node::Tensor { .. } | Node::Opaque { .. } if shares => {
                    self.queue.push_back((node, live));
                }
                _ => {}
            }
        }
    }
}

fn max_length(object: &Bound<'_, PyAny>) -> Outcome<Option<u64>> {
    Ok(object.getattr(intern!(object.py(), "maxlen"))?.extract()?)
}
