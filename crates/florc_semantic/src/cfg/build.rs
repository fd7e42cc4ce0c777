//! Builds the control-flow graph of a function from its statements.
//!
//! ```python
//! if a:      # Test ─True→ Statement(b) ─→ After, Test ─False→ After
//!     b()
//! ```
//!
//! One method for each kind of compound statement; edges wait in a list until the node that they
//! lead to is made. Code that control never reaches has nodes without a way to them.

use std::collections::BTreeMap;

use florc_syntax::tree::{
    Block, ExceptHandler, ExprId, ExprKind, MatchCase, PatternId, PatternKind, StmtId, StmtKind,
    Tree, WithItem,
};
use petgraph::graph::{DiGraph, NodeIndex};

use super::context::may_suppress;
use super::frames::{Cleanup, Dangling, Frame, Jump};
use super::{Cfg, EdgeKind, Node};
use crate::Semantics;
use crate::flow::Points;
use crate::ids::FunctionId;

/// Copies of `finally` suites inside copies of `finally` suites, before ways through are merged.
const COPY_DEPTH: u32 = 2;

/// The graph of a function and the points of its statements.
pub(crate) fn build(
    tree: &Tree,
    semantics: &Semantics,
    function: FunctionId,
) -> (Cfg, BTreeMap<StmtId, Points>) {
    let mut graph = DiGraph::new();
    let [entry, exit, raise_exit] =
        [Node::Entry, Node::Exit, Node::RaiseExit].map(|node| graph.add_node(node));
    let mut builder = Builder {
        tree,
        semantics,
        graph,
        exit,
        raise_exit,
        frames: Vec::new(),
        points: BTreeMap::new(),
        copies: 0,
    };
    let start = vec![(entry, EdgeKind::Normal)];
    let found = semantics.function(function);
    let end = match (found.stmt.map(|stmt| &tree.stmt(stmt).kind), found.expr) {
        (Some(StmtKind::FunctionDef(def)), _) => builder.block(&def.body, start),
        (_, Some(lambda)) => {
            let body = builder.node(Node::LambdaBody(lambda), start);
            vec![(body, EdgeKind::Normal)]
        }
        (_, None) => {
            let file = semantics.modules.iter().position(|of| *of == function);
            let body = file.and_then(|file| tree.bodies().nth(file));
            body.map_or(start.clone(), |body| builder.block(body, start))
        }
    };
    builder.connect(end, exit);
    let cfg = Cfg {
        graph: builder.graph,
        entry,
        exit,
        raise_exit,
    };
    (cfg, builder.points)
}

pub(super) struct Builder<'a> {
    tree: &'a Tree,
    semantics: &'a Semantics,
    pub(super) graph: DiGraph<Node, EdgeKind>,
    pub(super) exit: NodeIndex,
    pub(super) raise_exit: NodeIndex,
    pub(super) frames: Vec<Frame>,
    points: BTreeMap<StmtId, Points>,
    /// How many `finally` suites deep the walk is.
    copies: u32,
}

fn normal(node: NodeIndex) -> Dangling {
    vec![(node, EdgeKind::Normal)]
}

impl Builder<'_> {
    fn connect(&mut self, from: Dangling, to: NodeIndex) {
        for (node, kind) in from {
            self.graph.add_edge(node, to, kind);
        }
    }

    fn node(&mut self, node: Node, from: Dangling) -> NodeIndex {
        let id = self.graph.add_node(node);
        self.connect(from, id);
        id
    }

    /// A node that may raise.
    fn raising(&mut self, node: Node, from: Dangling) -> NodeIndex {
        let id = self.node(node, from);
        self.may_raise(id);
        id
    }

    fn may_raise(&mut self, id: NodeIndex) {
        let target = self.target(Jump::Exception);
        if target != self.raise_exit {
            self.graph.add_edge(id, target, EdgeKind::Exception);
        }
    }

    fn begins(&mut self, stmt: StmtId, node: NodeIndex) {
        self.points.entry(stmt).or_default().first.push(node);
    }

    fn ends(&mut self, stmt: StmtId, node: NodeIndex) {
        self.points.entry(stmt).or_default().last.push(node);
    }

    fn block(&mut self, block: &Block, mut from: Dangling) -> Dangling {
        for stmt in block {
            from = self.statement(*stmt, from);
        }
        from
    }

    fn statement(&mut self, id: StmtId, from: Dangling) -> Dangling {
        let tree = self.tree;
        match &tree.stmt(id).kind {
            StmtKind::Return { .. } => self.leave(id, from, EdgeKind::Normal, Jump::Return),
            StmtKind::Raise { .. } => self.leave(id, from, EdgeKind::Exception, Jump::Exception),
            StmtKind::Break => self.leave(id, from, EdgeKind::Normal, Jump::Break),
            StmtKind::Continue => self.leave(id, from, EdgeKind::Normal, Jump::Continue),
            StmtKind::Assert { .. } => {
                let node = self.simple(id, from, false);
                self.jump(vec![(node, EdgeKind::Exception)], Jump::Exception);
                normal(node)
            }
            StmtKind::If { body, orelse, .. } => self.if_statement(id, body, orelse, from),
            StmtKind::For { body, orelse, .. } => self.for_statement(id, body, orelse, from),
            StmtKind::While { test, body, orelse } => {
                self.while_statement(id, *test, body, orelse, from)
            }
            StmtKind::With { items, body, .. } => self.with_statement(id, items, body, from),
            StmtKind::Match { cases, .. } => self.match_statement(id, cases, from),
            StmtKind::Try {
                body,
                handlers,
                orelse,
                finalbody,
                is_star,
            } => {
                let suites = [body, orelse, finalbody];
                self.try_statement(id, suites, handlers, *is_star, from)
            }
            StmtKind::ClassDef(def) => self.class_statement(id, &def.body, from),
            StmtKind::FunctionDef(_)
            | StmtKind::Delete { .. }
            | StmtKind::Assign { .. }
            | StmtKind::TypeAlias { .. }
            | StmtKind::AugAssign { .. }
            | StmtKind::AnnAssign { .. }
            | StmtKind::Import { .. }
            | StmtKind::ImportFrom { .. }
            | StmtKind::Expr { .. } => normal(self.simple(id, from, true)),
            StmtKind::Global { .. } | StmtKind::Nonlocal { .. } | StmtKind::Pass => {
                normal(self.simple(id, from, false))
            }
        }
    }

    /// A statement after which control goes elsewhere.
    fn leave(&mut self, id: StmtId, from: Dangling, kind: EdgeKind, jump: Jump) -> Dangling {
        let node = self.simple(id, from, jump == Jump::Return);
        self.jump(vec![(node, kind)], jump);
        Vec::new()
    }

    fn class_statement(&mut self, id: StmtId, body: &Block, from: Dangling) -> Dangling {
        let head = self.raising(Node::Statement(id), from);
        self.begins(id, head);
        let end = self.block(body, normal(head));
        let end = self.raising(Node::ClassEnd(id), end);
        self.ends(id, end);
        normal(end)
    }

    fn simple(&mut self, id: StmtId, from: Dangling, raises: bool) -> NodeIndex {
        let node = self.node(Node::Statement(id), from);
        if raises {
            self.may_raise(node);
        }
        self.begins(id, node);
        self.ends(id, node);
        node
    }

    /// The point just after a compound statement.
    fn after(&mut self, id: StmtId, from: Dangling) -> Dangling {
        let node = self.node(Node::After(id), from);
        self.ends(id, node);
        normal(node)
    }

    fn if_statement(
        &mut self,
        id: StmtId,
        body: &Block,
        orelse: &Block,
        from: Dangling,
    ) -> Dangling {
        let test = self.raising(Node::Test(id), from);
        self.begins(id, test);
        let mut ends = self.block(body, vec![(test, EdgeKind::True)]);
        ends.extend(self.block(orelse, vec![(test, EdgeKind::False)]));
        self.after(id, ends)
    }

    fn for_statement(
        &mut self,
        id: StmtId,
        body: &Block,
        orelse: &Block,
        from: Dangling,
    ) -> Dangling {
        let iterable = self.raising(Node::Iterable(id), from);
        self.begins(id, iterable);
        let head = self.raising(Node::Next(id), normal(iterable));
        let target = self.raising(Node::Target(id), vec![(head, EdgeKind::True)]);
        let done = vec![(head, EdgeKind::False)];
        self.loop_body(id, head, normal(target), body, done, orelse)
    }

    fn while_statement(
        &mut self,
        id: StmtId,
        test: ExprId,
        body: &Block,
        orelse: &Block,
        from: Dangling,
    ) -> Dangling {
        let head = self.raising(Node::Test(id), from);
        self.begins(id, head);
        let done = if self.is_always_true(test) {
            Vec::new()
        } else {
            vec![(head, EdgeKind::False)]
        };
        self.loop_body(id, head, vec![(head, EdgeKind::True)], body, done, orelse)
    }

    fn loop_body(
        &mut self,
        id: StmtId,
        head: NodeIndex,
        into: Dangling,
        body: &Block,
        done: Dangling,
        orelse: &Block,
    ) -> Dangling {
        let start = self.node(Node::LoopBody(id), into);
        self.points.entry(id).or_default().body.push(start);
        let after = self.graph.add_node(Node::After(id));
        self.frames.push(Frame::Loop { head, after });
        let end = self.block(body, normal(start));
        self.jump(end, Jump::Continue);
        self.frames.pop();
        let end = self.block(orelse, done);
        self.connect(end, after);
        self.ends(id, after);
        normal(after)
    }

    fn is_always_true(&self, test: ExprId) -> bool {
        match &self.tree.expr(test).kind {
            ExprKind::True => true,
            ExprKind::Int(digits) => digits.bytes().any(|digit| digit != b'0'),
            _ => false,
        }
    }

    fn with_statement(
        &mut self,
        id: StmtId,
        items: &[WithItem],
        body: &Block,
        from: Dangling,
    ) -> Dangling {
        let mut from = from;
        for index in 0..items.len() {
            let enter = self.raising(Node::Enter(id, index as u32), from);
            if index == 0 {
                self.begins(id, enter);
                self.frames.push(Cleanup::frame(Node::Leave(id), false));
                // The target is assigned inside: an exception there reaches `__exit__` too.
                self.may_raise(enter);
            }
            from = normal(enter);
        }
        let end = self.block(body, from);
        let suppresses = items
            .iter()
            .any(|item| may_suppress(self.tree, self.semantics, item.context));
        let swallowed = std::cell::RefCell::new(Vec::new());
        let mut ends = self.clean_up(end, |builder, leave, jump| {
            builder.may_raise(leave);
            if jump == Jump::Exception && suppresses {
                swallowed.borrow_mut().extend(normal(leave));
            }
            normal(leave)
        });
        ends.extend(swallowed.into_inner());
        self.after(id, ends)
    }

    fn match_statement(&mut self, id: StmtId, cases: &[MatchCase], from: Dangling) -> Dangling {
        let subject = self.raising(Node::Subject(id), from);
        self.begins(id, subject);
        let mut next = normal(subject);
        let mut ends = Vec::new();
        for (index, case) in cases.iter().enumerate() {
            let index = index as u32;
            let test = self.raising(Node::Case(id, index), next);
            next = Vec::new();
            if !self.is_irrefutable(case.pattern) {
                next.push((test, EdgeKind::False));
            }
            let capture = self.raising(Node::Capture(id, index), vec![(test, EdgeKind::True)]);
            let mut into = normal(capture);
            if case.guard.is_some() {
                let guard = self.raising(Node::Guard(id, index), into);
                next.push((guard, EdgeKind::False));
                into = vec![(guard, EdgeKind::True)];
            }
            ends.extend(self.block(&case.body, into));
        }
        ends.extend(next);
        self.after(id, ends)
    }

    fn is_irrefutable(&self, pattern: PatternId) -> bool {
        match &self.tree.pattern(pattern).kind {
            PatternKind::As { pattern, .. } => {
                pattern.is_none_or(|inner| self.is_irrefutable(inner))
            }
            PatternKind::Or(patterns) => patterns.iter().any(|inner| self.is_irrefutable(*inner)),
            PatternKind::Value(_)
            | PatternKind::Sequence(_)
            | PatternKind::Mapping { .. }
            | PatternKind::Class { .. }
            | PatternKind::Star(_) => false,
        }
    }

    fn try_statement(
        &mut self,
        id: StmtId,
        [body, orelse, finalbody]: [&Block; 3],
        handlers: &[ExceptHandler],
        is_star: bool,
        from: Dangling,
    ) -> Dangling {
        let start = self.node(Node::Statement(id), from);
        self.begins(id, start);
        if !finalbody.is_empty() {
            let shared = self.copies >= COPY_DEPTH;
            self.frames.push(Cleanup::frame(Node::Finally(id), shared));
        }
        let mut ends = if handlers.is_empty() {
            self.block(body, normal(start))
        } else {
            let dispatch = self.graph.add_node(Node::Handlers(id));
            self.frames.push(Frame::Handlers { dispatch });
            let end = self.block(body, normal(start));
            self.frames.pop();
            let mut ends = self.block(orelse, end);
            ends.extend(self.handlers(id, dispatch, handlers, is_star));
            ends
        };
        if handlers.is_empty() {
            ends = self.block(orelse, ends);
        }
        if !finalbody.is_empty() {
            ends = self.clean_up(ends, |builder, entry, _| {
                builder.copies += 1;
                let end = builder.block(finalbody, normal(entry));
                builder.copies -= 1;
                end
            });
        }
        self.after(id, ends)
    }

    fn handlers(
        &mut self,
        id: StmtId,
        dispatch: NodeIndex,
        handlers: &[ExceptHandler],
        is_star: bool,
    ) -> Dangling {
        let mut next = normal(dispatch);
        let mut ends = Vec::new();
        for (index, handler) in handlers.iter().enumerate() {
            let index = index as u32;
            let test = self.raising(Node::Handler(id, index), next);
            let caught = self.handler(id, index, handler, vec![(test, EdgeKind::True)]);
            next = if self.catches_all(handler.exception) {
                Vec::new()
            } else {
                vec![(test, EdgeKind::False)]
            };
            if is_star {
                next.extend(caught.iter().copied());
            }
            ends.extend(caught);
        }
        if !next.is_empty() {
            self.jump(next, Jump::Exception);
        }
        ends
    }

    /// The body of a handler; its name is unbound on every way out.
    fn handler(
        &mut self,
        id: StmtId,
        index: u32,
        handler: &ExceptHandler,
        from: Dangling,
    ) -> Dangling {
        if handler.name.is_none() {
            return self.block(&handler.body, from);
        }
        let caught = self.node(Node::Caught(id, index), from);
        self.frames
            .push(Cleanup::frame(Node::Unbind(id, index), false));
        let end = self.block(&handler.body, normal(caught));
        self.clean_up(end, |_, unbind, _| normal(unbind))
    }

    fn catches_all(&self, exception: Option<ExprId>) -> bool {
        exception.is_none_or(|exception| {
            self.semantics.qualified(exception).as_deref() == Some("builtins.BaseException")
        })
    }
}
