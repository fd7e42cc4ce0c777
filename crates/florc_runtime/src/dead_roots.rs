//! Roots that nobody reads any more and that could not be captured whole.
//!
//! ```python
//! for epoch in range(9):
//!     batches = iter(loader)     # dead at the next head, and its position cannot be captured
//! ```
//!
//! Such a root must not spoil the checkpoint: it is left out of it and said to be absent. A root
//! that is live, or shares what could not be captured with a live one, is left as it is.

use florc_manifest::{LossReason, MissingState};

use crate::graph::{Graph, Node, NodeId};

/// Moves `dead` roots that have missing state to `absent`.
pub(crate) fn split_dead_roots(graph: &mut Graph, dead: &[String], absent: &mut Vec<MissingState>) {
    if graph.missing.is_empty() || dead.is_empty() {
        return;
    }
    let mut dropped = Vec::new();
    for (name, node) in &graph.roots {
        if !dead.contains(name) {
            continue;
        }
        let named = graph
            .missing
            .iter()
            .find(|missing| root_of(&missing.path) == name);
        match named {
            Some(missing) if !is_state(missing.reason) => {}
            Some(missing) => dropped.push(MissingState {
                path: name.clone(),
                ..missing.clone()
            }),
            None => dropped.extend(opaque_below(graph, vec![*node]).map(|class| MissingState {
                path: name.clone(),
                type_name: class.to_owned(),
                reason: LossReason::OpaqueState,
            })),
        }
    }
    let is_dropped = |name: &str| dropped.iter().any(|root| root.path == name);
    let kept = graph.roots.iter().filter(|(name, _)| !is_dropped(name));
    let starts = kept.chain(&graph.hidden).map(|(_, node)| *node).collect();
    if opaque_below(graph, starts).is_some() {
        return;
    }
    graph.roots.retain(|(name, _)| !is_dropped(name));
    graph
        .missing
        .retain(|missing| !is_dropped(root_of(&missing.path)));
    absent.append(&mut dropped);
}

fn is_state(reason: LossReason) -> bool {
    match reason {
        LossReason::RunningIterator | LossReason::OpaqueState => true,
        LossReason::TooLarge | LossReason::ReadFailed => false,
    }
}

/// `it` of `it[3].name`.
fn root_of(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or(path)
}

/// Type of an object without captured state that is reached from there.
fn opaque_below(graph: &Graph, mut stack: Vec<NodeId>) -> Option<&str> {
    let mut seen = vec![false; graph.nodes.len()];
    while let Some(id) = stack.pop() {
        let (Some(node), Some(false)) = (graph.node(id), seen.get(id.index())) else {
            continue;
        };
        seen[id.index()] = true;
        if let Node::Opaque { class } = node {
            return Some(class);
        }
        stack.extend(node.parts().children.iter().map(|(_, child)| *child));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(roots: &[(&str, u32)], missing: &str) -> Graph {
        Graph {
            nodes: vec![
                Node::Int(1),
                Node::Opaque {
                    class: "generator".into(),
                },
                Node::List {
                    class: None,
                    items: vec![NodeId(1)],
                    attributes: vec![],
                },
            ],
            roots: roots
                .iter()
                .map(|(name, node)| ((*name).into(), NodeId(*node)))
                .collect(),
            missing: vec![MissingState {
                path: missing.into(),
                type_name: "generator".into(),
                reason: LossReason::RunningIterator,
            }],
            ..Graph::default()
        }
    }

    #[track_caller]
    fn check(roots: &[(&str, u32)], missing: &str, expected_absent: &[&str]) {
        let mut graph = graph(roots, missing);
        let mut absent = Vec::new();
        split_dead_roots(
            &mut graph,
            &["it".to_owned(), "other".to_owned()],
            &mut absent,
        );
        let names: Vec<_> = absent.iter().map(|root| root.path.as_str()).collect();
        assert_eq!(names, expected_absent);
        assert_eq!(graph.missing.is_empty(), !expected_absent.is_empty());
    }

    #[test]
    fn only_dead_roots_are_left_out() {
        check(&[("live", 0), ("it", 1)], "it", &["it"]);
        check(&[("live", 0), ("it", 2)], "it[0]", &["it"]);
        check(&[("live", 1)], "live", &[]);
        check(&[("live", 2), ("it", 1)], "it", &[]);
        check(
            &[("live", 0), ("other", 2), ("it", 1)],
            "it",
            &["other", "it"],
        );
    }
}
