//! Tensors and arrays: their geometry now, their memory later.
//!
//! ```python
//! w = torch.zeros(4, 3); v = w[1:]     # two Tensor nodes over one storage
//! ```
//!
//! Copies no element.

use std::collections::HashMap;

use florc_manifest::LossReason;
use florc_runtime::{Attributes, Node, StorageId};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::views::View;
use super::{Edge, Walker};
use crate::types::{self, TypeInfo};

/// What a data type is called in the graph.
#[derive(Clone)]
struct DataType {
    name: String,
    size: usize,
    /// Elements are Python objects.
    objects: bool,
}

impl DataType {
    /// `quint8`, `qint32`: elements mean what the tensor's scales say.
    fn is_quantized(&self) -> bool {
        self.name.starts_with('q')
    }

    /// Only these can be conjugated without being computed.
    fn is_complex(&self) -> bool {
        self.name.starts_with("complex")
    }
}

/// What is remembered of torch and NumPy during a walk.
pub(super) struct Frameworks<'py> {
    data_types: HashMap<usize, (DataType, Bound<'py, PyAny>)>,
    strided: Option<Bound<'py, PyAny>>,
}

impl<'py> Frameworks<'py> {
    pub(super) fn new(py: Python<'py>) -> PyResult<Self> {
        let modules = py
            .import(intern!(py, "sys"))?
            .getattr(intern!(py, "modules"))?;
        let torch = modules.cast::<PyDict>()?.get_item(intern!(py, "torch"))?;
        let strided = torch.and_then(|torch| torch.getattr(intern!(py, "strided")).ok());
        Ok(Self {
            data_types: HashMap::new(),
            strided,
        })
    }

    fn data_type(&mut self, of: Bound<'py, PyAny>) -> PyResult<DataType> {
        let key = of.as_ptr() as usize;
        if let Some((known, _)) = self.data_types.get(&key) {
            return Ok(known.clone());
        }
        let py = of.py();
        let described = types::adapters(py)?.call_method1(intern!(py, "data_type"), (&of,))?;
        let (name, size, objects) = described.extract()?;
        let known = DataType {
            name,
            size,
            objects,
        };
        self.data_types.insert(key, (known.clone(), of));
        Ok(known)
    }
}

/// Sizes of things in memory fit.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Lowest and highest byte that a view touches, relative to its first element.
fn bounds(shape: &[u64], strides: &[i64], size: usize) -> (i64, i64) {
    if shape.contains(&0) {
        return (0, 0);
    }
    let mut low = 0;
    let mut high = signed(size as u64);
    for (length, stride) in shape.iter().zip(strides) {
        let reach = (signed(*length) - 1) * stride;
        if reach < 0 {
            low += reach;
        } else {
            high += reach;
        }
    }
    (low, high)
}

impl<'py> Walker<'py> {
    pub(super) fn tensor(&mut self, object: &Bound<'py, PyAny>, info: &TypeInfo) -> PyResult<Node> {
        let py = self.py;
        let data_type = self
            .frameworks
            .data_type(object.getattr(intern!(py, "dtype"))?)?;
        let on_cpu = flag(object, intern!(py, "is_cpu"))?;
        if !self.is_plain(object, &data_type, on_cpu)? {
            return self.adapted_tensor(object, info);
        }
        let shape: Vec<u64> = object.getattr(intern!(py, "shape"))?.extract()?;
        let strides: Vec<i64> = object.call_method0(intern!(py, "stride"))?.extract()?;
        let device = if on_cpu {
            "cpu".to_owned()
        } else {
            object.getattr(intern!(py, "device"))?.str()?.to_string()
        };
        let byte_strides: Vec<i64> = strides
            .iter()
            .map(|stride| stride * signed(data_type.size as u64))
            .collect();
        let Some((address, storage)) = memory_of(object, &shape, &byte_strides, data_type.size)?
        else {
            return Ok(self.lose(self.current, &info.name, LossReason::OpaqueState));
        };
        let is_leaf = flag(object, intern!(py, "is_leaf"))?;
        let owners = (object, Some(storage));
        self.view(
            owners,
            address,
            &shape,
            &byte_strides,
            data_type.size,
            &device,
        );
        let (grad, grad_fn) = self.gradient(object, is_leaf)?;
        let mut attributes = if info.has_dict {
            self.attributes(object)?
        } else {
            Attributes::new()
        };
        if is_leaf {
            self.hooks(object, &mut attributes)?;
        }
        Ok(Node::Tensor {
            class: self.class(info.class.bind(py))?,
            dtype: data_type.name,
            shape,
            strides,
            offset: 0,
            storage: StorageId(u32::MAX),
            device,
            requires_grad: flag(object, intern!(py, "requires_grad"))?,
            is_leaf,
            grad,
            grad_fn,
            attributes,
        })
    }

    /// A tensor whose elements lie in memory as they are.
    fn is_plain(
        &self,
        object: &Bound<'py, PyAny>,
        data_type: &DataType,
        on_cpu: bool,
    ) -> PyResult<bool> {
        let py = self.py;
        let layout = object.getattr(intern!(py, "layout"))?;
        let strided = self.frameworks.strided.as_ref();
        let in_memory = strided.is_some_and(|strided| layout.is(strided))
            && !data_type.is_quantized()
            && (on_cpu || !flag(object, intern!(py, "is_meta"))?);
        if !in_memory || object.call_method0(intern!(py, "is_neg"))?.is_truthy()? {
            return Ok(false);
        }
        Ok(!data_type.is_complex() || !object.call_method0(intern!(py, "is_conj"))?.is_truthy()?)
    }

    fn gradient(
        &mut self,
        object: &Bound<'py, PyAny>,
        is_leaf: bool,
    ) -> PyResult<(Option<florc_runtime::NodeId>, Option<String>)> {
        let py = self.py;
        let mut grad_fn = None;
        if !is_leaf {
            let node = object.getattr(intern!(py, "grad_fn"))?;
            grad_fn = Some(
                types::class_name(&node.get_type())
                    .rsplit('.')
                    .next()
                    .map_or_else(String::new, ToOwned::to_owned),
            );
            if !flag(object, intern!(py, "retains_grad"))? {
                return Ok((None, grad_fn));
            }
        }
        let grad = object.getattr(intern!(py, "grad"))?;
        if grad.is_none() {
            return Ok((None, grad_fn));
        }
        Ok((Some(self.reach(&grad, Edge::Part("grad"))?), grad_fn))
    }

    fn hooks(&mut self, object: &Bound<'py, PyAny>, into: &mut Attributes) -> PyResult<()> {
        for name in types::TENSOR_HOOKS {
            let name_object = PyString::intern(self.py, name);
            let Ok(hooks) = object.getattr(&name_object) else {
                continue; // an older torch
            };
            if hooks.is_truthy()? {
                let node = self.reach(&hooks, Edge::Attribute(name_object))?;
                into.push((name.to_owned(), node));
            }
        }
        Ok(())
    }

    /// Sparse and other tensors without plain memory.
    fn adapted_tensor(&mut self, object: &Bound<'py, PyAny>, info: &TypeInfo) -> PyResult<Node> {
        let py = self.py;
        let saved = types::adapters(py)?.call_method1(intern!(py, "save_tensor"), (object,))?;
        if saved.is_none() {
            return Ok(self.lose(self.current, &info.name, LossReason::OpaqueState));
        }
        let class = self.class(info.class.bind(py))?;
        let payload = self.reach(&saved, Edge::Part("<state>"))?;
        Ok(Node::Adapted {
            adapter: "torch.tensor".into(),
            class,
            payload,
        })
    }

    pub(super) fn array(&mut self, object: &Bound<'py, PyAny>, info: &TypeInfo) -> PyResult<Node> {
        let py = self.py;
        let data_type = self
            .frameworks
            .data_type(object.getattr(intern!(py, "dtype"))?)?;
        let shape: Vec<u64> = object.getattr(intern!(py, "shape"))?.extract()?;
        if data_type.objects {
            let items = object.call_method0(intern!(py, "ravel"))?;
            let items = items.call_method0(intern!(py, "tolist"))?;
            let items: Vec<Bound<'py, PyAny>> = items.extract()?;
            let mut nodes = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                nodes.push(self.reach(item, Edge::Item(index))?);
            }
            if data_type.name != "|O" {
                return Ok(self.lose(self.current, &info.name, LossReason::OpaqueState));
            }
            return Ok(Node::ObjectArray {
                class: None,
                shape,
                items: nodes,
            });
        }
        let strides: Vec<i64> = object.getattr(intern!(py, "strides"))?.extract()?;
        let interface = object.getattr(intern!(py, "__array_interface__"))?;
        let data = interface
            .get_item(intern!(py, "data"))?
            .cast_into::<PyTuple>()?;
        let (address, read_only): (usize, bool) = data.extract()?;
        let owners = (object, None);
        self.view(owners, address, &shape, &strides, data_type.size, "cpu");
        Ok(Node::Array {
            class: None,
            dtype: data_type.name,
            shape,
            strides,
            storage: StorageId(u32::MAX),
            offset: 0,
            writeable: !read_only,
            attributes: Attributes::new(),
        })
    }

    fn view(
        &mut self,
        (object, storage): (&Bound<'py, PyAny>, Option<Bound<'py, PyAny>>),
        address: usize,
        shape: &[u64],
        strides: &[i64],
        size: usize,
        device: &str,
    ) {
        let (low, high) = bounds(shape, strides, size);
        let view = View {
            node: self.current,
            object: object.clone(),
            _storage: storage,
            address,
            low: address.wrapping_add_signed(low as isize),
            high: address.wrapping_add_signed(high as isize),
            size,
            device: device.to_owned(),
        };
        self.weight += self.views.add(view);
    }
}

/// Address of the first element, and the storage. `None`: the elements are not there. It may have been resized away; a
/// tensor that stands for others has none of its own.
fn memory_of<'py>(
    object: &Bound<'py, PyAny>,
    shape: &[u64],
    strides: &[i64],
    size: usize,
) -> PyResult<Option<(usize, Bound<'py, PyAny>)>> {
    let py = object.py();
    let Ok(address) = object.call_method0(intern!(py, "data_ptr")) else {
        return Ok(None);
    };
    let address: usize = address.extract()?;
    let storage = object.call_method0(intern!(py, "untyped_storage"))?;
    let bytes: i64 = storage.call_method0(intern!(py, "nbytes"))?.extract()?;
    let offset: i64 = object
        .call_method0(intern!(py, "storage_offset"))?
        .extract()?;
    let start = offset * signed(size as u64);
    let (low, high) = bounds(shape, strides, size);
    let is_empty = low == high;
    let is_there = start + low >= 0 && (is_empty || (address != 0 && start + high <= bytes));
    Ok(is_there.then_some((address, storage)))
}

fn flag(object: &Bound<'_, PyAny>, name: &Bound<'_, pyo3::types::PyString>) -> PyResult<bool> {
    object.getattr(name)?.is_truthy()
}
