//! `florc check`: what to mend in training scripts, for people and for CI.
//!
//! ```python
//! rng = np.random.default_rng()     # warning[unseeded-rng]; exit code 1
//! ```
//!
//! Finds and reads files, shows what the compiler finds. What is a finding is decided in
//! `florc_instrument`.

mod files;
mod finding;
mod github;
mod patterns;
mod sarif;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use florc_instrument::Options;
use florc_syntax::{Severity, SourceText};
use serde_json::Value;

use self::finding::Finding;
use crate::args::{CheckArgs, CheckFormat};
use crate::failure::Failure;
use crate::settings::{self, Found};
use crate::{DONE, FINDINGS, INPUT_ERROR, analysis, out, pages, project};

/// Files are analysed on so many threads.
const THREADS: usize = 2;

/// A file to check.
#[derive(Clone, Debug)]
struct Input {
    /// As it is shown.
    shown: String,
    /// As loops of it are called.
    name: String,
    /// What to read; `None` for standard input.
    path: Option<PathBuf>,
    options: Options,
}

/// Checks files and folders.
pub(crate) fn check(args: &CheckArgs) -> Result<i32, Failure> {
    let mut folders = Folders::default();
    let mut failures = Vec::new();
    let inputs = folders.inputs(&args.paths, &mut failures);
    let mut findings = folders.findings();
    for result in analyse(&inputs) {
        match result {
            Ok(found) => findings.extend(found),
            Err(failure) => failures.push(failure),
        }
    }
    if !args.select.is_empty() {
        check_codes(&args.select)?;
        findings.retain(|it| args.select.iter().any(|code| code == it.diagnostic().code));
    }
    if !(args.quiet && findings.is_empty()) {
        show(args.format, &findings, inputs.len())?;
    }
    for failure in &failures {
        out::error(failure);
    }
    let counts = findings.iter().any(|it| it.severity() != Severity::Note);
    Ok(match (failures.is_empty(), counts) {
        (false, _) => INPUT_ERROR,
        (true, true) => FINDINGS,
        (true, false) => DONE,
    })
}

/// A code that nobody knows would select nothing, silently.
fn check_codes(codes: &[String]) -> Result<(), Failure> {
    let known = |code: &&String| pages::PAGES.iter().all(|(name, _)| name != *code);
    match codes.iter().find(known) {
        None => Ok(()),
        Some(code) => Err(
            Failure::new(format!("there is no diagnostic code `{code}`"))
                .help("the codes are those of the findings, such as `log-changes-state`"),
        ),
    }
}

fn show(format: CheckFormat, findings: &[Finding], files: usize) -> Result<(), Failure> {
    match format {
        CheckFormat::Json => out::json(&findings.iter().map(Finding::json).collect::<Value>()),
        CheckFormat::Sarif => out::json(&sarif::log(findings)),
        CheckFormat::Github => {
            let lines: Vec<String> = findings.iter().map(github::command).collect();
            out::text(&lines.concat())
        }
        CheckFormat::Text => {
            for finding in findings {
                out::text(&format!("{}\n", finding.text()))?;
            }
            out::note(&summary(findings, files));
            Ok(())
        }
    }
}

fn summary(findings: &[Finding], files: usize) -> String {
    let advice = findings
        .iter()
        .filter(|it| it.severity() == Severity::Note)
        .count();
    let found = findings.len() - advice;
    let plural = |count: usize, one: &str, many: &str| match count {
        0 => format!("no {many}"),
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    };
    let pieces = match advice {
        0 => String::new(),
        _ => format!(
            ", {}",
            plural(advice, "piece of advice", "pieces of advice")
        ),
    };
    let files = plural(files, "file", "files");
    format!(
        "florc: {}{pieces} in {files}",
        plural(found, "finding", "findings")
    )
}

/// The findings of each input, in their order.
fn analyse(inputs: &[Input]) -> Vec<Result<Vec<Finding>, Failure>> {
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, Result<Vec<Finding>, Failure>>> = Mutex::default();
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(index) else {
                break;
            };
            let result = one(input);
            if let Ok(mut done) = done.lock() {
                done.insert(index, result);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..THREADS.min(inputs.len()) {
            scope.spawn(work);
        }
        work();
    });
    done.into_inner()
        .unwrap_or_default()
        .into_values()
        .collect()
}

fn one(input: &Input) -> Result<Vec<Finding>, Failure> {
    let bytes = match &input.path {
        Some(path) => analysis::read(path)?,
        None => out::stdin()?,
    };
    let source = match SourceText::from_bytes(input.name.clone(), bytes) {
        Ok(source) => source,
        Err(diagnostic) => return Ok(vec![Finding::new(&input.shown, None, diagnostic)]),
    };
    let (kept, options) = (source.clone(), input.options.clone());
    let found = analysis::limited(&input.shown, move || {
        florc_instrument::check(source, &options)
    })?;
    let found = found.unwrap_or_else(|diagnostic| vec![diagnostic]);
    let kept = std::sync::Arc::new(kept);
    let findings = found
        .into_iter()
        .map(|diagnostic| Finding::new(&input.shown, Some(kept.clone()), diagnostic));
    Ok(findings.collect())
}

/// What is known of folders: each is looked at once.
#[derive(Debug, Default)]
struct Folders {
    settings: BTreeMap<PathBuf, Found>,
    roots: BTreeMap<PathBuf, PathBuf>,
}

impl Folders {
    /// The files behind the paths of a command line, each once. A path that cannot be used is told.
    fn inputs(&mut self, paths: &[PathBuf], failures: &mut Vec<Failure>) -> Vec<Input> {
        let mut inputs = Vec::new();
        for path in paths {
            if path == Path::new("-") {
                inputs.push(self.input(None, Path::new("stdin.py")));
                continue;
            }
            let excluded = |folders: &mut Self, path: &Path| folders.excludes(path);
            match files::under(path, |path| excluded(self, path)) {
                Ok(found) => {
                    inputs.extend(found.iter().map(|path| self.input(Some(path), path)));
                }
                Err(failure) => failures.push(failure),
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        inputs.retain(|input| seen.insert(input.path.clone()));
        inputs
    }

    fn input(&mut self, path: Option<&Path>, shown: &Path) -> Input {
        let folder = folder_of(shown);
        let root = self.root(&folder).to_path_buf();
        let absolute = std::path::absolute(shown).unwrap_or_else(|_| shown.to_path_buf());
        let name = absolute.strip_prefix(&root).unwrap_or(&absolute);
        Input {
            shown: files::plain(shown),
            name: name.to_string_lossy().into_owned(),
            path: path.map(Path::to_path_buf),
            options: Options {
                settings: self.found(&folder).settings.clone(),
                ..Options::default()
            },
        }
    }

    fn root(&mut self, folder: &Path) -> &Path {
        let make = || project::of(folder).root;
        self.roots.entry(folder.to_path_buf()).or_insert_with(make)
    }

    fn found(&mut self, folder: &Path) -> &Found {
        let make = || settings::of(folder);
        self.settings
            .entry(folder.to_path_buf())
            .or_insert_with(make)
    }

    fn excludes(&mut self, path: &Path) -> bool {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let found = self.found(&folder_of(path));
        let relative = found
            .folder
            .as_ref()
            .and_then(|home| absolute.strip_prefix(home).ok());
        let patterns = &found.settings.exclude;
        relative.is_some_and(|path| {
            patterns
                .iter()
                .any(|pattern| patterns::matches(pattern, path))
        })
    }

    /// What is wrong in settings, each file once.
    fn findings(&self) -> Vec<Finding> {
        let mut told = std::collections::BTreeSet::new();
        let mut findings = Vec::new();
        for found in self.settings.values() {
            if found.folder.is_some() && told.insert(found.folder.clone()) {
                let source = found.source.clone().map(std::sync::Arc::new);
                for diagnostic in &found.diagnostics {
                    let shown = files::from_here(Path::new(&diagnostic.file));
                    findings.push(Finding::new(&shown, source.clone(), diagnostic.clone()));
                }
            }
        }
        findings
    }
}

/// The folder of a file, absolute.
fn folder_of(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    absolute.parent().map(Path::to_path_buf).unwrap_or(absolute)
}
