//! Where a jump goes from inside loops, `try`, `with` and `except … as e`.
//!
//! ```python
//! for x in xs:
//!     try: break          # to a copy of the finally suite, from there to after the loop
//!     finally: close()
//! ```
//!
//! A frame whose code runs on the way out gets one entry for each kind of jump, so that paths through
//! it stay apart. The code behind the entries is built by the caller.

use std::collections::BTreeMap;

use petgraph::graph::NodeIndex;

use super::build::Builder;
use super::{EdgeKind, Node};

/// Ways out of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Jump {
    /// Off its end.
    Fall,
    Exception,
    Return,
    Break,
    Continue,
}

/// What surrounds the code that is being built.
pub(super) enum Frame {
    Loop {
        head: NodeIndex,
        after: NodeIndex,
    },
    Handlers {
        dispatch: NodeIndex,
    },
    /// Code that runs on every way out.
    Cleanup(Cleanup),
}

/// The entries of code that runs on every way out.
pub(super) struct Cleanup {
    /// What an entry node is.
    node: Node,
    /// All jumps share one entry: keeps suites in suites in suites from multiplying.
    shared: bool,
    /// Entry of each jump that was met.
    entries: BTreeMap<Jump, NodeIndex>,
}

/// Edges that wait for the node they lead to.
pub(super) type Dangling = Vec<(NodeIndex, EdgeKind)>;

impl Cleanup {
    pub(super) fn frame(node: Node, shared: bool) -> Frame {
        Frame::Cleanup(Self {
            node,
            shared,
            entries: BTreeMap::new(),
        })
    }
}

impl Builder<'_> {
    /// The node that a jump from here leads to next.
    pub(super) fn target(&mut self, jump: Jump) -> NodeIndex {
        for frame in self.frames.iter_mut().rev() {
            match (frame, jump) {
                (Frame::Loop { after, .. }, Jump::Break) => return *after,
                (Frame::Loop { head, .. }, Jump::Continue) => return *head,
                (Frame::Handlers { dispatch }, Jump::Exception) => return *dispatch,
                (Frame::Cleanup(cleanup), jump) => {
                    let first = cleanup.entries.values().next().copied();
                    let known = cleanup.entries.get(&jump).copied();
                    let known = known.or(first.filter(|_| cleanup.shared));
                    let node = known.unwrap_or_else(|| self.graph.add_node(cleanup.node));
                    cleanup.entries.insert(jump, node);
                    return node;
                }
                (Frame::Loop { .. } | Frame::Handlers { .. }, _) => {}
            }
        }
        match jump {
            Jump::Exception => self.raise_exit,
            Jump::Fall | Jump::Return | Jump::Break | Jump::Continue => self.exit,
        }
    }

    /// Leads edges to where a jump from here goes.
    pub(super) fn jump(&mut self, from: Dangling, jump: Jump) {
        let target = self.target(jump);
        let is_head = matches!(self.graph[target], Node::Next(_) | Node::Test(_));
        for (node, kind) in from {
            let kind = if is_head { EdgeKind::Back } else { kind };
            self.graph.add_edge(node, target, kind);
        }
    }

    /// Ends the region of a cleanup frame: builds its code behind each entry, and gives the
    /// edges that fall off the end.
    pub(super) fn clean_up(
        &mut self,
        fallen: Dangling,
        build: impl Fn(&mut Self, NodeIndex, Jump) -> Dangling,
    ) -> Dangling {
        if !fallen.is_empty() {
            self.jump(fallen, Jump::Fall);
        }
        let Some(Frame::Cleanup(cleanup)) = self.frames.pop() else {
            return Vec::new();
        };
        let mut out = Vec::new();
        let mut built: BTreeMap<NodeIndex, Dangling> = BTreeMap::new();
        for (jump, entry) in cleanup.entries {
            let end = match built.get(&entry) {
                Some(end) => end.clone(),
                None => build(self, entry, jump),
            };
            built.insert(entry, end.clone());
            match jump {
                Jump::Fall => out.extend(end),
                Jump::Exception | Jump::Return | Jump::Break | Jump::Continue => {
                    self.jump(end, jump);
                }
            }
        }
        out
    }
}
