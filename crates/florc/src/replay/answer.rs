//! Answers what log statements ask of runs: plans, one pool of workers for all, verdicts.
//!
//! ```python
//! # florc propagate --to all --workers 4     eight runs of an hour: one segment each, two on each worker
//! ```
//!
//! A run is cut into as many segments as its part of the work is worth workers. Where the workers are
//! done, each run is answered by itself, in the given order.

use std::path::{Path, PathBuf};

use florc_history::PlannedSegment;
use florc_manifest::RunManifest;

use super::condition::{self, Condition};
use super::probed::{self, Probed};
use super::work::{self, Means, Work};
use super::{
    Compared, cause, dry_run, environment, find, gpus, interpreter, merge, picture, plan, report,
};
use crate::args::ReplayOptions;
use crate::failure::Failure;
use crate::{DONE, HostPython, out, table};

/// A run, compared with the sources that hold the log statements.
pub(crate) struct Question {
    pub(crate) subject: find::Subject,
    pub(crate) compared: Compared,
}

/// Answers all; gives the exit code of each, or why it has no answer.
pub(crate) fn answer(
    args: &ReplayOptions,
    questions: &[Question],
    host: &HostPython,
) -> Result<Vec<Result<i32, Failure>>, Failure> {
    let sizes = questions.iter();
    let sizes = sizes.map(|it| it.subject.facts.manifest.world_size());
    let args = gpus::spread(args, sizes.max().unwrap_or(1))?;
    let asked = questions.iter().map(|it| Asked::new(it, &args));
    let mut asked: Vec<Result<Option<Asked<'_>>, Failure>> = asked.collect();
    share(&mut asked, args.workers);
    let begun = asked.iter().map(|asked| match asked {
        Ok(Some(asked)) => asked.begin(host),
        Ok(None) | Err(_) => Ok(Begun::Told),
    });
    let begun: Vec<Result<Begun, Failure>> = begun.collect();
    say_total(&args, &begun);
    let pairs = asked.iter().zip(&begun);
    let works = pairs.filter_map(|(asked, begun)| match (asked, begun) {
        (Ok(Some(asked)), Ok(Begun::Ready(ready))) => Some(ready.work(asked)),
        _ => None,
    });
    let mut left = work::run(&works.collect::<Vec<_>>(), means(&args)).into_iter();
    let pairs = asked.into_iter().zip(begun);
    Ok(pairs
        .map(|(asked, begun)| match (asked?, begun?) {
            (Some(asked), Begun::Ready(ready)) => {
                let left = left.next().unwrap_or(Ok(Vec::new()))?;
                asked.conclude(&ready, &left, host)
            }
            _ => Ok(DONE),
        })
        .collect())
}

/// How long plans of several runs take together, which were shown.
fn say_total(args: &ReplayOptions, begun: &[Result<Begun, Failure>]) {
    let shown = begun.iter().filter_map(|begun| match begun {
        Ok(Begun::Shown(planned)) => Some(planned),
        _ => None,
    });
    let shown: Vec<&plan::Planned> = shown.collect();
    if shown.len() < 2 {
        return;
    }
    let segments = shown.iter().flat_map(|it| it.segments.clone());
    let mut segments: Vec<PlannedSegment> = segments.collect();
    segments.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let order: Vec<usize> = (0..segments.len()).collect();
    let slots = plan::timeline(&segments, &order, args.workers);
    let seconds = slots.iter().map(|slot| slot.end).fold(0.0, f64::max);
    out::note(&format!(
        "florc: {} with {}: expected {} in all",
        table::count(shown.len(), "run"),
        table::count(args.workers, "worker"),
        table::seconds(seconds)
    ));
}

fn means(args: &ReplayOptions) -> Means<'_> {
    Means {
        workers: args.workers,
        budget: args.budget,
        gpus: &args.gpus,
    }
}

/// Of several runs each gets as many workers as its part of the work is worth.
fn share(all: &mut [Result<Option<Asked<'_>>, Failure>], workers: usize) {
    let asked = all.iter_mut().filter_map(|it| it.as_mut().ok()?.as_mut());
    let mut asked: Vec<&mut Asked<'_>> = asked.collect();
    if asked.len() < 2 {
        return;
    }
    let seconds: Vec<f64> = asked.iter().map(|it| it.seconds_alone()).collect();
    let all: f64 = seconds.iter().sum();
    for (asked, seconds) in asked.iter_mut().zip(seconds) {
        let part = (seconds * workers as f64 / all.max(f64::MIN_POSITIVE)).ceil();
        #[expect(clippy::cast_sign_loss, reason = "seconds are positive")]
        let part = (part as usize).clamp(1, workers);
        asked.args.workers = part;
        asked.beside = workers - part;
    }
}

/// What is asked of a run.
struct Asked<'a> {
    args: ReplayOptions,
    question: &'a Question,
    probed: Probed,
    condition: Option<Condition>,
    /// Workers that answer other runs meanwhile.
    beside: usize,
}

/// How far the answer is.
enum Begun {
    /// The user was told that there is nothing to ask.
    Told,
    /// The plan was shown, which is all the user wants.
    Shown(plan::Planned),
    /// Workers can start.
    Ready(Box<Ready>),
}

/// A run whose workers can start.
struct Ready {
    planned: plan::Planned,
    stored: plan::Stored,
    python: PathBuf,
    /// How the environment differs from the recorded one.
    differences: Vec<String>,
    seconds: Vec<f64>,
    order: Vec<u32>,
}

impl Ready {
    fn work<'a>(&'a self, asked: &'a Asked<'_>) -> Work<'a> {
        Work {
            python: &self.python,
            stored: &self.stored,
            subject: &asked.question.subject,
            seconds: &self.seconds,
            order: &self.order,
        }
    }
}

impl<'a> Asked<'a> {
    /// `None`: there is nothing to ask, which the user was told.
    fn new(question: &'a Question, args: &ReplayOptions) -> Result<Option<Self>, Failure> {
        let Question { subject, compared } = question;
        let (sources, comparison) = (&compared.sources, &compared.comparison);
        if !comparison.has_probes {
            report::no_probe(args, subject, comparison, &compared.left_out)?;
            return Ok(None);
        }
        let probed = probed::probed(subject, sources, comparison);
        let condition = condition::parse(args.condition.as_deref())?;
        let condition = condition.map(|it| Condition::of(it, subject, sources, &probed));
        Ok(Some(Self {
            args: args.clone(),
            question,
            probed,
            condition: condition.transpose()?,
            beside: 0,
        }))
    }

    /// Expected seconds with one worker; 0 where that cannot be told.
    fn seconds_alone(&self) -> f64 {
        let planned = self.divided(1, false);
        planned.map_or(0.0, |planned| planned.seconds)
    }

    fn begin(&self, host: &HostPython) -> Result<Begun, Failure> {
        let Question { subject, compared } = self.question;
        let planned = self.plan()?;
        report::begin(subject, &compared.sources, &compared.comparison, &planned);
        if self.args.dry_run {
            let picture = picture::Picture {
                subject,
                sources: &compared.sources,
                probed: &self.probed,
                planned: &planned,
                workers: self.args.workers,
            };
            dry_run::dry_run(&self.args, &picture, &compared.left_out)?;
            return Ok(Begun::Shown(planned));
        }
        self.store(planned, host)
            .map(|ready| Begun::Ready(Box::new(ready)))
    }

    fn store(&self, planned: plan::Planned, host: &HostPython) -> Result<Ready, Failure> {
        let Question { subject, compared } = self.question;
        let recorded = &subject.facts.manifest;
        let python = interpreter(self.args.python.as_deref(), recorded, host)?;
        let differences = told_differences(&python, recorded);
        let stored = plan::store(
            subject,
            &compared.sources,
            &compared.comparison,
            &self.probed,
            &planned,
            self.args.continues,
        )?;
        Ok(Ready {
            seconds: planned.segments.iter().map(|it| it.seconds).collect(),
            order: planned.order.iter().map(|at| *at as u32).collect(),
            planned,
            stored,
            python,
            differences,
        })
    }

    /// Tells what the workers found; gives the exit code.
    fn conclude(&self, begun: &Ready, left: &[u32], host: &HostPython) -> Result<i32, Failure> {
        let Question { subject, compared } = self.question;
        let Ready {
            planned, stored, ..
        } = begun;
        let condition = self.condition.as_ref();
        let merged = merge::merge(stored, subject, &self.probed, planned, left, condition);
        let why = match merged.needs_whole() {
            None if planned.narrowed && merged.differs() => self.is_short_as_a_whole()?,
            why => why,
        };
        if let Some(why) = why.filter(|_| self.can_be_whole(planned)) {
            report::begins_again(&why);
            let _ = std::fs::remove_dir_all(&stored.folder);
            let begun = self.store(self.whole()?, host)?;
            let left = work::run(&[begun.work(self)], means(&self.args)).pop();
            return self.conclude(&begun, &left.unwrap_or(Ok(Vec::new()))?, host);
        }
        let causes = cause::causes(&cause::Case {
            work: begun.work(self),
            means: means(&self.args),
            subject,
            stored,
            planned,
            merged: &merged,
            environment: &begun.differences,
            diagnose: self.args.diagnose,
        })?;
        report::finish(&report::Told {
            args: &self.args,
            subject,
            sources: &compared.sources,
            probed: &self.probed,
            planned,
            stored,
            merged: &merged,
            causes: &causes,
            comparison: &compared.comparison,
            left_out: &compared.left_out,
            condition,
        })
    }

    /// The plan. One that is gone on with is cut as it was.
    fn plan(&self) -> Result<plan::Planned, Failure> {
        let args = &self.args;
        let marks = !self.question.compared.comparison.impure.is_empty();
        let planned = self.divided(args.workers, args.budget.is_some() || marks)?;
        if !args.continues || args.budget.is_some() || marks || self.is_begun(&planned) {
            return Ok(planned);
        }
        let fine = self.divided(args.workers, true)?;
        Ok(if self.is_begun(&fine) { fine } else { planned })
    }

    /// Whether running the whole script may prove what this plan does not.
    fn can_be_whole(&self, planned: &plan::Planned) -> bool {
        let is_fork = self.question.subject.facts.manifest.parent.is_some();
        !(planned.whole || is_fork || self.args.approximate)
    }

    /// A replay that leaves out iterations differs: whether that is the cause can be seen soon.
    fn is_short_as_a_whole(&self) -> Result<Option<String>, Failure> {
        let is_soon = self.args.diagnose || self.whole()?.seconds <= cause::AT_MOST;
        let text = "what was replayed differs from the run, and what comes before it was left out";
        Ok(is_soon.then(|| text.to_owned()))
    }

    /// The plan to run the script from its beginning, skipping nothing.
    fn whole(&self) -> Result<plan::Planned, Failure> {
        self.planned(plan::Division {
            whole: true,
            ..self.division(self.args.workers, false)
        })
    }

    fn divided(&self, workers: usize, fine: bool) -> Result<plan::Planned, Failure> {
        self.planned(self.division(workers, fine))
    }

    fn division(&self, workers: usize, fine: bool) -> plan::Division<'_> {
        plan::Division {
            workers,
            beside: self.beside,
            condition: self.condition.as_ref(),
            fine,
            whole: false,
            programs: self.args.allow_programs,
            unverified: self.args.approximate,
        }
    }

    fn planned(&self, division: plan::Division<'_>) -> Result<plan::Planned, Failure> {
        let Question { subject, compared } = self.question;
        plan::plan(division, subject, &self.probed, &compared.comparison)
    }

    fn is_begun(&self, planned: &plan::Planned) -> bool {
        let Question { subject, compared } = self.question;
        let (sources, comparison) = (&compared.sources, &compared.comparison);
        plan::unfinished(subject, sources, comparison, &self.probed, planned).is_some()
    }
}

/// How the environment differs from the recorded one; the user is warned.
fn told_differences(python: &Path, recorded: &RunManifest) -> Vec<String> {
    let differences = environment::differences(python, &recorded.environment);
    for difference in &differences {
        out::warning(difference);
    }
    differences
}
