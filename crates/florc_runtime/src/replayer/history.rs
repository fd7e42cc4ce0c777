//! Values whose autograd history is needed, which no state holds.
//!
//! ```python
//! for part in parts: total = total + loss(part)      # its end holds the value of `total`
//! total.backward()                                   # and this would need the graph
//! ```

use florc_manifest::CutKey;

use super::Replayer;
use crate::checkpoint::Checkpoint;
use crate::graph::{Graph, Node};

impl Replayer {
    /// Whether a block's end holds a value that may be differentiated, and not how it came about.
    pub(super) fn lacks_history(&self, cut: &CutKey, checkpoint: &Checkpoint) -> bool {
        let CutKey::Block(block) = cut else {
            return false;
        };
        let mut blocks = self.plan.skip_blocks.iter();
        if !blocks.any(|it| it.id == block.site && it.differentiated) {
            return false;
        }
        let dead = self.recorded.dead_roots(cut, self.progress.main_site());
        has_history(&checkpoint.graph, &dead)
    }
}

/// Whether something that the roots but the dead ones lead to was computed by autograd.
fn has_history(graph: &Graph, dead: &[String]) -> bool {
    let live = graph.roots.iter().filter(|(name, _)| !dead.contains(name));
    let mut work: Vec<_> = live.map(|(_, node)| *node).collect();
    let mut seen = vec![false; graph.nodes.len()];
    while let Some(id) = work.pop() {
        if std::mem::replace(&mut seen[id.index()], true) {
            continue;
        }
        let node = &graph.nodes[id.index()];
        if matches!(
            node,
            Node::Tensor {
                grad_fn: Some(_),
                ..
            }
        ) {
            return true;
        }
        work.extend(node.parts().children.iter().map(|(_, child)| *child));
    }
    false
}
