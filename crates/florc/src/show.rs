//! `florc show`: what was recorded of one run.
//!
//! ```python
//! # script train.py --epochs 8 … checkpoints … overhead measured … notes
//! ```
//!
//! Reads the store only.

use std::fmt::Write as _;

use florc_manifest::CheckpointRecord;
use florc_runtime::cut_text;
use serde_json::{Value, json};

use crate::args::{ShowArgs, TextFormat};
use crate::facts::RunFacts;
use crate::failure::Failure;
use crate::{DONE, listing, out, replays, runs, table};

/// Shows one run.
pub(crate) fn show(args: &ShowArgs) -> Result<i32, Failure> {
    let opened = listing::open_near(args.run.as_deref())?;
    let run = opened.find(args.run.as_deref())?;
    let facts = run.facts()?;
    let bytes = runs::bytes_of(&run.handle);
    let replays = replays::of_run(&opened.folder, run.handle.id())?;
    match args.format {
        TextFormat::Json => out::json(&as_json(&facts, bytes, &replays))?,
        TextFormat::Text => out::text(&as_text(&facts, bytes, &replays))?,
    }
    Ok(DONE)
}

fn as_json(facts: &RunFacts, bytes: u64, replays: &[replays::StoredReplay]) -> Value {
    let mut shown = runs::entry(facts, bytes);
    let manifest = &facts.manifest;
    let checkpoints: Vec<&CheckpointRecord> = facts.checkpoints.values().collect();
    let dropped: Vec<Value> = facts
        .dropped
        .iter()
        .map(|(cut, reason)| json!({ "cut": cut, "reason": reason }))
        .collect();
    let notes: Vec<Value> = facts
        .notes
        .iter()
        .map(|(code, text)| json!({ "code": code, "text": text }))
        .collect();
    let more = json!({
        "cwd": manifest.cwd,
        "project": manifest.project,
        "environment": manifest.environment,
        "git": manifest.git,
        "sources": facts.sources,
        "checkpoint_records": checkpoints,
        "dropped": dropped,
        "notes": notes,
        "torn_bytes": facts.torn.as_ref().map(|torn| torn.lost),
        "replays": replays,
    });
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    shown
}

type Lines = Vec<(&'static str, String)>;

fn as_text(facts: &RunFacts, bytes: u64, replays: &[replays::StoredReplay]) -> String {
    let mut lines = what_ran(facts);
    lines.extend(what_was_kept(facts, bytes));
    for replay in replays {
        let condition = replay.condition.as_deref().map(|c| format!(" where {c}"));
        let rows = table::count(replay.rows as usize, "row");
        let text = format!("{}: {rows}{}", replay.replay, condition.unwrap_or_default());
        lines.push(("replay", text));
    }
    let mut text = String::new();
    for (name, value) in lines {
        let _ = writeln!(text, "{name:<12} {value}");
    }
    text.push('\n');
    text.push_str(&checkpoint_table(facts));
    text
}

fn what_ran(facts: &RunFacts) -> Lines {
    let manifest = &facts.manifest;
    let environment = &manifest.environment;
    let mut lines = vec![("run", manifest.run.clone())];
    lines.extend(manifest.name.clone().map(|name| ("name", name)));
    if let Some(ranks) = &manifest.ranks {
        let text = format!("{}; what follows is of rank 0", ranks.world_size);
        lines.push(("processes", text));
    }
    let parent = manifest.parent.as_ref();
    lines.extend(parent.map(|parent| ("forked", runs::forked(parent))));
    lines.extend([
        ("command", manifest.argv.join(" ")),
        ("folder", manifest.cwd.clone()),
        (
            "started",
            format!("{} UTC", table::moment(manifest.started)),
        ),
        ("time", table::seconds(facts.seconds())),
        ("outcome", facts.outcome()),
        (
            "python",
            format!("{} ({})", environment.python, environment.executable),
        ),
    ]);
    for (name, version) in &environment.packages {
        lines.push(("package", format!("{name} {version}")));
    }
    if let Some(git) = &manifest.git {
        let dirty = if git.dirty { ", with changes" } else { "" };
        let head = git
            .head
            .as_deref()
            .map_or("no commit", |id| id.get(..12).unwrap_or(id));
        let branch = git.branch.as_deref().unwrap_or("no branch");
        lines.push(("git", format!("{head} on {branch}{dirty}")));
    }
    for source in &facts.sources {
        lines.push((
            "source",
            format!("{} ({})", source.path, table::bytes(source.bytes)),
        ));
    }
    lines
}

fn what_was_kept(facts: &RunFacts, bytes: u64) -> Lines {
    let bound = facts.manifest.overhead_bound * 100.0;
    let overhead = match runs::overhead(facts) {
        Some(measured) => format!("{:.2} % (bound {bound:.2} %)", measured * 100.0),
        None if facts.ended.is_none() => "not known: the run has not ended".to_owned(),
        None => "not known: the run was too short".to_owned(),
    };
    let kept = format!(
        "{} on disk, {}",
        facts.checkpoints.len(),
        table::bytes(bytes)
    );
    let mut lines = vec![
        ("iterations", facts.iterations.len().to_string()),
        ("log rows", facts.rows.len().to_string()),
        ("checkpoints", kept),
        ("overhead", overhead),
    ];
    if let Some(torn) = &facts.torn {
        let text = format!("the last {} bytes were torn and are left out", torn.lost);
        lines.push(("journal", text));
    }
    for (code, note) in &facts.notes {
        lines.push(("note", format!("{note} [{code}]")));
    }
    for (cut, reason) in &facts.dropped {
        lines.push(("dropped", format!("{}: {reason}", cut_text(cut))));
    }
    lines
}

fn checkpoint_table(facts: &RunFacts) -> String {
    if facts.checkpoints.is_empty() {
        return "no checkpoints: a replay runs the script from its start\n".to_owned();
    }
    let row = |record: &CheckpointRecord| {
        vec![
            cut_text(&record.cut),
            table::bytes(record.raw_bytes),
            table::bytes(record.stored_bytes),
            format!("{:.1} ms", record.stall_seconds * 1e3),
            if record.missing.is_empty() {
                "yes".into()
            } else {
                missing_text(record)
            },
        ]
    };
    let rows: Vec<Vec<String>> = facts.checkpoints.values().map(row).collect();
    table::table(
        &["checkpoint", "state", "on disk", "stall", "can be restored"],
        &rows,
    )
}

fn missing_text(record: &CheckpointRecord) -> String {
    let first = &record.missing[0];
    format!(
        "no: {} ({}) could not be captured",
        first.path, first.type_name
    )
}
