//! `--dry-run`: what a replay would do, and how long it would take.
//!
//! ```python
//! # segment  0: iteration 0 to iteration 4, 4 iterations, about 31 s
//! ```
//!
//! Words a plan that was made elsewhere; nothing runs.

use std::fmt::Write as _;

use florc_manifest::{HeadKey, Segment, SegmentEnd, SegmentStart};
use serde_json::{Value, json};

use super::carried::LeftOut;
use super::find::Subject;
use super::picture::Picture;
use super::plan::Planned;
use super::probed::Probed;
use crate::args::{ReplayOptions, TextFormat};
use crate::failure::Failure;
use crate::{out, table};

/// Prints the plan.
pub(crate) fn dry_run(
    args: &ReplayOptions,
    picture: &Picture<'_>,
    left_out: &LeftOut,
) -> Result<(), Failure> {
    let Picture {
        subject,
        probed,
        planned,
        ..
    } = *picture;
    match args.format {
        TextFormat::Json => {
            let mut value = as_json(args, subject, probed, planned);
            value["left_out"] = left_out.json().into();
            for (name, part) in picture.json() {
                value[name] = part;
            }
            out::json(&value)
        }
        TextFormat::Text => out::text(&as_text(args, picture)),
    }
}

fn as_json(args: &ReplayOptions, subject: &Subject, probed: &Probed, planned: &Planned) -> Value {
    let segments: Vec<Value> = planned
        .segments
        .iter()
        .map(|planned| {
            json!({
                "index": planned.segment.index,
                "start": planned.segment.start,
                "end": planned.segment.end,
                "iterations": planned.run().count(),
                "seconds": planned.seconds,
            })
        })
        .collect();
    let order: Vec<u32> = planned
        .order
        .iter()
        .map(|at| planned.segments[*at].segment.index)
        .collect();
    json!({
        "run": subject.facts.manifest.run,
        "replay": null,
        "status": "dry_run",
        "workers": args.workers,
        "seconds": planned.seconds,
        "start_seconds": planned.request.before_seconds,
        "crowded": planned.crowded,
        "recorded_seconds": subject.facts.seconds(),
        "probes": probes(subject, probed),
        "segments": segments,
        "order": order,
        "budget": args.budget,
        "executed_blocks": planned.executed,
        "skipped_blocks": skipped(probed, planned),
        "rows": [],
    })
}

fn as_text(args: &ReplayOptions, picture: &Picture<'_>) -> String {
    let Picture {
        subject,
        probed,
        planned,
        ..
    } = *picture;
    let file = subject.facts.file();
    let mut text = format!(
        "run {} of {file}, recorded in {}\n",
        subject.facts.manifest.run,
        table::seconds(subject.facts.seconds())
    );
    for site in probe_sites(probed) {
        let log = &probed.manifest.logs[site];
        let file = subject.facts.file_of(&log.span);
        let _ = writeln!(text, "probe    {file}:{} {}", log.span.line, log.callee);
    }
    for (site, reason) in &probed.cannot_start {
        let _ = writeln!(text, "no start inside {site}: {reason}");
    }
    text.push_str(&picture.text());
    let segments = planned.order.iter().map(|at| &planned.segments[*at]);
    for planned in segments {
        let _ = writeln!(
            text,
            "segment  {}: {} to {}, {}, about {}",
            planned.segment.index,
            start_text(subject, planned.segment.start),
            end_text(subject, planned.segment.end),
            table::count(planned.run().count(), "iteration"),
            table::seconds(planned.seconds)
        );
    }
    if let Some(budget) = args.budget
        && budget < planned.seconds
    {
        let given = table::seconds(budget);
        let _ = writeln!(
            text,
            "in this order, as far as {given} go; `--continue` does the rest"
        );
    }
    let expected = table::seconds(planned.seconds);
    let workers = table::count(args.workers, "worker");
    let _ = write!(text, "expected {expected} with {workers}");
    if planned.crowded > 1.1 {
        let _ = write!(
            text,
            ", each {:.1} times as slow as the run: they share the processors",
            planned.crowded
        );
    }
    text.push('\n');
    text
}

/// `iteration 2 to iteration 4`.
pub(crate) fn range_text(subject: &Subject, segment: &Segment) -> String {
    let (start, end) = (
        start_text(subject, segment.start),
        end_text(subject, segment.end),
    );
    format!("{start} to {end}")
}

fn start_text(subject: &Subject, start: SegmentStart) -> String {
    match start {
        SegmentStart::Beginning => "the beginning".to_owned(),
        SegmentStart::Head(head) => head_text(subject, head),
    }
}

fn end_text(subject: &Subject, end: SegmentEnd) -> String {
    match end {
        SegmentEnd::Program => "the end".to_owned(),
        SegmentEnd::Head(head) => head_text(subject, head),
    }
}

/// `iteration 3`; with its loop where the run has several.
fn head_text(subject: &Subject, head: HeadKey) -> String {
    let modules = subject.facts.manifest.modules.first();
    let several = modules.is_some_and(|module| module.main_loops.len() > 1);
    let main = subject.facts.main_loop_of(head).filter(|_| several);
    let of = main.map_or(String::new(), |main| format!(" of `{}`", main.label));
    format!("iteration {}{of}", head.iteration)
}

fn skipped<'a>(probed: &'a Probed, planned: &Planned) -> Vec<&'a String> {
    let sites = probed.skip_blocks.iter().map(|site| &site.id);
    sites.filter(|id| !planned.executed.contains(id)).collect()
}

fn probe_sites(probed: &Probed) -> impl Iterator<Item = usize> + '_ {
    let sites = probed.forward_sites.iter().enumerate();
    sites
        .filter(|(_, recorded)| recorded.is_none())
        .map(|(site, _)| site)
}

/// The probes' places as JSON.
pub(crate) fn probes(subject: &Subject, probed: &Probed) -> Vec<Value> {
    let entry = |site: usize| {
        let log = &probed.manifest.logs[site];
        let file = subject.facts.file_of(&log.span);
        json!({ "file": file, "line": log.span.line, "callee": log.callee })
    };
    probe_sites(probed).map(entry).collect()
}
