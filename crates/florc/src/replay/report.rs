//! What the user sees of a replay.
//!
//! ```python
//! # stdout: what the probes print, in program order
//! # stderr: florc: 8 values of train.py (run …), verified
//! ```
//!
//! Values of segments that were not verified are shown only where the user asks, and marked.

use std::fmt::Write as _;

use florc_manifest::{RunStatus, Verdict};
use serde_json::{Value, json};

use super::carried::LeftOut;
use super::cause::{Cause, first_evidence};
use super::changes::{self, Comparison};
use super::condition::Condition;
use super::dry_run::probes;
use super::find::{Sources, Subject};
use super::merge::Merged;
use super::plan::{Planned, Stored};
use super::probed::Probed;
use crate::args::{ReplayOptions, TextFormat};
use crate::failure::Failure;
use crate::replays::{self, StoredReplay, StoredRow, Trust};
use crate::rows::{LogRow, Origin};
use crate::{DONE, out, table};

/// Exit code of a replay that diverged.
const DIVERGED: i32 = 1;

/// Nothing was added that logs.
pub(crate) fn no_probe(
    args: &ReplayOptions,
    subject: &Subject,
    comparison: &Comparison,
    left_out: &LeftOut,
) -> Result<(), Failure> {
    let changed = if comparison.diff.is_empty() && left_out.is_empty() {
        "nothing that runs"
    } else {
        "no log statement"
    };
    out::note(&format!(
        "florc: {changed} was added to {} since run {}\n  help: add a log statement, such as \
         `print(loss)`, and replay again; `florc logs` shows what is there already",
        subject.facts.file(),
        subject.facts.manifest.run
    ));
    if args.format == TextFormat::Json {
        out::json(&json!({
            "run": subject.facts.manifest.run, "replay": null, "status": "no_probe",
            "probes": [], "segments": [], "left_out": left_out.json(), "rows": [],
        }))?;
    }
    Ok(())
}

/// Before the workers start: what is unusual.
pub(crate) fn begin(
    subject: &Subject,
    sources: &Sources,
    comparison: &Comparison,
    planned: &Planned,
) {
    for change in &comparison.unproven {
        let source = &sources.current.source;
        let file = &source.file_of(change.span.start).path;
        let line = sources.line(file, source.line_column(change.span.start).line);
        let why = change.reasons.first().map_or("", |(_, text)| text);
        out::warning(&format!(
            "{file}:{line}: this statement may change the training ({why}): states are compared after it"
        ));
    }
    if planned.cut_short {
        let how = match &subject.facts.ended {
            Some(ended) if ended.status == RunStatus::Finished => {
                "an interrupt or an exception left it, and what followed cannot be replayed"
                    .to_owned()
            }
            _ => subject.facts.outcome(),
        };
        let begun = planned.request.iterations.len();
        let count = planned.end.unwrap_or(begun);
        let given = if count + 1 < begun {
            format!(
                "first {}: no later state was recorded",
                table::count(count, "iteration")
            )
        } else {
            table::count(count, "whole iteration")
        };
        out::warning(&format!(
            "run {} did not end its main loop ({how}); values are given for its {given}",
            subject.facts.manifest.run
        ));
    }
    if let Some(torn) = &subject.facts.torn {
        out::warning(&format!(
            "the last {} bytes of the journal were torn",
            torn.lost
        ));
    }
}

/// What was found shows that the whole script must be run.
pub(crate) fn begins_again(why: &str) {
    out::note(&format!(
        "florc: running the script from its beginning: {why}"
    ));
}

/// What a replay has found, and of what.
pub(crate) struct Told<'a> {
    pub(crate) args: &'a ReplayOptions,
    pub(crate) subject: &'a Subject,
    pub(crate) sources: &'a Sources,
    pub(crate) probed: &'a Probed,
    pub(crate) planned: &'a Planned,
    pub(crate) stored: &'a Stored,
    pub(crate) merged: &'a Merged,
    pub(crate) causes: &'a [Cause],
    pub(crate) comparison: &'a Comparison,
    pub(crate) left_out: &'a LeftOut,
    pub(crate) condition: Option<&'a Condition>,
}

impl Told<'_> {
    /// The user asked for statements that change the training, or for programs: values are shown, marked, where
    /// nothing differs from the recorded run.
    fn allows_doubts(&self) -> bool {
        let verdicts = &self.merged.verdicts;
        let is_known =
            |verdict: &Verdict| matches!(verdict, Verdict::Verified | Verdict::Approximate { .. });
        let is_asked = !self.comparison.impure.is_empty() || self.args.allow_programs;
        is_asked && verdicts.iter().all(|(_, it)| is_known(it))
    }
}

/// Stores and prints what was found; gives the exit code.
pub(crate) fn finish(told: &Told<'_>) -> Result<i32, Failure> {
    let Told {
        args,
        subject,
        stored,
        merged,
        ..
    } = *told;
    let verified = merged.verified();
    let is_shown = verified || args.approximate || told.allows_doubts();
    let shown: &[StoredRow] = if is_shown { &merged.rows } else { &[] };
    let has_run = !merged.verdicts.is_empty() || merged.left.is_empty();
    if is_shown && has_run {
        let replay = StoredReplay {
            format: florc_manifest::FORMAT_VERSION,
            replay: stored.id.clone(),
            run: subject.facts.manifest.run.clone(),
            file: subject.facts.file().to_owned(),
            source_hash: stored.source_hash.clone(),
            condition: args.condition.clone(),
            rows: shown.len() as u64,
            left: merged.left.iter().map(|at| *at as u32).collect(),
            rows_hash: String::new(),
        };
        replays::publish(&stored.folder, &replay, shown)?;
    }
    match args.format {
        TextFormat::Text => out::text(&as_text(shown))?,
        TextFormat::Json => out::json(&as_json(told, shown))?,
    }
    say_silent(told);
    say_unknown_names(told);
    say_verdict(told);
    Ok(if verified { DONE } else { DIVERGED })
}

/// As the probes would have printed it; values that were not verified are marked, and those of
/// other ranks than the first.
fn as_text(rows: &[StoredRow]) -> String {
    let mut text = String::new();
    for stored in rows {
        if stored.rank != 0 {
            let _ = write!(text, "[rank {}] ", stored.rank);
        }
        if stored.trust == Trust::Approximate {
            text.push_str("[approximate] ");
        }
        text.push_str(&stored.row.text);
        if stored.trust == Trust::Approximate && !stored.row.text.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}

fn as_json<'a>(told: &Told<'a>, shown: &'a [StoredRow]) -> Value {
    let Told {
        args,
        subject,
        probed,
        stored,
        merged,
        ..
    } = *told;
    let run = &subject.facts.manifest.run;
    let origin = |each: &'a StoredRow| Origin {
        run,
        replay: Some(&stored.id),
        file: each.file.as_deref().unwrap_or(subject.facts.file()),
        rank: each.rank,
    };
    let rows: Vec<Value> = shown
        .iter()
        .enumerate()
        .flat_map(|(seq, each)| LogRow::of(&origin(each), &each.row, seq as u64, each.trust.word()))
        .map(|row| row.json())
        .collect();
    let segment = |at: usize, verdict: Option<&Verdict>| {
        let segment = &stored.plan.segments[at];
        json!({
            "index": segment.index, "start": segment.start, "end": segment.end,
            "verdict": verdict, "seconds": merged.seconds.get(&at),
        })
    };
    let ran = merged.verdicts.iter();
    let segments: Vec<Value> = ran
        .map(|(at, verdict)| segment(*at, Some(verdict)))
        .collect();
    let left: Vec<Value> = merged.left.iter().map(|at| segment(*at, None)).collect();
    let silent: Vec<u32> = merged
        .silent
        .iter()
        .map(|site| probed.manifest.logs[*site as usize].span.line)
        .collect();
    json!({
        "run": run,
        "replay": stored.id,
        "status": status(merged),
        "where": args.condition,
        "workers": args.workers,
        "probes": probes(subject, probed),
        "not_reached": silent,
        "segments": segments,
        "left": left,
        "first_difference": first_evidence(merged).and_then(|(_, it)| it.first.as_ref()),
        "difference_at": difference_place(told).map(|(text, _)| text),
        "causes": told.causes.iter().map(Cause::json).collect::<Vec<_>>(),
        "left_out": told.left_out.json(),
        "rows": rows,
    })
}

fn status(merged: &Merged) -> &'static str {
    let any = |found: fn(&Verdict) -> bool| merged.verdicts.iter().any(|(_, it)| found(it));
    if any(|verdict| matches!(verdict, Verdict::Failed { .. })) {
        "failed"
    } else if any(|verdict| matches!(verdict, Verdict::Diverged { .. })) {
        "diverged"
    } else if merged.verdicts.is_empty() && !merged.left.is_empty() {
        "not_run"
    } else if merged.verified() {
        "verified"
    } else {
        "approximate"
    }
}

/// A probe that gave no row although the whole of what was asked ran.
fn say_silent(told: &Told<'_>) {
    let Told {
        args,
        subject,
        probed,
        planned,
        merged,
        ..
    } = *told;
    if !(merged.verified() && merged.left.is_empty()) {
        return;
    }
    for site in &merged.silent {
        let span = &probed.manifest.logs[*site as usize].span;
        let how = if args.condition.is_some() || planned.cut_short {
            "in the iterations that were replayed"
        } else {
            "in the recorded run"
        };
        out::warning(&format!(
            "the log statement at {}:{} was not reached {how}",
            subject.facts.file_of(span),
            span.line
        ));
    }
}

/// Names in the condition that no row has: it holds for none.
fn say_unknown_names(told: &Told<'_>) {
    let (merged, Some(condition)) = (told.merged, told.condition) else {
        return;
    };
    if merged.names.is_empty() {
        return;
    }
    let mut names = condition.names().iter();
    let unknown = names.find(|name| !merged.names.contains(*name) && !condition.has_recorded(name));
    if let Some(name) = unknown {
        let names: Vec<String> = merged.names.iter().map(|it| format!("`{it}`")).collect();
        out::warning(&format!(
            "`--where`: no line of the added log statements has `{name}`\n  help: they have {}; a variable can be \
             logged beside the value",
            names.join(", ")
        ));
    }
}

fn say_verdict(told: &Told<'_>) {
    let Told {
        args,
        subject,
        planned,
        merged,
        comparison,
        ..
    } = *told;
    let run = &subject.facts.manifest.run;
    say_left(told);
    if merged.verified() && merged.verdicts.is_empty() && !merged.left.is_empty() {
        return;
    }
    if merged.verified() {
        let rows = table::count(merged.rows.len(), "log line");
        let proof = if planned.segments.is_empty() {
            "nothing had to run"
        } else {
            "verified"
        };
        out::note(&format!("florc: {rows} of run {run}, {proof}"));
        return;
    }
    for change in &comparison.unproven {
        let diagnostic = changes::diagnostic(told.sources, change);
        let source = &told.sources.current.source;
        out::note(crate::render::diagnostic(&diagnostic, Some(source)).trim_end());
    }
    say_segments(merged);
    if let Some((place, text)) = difference_place(told) {
        out::note(&format!("  at {place}: {text}"));
    }
    for cause in told.causes {
        out::note(&format!("  likely cause: {}", cause.text));
    }
    let lines = table::count(merged.rows.len(), "log line");
    if args.approximate || told.allows_doubts() {
        out::note(&format!(
            "florc: {lines} of run {run}, not verified: marked as approximate"
        ));
    } else {
        out::note(&format!(
            "florc: the values of run {run} are not shown, because they could not be verified\n  \
             help: `--approximate` shows {lines} all the same, marked"
        ));
    }
}

/// Of each segment that is not verified, why.
fn say_segments(merged: &Merged) {
    let count = merged.verdicts.len() + merged.left.len();
    for (at, verdict) in &merged.verdicts {
        let segment = format!("segment {} of {count}", at + 1);
        match verdict {
            Verdict::Verified => {}
            Verdict::Approximate { reasons, .. } => {
                out::note(&format!(
                    "florc: {segment} is not exact: {}",
                    reasons.join("; ")
                ));
            }
            Verdict::Diverged { difference, .. } => {
                out::note(&format!(
                    "florc: {segment} differs from the recorded run: {difference}"
                ));
            }
            Verdict::Failed { error, .. } => {
                out::note(&format!("florc: {segment} could not be replayed: {error}"));
            }
        }
    }
}

/// Where the first difference was seen: `train.py:12`, and the recorded text there.
fn difference_place(told: &Told<'_>) -> Option<(String, String)> {
    let (_, evidence) = first_evidence(told.merged)?;
    let first = evidence.first.as_ref()?;
    let facts = &told.subject.facts;
    let module = facts.manifest.modules.first()?;
    let of_log = first.log.and_then(|log| module.logs.get(log as usize));
    let mut blocks = module.skip_blocks.iter();
    let block = blocks.find(|it| Some(&it.id) == first.block.as_ref());
    let main = first.head.and_then(|head| facts.main_loop_of(head));
    let span = of_log
        .map(|it| &it.span)
        .or(block.map(|it| &it.span))
        .or(main.map(|it| &it.span))?;
    let source = &told.sources.recorded.source;
    let file = facts.file_of(span);
    let from = source.files().iter().find(|it| it.path == file)?;
    let text = source.slice(from.span());
    let mut lines = text.lines().skip(span.line.saturating_sub(1) as usize);
    let line = lines.next().unwrap_or_default().trim();
    Some((format!("{file}:{}", span.line), format!("`{line}`")))
}

/// Parts for which there was no time.
fn say_left(told: &Told<'_>) {
    let Told {
        subject,
        planned,
        merged,
        ..
    } = *told;
    if merged.left.is_empty() {
        return;
    }
    let seconds: f64 = merged
        .left
        .iter()
        .map(|at| planned.segments[*at].seconds)
        .sum();
    let parts = merged.left.iter().map(|at| {
        let segment = &planned.segments[*at].segment;
        super::dry_run::range_text(subject, segment)
    });
    let parts: Vec<String> = parts.collect();
    out::note(&format!(
        "florc: no time was left for {} ({}), about {} of work\n  \
         help: `florc replay --continue` goes on with them, also with another `--budget`",
        table::count(parts.len(), "segment"),
        parts.join("; "),
        table::seconds(seconds)
    ));
}
