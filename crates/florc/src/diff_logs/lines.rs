//! The findings of `florc diff-logs` as text, workflow commands, and Markdown.
//!
//! ```python
//! #   + 42  print(norm(model))    in main, loop epoch: norm(model)
//! ```
//!
//! Words only; what is told was decided elsewhere.

use std::fmt::Write as _;

use super::file::{FileReport, LogReport, OtherReport};
use super::report::Report;
use super::runs::RunReport;
use crate::replay::estimate::Estimate;
use crate::table;
use crate::workflow::{self, Level, Lines};

/// Other changes that are listed of a file.
const LISTED: usize = 10;

/// For people.
pub(crate) fn text(report: &Report) -> String {
    let mut text = String::new();
    if !report.without_git {
        let _ = writeln!(text, "log statements, {} to {}", report.old, report.new);
    }
    let loud: Vec<&FileReport> = report.files.iter().filter(|it| !it.is_quiet()).collect();
    for file in &loud {
        text.push_str(&file_text(file));
    }
    if loud.is_empty() && !report.without_git {
        text.push_str("nothing that runs differs\n");
    }
    let quiet = report.format_only().count();
    if quiet > 0 {
        let files = table::count(quiet, "file");
        let _ = writeln!(text, "\ncomments and formatting only: {files}");
    }
    for run in &report.runs {
        text.push_str(&run_text(run));
    }
    if report.older > 0 {
        let runs = table::count(report.older, "older run");
        let _ = writeln!(text, "\nnot looked at: {runs} (`--runs N`)");
    }
    if report.without_git && report.runs.is_empty() {
        text.push_str("no recorded run lacks a log statement of the working tree\n");
    }
    text
}

fn file_text(file: &FileReport) -> String {
    let mut text = format!("\n{}\n", title(file));
    if let Some(error) = &file.error {
        let _ = writeln!(text, "  not compared: {error}");
    }
    let width = file.logs.iter().map(|log| log.line.to_string().len()).max();
    for log in &file.logs {
        let sign = sign(log);
        let _ = writeln!(
            text,
            "  {sign} {:>width$}  {}    {}",
            log.line,
            log.text,
            place(log),
            width = width.unwrap_or(0)
        );
    }
    let (harmless, others): (Vec<_>, Vec<_>) = file.others.iter().partition(|it| it.is_harmless);
    for other in others.iter().take(LISTED) {
        let _ = writeln!(text, "  ! {}", other_text(other));
    }
    if others.len() > LISTED {
        let _ = writeln!(text, "  ! … and {} more", others.len() - LISTED);
    }
    if !harmless.is_empty() {
        let edits = table::count(harmless.len(), "other edit");
        let _ = writeln!(text, "  {edits} without effect on the training");
    }
    text
}

fn title(file: &FileReport) -> String {
    match &file.old_path {
        Some(old) => format!("{} (was {old})", file.path),
        None => file.path.clone(),
    }
}

fn sign(log: &LogReport) -> char {
    match log.change {
        "added" => '+',
        "removed" => '-',
        _ => '~',
    }
}

/// Where a log statement is, and what is new in it.
fn place(log: &LogReport) -> String {
    let mut words = Vec::new();
    if !log.function.is_empty() {
        words.push(format!("in {}", log.function));
    }
    if !log.loops.is_empty() {
        words.push(format!("loop {}", log.loops.join(" > ")));
    }
    if words.is_empty() {
        words.push("outside of loops".to_owned());
    }
    let mut text = words.join(", ");
    if log.change != "removed" && !log.new_values.is_empty() {
        let _ = write!(text, "; new: {}", log.new_values.join(", "));
    }
    text
}

fn other_text(other: &OtherReport) -> String {
    let version = if other.in_old { " (old version)" } else { "" };
    let mut text = format!(
        "{}{version} {}, {}: `{}`",
        other.line, other.change, other.class, other.text
    );
    if let Some(was) = other.was.as_ref().filter(|was| **was != other.text) {
        let _ = write!(text, ", was `{was}`");
    }
    if let Some(reaches) = other.reaches {
        let _ = write!(text, ", {reaches}");
    }
    text
}

fn run_text(run: &RunReport) -> String {
    let name = run
        .name
        .as_ref()
        .map(|name| format!(" ({name})"))
        .unwrap_or_default();
    let mut text = format!("\nrun {}{name} of {}", run.run, run.script);
    match &run.lacks {
        Err(reason) => {
            let _ = writeln!(text, " cannot be asked: {reason}");
        }
        Ok(estimate) => {
            let _ = writeln!(
                text,
                " lacks {}",
                table::count(estimate.probes, "log statement")
            );
            let _ = writeln!(text, "  replay  {}", work(estimate));
            let _ = writeln!(text, "  cost    {}", cost(estimate));
            if !estimate.left_out.is_empty() {
                let count = table::count(estimate.left_out.json().len(), "other edit");
                let _ = writeln!(text, "  without {count} of that version");
            }
            let _ = writeln!(text, "  florc replay {}", run.run);
        }
    }
    text
}

fn work(estimate: &Estimate) -> String {
    let (some, all) = estimate.iterations;
    let mut words = format!("{some} of {}", table::count(all, "iteration"));
    if let Some(reason) = &estimate.from_start {
        let _ = write!(words, ", from the start of the script: {reason}");
    }
    if !estimate.executed.is_empty() {
        let _ = write!(words, ", runs {}", estimate.executed.join(", "));
    }
    if !estimate.skipped.is_empty() {
        let _ = write!(words, ", skips {}", estimate.skipped.join(", "));
    }
    words
}

fn cost(estimate: &Estimate) -> String {
    let costs = estimate.costs.iter().map(|(workers, seconds)| {
        format!(
            "{} with {}",
            table::seconds(*seconds),
            table::count(*workers, "worker")
        )
    });
    let costs: Vec<String> = costs.collect();
    format!(
        "about {} (± {:.0} %)",
        costs.join(", "),
        100.0 * estimate.spread
    )
}

/// For GitHub: each log statement and each change of state beside its line.
pub(crate) fn github(report: &Report) -> String {
    let mut text = String::new();
    let cost: Vec<String> = report
        .runs
        .iter()
        .map(|run| run_text(run).trim().to_owned())
        .collect();
    let mut say = |level, file: &FileReport, line: Option<u32>, words: &str| {
        let at = line.map(Lines::whole);
        text.push_str(&workflow::command(
            level,
            &file.path,
            at,
            "florc diff-logs",
            words,
        ));
    };
    for file in &report.files {
        for log in file.logs.iter().filter(|it| !it.in_old) {
            let words = format!(
                "log statement {}: {}\n{}",
                log.change,
                place(log),
                cost.join("\n")
            );
            say(Level::Notice, file, Some(log.line), words.trim_end());
        }
        let others = file.others.iter();
        for other in others.filter(|it| !it.is_harmless && !it.in_old) {
            say(Level::Warning, file, Some(other.line), &other_text(other));
        }
        if let Some(error) = &file.error {
            say(Level::Error, file, None, error);
        }
    }
    text
}

/// For a comment on a pull request.
pub(crate) fn markdown(report: &Report) -> String {
    let mut text = format!("### Log statements, {} to {}\n", report.old, report.new);
    for file in report.files.iter().filter(|it| !it.is_quiet()) {
        let _ = write!(text, "\n**{}**\n\n", title(file));
        if let Some(error) = &file.error {
            let _ = writeln!(text, "- not compared: {error}");
        }
        for log in &file.logs {
            let _ = writeln!(
                text,
                "- {} line {}: {} — {}",
                log.change,
                log.line,
                code(&log.text),
                place(log)
            );
        }
        for other in file.others.iter().filter(|it| !it.is_harmless) {
            let was = other
                .was
                .as_ref()
                .map(|was| format!(", was {}", code(was)))
                .unwrap_or_default();
            let reaches = other
                .reaches
                .map(|it| format!(", {it}"))
                .unwrap_or_default();
            let _ = writeln!(
                text,
                "- line {} {}, **{}**: {}{was}{reaches}",
                other.line,
                other.change,
                other.class,
                code(&other.text)
            );
        }
    }
    if !report.runs.is_empty() {
        text.push_str("\n| run | lacks | replay | cost |\n|---|---|---|---|\n");
    }
    for run in &report.runs {
        let cells = match &run.lacks {
            Ok(estimate) => [estimate.probes.to_string(), work(estimate), cost(estimate)],
            Err(reason) => ["cannot be asked".to_owned(), reason.clone(), String::new()],
        };
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(
            text,
            "| `{}` {} | {} |",
            run.run,
            run.script,
            cells.join(" | ")
        );
    }
    text
}

/// Inline code, whatever backticks are in it.
fn code(text: &str) -> String {
    let longest = text
        .split(|letter| letter != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if longest == 0 {
        format!("{fence}{text}{fence}")
    } else {
        format!("{fence} {text} {fence}")
    }
}
