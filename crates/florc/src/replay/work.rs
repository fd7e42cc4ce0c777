//! Starts the workers, a few at a time.
//!
//! ```python
//! # python -m florc._runner --worker plan.json --segment 0
//! ```
//!
//! What a worker prints is muted by the worker itself, and what it says goes to a file beside its
//! shard. Whether a segment counts is read from its shard, not from an exit code.

use std::collections::VecDeque;
use std::path::Path;
use std::process::{Child, Stdio};

use super::find::Subject;
use super::plan::Stored;
use crate::failure::Failure;
use crate::worker;

/// Runs every segment; at most `workers` processes at a time.
pub(crate) fn run(
    python: &Path,
    stored: &Stored,
    subject: &Subject,
    workers: usize,
) -> Result<(), Failure> {
    let mut waiting: VecDeque<u32> = stored
        .plan
        .segments
        .iter()
        .map(|segment| segment.index)
        .collect();
    let mut running: Vec<Running> = Vec::new();
    while !waiting.is_empty() || !running.is_empty() {
        while running.len() < workers {
            let Some(segment) = waiting.pop_front() else {
                break;
            };
            match start(python, stored, subject, segment) {
                Ok(child) => running.push(Running(child)),
                Err(failure) => return Err(failure),
            }
        }
        running.retain_mut(|worker| matches!(worker.0.try_wait(), Ok(None)));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Ok(())
}

/// A worker that does not outlive florc.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

fn start(
    python: &Path,
    stored: &Stored,
    subject: &Subject,
    segment: u32,
) -> Result<Child, Failure> {
    let manifest = &subject.facts.manifest;
    let plan = stored.folder.join("plan.json");
    let folder = if Path::new(&manifest.cwd).is_dir() {
        manifest.cwd.clone()
    } else {
        subject.project.root.to_string_lossy().into_owned()
    };
    let mut command = worker::command(python, &plan, segment, &folder);
    worker::as_recorded(&mut command, &manifest.environment);
    let words = stored.folder.join(format!("segment-{segment}.stderr"));
    let file =
        std::fs::File::create(&words).map_err(|error| Failure::io("write", &words, &error))?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file);
    command
        .spawn()
        .map_err(|error| Failure::io("start", python, &error))
}

/// The last words of a worker, for a segment without a verdict.
pub(crate) fn last_words(stored: &Stored, segment: u32) -> String {
    let file = stored.folder.join(format!("segment-{segment}.stderr"));
    let text = std::fs::read(&file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}
