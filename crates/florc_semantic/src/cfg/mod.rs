//! Control flow of one function: nodes of a petgraph hold ids, never data.
//!
//! ```python
//! while step < n:        # Test ─True→ LoopBody ─→ Statement ─Back→ Test; Test ─False→ After
//!     step += 1
//! ```
//!
//! A statement inside `try` or `with` has an `Exception` edge to where an exception goes; one
//! without such an edge leaves the function when it raises. `finally` suites stand once for each way
//! through them. Does not say what a node reads or binds; that is [`crate::flow`].

mod build;
mod context;
mod frames;

use std::collections::BTreeSet;

use florc_syntax::tree::{ExprId, StmtId};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::Dfs;

pub(crate) use build::build;
pub use context::may_suppress;

/// Control-flow graph of a function.
#[derive(Clone, Debug)]
pub struct Cfg {
    /// Nodes and edges.
    pub graph: DiGraph<Node, EdgeKind>,
    /// Where the function starts.
    pub entry: NodeIndex,
    /// Where it returns.
    pub exit: NodeIndex,
    /// Where an exception leaves it.
    pub raise_exit: NodeIndex,
}

/// A program point. The statement is the one whose part this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// Start of the function.
    Entry,
    /// Return.
    Exit,
    /// An exception leaves the function.
    RaiseExit,
    /// A whole simple statement, a `def`, or the decorators and bases of a `class`.
    Statement(StmtId),
    /// The value of a lambda.
    LambdaBody(ExprId),
    /// The test of `if` or `while`.
    Test(StmtId),
    /// The iterable of a `for` is evaluated, once.
    Iterable(StmtId),
    /// The next item of a `for`: `True` when there is one.
    Next(StmtId),
    /// The target of a `for` is assigned.
    Target(StmtId),
    /// Start of a loop body.
    LoopBody(StmtId),
    /// An item of a `with` is entered and its target assigned.
    Enter(StmtId, u32),
    /// The items of a `with` are left.
    Leave(StmtId),
    /// The name of a `class` is bound.
    ClassEnd(StmtId),
    /// The subject of a `match`.
    Subject(StmtId),
    /// The test of a case's pattern.
    Case(StmtId, u32),
    /// The names of a case's pattern are bound.
    Capture(StmtId, u32),
    /// The guard of a case.
    Guard(StmtId, u32),
    /// An exception arrives at the handlers of a `try`.
    Handlers(StmtId),
    /// The type of a handler is compared.
    Handler(StmtId, u32),
    /// The name of a handler is bound.
    Caught(StmtId, u32),
    /// The name of a handler is unbound.
    Unbind(StmtId, u32),
    /// Start of a copy of a `finally` suite.
    Finally(StmtId),
    /// Just after a compound statement.
    After(StmtId),
}

impl Node {
    /// The statement whose part it is; of a lambda's body none.
    pub fn stmt(self) -> Option<StmtId> {
        match self {
            Self::Entry | Self::Exit | Self::RaiseExit | Self::LambdaBody(_) => None,
            Self::Statement(stmt)
            | Self::Test(stmt)
            | Self::Iterable(stmt)
            | Self::Next(stmt)
            | Self::Target(stmt)
            | Self::LoopBody(stmt)
            | Self::Enter(stmt, _)
            | Self::Leave(stmt)
            | Self::ClassEnd(stmt)
            | Self::Subject(stmt)
            | Self::Case(stmt, _)
            | Self::Capture(stmt, _)
            | Self::Guard(stmt, _)
            | Self::Handlers(stmt)
            | Self::Handler(stmt, _)
            | Self::Caught(stmt, _)
            | Self::Unbind(stmt, _)
            | Self::Finally(stmt)
            | Self::After(stmt) => Some(stmt),
        }
    }
}

impl Cfg {
    /// Statements that control can come to, as far as the order of statements tells. Of a `try` those in it.
    pub fn reached(&self) -> BTreeSet<StmtId> {
        let mut walk = Dfs::new(&self.graph, self.entry);
        let nodes = std::iter::from_fn(move || walk.next(&self.graph));
        nodes.filter_map(|node| self.graph[node].stmt()).collect()
    }
}

/// Why control goes along an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeKind {
    /// Nothing else to do.
    Normal,
    /// The test holds; there is a next item; the pattern or handler matches.
    True,
    /// It does not.
    False,
    /// The node raised, before or after its effect.
    Exception,
    /// To the head of a loop, from its body.
    Back,
}
