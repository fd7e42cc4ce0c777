//! `florc gc`: removes runs by a rule, and what killed processes left behind.
//!
//! ```python
//! # florc gc --keep 5 --keep 30d     the five latest runs of each script, and all of this month
//! ```
//!
//! Without a rule no run is removed. A run that is being recorded or replayed stays, whatever the
//! rule says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use florc_runtime::{Rubbish, RunHandle, remove_rubbish, remove_run, rubbish};
use serde_json::json;

use crate::args::{GcArgs, Keep, TextFormat};
use crate::failure::Failure;
use crate::listing::Opened;
use crate::{DONE, du, listing, out, replays, table};

/// Removes, or shows what would be removed.
pub(crate) fn gc(args: &GcArgs) -> Result<i32, Failure> {
    let opened = listing::open_here()?;
    let mut going = chosen(&opened, args)?;
    let of_replays = replays::bytes_by_run(&opened.folder);
    let mut removed = Vec::new();
    let mut kept_open = Vec::new();
    going.retain(|run| {
        let is_open = run.is_open();
        if is_open {
            kept_open.push(run.id().to_owned());
        }
        !is_open
    });
    let waste = rubbish(&opened.store, &going)?;
    for run in &going {
        let bytes = du::line(run, &of_replays).map_or(0, |line| line.total() - line.replays);
        if args.dry_run || remove_run(&opened.store, run)? {
            removed.push((run.id().to_owned(), bytes));
        } else {
            kept_open.push(run.id().to_owned());
        }
    }
    if !args.dry_run {
        remove_rubbish(&opened.store, &waste)?;
    }
    match args.format {
        TextFormat::Json => out::json(&json!({
            "dry_run": args.dry_run,
            "runs": removed.iter().map(|(run, bytes)| json!({ "run": run, "bytes": bytes })).collect::<Vec<_>>(),
            "rubbish": waste.iter().map(|it| json!({ "path": it.path, "bytes": it.bytes, "what": it.what })).collect::<Vec<_>>(),
            "in_use": kept_open,
        }))?,
        TextFormat::Text => out::text(&as_text(args, &removed, &waste, &kept_open))?,
    }
    Ok(DONE)
}

/// What is needed to judge a run.
#[derive(Debug)]
struct Candidate {
    run: String,
    script: String,
    started: f64,
    is_named: bool,
}

/// Runs that the rules do not keep, and those that were named.
fn chosen(opened: &Opened, args: &GcArgs) -> Result<Vec<RunHandle>, Failure> {
    let mut named = Vec::new();
    for wanted in &args.remove {
        named.push(opened.named(wanted)?.handle.id().to_owned());
    }
    let runs = opened.store.runs()?;
    let mut candidates = Vec::new();
    for run in &runs {
        match run.manifest() {
            Ok(manifest) => candidates.push(Candidate {
                run: run.id().to_owned(),
                script: manifest.script,
                started: manifest.started,
                is_named: manifest.name.is_some(),
            }),
            // what it is cannot be told
            Err(error) => out::warning(&format!("run {} stays: {}", run.id(), error.what)),
        }
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    named.extend(not_kept(&candidates, &args.keep, now.as_secs_f64()));
    let is_chosen = |run: &RunHandle| named.iter().any(|id| id == run.id());
    Ok(runs.into_iter().filter(is_chosen).collect())
}

/// Runs, oldest first, that no rule keeps. Without rules all are kept.
fn not_kept(runs: &[Candidate], keep: &[Keep], now: f64) -> Vec<String> {
    let mut later: BTreeMap<&str, usize> = BTreeMap::new();
    let mut going = Vec::new();
    for run in runs.iter().rev() {
        let rank = later.entry(&run.script).or_default();
        let keeps = |rule: &Keep| match rule {
            Keep::Latest(count) => *rank < *count,
            Keep::Seconds(seconds) => now - run.started <= *seconds,
        };
        if !run.is_named && !keep.is_empty() && !keep.iter().any(keeps) {
            going.push(run.run.clone());
        }
        *rank += 1;
    }
    going
}

fn as_text(
    args: &GcArgs,
    removed: &[(String, u64)],
    waste: &[Rubbish],
    kept_open: &[String],
) -> String {
    let mut text = String::new();
    for (run, bytes) in removed {
        let _ = writeln!(text, "run {run} ({})", table::bytes(*bytes));
    }
    for it in waste {
        let bytes = table::bytes(it.bytes);
        let _ = writeln!(text, "{} ({bytes}): {}", it.path.display(), it.what);
    }
    for run in kept_open {
        let _ = writeln!(text, "run {run} stays: it is being recorded or replayed");
    }
    let bytes: u64 = removed.iter().map(|(_, bytes)| bytes).sum();
    let bytes = bytes + waste.iter().map(|it| it.bytes).sum::<u64>();
    if removed.is_empty() && waste.is_empty() {
        text.push_str("nothing to remove\n");
    } else if args.dry_run {
        let _ = writeln!(text, "{} would be free", table::bytes(bytes));
    } else {
        let _ = writeln!(text, "{} are free", table::bytes(bytes));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `a1 b1 a2 b2 a3` that began in the last hours, one in each; a run in capitals has a name.
    #[track_caller]
    fn check(runs: &str, keep: &[&str], expected: &str) {
        let candidate = |(at, run): (usize, &str)| Candidate {
            run: run.to_owned(),
            script: run[..1].to_lowercase(),
            started: 3600.0 * (at + 1) as f64,
            is_named: run.starts_with(char::is_uppercase),
        };
        let runs: Vec<_> = runs.split(' ').enumerate().map(candidate).collect();
        let keep: Vec<Keep> = keep.iter().map(|text| text.parse().unwrap()).collect();
        let mut going = not_kept(&runs, &keep, 3600.0 * (runs.len() + 1) as f64);
        going.sort_unstable();
        assert_eq!(going.join(" "), expected);
    }

    #[test]
    fn a_run_stays_when_one_rule_keeps_it() {
        check("a1 b1 a2 b2 a3", &[], "");
        check("a1 b1 a2 b2 a3", &["1"], "a1 a2 b1");
        check("a1 b1 a2 b2 a3", &["2"], "a1");
        check("a1 b1 a2 b2 a3", &["2h"], "a1 a2 b1");
        check("a1 b1 a2 b2 a3", &["1", "3h"], "a1 b1");
        check("A1 b1 a2 b2 a3", &["0"], "a2 a3 b1 b2");
        assert!("5w".parse::<Keep>().is_err() && "d".parse::<Keep>().is_err());
    }
}
