//! The first difference between two states, for people.
//!
//! ```text
//! model.conv1.weight: 12 of 288 elements differ, by at most 3 ULP
//! ```
//!
//! Both graphs are walked in lockstep from their roots, breadth first, so that what is told is as
//! near to a variable as possible. Whether states are equal is the business of
//! [`crate::state_hash`]; this only finds where they are not, and may find nothing (order inside
//! of sets of objects).

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use crate::elements::{compare_elements, ulps_between};
use crate::graph::{Graph, Node, NodeId, StorageId};
use crate::parts::{Label, Parts};
use crate::seal::StorageRead;
use crate::state_hash::value_hashes;

/// Where and how two states differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// `model.conv1.weight`.
    pub(crate) path: String,
    /// `12 of 288 elements differ, by at most 3 ULP`.
    pub(crate) detail: String,
    /// Representable numbers between the values, at most, where these are floats.
    pub(crate) ulps: Option<u64>,
}

impl Difference {
    fn new(path: String, detail: impl Into<String>) -> Self {
        Self {
            path,
            detail: detail.into(),
            ulps: None,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.detail)
    }
}

/// A state with its memory.
#[derive(Clone, Copy)]
pub(crate) struct State<'a> {
    /// Objects.
    pub(crate) graph: &'a Graph,
    /// Bytes of its storages.
    pub(crate) chunks: &'a dyn StorageRead,
}

/// Finds the first difference between what was recorded and what was found.
pub(crate) fn first_difference(recorded: State<'_>, found: State<'_>) -> Option<Difference> {
    let mut walk = Walk::new(recorded, found);
    let kinds = [
        (&recorded.graph.roots, &found.graph.roots),
        (&recorded.graph.hidden, &found.graph.hidden),
    ];
    for (recorded, found) in kinds {
        if let Some(difference) = walk.roots(recorded, found) {
            return Some(difference);
        }
    }
    while let Some(step) = walk.queue.pop_front() {
        if let Some(difference) = walk.compare(step) {
            let path = walk.path(step);
            return Some(Difference { path, ..difference });
        }
    }
    None
}

/// Random generators that are not in the recorded state, by their ways from variables; those of the
/// process by name. At most eight.
pub(crate) fn moved_generators(recorded: State<'_>, found: State<'_>) -> Vec<String> {
    let mut walk = Walk::new(recorded, found);
    let mut moved = Vec::new();
    for (name, node) in &recorded.graph.hidden {
        let now = found.graph.hidden.iter().find(|(other, _)| other == name);
        let is_moved = now.is_some_and(|(_, now)| !walk.has_equal_values(*node, *now));
        if is_moved && PROCESS_GENERATORS.iter().any(|it| name.starts_with(it)) {
            moved.push(name.clone());
        }
    }
    // what is bound on one side only says nothing of a generator
    let _ = walk.roots(&recorded.graph.roots, &found.graph.roots);
    while let Some(step) = walk.queue.pop_front() {
        if moved.len() < 8 && walk.follow(step) {
            moved.push(walk.path(step));
        }
    }
    moved
}

/// Hidden state that is a generator's.
const PROCESS_GENERATORS: [&str; 4] = ["numpy.random", "random", "torch.cpu", "torch.cuda."];

/// Adapters of generators that are objects.
const GENERATORS: [&str; 5] = [
    "numpy.BitGenerator",
    "numpy.Generator",
    "numpy.RandomState",
    "random.Random",
    "torch.Generator",
];

struct Walk<'a> {
    recorded: State<'a>,
    found: State<'a>,
    recorded_values: Vec<Option<[u8; 32]>>,
    found_values: Vec<Option<[u8; 32]>>,
    partners: BTreeMap<NodeId, NodeId>,
    reverse: BTreeMap<NodeId, NodeId>,
    steps: Vec<Step>,
    queue: VecDeque<usize>,
}

/// A reference from one pair of nodes to another.
struct Step {
    from: Option<usize>,
    text: String,
    recorded: NodeId,
    found: NodeId,
}

impl<'a> Walk<'a> {
    fn new(recorded: State<'a>, found: State<'a>) -> Self {
        Self {
            recorded,
            found,
            recorded_values: value_hashes(recorded.graph),
            found_values: value_hashes(found.graph),
            partners: BTreeMap::new(),
            reverse: BTreeMap::new(),
            steps: Vec::new(),
            queue: VecDeque::new(),
        }
    }
}

impl<'a> Walk<'a> {
    fn has_equal_values(&self, recorded: NodeId, found: NodeId) -> bool {
        let values = (
            self.recorded_values.get(recorded.index()),
            self.found_values.get(found.index()),
        );
        matches!(values, (Some(Some(recorded)), Some(Some(found))) if recorded == found)
    }

    /// Goes on to what a pair of nodes refers to; whether they are a generator in two states.
    fn follow(&mut self, step: usize) -> bool {
        let (recorded, found) = (self.steps[step].recorded, self.steps[step].found);
        if self.has_equal_values(recorded, found) || self.partners.insert(recorded, found).is_some()
        {
            return false;
        }
        let graphs = (self.recorded.graph, self.found.graph);
        let (Some(left), Some(right)) = (graphs.0.node(recorded), graphs.1.node(found)) else {
            return false;
        };
        if let Node::Adapted { adapter, .. } = left
            && GENERATORS.contains(&adapter.as_str())
        {
            return true;
        }
        let pairs = left
            .parts()
            .children
            .into_iter()
            .zip(right.parts().children);
        for ((label, recorded), (_, found)) in pairs {
            self.push(Some(step), self.label_text(left, label), recorded, found);
        }
        false
    }

    fn roots(
        &mut self,
        recorded: &[(String, NodeId)],
        found: &[(String, NodeId)],
    ) -> Option<Difference> {
        let recorded: BTreeMap<_, _> = recorded.iter().map(|(name, node)| (name, *node)).collect();
        let found: BTreeMap<_, _> = found.iter().map(|(name, node)| (name, *node)).collect();
        for name in recorded.keys().chain(found.keys()) {
            let detail = match (recorded.get(name), found.get(name)) {
                (Some(recorded), Some(found)) => {
                    self.push(None, (*name).clone(), *recorded, *found);
                    continue;
                }
                (Some(_), None) => "was recorded, is not bound now",
                (None, _) => "is bound now, was not recorded",
            };
            return Some(Difference::new((*name).clone(), detail));
        }
        None
    }

    fn push(&mut self, from: Option<usize>, text: String, recorded: NodeId, found: NodeId) {
        self.steps.push(Step {
            from,
            text,
            recorded,
            found,
        });
        self.queue.push_back(self.steps.len() - 1);
    }

    fn path(&self, step: usize) -> String {
        let mut texts = Vec::new();
        let mut at = Some(step);
        while let Some(step) = at {
            texts.push(self.steps[step].text.as_str());
            at = self.steps[step].from;
        }
        texts.reverse();
        let mut path = texts.concat();
        for table in ["._modules", "._parameters", "._buffers"] {
            path = path.replace(&format!("{table}["), "[");
        }
        plain_names(&path)
    }

    /// How two nodes differ; the path is left to the caller.
    fn compare(&mut self, step: usize) -> Option<Difference> {
        let other = |detail: String| Some(Difference::new(String::new(), detail));
        let (recorded, found) = (self.steps[step].recorded, self.steps[step].found);
        let values = (
            self.recorded_values.get(recorded.index())?,
            self.found_values.get(found.index())?,
        );
        match values {
            (Some(recorded), Some(found)) if recorded == found => return None,
            (None, None) => match (self.partners.get(&recorded), self.reverse.get(&found)) {
                (Some(partner), _) if *partner == found => return None,
                (None, None) => {
                    self.partners.insert(recorded, found);
                    self.reverse.insert(found, recorded);
                }
                (Some(_), _) | (None, Some(_)) => {
                    return other("is shared with another object than recorded".into());
                }
            },
            (Some(_), _) | (None, Some(_)) => {}
        }
        let (left, right) = (self.recorded.graph, self.found.graph);
        let (left, right) = (left.node(recorded)?, right.node(found)?);
        let (mut a, mut b) = (left.parts(), right.parts());
        if a.facts != b.facts || a.children.len() != b.children.len() {
            let detail = format!("recorded {}, found {}", describe(left), describe(right));
            return Some(match (left, right) {
                (Node::Float(a), Node::Float(b)) => by_ulps(&detail, *a, *b),
                _ => Difference::new(String::new(), detail),
            });
        }
        if a.unordered {
            return self.compare_sets(&a, &b).and_then(other);
        }
        let labels = std::mem::take(&mut a.children)
            .into_iter()
            .zip(std::mem::take(&mut b.children));
        for ((label, recorded), (_, found)) in labels {
            self.push(Some(step), self.label_text(left, label), recorded, found);
        }
        self.compare_memory(left, a.storage, b.storage)
    }

    fn compare_sets(&self, a: &Parts<'_>, b: &Parts<'_>) -> Option<String> {
        let hashes = |parts: &Parts<'_>, values: &[Option<[u8; 32]>]| {
            let of =
                |(_, child): &(Label<'_>, NodeId)| values.get(child.index()).copied().flatten();
            let mut hashes: Vec<_> = parts.children.iter().map(of).collect();
            hashes.sort_unstable();
            hashes
        };
        let is_equal = hashes(a, &self.recorded_values) == hashes(b, &self.found_values);
        (!is_equal).then(|| "has other elements than recorded".into())
    }

    fn compare_memory(
        &self,
        node: &Node,
        a: Option<StorageId>,
        b: Option<StorageId>,
    ) -> Option<Difference> {
        let (a, b) = (a?, b?);
        let differs = |(detail, ulps)| Difference {
            path: String::new(),
            detail,
            ulps,
        };
        let content = |graph: &Graph, id: StorageId| {
            graph
                .storages
                .get(id.index())
                .map(|info| info.content.clone())
        };
        if content(self.recorded.graph, a) == content(self.found.graph, b) {
            return None;
        }
        let read = |state: State<'a>, id| state.chunks.read_storage(state.graph, id);
        match (read(self.recorded, a), read(self.found, b)) {
            (Ok(a), Ok(b)) => compare_elements(node, &a, &b).map(differs),
            (Err(error), _) | (_, Err(error)) => {
                Some(differs((format!("has other content; {error}"), None)))
            }
        }
    }

    fn label_text(&self, node: &Node, label: Label<'_>) -> String {
        match label {
            Label::Item(at) => format!("[{at}]"),
            Label::Key(at) => format!(".keys()[{at}]"),
            Label::Field("state") => String::new(),
            Label::Attribute(name) | Label::Field(name) => format!(".{name}"),
            Label::Value(at) => match node {
                Node::Dict { items, .. } => match items
                    .get(at)
                    .and_then(|(key, _)| self.recorded.graph.node(*key))
                {
                    Some(key @ (Node::Str(_) | Node::Int(_))) => format!("[{}]", describe(key)),
                    Some(_) | None => format!(".values()[{at}]"),
                },
                _ => format!("[{at}]"),
            },
        }
    }
}

/// Two doubles, by their bits.
fn by_ulps(detail: &str, a: u64, b: u64) -> Difference {
    let ulps = ulps_between(f64::from_bits(a), f64::from_bits(b));
    Difference {
        path: String::new(),
        detail: format!("{detail}, {ulps} ULP apart"),
        ulps: Some(ulps),
    }
}

/// `model['conv1']['weight']` as `model.conv1.weight` where it is a name.
fn plain_names(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for (at, piece) in path.split("['").enumerate() {
        match piece.split_once("']") {
            Some((name, rest)) if at > 0 && is_identifier(name) => {
                out.push('.');
                out.push_str(name);
                out.push_str(rest);
            }
            Some(_) | None => {
                out.push_str(if at > 0 { "['" } else { "" });
                out.push_str(piece);
            }
        }
    }
    out
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn describe(node: &Node) -> String {
    match node {
        Node::None => "None".into(),
        Node::Bool(value) => if *value { "True" } else { "False" }.into(),
        Node::Int(value) => value.to_string(),
        Node::BigInt(digits) => digits.clone(),
        Node::Float(bits) => format!("{:?}", f64::from_bits(*bits)),
        Node::Complex(real, imaginary) => {
            format!(
                "({:?}, {:?})",
                f64::from_bits(*real),
                f64::from_bits(*imaginary)
            )
        }
        Node::Str(text) => format!("'{}'", text.chars().take(60).collect::<String>()),
        Node::RawStr(bytes) | Node::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Node::Ellipsis => "...".into(),
        Node::NotImplemented => "NotImplemented".into(),
        Node::Named { module, qualname } => format!("{module}.{qualname}"),
        Node::Range { .. } => "a range".into(),
        Node::Slice { .. } => "a slice".into(),
        Node::List { items, .. } => format!("a list of {}", items.len()),
        Node::Tuple { items, .. } => format!("a tuple of {}", items.len()),
        Node::Dict { items, .. } => format!("a dict of {}", items.len()),
        Node::Set { items, .. } => format!("a set of {}", items.len()),
        Node::Deque { items, .. } => format!("a deque of {}", items.len()),
        Node::ByteArray(bytes) => format!("a bytearray of {}", bytes.len()),
        Node::Object {
            attributes, slots, ..
        } => names("an object with", attributes, slots),
        Node::ClassState { attributes, .. } => names("a class with", attributes, &[]),
        Node::ModuleState { module, attributes } => {
            names(&format!("module {module} with"), attributes, &[])
        }
        Node::Function { qualname, .. } => format!("function {qualname}"),
        Node::Method { name, .. } => format!("method {name}"),
        Node::Cell(_) => "a closure cell".into(),
        Node::Partial { .. } => "a partial".into(),
        Node::WeakRef(_) => "a weak reference".into(),
        Node::Array { dtype, shape, .. } => format!("an array {dtype} {shape:?}"),
        Node::ObjectArray { shape, .. } => format!("an array of objects {shape:?}"),
        Node::Tensor {
            dtype,
            shape,
            device,
            ..
        } => format!("a tensor {dtype} {shape:?} on {device}"),
        Node::Adapted { adapter, .. } if adapter == "running" => "a generator that runs".to_owned(),
        Node::Adapted { adapter, .. } => format!("a {adapter}"),
        Node::Opaque { class } => format!("an object of {class}"),
    }
}

fn names(what: &str, attributes: &[(String, NodeId)], slots: &[(String, NodeId)]) -> String {
    let names: Vec<_> = attributes
        .iter()
        .chain(slots)
        .map(|(name, _)| name.as_str())
        .collect();
    format!("{what} {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Content, Snapshot, StorageInfo};
    use crate::seal::{Sealed, seal};

    const CLASS: NodeId = NodeId(0);

    /// `net.fc.weight` of two numbers, and a list that may be shared.
    fn state(weights: [f32; 2], is_shared: bool) -> Sealed {
        let bytes = weights
            .iter()
            .flat_map(|weight| weight.to_le_bytes())
            .collect();
        seal(Snapshot {
            graph: graph(is_shared),
            buffers: vec![bytes].into(),
        })
    }

    fn graph(is_shared: bool) -> Graph {
        let mut graph = Graph::default();
        let named = Node::Named {
            module: "train".into(),
            qualname: "Net".into(),
        };
        graph.push(named);
        let weight = graph.push(Node::Tensor {
            class: CLASS,
            dtype: "float32".into(),
            shape: vec![2],
            strides: vec![1],
            offset: 0,
            storage: StorageId(0),
            device: "cpu".into(),
            requires_grad: true,
            is_leaf: true,
            grad: None,
            grad_fn: None,
            attributes: vec![],
        });
        let key = graph.push(Node::Str("weight".into()));
        let dict = |items| Node::Dict {
            class: None,
            items,
            attributes: vec![],
            extra: None,
        };
        let parameters = graph.push(dict(vec![(key, weight)]));
        let list = |items| Node::List {
            class: None,
            items,
            attributes: vec![],
        };
        let first = graph.push(list(vec![]));
        let second = if is_shared {
            first
        } else {
            graph.push(list(vec![]))
        };
        let attributes = vec![
            ("_parameters".into(), parameters),
            ("a".into(), first),
            ("b".into(), second),
        ];
        let net = graph.push(Node::Object {
            class: CLASS,
            attributes,
            slots: vec![],
            payload: None,
        });
        graph.roots.push(("net".into(), net));
        graph.storages.push(StorageInfo {
            bytes: 8,
            start: 0,
            device: "cpu".into(),
            element: 4,
            content: Content::Buffer,
        });
        graph
    }

    #[track_caller]
    fn check(a: &Sealed, b: &Sealed, expected: Option<&str>) {
        let state = |sealed| {
            let sealed: &Sealed = sealed;
            State {
                graph: &sealed.graph,
                chunks: sealed,
            }
        };
        let difference = first_difference(state(a), state(b)).map(|found| found.to_string());
        assert_eq!(difference.as_deref(), expected);
    }

    #[test]
    fn weights_are_compared_by_element() {
        let one_up = f32::from_bits(2.0f32.to_bits() + 3);
        check(&state([1.0, 2.0], false), &state([1.0, 2.0], false), None);
        let text = "net.weight: 1 of 2 elements differ, by at most 3 ULP";
        check(
            &state([1.0, 2.0], false),
            &state([1.0, one_up], false),
            Some(text),
        );
    }

    #[test]
    fn sharing_is_compared() {
        let text = "net.b: is shared with another object than recorded";
        check(
            &state([1.0, 2.0], true),
            &state([1.0, 2.0], false),
            Some(text),
        );
        check(
            &state([1.0, 2.0], false),
            &state([1.0, 2.0], true),
            Some(text),
        );
    }

    #[test]
    fn variables_are_compared_first() {
        let mut other = state([1.0, 3.0], false);
        other.graph.roots.push(("extra".into(), CLASS));
        let text = "extra: is bound now, was not recorded";
        check(&state([1.0, 2.0], false), &other, Some(text));
    }
}
