//! One number for a state: equal states have equal hashes, in every process.
//!
//! ```python
//! a = [1.0, model]; b = a          # hashed differently from  a = [1.0, model]; b = [1.0, model]
//! ```
//!
//! Objects are numbered in the order in which a breadth-first walk from the roots (by name) meets
//! them, so that neither addresses nor the order of the capture count; sharing of mutable objects
//! does. Immutable values are hashed by content: interning differs between processes. Sets are
//! put in an order by content. What could not be captured has no part in it.

use std::collections::VecDeque;

use crate::graph::{Content, Graph, NodeId, StorageId};
use crate::parts::{Label, Parts};

/// Hash of the state of all roots and hidden state.
pub fn state_hash(graph: &Graph) -> [u8; 32] {
    let mut walk = Walk {
        graph,
        values: value_hashes(graph),
        numbers: vec![None; graph.nodes.len()],
        storages: vec![None; graph.storages.len()],
        next_number: 0,
        next_storage: 0,
        queue: VecDeque::new(),
        hasher: blake3::Hasher::new(),
    };
    for (kind, named) in [(b'r', &graph.roots), (b'h', &graph.hidden)] {
        let mut sorted: Vec<_> = named.iter().collect();
        sorted.sort();
        for (name, node) in sorted {
            walk.hasher.update(&[kind]);
            walk.hasher.update(&(name.len() as u64).to_le_bytes());
            walk.hasher.update(name.as_bytes());
            walk.reference(*node);
        }
    }
    while let Some(node) = walk.queue.pop_front() {
        walk.object(node);
    }
    *walk.hasher.finalize().as_bytes()
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // writing to a String does not fail
            let _ = write!(text, "{byte:02x}");
            text
        })
}

struct Walk<'g> {
    graph: &'g Graph,
    values: Vec<Option<[u8; 32]>>,
    numbers: Vec<Option<u64>>,
    storages: Vec<Option<u64>>,
    next_number: u64,
    next_storage: u64,
    queue: VecDeque<NodeId>,
    hasher: blake3::Hasher,
}

impl Walk<'_> {
    fn reference(&mut self, node: NodeId) {
        let Some(slot) = self.numbers.get_mut(node.index()) else {
            self.hasher.update(b"?");
            return;
        };
        if let Some(Some(value)) = self.values.get(node.index()) {
            self.hasher.update(b"v");
            self.hasher.update(value);
            return;
        }
        let number = *slot.get_or_insert_with(|| {
            self.queue.push_back(node);
            self.next_number += 1;
            self.next_number
        });
        self.hasher.update(b"o");
        self.hasher.update(&number.to_le_bytes());
    }

    fn object(&mut self, node: NodeId) {
        let Some(node) = self.graph.node(node) else {
            return;
        };
        let mut parts = node.parts();
        if parts.unordered {
            self.order(&mut parts);
        }
        self.hasher
            .update(&(parts.facts.len() as u64).to_le_bytes());
        self.hasher.update(&parts.facts);
        for (_, child) in &parts.children {
            self.reference(*child);
        }
        if let Some(storage) = parts.storage {
            self.storage(storage);
        }
    }

    fn order(&self, parts: &mut Parts<'_>) {
        parts
            .children
            .sort_by_cached_key(|(label, child)| match label {
                Label::Item(_) => (0, self.shape(*child, 2)),
                Label::Attribute(_) | Label::Key(_) | Label::Value(_) | Label::Field(_) => {
                    (1, [0; 32])
                }
            });
    }

    /// Hash by content down to some depth, for the order inside of sets.
    fn shape(&self, node: NodeId, depth: u32) -> [u8; 32] {
        if let Some(Some(value)) = self.values.get(node.index()) {
            return *value;
        }
        let Some(node) = self.graph.node(node) else {
            return [0; 32];
        };
        let parts = node.parts();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&parts.facts);
        if depth > 0 && !parts.unordered {
            for (_, child) in parts.children.iter().take(64) {
                hasher.update(&self.shape(*child, depth - 1));
            }
        }
        *hasher.finalize().as_bytes()
    }

    fn storage(&mut self, id: StorageId) {
        let Some(slot) = self.storages.get_mut(id.index()) else {
            return;
        };
        if let Some(number) = slot {
            self.hasher.update(b"s");
            self.hasher.update(&number.to_le_bytes());
            return;
        }
        self.next_storage += 1;
        *slot = Some(self.next_storage);
        let info = &self.graph.storages[id.index()];
        self.hasher.update(b"S");
        self.hasher.update(&info.bytes.to_le_bytes());
        match &info.content {
            Content::Buffer => {
                self.hasher.update(b"b");
            }
            Content::Inline(bytes) => {
                self.hasher.update(b"i");
                self.hasher.update(blake3::hash(bytes).as_bytes());
            }
            Content::Chunks(chunks) => {
                self.hasher.update(b"c");
                for chunk in chunks {
                    self.hasher.update(chunk);
                }
            }
        }
    }
}

/// Hashes by content of the nodes that are values all the way down.
pub(crate) fn value_hashes(graph: &Graph) -> Vec<Option<[u8; 32]>> {
    let mut done = vec![false; graph.nodes.len()];
    let mut hashes = vec![None; graph.nodes.len()];
    let mut open = vec![false; graph.nodes.len()];
    for start in 0..graph.nodes.len() {
        let mut stack = vec![start];
        while let Some(&at) = stack.last() {
            if done[at] {
                stack.pop();
                continue;
            }
            let parts = graph.nodes[at].parts();
            let inner = parts.children.iter().map(|(_, child)| child.index());
            if !parts.is_value || inner.clone().any(|child| child >= graph.nodes.len()) {
                done[at] = true;
                continue;
            }
            // a value that contains itself exists only in damaged graphs: it is no value
            let waiting: Vec<usize> = inner
                .filter(|&child| !done[child] && !open[child])
                .collect();
            if open[at] || waiting.is_empty() {
                done[at] = true;
                hashes[at] = value_hash(&parts, &hashes);
                stack.pop();
            } else {
                open[at] = true;
                stack.extend(waiting);
            }
        }
    }
    hashes
}

fn value_hash(parts: &Parts<'_>, hashes: &[Option<[u8; 32]>]) -> Option<[u8; 32]> {
    let mut inner = Vec::with_capacity(parts.children.len());
    for (_, child) in &parts.children {
        inner.push(hashes[child.index()]?);
    }
    if parts.unordered {
        inner.sort_unstable();
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(&parts.facts);
    for hash in &inner {
        hasher.update(hash);
    }
    Some(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Node;

    fn list(items: Vec<NodeId>) -> Node {
        Node::List {
            class: None,
            items,
            attributes: Vec::new(),
        }
    }

    fn set(items: Vec<NodeId>) -> Node {
        Node::Set {
            class: None,
            frozen: false,
            items,
            attributes: Vec::new(),
        }
    }

    /// A graph with the last node as its root `x`.
    fn graph(nodes: Vec<Node>) -> Graph {
        let root = NodeId(nodes.len() as u32 - 1);
        Graph {
            nodes,
            roots: vec![("x".into(), root)],
            ..Graph::default()
        }
    }

    #[track_caller]
    fn check(left: Vec<Node>, right: Vec<Node>, equal: bool) {
        assert_eq!(state_hash(&graph(left)) == state_hash(&graph(right)), equal);
    }

    const N: fn(u32) -> NodeId = NodeId;

    #[test]
    fn the_order_of_the_capture_does_not_count() {
        let left = vec![Node::Int(1), list(vec![]), list(vec![N(0), N(1)])];
        let right = vec![list(vec![]), Node::Int(1), list(vec![N(1), N(0)])];
        check(left, right, true);
    }

    #[test]
    fn sharing_of_mutable_objects_counts_and_of_values_does_not() {
        let shared = vec![list(vec![]), list(vec![N(0), N(0)])];
        let apart = vec![list(vec![]), list(vec![]), list(vec![N(0), N(1)])];
        check(shared, apart, false);
        let shared = vec![Node::Int(1), list(vec![N(0), N(0)])];
        let apart = vec![Node::Int(1), Node::Int(1), list(vec![N(0), N(1)])];
        check(shared, apart, true);
    }

    #[test]
    fn sets_have_no_order_and_lists_have() {
        let ints = || vec![Node::Int(1), Node::Int(2)];
        let with = |last: Node| ints().into_iter().chain([last]).collect::<Vec<_>>();
        check(
            with(set(vec![N(0), N(1)])),
            with(set(vec![N(1), N(0)])),
            true,
        );
        check(
            with(list(vec![N(0), N(1)])),
            with(list(vec![N(1), N(0)])),
            false,
        );
    }

    #[test]
    fn cycles_end() {
        let tuple = Node::Tuple {
            class: None,
            items: vec![N(1)],
        };
        check(
            vec![tuple.clone(), list(vec![N(0)])],
            vec![list(vec![])],
            false,
        );
        let own = Node::Tuple {
            class: None,
            items: vec![N(0)],
        };
        check(vec![own.clone()], vec![own], true);
    }

    #[test]
    fn autograd_history_does_not_count() {
        let tensor = |grad_fn: Option<&str>, requires_grad, is_leaf| {
            vec![
                Node::None,
                Node::Tensor {
                    class: N(0),
                    dtype: "float32".into(),
                    shape: vec![],
                    strides: vec![],
                    offset: 0,
                    storage: StorageId(0),
                    device: "cpu".into(),
                    requires_grad,
                    is_leaf,
                    grad: None,
                    grad_fn: grad_fn.map(str::to_owned),
                    attributes: vec![],
                },
            ]
        };
        check(
            tensor(Some("AddBackward0"), true, false),
            tensor(None, false, true),
            true,
        );
        check(tensor(None, true, true), tensor(None, false, true), false);
    }
}
