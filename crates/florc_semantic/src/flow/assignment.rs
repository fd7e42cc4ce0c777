//! Which variables are surely bound, forwards along the edges.
//!
//! ```python
//! try: x = f()
//! except E: pass
//! print(x)          # `x` is not surely bound here
//! ```
//!
//! A node that raised bound nothing and may have unbound all it unbinds. Where control never comes,
//! nothing is bound.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use petgraph::visit::EdgeRef;

use super::FunctionFlow;
use super::bits::Bits;
use crate::Semantics;
use crate::cfg::EdgeKind;
use crate::ids::BindingId;
use crate::model::BindingSet;

/// Variables that other functions, or code that is not seen, may unbind.
pub(super) fn shaky(semantics: &Semantics) -> BindingSet {
    let by_name = |module| {
        let mut uses = semantics.dynamic.iter();
        uses.any(|found| found.writes_globals && found.expr.is_some() && found.concerns(module))
    };
    let ids = (0..semantics.bindings.len() as u32).map(BindingId);
    ids.filter(|id| {
        let binding = semantics.binding(*id);
        let home = semantics.scope(binding.scope).function;
        let elsewhere = binding
            .definitions
            .iter()
            .any(|definition| definition.function != home && super::unbinds(definition));
        elsewhere
            || semantics.given.contains(&home) && semantics.is_module(home)
            || (semantics.is_module(home) && by_name(home))
    })
    .collect()
}

/// Fills `bound_in` and `bound_out`.
pub(super) fn solve(flow: &mut FunctionFlow, shaky: &BindingSet) {
    let (nodes, size) = (flow.cfg.graph.node_count(), flow.universe.len());
    let mut never = Bits::empty(size);
    shaky
        .iter()
        .filter_map(|binding| flow.bit(*binding))
        .for_each(|bit| never.insert(bit));
    let mut bound_in: Vec<Option<Bits>> = vec![None; nodes];
    let mut bound_out: Vec<Option<Bits>> = vec![None; nodes];
    bound_in[flow.cfg.entry.index()] = Some(Bits::empty(size));
    let mut work = BinaryHeap::from([Reverse(flow.cfg.entry)]);
    let mut queued = vec![false; nodes];
    while let Some(Reverse(node)) = work.pop() {
        queued[node.index()] = false;
        let Some(before) = &bound_in[node.index()] else {
            continue;
        };
        let effect = &flow.effects[node.index()];
        let mut raised = before.clone();
        effect
            .unbinds
            .iter()
            .for_each(|bit| raised.remove(*bit as usize));
        let mut after = before.clone();
        effect
            .binds
            .iter()
            .for_each(|bit| after.insert(*bit as usize));
        effect
            .unbinds
            .iter()
            .for_each(|bit| after.remove(*bit as usize));
        after.subtract(&never);
        for edge in flow.cfg.graph.edges(node) {
            let found = match edge.weight() {
                EdgeKind::Exception => &raised,
                EdgeKind::Normal | EdgeKind::True | EdgeKind::False | EdgeKind::Back => &after,
            };
            let target = edge.target().index();
            let changed = match &mut bound_in[target] {
                Some(known) => known.intersect(found),
                unknown @ None => {
                    *unknown = Some(found.clone());
                    true
                }
            };
            if changed && !std::mem::replace(&mut queued[target], true) {
                work.push(Reverse(edge.target()));
            }
        }
        bound_out[node.index()] = Some(after);
    }
    (flow.bound_in, flow.bound_out) = (bound_in, bound_out);
}
