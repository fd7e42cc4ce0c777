//! All that `florc diff-logs` found, and its JSON.
//!
//! Fields are added, never renamed: other tools read them.

use serde_json::{Value, json};

use super::file::{FileReport, LogReport, OtherReport};
use super::runs::RunReport;

/// Everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) files: Vec<FileReport>,
    pub(crate) runs: Vec<RunReport>,
    /// Older runs that were not looked at.
    pub(crate) older: usize,
    /// There is no repository: only runs were looked at.
    pub(crate) without_git: bool,
}

impl Report {
    /// Whether log statements differ, or something that makes old checkpoints another program's.
    pub(crate) fn matters(&self) -> bool {
        let file = |file: &FileReport| {
            !file.logs.is_empty()
                || file.error.is_some()
                || file.others.iter().any(|other| !other.is_harmless)
        };
        self.files.iter().any(file) || !self.runs.is_empty()
    }

    /// Whether nothing that runs differs.
    pub(crate) fn is_quiet(&self) -> bool {
        self.files.iter().all(FileReport::is_quiet) && self.runs.is_empty()
    }

    /// Files that differ in comments, formatting or their own name only.
    pub(crate) fn format_only(&self) -> impl Iterator<Item = &FileReport> {
        self.files.iter().filter(|it| it.format_only)
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "old": self.old,
            "new": self.new,
            "files": self.files.iter().filter(|it| !it.is_quiet()).map(file).collect::<Vec<_>>(),
            "format_only": self.format_only().map(|it| it.path.as_str()).collect::<Vec<_>>(),
            "runs": self.runs.iter().map(run).collect::<Vec<_>>(),
            "older_runs": self.older,
        })
    }
}

fn file(file: &FileReport) -> Value {
    json!({
        "path": file.path,
        "old_path": file.old_path,
        "error": file.error,
        "logs": file.logs.iter().map(log).collect::<Vec<_>>(),
        "other_changes": file.others.iter().map(other).collect::<Vec<_>>(),
    })
}

fn log(log: &LogReport) -> Value {
    json!({
        "change": log.change,
        "version": version(log.in_old),
        "line": log.line,
        "text": log.text,
        "function": log.function,
        "loops": log.loops,
        "values": log.values,
        "new_values": log.new_values,
    })
}

fn other(other: &OtherReport) -> Value {
    json!({
        "change": other.change,
        "class": other.class,
        "version": version(other.in_old),
        "line": other.line,
        "text": other.text,
        "was": other.was,
        "reaches": other.reaches,
    })
}

fn version(in_old: bool) -> &'static str {
    if in_old { "old" } else { "new" }
}

fn run(run: &RunReport) -> Value {
    let mut value = json!({ "run": run.run, "name": run.name, "script": run.script });
    match &run.lacks {
        Ok(estimate) => {
            let costs = estimate.costs.iter().map(|(workers, seconds)| {
                let error = seconds * estimate.spread;
                json!({ "workers": workers, "seconds": seconds, "error_seconds": error })
            });
            value["lacks"] = estimate.probes.into();
            value["iterations"] = estimate.iterations.0.into();
            value["recorded_iterations"] = estimate.iterations.1.into();
            value["executed_blocks"] = estimate.executed.clone().into();
            value["skipped_blocks"] = estimate.skipped.clone().into();
            value["costs"] = costs.collect::<Vec<_>>().into();
            value["from_start"] = estimate.from_start.clone().into();
            value["left_out"] = estimate.left_out.json().into();
        }
        Err(reason) => value["refused"] = reason.clone().into(),
    }
    value
}
