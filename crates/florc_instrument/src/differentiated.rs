//! Blocks whose results may be differentiated after them.
//!
//! ```python
//! for epoch in range(5):
//!     for part in parts:             # a checkpoint of its end holds the value of `total`, but not how it came about
//!         total = total + loss(part)
//!     total.backward()               # needs that
//! ```
//!
//! Over-approximates; whether a state holds such a value is seen when it is there.

use std::collections::BTreeSet;

use florc_semantic::{BindingId, FunctionId};
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};

use crate::decide::Facts;

/// Methods that run backward, also of what wraps a loss or an optimizer.
const METHODS: [&str; 3] = ["backward", "manual_backward", "create_graph"];
/// Functions that do, by dotted path.
const FUNCTIONS: [&str; 2] = ["torch.autograd.backward", "torch.autograd.grad"];

impl Facts<'_> {
    /// Whether what a block computes may be differentiated behind it, in an iteration of one of the main loops.
    pub(crate) fn may_differentiate_after(&self, block: StmtId, main_loops: &[StmtId]) -> bool {
        let tree = &self.module.tree;
        let inside: BTreeSet<StmtId> = tree.descendants(block).collect();
        let all = (0..tree.stmt_count() as u32).map(StmtId);
        let outside = all.filter(|stmt| !inside.contains(stmt));
        let backward: BTreeSet<StmtId> = outside.filter(|it| self.runs_backward(*it)).collect();
        if backward.is_empty() {
            return false;
        }
        let mut around = main_loops.iter().filter(|main| {
            let mut own = self.own_stmts(**main).into_iter();
            own.any(|it| it == block)
        });
        let Some(main) = around.next() else {
            // of a function: whoever calls it may
            return true;
        };
        let functions = backward.iter();
        let functions = functions.map(|stmt| self.semantics.function_of_stmt(*stmt));
        let flow = Flow {
            facts: *self,
            backward: &backward,
            functions: functions.collect(),
        };
        let function = self.semantics.function_of_stmt(block);
        let mut values: BTreeSet<BindingId> =
            self.semantics.assigned_in(&[block]).into_iter().collect();
        values.extend(self.effects.region(function, &[block]).mutated.keys());
        flow.reaches_backward(&self.behind(*main, block), values)
    }

    /// Statements that may run behind one in the same iteration of a main loop, in their order.
    fn behind(&self, main: StmtId, block: StmtId) -> Vec<StmtId> {
        let tree = &self.module.tree;
        let outermost = std::iter::successors(Some(block), |it| tree.parent(*it))
            .take_while(|it| *it != main)
            .filter(|it| {
                matches!(
                    tree.stmt(*it).kind,
                    StmtKind::For { .. } | StmtKind::While { .. }
                )
            })
            .last()
            .unwrap_or(block);
        let inside: BTreeSet<StmtId> = tree.descendants(block).collect();
        let start = tree.stmt(outermost).span.start;
        let own = self.own_stmts(main).into_iter();
        own.filter(|it| tree.stmt(*it).span.start > start && !inside.contains(it))
            .collect()
    }

    fn runs_backward(&self, stmt: StmtId) -> bool {
        let tree = &self.module.tree;
        let exprs = tree.stmt_exprs(stmt).into_iter();
        let mut all = exprs.flat_map(|expr| tree.all_exprs(expr));
        all.any(|expr| match &tree.expr(expr).kind {
            ExprKind::Call { func, .. } => self.is_backward(*func),
            _ => false,
        })
    }

    fn is_backward(&self, func: ExprId) -> bool {
        let path = self.semantics.qualified(func);
        let is_function = path.is_some_and(|path| FUNCTIONS.contains(&path.as_str()));
        is_function
            || matches!(&self.module.tree.expr(func).kind,
                ExprKind::Attribute { attr, .. } if METHODS.contains(&attr.text.as_str()))
    }
}

/// Where values go.
struct Flow<'a> {
    facts: Facts<'a>,
    backward: &'a BTreeSet<StmtId>,
    /// Functions that hold such statements.
    functions: BTreeSet<FunctionId>,
}

impl Flow<'_> {
    /// Whether statements take these values, or what comes of them, to one that runs backward.
    fn reaches_backward(&self, stmts: &[StmtId], mut values: BTreeSet<BindingId>) -> bool {
        // a second time: what a loop around them computes comes before them, too
        for _ in 0..2 {
            for stmt in stmts {
                if !self.reads(*stmt, &values) {
                    continue;
                }
                let is_plain = self.facts.module.tree.blocks(*stmt).is_empty();
                let reached = || self.facts.effects.may_reach(&[*stmt]);
                if self.backward.contains(stmt)
                    || is_plain && !reached().is_disjoint(&self.functions)
                {
                    return true;
                }
                values.extend(self.receives(*stmt, is_plain));
            }
        }
        false
    }

    fn reads(&self, stmt: StmtId, values: &BTreeSet<BindingId>) -> bool {
        self.names(stmt).any(|binding| values.contains(&binding))
    }

    fn names(&self, stmt: StmtId) -> impl Iterator<Item = BindingId> + '_ {
        let tree = &self.facts.module.tree;
        let exprs = tree.stmt_exprs(stmt).into_iter();
        let all = exprs.flat_map(move |expr| tree.all_exprs(expr));
        all.filter_map(|expr| self.facts.semantics.binding_of_name(expr))
    }

    /// Variables that may hold a value after a statement that reads it: what it binds, and of a call what it names,
    /// which may keep it (`losses.append(loss)`).
    fn receives(&self, stmt: StmtId, is_plain: bool) -> BTreeSet<BindingId> {
        let bound = self.facts.semantics.bound_by(stmt).iter().copied();
        let is_call = is_plain
            && matches!(
                self.facts.module.tree.stmt(stmt).kind,
                StmtKind::Expr { .. }
            );
        let named = self.names(stmt).filter(|_| is_call);
        bound.chain(named).collect()
    }
}
