//! Carries places of the recorded source to the current one.
//!
//! ```python
//! print(loss)          # recorded: log site 0
//! print(norm)          # current: site 0 is a probe …
//! print(loss)          # … and site 1 is the recorded site 0
//! ```
//!
//! Works on the alignment of statements; it does not compare anything itself.

use std::collections::BTreeMap;

use florc_manifest::SourceSpan;
use florc_syntax::tree::StmtId;
use florc_syntax::{Module, Span};

use crate::diff::SourceDiff;
use crate::shape::suites;

/// For each site of the current version, the index of the same site in the recorded version.
pub type SiteMap = Vec<Option<u32>>;

/// Pairs sites (log statements, clock reads) of both versions: the i-th of a statement is the
/// i-th of the statement it is matched with.
pub fn align_sites(
    recorded: (&Module, &[SourceSpan]),
    current: (&Module, &[SourceSpan]),
    diff: &SourceDiff,
) -> SiteMap {
    let old = by_statement(recorded.0, recorded.1);
    let new = by_statement(current.0, current.1);
    let mut map = vec![None; current.1.len()];
    for (ours, sites) in &old {
        let Some(theirs) = diff.matches.get(ours) else {
            continue;
        };
        let Some(partners) = new.get(theirs) else {
            continue;
        };
        for (&site, &partner) in sites.iter().zip(partners) {
            map[partner] = Some(site as u32);
        }
    }
    map
}

/// The statement of the current version that is the recorded one at `span`.
pub fn span_in_current(
    recorded: &Module,
    current: &Module,
    diff: &SourceDiff,
    span: &SourceSpan,
) -> Option<(StmtId, Span)> {
    let ours = statement_at(recorded, global(recorded, span)?)?;
    let theirs = *diff.matches.get(&ours)?;
    Some((theirs, current.tree.stmt(theirs).span))
}

/// A place of a manifest in the text of the whole program.
fn global(module: &Module, span: &SourceSpan) -> Option<Span> {
    let inside = Span::new(span.start, span.end);
    module.source.global(&span.file, inside)
}

/// The statement with exactly this span.
pub fn statement_at(module: &Module, span: Span) -> Option<StmtId> {
    (0..module.tree.stmt_count() as u32)
        .map(StmtId)
        .find(|id| module.tree.stmt(*id).span == span)
}

fn by_statement(module: &Module, spans: &[SourceSpan]) -> BTreeMap<StmtId, Vec<usize>> {
    let mut map: BTreeMap<StmtId, Vec<usize>> = BTreeMap::new();
    let places = spans.iter().enumerate();
    let mut order: Vec<(u32, usize)> = places
        .filter_map(|(site, span)| Some((global(module, span)?.start, site)))
        .collect();
    order.sort_unstable();
    for (start, site) in order {
        if let Some(stmt) = innermost(module, start) {
            map.entry(stmt).or_default().push(site);
        }
    }
    map
}

/// The top-level statements of the file that holds an offset.
pub(crate) fn body_at(module: &Module, offset: u32) -> &[StmtId] {
    let file = module.source.file_of(offset).start;
    let mut files = module.source.files().iter().zip(module.tree.bodies());
    files
        .find(|(info, _)| info.start == file)
        .map_or(&[], |(_, body)| body.as_slice())
}

/// The innermost statement that holds an offset.
pub fn innermost(module: &Module, offset: u32) -> Option<StmtId> {
    let holds = |id: &&StmtId| {
        let span = module.tree.stmt(**id).span;
        span.start <= offset && offset < span.end
    };
    let mut found = None;
    let mut suite = vec![body_at(module, offset)];
    while let Some(stmt) = suite.iter().flat_map(|block| block.iter()).find(holds) {
        found = Some(*stmt);
        let inner = suites(&module.tree.stmt(*stmt).kind);
        suite = inner.into_iter().map(Vec::as_slice).collect();
    }
    found
}
