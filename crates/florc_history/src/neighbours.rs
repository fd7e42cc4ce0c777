//! What a new statement has to do with those around it.
//!
//! ```python
//! torch.manual_seed(0)       # a log statement in its row draws: it belongs to that
//! print(torch.rand(1))
//! from utils import norm     # `utils` was imported before: nothing runs again
//! ```

use std::collections::BTreeSet;

use florc_syntax::tree::{StmtId, StmtKind};

use crate::classify::{Version, holds_log};

/// Whether another new statement reads what `stmt` binds, or a log statement comes behind it in its row of new
/// statements, which all draw from the same generators.
pub(crate) fn feeds_logs(current: Version<'_>, new: &[StmtId], stmt: StmtId) -> bool {
    let tree = &current.module.tree;
    let bound = current.semantics.assigned_in(&[stmt]);
    let reads = |other: &StmtId| {
        let mut names = tree
            .exprs_in(*other)
            .filter_map(|it| current.semantics.variable(it));
        *other != stmt && names.any(|it| bound.contains(&it))
    };
    let suite = match tree.parent(stmt) {
        Some(parent) => tree.blocks(parent),
        None => tree.bodies().collect(),
    };
    let mut row = suite.into_iter().filter_map(|suite| {
        let at = suite.iter().position(|it| *it == stmt)?;
        Some(suite[at..].iter().take_while(|it| new.contains(it)))
    });
    new.iter().any(reads) || row.any(|mut row| row.any(|it| holds_log(current, *it)))
}

/// Whether it imports only files that a recorded statement before it in its suite has imported: they do not run again.
pub(crate) fn is_imported_before(
    current: Version<'_>,
    added: &BTreeSet<StmtId>,
    stmt: StmtId,
) -> bool {
    let run_by = |stmt: StmtId| {
        let mut imports = current.semantics.imports().iter();
        imports.find(|(it, _)| *it == stmt).map(|(_, files)| files)
    };
    let Some(files) = run_by(stmt) else {
        return false;
    };
    let suite = match current.module.tree.parent(stmt) {
        Some(_) => return false,
        None => current
            .module
            .tree
            .bodies()
            .find(|body| body.contains(&stmt)),
    };
    let suite: &[StmtId] = suite.map_or(&[], Vec::as_slice);
    let at = suite.iter().position(|it| *it == stmt).unwrap_or_default();
    let is_recorded = |it: &&StmtId| !added.contains(it);
    let recorded = suite[..at].iter().filter(is_recorded);
    let ran: Vec<_> = recorded.filter_map(|it| run_by(*it)).flatten().collect();
    // or one right behind it runs the same files first
    let next = suite[at..].iter().find(is_recorded);
    let is_next = next
        .and_then(|it| run_by(*it))
        .is_some_and(|it| it.starts_with(files));
    !files.is_empty() && (is_next || files.iter().all(|it| ran.contains(&it)))
}

/// A log statement, or a condition that holds such statements only.
pub(crate) fn is_log_block(version: Version<'_>, stmt: StmtId) -> bool {
    let tree = &version.module.tree;
    match &tree.stmt(stmt).kind {
        StmtKind::Expr { value } => version.judge.is_log(*value),
        StmtKind::If { body, orelse, .. } => {
            let is_pass = |it: StmtId| matches!(tree.stmt(it).kind, StmtKind::Pass);
            let mut inside = body.iter().chain(orelse);
            inside.all(|it| is_pass(*it) || is_log_block(version, *it)) && holds_log(version, stmt)
        }
        _ => false,
    }
}
