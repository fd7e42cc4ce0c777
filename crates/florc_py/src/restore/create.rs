//! Objects for the nodes that no live object stands for.
//!
//! ```python
//! best = {"weights": [...]}     # live: None. A new dict, a new list
//! ```
//!
//! Children first; containers are made empty before their children, so that cycles close. Live
//! objects are not changed.

use florc_runtime::{Node, NodeId};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyByteArray, PyBytes, PyComplex, PyDict, PyEllipsis, PyFloat, PyFrozenSet, PyInt, PyList,
    PyNotImplemented, PySet, PyString, PyTuple, PyType,
};

use super::{Failure, Outcome, Restorer, children, failure};
use crate::types;

/// The adapters package.
pub(super) fn adapters(py: Python<'_>) -> Outcome<Bound<'_, PyModule>> {
    Ok(types::adapters(py)?)
}

/// The adapter of that name.
pub(super) fn adapter<'py>(py: Python<'py>, name: &str) -> Outcome<Bound<'py, PyAny>> {
    Ok(adapters(py)?.call_method1(intern!(py, "by_name"), (name,))?)
}

/// The object of a dotted name.
pub(super) fn resolve<'py>(
    py: Python<'py>,
    module: &str,
    qualname: &str,
) -> Outcome<Bound<'py, PyAny>> {
    Ok(adapters(py)?.call_method1(intern!(py, "resolve"), (module, qualname))?)
}

/// What tells the code of a function from that of others with its name.
pub(super) fn code_key(function: &Bound<'_, PyAny>) -> Outcome<String> {
    let py = function.py();
    Ok(adapters(py)?
        .call_method1(intern!(py, "code_of_function"), (function,))?
        .extract()?)
}

/// Name and element size of a data type of NumPy or torch.
pub(super) fn data_type(of: &Bound<'_, PyAny>) -> Outcome<(String, usize)> {
    let py = of.py();
    let found = adapters(py)?.call_method1(intern!(py, "data_type"), (of,))?;
    let (name, size, _): (String, usize, bool) = found.extract()?;
    Ok((name, size))
}

/// The object of a node that is a value by itself.
pub(super) fn scalar<'py>(py: Python<'py>, node: &Node) -> Outcome<Option<Bound<'py, PyAny>>> {
    let float = f64::from_bits;
    Ok(Some(match node {
        Node::None => py.None().into_bound(py),
        Node::Bool(value) => value
            .into_pyobject(py)
            .map_err(PyErr::from)?
            .to_owned()
            .into_any(),
        Node::Int(value) => value.into_pyobject(py).map_err(PyErr::from)?.into_any(),
        Node::BigInt(digits) => py.get_type::<PyInt>().call1((digits, 0))?,
        Node::Float(bits) => PyFloat::new(py, float(*bits)).into_any(),
        Node::Complex(real, imag) => {
            PyComplex::from_doubles(py, float(*real), float(*imag)).into_any()
        }
        Node::Str(text) => PyString::new(py, text).into_any(),
        Node::RawStr(bytes) => PyBytes::new(py, bytes)
            .call_method1(intern!(py, "decode"), ("utf-8", "surrogatepass"))?,
        Node::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Node::Ellipsis => PyEllipsis::get(py).to_owned().into_any(),
        Node::NotImplemented => PyNotImplemented::get(py).to_owned().into_any(),
        _ => return Ok(None),
    }))
}

/// Progress of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Untouched,
    Open,
    Done,
}

impl<'py> Restorer<'py, '_> {
    pub(super) fn create_all(&mut self) -> Outcome<()> {
        let graph = self.graph;
        let mut stages = vec![Stage::Untouched; graph.nodes.len()];
        for (_, root) in graph.roots.iter().chain(&graph.hidden) {
            let mut stack = vec![*root];
            while let Some(&node) = stack.last() {
                match stages[node.index()] {
                    Stage::Done => {
                        stack.pop();
                    }
                    Stage::Untouched => {
                        stages[node.index()] = Stage::Open;
                        self.open(node).map_err(|failure| self.at(node, failure))?;
                        let mut inner = Vec::new();
                        children::each(self.node(node), |_, child| {
                            if stages[child.index()] == Stage::Untouched {
                                inner.push(child);
                            }
                        });
                        stack.extend(inner.into_iter().rev());
                    }
                    Stage::Open => {
                        stages[node.index()] = Stage::Done;
                        self.close(node).map_err(|failure| self.at(node, failure))?;
                        stack.pop();
                    }
                }
            }
        }
        Ok(())
    }

    /// Before the children: the claimed object, or an empty container.
    #[expect(clippy::too_many_lines, reason = "one arm per kind of node")]
    fn open(&mut self, node: NodeId) -> Outcome<()> {
        let py = self.py;
        if let Some(claimed) = &self.claims[node.index()]
            && !self.is_rebuilt(node)
        {
            self.objects[node.index()] = Some(claimed.clone());
            return Ok(());
        }
        let shell = match self.node(node) {
            Node::List { class: None, .. } => Some(PyList::empty(py).into_any()),
            Node::Dict { class: None, .. } => Some(PyDict::new(py).into_any()),
            Node::Set {
                class: None,
                frozen: false,
                ..
            } => Some(PySet::empty(py)?.into_any()),
            Node::ByteArray(bytes) => Some(PyByteArray::new(py, bytes).into_any()),
            Node::Cell(_) => Some(resolve(py, "types", "CellType")?.call0()?),
            Node::List {
                class: Some(class), ..
            }
            | Node::Dict {
                class: Some(class), ..
            }
            | Node::Set {
                class: Some(class),
                frozen: false,
                ..
            }
            | Node::Object {
                class,
                payload: None,
                ..
            } => Some(self.empty(*class)?),
            Node::Object {
                class,
                payload: Some(content),
                ..
            } if matches!(
                self.node(*content),
                Node::List { .. }
                    | Node::Dict { .. }
                    | Node::Set { frozen: false, .. }
                    | Node::ByteArray(_)
            ) =>
            {
                Some(self.empty(*class)?)
            }
            Node::Deque { class, maxlen, .. } => {
                let class = match class {
                    Some(class) => self.lookup(*class)?,
                    None => resolve(py, "collections", "deque")?,
                };
                let made = class.call_method1(intern!(py, "__new__"), (&class,))?;
                let deque = resolve(py, "collections", "deque")?;
                deque.call_method1(intern!(py, "__init__"), (&made, (), *maxlen))?;
                Some(made)
            }
            _ => None,
        };
        self.objects[node.index()] = shell;
        Ok(())
    }

    /// An instance without content, made by its builtin base; no `__init__` runs.
    fn empty(&self, class: NodeId) -> Outcome<Bound<'py, PyAny>> {
        let class = self.lookup(class)?;
        let class = class.cast::<PyType>()?;
        let info = types::info_of_class(class)?;
        Ok(info
            .solid
            .bind(self.py)
            .call_method1(intern!(self.py, "__new__"), (class,))?)
    }

    /// Kinds whose claimed object is only a candidate: kept when it needs no change.
    fn is_rebuilt(&self, node: NodeId) -> bool {
        matches!(
            self.node(node),
            Node::Tuple { .. }
                | Node::Set { frozen: true, .. }
                | Node::Adapted { .. }
                | Node::WeakRef(_)
                | Node::Method { .. }
                | Node::ObjectArray { .. }
        )
    }

    /// After the children: what could not be made before them, and the content of new objects.
    fn close(&mut self, node: NodeId) -> Outcome<()> {
        let is_claimed = self.claims[node.index()].is_some() && !self.is_rebuilt(node);
        if is_claimed {
            return Ok(());
        }
        if self.objects[node.index()].is_none() {
            let made = self.make(node)?;
            self.objects[node.index()] = Some(made);
        }
        if self.is_fillable(node) {
            self.fill(node)?;
        } else {
            self.unfilled.push(node);
        }
        Ok(())
    }

    /// All children exist, and no key's hash depends on what is not restored yet.
    fn is_fillable(&self, node: NodeId) -> bool {
        let mut ready = true;
        children::each(self.node(node), |label, child| {
            ready &= self.objects[child.index()].is_some();
            let hashed = matches!(label, children::Label::Key(_))
                || matches!(self.node(node), Node::Set { .. });
            if hashed {
                ready &= !matches!(self.node(child), Node::Object { .. });
            }
        });
        ready
    }

    #[expect(clippy::too_many_lines, reason = "one arm per kind of node")]
    fn make(&mut self, node: NodeId) -> Outcome<Bound<'py, PyAny>> {
        let py = self.py;
        if let Some(value) = scalar(py, self.node(node))? {
            return Ok(value);
        }
        let claim = self.claims[node.index()].clone();
        match self.node(node) {
            Node::Named { .. } => self.lookup(node),
            Node::Range { bounds } => {
                Ok(resolve(py, "builtins", "range")?.call1(self.three(bounds)?)?)
            }
            Node::Slice { bounds } => {
                Ok(resolve(py, "builtins", "slice")?.call1(self.three(bounds)?)?)
            }
            Node::Tuple { class, items } => self.make_tuple(claim, *class, items),
            Node::Set { class, items, .. } => {
                let items = self.objects_of(items)?;
                let made = adapters(py)?.call_method1(intern!(py, "new_frozenset"), (items,))?;
                match class {
                    None => Ok(made),
                    Some(class) => {
                        let class = self.lookup(*class)?;
                        let base = py.get_type::<PyFrozenSet>();
                        Ok(base.call_method1(intern!(py, "__new__"), (class, made))?)
                    }
                }
            }
            Node::Object {
                class,
                payload: Some(content),
                ..
            } => {
                let class = self.lookup(*class)?;
                let info = types::info_of_class(class.cast::<PyType>()?)?;
                let value = self.object(*content)?;
                Ok(info
                    .solid
                    .bind(py)
                    .call_method1(intern!(py, "__new__"), (class, value))?)
            }
            Node::Tensor { .. } => self.make_tensor(node),
            Node::Array { .. } => self.make_array(node),
            Node::ObjectArray { shape, items, .. } => self.make_object_array(claim, shape, items),
            Node::Adapted {
                adapter: name,
                class,
                payload,
            } => {
                let adapter = adapter(py, name)?;
                let data = self.object(*payload)?;
                if let Some(live) = claim
                    && adapter
                        .call_method1(intern!(py, "fits"), (&live, &data))?
                        .is_truthy()?
                {
                    return Ok(live);
                }
                self.claims[node.index()] = None;
                let class = self.lookup(*class)?;
                Ok(adapter.call_method1(intern!(py, "load"), (class, data))?)
            }
            Node::Method { receiver, name } => self.make_method(claim, *receiver, name),
            Node::WeakRef(target) => self.make_weak_reference(claim, *target),
            Node::Function {
                module,
                qualname,
                code_name,
                cells,
                ..
            } => {
                let cells = cells
                    .iter()
                    .flatten()
                    .map(|cell| self.object(*cell))
                    .collect::<Outcome<Vec<_>>>()?;
                let arguments = (module, qualname, code_name, cells);
                Ok(adapters(py)?.call_method1(intern!(py, "make_function"), arguments)?)
            }
            Node::ClassState { class, .. } => self.lookup(*class),
            Node::ModuleState { module, .. } => resolve(py, module, ""),
            Node::Partial {
                function,
                arguments,
                keywords,
                ..
            } => {
                let arguments = self.object(*arguments)?;
                let keywords = self.object(*keywords)?;
                let all = [self.object(*function)?]
                    .into_iter()
                    .chain(arguments.try_iter()?.collect::<PyResult<Vec<_>>>()?);
                let all = PyTuple::new(py, all.collect::<Vec<_>>())?;
                Ok(resolve(py, "functools", "partial")?.call(all, Some(keywords.cast()?))?)
            }
            Node::Opaque { class } => {
                Ok(adapters(py)?.call_method1(intern!(py, "new_harmless"), (class,))?)
            }
            _ => Err(failure(
                "an object is part of itself in a way that cannot be built",
            )),
        }
    }

    fn three(&self, bounds: &[NodeId; 3]) -> Outcome<Bound<'py, PyTuple>> {
        Ok(PyTuple::new(self.py, self.objects_of(bounds)?)?)
    }

    pub(super) fn objects_of(&self, nodes: &[NodeId]) -> Outcome<Vec<Bound<'py, PyAny>>> {
        nodes.iter().map(|node| self.object(*node)).collect()
    }

    fn make_tuple(
        &self,
        claim: Option<Bound<'py, PyAny>>,
        class: Option<NodeId>,
        items: &[NodeId],
    ) -> Outcome<Bound<'py, PyAny>> {
        let items = self.objects_of(items)?;
        if let Some(live) = claim {
            let tuple = live.cast::<PyTuple>()?;
            if tuple.len() == items.len() && tuple.iter().zip(&items).all(|(a, b)| a.is(b)) {
                return Ok(live);
            }
        }
        let made = PyTuple::new(self.py, items)?.into_any();
        match class {
            None => Ok(made),
            Some(class) => {
                let class = self.lookup(class)?;
                let info = types::info_of_class(class.cast::<PyType>()?)?;
                let solid = info.solid.bind(self.py);
                Ok(solid.call_method1(intern!(self.py, "__new__"), (class, made))?)
            }
        }
    }

    fn make_method(
        &self,
        claim: Option<Bound<'py, PyAny>>,
        receiver: NodeId,
        name: &str,
    ) -> Outcome<Bound<'py, PyAny>> {
        let receiver = self.object(receiver)?;
        if let Some(live) = claim
            && live.getattr(intern!(self.py, "__self__"))?.is(&receiver)
            && live.getattr(intern!(self.py, "__name__"))?.eq(name)?
        {
            return Ok(live);
        }
        Ok(receiver.getattr(name)?)
    }

    fn make_weak_reference(
        &self,
        claim: Option<Bound<'py, PyAny>>,
        target: Option<NodeId>,
    ) -> Outcome<Bound<'py, PyAny>> {
        let py = self.py;
        let reference = resolve(py, "weakref", "ref")?;
        let Some(target) = target else {
            // its target dies with this call
            let gone = resolve(py, "builtins", "set")?.call0()?;
            return Ok(reference.call1((gone,))?);
        };
        let target = self.object(target)?;
        match claim {
            Some(live) if live.call0()?.is(&target) => Ok(live),
            _ => Ok(reference.call1((target,))?),
        }
    }

    fn make_tensor(&self, node: NodeId) -> Outcome<Bound<'py, PyAny>> {
        let Node::Tensor {
            class,
            dtype,
            shape,
            strides,
            offset,
            storage,
            requires_grad,
            grad_fn,
            ..
        } = self.node(node)
        else {
            return Err(failure("not a tensor"));
        };
        let target = self.targets[storage.index()].as_ref();
        let target = target.ok_or_else(|| failure("its memory is missing"))?;
        let owner = target
            .owner
            .as_ref()
            .ok_or_else(|| failure("its memory is an array's"))?;
        let shift = (target.address - target.owner_address) as u64;
        let torch_type = resolve(self.py, "torch", dtype)?;
        let (_, size) = data_type(&torch_type)?;
        let start = shift / size as u64 + offset;
        let arguments = (
            owner,
            self.lookup(*class)?,
            dtype,
            shape,
            strides,
            start,
            requires_grad,
            grad_fn.as_deref(),
        );
        Ok(adapters(self.py)?.call_method1(intern!(self.py, "tensor_over"), arguments)?)
    }

    /// A tensor like a claimed one, over the memory it is to have.
    pub(super) fn fresh_tensor(&self, node: NodeId) -> Outcome<Bound<'py, PyAny>> {
        self.make_tensor(node)
    }

    fn make_array(&self, node: NodeId) -> Outcome<Bound<'py, PyAny>> {
        let Node::Array {
            dtype,
            shape,
            strides,
            storage,
            offset,
            writeable,
            ..
        } = self.node(node)
        else {
            return Err(failure("not an array"));
        };
        let target = self.targets[storage.index()].as_ref();
        let target = target.ok_or_else(|| failure("its memory is missing"))?;
        let owner = target
            .owner
            .as_ref()
            .ok_or_else(|| failure("its memory is elsewhere"))?;
        let start = (target.address - target.owner_address) as u64 + offset;
        let arguments = (owner, dtype, shape, strides, start, *writeable);
        Ok(adapters(self.py)?.call_method1(intern!(self.py, "array_over"), arguments)?)
    }

    fn make_object_array(
        &mut self,
        claim: Option<Bound<'py, PyAny>>,
        shape: &[u64],
        items: &[NodeId],
    ) -> Outcome<Bound<'py, PyAny>> {
        let py = self.py;
        if let Some(live) = claim {
            let live_shape: Vec<u64> = live.getattr(intern!(py, "shape"))?.extract()?;
            let (name, _) = data_type(&live.getattr(intern!(py, "dtype"))?)?;
            if live_shape == shape && name == "|O" {
                return Ok(live);
            }
        }
        let items = self.objects_of(items)?;
        Ok(adapters(py)?.call_method1(intern!(py, "object_array"), (shape, items))?)
    }
}

impl Failure {
    /// The same failure with more context.
    pub(super) fn in_part(mut self, part: &str) -> Self {
        self.problem = format!("{part}: {}", self.problem);
        self
    }
}
