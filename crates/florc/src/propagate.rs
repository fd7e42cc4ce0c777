//! `florc propagate`: the log statements of one version, asked of many older runs.
//!
//! ```python
//! # florc propagate --from HEAD --to 20260301 baseline
//! print(norm(model))      # into the sources of both runs, at its place in each; then replayed
//! ```
//!
//! For each run: shows the recorded sources with the probes as a diff; then replays all with one plan. The
//! recorded sources themselves stay as they are.

use std::collections::BTreeSet;

use florc_history::{RevisionError, Revisions, Side, unified_diff};
use florc_semantic::files::Files;

use crate::args::{PropagateArgs, TextFormat};
use crate::failure::Failure;
use crate::listing::{self, OpenedRun};
use crate::program::Disk;
use crate::project::Project;
use crate::replay::find::{self, Subject};
use crate::replay::{Allowed, Question, answer, compared};
use crate::versions::GitFiles;
use crate::{DONE, FINDINGS, HostPython, out, project};

/// Carries and replays; exit code 1 where a run could not be answered.
pub(crate) fn propagate(args: &PropagateArgs, host: &HostPython) -> Result<i32, Failure> {
    let near = args.script.as_deref().unwrap_or(std::path::Path::new("."));
    let project = project::of(near);
    let runs = runs(args, &project)?;
    match &args.from {
        None => each(
            args,
            &project,
            runs,
            &Disk::new(&project.root, Vec::new()),
            host,
        ),
        Some(name) => {
            let told = |error: RevisionError| {
                Failure::new(error.to_string()).help(
                    "`git log --oneline` lists commits; without `--from` it is the working tree",
                )
            };
            let revisions = Revisions::discover(&project.root).map_err(told)?;
            revisions.check(name).map_err(told)?;
            let side = Side::Revision(name.clone());
            let files = GitFiles::new(&revisions, &side, &project.root);
            each(args, &project, runs, &files, host)
        }
    }
}

/// The runs that are meant, the oldest first, each once.
fn runs(args: &PropagateArgs, project: &Project) -> Result<Vec<OpenedRun>, Failure> {
    let opened = listing::open(&project.store)?;
    let mut found = Vec::new();
    if args.to.iter().any(|name| name == "all") {
        for handle in opened.store.runs()? {
            found.push(OpenedRun { handle });
        }
    } else {
        for name in &args.to {
            found.push(opened.find(Some(name))?);
        }
    }
    found.sort_by(|a, b| a.handle.id().cmp(b.handle.id()));
    let mut seen = BTreeSet::new();
    found.retain(|run| seen.insert(run.handle.id().to_owned()));
    Ok(found)
}

/// Compares each run, and answers all with one pool of workers.
fn each(
    args: &PropagateArgs,
    project: &Project,
    runs: Vec<OpenedRun>,
    files: &dyn Files,
    host: &HostPython,
) -> Result<i32, Failure> {
    let mut code = DONE;
    let mut questions = Vec::new();
    for run in runs {
        let id = run.handle.id().to_owned();
        out::note(&format!("florc: run {id}"));
        let opened = listing::open(&project.store)?;
        let subject = find::of_run(opened, run, project.clone(), args.script.as_deref());
        match subject.and_then(|subject| question(args, subject, files)) {
            Ok(question) => questions.push(question),
            Err(failure) => code = told(&id, failure)?,
        }
    }
    let codes = answer(&args.how, &questions, host)?;
    for (question, answered) in questions.iter().zip(codes) {
        match answered {
            Ok(DONE) => {}
            Ok(_) => code = FINDINGS,
            Err(failure) => code = told(&question.subject.facts.manifest.run, failure)?,
        }
    }
    Ok(code)
}

/// The other runs can be asked all the same.
fn told(run: &str, failure: Failure) -> Result<i32, Failure> {
    if failure.is_closed_pipe() {
        return Err(failure);
    }
    out::note(&format!("florc: run {run} cannot be asked"));
    out::error(&failure);
    Ok(FINDINGS)
}

/// What is asked of a run, shown as a diff of its sources.
fn question(
    args: &PropagateArgs,
    subject: Subject,
    files: &dyn Files,
) -> Result<Question, Failure> {
    find::check_modules(&subject)?;
    let compared = compared(Allowed::default(), &subject, files)?;
    compared.tell();
    let sources = &compared.sources;
    let mut diff = String::new();
    for (file, text) in sources.recorded.source.files().iter().zip(&sources.texts) {
        let old = sources.recorded.source.slice(file.span());
        let new = String::from_utf8_lossy(&text.bytes);
        let shown = format!("{} (with the probes)", file.path);
        diff.push_str(&unified_diff(
            &format!("{} (recorded)", file.path),
            old,
            &shown,
            &new,
        ));
    }
    if args.how.dry_run && args.how.format == TextFormat::Text {
        out::text(&diff)?;
    } else if args.how.format == TextFormat::Text {
        out::note(diff.trim_end());
    }
    Ok(Question { subject, compared })
}
