//! From a graph back to live objects: match, create what is missing, then patch in place.
//!
//! ```python
//! model, best = Net(), None        # live, fresh from the preamble
//! # after: model is the same object with the saved weights, best is a new dict
//! ```
//!
//! Nothing live is changed before everything that can fail by a mismatch has been tried. Each
//! saved node becomes one object, and a live object stands for at most one node.

mod children;
mod create;
mod matching;
mod patch;
mod storage;

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::fmt;

use florc_runtime::{Graph, Node, NodeId, StorageId};
use pyo3::prelude::*;

use crate::hidden;
use storage::Target;

/// Reads the bytes of a storage of the graph that is restored.
pub type ReadStorage<'a> = &'a dyn Fn(StorageId) -> Result<Cow<'a, [u8]>, String>;

/// Why a state could not be put back.
#[derive(Debug)]
pub struct RestoreError {
    /// Path from a root: `trainer.model.conv1`; empty when unknown.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
    /// Live objects were already changed: the program cannot go on.
    pub partial: bool,
}

impl fmt::Display for RestoreError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.path.is_empty() {
            "the state"
        } else {
            &self.path
        };
        write!(to, "cannot restore `{place}`: {}", self.problem)?;
        if self.partial {
            write!(to, " (some objects were restored already)")?;
        }
        Ok(())
    }
}

impl std::error::Error for RestoreError {}

/// A failure at a node, before its path is known.
pub(crate) struct Failure {
    node: Option<NodeId>,
    problem: String,
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        let problem = Python::attach(|py| {
            let text = error.value(py).to_string();
            match error.get_type(py).name() {
                // our own adapters' words
                Ok(name) if name == "LookupError" => text,
                Ok(name) => format!("{name}: {text}"),
                Err(_) => text,
            }
        });
        Self {
            node: None,
            problem,
        }
    }
}

impl From<pyo3::CastError<'_, '_>> for Failure {
    fn from(error: pyo3::CastError<'_, '_>) -> Self {
        Self {
            node: None,
            problem: error.to_string(),
        }
    }
}

impl From<pyo3::CastIntoError<'_>> for Failure {
    fn from(error: pyo3::CastIntoError<'_>) -> Self {
        Self {
            node: None,
            problem: error.to_string(),
        }
    }
}

pub(crate) type Outcome<T> = Result<T, Failure>;

/// Roots by name; `None` is an unbound variable.
pub type LiveRoots<'py> = [(String, Option<Bound<'py, PyAny>>)];

/// What a root is to be bound to.
pub type RestoredRoots = Vec<(String, Option<Py<PyAny>>)>;

/// The restore in progress.
pub(crate) struct Restorer<'py, 'g> {
    py: Python<'py>,
    graph: &'g Graph,
    read: ReadStorage<'g>,
    /// Live object that stands for a node, if one does.
    claims: Vec<Option<Bound<'py, PyAny>>>,
    /// Node that a live object stands for, by address.
    claimed: HashMap<usize, NodeId>,
    /// Classes and functions seen at the place of a name.
    candidates: HashMap<NodeId, Bound<'py, PyAny>>,
    /// Pairs that were looked at.
    queue: VecDeque<(NodeId, Bound<'py, PyAny>)>,
    /// Dicts whose keys are objects, to be paired last.
    late: Vec<(NodeId, Bound<'py, PyAny>)>,
    targets: Vec<Option<Target<'py, 'g>>>,
    /// The object of each node.
    objects: Vec<Option<Bound<'py, PyAny>>>,
    /// Nodes that are new but not filled, because of a cycle or of their hash.
    unfilled: Vec<NodeId>,
    /// Tensors whose memory is to be exchanged.
    rebinds: Vec<(NodeId, Bound<'py, PyAny>)>,
}

/// Puts `graph` back; `live` are the variables as they are now.
pub(crate) fn restore<'py, 'g>(
    py: Python<'py>,
    graph: &'g Graph,
    read: ReadStorage<'g>,
    live: &LiveRoots<'py>,
) -> Result<RestoredRoots, RestoreError> {
    if let Some(missing) = graph.missing.first() {
        return Err(RestoreError {
            path: missing.path.clone(),
            problem: format!("a `{}` was not captured", missing.type_name),
            partial: false,
        });
    }
    let mut restorer = Restorer::new(py, graph, read);
    if let Err(failure) = restorer.prepare(live) {
        return Err(restorer.error(failure, false));
    }
    if let Err(failure) = restorer.apply() {
        return Err(restorer.error(failure, true));
    }
    let value = |name: &str| {
        let node = graph.root(name)?;
        restorer.objects[node.index()].clone().map(Bound::unbind)
    };
    Ok(live
        .iter()
        .map(|(name, _)| (name.clone(), value(name)))
        .collect())
}

impl<'py, 'g> Restorer<'py, 'g> {
    fn new(py: Python<'py>, graph: &'g Graph, read: ReadStorage<'g>) -> Self {
        let nodes = graph.nodes.len();
        Self {
            py,
            graph,
            read,
            claims: vec![None; nodes],
            claimed: HashMap::new(),
            candidates: HashMap::new(),
            queue: VecDeque::new(),
            late: Vec::new(),
            targets: Vec::new(),
            objects: vec![None; nodes],
            unfilled: Vec::new(),
            rebinds: Vec::new(),
        }
    }

    /// Everything that leaves live objects alone.
    fn prepare(&mut self, live: &LiveRoots<'py>) -> Outcome<()> {
        self.check_references()?;
        self.match_roots(live)?;
        self.plan_storages()?;
        self.create_all()
    }

    /// Everything that changes them.
    fn apply(&mut self) -> Outcome<()> {
        self.write_storages()?;
        self.patch_all()?;
        for (name, node) in &self.graph.hidden {
            if !matches!(
                self.node(*node),
                Node::ClassState { .. } | Node::ModuleState { .. }
            ) {
                let value = self.object(*node)?;
                hidden::write(name, &value).map_err(|error| self.at(*node, error.into()))?;
            }
        }
        Ok(())
    }

    /// A damaged graph must not lead to a panic.
    fn check_references(&self) -> Outcome<()> {
        let nodes = self.graph.nodes.len();
        let mut sound = true;
        for node in &self.graph.nodes {
            children::each(node, |_, child| sound &= child.index() < nodes);
            if let Node::Tensor { storage, .. } | Node::Array { storage, .. } = node {
                sound &= storage.index() < self.graph.storages.len();
            }
        }
        let named = self.graph.roots.iter().chain(&self.graph.hidden);
        sound &= named.into_iter().all(|(_, node)| node.index() < nodes);
        if sound {
            Ok(())
        } else {
            Err(failure("the checkpoint's graph is damaged"))
        }
    }

    fn node(&self, id: NodeId) -> &'g Node {
        &self.graph.nodes[id.index()]
    }

    fn object(&self, id: NodeId) -> Outcome<Bound<'py, PyAny>> {
        self.objects[id.index()].clone().ok_or_else(|| Failure {
            node: Some(id),
            problem: "an object is part of itself in a way that cannot be built".into(),
        })
    }

    #[expect(clippy::unused_self, reason = "reads as a question to the restore")]
    fn at(&self, node: NodeId, failure: Failure) -> Failure {
        Failure {
            node: failure.node.or(Some(node)),
            problem: failure.problem,
        }
    }

    fn error(&self, failure: Failure, partial: bool) -> RestoreError {
        let path = failure
            .node
            .map_or_else(String::new, |node| children::path(self.graph, node));
        RestoreError {
            path,
            problem: failure.problem,
            partial,
        }
    }
}

fn failure(problem: impl Into<String>) -> Failure {
    Failure {
        node: None,
        problem: problem.into(),
    }
}
