//! What is true of every iteration of a main loop in which a statement runs, by the statements around it.
//!
//! ```python
//! for step in range(60000):
//!     train(batch)
//!     if step % 500 == 0:                 # a test with this outcome
//!         print("norm", norm(model))      # the statement
//!         print("loss", loss.item())      # runs as often: where the run logged it, the other one runs too
//! ```
//!
//! Says what to look for, and looks at no run.

use std::collections::BTreeSet;

use florc_semantic::{Callee, FunctionId, may_suppress};
use florc_syntax::Module;
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};

use crate::align::body_at;
use crate::classify::Version;
use crate::places::{probe_places, run_by_imports};

/// Something that is true of an iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// This statement has run.
    Before(StmtId),
    /// This statement runs, if no exception leaves the main loop.
    Behind(StmtId),
    /// This test was true, or it was not.
    Test(ExprId, bool),
}

/// A way on which an iteration comes to a statement: all that is known to be true then.
pub type Way = Vec<Sign>;

/// What the statements around an added one tell of it.
pub struct Signs<'a> {
    version: Version<'a>,
    main_loop: StmtId,
    /// Statements that the recorded program lacks, and log statements that became others.
    added: BTreeSet<StmtId>,
    by_imports: BTreeSet<FunctionId>,
    /// The function of the main loop may run again in an iteration of it.
    runs_in_itself: bool,
}

impl<'a> Signs<'a> {
    /// For the iterations of a main loop.
    pub fn new(version: Version<'a>, main_loop: StmtId, added: &[StmtId]) -> Self {
        let tree = &version.module.tree;
        let all = added.iter().flat_map(|stmt| tree.descendants(*stmt));
        let function = version.semantics.function_of_stmt(main_loop);
        let runs_in_itself = !version.semantics.is_module(function)
            && version.judge.may_reach(&[main_loop]).contains(&function);
        Self {
            version,
            main_loop,
            added: all.collect(),
            by_imports: run_by_imports(version),
            runs_in_itself,
        }
    }

    /// All ways to an added statement in an iteration; none: it does not run in one.
    pub fn ways(&self, stmt: StmtId) -> Vec<Way> {
        let places = probe_places(self.version, &[self.main_loop], &[stmt]);
        if !places.inside {
            return Vec::new();
        }
        if let Some(way) = self.way_up(stmt) {
            return vec![way];
        }
        let mut search = Callers {
            signs: self,
            path: Vec::new(),
            ways: Vec::new(),
        };
        let function = self.version.semantics.function_of_stmt(stmt);
        search.calls_of(function, &self.in_function(stmt, function));
        if search.ways.is_empty() {
            // no call of it is seen, and it may run all the same
            search.ways.push(Way::new());
        }
        search.ways
    }

    /// Whether a statement stands in the body of the main loop.
    pub fn is_inside(&self, stmt: StmtId) -> bool {
        self.way_up(stmt).is_some()
    }

    /// From a statement in the main loop up to its body. `None`: it does not stand there.
    fn way_up(&self, stmt: StmtId) -> Option<Way> {
        let Version {
            module, semantics, ..
        } = self.version;
        let tree = &module.tree;
        if semantics.function_of_stmt(stmt) != semantics.function_of_stmt(self.main_loop) {
            return None;
        }
        let (mut way, mut behind) = (Way::new(), Way::new());
        let mut at = stmt;
        loop {
            let parent = tree.parent(at)?;
            let suite = self.suite(parent, at)?;
            self.beside(suite, at, &mut way, &mut behind);
            if parent == self.main_loop {
                way.append(&mut behind);
                if self.runs_in_itself {
                    // what stands before it has run in the same turn of the loop, and no more is known
                    way.retain(|sign| matches!(sign, Sign::Before(_)));
                }
                return (suite == self.loop_body()).then_some(way);
            }
            match &tree.stmt(parent).kind {
                StmtKind::If { test, body, .. } => {
                    way.push(Sign::Test(*test, suite == body.as_slice()));
                }
                kind if self.may_catch(kind) => behind.clear(),
                _ => {}
            }
            at = parent;
        }
    }

    /// In the function of a statement: what runs before it there.
    fn in_function(&self, stmt: StmtId, function: FunctionId) -> Way {
        let (module, semantics) = (self.version.module, self.version.semantics);
        let body = semantics.function(function);
        let mut way = Way::new();
        // What stands before it may have run in another iteration.
        if body.is_generator || body.is_async || semantics.in_class_body(stmt) {
            return way;
        }
        let mut at = stmt;
        while semantics.function_of_stmt(at) == function {
            let parent = module.tree.parent(at);
            let suite = match parent {
                Some(parent) => self.suite(parent, at),
                None => Some(body_at(module, module.tree.stmt(at).span.start)),
            };
            let Some(suite) = suite else { break };
            self.beside(suite, at, &mut way, &mut Way::new());
            let Some(parent) = parent else { break };
            if let StmtKind::If { test, body, .. } = &module.tree.stmt(parent).kind {
                way.push(Sign::Test(*test, suite == body.as_slice()));
            }
            at = parent;
        }
        way
    }

    /// Recorded statements beside one in its suite that run whenever it does.
    fn beside(&self, suite: &[StmtId], at: StmtId, before: &mut Way, behind: &mut Way) {
        let Some(place) = suite.iter().position(|it| *it == at) else {
            return;
        };
        let is_call = |stmt: &&StmtId| !self.added.contains(stmt) && self.is_call(**stmt);
        let earlier = suite[..place].iter().filter(is_call);
        before.extend(earlier.map(|it| Sign::Before(*it)));
        for (stmt, next) in suite[place..].iter().zip(&suite[place + 1..]) {
            if self.may_jump(*stmt) {
                break;
            }
            if is_call(&next) {
                behind.push(Sign::Behind(*next));
            }
        }
    }

    fn is_call(&self, stmt: StmtId) -> bool {
        let tree = &self.version.module.tree;
        matches!(tree.stmt(stmt).kind, StmtKind::Expr { value }
            if matches!(tree.expr(value).kind, ExprKind::Call { .. }))
    }

    /// Whether what follows a statement may be passed over without an exception.
    fn may_jump(&self, stmt: StmtId) -> bool {
        let tree = &self.version.module.tree;
        tree.descendants(stmt).any(|it| {
            matches!(
                tree.stmt(it).kind,
                StmtKind::Break | StmtKind::Continue | StmtKind::Return { .. }
            )
        })
    }

    /// Whether an exception may end in a statement.
    fn may_catch(&self, kind: &StmtKind) -> bool {
        let Version {
            module, semantics, ..
        } = self.version;
        match kind {
            StmtKind::Try { .. } => true,
            StmtKind::With { items, .. } => items
                .iter()
                .any(|item| may_suppress(&module.tree, semantics, item.context)),
            _ => false,
        }
    }

    fn loop_body(&self) -> &'a [StmtId] {
        match &self.version.module.tree.stmt(self.main_loop).kind {
            StmtKind::For { body, .. } | StmtKind::While { body, .. } => body,
            _ => &[],
        }
    }

    fn suite(&self, parent: StmtId, child: StmtId) -> Option<&'a [StmtId]> {
        let module: &'a Module = self.version.module;
        let mut suites = module.tree.blocks(parent).into_iter();
        let found = suites.find(|suite| suite.contains(&child));
        found.map(Vec::as_slice)
    }
}

/// A function that is called in more ways may run in any iteration.
const MOST_WAYS: usize = 64;

/// Calls of a function, of what calls it, and so on, up to the main loop.
struct Callers<'s, 'a> {
    signs: &'s Signs<'a>,
    /// Functions on the way: what calls itself was called by something else first.
    path: Vec<FunctionId>,
    ways: Vec<Way>,
}

impl Callers<'_, '_> {
    /// Ways to calls of a function. `inside`: what is known behind them.
    fn calls_of(&mut self, function: FunctionId, inside: &Way) {
        let signs = self.signs;
        let semantics = signs.version.semantics;
        let is_open = signs.runs_in_itself
            || semantics.is_module(function)
            || semantics.escaping_functions().contains(&function)
            || signs.by_imports.contains(&function);
        if is_open || self.ways.len() > MOST_WAYS {
            // whoever likes may call it, on whatever thread
            self.ways.push(Way::new());
            return;
        }
        if self.path.contains(&function) {
            return;
        }
        self.path.push(function);
        let calls = semantics.calls().iter().filter(|call| match &call.callee {
            Callee::Functions(functions) => functions.contains(&function),
            Callee::Library(_) | Callee::Method { .. } | Callee::Unknown => false,
        });
        for call in calls {
            self.call(call.expr, inside);
        }
        self.path.pop();
    }

    fn call(&mut self, call: ExprId, inside: &Way) {
        let signs = self.signs;
        let Version {
            module, semantics, ..
        } = signs.version;
        let stmt = module.tree.stmt_of(call);
        let caller = semantics.function_of_expr(call);
        let mut way = inside.clone();
        if stmt == signs.main_loop || is_put_off(module, call) || semantics.in_class_body(stmt) {
            self.ways.push(Way::new());
        } else if let Some(up) = signs.way_up(stmt) {
            way.extend(up);
            self.ways.push(way);
        } else if caller != semantics.function_of_stmt(signs.main_loop) {
            way.extend(signs.in_function(stmt, caller));
            self.calls_of(caller, &way);
        }
    }
}

/// Whether an expression is computed when somebody asks for it.
fn is_put_off(module: &Module, expr: ExprId) -> bool {
    let around = std::iter::successors(Some(expr), |it| module.tree.expr_parent(*it));
    let mut kinds = around.map(|it| &module.tree.expr(it).kind);
    kinds.any(|kind| {
        matches!(
            kind,
            ExprKind::GeneratorExp { .. } | ExprKind::Lambda { .. }
        )
    })
}
