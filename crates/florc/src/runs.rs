//! `florc runs`: what was recorded here.
//!
//! ```python
//! # 20260131-170405-1f3a  first  train.py  finished  8 iterations
//! ```
//!
//! One line a run; `florc show` tells more.

use serde_json::{Value, json};

use crate::args::{RunsArgs, TextFormat};
use crate::facts::RunFacts;
use crate::failure::Failure;
use crate::{DONE, listing, out, table};

/// Lists the runs, oldest first. A run that cannot be read is named, the others are shown.
pub(crate) fn runs(args: &RunsArgs) -> Result<i32, Failure> {
    let opened = listing::open_here()?;
    let mut found = Vec::new();
    for handle in opened.store.runs()? {
        match RunFacts::read(&handle) {
            Ok(facts) => found.push((facts, bytes_of(&handle))),
            Err(failure) => out::warning(&format!("run {}: {}", handle.id(), failure.title)),
        }
    }
    match args.format {
        TextFormat::Json => {
            out::json(&Value::Array(
                found
                    .iter()
                    .map(|(facts, bytes)| entry(facts, *bytes))
                    .collect(),
            ))?;
        }
        TextFormat::Text if found.is_empty() => {
            out::text("no runs yet; record one with `florc run SCRIPT`\n")?;
        }
        TextFormat::Text => out::text(&lines(&found))?,
    }
    Ok(DONE)
}

/// Bytes of a run's checkpoints on disk.
pub(crate) fn bytes_of(handle: &florc_runtime::RunHandle) -> u64 {
    let entries = std::fs::read_dir(handle.packs())
        .into_iter()
        .flatten()
        .flatten();
    entries
        .filter_map(|entry| entry.metadata().ok())
        .map(|data| data.len())
        .sum()
}

/// A run as JSON: what `florc show` and `florc runs` have in common.
pub(crate) fn entry(facts: &RunFacts, bytes: u64) -> Value {
    let manifest = &facts.manifest;
    json!({
        "run": manifest.run,
        "parent": manifest.parent,
        "name": manifest.name,
        "script": manifest.script,
        "argv": manifest.argv,
        "started": manifest.started,
        "seconds": facts.seconds(),
        "outcome": facts.outcome(),
        "ranks": manifest.world_size(),
        "iterations": facts.iterations.len(),
        "checkpoints": facts.checkpoints.len(),
        "checkpoint_bytes": bytes,
        "rows": facts.rows.len(),
        "overhead": overhead(facts),
        "overhead_bound": manifest.overhead_bound,
    })
}

/// Time spent for florc as a fraction of the rest, once the run has ended.
pub(crate) fn overhead(facts: &RunFacts) -> Option<f64> {
    let ended = facts.ended.as_ref()?;
    let own = ended.seconds - ended.florc_seconds;
    (own > 0.0).then(|| ended.florc_seconds / own)
}

/// `from 20260131-170405-1f3a at epoch=7`.
pub(crate) fn forked(parent: &florc_manifest::Parent) -> String {
    format!(
        "from {} at {}={}",
        parent.run, parent.label, parent.position
    )
}

fn lines(found: &[(RunFacts, u64)]) -> String {
    let header = [
        "run",
        "name",
        "script",
        "started (UTC)",
        "time",
        "iterations",
        "checkpoints",
        "outcome",
    ];
    let row = |(facts, bytes): &(RunFacts, u64)| {
        let manifest = &facts.manifest;
        vec![
            manifest.run.clone(),
            manifest.name.clone().unwrap_or_else(|| "-".to_owned()),
            match &manifest.parent {
                None => manifest.script.clone(),
                Some(parent) => format!("{} ({})", manifest.script, forked(parent)),
            },
            table::moment(manifest.started),
            table::seconds(facts.seconds()),
            facts.iterations.len().to_string(),
            format!("{} ({})", facts.checkpoints.len(), table::bytes(*bytes)),
            facts.outcome(),
        ]
    };
    table::table(&header, &found.iter().map(row).collect::<Vec<_>>())
}
