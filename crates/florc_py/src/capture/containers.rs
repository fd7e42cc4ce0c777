//! Scalars, containers and instances of Python classes.
//!
//! ```python
//! {"loss": [0.5]}          # Dict{"loss" -> List[0.5]}
//! Point(x=1, y=2)          # Object{attributes: x, y}
//! ```
//!
//! Knows nothing of functions, arrays or tensors.

use florc_runtime::{Attributes, Node, NodeId};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple,
};

use super::{Edge, ScalarKey, Walker};
use crate::types::{Base, Kind, TypeInfo};

/// The value of an object of an exact scalar type.
pub(super) fn scalar(object: &Bound<'_, PyAny>, kind: Kind) -> PyResult<Option<ScalarKey>> {
    Ok(Some(match kind {
        Kind::None => ScalarKey::None,
        Kind::Bool => ScalarKey::Bool(object.is_truthy()?),
        Kind::Int => integer(object)?,
        Kind::Float => ScalarKey::Float(object.cast::<PyFloat>()?.value().to_bits()),
        Kind::Complex => {
            let value = object.cast::<PyComplex>()?;
            ScalarKey::Complex(value.real().to_bits(), value.imag().to_bits())
        }
        Kind::Str => string(object)?,
        Kind::Bytes => ScalarKey::Bytes(object.cast::<PyBytes>()?.as_bytes().to_vec()),
        Kind::Ellipsis => ScalarKey::Ellipsis,
        Kind::NotImplemented => ScalarKey::NotImplemented,
        _ => return Ok(None),
    }))
}

fn integer(object: &Bound<'_, PyAny>) -> PyResult<ScalarKey> {
    if let Ok(value) = object.extract::<i64>() {
        return Ok(ScalarKey::Int(value));
    }
    let py = object.py();
    let int = py.get_type::<PyInt>();
    // Python refuses to write more than 4300 decimal digits
    let text = int
        .call_method1(intern!(py, "__repr__"), (object,))
        .or_else(|_| int.call_method1(intern!(py, "__format__"), (object, "#x")))?;
    Ok(ScalarKey::BigInt(text.extract()?))
}

fn string(object: &Bound<'_, PyAny>) -> PyResult<ScalarKey> {
    let text = object.cast::<PyString>()?;
    if let Ok(text) = text.to_cow() {
        return Ok(ScalarKey::Str(text.into_owned()));
    }
    let raw = object.call_method1(intern!(object.py(), "encode"), ("utf-8", "surrogatepass"))?;
    Ok(ScalarKey::RawStr(
        raw.cast::<PyBytes>()?.as_bytes().to_vec(),
    ))
}

pub(super) fn scalar_weight(key: &ScalarKey) -> u64 {
    8 + match key {
        ScalarKey::BigInt(text) | ScalarKey::Str(text) => text.len() as u64,
        ScalarKey::RawStr(bytes) | ScalarKey::Bytes(bytes) => bytes.len() as u64,
        _ => 8,
    }
}

pub(super) fn scalar_node(key: &ScalarKey) -> Node {
    match key.clone() {
        ScalarKey::None => Node::None,
        ScalarKey::Bool(value) => Node::Bool(value),
        ScalarKey::Int(value) => Node::Int(value),
        ScalarKey::BigInt(text) => Node::BigInt(text),
        ScalarKey::Float(bits) => Node::Float(bits),
        ScalarKey::Complex(real, imag) => Node::Complex(real, imag),
        ScalarKey::Str(text) => Node::Str(text),
        ScalarKey::RawStr(bytes) => Node::RawStr(bytes),
        ScalarKey::Bytes(bytes) => Node::Bytes(bytes),
        ScalarKey::Ellipsis => Node::Ellipsis,
        ScalarKey::NotImplemented => Node::NotImplemented,
        ScalarKey::Named(module, qualname) => Node::Named { module, qualname },
    }
}

impl<'py> Walker<'py> {
    /// Exact builtin containers and instances of Python classes.
    pub(super) fn container(
        &mut self,
        object: &Bound<'py, PyAny>,
        info: &TypeInfo,
    ) -> PyResult<Node> {
        match info.kind {
            Kind::List => self.list(object, None, Attributes::new()),
            Kind::Tuple => self.tuple(object, None),
            Kind::Dict => self.dict(object, info, None, Attributes::new()),
            Kind::Set => self.set(object, false, None, Attributes::new()),
            Kind::FrozenSet => self.set(object, true, None, Attributes::new()),
            Kind::ByteArray => self.byte_array(object),
            Kind::Object(base) => self.instance(object, info, base),
            _ => Ok(self.lose(
                self.current,
                &info.name,
                florc_manifest::LossReason::OpaqueState,
            )),
        }
    }

    fn instance(
        &mut self,
        object: &Bound<'py, PyAny>,
        info: &TypeInfo,
        base: Base,
    ) -> PyResult<Node> {
        let class = self.class(info.class.bind(self.py))?;
        let attributes = if info.has_dict {
            self.attributes(object)?
        } else {
            Attributes::new()
        };
        if info.slots.is_empty() {
            match base {
                Base::List => return self.list(object, Some(class), attributes),
                Base::Dict => return self.dict(object, info, Some(class), attributes),
                Base::Deque => return self.deque(object, info, Some(class), attributes),
                Base::Set => return self.set(object, false, Some(class), attributes),
                Base::FrozenSet if attributes.is_empty() => {
                    return self.set(object, true, Some(class), attributes);
                }
                Base::Tuple if attributes.is_empty() => return self.tuple(object, Some(class)),
                _ => {}
            }
        }
        let slots = self.slots(object, info)?;
        let payload = match base {
            Base::Plain => None,
            _ => Some(self.base_content(object, info, base)?),
        };
        Ok(Node::Object {
            class,
            attributes,
            slots,
            payload,
        })
    }

    /// The content of the builtin base, as a node of exactly that base.
    fn base_content(
        &mut self,
        object: &Bound<'py, PyAny>,
        info: &TypeInfo,
        base: Base,
    ) -> PyResult<NodeId> {
        let node = match base {
            Base::List => self.list(object, None, Attributes::new())?,
            Base::Tuple => self.tuple(object, None)?,
            Base::Dict => self.dict(object, info, None, Attributes::new())?,
            Base::Set => self.set(object, false, None, Attributes::new())?,
            Base::FrozenSet => self.set(object, true, None, Attributes::new())?,
            Base::Deque => self.deque(object, info, None, Attributes::new())?,
            Base::ByteArray => self.byte_array(object)?,
            Base::Int => scalar_node(&integer(object)?),
            Base::Float => Node::Float(object.cast::<PyFloat>()?.value().to_bits()),
            Base::Complex => {
                let value = object.cast::<PyComplex>()?;
                Node::Complex(value.real().to_bits(), value.imag().to_bits())
            }
            Base::Str => scalar_node(&string(object)?),
            Base::Bytes => Node::Bytes(object.cast::<PyBytes>()?.as_bytes().to_vec()),
            Base::Plain => Node::None,
        };
        Ok(self.add(node, object, Edge::Part("<content>")))
    }

    fn list(
        &mut self,
        object: &Bound<'py, PyAny>,
        class: Option<NodeId>,
        attributes: Attributes,
    ) -> PyResult<Node> {
        let items: Vec<_> = object.cast::<PyList>()?.iter().collect();
        Ok(Node::List {
            class,
            items: self.items(items)?,
            attributes,
        })
    }

    fn tuple(&mut self, object: &Bound<'py, PyAny>, class: Option<NodeId>) -> PyResult<Node> {
        let items: Vec<_> = object.cast::<PyTuple>()?.iter().collect();
        Ok(Node::Tuple {
            class,
            items: self.items(items)?,
        })
    }

    fn items(&mut self, items: Vec<Bound<'py, PyAny>>) -> PyResult<Vec<NodeId>> {
        let mut nodes = Vec::with_capacity(items.len());
        self.weight += 8 * items.len() as u64;
        for (index, item) in items.into_iter().enumerate() {
            nodes.push(self.reach(&item, Edge::Item(index))?);
        }
        Ok(nodes)
    }

    fn dict(
        &mut self,
        object: &Bound<'py, PyAny>,
        info: &TypeInfo,
        class: Option<NodeId>,
        attributes: Attributes,
    ) -> PyResult<Node> {
        let entries: Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)> = if info.kind == Kind::Dict {
            object.cast::<PyDict>()?.iter().collect()
        } else {
            // the base's own `items`: an OrderedDict keeps its order outside of the dict
            let items = info
                .solid
                .bind(self.py)
                .call_method1(intern!(self.py, "items"), (object,));
            items?
                .try_iter()?
                .map(|item| item?.extract())
                .collect::<PyResult<_>>()?
        };
        let mut items = Vec::with_capacity(entries.len());
        self.weight += 16 * entries.len() as u64;
        for (index, (key, value)) in entries.into_iter().enumerate() {
            let key_node = self.reach(&key, Edge::Item(index))?;
            items.push((key_node, self.reach(&value, Edge::Key(key))?));
        }
        let extra = if info.is_defaultdict {
            let factory = object.getattr(intern!(self.py, "default_factory"))?;
            Some(self.reach(&factory, Edge::Part("default_factory"))?)
        } else {
            None
        };
        Ok(Node::Dict {
            class,
            items,
            attributes,
            extra,
        })
    }

    fn set(
        &mut self,
        object: &Bound<'py, PyAny>,
        frozen: bool,
        class: Option<NodeId>,
        attributes: Attributes,
    ) -> PyResult<Node> {
        let items = object.try_iter()?.collect::<PyResult<Vec<_>>>()?;
        Ok(Node::Set {
            class,
            frozen,
            items: self.items(items)?,
            attributes,
        })
    }

    fn deque(
        &mut self,
        object: &Bound<'py, PyAny>,
        info: &TypeInfo,
        class: Option<NodeId>,
        attributes: Attributes,
    ) -> PyResult<Node> {
        let iterate = info
            .solid
            .bind(self.py)
            .getattr(intern!(self.py, "__iter__"))?;
        let items = iterate
            .call1((object,))?
            .try_iter()?
            .collect::<PyResult<Vec<_>>>()?;
        let maxlen = object
            .getattr(intern!(self.py, "maxlen"))?
            .extract::<Option<u64>>()?;
        Ok(Node::Deque {
            class,
            items: self.items(items)?,
            maxlen,
            attributes,
        })
    }

    fn byte_array(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Node> {
        let bytes = object.cast::<PyByteArray>()?.to_vec();
        self.weight += bytes.len() as u64;
        Ok(Node::ByteArray(bytes))
    }
}
