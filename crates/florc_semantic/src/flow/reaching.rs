//! Def-use: which definitions of a variable may be in force at a statement.
//!
//! ```python
//! x = 1
//! if c: x = 2
//! print(x)      # both may be in force
//! ```
//!
//! Found on demand, backwards from the statement. Definitions by other functions, and by loops of
//! comprehensions, are only summed up as `from_outside`.

use std::collections::BTreeSet;

use florc_syntax::tree::{ExprId, StmtId};
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;

use super::FunctionFlow;
use crate::Semantics;
use crate::cfg::{EdgeKind, Node};
use crate::ids::BindingId;

/// The definitions of a variable that may be in force at a point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reaching {
    /// Statements whose definition may be in force.
    pub stmts: BTreeSet<StmtId>,
    /// The variable may be a parameter, unbound, or bound by code of another function.
    pub from_outside: bool,
}

impl Semantics {
    /// Definitions of a variable that may be in force just before a statement.
    pub fn reaching(&self, stmt: StmtId, binding: BindingId) -> Reaching {
        let function = self.function_of_stmt(stmt);
        let mut found = Reaching {
            stmts: BTreeSet::new(),
            from_outside: self.defined_elsewhere(binding, stmt),
        };
        let flow = self.flows.get(function.index());
        let points = flow.and_then(|flow| flow.points.get(&stmt));
        match (flow, points, flow.and_then(|flow| flow.bit(binding))) {
            (Some(flow), Some(points), Some(bit)) => {
                self.search(flow, &points.first, binding, bit as u32, &mut found);
            }
            _ => found.from_outside = true,
        }
        found
    }

    /// The names that mention a variable: reads, targets and `del`, in the order of ids.
    pub fn uses_of(&self, binding: BindingId) -> &[ExprId] {
        self.tables
            .uses
            .get(binding.index())
            .map_or(&[], Vec::as_slice)
    }

    fn defined_elsewhere(&self, binding: BindingId, stmt: StmtId) -> bool {
        let here = self.function_of_stmt(stmt);
        let definitions = &self.binding(binding).definitions;
        definitions
            .iter()
            .any(|definition| definition.function != here)
            || self.dynamic.iter().any(|found| found.writes_globals)
    }

    fn search(
        &self,
        flow: &FunctionFlow,
        from: &[NodeIndex],
        binding: BindingId,
        bit: u32,
        found: &mut Reaching,
    ) {
        let mut seen = vec![false; flow.cfg.graph.node_count()];
        let mut work: Vec<NodeIndex> = from.to_vec();
        while let Some(node) = work.pop() {
            for edge in flow.cfg.graph.edges_directed(node, Direction::Incoming) {
                let before = edge.source();
                let effect = &flow.effects[before.index()];
                let stmt = statement_of(flow.cfg.graph[before]);
                if stmt.is_some_and(|stmt| self.may_bind(stmt, binding)) {
                    found.stmts.extend(stmt);
                }
                let passes = *edge.weight() == EdgeKind::Exception
                    || !(effect.binds.contains(&bit) || effect.unbinds.contains(&bit));
                if before == flow.cfg.entry {
                    found.from_outside = true;
                } else if passes && !std::mem::replace(&mut seen[before.index()], true) {
                    work.push(before);
                }
            }
        }
    }

    fn may_bind(&self, stmt: StmtId, binding: BindingId) -> bool {
        let table = &self.tables.stmt_definitions;
        table
            .get(stmt.0 as usize)
            .is_some_and(|bound| bound.contains(&binding))
    }
}

/// The statement whose part a node is, for nodes that may bind.
fn statement_of(node: Node) -> Option<StmtId> {
    match node {
        Node::Statement(stmt)
        | Node::Test(stmt)
        | Node::Iterable(stmt)
        | Node::Target(stmt)
        | Node::Enter(stmt, _)
        | Node::ClassEnd(stmt)
        | Node::Subject(stmt)
        | Node::Case(stmt, _)
        | Node::Capture(stmt, _)
        | Node::Guard(stmt, _)
        | Node::Handler(stmt, _)
        | Node::Caught(stmt, _) => Some(stmt),
        Node::Entry
        | Node::Exit
        | Node::RaiseExit
        | Node::LambdaBody(_)
        | Node::Next(_)
        | Node::LoopBody(_)
        | Node::Leave(_)
        | Node::Unbind(..)
        | Node::Handlers(_)
        | Node::Finally(_)
        | Node::After(_) => None,
    }
}
