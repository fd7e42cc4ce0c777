//! Where things run, seen from the training: in the main loop, in the loop that trains, at all.
//!
//! ```python
//! for epoch in range(3):          # the main loop
//!     for x in loader:            # hot: the innermost loop that trains
//!         step(x)                 # so is all of `step`
//! ```
//!
//! Answers by place and by resolved calls; judges nothing.

use std::collections::BTreeSet;

use florc_semantic::{FunctionId, Loop};
use florc_syntax::tree::{ExprId, StmtId};
use florc_syntax::{Diagnostic, Module, Severity, Span};

use crate::decide::Facts;
use crate::plan::Plan;

/// Statements with the functions that they may call.
struct Place {
    stmt: StmtId,
    called: BTreeSet<FunctionId>,
}

/// A module as the lints see it.
pub(crate) struct Scene<'a> {
    /// What is known of it.
    pub(crate) facts: Facts<'a>,
    /// What was decided.
    pub(crate) plan: &'a Plan,
    /// Functions that the module's own code reaches, itself included.
    started: BTreeSet<FunctionId>,
    mains: Vec<Place>,
    hot: Vec<Place>,
}

impl<'a> Scene<'a> {
    /// Finds the loops.
    pub(crate) fn new(facts: Facts<'a>, plan: &'a Plan) -> Self {
        let mut started = facts.called_by(FunctionId(0));
        started.insert(FunctionId(0));
        let place = |stmt| Place {
            stmt,
            called: facts.called_from(&[stmt]),
        };
        let mains = plan
            .main_loops
            .iter()
            .map(|main| place(main.stmt))
            .collect();
        let mut scene = Self {
            facts,
            plan,
            started,
            mains,
            hot: Vec::new(),
        };
        scene.hot = scene.hot_loops().into_iter().map(place).collect();
        scene
    }

    /// The module.
    pub(crate) fn module(&self) -> &'a Module {
        self.facts.module
    }

    /// A finding.
    pub(crate) fn finding(
        &self,
        code: &'static str,
        severity: Severity,
        span: Span,
        title: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::new(code, severity, &self.module().source, span, title)
    }

    /// Where an expression stands.
    pub(crate) fn span(&self, expr: ExprId) -> Span {
        self.module().tree.expr(expr).span
    }

    /// The text of an expression on one line.
    pub(crate) fn text(&self, expr: ExprId) -> String {
        crate::columns::text(self.facts, expr)
    }

    /// Every expression of the module.
    pub(crate) fn exprs(&self) -> impl Iterator<Item = ExprId> + use<> {
        (0..self.module().tree.expr_count() as u32).map(ExprId)
    }

    /// Whether the module has a main loop, and running it as a script gets there.
    pub(crate) fn trains_as_script(&self) -> bool {
        let mut mains = self.mains.iter().map(|main| main.stmt);
        mains.any(|stmt| self.starts(self.facts.semantics.function_of_stmt(stmt)))
    }

    /// Whether running the module as a script reaches a function.
    pub(crate) fn starts(&self, function: FunctionId) -> bool {
        self.started.contains(&function)
    }

    /// Whether an expression is evaluated in iterations of the main loop.
    pub(crate) fn in_main_loop(&self, expr: ExprId) -> bool {
        self.mains.iter().any(|main| self.runs(main, expr))
    }

    /// Whether an expression is evaluated in iterations of a loop that trains and holds no other
    /// one that does.
    pub(crate) fn is_hot(&self, expr: ExprId) -> bool {
        self.hot.iter().any(|place| self.runs(place, expr))
    }

    /// The loops that train and hold no other one that does.
    pub(crate) fn hot(&self) -> impl Iterator<Item = StmtId> + '_ {
        self.hot.iter().map(|place| place.stmt)
    }

    fn runs(&self, place: &Place, expr: ExprId) -> bool {
        let around = self.module().tree.stmt(place.stmt).span;
        around.contains_span(self.span(expr))
            || place
                .called
                .contains(&self.facts.semantics.function_of_expr(expr))
    }

    fn hot_loops(&self) -> Vec<StmtId> {
        let tree = &self.module().tree;
        let loops = self.facts.semantics.loops.iter();
        let inside = |each: &Loop, main: &Place| {
            let around = tree.stmt(main.stmt).span;
            around.contains_span(tree.stmt(each.stmt).span) || main.called.contains(&each.function)
        };
        let training: Vec<&Loop> = loops
            .filter(|each| {
                self.mains.iter().any(|main| inside(each, main))
                    && self.facts.effects.trains(&[each.stmt])
            })
            .collect();
        let innermost = |outer: &&&Loop| {
            let called = self.facts.called_from(&[outer.stmt]);
            let span = tree.stmt(outer.stmt).span;
            !training.iter().any(|inner| {
                inner.stmt != outer.stmt
                    && (span.contains_span(tree.stmt(inner.stmt).span)
                        || inner.function != outer.function && called.contains(&inner.function))
            })
        };
        training
            .iter()
            .filter(innermost)
            .map(|each| each.stmt)
            .collect()
    }
}
