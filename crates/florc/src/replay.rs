//! `florc replay`: what log statements added since a run would have printed in it.
//!
//! ```python
//! for epoch in range(8):
//!     train(model)
//!     print(weight_norm(model))     # added after the run: eight values, none trained again
//! ```
//!
//! Finds the run, compares the sources, plans, starts workers, and shows values only of segments
//! that were verified (or all, marked, where the user asks). The comparing and planning is
//! `florc_history`'s, the running is the workers'.

pub(crate) mod carried;
pub(crate) mod changes;
mod dry_run;
mod environment;
pub(crate) mod estimate;
pub(crate) mod find;
mod judge;
mod merge;
mod plan;
mod probed;
mod report;
mod work;

use std::path::{Path, PathBuf};

pub(crate) use environment::differences;
use florc_manifest::RunManifest;
use florc_semantic::files::Files;

use crate::args::{ReplayArgs, ReplayOptions};
use crate::failure::Failure;
use crate::program::Disk;
use crate::{DONE, HostPython, python};

/// What is replayed: sources, and how they differ from the recorded ones.
pub(crate) struct Compared {
    pub(crate) sources: find::Sources,
    comparison: changes::Comparison,
    left_out: carried::LeftOut,
}

/// Replays; exit code 1 where a value could not be verified.
pub(crate) fn replay(args: &ReplayArgs, host: &HostPython) -> Result<i32, Failure> {
    plan::condition(args.how.condition.as_deref())?; // wrong before anything is looked for
    let subject = find::subject(args)?;
    find::check_modules(&subject)?;
    let files = Disk::new(&subject.project.root, Vec::new());
    let compared = compared(args.strict, &subject, &files)?;
    replay_of(&args.how, &subject, &compared, host)
}

/// Replays a run with what was found to be asked of it.
pub(crate) fn replay_of(
    args: &ReplayOptions,
    subject: &find::Subject,
    compared: &Compared,
    host: &HostPython,
) -> Result<i32, Failure> {
    let condition = plan::condition(args.condition.as_deref())?;
    let Compared {
        sources,
        comparison: verdict,
        left_out,
    } = compared;
    left_out.tell();
    if !verdict.has_probes {
        report::no_probe(args, subject, verdict, left_out)?;
        return Ok(DONE);
    }
    let probed = probed::probed(subject, sources, verdict);
    let planned = plan::plan(args.workers, subject, &probed, verdict, condition.as_ref())?;
    report::begin(subject, sources, verdict, &planned);
    if args.dry_run {
        dry_run::dry_run(args, subject, &probed, &planned, left_out)?;
        return Ok(DONE);
    }
    let python = interpreter(args.python.as_deref(), &subject.facts.manifest, host)?;
    environment::compare(&python, &subject.facts.manifest.environment);
    let stored = plan::store(subject, sources, verdict, &probed, &planned, args.continues)?;
    let work = work::Work {
        python: &python,
        stored: &stored,
        subject,
        seconds: planned.segments.iter().map(|it| it.seconds).collect(),
    };
    work::run(&work, args.workers)?;
    let merged = merge::merge(&stored, subject, &probed, &planned, condition.as_ref())?;
    let told = report::Told {
        args,
        subject,
        sources,
        probed: &probed,
        planned: &planned,
        stored: &stored,
        merged: &merged,
        comparison: verdict,
        left_out,
    };
    report::finish(&told)
}

/// The sources that are replayed, compared with the recorded ones: the working tree where it only
/// gained log statements, else the recorded sources with those log statements.
pub(crate) fn compared(
    strict: bool,
    subject: &find::Subject,
    files: &dyn Files,
) -> Result<Compared, Failure> {
    let sources = find::sources(subject, files);
    let sources = match sources {
        // A recorded file may be gone because its code is elsewhere now.
        Err(_) if !strict => None,
        sources => Some(sources?),
    };
    if let Some(sources) = sources {
        match changes::compare(&sources, subject)? {
            Ok(comparison) => {
                return Ok(Compared {
                    sources,
                    comparison,
                    left_out: carried::LeftOut::default(),
                });
            }
            Err(refusal) if strict => return Err(refusal),
            Err(_) => {}
        }
    }
    let sources = find::wide_sources(subject, files)?;
    let (sources, left_out) = carried::carried(sources, subject)?;
    let comparison = changes::compare(&sources, subject)??;
    Ok(Compared {
        sources,
        comparison,
        left_out,
    })
}

/// The Python of a replay: the one asked for, else the one that recorded, else as for `florc run`.
pub(crate) fn interpreter(
    asked: Option<&Path>,
    manifest: &RunManifest,
    host: &HostPython,
) -> Result<PathBuf, Failure> {
    let recorded = PathBuf::from(&manifest.environment.executable);
    match asked {
        None if recorded.is_file() => {
            python::find(Some(&recorded), host).or_else(|_| python::find(None, host))
        }
        _ => python::find(asked, host),
    }
}
