//! Log statements that two versions of a program do not share.
//!
//! ```python
//! print(loss)               print(loss, accuracy)     # changed: `accuracy` is new
//!                           print(norm(model))        # added
//! ```
//!
//! By the matching of the versions, so that renamed variables, moved code and reformatting are no
//! difference. What they cost to replay is planned elsewhere.

use florc_syntax::tree::{ExprId, StmtId};

use crate::carry::{Carried, Place, carry};
use crate::classify::Version;
use crate::diff::diff_sources;
use crate::meaning::{Meaning, Meanings, Trained};
use crate::{Difference, DifferenceKind, classify};

/// How a log statement differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogChangeKind {
    /// Only the newer version has it.
    Added,
    /// It says something else.
    Changed,
    /// Only the older version has it.
    Removed,
}

/// A log call that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogChange {
    /// How.
    pub kind: LogChangeKind,
    /// Whether `stmt` and `calls` are of the older version.
    pub in_old: bool,
    /// The statement.
    pub stmt: StmtId,
    /// The log calls in it.
    pub calls: Vec<ExprId>,
    /// The log statement of the older version that it was.
    pub was: Option<StmtId>,
    /// Why it could not be put into the older version, in words.
    pub refused: Option<String>,
}

/// What two versions of a program do not share.
#[derive(Clone, Debug, Default)]
pub struct ProgramChanges {
    /// Log statements, in source order.
    pub logs: Vec<LogChange>,
    /// What each statement of `logs` would mean for a training.
    pub log_meanings: Vec<Meaning>,
    /// Everything else but what new log statements need, with what it would mean for a training.
    pub others: Vec<(Difference, Meaning)>,
}

/// Compares two versions.
pub fn program_changes(older: Trained<'_>, newer: Trained<'_>) -> ProgramChanges {
    let (old, new) = (older.version, newer.version);
    let carried = carry(old, new);
    let mut logs = added(new, &carried);
    logs.extend(in_new_code(new, &carried, &logs));
    for difference in &carried.differences {
        if difference.kind == DifferenceKind::LogRemoved {
            logs.push(LogChange {
                kind: LogChangeKind::Removed,
                in_old: true,
                stmt: difference.stmt,
                calls: calls(old, difference.stmt),
                was: None,
                refused: None,
            });
        }
    }
    logs.sort_by_key(|log| {
        let module = if log.in_old { old.module } else { new.module };
        (module.tree.stmt(log.stmt).span, log.in_old)
    });
    let told = |it: &Difference| {
        it.kind != DifferenceKind::LogRemoved
            && !logs
                .iter()
                .any(|log| !log.in_old && !it.in_old && log.stmt == it.stmt)
    };
    let changes = classify(old, new, &diff_sources(old.module, new.module), None);
    let meanings = Meanings::new(older, newer, &changes);
    let others = carried.differences.iter().copied().filter(told);
    let whole = |log: &LogChange| {
        let module = if log.in_old { old.module } else { new.module };
        Difference {
            kind: DifferenceKind::Added,
            in_old: log.in_old,
            stmt: log.stmt,
            span: module.tree.stmt(log.stmt).span,
            was: None,
        }
    };
    ProgramChanges {
        log_meanings: logs.iter().map(|log| meanings.of(&whole(log))).collect(),
        others: others.map(|it| (it, meanings.of(&it))).collect(),
        logs,
    }
}

fn added(new: Version<'_>, carried: &Carried) -> Vec<LogChange> {
    let placed = carried.placed.iter().map(|it| {
        let was = match it.place {
            Place::Instead(was) => Some(was),
            Place::After(_) | Place::Before(_) => None,
        };
        (it.stmt, was, None)
    });
    let refused = carried
        .refusals
        .iter()
        .map(|it| (it.stmt, None, Some(it.title.clone())));
    let mut found = Vec::new();
    for (stmt, was, refused) in placed.chain(refused) {
        let calls = calls(new, stmt);
        if !calls.is_empty() {
            found.push(LogChange {
                kind: if was.is_some() {
                    LogChangeKind::Changed
                } else {
                    LogChangeKind::Added
                },
                in_old: false,
                stmt,
                calls,
                was,
                refused,
            });
        }
    }
    found
}

/// Log statements in new functions and other new code, which are carried only where a probe needs
/// them.
fn in_new_code(new: Version<'_>, carried: &Carried, told: &[LogChange]) -> Vec<LogChange> {
    let tree = &new.module.tree;
    let all = (0..tree.stmt_count() as u32).map(StmtId);
    let fresh = all.filter(|stmt| {
        !carried.matching.old_stmts.contains_key(stmt) && tree.descendants(*stmt).count() == 1
    });
    let told: Vec<ExprId> = told.iter().flat_map(|log| log.calls.clone()).collect();
    let logs = fresh.map(|stmt| (stmt, calls(new, stmt)));
    logs.filter(|(_, calls)| !calls.is_empty() && !calls.iter().any(|it| told.contains(it)))
        .map(|(stmt, calls)| LogChange {
            kind: LogChangeKind::Added,
            in_old: false,
            stmt,
            calls,
            was: None,
            refused: None,
        })
        .collect()
}

/// Log calls in a statement, at any depth.
fn calls(version: Version<'_>, stmt: StmtId) -> Vec<ExprId> {
    let tree = &version.module.tree;
    tree.exprs_in(stmt)
        .filter(|expr| version.judge.is_log(*expr))
        .collect()
}
