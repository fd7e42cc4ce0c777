//! The content of objects: filling new ones, overwriting live ones.
//!
//! ```python
//! history = live.history; restore(...); live.history is history    # True, with the saved items
//! ```
//!
//! Order is kept; what equals the saved content already is left alone.

use std::collections::HashSet;

use florc_runtime::{Attributes, Node, NodeId};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict, PyList, PySlice, PyString, PyType};

use super::{Outcome, Restorer, create, failure};
use crate::types::{self, Base, Kind, TypeInfo};

type Entries<'py> = Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>;

impl<'py> Restorer<'py, '_> {
    pub(super) fn patch_all(&mut self) -> Outcome<()> {
        for (node, live) in std::mem::take(&mut self.rebinds) {
            self.rebind(node, &live)
                .map_err(|failure| self.at(node, failure))?;
        }
        let (hashed, plain): (Vec<NodeId>, Vec<NodeId>) = (0..self.graph.nodes.len() as u32)
            .map(NodeId)
            .filter(|node| self.claims[node.index()].is_some())
            .filter(|node| self.objects[node.index()].is_some())
            .chain(std::mem::take(&mut self.unfilled))
            .partition(|node| self.is_hashed(*node));
        let is_adapted =
            |node: &NodeId| matches!(self.graph.nodes[node.index()], Node::Adapted { .. });
        let (adapted, plain): (Vec<NodeId>, Vec<NodeId>) = plain.into_iter().partition(is_adapted);
        for node in plain.into_iter().chain(hashed).chain(adapted) {
            self.fill(node).map_err(|failure| self.at(node, failure))?;
        }
        Ok(())
    }

    /// Hashes its content: after everything else.
    fn is_hashed(&self, node: NodeId) -> bool {
        match self.node(node) {
            Node::Set { .. } => true,
            Node::Dict { items, .. } => items
                .iter()
                .any(|(key, _)| matches!(self.node(*key), Node::Object { .. })),
            _ => false,
        }
    }

    fn rebind(&self, node: NodeId, live: &Bound<'py, PyAny>) -> Outcome<()> {
        let fresh = self.fresh_tensor(node)?;
        let adapters = create::adapters(self.py)?;
        adapters.call_method1(intern!(self.py, "rebind_tensor"), (live, fresh))?;
        Ok(())
    }

    /// Gives the object of a node its saved content.
    #[expect(clippy::too_many_lines, reason = "one arm per kind of node")]
    pub(super) fn fill(&mut self, node: NodeId) -> Outcome<()> {
        let object = self.object(node)?;
        let info = types::info_of(&object)?;
        match self.node(node) {
            Node::List { .. }
            | Node::Dict { .. }
            | Node::Deque { .. }
            | Node::Set { frozen: false, .. } => {
                self.fill_content(node, &object, &info)?;
                self.fill_attributes(node, &object, &info)?;
            }
            Node::Object { slots, payload, .. } => {
                if let Some(content) = payload {
                    self.fill_content(*content, &object, &info)?;
                }
                self.fill_attributes(node, &object, &info)?;
                self.fill_slots(slots, &object, &info)?;
            }
            Node::ByteArray(bytes) => replace_bytes(&object, bytes)?,
            Node::Cell(content) => self.fill_cell(&object, *content)?,
            Node::Tensor {
                requires_grad,
                grad,
                grad_fn,
                ..
            } => {
                self.fill_attributes(node, &object, &info)?;
                if grad_fn.is_none() {
                    let grad = match grad {
                        Some(grad) => self.object(*grad)?,
                        None => self.py.None().into_bound(self.py),
                    };
                    let arguments = (&object, *requires_grad, grad, true);
                    create::adapters(self.py)?
                        .call_method1(intern!(self.py, "patch_tensor"), arguments)?;
                } else if let Some(grad) = grad {
                    let arguments = (&object, self.object(*grad)?);
                    create::adapters(self.py)?
                        .call_method1(intern!(self.py, "retain_grad"), arguments)?;
                }
            }
            Node::ObjectArray { items, .. } => {
                let items = self.objects_of(items)?;
                create::adapters(self.py)?
                    .call_method1(intern!(self.py, "fill_object_array"), (&object, items))?;
            }
            Node::Function {
                defaults,
                keyword_defaults,
                ..
            } => {
                for (part, name) in [
                    (defaults, "__defaults__"),
                    (keyword_defaults, "__kwdefaults__"),
                ] {
                    if let Some(part) = part {
                        object.setattr(name, self.object(*part)?)?;
                    }
                }
                self.fill_attributes(node, &object, &info)?;
            }
            Node::Adapted {
                adapter, payload, ..
            } if self.claims[node.index()].is_some() => {
                let data = self.object(*payload)?;
                create::adapter(self.py, adapter)?
                    .call_method1(intern!(self.py, "patch"), (&object, data))
                    .map_err(|error| super::Failure::from(error).in_part(&info.name))?;
            }
            Node::ClassState { attributes, .. } => {
                let extra = intern!(self.py, "class_attributes");
                self.fill_shared(&object, attributes, extra)?;
            }
            Node::ModuleState { attributes, .. } => {
                let extra = intern!(self.py, "module_attributes");
                self.fill_shared(&object, attributes, extra)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Data attributes of a class or module.
    fn fill_shared(
        &self,
        object: &Bound<'py, PyAny>,
        attributes: &Attributes,
        list: &Bound<'py, PyString>,
    ) -> Outcome<()> {
        let live = create::adapters(self.py)?.call_method1(list, (object,))?;
        let live = live.cast::<PyDict>()?;
        for (name, child) in attributes {
            let value = self.object(*child)?;
            let same = live.get_item(name)?.is_some_and(|live| live.is(&value));
            if same {
                continue;
            }
            if name.contains('.') {
                create::adapters(self.py)?
                    .call_method1(intern!(self.py, "write_part"), (object, name, value))?;
            } else {
                object.setattr(name.as_str(), value)?;
            }
        }
        for (name, _) in live.iter() {
            let name: String = name.extract()?;
            // the state of a method is no attribute of the class
            if !name.contains('.') && !attributes.iter().any(|(saved, _)| *saved == name) {
                object.delattr(name)?;
            }
        }
        Ok(())
    }

    fn fill_cell(&self, cell: &Bound<'py, PyAny>, content: Option<NodeId>) -> Outcome<()> {
        let name = intern!(self.py, "cell_contents");
        match content {
            Some(content) => cell.setattr(name, self.object(content)?)?,
            None if cell.getattr(name).is_ok() => cell.delattr(name)?,
            None => {}
        }
        Ok(())
    }

    /// Hooks that were recorded; a live tensor that has others serves for one that had none.
    fn fill_hooks(&self, attributes: &Attributes, object: &Bound<'py, PyAny>) -> Outcome<()> {
        for name in types::TENSOR_HOOKS {
            let Ok(live) = object.getattr(name) else {
                continue; // an older torch
            };
            let saved = attributes.iter().find(|(saved, _)| saved == name);
            match saved.map(|(_, child)| self.object(*child)).transpose()? {
                Some(value) if live.is(&value) => {}
                Some(value) => object.setattr(name, value)?,
                None if live.is_truthy()? => {
                    // `None` would leave them at work
                    let empty = self
                        .py
                        .import("collections")?
                        .getattr("OrderedDict")?
                        .call0()?;
                    object.setattr(name, empty)?;
                }
                None => {}
            }
        }
        Ok(())
    }

    fn fill_attributes(
        &self,
        node: NodeId,
        object: &Bound<'py, PyAny>,
        info: &TypeInfo,
    ) -> Outcome<()> {
        let (Node::List { attributes, .. }
        | Node::Dict { attributes, .. }
        | Node::Set { attributes, .. }
        | Node::Deque { attributes, .. }
        | Node::Object { attributes, .. }
        | Node::Tensor { attributes, .. }
        | Node::Function { attributes, .. }) = self.node(node)
        else {
            return Ok(());
        };
        let is_hooks =
            |name: &str| info.kind == Kind::Tensor && types::TENSOR_HOOKS.contains(&name);
        if info.kind == Kind::Tensor {
            self.fill_hooks(attributes, object)?;
        }
        let mut attributes = attributes
            .iter()
            .filter(|(name, _)| !is_hooks(name))
            .peekable();
        let has_dict = info.has_dict || info.kind == Kind::Function;
        if !has_dict {
            return if attributes.peek().is_none() {
                Ok(())
            } else {
                Err(failure(format!(
                    "a `{}` has no attributes any more",
                    info.name
                )))
            };
        }
        let dict = object.getattr(intern!(self.py, "__dict__"))?;
        let mut entries = Entries::new();
        for (name, child) in attributes {
            let name = PyString::intern(self.py, name).into_any();
            entries.push((name, self.object(*child)?));
        }
        let dict = dict.cast::<PyDict>()?;
        for (at, (name, value)) in dict.iter().enumerate() {
            let text = name.extract::<String>()?;
            if types::is_of_the_process(&text) {
                entries.insert(at.min(entries.len()), (name, value));
            }
        }
        replace_entries(dict, &entries)
    }

    fn fill_slots(
        &self,
        slots: &Attributes,
        object: &Bound<'py, PyAny>,
        info: &TypeInfo,
    ) -> Outcome<()> {
        let py = self.py;
        for slot in &info.slots {
            let descriptor = slot.descriptor.bind(py);
            match slots.iter().find(|(name, _)| *name == slot.name) {
                Some((_, child)) => {
                    let value = self.object(*child)?;
                    descriptor.call_method1(intern!(py, "__set__"), (object, value))?;
                }
                None if descriptor
                    .call_method1(intern!(py, "__get__"), (object,))
                    .is_ok() =>
                {
                    descriptor.call_method1(intern!(py, "__delete__"), (object,))?;
                }
                None => {}
            }
        }
        Ok(())
    }

    fn fill_content(
        &self,
        node: NodeId,
        object: &Bound<'py, PyAny>,
        info: &TypeInfo,
    ) -> Outcome<()> {
        let py = self.py;
        match self.node(node) {
            Node::List { items, .. } => {
                let items = self.objects_of(items)?;
                let live = object.cast::<PyList>()?;
                let same = live.len() == items.len()
                    && live.iter().zip(&items).all(|(live, item)| live.is(item));
                if !same {
                    live.set_slice(0, live.len(), &PyList::new(py, items)?.into_any())?;
                }
            }
            Node::Dict { items, extra, .. } => {
                let mut entries = Entries::with_capacity(items.len());
                for (key, value) in items {
                    entries.push((self.object(*key)?, self.object(*value)?));
                }
                if info.kind == Kind::Dict {
                    replace_entries(object.cast::<PyDict>()?, &entries)?;
                } else {
                    replace_entries_of(object, info.solid.bind(py), &entries)?;
                }
                if let Some(extra) = extra {
                    object.setattr(intern!(py, "default_factory"), self.object(*extra)?)?;
                }
            }
            Node::Set { items, .. } => replace_elements(object, info, self.objects_of(items)?)?,
            Node::Deque { items, .. } => {
                let solid = info.solid.bind(py);
                solid.call_method1(intern!(py, "clear"), (object,))?;
                let items = self.objects_of(items)?;
                solid.call_method1(intern!(py, "extend"), (object, items))?;
            }
            Node::ByteArray(bytes) if matches!(info.kind, Kind::Object(Base::ByteArray)) => {
                replace_bytes(object, bytes)?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Makes the entries of an exact dict these, in this order.
fn replace_entries(dict: &Bound<'_, PyDict>, entries: &Entries<'_>) -> Outcome<()> {
    let live: Vec<_> = dict.iter().collect();
    let mut same_order = live.len() == entries.len();
    for ((live, _), (key, _)) in live.iter().zip(entries) {
        same_order = same_order && (live.is(key) || same_scalar(live, key)?);
    }
    if same_order {
        for ((key, old), (_, value)) in live.iter().zip(entries) {
            if !old.is(value) {
                dict.set_item(key, value)?;
            }
        }
        return Ok(());
    }
    dict.clear();
    for (key, value) in entries {
        dict.set_item(key, value)?;
    }
    Ok(())
}

/// Equal keys of one exact type; objects with an `__eq__` of their own are not asked.
fn same_scalar(left: &Bound<'_, PyAny>, right: &Bound<'_, PyAny>) -> Outcome<bool> {
    let simple = matches!(
        types::info_of(left)?.kind,
        Kind::Str | Kind::Int | Kind::Bool | Kind::Bytes | Kind::None
    );
    Ok(simple && left.get_type().is(right.get_type()) && left.eq(right)?)
}

/// As [`replace_entries`], through the base class of a subclass.
fn replace_entries_of(
    object: &Bound<'_, PyAny>,
    solid: &Bound<'_, PyType>,
    entries: &Entries<'_>,
) -> Outcome<()> {
    let py = object.py();
    solid.call_method1(intern!(py, "clear"), (object,))?;
    let set_item = solid.getattr(intern!(py, "__setitem__"))?;
    for (key, value) in entries {
        set_item.call1((object, key, value))?;
    }
    Ok(())
}

/// Sets keep their inner order when they are equal already.
fn replace_elements<'py>(
    object: &Bound<'py, PyAny>,
    info: &TypeInfo,
    items: Vec<Bound<'py, PyAny>>,
) -> Outcome<()> {
    let py = object.py();
    let mut identities = HashSet::new();
    for live in object.try_iter()? {
        identities.insert(identity(&live?)?);
    }
    let mut same = identities.len() == items.len();
    for item in &items {
        same = same && identities.contains(&identity(item)?);
    }
    if !same {
        let solid = info.solid.bind(py);
        solid.call_method1(intern!(py, "clear"), (object,))?;
        let adapters = create::adapters(py)?;
        adapters.call_method1(intern!(py, "fill_set"), (object, solid, items))?;
    }
    Ok(())
}

/// What makes two elements one: their value for simple types, else their address.
fn identity(element: &Bound<'_, PyAny>) -> Outcome<(usize, isize, String)> {
    let class = element.get_type_ptr() as usize;
    Ok(match types::info_of(element)?.kind {
        Kind::Str | Kind::Int | Kind::Bool | Kind::Bytes | Kind::None => {
            (class, element.hash()?, element.repr()?.to_string())
        }
        _ => (
            class,
            (element.as_ptr() as usize).cast_signed(),
            String::new(),
        ),
    })
}

fn replace_bytes(object: &Bound<'_, PyAny>, bytes: &[u8]) -> Outcome<()> {
    let py = object.py();
    if object.cast::<PyByteArray>()?.to_vec() != bytes {
        let set_item = py
            .get_type::<PyByteArray>()
            .getattr(intern!(py, "__setitem__"))?;
        set_item.call1((object, PySlice::full(py), PyByteArray::new(py, bytes)))?;
    }
    Ok(())
}
