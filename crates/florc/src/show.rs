//! `florc show`: what was recorded of one run.
//!
//! ```python
//! # script train.py --epochs 8 … checkpoints … overhead measured … notes
//! ```
//!
//! Reads the store only.

use std::fmt::Write as _;

use florc_manifest::{CheckpointRecord, CutKey};
use serde_json::{Value, json};

use crate::args::{ShowArgs, TextFormat};
use crate::facts::RunFacts;
use crate::failure::Failure;
use crate::{DONE, listing, out, replays, runs, table};

/// Shows one run.
pub(crate) fn show(args: &ShowArgs) -> Result<i32, Failure> {
    let opened = listing::open_here()?;
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

fn as_text(facts: &RunFacts, bytes: u64, replays: &[replays::StoredReplay]) -> String {
    let manifest = &facts.manifest;
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<12} {value}");
    };
    line("run", manifest.run.clone());
    if let Some(name) = &manifest.name {
        line("name", name.clone());
    }
    line("command", manifest.argv.join(" "));
    line("folder", manifest.cwd.clone());
    line(
        "started",
        format!("{} UTC", table::moment(manifest.started)),
    );
    line("time", table::seconds(facts.seconds()));
    line("outcome", facts.outcome());
    line(
        "python",
        format!(
            "{} ({})",
            manifest.environment.python, manifest.environment.executable
        ),
    );
    if let Some(git) = &manifest.git {
        let dirty = if git.dirty { ", with changes" } else { "" };
        let head = git
            .head
            .as_deref()
            .map_or("no commit", |id| id.get(..12).unwrap_or(id));
        let branch = git.branch.as_deref().unwrap_or("no branch");
        line("git", format!("{head} on {branch}{dirty}"));
    }
    line("iterations", facts.iterations.len().to_string());
    line("log rows", facts.rows.len().to_string());
    line(
        "checkpoints",
        format!(
            "{} on disk, {}",
            facts.checkpoints.len(),
            table::bytes(bytes)
        ),
    );
    match runs::overhead(facts) {
        Some(measured) => line(
            "overhead",
            format!(
                "{:.2} % (bound {:.2} %)",
                measured * 100.0,
                manifest.overhead_bound * 100.0
            ),
        ),
        None => line("overhead", "not known: the run has not ended".to_owned()),
    }
    for source in &facts.sources {
        line(
            "source",
            format!("{} ({})", source.path, table::bytes(source.bytes)),
        );
    }
    if let Some(torn) = &facts.torn {
        line(
            "journal",
            format!("the last {} bytes were torn and are left out", torn.lost),
        );
    }
    for (code, note) in &facts.notes {
        line("note", format!("{note} [{code}]"));
    }
    for (cut, reason) in &facts.dropped {
        line("dropped", format!("{}: {reason}", cut_text(cut)));
    }
    for replay in replays {
        let condition = replay.condition.as_deref().map(|c| format!(" where {c}"));
        let rows = table::count(replay.rows as usize, "row");
        line(
            "replay",
            format!("{}: {rows}{}", replay.replay, condition.unwrap_or_default()),
        );
    }
    text.push('\n');
    text.push_str(&checkpoint_table(facts));
    text
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

/// A cut point in words.
pub(crate) fn cut_text(cut: &CutKey) -> String {
    let instance = |head: &florc_manifest::HeadKey| match head.instance {
        0 => String::new(),
        other => format!(" of entry {}", other + 1),
    };
    match cut {
        CutKey::Head(head) => format!("head of iteration {}{}", head.iteration, instance(head)),
        CutKey::Exit(head) => format!("loop left after {}{}", head.iteration, instance(head)),
        CutKey::Block(block) => format!(
            "end of {} in iteration {}{}",
            block.site,
            block.head.iteration,
            instance(&block.head)
        ),
    }
}
