//! One view of all kinds of nodes: facts, labelled references, memory.
//!
//! ```python
//! model.conv1.weight      # references "model" -> attribute "conv1" -> attribute "weight"
//! ```
//!
//! Hashing, comparing and checking a graph go through here, so that a new kind of node is spelled
//! out once. Facts that differ between equal states (autograd history) are left out. Does not
//! follow references.

use crate::graph::{Attributes, Graph, Node, NodeId, StorageId};

/// How a reference is written in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label<'a> {
    /// `.name`.
    Attribute(&'a str),
    /// `[3]`.
    Item(usize),
    /// Key of the n-th entry.
    Key(usize),
    /// Value of the n-th entry.
    Value(usize),
    /// Anything else that belongs to the object.
    Field(&'static str),
}

/// A node, taken apart.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    /// Kind of node, then all of its content that is not a reference, encoded.
    pub(crate) facts: Vec<u8>,
    /// References; attributes are sorted by name.
    pub(crate) children: Vec<(Label<'a>, NodeId)>,
    /// Memory that it views.
    pub(crate) storage: Option<StorageId>,
    /// The order of [`Label::Item`]s means nothing.
    pub(crate) unordered: bool,
    /// Immutable as such: which references share it means nothing, as long as what it refers to
    /// is of this kind too.
    pub(crate) is_value: bool,
}

impl<'a> Parts<'a> {
    fn new(kind: u8, is_value: bool) -> Self {
        Self {
            facts: vec![kind],
            children: Vec::new(),
            storage: None,
            unordered: false,
            is_value,
        }
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.facts
            .extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.facts.extend_from_slice(bytes);
        self
    }

    fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    fn number(mut self, number: u64) -> Self {
        self.facts.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn field(mut self, name: &'static str, node: Option<NodeId>) -> Self {
        self.facts.push(u8::from(node.is_some()));
        self.children
            .extend(node.map(|node| (Label::Field(name), node)));
        self
    }

    fn items(mut self, items: &[NodeId]) -> Self {
        let labelled = items
            .iter()
            .enumerate()
            .map(|(at, node)| (Label::Item(at), *node));
        self.children.extend(labelled);
        self.number(items.len() as u64)
    }

    fn entries(mut self, items: &[(NodeId, NodeId)]) -> Self {
        for (at, (key, value)) in items.iter().enumerate() {
            self.children.push((Label::Key(at), *key));
            self.children.push((Label::Value(at), *value));
        }
        self.number(items.len() as u64)
    }

    fn attributes(mut self, attributes: &'a Attributes) -> Self {
        let mut sorted: Vec<_> = attributes.iter().collect();
        sorted.sort();
        self = self.number(sorted.len() as u64);
        for (name, node) in sorted {
            self = self.text(name);
            self.children.push((Label::Attribute(name), *node));
        }
        self
    }

    fn sizes(mut self, sizes: &[u64]) -> Self {
        self = self.number(sizes.len() as u64);
        sizes.iter().fold(self, |parts, size| parts.number(*size))
    }

    fn steps(mut self, steps: &[i64]) -> Self {
        self = self.number(steps.len() as u64);
        steps
            .iter()
            .fold(self, |parts, step| parts.number(step.cast_unsigned()))
    }
}

impl Node {
    /// Takes the node apart.
    pub(crate) fn parts(&self) -> Parts<'_> {
        match self {
            Self::None => Parts::new(0, true),
            Self::Bool(value) => Parts::new(1, true).number(u64::from(*value)),
            Self::Int(value) => Parts::new(2, true).number(value.cast_unsigned()),
            Self::BigInt(digits) => Parts::new(3, true).text(digits),
            Self::Float(bits) => Parts::new(4, true).number(*bits),
            Self::Complex(real, imaginary) => Parts::new(5, true).number(*real).number(*imaginary),
            Self::Str(text) => Parts::new(6, true).text(text),
            Self::RawStr(bytes) => Parts::new(7, true).bytes(bytes),
            Self::Bytes(bytes) => Parts::new(8, true).bytes(bytes),
            Self::Ellipsis => Parts::new(9, true),
            Self::NotImplemented => Parts::new(10, true),
            Self::Named { module, qualname } => Parts::new(11, true).text(module).text(qualname),
            Self::Range { bounds } => Parts::new(12, true).items(bounds),
            Self::Slice { bounds } => Parts::new(13, true).items(bounds),
            Self::ByteArray(bytes) => Parts::new(14, false).bytes(bytes),
            Self::Opaque { class } => Parts::new(15, false).text(class),
            Self::Cell(content) => Parts::new(16, false).field("cell_contents", *content),
            Self::WeakRef(target) => Parts::new(17, false).field("target", *target),
            Self::Method { receiver, name } => Parts::new(18, false)
                .text(name)
                .field("__self__", Some(*receiver)),
            Self::List { .. }
            | Self::Tuple { .. }
            | Self::Dict { .. }
            | Self::Set { .. }
            | Self::Deque { .. } => self.container_parts(),
            Self::Object { .. }
            | Self::ClassState { .. }
            | Self::ModuleState { .. }
            | Self::Function { .. }
            | Self::Partial { .. }
            | Self::Adapted { .. } => self.object_parts(),
            Self::Array { .. } | Self::ObjectArray { .. } | Self::Tensor { .. } => {
                self.memory_parts()
            }
        }
    }

    fn container_parts(&self) -> Parts<'_> {
        match self {
            Self::List {
                class,
                items,
                attributes,
            } => Parts::new(20, false)
                .field("class", *class)
                .items(items)
                .attributes(attributes),
            Self::Tuple { class, items } => {
                Parts::new(21, true).field("class", *class).items(items)
            }
            Self::Dict {
                class,
                items,
                attributes,
                extra,
            } => Parts::new(22, false)
                .field("class", *class)
                .field("default_factory", *extra)
                .entries(items)
                .attributes(attributes),
            Self::Set {
                class,
                frozen,
                items,
                attributes,
            } => {
                let is_value = *frozen && attributes.is_empty();
                let mut parts = Parts::new(23, is_value)
                    .number(u64::from(*frozen))
                    .field("class", *class)
                    .items(items)
                    .attributes(attributes);
                parts.unordered = true;
                parts
            }
            Self::Deque {
                class,
                items,
                maxlen,
                attributes,
            } => Parts::new(24, false)
                .field("class", *class)
                .number(maxlen.map_or(u64::MAX, |bound| bound))
                .items(items)
                .attributes(attributes),
            _ => Parts::new(u8::MAX, false),
        }
    }

    fn object_parts(&self) -> Parts<'_> {
        match self {
            Self::Object {
                class,
                attributes,
                slots,
                payload,
            } => Parts::new(30, false)
                .field("class", Some(*class))
                .attributes(attributes)
                .attributes(slots)
                .field("state", *payload),
            Self::ClassState { class, attributes } => Parts::new(31, false)
                .field("class", Some(*class))
                .attributes(attributes),
            Self::ModuleState { module, attributes } => {
                Parts::new(32, false).text(module).attributes(attributes)
            }
            Self::Function { .. } => self.function_parts(),
            Self::Partial {
                class,
                function,
                arguments,
                keywords,
                attributes,
            } => Parts::new(34, false)
                .field("class", *class)
                .field("func", Some(*function))
                .field("args", Some(*arguments))
                .field("keywords", Some(*keywords))
                .attributes(attributes),
            Self::Adapted {
                adapter,
                class,
                payload,
            } => Parts::new(35, false)
                .text(adapter)
                .field("class", Some(*class))
                .field("state", Some(*payload)),
            _ => Parts::new(u8::MAX, false),
        }
    }

    fn function_parts(&self) -> Parts<'_> {
        match self {
            Self::Function {
                module,
                qualname,
                code_name,
                cells,
                defaults,
                keyword_defaults,
                attributes,
            } => {
                let parts = Parts::new(33, false)
                    .text(module)
                    .text(qualname)
                    .text(code_name);
                cells
                    .iter()
                    .fold(parts.number(cells.len() as u64), |parts, cell| {
                        parts.field("__closure__", *cell)
                    })
                    .field("__defaults__", *defaults)
                    .field("__kwdefaults__", *keyword_defaults)
                    .attributes(attributes)
            }
            _ => Parts::new(u8::MAX, false),
        }
    }

    fn memory_parts(&self) -> Parts<'_> {
        match self {
            Self::Array {
                class,
                dtype,
                shape,
                strides,
                storage,
                offset,
                writeable,
                attributes,
            } => {
                let mut parts = Parts::new(40, false)
                    .field("class", *class)
                    .text(dtype)
                    .sizes(shape)
                    .steps(strides)
                    .number(*offset)
                    .number(u64::from(*writeable))
                    .attributes(attributes);
                parts.storage = Some(*storage);
                parts
            }
            Self::ObjectArray {
                class,
                shape,
                items,
            } => Parts::new(41, false)
                .field("class", *class)
                .sizes(shape)
                .items(items),
            Self::Tensor {
                class,
                dtype,
                shape,
                strides,
                offset,
                storage,
                device,
                requires_grad,
                is_leaf,
                grad,
                grad_fn: _,
                attributes,
            } => {
                let mut parts = Parts::new(42, false)
                    .field("class", Some(*class))
                    .text(dtype)
                    .sizes(shape)
                    .steps(strides)
                    .number(*offset)
                    .text(device)
                    .number(u64::from(*requires_grad && *is_leaf))
                    .field("grad", *grad)
                    .attributes(attributes);
                parts.storage = Some(*storage);
                parts
            }
            _ => Parts::new(u8::MAX, false),
        }
    }
}

impl Graph {
    /// Whether all references of the graph lead somewhere. Graphs from disk are checked once.
    pub(crate) fn is_whole(&self) -> bool {
        let exists = |id: &NodeId| id.index() < self.nodes.len();
        let named = self
            .roots
            .iter()
            .chain(&self.hidden)
            .all(|(_, node)| exists(node));
        named
            && self.nodes.iter().all(|node| {
                let parts = node.parts();
                parts.children.iter().all(|(_, child)| exists(child))
                    && parts
                        .storage
                        .is_none_or(|id| id.index() < self.storages.len())
            })
    }

    /// The graph without the roots that `keep` does not want. Nodes stay where they are.
    pub(crate) fn retain_roots(&mut self, keep: impl Fn(&str) -> bool) {
        self.roots.retain(|(name, _)| keep(name));
    }
}
