//! From live objects to a graph: walk everything first, copy memory after.
//!
//! ```python
//! a = [1]; b = (a, a)      # before: two variables
//! # after: roots a -> #0 list, b -> #2 tuple(#0, #0)
//! ```
//!
//! The walk is a work list, never recursion, and changes nothing. It does not decide which roots
//! are walked and writes nothing to disk.

mod containers;
mod functions;
mod tensors;
mod views;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::rc::Rc;

use florc_manifest::{LossReason, MissingState};
use florc_runtime::{Attributes, BufferPool, Graph, Later, Node, NodeId, Snapshot};
use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};

use crate::device::Aside;
use crate::hidden;
use crate::types::{self, Kind, TypeInfo};
use tensors::Frameworks;
use views::{Memory, Views};

/// How a child hangs on its parent.
#[derive(Clone)]
enum Edge<'py> {
    Root(String),
    Attribute(Bound<'py, PyString>),
    Item(usize),
    Key(Bound<'py, PyAny>),
    Part(&'static str),
}

/// What the walk may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes that a root which is not live may add.
    pub small_bytes: u64,
    /// Roots that are not live: captured for future probes only, and only while they are small
    /// and complete.
    pub optional: BTreeSet<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            small_bytes: 64 << 10,
            optional: BTreeSet::new(),
        }
    }
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Captured {
    /// The graph and its memory.
    pub snapshot: Snapshot,
    /// Brings the bytes that the memory does not have yet.
    pub later: Option<Later>,
    /// Optional roots that are not in it.
    pub absent: Vec<MissingState>,
    /// Nodes before this one belong to live roots and hidden state.
    pub live_nodes: usize,
}

/// The walk in progress.
pub(crate) struct Walker<'py> {
    pub(crate) py: Python<'py>,
    graph: Graph,
    /// Objects by node, kept alive so that addresses stay unique.
    objects: Vec<Bound<'py, PyAny>>,
    origins: Vec<(NodeId, Edge<'py>)>,
    by_address: HashMap<usize, NodeId>,
    scalars: HashMap<ScalarKey, NodeId>,
    classes: HashMap<usize, NodeId>,
    infos: HashMap<usize, Rc<TypeInfo>>,
    pending: VecDeque<(NodeId, Rc<TypeInfo>)>,
    /// Project classes whose attributes are state.
    class_states: Vec<(Bound<'py, PyType>, NodeId)>,
    modules_seen: HashSet<String>,
    module_states: Vec<(String, Bound<'py, PyAny>)>,
    views: Views<'py>,
    frameworks: Frameworks<'py>,
    /// Bytes of scalars so far, for the limit of optional roots.
    weight: u64,
    /// Things met that are kept by reference.
    references: usize,
    current: NodeId,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum ScalarKey {
    None,
    Bool(bool),
    Int(i64),
    BigInt(String),
    Float(u64),
    Complex(u64, u64),
    Str(String),
    RawStr(Vec<u8>),
    Bytes(Vec<u8>),
    Ellipsis,
    NotImplemented,
    Named(String, String),
}

/// A point to return to when an optional root turns out too large.
struct Mark {
    nodes: usize,
    views: usize,
    missing: usize,
    weight: u64,
}

/// A state of which everything is known but the bytes of its memory.
pub struct Walked<'py> {
    graph: Graph,
    memory: Memory<'py>,
    absent: Vec<MissingState>,
    live_nodes: usize,
}

impl Walked<'_> {
    /// Bytes to copy.
    pub fn bytes(&self) -> u64 {
        self.graph.raw_bytes()
    }

    /// Copies the memory, all of it.
    pub fn copy(self, pool: &BufferPool) -> PyResult<Captured> {
        self.copied(pool, Aside::No)
    }

    /// Copies the memory. That of devices may be on its way still.
    pub fn begin_copy(self, pool: &BufferPool) -> PyResult<Captured> {
        self.copied(pool, Aside::Yes)
    }

    fn copied(self, pool: &BufferPool, aside: Aside) -> PyResult<Captured> {
        let (buffers, later) = self.memory.copy(pool, aside)?;
        let graph = self.graph;
        Ok(Captured {
            snapshot: Snapshot { graph, buffers },
            later,
            absent: self.absent,
            live_nodes: self.live_nodes,
        })
    }
}

/// Walks `roots` and the hidden state of the process.
pub(crate) fn walk<'py>(
    py: Python<'py>,
    roots: &[(String, Option<Bound<'py, PyAny>>)],
    limits: &Limits,
    with_hidden: bool,
) -> PyResult<Walked<'py>> {
    let mut walker = Walker::new(py)?;
    let mut optional = Vec::new();
    for (name, value) in roots {
        let Some(value) = value else { continue };
        if limits.optional.contains(name) {
            optional.push((name, value));
        } else {
            let node = walker.root(name, value)?;
            walker.graph.roots.push((name.clone(), node));
        }
    }
    walker.drain(u64::MAX)?;
    walker.hidden_state(with_hidden)?;
    let live_nodes = walker.graph.nodes.len();
    walker.views.close_live();
    let mut absent = Vec::new();
    for (name, value) in optional {
        walker.optional_root(name, value, limits.small_bytes, &mut absent)?;
    }
    let order: HashMap<&str, usize> = roots
        .iter()
        .enumerate()
        .map(|(index, (name, _))| (name.as_str(), index))
        .collect();
    walker
        .graph
        .roots
        .sort_by_key(|(name, _)| order.get(name.as_str()).copied());
    let (graph, memory) = walker.finish();
    Ok(Walked {
        graph,
        memory,
        absent,
        live_nodes,
    })
}

impl<'py> Walker<'py> {
    fn new(py: Python<'py>) -> PyResult<Self> {
        Ok(Self {
            py,
            graph: Graph::default(),
            objects: Vec::new(),
            origins: Vec::new(),
            by_address: HashMap::new(),
            scalars: HashMap::new(),
            classes: HashMap::new(),
            infos: HashMap::new(),
            pending: VecDeque::new(),
            class_states: Vec::new(),
            modules_seen: HashSet::new(),
            module_states: Vec::new(),
            views: Views::default(),
            frameworks: Frameworks::new(py)?,
            weight: 0,
            references: 0,
            current: NodeId(0),
        })
    }

    fn root(&mut self, name: &str, value: &Bound<'py, PyAny>) -> PyResult<NodeId> {
        self.current = NodeId(u32::MAX);
        self.reach(value, Edge::Root(name.to_owned()))
    }

    fn optional_root(
        &mut self,
        name: &str,
        value: &Bound<'py, PyAny>,
        small: u64,
        absent: &mut Vec<MissingState>,
    ) -> PyResult<()> {
        let mark = Mark {
            nodes: self.graph.nodes.len(),
            views: self.views.len(),
            missing: self.graph.missing.len(),
            weight: self.weight,
        };
        let references = self.references;
        let node = self.root(name, value)?;
        let complete = self.drain(self.weight.saturating_add(small))?;
        let lost = self.graph.missing.get(mark.missing).cloned();
        let lost = lost.map(|missing| missing.reason);
        // a sink that the loop opened is not there when the program is started again
        let referred = (self.references > references).then_some(LossReason::OpaqueState);
        let lost = lost.or(referred);
        if complete && lost.is_none() {
            self.graph.roots.push((name.to_owned(), node));
            return Ok(());
        }
        absent.push(MissingState {
            path: name.to_owned(),
            type_name: self.info(value)?.name.clone(),
            reason: lost.unwrap_or(LossReason::TooLarge),
        });
        self.roll_back(&mark);
        Ok(())
    }

    fn roll_back(&mut self, mark: &Mark) {
        self.pending.clear();
        self.graph.nodes.truncate(mark.nodes);
        self.graph.missing.truncate(mark.missing);
        self.objects.truncate(mark.nodes);
        self.origins.truncate(mark.nodes);
        self.views.truncate(mark.views);
        self.weight = mark.weight;
        let keep = |node: &NodeId| node.index() < mark.nodes;
        self.by_address.retain(|_, node| keep(node));
        self.scalars.retain(|_, node| keep(node));
        self.classes.retain(|_, node| keep(node));
    }

    /// Fills pending nodes until none is left; `false` when `limit` was passed before.
    fn drain(&mut self, limit: u64) -> PyResult<bool> {
        while let Some((node, info)) = self.pending.pop_front() {
            self.current = node;
            let object = self.objects[node.index()].clone();
            let filled = match self.visit(&object, &info) {
                Ok(filled) => filled,
                Err(error) if error.is_instance_of::<PyException>(self.py) => {
                    self.lose(node, &info.name, LossReason::ReadFailed)
                }
                Err(error) => return Err(error),
            };
            self.graph.nodes[node.index()] = filled;
            if self.weight > limit {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Node of an object: known, a scalar, or a new one that waits to be visited.
    fn reach(&mut self, object: &Bound<'py, PyAny>, edge: Edge<'py>) -> PyResult<NodeId> {
        if let Some(node) = self.by_address.get(&(object.as_ptr() as usize)) {
            return Ok(*node);
        }
        let info = self.info(object)?;
        if let Some(key) = containers::scalar(object, info.kind)? {
            return Ok(self.intern(key, object, edge));
        }
        let node = self.add(Node::None, object, edge);
        self.by_address.insert(object.as_ptr() as usize, node);
        self.weight += 32;
        self.pending.push_back((node, info));
        Ok(node)
    }

    fn add(&mut self, node: Node, object: &Bound<'py, PyAny>, edge: Edge<'py>) -> NodeId {
        let id = self.graph.push(node);
        self.objects.push(object.clone());
        self.origins.push((self.current, edge));
        id
    }

    fn intern(&mut self, key: ScalarKey, object: &Bound<'py, PyAny>, edge: Edge<'py>) -> NodeId {
        if let Some(node) = self.scalars.get(&key) {
            return *node;
        }
        self.weight += containers::scalar_weight(&key);
        let id = self.add(containers::scalar_node(&key), object, edge);
        self.scalars.insert(key, id);
        id
    }

    fn info(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Rc<TypeInfo>> {
        let key = object.get_type_ptr() as usize;
        if let Some(info) = self.infos.get(&key) {
            return Ok(Rc::clone(info));
        }
        let info = types::info_of(object)?;
        self.infos.insert(key, Rc::clone(&info));
        Ok(info)
    }

    /// The node of a class, looked up by name when restored.
    fn class(&mut self, class: &Bound<'py, PyType>) -> PyResult<NodeId> {
        if let Some(node) = self.classes.get(&(class.as_ptr() as usize)) {
            return Ok(*node);
        }
        let py = self.py;
        let module = class
            .getattr(intern!(py, "__module__"))?
            .extract()
            .unwrap_or_default();
        let qualname = class
            .getattr(intern!(py, "__qualname__"))?
            .extract()
            .unwrap_or_default();
        let key = ScalarKey::Named(module, qualname);
        let node = self.intern(key, class.as_any(), Edge::Part("__class__"));
        self.classes.insert(class.as_ptr() as usize, node);
        if types::info_of_class(class)?.is_project {
            self.class_states.push((class.clone(), node));
        }
        Ok(node)
    }

    fn attributes(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Attributes> {
        let dict = object.getattr(intern!(self.py, "__dict__"))?;
        let Ok(dict) = dict.cast_into::<PyDict>() else {
            return Ok(Attributes::new());
        };
        self.named_items(&dict)
    }

    fn named_items(&mut self, dict: &Bound<'py, PyDict>) -> PyResult<Attributes> {
        let items: Vec<_> = dict.iter().collect();
        let mut attributes = Attributes::with_capacity(items.len());
        for (name, value) in items {
            let name = name.cast_into::<PyString>()?;
            let text = name.to_cow()?.into_owned();
            if types::is_of_the_process(&text) {
                continue;
            }
            attributes.push((text, self.reach(&value, Edge::Attribute(name))?));
        }
        Ok(attributes)
    }

    fn slots(&mut self, object: &Bound<'py, PyAny>, info: &TypeInfo) -> PyResult<Attributes> {
        let mut filled = Attributes::new();
        for slot in &info.slots {
            let descriptor = slot.descriptor.bind(self.py);
            let read = descriptor.call_method1(intern!(self.py, "__get__"), (object,));
            let Ok(value) = read else { continue };
            let name = PyString::new(self.py, &slot.name);
            filled.push((
                slot.name.clone(),
                self.reach(&value, Edge::Attribute(name))?,
            ));
        }
        Ok(filled)
    }

    fn lose(&mut self, node: NodeId, class: &str, reason: LossReason) -> Node {
        let path = self.path(node);
        self.graph.missing.push(MissingState {
            path,
            type_name: class.to_owned(),
            reason,
        });
        Node::Opaque {
            class: class.to_owned(),
        }
    }

    fn hidden_state(&mut self, wanted: bool) -> PyResult<()> {
        if wanted {
            for (name, value) in hidden::read(self.py)? {
                let node = self.root(&name, &value)?;
                self.graph.hidden.push((name, node));
            }
            self.drain(u64::MAX)?;
        }
        self.shared_states()
    }

    /// Attributes of project classes and modules that the walk met.
    fn shared_states(&mut self) -> PyResult<()> {
        let mut next_class = 0;
        while next_class < self.class_states.len() || !self.module_states.is_empty() {
            if let Some((module, object)) = self.module_states.pop() {
                let attributes = self.module_attributes(&module, &object)?;
                let state = Node::ModuleState {
                    module: module.clone(),
                    attributes,
                };
                let node = self.add(state, &object, Edge::Root(module.clone()));
                self.graph.hidden.push((format!("module {module}"), node));
            } else {
                let (class, named) = self.class_states[next_class].clone();
                next_class += 1;
                let name = types::class_name(&class);
                let attributes = self.class_attributes(&class, &name)?;
                if !attributes.is_empty() {
                    let state = Node::ClassState {
                        class: named,
                        attributes,
                    };
                    let node = self.add(state, class.as_any(), Edge::Root(name.clone()));
                    self.graph.hidden.push((format!("class {name}"), node));
                }
            }
            self.drain(u64::MAX)?;
        }
        self.graph.hidden.sort();
        Ok(())
    }

    /// Path of a node from its root: `trainer.env._backend`.
    fn path(&self, node: NodeId) -> String {
        let mut parts = Vec::new();
        let mut current = node;
        while let Some((parent, edge)) = self.origins.get(current.index()) {
            parts.push(match edge {
                Edge::Root(name) => name.clone(),
                Edge::Attribute(name) => format!(".{name}"),
                Edge::Item(index) => format!("[{index}]"),
                Edge::Key(key) => key.repr().map_or("[…]".into(), |text| shortened(&text)),
                Edge::Part(name) => format!(".{name}"),
            });
            if matches!(edge, Edge::Root(_)) || parts.len() > 64 {
                break;
            }
            current = *parent;
        }
        parts.reverse();
        parts.concat()
    }

    fn visit(&mut self, object: &Bound<'py, PyAny>, info: &TypeInfo) -> PyResult<Node> {
        match info.kind {
            Kind::Tensor => self.tensor(object, info),
            Kind::Array => self.array(object, info),
            Kind::Class => self.class_value(object),
            Kind::Module => self.module_value(object),
            Kind::Function => self.function(object),
            Kind::Builtin => self.builtin(object, info),
            Kind::Method => self.method(object),
            Kind::Cell => self.cell(object),
            Kind::WeakRef => self.weak_reference(object),
            Kind::EnumMember => self.enum_member(object),
            Kind::Singleton => self.singleton(object, info),
            Kind::Adapted => self.adapted(object, info),
            Kind::Harmless => self.harmless(object, info),
            Kind::Iterator => self.running(object, info),
            Kind::Opaque => Ok(self.lose(self.current, &info.name, LossReason::OpaqueState)),
            _ => self.container(object, info),
        }
    }

    fn finish(mut self) -> (Graph, Memory<'py>) {
        let views = std::mem::take(&mut self.views);
        let placed = views.place(self.py, &mut self.graph);
        for (node, class) in placed.refused {
            self.graph.nodes[node.index()] = self.lose(node, &class, LossReason::OpaqueState);
        }
        (self.graph, placed.memory)
    }
}

fn shortened(text: &Bound<'_, PyString>) -> String {
    let text = text.to_string();
    let short: String = text.chars().take(40).collect();
    format!("[{short}]")
}
