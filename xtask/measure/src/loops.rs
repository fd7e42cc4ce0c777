//! Every loop that trains, and what became of it.
//!
//! ```python
//! for epoch in range(9):          # exact: the main loop, and replay may start at each iteration
//!     for x, y in loader: ...     # exact: a SkipBlock
//!     if bad: return              # (a loop around this one would be `block-returns`)
//! ```
//!
//! Reads the plan and its diagnostics. Decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use florc_semantic::{Callee, FunctionId, Loop};
use florc_syntax::Span;
use florc_syntax::tree::{StmtId, StmtKind};

use crate::baseline::{self, Published};
use crate::one::Compiled;

/// Codes that forbid to start inside of the main loop.
const MAIN_CODES: [&str; 3] = [
    "main-loop-not-recreatable",
    "dynamic-names",
    "state-out-of-reach",
];

/// What kind of training loop it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Outermost, with training loops inside, lexically or through calls.
    Main,
    /// Outermost and innermost.
    Single,
    /// Inside of another one.
    Inner,
}

/// A loop that trains.
pub(crate) struct Trained {
    pub(crate) level: Level,
    /// The plan's part in it, if it is exact.
    pub(crate) exact: Option<&'static str>,
    /// Else the code of the diagnostic that is the reason.
    pub(crate) code: String,
    pub(crate) line: u32,
    pub(crate) published: Published,
}

/// All training loops of a file.
pub(crate) fn of(compiled: &Compiled) -> Vec<Trained> {
    let loops = &compiled.semantics.loops;
    let training: Vec<&Loop> = loops
        .iter()
        .filter(|each| compiled.effects.trains(&[each.stmt]))
        .collect();
    let graph = CallGraph::of(compiled);
    let view = View {
        compiled,
        graph,
        training: &training,
    };
    training.iter().map(|each| view.judge(each)).collect()
}

/// Direct calls of functions of the module.
struct CallGraph {
    calls: Vec<(Span, FunctionId, FunctionId)>,
}

impl CallGraph {
    fn of(compiled: &Compiled) -> Self {
        let mut calls = Vec::new();
        for call in compiled.semantics.calls() {
            if let Callee::Functions(functions) = &call.callee {
                let span = compiled.module.tree.expr(call.expr).span;
                calls.extend(functions.iter().map(|callee| (span, call.caller, *callee)));
            }
        }
        Self { calls }
    }

    /// Functions that run while code in `span` does.
    fn reached(&self, span: Span) -> BTreeSet<FunctionId> {
        let mut found = BTreeSet::new();
        let inside = self.calls.iter().filter(|(at, ..)| span.contains_span(*at));
        let mut queue: Vec<FunctionId> = inside.map(|(.., callee)| *callee).collect();
        while let Some(function) = queue.pop() {
            if found.insert(function) {
                let own = self
                    .calls
                    .iter()
                    .filter(|(_, caller, _)| *caller == function);
                queue.extend(own.map(|(.., callee)| *callee));
            }
        }
        found
    }
}

struct View<'a> {
    compiled: &'a Compiled,
    graph: CallGraph,
    training: &'a [&'a Loop],
}

impl View<'_> {
    fn span(&self, stmt: StmtId) -> Span {
        self.compiled.module.tree.stmt(stmt).span
    }

    /// Whether `inner` runs inside of an iteration of `outer`.
    fn holds(&self, outer: StmtId, inner: &Loop) -> bool {
        let span = self.span(outer);
        outer != inner.stmt
            && (span.contains_span(self.span(inner.stmt))
                || self.graph.reached(span).contains(&inner.function))
    }

    fn judge(&self, each: &Loop) -> Trained {
        let inner = self
            .training
            .iter()
            .any(|other| self.holds(other.stmt, each) && !self.holds(each.stmt, other));
        let around = self
            .training
            .iter()
            .any(|other| self.holds(each.stmt, other));
        let level = match (inner, around) {
            (true, _) => Level::Inner,
            (false, true) => Level::Main,
            (false, false) => Level::Single,
        };
        let exact = self.exact(each);
        let code = if exact.is_some() {
            String::new()
        } else {
            self.code(each)
        };
        Trained {
            level,
            exact,
            code,
            line: self
                .compiled
                .module
                .source
                .line_column(self.span(each.stmt).start)
                .line,
            published: baseline::judge(self.compiled, each),
        }
    }

    fn exact(&self, each: &Loop) -> Option<&'static str> {
        let plan = &self.compiled.plan;
        if let Some(main) = plan.main_loops.iter().find(|main| main.stmt == each.stmt) {
            let how = if main.site.asks {
                "main loop, what it iterates over is looked at when it begins"
            } else {
                "main loop"
            };
            return main.site.recreatable.then_some(how);
        }
        if plan.skip_blocks.iter().any(|block| block.stmt == each.stmt) {
            return Some("SkipBlock");
        }
        if plan
            .skip_blocks
            .iter()
            .any(|block| self.holds(block.stmt, each))
        {
            return Some("part of a SkipBlock");
        }
        None
    }

    fn code(&self, each: &Loop) -> String {
        let header = header(self.compiled, each.stmt);
        let own = |span: &Span| span.start == header.start;
        let is_main = self.compiled.plan.is_main_loop(each.stmt);
        let found =
            self.compiled.diagnostics.iter().find(|finding| {
                own(&finding.span) && (!is_main || MAIN_CODES.contains(&finding.code))
            });
        if let Some(finding) = found {
            return if is_main {
                format!("{} (main loop)", finding.code)
            } else {
                finding.code.to_owned()
            };
        }
        let mains = &self.compiled.plan.main_loops;
        if mains.is_empty() {
            return "no-main-loop".to_owned();
        }
        let outer = self
            .training
            .iter()
            .filter(|other| self.holds(other.stmt, each));
        let codes: BTreeMap<u32, String> = outer
            .filter(|other| !self.compiled.plan.is_main_loop(other.stmt))
            .filter_map(|other| {
                let start = header_start(self.compiled, other.stmt);
                let finding = self
                    .compiled
                    .diagnostics
                    .iter()
                    .find(|f| f.span.start == start)?;
                Some((start, format!("inside of {}", finding.code)))
            })
            .collect();
        if let Some((_, code)) = codes.into_iter().next_back() {
            return code;
        }
        if mains.iter().any(|main| self.holds(main.stmt, each)) {
            "no reason given, in the main loop".to_owned()
        } else {
            "no reason given".to_owned()
        }
    }
}

fn header_start(compiled: &Compiled, stmt: StmtId) -> u32 {
    header(compiled, stmt).start
}

fn header(compiled: &Compiled, stmt: StmtId) -> Span {
    let tree = &compiled.module.tree;
    let whole = tree.stmt(stmt).span;
    match &tree.stmt(stmt).kind {
        StmtKind::For { iter: last, .. } | StmtKind::While { test: last, .. } => {
            Span::new(whole.start, tree.expr(*last).span.end.max(whole.start))
        }
        _ => whole,
    }
}
