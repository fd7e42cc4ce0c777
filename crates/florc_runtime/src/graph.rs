//! The state of a program at a cut point, as data.
//!
//! ```python
//! model = Net(); best = {"loss": 0.3}      # roots "model", "best"
//! state = [model.w, model.w]               # one tensor node, referenced twice
//! ```
//!
//! Objects are nodes of an arena, references are [`NodeId`]s, so that sharing and cycles are kept.
//! Memory of tensors and arrays is outside of the nodes, in storages that nodes view.
//! Knows nothing of Python: who builds a graph decides what an object looks like, who reads one
//! decides how it is put back.

use serde::{Deserialize, Serialize};

use florc_manifest::MissingState;

use crate::slab::Buffers;

/// A node of [`Graph::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeId(pub u32);

impl NodeId {
    /// Position in [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A storage of [`Graph::storages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StorageId(pub u32);

impl StorageId {
    /// Position in [`Graph::storages`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// blake3 of the raw bytes of a chunk.
pub type ChunkId = [u8; 32];

/// Named parts of an object. Order is that of the live object and does not count for equality.
pub type Attributes = Vec<(String, NodeId)>;

/// Everything that was reached from the roots of a cut point.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// Objects; references are positions here.
    pub nodes: Vec<Node>,
    /// Memory that arrays and tensors view.
    pub storages: Vec<StorageInfo>,
    /// Variables by name. A root that was unbound, or is absent, has no entry.
    pub roots: Vec<(String, NodeId)>,
    /// State that no variable names: `random`, `numpy.random`, `torch.cpu`, `torch.cuda.0` …
    pub hidden: Vec<(String, NodeId)>,
    /// State that the walk met and could not take.
    pub missing: Vec<MissingState>,
}

/// A piece of memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageInfo {
    /// Number of captured bytes.
    pub bytes: u64,
    /// Offset in the live storage of the first captured byte.
    pub start: u64,
    /// `cpu`, `cuda:0`.
    pub device: String,
    /// Bytes of one element, 1 where unknown: a hint for compression.
    pub element: u8,
    /// The bytes.
    pub content: Content,
}

/// Where the bytes of a storage are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// In the buffer of the [`Snapshot`] with the same position; never on disk.
    Buffer,
    /// Here: at most [`INLINE_LIMIT`] bytes.
    Inline(Vec<u8>),
    /// In chunks of [`CHUNK_BYTES`], the last one shorter.
    Chunks(Vec<ChunkId>),
}

/// Storages up to this size are kept inside the graph.
pub const INLINE_LIMIT: usize = 4096;

/// Size of a chunk. Deduplication only ever finds whole tensors, so chunks are big.
pub const CHUNK_BYTES: usize = 1 << 20;

/// An object. `class: None` means exactly the built-in type; a class is a [`Node::Named`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Node {
    /// `None`.
    None,
    /// `True`, `False`.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// Another integer, in decimal digits.
    BigInt(String),
    /// Bits of a double.
    Float(u64),
    /// Bits of both parts.
    Complex(u64, u64),
    /// Text.
    Str(String),
    /// Text with lone surrogates, encoded by `surrogatepass`.
    RawStr(Vec<u8>),
    /// `bytes`.
    Bytes(Vec<u8>),
    /// `...`.
    Ellipsis,
    /// `NotImplemented`.
    NotImplemented,
    /// A class, function, module, enum member or built-in: looked up, never copied. A module has
    /// an empty `qualname`.
    Named {
        /// Module that holds it.
        module: String,
        /// Dotted path inside the module.
        qualname: String,
    },
    /// `range(start, stop, step)`.
    Range {
        /// Three integer nodes.
        bounds: [NodeId; 3],
    },
    /// `slice(start, stop, step)`.
    Slice {
        /// Three nodes.
        bounds: [NodeId; 3],
    },
    /// A list.
    List {
        /// Subclass.
        class: Option<NodeId>,
        /// Elements.
        items: Vec<NodeId>,
        /// `__dict__` of a subclass.
        attributes: Attributes,
    },
    /// A tuple or named tuple.
    Tuple {
        /// Subclass.
        class: Option<NodeId>,
        /// Elements.
        items: Vec<NodeId>,
    },
    /// A dictionary, in insertion order.
    Dict {
        /// Subclass: `OrderedDict`, `defaultdict`, `Counter` …
        class: Option<NodeId>,
        /// Keys and values.
        items: Vec<(NodeId, NodeId)>,
        /// `__dict__` of a subclass.
        attributes: Attributes,
        /// `default_factory` of a `defaultdict`.
        extra: Option<NodeId>,
    },
    /// A set; its order does not count for equality.
    Set {
        /// Subclass.
        class: Option<NodeId>,
        /// `frozenset`.
        frozen: bool,
        /// Elements.
        items: Vec<NodeId>,
        /// `__dict__` of a subclass.
        attributes: Attributes,
    },
    /// `collections.deque`.
    Deque {
        /// Subclass.
        class: Option<NodeId>,
        /// Elements.
        items: Vec<NodeId>,
        /// Bound.
        maxlen: Option<u64>,
        /// `__dict__` of a subclass.
        attributes: Attributes,
    },
    /// `bytearray`.
    ByteArray(Vec<u8>),
    /// An instance of a Python class.
    Object {
        /// Its class.
        class: NodeId,
        /// `__dict__`.
        attributes: Attributes,
        /// Filled `__slots__`.
        slots: Attributes,
        /// State that an adapter took besides.
        payload: Option<NodeId>,
    },
    /// Mutable data attributes of a class of the project.
    ClassState {
        /// The class, looked up.
        class: NodeId,
        /// Data attributes.
        attributes: Attributes,
    },
    /// Mutable data of a module of the project.
    ModuleState {
        /// Its name.
        module: String,
        /// Globals.
        attributes: Attributes,
    },
    /// A function that cannot be looked up by name: a closure, a lambda.
    Function {
        /// `__module__`.
        module: String,
        /// `__qualname__`.
        qualname: String,
        /// Name of its code object.
        code_name: String,
        /// Cells of the closure.
        cells: Vec<Option<NodeId>>,
        /// `__defaults__`.
        defaults: Option<NodeId>,
        /// `__kwdefaults__`.
        keyword_defaults: Option<NodeId>,
        /// `__dict__`.
        attributes: Attributes,
    },
    /// A bound method; it has no identity of its own.
    Method {
        /// `__self__`.
        receiver: NodeId,
        /// Name of the function.
        name: String,
    },
    /// A closure cell.
    Cell(Option<NodeId>),
    /// `functools.partial`.
    Partial {
        /// Subclass.
        class: Option<NodeId>,
        /// The callable.
        function: NodeId,
        /// Positional arguments, a tuple.
        arguments: NodeId,
        /// Keyword arguments, a dict.
        keywords: NodeId,
        /// `__dict__`.
        attributes: Attributes,
    },
    /// A weak reference; `None` when its target is gone.
    WeakRef(Option<NodeId>),
    /// A NumPy array or scalar over memory.
    Array {
        /// Subclass, or the scalar type.
        class: Option<NodeId>,
        /// `dtype.str`: `<f8`.
        dtype: String,
        /// Elements per dimension.
        shape: Vec<u64>,
        /// Bytes per step and dimension.
        strides: Vec<i64>,
        /// Its memory.
        storage: StorageId,
        /// Bytes from the start of the captured bytes to the first element.
        offset: u64,
        /// May be written.
        writeable: bool,
        /// `__dict__` of a subclass.
        attributes: Attributes,
    },
    /// A NumPy array of objects, in C order.
    ObjectArray {
        /// Subclass.
        class: Option<NodeId>,
        /// Elements per dimension.
        shape: Vec<u64>,
        /// Elements.
        items: Vec<NodeId>,
    },
    /// A torch tensor.
    Tensor {
        /// `torch.Tensor`, `torch.nn.Parameter` or another subclass.
        class: NodeId,
        /// `float32`, as in `torch.float32`.
        dtype: String,
        /// Elements per dimension.
        shape: Vec<u64>,
        /// Elements per step and dimension.
        strides: Vec<i64>,
        /// Elements from the start of the *captured bytes* to the first element.
        offset: u64,
        /// Its memory.
        storage: StorageId,
        /// `cpu`, `cuda:0`.
        device: String,
        /// `requires_grad`.
        requires_grad: bool,
        /// `is_leaf`.
        is_leaf: bool,
        /// `.grad`.
        grad: Option<NodeId>,
        /// Name of the autograd node that made it. It cannot be restored.
        grad_fn: Option<String>,
        /// `__dict__`.
        attributes: Attributes,
    },
    /// An object whose state an adapter turned into plain data.
    Adapted {
        /// Which adapter: `numpy.Generator`, `torch.Generator`.
        adapter: String,
        /// Its class.
        class: NodeId,
        /// The data.
        payload: NodeId,
    },
    /// An object whose state could not be taken: see [`Graph::missing`].
    Opaque {
        /// Python type.
        class: String,
    },
}

/// A graph whose storages are still in memory: what a cut point hands to the writer.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Its storages have [`Content::Buffer`].
    pub graph: Graph,
    /// One per storage, as long as [`StorageInfo::bytes`].
    pub buffers: Buffers,
}

impl Graph {
    /// Adds a node.
    pub fn push(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        id
    }

    /// The node of an id.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.index())
    }

    /// The node of a root.
    pub fn root(&self, name: &str) -> Option<NodeId> {
        self.roots
            .iter()
            .find(|(root, _)| root == name)
            .map(|(_, node)| *node)
    }

    /// Bytes of all storages.
    pub fn raw_bytes(&self) -> u64 {
        self.storages.iter().map(|storage| storage.bytes).sum()
    }
}
