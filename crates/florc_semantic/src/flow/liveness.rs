//! Which variables may be read later, backwards along the edges.
//!
//! ```python
//! best = 0                      # live after this line: best
//! for x in xs: best = max(best, x)
//! ```
//!
//! What a node binds is dead before it only on the ways where it did not raise. Variables that
//! other functions mention are not followed here: they are live at every point.

use std::collections::BinaryHeap;

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;

use super::FunctionFlow;
use super::bits::Bits;
use crate::Semantics;
use crate::cfg::EdgeKind;
use crate::ids::{BindingId, FunctionId};

/// Own variables that are live at every point: captured ones; all where code may look them up by
/// name.
pub(super) fn always_live(semantics: &Semantics, function: FunctionId) -> Vec<BindingId> {
    let by_name = semantics.dynamic.iter().any(|found| {
        (found.locals && found.function == function)
            || (found.reads_globals && semantics.is_module(function) && found.concerns(function))
    });
    let own = semantics.tables.variables[function.index()].iter().copied();
    own.filter(|binding| by_name || semantics.binding(*binding).is_captured)
        .collect()
}

/// Fills `live_in` and `live_out`.
pub(super) fn solve(flow: &mut FunctionFlow) {
    let (nodes, size) = (flow.cfg.graph.node_count(), flow.universe.len());
    let mut live_in = vec![Bits::empty(size); nodes];
    let mut live_out = vec![Bits::empty(size); nodes];
    let mut queued = vec![true; nodes];
    // Later nodes first: most edges lead forward.
    let mut work: BinaryHeap<usize> = (0..nodes).collect();
    while let Some(node) = work.pop() {
        queued[node] = false;
        let mut after_raise = Bits::empty(size);
        for edge in flow.cfg.graph.edges(NodeIndex::new(node)) {
            let next = &live_in[edge.target().index()];
            match edge.weight() {
                EdgeKind::Exception => after_raise.unite(next),
                EdgeKind::Normal | EdgeKind::True | EdgeKind::False | EdgeKind::Back => {
                    live_out[node].unite(next)
                }
            };
        }
        let mut before = live_out[node].clone();
        let effect = &flow.effects[node];
        for bit in effect.binds.iter().chain(&effect.unbinds) {
            before.remove(*bit as usize);
        }
        before.unite(&after_raise);
        effect
            .reads
            .iter()
            .for_each(|bit| before.insert(*bit as usize));
        if live_in[node].unite(&before) {
            let previous = flow
                .cfg
                .graph
                .neighbors_directed(NodeIndex::new(node), Direction::Incoming);
            for previous in previous {
                if !std::mem::replace(&mut queued[previous.index()], true) {
                    work.push(previous.index());
                }
            }
        }
    }
    (flow.live_in, flow.live_out) = (live_in, live_out);
}
