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

use florc_semantic::{FunctionId, may_suppress};
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
}

impl<'a> Signs<'a> {
    /// For the iterations of a main loop.
    pub fn new(version: Version<'a>, main_loop: StmtId, added: &[StmtId]) -> Self {
        let tree = &version.module.tree;
        let all = added.iter().flat_map(|stmt| tree.descendants(*stmt));
        Self {
            version,
            main_loop,
            added: all.collect(),
            by_imports: run_by_imports(version),
        }
    }

    /// All ways to an added statement in an iteration; none: it does not run in one. `called`: whether its function
    /// was called from where no call of it is known.
    pub fn ways(&self, stmt: StmtId, called: bool) -> Vec<Way> {
        let places = probe_places(self.version, &[self.main_loop], &[stmt]);
        if !places.inside {
            return Vec::new();
        }
        let semantics = self.version.semantics;
        let function = semantics.function_of_stmt(stmt);
        let is_own = function == semantics.function_of_stmt(self.main_loop);
        if is_own {
            return vec![self.way_up(stmt).unwrap_or_default()];
        }
        let inside = self.in_function(stmt, function);
        let is_open = called
            || semantics.escaping_functions().contains(&function)
            || self.by_imports.contains(&function);
        let mut ways = Vec::new();
        if is_open {
            ways.push(Way::new());
        } else {
            self.calls(self.loop_body(), function, &Way::new(), &mut ways);
        }
        for way in &mut ways {
            way.extend(&inside);
        }
        ways
    }

    /// From a statement in the main loop up to its body. `None`: it does not stand there.
    fn way_up(&self, stmt: StmtId) -> Option<Way> {
        let tree = &self.version.module.tree;
        let (mut way, mut behind) = (Way::new(), Way::new());
        let mut at = stmt;
        loop {
            let parent = tree.parent(at)?;
            let suite = self.suite(parent, at)?;
            self.beside(suite, at, &mut way, &mut behind);
            if parent == self.main_loop {
                way.append(&mut behind);
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

    /// Statements of the main loop that may call a function, each with its way.
    fn calls(&self, suite: &[StmtId], function: FunctionId, way: &Way, ways: &mut Vec<Way>) {
        for &stmt in suite {
            let reached = self.version.judge.may_reach(&[stmt]);
            if !reached.contains(&function) {
                continue;
            }
            let (mut here, mut behind) = (way.clone(), Way::new());
            self.beside(suite, stmt, &mut here, &mut behind);
            here.append(&mut behind);
            let tree = &self.version.module.tree;
            match &tree.stmt(stmt).kind {
                StmtKind::If {
                    test, body, orelse, ..
                } if self.calls_nothing(*test, &reached) => {
                    for (suite, holds) in [(body, true), (orelse, false)] {
                        let mut inside = here.clone();
                        inside.push(Sign::Test(*test, holds));
                        self.calls(suite, function, &inside, ways);
                    }
                }
                _ => ways.push(here),
            }
        }
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

    /// Whether a test runs no function of the program: operators on plain names.
    fn calls_nothing(&self, test: ExprId, reached: &BTreeSet<FunctionId>) -> bool {
        let Version {
            module, semantics, ..
        } = self.version;
        let is_plain = |expr: &ExprId| {
            matches!(
                module.tree.expr(*expr).kind,
                ExprKind::Name(_)
                    | ExprKind::Int(_)
                    | ExprKind::Float(_)
                    | ExprKind::Str(_)
                    | ExprKind::True
                    | ExprKind::False
                    | ExprKind::None
                    | ExprKind::BoolOp { .. }
                    | ExprKind::UnaryOp { .. }
                    | ExprKind::BinOp { .. }
                    | ExprKind::Compare { .. }
            )
        };
        let is_operator = |function: &FunctionId| {
            let name = &semantics.function(*function).name;
            let is_special = name.starts_with("__") && name.ends_with("__");
            is_special && !matches!(name.as_str(), "__init__" | "__call__")
        };
        module.tree.all_exprs(test).iter().all(is_plain) && !reached.iter().any(is_operator)
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
