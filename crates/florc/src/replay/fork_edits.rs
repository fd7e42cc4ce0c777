//! Edits that a fork may not show: what they make is put back as it was recorded.
//!
//! ```python
//! optimizer = SGD(net.parameters(), lr=0.5)     # edited, before the main loop: the recorded rate is in the state
//! ```

use florc_history::{CutPoints, diff_sources, probe_places};
use florc_syntax::tree::StmtId;

use super::changes::Analysed;
use super::find::{self, Subject};
use crate::failure::Failure;
use crate::out;
use crate::program::Disk;

/// Edits that are named one by one.
const NAMED: usize = 4;

/// Warns of edits that only run before the main loop. `at`: where the run is forked.
pub(super) fn warn(subject: &Subject, at: &str) -> Result<(), Failure> {
    let files = Disk::new(&subject.project.root, Vec::new());
    let sources = find::wide_sources(subject, &files)?;
    let settings = &subject.facts.manifest.settings;
    let knowledge = florc_instrument::knowledge(settings);
    let analysed = Analysed::new(&sources.current, settings)?;
    let judge = analysed.judge(&sources.current, &knowledge);
    let version = analysed.version(&sources.current, &judge);
    let cuts = CutPoints::of(version, &analysed.manifest(&sources.current, settings));
    let diff = diff_sources(&sources.recorded, &sources.current);
    let changed = diff.changed.iter().map(|(_, now)| *now);
    let runs_before_only = |stmt: &StmtId| {
        let places = probe_places(version, &cuts.main_loops, &[*stmt]);
        places.before && !places.inside && !places.after
    };
    let edits: Vec<StmtId> = changed.filter(runs_before_only).collect();
    if edits.is_empty() || cuts.main_loops.is_empty() {
        return Ok(());
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
    Ok(())
}
