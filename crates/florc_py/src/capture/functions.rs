//! Things that are looked up rather than copied: classes, modules, functions, methods; and the
//! state that hangs on them: closures, defaults, attributes.
//!
//! ```python
//! def outer():
//!     n = 0
//!     def step(): nonlocal n; n += 1     # Function{cells: [n]}
//!     return step
//! math.sqrt                              # Named{math, sqrt}
//! ```
//!
//! Never copies code: what cannot be found again by name must be found again in the live program.

use florc_manifest::LossReason;
use florc_runtime::{Attributes, Node, NodeId};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use super::{Edge, Walker};
use crate::types::{self, TypeInfo};

impl<'py> Walker<'py> {
    pub(super) fn class_value(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Node> {
        let class = object.cast::<PyType>()?;
        let named = self.class(class)?;
        Ok(self.graph.nodes[named.index()].clone())
    }

    pub(super) fn module_value(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Node> {
        let name = object.getattr(intern!(self.py, "__name__"))?;
        let module: String = name.extract()?;
        let shared = module != "__main__" && types::is_project_module(self.py, &name)?;
        if shared && self.modules_seen.insert(module.clone()) {
            self.module_states.push((module.clone(), object.clone()));
        }
        Ok(Node::Named {
            module,
            qualname: String::new(),
        })
    }

    pub(super) fn function(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Node> {
        let py = self.py;
        let described = types::adapters(py)?.call_method1(intern!(py, "function"), (object,))?;
        let (module, qualname, code_name, named): (String, String, String, bool) =
            described.extract()?;
        let attributes = self.attributes(object)?;
        let default_values = object.getattr(intern!(py, "__defaults__"))?;
        let keyword_values = object.getattr(intern!(py, "__kwdefaults__"))?;
        let stateless = default_values.is_none() && keyword_values.is_none();
        if named && attributes.is_empty() && stateless {
            return Ok(Node::Named { module, qualname });
        }
        let mut cells = Vec::new();
        let closure = object.getattr(intern!(py, "__closure__"))?;
        if let Ok(closure) = closure.cast_into::<PyTuple>() {
            for (index, cell) in closure.iter().enumerate() {
                cells.push(Some(self.reach(&cell, Edge::Item(index))?));
            }
        }
        let defaults = self.reach(&default_values, Edge::Part("__defaults__"))?;
        let keyword_defaults = self.reach(&keyword_values, Edge::Part("__kwdefaults__"))?;
        Ok(Node::Function {
            module,
            qualname,
            code_name,
            cells,
            defaults: Some(defaults),
            keyword_defaults: Some(keyword_defaults),
            attributes,
        })
    }

    pub(super) fn builtin(
        &mut self,
        object: &Bound<'py, PyAny>,
        info: &TypeInfo,
    ) -> PyResult<Node> {
        let py = self.py;
        let owner = object.getattr(intern!(py, "__self__"))?;
        if let Some(named) = self.named(object)? {
            return Ok(named);
        }
        let name: String = object.getattr(intern!(py, "__name__"))?.extract()?;
        if !owner.is_none()
            && owner
                .getattr(name.as_str())
                .is_ok_and(|found| same(&found, object))
        {
            let receiver = self.reach(&owner, Edge::Part("__self__"))?;
            return Ok(Node::Method { receiver, name });
        }
        Ok(self.lose(self.current, &info.name, LossReason::OpaqueState))
    }

    /// `Named`, if a search by module and qualified name ends at this very object.
    fn named(&self, object: &Bound<'py, PyAny>) -> PyResult<Option<Node>> {
        let py = self.py;
        let found = types::adapters(py)?.call_method1(intern!(py, "name_of"), (object,))?;
        let found: Option<(String, String)> = found.extract()?;
        Ok(found.map(|(module, qualname)| Node::Named { module, qualname }))
    }

    pub(super) fn singleton(
        &mut self,
        object: &Bound<'py, PyAny>,
        info: &TypeInfo,
    ) -> PyResult<Node> {
        match self.named(object)? {
            Some(named) => Ok(named),
            None => Ok(self.lose(self.current, &info.name, LossReason::OpaqueState)),
        }
    }

    pub(super) fn enum_member(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Node> {
        let class = object.get_type();
        let named = self.class(&class)?;
        let name = object.getattr(intern!(self.py, "name"))?;
        let value = object.getattr(intern!(self.py, "value"))?;
        let simple = name
            .extract::<String>()
            .is_ok_and(|name| class.getattr(name).is_ok());
        let Node::Named { module, qualname } = self.graph.nodes[named.index()].clone() else {
            return Ok(Node::None);
        };
        if simple {
            return Ok(Node::Named {
                module,
                qualname: format!("{qualname}.{name}"),
            });
        }
        let payload = self.reach(&value, Edge::Part("value"))?;
        Ok(Node::Adapted {
            adapter: "enum".into(),
            class: named,
            payload,
        })
    }

    pub(super) fn method(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Node> {
        let py = self.py;
        let receiver = object.getattr(intern!(py, "__self__"))?;
        let function = object.getattr(intern!(py, "__func__"))?;
        let name = function
            .getattr(intern!(py, "__name__"))?
            .extract::<String>();
        if let Ok(name) = name
            && receiver
                .getattr(name.as_str())
                .is_ok_and(|found| same(&found, object))
        {
            let receiver = self.reach(&receiver, Edge::Part("__self__"))?;
            return Ok(Node::Method { receiver, name });
        }
        let pair = PyTuple::new(py, [function, receiver])?;
        let class = self.class(&object.get_type())?;
        let payload = self.reach(pair.as_any(), Edge::Part("<method>"))?;
        Ok(Node::Adapted {
            adapter: "method".into(),
            class,
            payload,
        })
    }

    pub(super) fn cell(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Node> {
        match object.getattr(intern!(self.py, "cell_contents")) {
            Ok(content) => Ok(Node::Cell(Some(
                self.reach(&content, Edge::Part("cell_contents"))?,
            ))),
            Err(_) => Ok(Node::Cell(None)),
        }
    }

    pub(super) fn weak_reference(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Node> {
        let target = object.call0()?;
        if target.is_none() {
            return Ok(Node::WeakRef(None));
        }
        Ok(Node::WeakRef(Some(
            self.reach(&target, Edge::Part("<weak>"))?,
        )))
    }

    pub(super) fn adapted(
        &mut self,
        object: &Bound<'py, PyAny>,
        info: &TypeInfo,
    ) -> PyResult<Node> {
        let py = self.py;
        let Some(adapter) = &info.adapter else {
            return Ok(self.lose(self.current, &info.name, LossReason::OpaqueState));
        };
        let adapter = adapter.bind(py);
        let payload = adapter.call_method1(intern!(py, "save"), (object,))?;
        if payload.is(py.NotImplemented()) {
            return self.harmless(object, info); // this one is a thing of the process
        }
        if payload.is(py.Ellipsis()) {
            return Ok(self.lose(self.current, &info.name, LossReason::RunningIterator));
        }
        let class = self.class(&object.get_type())?;
        let payload = self.reach(&payload, Edge::Part("<state>"))?;
        let adapter = adapter.getattr(intern!(py, "name"))?.extract()?;
        Ok(Node::Adapted {
            adapter,
            class,
            payload,
        })
    }

    /// A generator of which it can be told where it stands; other iterators are lost.
    pub(super) fn running(
        &mut self,
        object: &Bound<'py, PyAny>,
        info: &TypeInfo,
    ) -> PyResult<Node> {
        let py = self.py;
        let running = types::adapters(py)?.getattr(intern!(py, "running"))?;
        let payload = running.call_method1(intern!(py, "save"), (object,))?;
        if payload.is_none() {
            return Ok(self.lose(self.current, &info.name, LossReason::RunningIterator));
        }
        let class = self.class(&object.get_type())?;
        let payload = self.reach(&payload, Edge::Part("<state>"))?;
        let adapter = "running".into();
        Ok(Node::Adapted {
            adapter,
            class,
            payload,
        })
    }

    /// Data attributes of a project class: what `Class.counter += 1` changes.
    pub(super) fn class_attributes(
        &mut self,
        class: &Bound<'py, PyType>,
        name: &str,
    ) -> PyResult<Attributes> {
        let wanted = types::adapters(self.py)?
            .call_method1(intern!(self.py, "class_attributes"), (class,))?;
        self.shared_attributes(&wanted, name)
    }

    /// Data attributes of a project module.
    pub(super) fn module_attributes(
        &mut self,
        name: &str,
        module: &Bound<'py, PyAny>,
    ) -> PyResult<Attributes> {
        let wanted = types::adapters(self.py)?
            .call_method1(intern!(self.py, "module_attributes"), (module,))?;
        self.shared_attributes(&wanted, name)
    }

    fn shared_attributes(
        &mut self,
        wanted: &Bound<'py, PyAny>,
        name: &str,
    ) -> PyResult<Attributes> {
        let mut attributes = Attributes::new();
        for (key, value) in wanted.cast::<PyDict>()?.iter() {
            let attribute = key.cast_into::<PyString>()?.to_string();
            self.current = NodeId(u32::MAX);
            let node = self.reach(&value, Edge::Root(format!("{name}.{attribute}")))?;
            attributes.push((attribute, node));
        }
        Ok(attributes)
    }

    /// By reference: what matters is the thing at the same place of the live program.
    pub(super) fn harmless(
        &mut self,
        object: &Bound<'py, PyAny>,
        info: &TypeInfo,
    ) -> PyResult<Node> {
        let py = self.py;
        let stream = types::adapters(py)?.call_method1(intern!(py, "sink"), (object,))?;
        if let Some((module, qualname)) = stream.extract::<Option<(String, String)>>()? {
            return Ok(Node::Named { module, qualname });
        }
        self.references += 1;
        Ok(Node::Opaque {
            class: info.name.clone(),
        })
    }
}

/// Two bound methods are the same callable.
fn same(found: &Bound<'_, PyAny>, object: &Bound<'_, PyAny>) -> bool {
    found.get_type().is(object.get_type()) && found.eq(object).unwrap_or(false)
}
