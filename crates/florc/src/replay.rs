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
mod cause;
pub(crate) mod changes;
mod condition;
mod dry_run;
mod environment;
pub(crate) mod estimate;
mod expected;
pub(crate) mod find;
mod fork;
mod gpus;
mod in_doubt;
mod isolated;
mod judge;
mod merge;
mod picture;
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
use crate::{DONE, HostPython, out, python};

/// What is replayed: sources, and how they differ from the recorded ones.
pub(crate) struct Compared {
    pub(crate) sources: find::Sources,
    comparison: changes::Comparison,
    left_out: carried::LeftOut,
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
    replay_of(&args.how, &subject, &compared, host)
}

/// Replays a run with what was found to be asked of it.
pub(crate) fn replay_of(
    args: &ReplayOptions,
    subject: &find::Subject,
    compared: &Compared,
    host: &HostPython,
) -> Result<i32, Failure> {
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
    let args = &gpus::spread(args, subject.facts.manifest.world_size())?;
    let condition = condition::parse(args.condition.as_deref())?;
    let condition = condition.map(|it| condition::Condition::of(it, subject, &probed));
    let condition = condition.transpose()?;
    let asked = Asked {
        subject,
        sources,
        comparison: verdict,
        probed: &probed,
        condition: condition.as_ref(),
        programs: args.allow_programs,
    };
    let planned = asked.plan(args)?;
    report::begin(subject, sources, verdict, &planned);
    if args.dry_run {
        let picture = picture::Picture {
            subject,
            sources,
            probed: &probed,
            planned: &planned,
            workers: args.workers,
        };
        dry_run::dry_run(args, &picture, left_out)?;
        return Ok(DONE);
    }
    answered(args, &asked, &planned, left_out, host)
}

/// Runs a plan, and tells what was found.
fn answered(
    args: &ReplayOptions,
    asked: &Asked<'_>,
    planned: &plan::Planned,
    left_out: &carried::LeftOut,
    host: &HostPython,
) -> Result<i32, Failure> {
    let Asked {
        subject,
        sources,
        comparison,
        probed,
        condition,
        programs: _,
    } = *asked;
    let recorded = &subject.facts.manifest;
    let python = interpreter(args.python.as_deref(), recorded, host)?;
    let differences = told_differences(&python, recorded);
    let stored = plan::store(
        subject,
        sources,
        comparison,
        probed,
        planned,
        args.continues,
    )?;
    let work = work::Work {
        python: &python,
        stored: &stored,
        subject,
        seconds: planned.segments.iter().map(|it| it.seconds).collect(),
        order: planned.order.iter().map(|at| *at as u32).collect(),
        budget: args.budget,
        gpus: &args.gpus,
    };
    let left = work::run(&work, args.workers)?;
    let merged = merge::merge(&stored, subject, probed, planned, &left, condition);
    let why = merged.needs_whole();
    if let Some(why) = why.filter(|_| asked.can_be_whole(args, planned)) {
        report::begins_again(&why);
        let _ = std::fs::remove_dir_all(&stored.folder);
        return answered(args, asked, &asked.whole(args)?, left_out, host);
    }
    let causes = cause::causes(&cause::Case {
        workers: args.workers,
        work: &work,
        subject,
        stored: &stored,
        planned,
        merged: &merged,
        environment: &differences,
        diagnose: args.diagnose,
    })?;
    report::finish(&report::Told {
        args,
        subject,
        sources,
        probed,
        planned,
        stored: &stored,
        merged: &merged,
        causes: &causes,
        comparison,
        left_out,
        condition,
    })
}

/// How the environment differs from the recorded one; the user is warned.
fn told_differences(python: &Path, recorded: &RunManifest) -> Vec<String> {
    let differences = environment::differences(python, &recorded.environment);
    for difference in &differences {
        out::warning(difference);
    }
    differences
}

/// What is asked of a run.
struct Asked<'a> {
    subject: &'a find::Subject,
    sources: &'a find::Sources,
    comparison: &'a changes::Comparison,
    probed: &'a probed::Probed,
    condition: Option<&'a condition::Condition>,
    programs: bool,
}

impl Asked<'_> {
    /// The plan. One that is gone on with is cut as it was.
    fn plan(&self, args: &ReplayOptions) -> Result<plan::Planned, Failure> {
        let marks = !self.comparison.impure.is_empty();
        let planned = self.divided(args.workers, args.budget.is_some() || marks)?;
        if !args.continues || args.budget.is_some() || marks || self.is_begun(&planned) {
            return Ok(planned);
        }
        let fine = self.divided(args.workers, true)?;
        Ok(if self.is_begun(&fine) { fine } else { planned })
    }

    /// Whether running the whole script may prove what this plan does not.
    fn can_be_whole(&self, args: &ReplayOptions, planned: &plan::Planned) -> bool {
        let is_fork = self.subject.facts.manifest.parent.is_some();
        !(planned.whole || is_fork || args.approximate)
    }

    /// The plan to run the script from its beginning, skipping nothing.
    fn whole(&self, args: &ReplayOptions) -> Result<plan::Planned, Failure> {
        let division = plan::Division {
            workers: args.workers,
            condition: self.condition,
            fine: false,
            whole: true,
            programs: self.programs,
        };
        plan::plan(division, self.subject, self.probed, self.comparison)
    }

    fn divided(&self, workers: usize, fine: bool) -> Result<plan::Planned, Failure> {
        let division = plan::Division {
            workers,
            condition: self.condition,
            fine,
            whole: false,
            programs: self.programs,
        };
        plan::plan(division, self.subject, self.probed, self.comparison)
    }

    fn is_begun(&self, planned: &plan::Planned) -> bool {
        plan::unfinished(
            self.subject,
            self.sources,
            self.comparison,
            self.probed,
            planned,
        )
        .is_some()
    }
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
