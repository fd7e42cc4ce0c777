//! What tensors are called.
//!
//! ```python
//! model.conv1.weight            # a module: as in model.state_dict()
//! optimizer.state.0.exp_avg     # elsewhere: attributes, keys, positions
//! ```
//!
//! Modules come first; what they name is not named again by way of another object. Each object is
//! looked at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Attributes, Graph, Node, NodeId};
use crate::parts::Label;

/// References in a name.
const LONGEST_PATH: usize = 200;

/// Variables of a checkpoint, as a user writes them.
pub(super) fn root_names(graph: &Graph) -> Vec<String> {
    let named = graph
        .roots
        .iter()
        .filter(|(key, _)| !key.starts_with("module "));
    named.map(|(key, _)| plain(key).to_owned()).collect()
}

/// `global engine:model` is `model`.
fn plain(key: &str) -> &str {
    let name = key.rsplit_once(' ').map_or(key, |(_, name)| name);
    name.rsplit_once(':').map_or(name, |(_, name)| name)
}

/// Tensors and arrays with unique names; `None`: there is no such root.
pub(super) fn named_tensors(graph: &Graph, root: Option<&str>) -> Option<Vec<(String, NodeId)>> {
    let mut names = Names {
        graph,
        found: Vec::new(),
        taken: BTreeMap::new(),
        named: BTreeSet::new(),
    };
    let is_asked = |key: &str| root.is_none_or(|root| key == root || plain(key) == root);
    let asked = graph.roots.iter().filter(|(key, _)| is_asked(key));
    let name = |key: &str| root.map_or_else(|| plain(key).to_owned(), |_| String::new());
    let starts: Vec<(String, NodeId)> = asked.map(|(key, node)| (name(key), *node)).collect();
    if root.is_some() && starts.is_empty() {
        return None;
    }
    names.walk(&starts, true);
    names.walk(&starts, false);
    Some(names.found)
}

struct Names<'g> {
    graph: &'g Graph,
    found: Vec<(String, NodeId)>,
    taken: BTreeMap<String, u32>,
    named: BTreeSet<NodeId>,
}

impl Names<'_> {
    /// Shortest paths first. Names what modules hold, or everything else.
    fn walk(&mut self, starts: &[(String, NodeId)], modules: bool) {
        let mut seen: BTreeSet<NodeId> = BTreeSet::new();
        let mut steps: Vec<Step> = Vec::new();
        for (text, node) in starts {
            steps.push(Step::new(None, text.clone(), *node));
        }
        let mut next = 0;
        while let Some(step) = steps.get(next) {
            let (at, id) = (next, step.node);
            next += 1;
            let Some(node) = self.graph.node(id).filter(|_| seen.insert(id)) else {
                continue;
            };
            if let Node::Tensor { .. } | Node::Array { .. } = node {
                if !modules && !self.named.contains(&id) {
                    self.add(path(&steps, at), id);
                }
                continue;
            }
            if let Some(module) = Module::of(self.graph, node) {
                if modules {
                    self.module(&path(&steps, at), &module, &mut vec![id]);
                }
                continue;
            }
            for (label, child) in references(self.graph, node) {
                steps.push(Step::new(Some(at), label, child));
            }
        }
    }

    /// As `state_dict` does: parameters, buffers that are saved, submodules under all their names.
    fn module(&mut self, prefix: &str, module: &Module<'_>, around: &mut Vec<NodeId>) {
        for (name, id) in module.parameters.iter().chain(&module.buffers) {
            let is_tensor = matches!(self.graph.node(*id), Some(Node::Tensor { .. }));
            if is_tensor && !module.unsaved.contains(name) {
                self.add(join(prefix, name), *id);
            }
        }
        for (name, id) in &module.modules {
            let inner = self
                .graph
                .node(*id)
                .and_then(|node| Module::of(self.graph, node));
            // names are bounded as depth is: no cycle, and no more of them than references
            let is_new = !around.contains(id) && self.found.len() <= 4 * self.graph.nodes.len();
            if let Some(inner) = inner.filter(|_| is_new && around.len() < 200) {
                around.push(*id);
                self.module(&join(prefix, name), &inner, around);
                around.pop();
            }
        }
    }

    fn add(&mut self, name: String, id: NodeId) {
        self.named.insert(id);
        let name = if name.is_empty() {
            "value".to_owned()
        } else {
            name
        };
        let count = self.taken.entry(name.clone()).or_default();
        *count += 1;
        let name = if *count == 1 {
            name
        } else {
            format!("{name}#{count}")
        };
        self.found.push((name, id));
    }
}

/// A reference that was followed.
struct Step {
    from: Option<usize>,
    text: String,
    node: NodeId,
}

impl Step {
    fn new(from: Option<usize>, text: String, node: NodeId) -> Self {
        Self { from, text, node }
    }
}

/// The name of what a step led to. Of a path that nobody would write the middle is left out.
fn path(steps: &[Step], at: usize) -> String {
    let mut texts = Vec::new();
    let mut next = Some(at);
    while let Some(step) = next.map(|at| &steps[at]) {
        texts.push(step.text.as_str());
        next = step.from;
    }
    if texts.len() > LONGEST_PATH {
        texts.drain(1..texts.len() - 1);
        texts.insert(1, "…");
    }
    texts
        .iter()
        .rev()
        .fold(String::new(), |name, text| join(&name, text))
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}.{name}")
    }
}

/// What `torch.nn.Module` keeps.
struct Module<'g> {
    parameters: Vec<(&'g str, NodeId)>,
    buffers: Vec<(&'g str, NodeId)>,
    modules: Vec<(&'g str, NodeId)>,
    unsaved: BTreeSet<&'g str>,
}

impl<'g> Module<'g> {
    fn of(graph: &'g Graph, node: &'g Node) -> Option<Self> {
        let Node::Object { attributes, .. } = node else {
            return None;
        };
        Some(Self {
            parameters: entries(graph, attributes, "_parameters")?,
            buffers: entries(graph, attributes, "_buffers")?,
            modules: entries(graph, attributes, "_modules")?,
            unsaved: words(graph, attributes, "_non_persistent_buffers_set"),
        })
    }
}

fn attribute<'g>(graph: &'g Graph, attributes: &Attributes, name: &str) -> Option<&'g Node> {
    let (_, id) = attributes.iter().find(|(known, _)| known == name)?;
    graph.node(*id)
}

fn entries<'g>(
    graph: &'g Graph,
    attributes: &Attributes,
    name: &str,
) -> Option<Vec<(&'g str, NodeId)>> {
    let Node::Dict { items, .. } = attribute(graph, attributes, name)? else {
        return None;
    };
    let entry = |(key, value): &(NodeId, NodeId)| Some((text(graph, *key)?, *value));
    Some(items.iter().filter_map(entry).collect())
}

fn words<'g>(graph: &'g Graph, attributes: &Attributes, name: &str) -> BTreeSet<&'g str> {
    match attribute(graph, attributes, name) {
        Some(Node::Set { items, .. }) => items.iter().filter_map(|id| text(graph, *id)).collect(),
        _ => BTreeSet::new(),
    }
}

fn text(graph: &Graph, id: NodeId) -> Option<&str> {
    match graph.node(id)? {
        Node::Str(text) => Some(text),
        _ => None,
    }
}

/// What an object refers to, in words. Keys that are no names are counted.
fn references(graph: &Graph, node: &Node) -> Vec<(String, NodeId)> {
    let mut key = String::new();
    let mut found = Vec::new();
    for (label, child) in node.parts().children {
        let name = match label {
            Label::Item(at) => at.to_string(),
            Label::Key(at) => {
                key = match graph.node(child) {
                    Some(Node::Str(text)) => text.clone(),
                    Some(Node::Int(number)) => number.to_string(),
                    _ => at.to_string(),
                };
                continue;
            }
            Label::Value(_) => key.clone(),
            // the class of an object is looked up, its state has no name of its own
            Label::Field("class") => continue,
            Label::Attribute(name) | Label::Field(name) => name.to_owned(),
        };
        found.push((name, child));
    }
    found
}
