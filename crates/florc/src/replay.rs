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

mod answer;
mod beyond_state;
pub(crate) mod carried;
mod cause;
pub(crate) mod changes;
mod condition;
mod dry_run;
mod environment;
pub(crate) mod estimate;
mod expected;
pub(crate) mod find;
mod fork;
mod fork_edits;
mod gpus;
mod in_doubt;
mod isolated;
mod judge;
mod merge;
mod picture;
mod plan;
mod probed;
mod progress;
mod reached;
mod renamed;
mod report;
mod work;

use std::path::{Path, PathBuf};

pub(crate) use answer::{Question, answer};
pub(crate) use environment::differences;
use florc_manifest::RunManifest;
use florc_semantic::files::Files;

use crate::args::ReplayArgs;
use crate::failure::Failure;
use crate::program::Disk;
use crate::{DONE, HostPython, python};

/// What is replayed: sources, and how they differ from the recorded ones.
pub(crate) struct Compared {
    pub(crate) sources: find::Sources,
    comparison: changes::Comparison,
    left_out: carried::LeftOut,
}

impl Compared {
    /// Tells what takes no part.
    pub(crate) fn tell(&self) {
        self.left_out.tell();
    }
}

/// Replays; exit code 1 where a value could not be verified.
pub(crate) fn replay(args: &ReplayArgs, host: &HostPython) -> Result<i32, Failure> {
    condition::parse(args.how.condition.as_deref())?; // wrong before anything is looked for
    let subject = find::subject(args)?;
    if let Some(at) = &args.fork {
        return fork::fork(args, at, &subject, host);
    }
    find::check_modules(&subject)?;
    let files = Disk::new(&subject.project.root, Vec::new());
    let allowed = Allowed {
        strict: args.strict,
        impure: args.allow_impure,
    };
    let compared = compared(allowed, &subject, &files)?;
    compared.tell();
    let question = Question { subject, compared };
    let codes = answer(&args.how, &[question], host)?;
    codes.into_iter().next().unwrap_or(Ok(DONE))
}

/// Edits that are let through, or not.
#[derive(Clone, Copy, Default)]
pub(crate) struct Allowed {
    /// Nothing but log statements.
    pub(crate) strict: bool,
    /// Added statements that change the training, too.
    pub(crate) impure: bool,
}

/// The sources that are replayed, compared with the recorded ones: the working tree where it only
/// gained log statements, else the recorded sources with those log statements.
pub(crate) fn compared(
    allowed: Allowed,
    subject: &find::Subject,
    files: &dyn Files,
) -> Result<Compared, Failure> {
    let sources = find::sources(subject, files);
    let sources = match sources {
        // A recorded file may be gone because its code is elsewhere now.
        Err(_) if !allowed.strict => None,
        sources => Some(sources?),
    };
    if let Some(sources) = sources {
        match changes::compare(&sources, subject, allowed.impure)? {
            Ok(comparison) => {
                return Ok(Compared {
                    sources,
                    comparison,
                    left_out: carried::LeftOut::default(),
                });
            }
            Err(refusal) if allowed.strict => return Err(refusal),
            Err(_) => {}
        }
    }
    let sources = find::wide_sources(subject, files)?;
    let (sources, left_out) = carried::carried(sources, subject)?;
    let comparison = changes::compare(&sources, subject, allowed.impure)??;
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
