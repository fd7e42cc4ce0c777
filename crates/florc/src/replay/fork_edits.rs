//! Edits that a fork may not show: what they make is put back as it was recorded.
//!
//! ```python
//! optimizer = SGD(net.parameters(), lr=0.5)     # edited, before the main loop: the recorded rate is in the state
//! ```

use florc_history::{CutPoints, diff_sources, probe_places};
use florc_syntax::tree::StmtId;

use super::find::Subject;
use super::fork::Edited;
use crate::out;

/// Edits that are named one by one.
const NAMED: usize = 4;

/// Warns of edits that only run before the main loop. `at`: where the run is forked.
pub(super) fn warn(subject: &Subject, edited: &Edited, at: &str) {
    let Edited {
        sources,
        analysed,
        manifest,
    } = edited;
    let knowledge = florc_instrument::knowledge(&subject.facts.manifest.settings);
    let judge = analysed.judge(&sources.current, &knowledge);
    let version = analysed.version(&sources.current, &judge);
    let cuts = CutPoints::of(version, manifest);
    let diff = diff_sources(&sources.recorded, &sources.current);
    let changed = diff.changed.iter().map(|(_, now)| *now);
    let runs_before_only = |stmt: &StmtId| {
        let places = probe_places(version, &cuts.main_loops, &[*stmt]);
        places.before && !places.inside && !places.after
    };
    let edits: Vec<StmtId> = changed.filter(runs_before_only).collect();
    if edits.is_empty() || cuts.main_loops.is_empty() {
        return;
    }
    let source = &sources.current.source;
    let named = edits.iter().take(NAMED).map(|stmt| {
        let span = sources.current.tree.stmt(*stmt).span;
        let line = source.line_column(span.start).line;
        let text = source.slice(span).lines().next().unwrap_or_default();
        format!("\n  {}:{line}: `{text}`", source.file_of(span.start).path)
    });
    let more = edits.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("\n  … and {more} more"));
    out::warning(&format!(
        "edits before the main loop change nothing that the state at {at} holds: a learning rate that an optimizer keeps is the recorded one{}{}",
        named.collect::<String>(),
        more.unwrap_or_default()
    ));
}
