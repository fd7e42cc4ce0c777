//! What is live and what is bound where.
//!
//! ```python
//! for x in xs:         # live_at_head: x, total, xs is not: the iterator holds it
//!     total += x       # bound_at_head: x, xs, total if it was bound before
//! print(total)
//! ```
//!
//! Live over-approximates, bound under-approximates. Says nothing of objects: a list is as live as
//! the names that are.

mod assignment;
mod bits;
mod effects;
mod liveness;
mod reaching;
mod regions;

use std::collections::BTreeMap;

use florc_syntax::tree::{StmtId, Tree};
use petgraph::graph::NodeIndex;

use crate::Semantics;
use crate::cfg::{self, Cfg};
use crate::ids::{BindingId, FunctionId, LoopId};
use crate::model::{BindingSet, Definition, DefinitionKind};
use bits::Bits;
use effects::NodeEffect;
pub use reaching::Reaching;

/// Flow facts of one function.
#[derive(Clone, Debug)]
pub(crate) struct FunctionFlow {
    pub(crate) cfg: Cfg,
    /// The variables that are followed, in order of id; a bit each.
    pub(crate) universe: Vec<BindingId>,
    /// What each node reads and binds.
    pub(crate) effects: Vec<NodeEffect>,
    /// Points of each statement.
    pub(crate) points: BTreeMap<StmtId, Points>,
    /// Per node: live before it.
    pub(crate) live_in: Vec<Bits>,
    /// Per node: live after it when it did not raise.
    pub(crate) live_out: Vec<Bits>,
    /// Per node: bound before it; `None` where control never comes.
    pub(crate) bound_in: Vec<Option<Bits>>,
    /// Per node: bound after it when it did not raise.
    pub(crate) bound_out: Vec<Option<Bits>>,
    /// Variables of this function that are live at every point.
    pub(crate) always_live: Vec<BindingId>,
}

/// Flow facts of every function, by id.
pub(crate) fn flows(tree: &Tree, semantics: &Semantics) -> Vec<FunctionFlow> {
    let mut declared = vec![BindingSet::new(); semantics.functions.len()];
    for scope in &semantics.scopes {
        declared[scope.function.index()].extend(scope.declared.values());
    }
    let shaky = assignment::shaky(semantics);
    let functions = semantics.functions.iter().zip(declared);
    functions
        .map(|(function, declared)| flow(tree, semantics, function.id, declared, &shaky))
        .collect()
}

fn flow(
    tree: &Tree,
    semantics: &Semantics,
    function: FunctionId,
    declared: BindingSet,
    shaky: &BindingSet,
) -> FunctionFlow {
    let (cfg, points) = cfg::build(tree, semantics, function);
    let mut universe = declared;
    universe.extend(&semantics.tables.variables[function.index()]);
    let mut flow = FunctionFlow {
        cfg,
        universe: universe.into_iter().collect(),
        effects: Vec::new(),
        points,
        live_in: Vec::new(),
        live_out: Vec::new(),
        bound_in: Vec::new(),
        bound_out: Vec::new(),
        always_live: liveness::always_live(semantics, function),
    };
    effects::node_effects(tree, semantics, function, &mut flow);
    liveness::solve(&mut flow);
    assignment::solve(&mut flow, shaky);
    flow
}

/// Where a statement begins and ends; several of each in copies of a `finally` suite.
#[derive(Clone, Debug, Default)]
pub(crate) struct Points {
    /// First nodes.
    pub(crate) first: Vec<NodeIndex>,
    /// The nodes after whose normal end the statement is over.
    pub(crate) last: Vec<NodeIndex>,
    /// Start of the body, for a loop.
    pub(crate) body: Vec<NodeIndex>,
}

impl FunctionFlow {
    fn bit(&self, binding: BindingId) -> Option<usize> {
        self.universe.binary_search(&binding).ok()
    }

    fn names<'a>(&'a self, bits: &'a Bits) -> impl Iterator<Item = BindingId> + 'a {
        bits.iter().map(|bit| self.universe[bit])
    }
}

impl Semantics {
    /// Variables that are live at the start of a loop's body: after the target of a `for` is
    /// assigned, after the test of a `while` held.
    pub fn live_at_head(&self, id: LoopId) -> BindingSet {
        let found = &self.loops[id.index()];
        self.live(found.function, found.stmt, |flow, points, live| {
            for node in &points.body {
                live.extend(flow.names(&flow.live_in[node.index()]));
            }
        })
    }

    /// Variables that are live just before a statement.
    pub fn live_before(&self, stmt: StmtId) -> BindingSet {
        self.live(self.function_of_stmt(stmt), stmt, |flow, points, live| {
            for node in &points.first {
                live.extend(flow.names(&flow.live_in[node.index()]));
            }
        })
    }

    /// Variables that are live just after a statement on every normal exit. Captured and global
    /// variables, and locals that inner functions mention, are live always.
    pub fn live_after(&self, stmt: StmtId) -> BindingSet {
        self.live(self.function_of_stmt(stmt), stmt, |flow, points, live| {
            for node in &points.last {
                live.extend(flow.names(&flow.live_out[node.index()]));
            }
        })
    }

    fn live(
        &self,
        function: FunctionId,
        stmt: StmtId,
        collect: impl Fn(&FunctionFlow, &Points, &mut BindingSet),
    ) -> BindingSet {
        let Some(flow) = self.flows.get(function.index()) else {
            return BindingSet::new();
        };
        let mut live: BindingSet = flow.always_live.iter().copied().collect();
        let mut outer = self.function(function).parent;
        while let Some(around) = outer {
            live.extend(&self.tables.variables[around.index()]);
            outer = self.function(around).parent;
        }
        match flow.points.get(&stmt) {
            Some(points) => collect(flow, points, &mut live),
            None => live.extend(&flow.universe),
        }
        live
    }

    /// Variables that are surely bound at the start of a loop's body.
    pub fn bound_at_head(&self, id: LoopId) -> BindingSet {
        let found = &self.loops[id.index()];
        self.bound(found.function, found.stmt, |flow, points| {
            let body = points.body.iter();
            body.map(|node| flow.bound_in[node.index()].clone())
                .collect()
        })
    }

    /// Variables that are surely bound just before a statement.
    pub fn bound_before(&self, stmt: StmtId) -> BindingSet {
        self.bound(self.function_of_stmt(stmt), stmt, |flow, points| {
            let first = points.first.iter();
            first
                .map(|node| flow.bound_in[node.index()].clone())
                .collect()
        })
    }

    /// Variables that are surely bound just after a statement on every normal exit.
    pub fn bound_after(&self, stmt: StmtId) -> BindingSet {
        self.bound(self.function_of_stmt(stmt), stmt, |flow, points| {
            let last = points.last.iter();
            last.map(|node| flow.bound_out[node.index()].clone())
                .collect()
        })
    }

    fn bound(
        &self,
        function: FunctionId,
        stmt: StmtId,
        collect: impl Fn(&FunctionFlow, &Points) -> Vec<Option<Bits>>,
    ) -> BindingSet {
        let Some(flow) = self.flows.get(function.index()) else {
            return BindingSet::new();
        };
        let Some(points) = flow.points.get(&stmt) else {
            return BindingSet::new();
        };
        let mut everywhere: Option<Bits> = None;
        for bits in collect(flow, points).into_iter().flatten() {
            match &mut everywhere {
                Some(all) => {
                    all.intersect(&bits);
                }
                None => everywhere = Some(bits),
            }
        }
        let Some(everywhere) = everywhere else {
            return BindingSet::new();
        };
        let mut bound = self.bound_around(function);
        bound.extend(flow.names(&everywhere));
        bound
    }

    /// Variables of the functions around that are bound whenever this one runs: those that were
    /// bound when it was made, and that nothing unbinds.
    fn bound_around(&self, function: FunctionId) -> BindingSet {
        let site = self
            .tables
            .function_sites
            .iter()
            .find(|(made, _)| *made == function);
        let Some((_, site)) = site else {
            return BindingSet::new();
        };
        let mut bound = self.bound_before(*site);
        bound.retain(|binding| !self.binding(*binding).definitions.iter().any(unbinds));
        bound
    }
}

fn unbinds(definition: &Definition) -> bool {
    match definition.kind {
        DefinitionKind::Delete | DefinitionKind::Except => true,
        DefinitionKind::Assign(_)
        | DefinitionKind::Unpack(_)
        | DefinitionKind::Augment(_)
        | DefinitionKind::Parameter(_)
        | DefinitionKind::Iteration(_)
        | DefinitionKind::Import(_)
        | DefinitionKind::Function(_)
        | DefinitionKind::Class(_)
        | DefinitionKind::With(_)
        | DefinitionKind::Capture
        | DefinitionKind::Type => false,
    }
}
