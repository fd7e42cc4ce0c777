//! What else differs between two versions: edits that take no part in a replay.
//!
//! ```python
//! lr = 0.4          # changed: was `lr = 0.5`
//! ```
//!
//! Outermost statements only, in source order. What they mean for a training is not judged here.

use std::collections::BTreeSet;

use florc_syntax::Span;
use florc_syntax::tree::StmtId;

use super::{Place, Placed, first_line, moves};
use crate::classify::Version;
use crate::matching::Matching;
use crate::names::Names;
use crate::shape::{Spelled, header_text};

/// How a statement differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// Only the newer version has it.
    Added,
    /// Only the older version has it.
    Removed,
    /// It says something else.
    Changed,
    /// It says the same with other names.
    Renamed,
    /// It says the same, and runs elsewhere or in another order.
    Moved,
    /// A log statement that only the older version has.
    LogRemoved,
}

/// A statement that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// How.
    pub kind: DifferenceKind,
    /// Whether `stmt` and `span` are of the older version.
    pub in_old: bool,
    /// The statement.
    pub stmt: StmtId,
    /// Its first line.
    pub span: Span,
    /// The statement of the older version that was changed or renamed.
    pub was: Option<StmtId>,
}

/// Everything that differs but for what is carried.
pub(super) fn differences(
    old: Version<'_>,
    new: Version<'_>,
    matching: &Matching,
    names: &Names,
    placed: &[Placed],
) -> Vec<Difference> {
    let carried: BTreeSet<StmtId> = placed.iter().map(|it| it.stmt).collect();
    let replaced: BTreeSet<StmtId> = placed
        .iter()
        .filter_map(|it| match it.place {
            Place::Instead(at) => Some(at),
            Place::After(_) | Place::Before(_) => None,
        })
        .collect();
    let mut found = Vec::new();
    let mut work: Vec<StmtId> = new.module.tree.bodies().flatten().copied().collect();
    while let Some(stmt) = work.pop() {
        if carried.contains(&stmt) {
            continue;
        }
        let one = Difference {
            kind: DifferenceKind::Added,
            in_old: false,
            stmt,
            span: first_line(new.module, stmt),
            was: matching.old_stmts.get(&stmt).copied(),
        };
        match one.was {
            _ if matching.is_same(stmt) => continue,
            Some(was) => found.extend(changed(old, new, names, was, one)),
            None => {
                found.push(one);
                if new
                    .module
                    .tree
                    .descendants(stmt)
                    .all(|it| !matching.old_stmts.contains_key(&it))
                {
                    continue;
                }
            }
        }
        work.extend(new.module.tree.blocks(stmt).into_iter().flatten());
    }
    let all = (0..old.module.tree.stmt_count() as u32).map(StmtId);
    for stmt in all.filter(|it| !matching.stmts.contains_key(it) && !replaced.contains(it)) {
        let parent = old.module.tree.parent(stmt);
        let is_outermost = parent.is_none_or(|it| matching.stmts.contains_key(&it));
        if is_outermost {
            found.push(removed(old, stmt));
        }
    }
    let told: BTreeSet<StmtId> = found
        .iter()
        .filter(|it| !it.in_old)
        .map(|it| it.stmt)
        .collect();
    let moved = moves::moved(old, new, matching).into_iter();
    found.extend(moved.filter(|it| !carried.contains(&it.stmt) && !told.contains(&it.stmt)));
    found.sort_by_key(|it| (it.span, it.in_old));
    found
}

fn changed(
    old: Version<'_>,
    new: Version<'_>,
    names: &Names,
    was: StmtId,
    one: Difference,
) -> Option<Difference> {
    let none = Spelled::new();
    if header_text(old.module, was, &none) == header_text(new.module, one.stmt, &none) {
        return None;
    }
    let renamed = names.is_renamed((old.module, was), (new.module, one.stmt));
    let kind = if renamed {
        DifferenceKind::Renamed
    } else {
        DifferenceKind::Changed
    };
    Some(Difference { kind, ..one })
}

fn removed(old: Version<'_>, stmt: StmtId) -> Difference {
    Difference {
        kind: if super::is_log(old, stmt) {
            DifferenceKind::LogRemoved
        } else {
            DifferenceKind::Removed
        },
        in_old: true,
        stmt,
        span: first_line(old.module, stmt),
        was: None,
    }
}
