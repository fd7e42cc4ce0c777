//! x
use crate::{FunctionId, Semantics};
use florc_syntax::tree::{ExprId, StmtId, Tree};
use petgraph::graph::DiGraph;
pub(crate) fn find(_tree: &Tree, _semantics: &mut Semantics) {}
pub(crate) fn constructed_class(semantics: &Semantics, call: ExprId) -> Option<StmtId> {
    semantics.tables.constructed.get(&call).copied()
}
pub(crate) fn call_graph(_semantics: &Semantics) -> DiGraph<FunctionId, ()> {
    DiGraph::new()
}
pub(crate) fn sccs(_semantics: &Semantics) -> Vec<Vec<FunctionId>> {
    Vec::new()
}
