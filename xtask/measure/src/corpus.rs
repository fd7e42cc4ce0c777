//! `corpus DIR`: every Python file of a folder through the compiler, in parallel.
//!
//! ```python
//! # DIR/some+project/train.py: parsed, planned, rewritten, compiled again by CPython
//! ```
//!
//! Gathers; `report` prints.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::calls::{self, Site};
use crate::compiled::{Python, Verdict};
use crate::files::{self, Found};
use crate::loops::{self, Trained};
use crate::one::{self, Compiled, Failure, Times};
use crate::report;

/// What is asked.
pub(crate) struct Options {
    pub(crate) unknown: usize,
    pub(crate) list: Option<String>,
    python: Option<String>,
    threads: usize,
    root: PathBuf,
}

/// What became of a file.
pub(crate) enum Outcome {
    Syntax(String),
    Panic(String),
    Done(Box<Done>),
}

/// A file that went through.
pub(crate) struct Done {
    pub(crate) times: Times,
    pub(crate) loops: Vec<Trained>,
    pub(crate) sites: Vec<Site>,
    pub(crate) defined: BTreeSet<String>,
    pub(crate) stored: BTreeSet<String>,
    pub(crate) changed: bool,
    pub(crate) faithful: bool,
    pub(crate) compiled: Option<Verdict>,
    pub(crate) exhausted: bool,
}

/// All files with their outcomes.
pub(crate) struct Gathered {
    pub(crate) files: Vec<Found>,
    pub(crate) outcomes: Vec<(usize, Outcome)>,
    pub(crate) seconds: f64,
    pub(crate) threads: usize,
}

/// Runs the compiler over a folder and prints what came of it.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let options = options(arguments)?;
    let files = files::find(&options.root)?;
    std::panic::set_hook(Box::new(|_| {}));
    let begun = Instant::now();
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..options.threads)
            .map(|_| scope.spawn(|| work(&options, &files, &next, &outcomes)))
            .collect();
        workers
            .into_iter()
            .try_for_each(|it| it.join().map_err(|_| "a worker died".to_owned())?)
    })?;
    let _ = std::panic::take_hook();
    let mut outcomes = outcomes.into_inner().map_err(|e| e.to_string())?;
    outcomes.sort_by_key(|(index, ..)| *index);
    let gathered = Gathered {
        outcomes: outcomes
            .into_iter()
            .map(|(_, size, outcome)| (size, outcome))
            .collect(),
        files,
        seconds: begun.elapsed().as_secs_f64(),
        threads: options.threads,
    };
    report::print(&gathered, &options)
}

type Collected = Mutex<Vec<(usize, usize, Outcome)>>;

fn work(
    options: &Options,
    files: &[Found],
    next: &AtomicUsize,
    outcomes: &Collected,
) -> Result<(), String> {
    let mut python = options.python.as_deref().map(Python::start).transpose()?;
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(file) = files.get(index) else {
            return Ok(());
        };
        let bytes = std::fs::read(&file.path).map_err(|e| format!("{}: {e}", file.shown))?;
        let size = bytes.len();
        let outcome = match one::compile(&file.shown, bytes) {
            Err(Failure::Syntax(finding)) => Outcome::Syntax(finding.title),
            Err(Failure::Panic(text)) => Outcome::Panic(text),
            Ok(compiled) => Outcome::Done(Box::new(judge(&compiled, python.as_mut())?)),
        };
        outcomes
            .lock()
            .map_err(|e| e.to_string())?
            .push((index, size, outcome));
    }
}

fn judge(compiled: &Compiled, python: Option<&mut Python>) -> Result<Done, String> {
    let original = compiled.module.source.text();
    let changed = compiled.text != original;
    let verdict = match python.filter(|_| changed) {
        Some(python) => Some(python.compile(original, &compiled.text)?),
        None => None,
    };
    Ok(Done {
        times: compiled.times,
        loops: loops::of(compiled),
        sites: calls::of(compiled),
        defined: calls::defined(compiled),
        stored: calls::stored(compiled),
        changed,
        faithful: compiled.faithful,
        compiled: verdict,
        exhausted: compiled.effects.is_coarse(),
    })
}

fn options(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        unknown: 0,
        list: None,
        python: Some("python3".to_owned()),
        threads: 2,
        root: PathBuf::new(),
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || {
            rest.next()
                .cloned()
                .ok_or(format!("{argument} needs a value"))
        };
        let number = |text: String| text.parse().map_err(|e| format!("`{text}`: {e}"));
        match argument.as_str() {
            "--unknown" => options.unknown = number(value()?)?,
            "--list" => options.list = Some(value()?),
            "--python" => options.python = Some(value()?).filter(|name| name != "none"),
            "--threads" => options.threads = number(value()?)?,
            folder => options.root = PathBuf::from(folder),
        }
    }
    if !options.root.is_dir() {
        return Err(crate::HELP.to_owned());
    }
    Ok(options)
}
