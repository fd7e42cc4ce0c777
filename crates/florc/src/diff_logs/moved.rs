//! What went to another file is no difference, though its files are compared one by one.
//!
//! ```python
//! # train.py: - print(loss)       # engine.py: + print(loss)      # neither is told
//! ```
//!
//! Which statement is which is `florc_history`'s decision. Files that do not differ take no part.

use std::collections::BTreeMap;

use florc_history::{FileVersions, MovedStatement, moved_across_files};
use florc_manifest::LogSite;
use florc_syntax::tree::StmtId;
use florc_syntax::{Module, Span};

use super::file::{FileReport, LogReport, OtherReport, values};

/// Both versions of a file that was compared, with their log statements.
#[derive(Clone, Debug)]
pub(crate) struct Both {
    pub(crate) old: Module,
    pub(crate) new: Module,
    pub(crate) old_logs: Vec<LogSite>,
    pub(crate) new_logs: Vec<LogSite>,
}

type Place = (usize, StmtId);

/// Takes out what only went to another file; a log statement that was edited on the way is changed.
pub(crate) fn settle(reports: &mut [FileReport], both: &[Option<Both>]) {
    let differs = |at: &usize| !reports[*at].is_quiet() && both[*at].is_some();
    let numbers: Vec<usize> = (0..reports.len()).filter(differs).collect();
    let files: Vec<&Both> = numbers.iter().filter_map(|at| both[*at].as_ref()).collect();
    let is_lost = |report: &FileReport| {
        report.logs.iter().any(|it| it.in_old) || report.others.iter().any(|it| it.in_old)
    };
    if files.len() < 2 || !numbers.iter().any(|at| is_lost(&reports[*at])) {
        return;
    }
    let versions: Vec<FileVersions<'_>> = files
        .iter()
        .map(|it| FileVersions {
            old: &it.old,
            new: &it.new,
        })
        .collect();
    let moved = Moved::new(&moved_across_files(&versions));
    for (number, at) in numbers.iter().enumerate() {
        let report = &mut reports[*at];
        let others = &mut report.others;
        report.logs.retain_mut(|log| {
            let is_settled = moved.settles_log(log, number, &files);
            others.extend(log.holder.take().filter(|_| is_settled));
            !is_settled
        });
        report.others.sort_by_key(|it| (it.line, it.in_old));
        report.others.dedup_by_key(|it| (it.in_old, it.stmt));
        report.others.retain(|other| !moved.settles(other, number));
    }
}

/// What moved, by either end.
struct Moved {
    from: BTreeMap<Place, MovedStatement>,
    to: BTreeMap<Place, MovedStatement>,
}

impl Moved {
    fn new(moved: &[MovedStatement]) -> Self {
        Self {
            from: moved.iter().map(|it| (it.from, *it)).collect(),
            to: moved.iter().map(|it| (it.to, *it)).collect(),
        }
    }

    /// Whether a log statement is told no more.
    fn settles_log(&self, log: &mut LogReport, file: usize, files: &[&Both]) -> bool {
        let place = (file, log.stmt);
        let ends = if log.in_old { &self.from } else { &self.to };
        let Some(moved) = ends.get(&place).filter(|_| log.change != "changed") else {
            return false;
        };
        let (from, to) = (files[moved.from.0], files[moved.to.0]);
        let was = logged(&from.old, &from.old_logs, moved.from.1);
        let is = logged(&to.new, &to.new_logs, moved.to.1);
        if was.is_empty() || is.is_empty() {
            return false;
        }
        if !log.in_old && !moved.is_same {
            let before: Vec<String> = was.into_iter().flat_map(values).collect();
            log.change = "changed";
            log.new_values.retain(|it| !before.contains(it));
            return false;
        }
        true
    }

    /// Whether another change is only a move.
    fn settles(&self, other: &OtherReport, file: usize) -> bool {
        let ends = match other.change {
            "removed" => &self.from,
            "added" => &self.to,
            _ => return false,
        };
        ends.get(&(file, other.stmt)).is_some_and(|it| it.is_same)
    }
}

/// The log calls in a statement.
fn logged<'a>(module: &Module, logs: &'a [LogSite], stmt: StmtId) -> Vec<&'a LogSite> {
    let span = module.tree.stmt(stmt).span;
    let inside = |it: &&LogSite| span.contains_span(Span::new(it.span.start, it.span.end));
    logs.iter().filter(inside).collect()
}
