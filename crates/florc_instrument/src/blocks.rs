//! The choice of SkipBlocks, and why a loop is not one.
//!
//! ```python
//! for epoch in range(3):
//!     for x, y in loader: ...    # a SkipBlock
//!     test(model)                # `test`'s own outermost loops are SkipBlocks too
//! ```
//!
//! A refused loop is left alone, with a diagnostic, and its inner loops are looked at instead. So is
//! one around a loop that the user wants skipped, and one that the user wants left alone. What
//! a block may change is the effect analysis' judgement; when one is skipped is decided at run time.

use std::collections::{BTreeMap, BTreeSet};

use florc_manifest::{SkipBlockSite, Uninstrumented};
use florc_semantic::{FunctionId, Loop, Resolution};
use florc_syntax::tree::{Block, ExprKind, StmtId, StmtKind};
use florc_syntax::{Diagnostic, Span};

use crate::decide::Facts;
use crate::diagnostics::{
    block_breaks_out, block_deletes_outer, block_returns, block_suspends, dynamic_names, header,
    skip_refused, skip_refused::Refusal, state_out_of_reach,
};
use crate::plan::{Plan, SkipBlock};
use crate::wishes::Wishes;
use crate::{dynamic, roots};

/// Loops of at most this many statements that call nothing and do not train cost too little.
const SMALL: usize = 3;

/// Puts the SkipBlocks into the plan, with the findings about loops that are not.
pub(crate) fn choose(facts: Facts<'_>, wishes: &Wishes, plan: &mut Plan) -> Vec<Diagnostic> {
    let mains: Vec<StmtId> = plan.main_loops.iter().map(|main| main.stmt).collect();
    let mut search = Search {
        facts,
        plan,
        wishes,
        diagnostics: Vec::new(),
        unsound: BTreeMap::new(),
    };
    let mut queue = Vec::new();
    for main in mains {
        if let StmtKind::For { body, .. } | StmtKind::While { body, .. } =
            &facts.module.tree.stmt(main).kind
        {
            queue.extend(search.region(body));
        }
    }
    let mut seen = BTreeSet::new();
    while let Some(function) = queue.pop() {
        if seen.insert(function) {
            queue.extend(search.region(facts.body_of(function)));
        }
    }
    let (mut diagnostics, unsound) = (search.diagnostics, search.unsound);
    let start = |stmt: StmtId| facts.module.tree.stmt(stmt).span.start;
    plan.skip_blocks.sort_by_key(|block| start(block.stmt));
    diagnostics.extend(refused(facts, wishes, plan, &unsound));
    diagnostics
}

/// Loops that should be SkipBlocks and are not.
fn refused(
    facts: Facts<'_>,
    wishes: &Wishes,
    plan: &Plan,
    unsound: &BTreeMap<StmtId, Diagnostic>,
) -> Vec<Diagnostic> {
    let blocks = &plan.skip_blocks;
    let missing = wishes.skip.iter();
    let missing = missing.filter(|(stmt, _)| blocks.iter().all(|block| block.stmt != **stmt));
    let reports = missing.map(|(stmt, asked)| {
        let why = if plan.is_main_loop(*stmt) {
            Refusal::IsMainLoop
        } else if let Some(finding) = unsound.get(stmt) {
            Refusal::Unsound(Box::new(finding.clone()))
        } else if let Some(around) = blocks.iter().find(|block| holds(facts, block.stmt, *stmt)) {
            Refusal::InsideBlock(header(facts.module, around.stmt))
        } else {
            Refusal::OutsideMainLoop
        };
        skip_refused::report(facts.module, *stmt, *asked, &why)
    });
    reports.collect()
}

/// Whether a loop runs inside another one, lexically or through calls.
fn holds(facts: Facts<'_>, outer: StmtId, inner: StmtId) -> bool {
    let tree = &facts.module.tree;
    let function = facts.semantics.function_of_stmt(inner);
    outer != inner
        && (tree.stmt(outer).span.contains_span(tree.stmt(inner).span)
            || function != facts.semantics.function_of_stmt(outer)
                && facts.called_from(&[outer]).contains(&function))
}

struct Search<'a, 'b> {
    facts: Facts<'a>,
    plan: &'b mut Plan,
    wishes: &'b Wishes,
    diagnostics: Vec<Diagnostic>,
    /// Why loops that should be blocks are none.
    unsound: BTreeMap<StmtId, Diagnostic>,
}

impl Search<'_, '_> {
    /// Chooses among the outermost loops of `stmts`; gives the functions that are called outside
    /// of the chosen ones.
    fn region(&mut self, stmts: &[StmtId]) -> Vec<FunctionId> {
        let mut chosen = Vec::new();
        self.suite(stmts, &mut chosen);
        let facts = self.facts;
        let tree = &facts.module.tree;
        let calls = facts.semantics.calls().iter().filter(|call| {
            let span = tree.expr(call.expr).span;
            let within = |stmt: &StmtId| tree.stmt(*stmt).span.contains_span(span);
            stmts.iter().any(within) && !chosen.iter().any(within)
        });
        calls
            .filter_map(|call| match &call.callee {
                florc_semantic::Callee::Functions(functions) => Some(functions.clone()),
                _ => None,
            })
            .flatten()
            .collect()
    }

    fn suite(&mut self, stmts: &[StmtId], chosen: &mut Vec<StmtId>) {
        for stmt in stmts {
            match &self.facts.module.tree.stmt(*stmt).kind {
                StmtKind::FunctionDef(_) | StmtKind::ClassDef(_) => {}
                StmtKind::For { .. } | StmtKind::While { .. } if !self.plan.is_main_loop(*stmt) => {
                    self.candidate(*stmt, chosen);
                }
                _ => self.inner(*stmt, chosen),
            }
        }
    }

    fn inner(&mut self, stmt: StmtId, chosen: &mut Vec<StmtId>) {
        let facts = self.facts;
        for block in facts.module.tree.blocks(stmt) {
            self.suite(block, chosen);
        }
    }

    fn candidate(&mut self, stmt: StmtId, chosen: &mut Vec<StmtId>) {
        let facts = self.facts;
        let Some(each) = facts.semantics.loops.iter().find(|each| each.stmt == stmt) else {
            return self.inner(stmt, chosen);
        };
        let wanted = self.wishes.skip.contains_key(&stmt);
        if self.wishes.no_skip.contains(&stmt) {
            let (code, reason) = ("no-skip", "a comment or a setting asks to leave it alone");
            self.leave(each, code, reason);
            return self.inner(stmt, chosen);
        }
        let holds_wanted = |inner: &StmtId| holds(facts, stmt, *inner);
        if !wanted && self.wishes.skip.keys().any(holds_wanted) {
            return self.inner(stmt, chosen);
        }
        if !wanted && is_small(facts, stmt) {
            return;
        }
        match block(facts, each, self.plan) {
            Ok(block) => {
                chosen.push(stmt);
                self.plan.skip_blocks.push(block);
            }
            Err(finding) => {
                self.leave(each, finding.code, &finding.title);
                if wanted {
                    self.unsound.insert(stmt, finding);
                } else {
                    self.diagnostics.push(finding);
                }
                self.inner(stmt, chosen);
            }
        }
    }

    fn leave(&mut self, each: &Loop, code: &str, reason: &str) {
        self.plan.uninstrumented.push(Uninstrumented {
            id: self.facts.loop_id(each),
            span: self.facts.stmt_span(each.stmt),
            code: code.to_owned(),
            reason: reason.to_owned(),
        });
    }
}

/// The block of a loop, or why it is none.
fn block(facts: Facts<'_>, each: &Loop, plan: &Plan) -> Result<SkipBlock, Diagnostic> {
    let stmt = each.stmt;
    if let Some(finding) = obstacle(facts, each) {
        return Err(finding);
    }
    let end = roots::at_end(facts, each);
    if let Some(found) = end.out_of_reach {
        return Err(state_out_of_reach::report(facts.module, stmt, found, false));
    }
    let site = SkipBlockSite {
        id: facts.loop_id(each),
        function: facts.semantics.function(each.function).qualname.clone(),
        span: facts.stmt_span(stmt),
        roots: end.roots,
        passed: end.passed,
        restore_arguments: end.restore_arguments,
        restore_results: end.returned,
        has_logs: facts.may_log(&[stmt], &plan.logs),
        writes: facts.may_write(stmt, &plan.logs),
        redirected: facts.redirects_output() && facts.may_log(&[stmt], &plan.logs),
        differentiated: false, // asked in a replay
    };
    Ok(SkipBlock { stmt, site })
}

fn obstacle(facts: Facts<'_>, each: &Loop) -> Option<Diagnostic> {
    let (module, stmt) = (facts.module, each.stmt);
    let function = facts.semantics.function(each.function);
    if facts.suspends(each.function) {
        return Some(block_suspends::report(module, stmt, &function.qualname));
    }
    if let Some(at) = returns(facts, stmt) {
        return Some(block_returns::report(module, stmt, at));
    }
    if let Some(at) = breaks_out(facts, stmt) {
        return Some(block_breaks_out::report(module, stmt, at));
    }
    if let Some((at, name)) = deletes_outer(facts, each) {
        return Some(block_deletes_outer::report(module, stmt, at, &name));
    }
    let (at, callee) = dynamic::find(facts, &[stmt])?;
    Some(dynamic_names::report(module, stmt, at, &callee, false))
}

fn returns(facts: Facts<'_>, stmt: StmtId) -> Option<Span> {
    let tree = &facts.module.tree;
    let own = facts.own_stmts(stmt);
    let at = own
        .iter()
        .find(|inner| matches!(tree.stmt(**inner).kind, StmtKind::Return { .. }))?;
    Some(tree.stmt(*at).span)
}

/// A `break` or `continue` in the `else` clause of a loop belongs to a loop around it.
fn breaks_out(facts: Facts<'_>, stmt: StmtId) -> Option<Span> {
    match &facts.module.tree.stmt(stmt).kind {
        StmtKind::For { orelse, .. } | StmtKind::While { orelse, .. } => jump_in(facts, orelse),
        _ => None,
    }
}

fn jump_in(facts: Facts<'_>, block: &Block) -> Option<Span> {
    let tree = &facts.module.tree;
    block.iter().find_map(|stmt| match &tree.stmt(*stmt).kind {
        StmtKind::Break | StmtKind::Continue => Some(tree.stmt(*stmt).span),
        StmtKind::FunctionDef(_) | StmtKind::ClassDef(_) => None,
        StmtKind::For { .. } | StmtKind::While { .. } => breaks_out(facts, *stmt),
        _ => tree
            .blocks(*stmt)
            .into_iter()
            .find_map(|inner| jump_in(facts, inner)),
    })
}

fn deletes_outer(facts: Facts<'_>, each: &Loop) -> Option<(Span, String)> {
    let tree = &facts.module.tree;
    let scope = facts.semantics.function(each.function).scope;
    for stmt in facts.own_stmts(each.stmt) {
        let StmtKind::Delete { targets } = &tree.stmt(stmt).kind else {
            continue;
        };
        for target in targets.iter().flat_map(|target| tree.all_exprs(*target)) {
            let ExprKind::Name(name) = &tree.expr(target).kind else {
                continue;
            };
            let direct = targets.contains(&target)
                || tree.expr_parent(target).is_some_and(|parent| {
                    matches!(
                        tree.expr(parent).kind,
                        ExprKind::Tuple { .. } | ExprKind::List { .. }
                    )
                });
            let outer = match facts.semantics.resolve(target) {
                Resolution::Binding(binding) => facts.semantics.binding(binding).scope != scope,
                _ => false,
            };
            if direct && outer {
                return Some((tree.stmt(stmt).span, name.clone()));
            }
        }
    }
    None
}

/// Skipping such a loop would cost more than running it.
fn is_small(facts: Facts<'_>, stmt: StmtId) -> bool {
    let tree = &facts.module.tree;
    let own = facts.own_stmts(stmt);
    let calls = own
        .iter()
        .flat_map(|inner| tree.stmt_exprs(*inner))
        .any(|expr| {
            tree.all_exprs(expr)
                .into_iter()
                .any(|part| match &tree.expr(part).kind {
                    ExprKind::Call { func, .. } => {
                        !matches!(facts.semantics.resolve(*func), Resolution::Builtin(_))
                    }
                    _ => false,
                })
        });
    own.len() <= SMALL + 1 && !calls && !facts.effects.trains(&[stmt])
}
