//! `florc du`: what each run takes on disk.
//!
//! ```python
//! # run                  name   checkpoints  state     on disk  …  total
//! # 20260131-170405-…    first  9            954.0 MB  71.2 MB     71.9 MB
//! ```
//!
//! Runs share nothing, so the total of a run is what removing it frees. Removes nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use florc_runtime::{RunHandle, Usage, bytes_below, rubbish};
use serde_json::json;

use crate::args::{DuArgs, TextFormat};
use crate::failure::Failure;
use crate::listing::Opened;
use crate::{DONE, listing, out, replays, table};

/// What a run takes, with what was replayed of it.
pub(crate) struct Line {
    pub(crate) run: String,
    pub(crate) name: Option<String>,
    pub(crate) usage: Usage,
    pub(crate) replays: u64,
}

impl Line {
    /// What is free when it is removed.
    pub(crate) fn total(&self) -> u64 {
        self.usage.records + self.usage.checkpoints + self.replays
    }
}

/// Shows what runs take, oldest first.
pub(crate) fn du(args: &DuArgs) -> Result<i32, Failure> {
    let opened = listing::open_here()?;
    let mut lines = Vec::new();
    let of_replays = replays::bytes_by_run(&opened.folder);
    for run in opened.store.runs()? {
        match line(&run, &of_replays) {
            Ok(line) => lines.push(line),
            Err(failure) => out::warning(&format!("run {}: {}", run.id(), failure.title)),
        }
    }
    let rubbish: u64 = rubbish(&opened.store, &[])?.iter().map(|it| it.bytes).sum();
    let total = bytes_below(&opened.folder);
    match args.format {
        TextFormat::Json => out::json(&json!({
            "runs": lines.iter().map(as_json).collect::<Vec<_>>(),
            "rubbish": rubbish,
            "total": total,
        }))?,
        TextFormat::Text => out::text(&as_text(&opened, &lines, rubbish, total))?,
    }
    Ok(DONE)
}

/// What a run takes.
pub(crate) fn line(run: &RunHandle, replays: &BTreeMap<String, u64>) -> Result<Line, Failure> {
    Ok(Line {
        run: run.id().to_owned(),
        name: run.manifest().ok().and_then(|manifest| manifest.name),
        usage: run.usage()?,
        replays: replays.get(run.id()).copied().unwrap_or_default(),
    })
}

fn as_json(line: &Line) -> serde_json::Value {
    json!({
        "run": line.run,
        "name": line.name,
        "checkpoints": line.usage.count,
        "state_bytes": line.usage.state,
        "checkpoint_bytes": line.usage.checkpoints,
        "shared_bytes": line.usage.shared,
        "record_bytes": line.usage.records,
        "replay_bytes": line.replays,
        "total_bytes": line.total(),
    })
}

fn as_text(opened: &Opened, lines: &[Line], rubbish: u64, total: u64) -> String {
    let header = [
        "run",
        "name",
        "checkpoints",
        "state",
        "on disk",
        "shared",
        "records",
        "replays",
        "total",
    ];
    let row = |line: &Line| {
        vec![
            line.run.clone(),
            line.name.clone().unwrap_or_else(|| "-".to_owned()),
            line.usage.count.to_string(),
            table::bytes(line.usage.state),
            table::bytes(line.usage.checkpoints),
            table::bytes(line.usage.shared),
            table::bytes(line.usage.records),
            table::bytes(line.replays),
            table::bytes(line.total()),
        ]
    };
    let mut text = String::new();
    if !lines.is_empty() {
        text = table::table(&header, &lines.iter().map(row).collect::<Vec<_>>());
        text.push('\n');
    }
    let runs = table::count(lines.len(), "run");
    let total = table::bytes(total);
    let _ = writeln!(text, "{runs}, {total} in `{}`", opened.folder.display());
    if rubbish > 0 {
        let bytes = table::bytes(rubbish);
        let _ = writeln!(text, "{bytes} belong to no run: `florc gc` frees them");
    }
    text
}
