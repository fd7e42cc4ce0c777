//! References of a node, and the path to a node for messages.
//!
//! ```python
//! trainer.history[3]       # path of a node below the root `trainer`
//! ```
//!
//! Knows nothing of live objects.

use std::collections::VecDeque;

use florc_runtime::{Graph, Node, NodeId};

/// How a child hangs on a node.
#[derive(Clone, Copy)]
pub(super) enum Label<'g> {
    Attribute(&'g str),
    Item(usize),
    Key(usize),
    Value(NodeId),
    Part(&'static str),
}

/// Calls `visit` with each reference of `node`.
#[expect(clippy::too_many_lines, reason = "one arm per kind of node")]
pub(super) fn each<'g>(node: &'g Node, mut visit: impl FnMut(Label<'g>, NodeId)) {
    let named = |attributes: &'g [(String, NodeId)], visit: &mut dyn FnMut(Label<'g>, NodeId)| {
        for (name, child) in attributes {
            visit(Label::Attribute(name), *child);
        }
    };
    let listed = |items: &'g [NodeId], visit: &mut dyn FnMut(Label<'g>, NodeId)| {
        for (index, child) in items.iter().enumerate() {
            visit(Label::Item(index), *child);
        }
    };
    let part = |name, child: &'g Option<NodeId>, visit: &mut dyn FnMut(Label<'g>, NodeId)| {
        if let Some(child) = child {
            visit(Label::Part(name), *child);
        }
    };
    match node {
        Node::Range { bounds } | Node::Slice { bounds } => listed(bounds, &mut visit),
        Node::List {
            class,
            items,
            attributes,
        }
        | Node::Deque {
            class,
            items,
            attributes,
            ..
        }
        | Node::Set {
            class,
            items,
            attributes,
            ..
        } => {
            part("__class__", class, &mut visit);
            listed(items, &mut visit);
            named(attributes, &mut visit);
        }
        Node::Tuple { class, items } | Node::ObjectArray { class, items, .. } => {
            part("__class__", class, &mut visit);
            listed(items, &mut visit);
        }
        Node::Dict {
            class,
            items,
            attributes,
            extra,
        } => {
            part("__class__", class, &mut visit);
            for (index, (key, value)) in items.iter().enumerate() {
                visit(Label::Key(index), *key);
                visit(Label::Value(*key), *value);
            }
            named(attributes, &mut visit);
            part("default_factory", extra, &mut visit);
        }
        Node::Object {
            class,
            attributes,
            slots,
            payload,
        } => {
            visit(Label::Part("__class__"), *class);
            named(attributes, &mut visit);
            named(slots, &mut visit);
            part("<content>", payload, &mut visit);
        }
        Node::ClassState { class, attributes } => {
            visit(Label::Part("__class__"), *class);
            named(attributes, &mut visit);
        }
        Node::ModuleState { attributes, .. } => named(attributes, &mut visit),
        Node::Function {
            cells,
            defaults,
            keyword_defaults,
            attributes,
            ..
        } => {
            for cell in cells {
                part("__closure__", cell, &mut visit);
            }
            part("__defaults__", defaults, &mut visit);
            part("__kwdefaults__", keyword_defaults, &mut visit);
            named(attributes, &mut visit);
        }
        Node::Method { receiver, .. } => visit(Label::Part("__self__"), *receiver),
        Node::Cell(content) => part("cell_contents", content, &mut visit),
        Node::WeakRef(target) => part("<weak>", target, &mut visit),
        Node::Partial {
            class,
            function,
            arguments,
            keywords,
            attributes,
        } => {
            part("__class__", class, &mut visit);
            visit(Label::Part("func"), *function);
            visit(Label::Part("args"), *arguments);
            visit(Label::Part("keywords"), *keywords);
            named(attributes, &mut visit);
        }
        Node::Array {
            class, attributes, ..
        } => {
            part("__class__", class, &mut visit);
            named(attributes, &mut visit);
        }
        Node::Tensor {
            class,
            grad,
            attributes,
            ..
        } => {
            visit(Label::Part("__class__"), *class);
            part("grad", grad, &mut visit);
            named(attributes, &mut visit);
        }
        Node::Adapted { class, payload, .. } => {
            visit(Label::Part("__class__"), *class);
            visit(Label::Part("<state>"), *payload);
        }
        Node::None
        | Node::Bool(_)
        | Node::Int(_)
        | Node::BigInt(_)
        | Node::Float(_)
        | Node::Complex(..)
        | Node::Str(_)
        | Node::RawStr(_)
        | Node::Bytes(_)
        | Node::Ellipsis
        | Node::NotImplemented
        | Node::Named { .. }
        | Node::ByteArray(_)
        | Node::Opaque { .. } => {}
    }
}

/// A shortest path from a root to `target`.
pub(super) fn path(graph: &Graph, target: NodeId) -> String {
    let mut origins: Vec<Option<(Option<NodeId>, String)>> = vec![None; graph.nodes.len()];
    let mut queue = VecDeque::new();
    for (name, node) in graph.roots.iter().chain(&graph.hidden) {
        if let Some(origin @ None) = origins.get_mut(node.index()) {
            *origin = Some((None, name.clone()));
            queue.push_back(*node);
        }
    }
    while let Some(node) = queue.pop_front() {
        if node == target {
            break;
        }
        each(&graph.nodes[node.index()], |label, child| {
            if let Some(origin @ None) = origins.get_mut(child.index()) {
                *origin = Some((Some(node), text(graph, label)));
                queue.push_back(child);
            }
        });
    }
    let mut parts = Vec::new();
    let mut current = Some(target);
    while let Some((parent, step)) =
        current.and_then(|node| origins.get(node.index()).cloned().flatten())
    {
        parts.push(step);
        current = parent;
    }
    parts.reverse();
    parts.concat()
}

fn text(graph: &Graph, label: Label<'_>) -> String {
    match label {
        Label::Attribute(name) | Label::Part(name) => format!(".{name}"),
        Label::Item(index) => format!("[{index}]"),
        Label::Key(index) => format!(".keys()[{index}]"),
        Label::Value(key) => match graph.node(key) {
            Some(Node::Str(text)) => format!("[{text:?}]"),
            Some(Node::Int(value)) => format!("[{value}]"),
            _ => "[…]".into(),
        },
    }
}
