//! Which added statements share what they do to random generators and modes.
//!
//! ```python
//! model.eval()                 # these three
//! print(model(batch))          # run in a row:
//! model.train()                # what is hidden is kept before the first, and put back after the last
//! step(model)                  # recorded
//! ```
//!
//! Between two rows the program was recorded: it must find everything as it was.

use florc_history::{Change, ChangeKind};
use florc_instrument::source_span;
use florc_manifest::IsolatedSite;
use florc_syntax::tree::{StmtId, Tree};

use super::find::Sources;

/// The rows in which something is to be put back.
pub(super) fn isolated(
    sources: &Sources,
    added: &[StmtId],
    changes: &[Change],
) -> Vec<IsolatedSite> {
    let tree = &sources.current.tree;
    let change_of = |stmt: StmtId| {
        let span = tree.stmt(stmt).span;
        changes
            .iter()
            .filter(|it| !matches!(it.kind, ChangeKind::Refused | ChangeKind::Named))
            .find(|it| !it.in_recorded && it.span == span)
    };
    let rows = rows(tree, added, |stmt| change_of(stmt).is_some());
    let rows = rows.iter().filter_map(|row| {
        let row: Vec<&Change> = row.iter().filter_map(|stmt| change_of(*stmt)).collect();
        let first = row.iter().position(|it| it.isolated)?;
        Some(row[first..].to_vec())
    });
    let rows: Vec<Vec<&Change>> = rows.collect();
    let sites = rows.iter().map(|row| {
        let generators = row.iter().flat_map(|it| it.generators.iter().cloned());
        let place = |change: Option<&&Change>| {
            let span = change.map(|it| it.span).unwrap_or_default();
            source_span(&sources.current, span)
        };
        let mut silent = row.iter().filter(|it| !it.logs);
        let mut logs = changes.iter().filter(|it| it.logs);
        IsolatedSite {
            span: place(row.first()),
            last: place(row.last()),
            generators: generators.collect(),
            is_seen: silent.any(|it| it.kind == ChangeKind::Unproven)
                && logs.any(|it| !row.contains(&it)),
        }
    });
    sites.collect()
}

/// Statements of those given that follow each other in a suite.
fn rows(tree: &Tree, added: &[StmtId], is_one: impl Fn(StmtId) -> bool) -> Vec<Vec<StmtId>> {
    let all = (0..tree.stmt_count() as u32).map(StmtId);
    let suites = all.flat_map(|stmt| tree.blocks(stmt));
    let mut rows = Vec::new();
    for suite in std::iter::once(&tree.body).chain(suites) {
        let mut row = Vec::new();
        for stmt in suite {
            if added.contains(stmt) && is_one(*stmt) {
                row.push(*stmt);
            } else {
                rows.push(std::mem::take(&mut row));
            }
        }
        rows.push(row);
    }
    rows.retain(|row| !row.is_empty());
    rows
}
