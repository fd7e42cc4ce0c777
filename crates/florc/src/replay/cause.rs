//! Why a replay differs from the recorded run, by evidence.
//!
//! ```python
//! rng = np.random.default_rng()     # unseeded generator: replayed twice, it gives other numbers
//! ```
//!
//! What is at hand is looked at first: another environment, files that were written since. Where
//! that tells nothing, and the time allows, the segment is replayed again, and from the beginning
//! of the script: whether these come out alike tells the rest. Nothing of it becomes a value.

use std::path::PathBuf;

use florc_instrument::Options;
use florc_manifest::{
    DifferenceKind, Evidence, FirstDifference, Segment, SegmentEnd, SegmentStart, Verdict,
};
use florc_syntax::SourceText;
use serde_json::{Value, json};

use super::find::{self, Subject};
use super::merge::{self, Merged};
use super::plan::{Planned, Stored};
use super::work::{self, Means, Work};
use crate::failure::Failure;
use crate::{out, replays, table};

/// Replays for the cause alone take no longer than this, unless the user asks (seconds).
pub(super) const AT_MOST: f64 = 60.0;

/// A likely cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// A word for programs.
    pub(crate) kind: &'static str,
    /// What speaks for it, one line.
    pub(crate) text: String,
}

impl Cause {
    fn new(kind: &'static str, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        json!({ "cause": self.kind, "evidence": self.text })
    }
}

/// What there is to find a cause with.
pub(crate) struct Case<'a> {
    pub(crate) work: Work<'a>,
    pub(crate) means: Means<'a>,
    pub(crate) subject: &'a Subject,
    pub(crate) stored: &'a Stored,
    pub(crate) planned: &'a Planned,
    pub(crate) merged: &'a Merged,
    /// How the environment differs, in words.
    pub(crate) environment: &'a [String],
    /// Replay again whatever time that takes.
    pub(crate) diagnose: bool,
}

/// The first segment that differs, with what its worker saw.
pub(crate) fn first_evidence(merged: &Merged) -> Option<(usize, &Evidence)> {
    let mut verdicts = merged.verdicts.iter();
    verdicts.find_map(|(at, verdict)| Some((*at, evidence_of(verdict)?)))
}

/// What a worker saw where the replay differs.
fn evidence_of(verdict: &Verdict) -> Option<&Evidence> {
    match verdict {
        Verdict::Diverged { evidence, .. } => Some(evidence),
        Verdict::Failed { evidence, .. } => evidence.first.is_some().then_some(evidence),
        Verdict::Verified | Verdict::Approximate { .. } => None,
    }
}

/// Finds the causes of the first difference; none where nothing differs.
pub(crate) fn causes(case: &Case<'_>) -> Result<Vec<Cause>, Failure> {
    let Some((index, evidence)) = first_evidence(case.merged) else {
        return Ok(Vec::new());
    };
    let environment = case.environment.iter();
    let mut causes: Vec<Cause> = environment
        .map(|text| Cause::new("environment", format!("environment differs: {text}")))
        .collect();
    let files = evidence.files.iter();
    causes.extend(files.map(|text| Cause::new("data-file", format!("data file changed: {text}"))));
    if causes.is_empty() || case.diagnose {
        let Some(first) = &evidence.first else {
            return Ok(causes);
        };
        let seconds = case.expected_seconds(index);
        if seconds > AT_MOST && !case.diagnose {
            let seconds = table::seconds(seconds);
            let text = format!(
                "not looked for: replaying again would take about {seconds}; `--diagnose` does it"
            );
            causes.push(Cause::new("unknown", text));
            return Ok(causes);
        }
        causes.extend(case.by_replaying(index, first)?);
    }
    Ok(causes)
}

impl Case<'_> {
    /// Of the replays that tell the rest.
    fn expected_seconds(&self, index: usize) -> f64 {
        let again = self.planned.segments[index].seconds;
        let facts = &self.subject.facts;
        match self.stored.plan.segments[index].end {
            SegmentEnd::Program => again + facts.seconds(),
            SegmentEnd::Head(end) => {
                let mut iterations = facts.iterations.iter();
                let began = iterations.find(|it| it.head == end).map(|it| it.began);
                again + began.unwrap_or_else(|| facts.seconds())
            }
        }
    }

    fn by_replaying(
        &self,
        index: usize,
        first: &FirstDifference,
    ) -> Result<Option<Cause>, Failure> {
        out::note("florc: replaying again to find the cause");
        let segment = &self.stored.plan.segments[index];
        let mut segments = vec![Segment {
            index: 0,
            ..segment.clone()
        }];
        let is_fork = self.subject.facts.manifest.parent.is_some();
        if segment.start != SegmentStart::Beginning && !is_fork {
            segments.push(Segment {
                index: 1,
                start: SegmentStart::Beginning,
                leaps: Vec::new(),
                ..segment.clone()
            });
        }
        let again = self.prepare(segments)?;
        let order: Vec<u32> = again.plan.segments.iter().map(|it| it.index).collect();
        let work = Work {
            stored: &again,
            seconds: &[],
            order: &order,
            ..self.work
        };
        let means = Means {
            budget: None,
            ..self.means
        };
        let ran = work::run(&[work], means).pop().transpose();
        // another rank differs in its own way
        let rank = self.merged.ranks.get(&index).copied().unwrap_or_default();
        let verdicts = [0, 1].map(|index| merge::verdict(&again, index, rank));
        let _ = std::fs::remove_dir_all(&again.folder);
        ran?;
        let [second, whole] = verdicts;
        let Some(second) = second else {
            let text =
                "not found: replayed again, another process ended before this one came to it";
            let is_one_of_several = self.stored.plan.world_size > 1;
            return Ok(is_one_of_several.then(|| Cause::new("unknown", text)));
        };
        Ok(Some(self.judge(first, &second, whole.as_ref())))
    }

    /// A plan beside the replay's own.
    fn prepare(&self, segments: Vec<Segment>) -> Result<Stored, Failure> {
        let folder = self.stored.folder.join("again");
        let _ = std::fs::remove_dir_all(&folder);
        let fail = |at: &PathBuf, error| Failure::io("write", at, &error);
        std::fs::create_dir_all(&folder).map_err(|error| fail(&folder, error))?;
        for module in &self.stored.plan.modules {
            let (from, to) = (
                self.stored.folder.join(&module.source_file),
                folder.join(&module.source_file),
            );
            std::fs::copy(&from, &to).map_err(|error| fail(&to, error))?;
        }
        let mut plan = self.stored.plan.clone();
        plan.segments = segments;
        let text = serde_json::to_string(&plan).unwrap_or_default();
        replays::replace(&folder.join("plan.json"), text.as_bytes())?;
        Ok(Stored {
            id: self.stored.id.clone(),
            folder,
            plan,
            source_hash: String::new(),
        })
    }

    /// What the first difference, and those of two more replays, say together.
    fn judge(&self, first: &FirstDifference, second: &Verdict, whole: Option<&Verdict>) -> Cause {
        if let Verdict::Failed { error, evidence } = second
            && evidence.first.is_none()
        {
            let text = format!("not found: replayed again it could not be replayed: {error}");
            return Cause::new("unknown", text);
        }
        let again = second.first_difference();
        if again.is_none_or(|again| again.found != first.found) {
            return self.not_repeated(first, again);
        }
        match whole {
            Some(Verdict::Verified) => Cause::new(
                "missed-state",
                format!(
                    "missed state: from the beginning of the script the recorded state comes out, \
                     from the checkpoint at {} it does not: that checkpoint lacks something",
                    self.start_of(first)
                ),
            ),
            Some(
                Verdict::Approximate { .. } | Verdict::Diverged { .. } | Verdict::Failed { .. },
            )
            | None
                if self.stored.plan.doubtful.is_empty() =>
            {
                Cause::new(
                    "unknown",
                    "not found: replayed again it comes out the same, but not as it was recorded; what \
                 the script reads from outside (files, variables of the environment, other \
                 programs) may have changed",
                )
            }
            _ => Cause::new(
                "probe",
                "an added statement that may change the training: replayed again it comes out the same",
            ),
        }
    }

    fn start_of(&self, first: &FirstDifference) -> String {
        let head = first.head;
        let segments = self.stored.plan.segments.iter().rev();
        let starts = segments.filter_map(|it| match it.start {
            SegmentStart::Head(start) => Some(start),
            SegmentStart::Beginning => None,
        });
        let start = starts
            .into_iter()
            .find(|it| head.is_none_or(|head| *it <= head));
        start.map_or("its start".to_owned(), |it| {
            format!("iteration {}", it.iteration)
        })
    }

    /// The same segment came out otherwise a second time.
    fn not_repeated(&self, first: &FirstDifference, again: Option<&FirstDifference>) -> Cause {
        let mut moved = first.generators.clone();
        moved.extend(again.iter().flat_map(|it| it.generators.clone()));
        moved.sort();
        moved.dedup();
        let unseeded = self.unseeded();
        let inputs = first.kind == DifferenceKind::Inputs && !unseeded.is_empty();
        if moved.is_empty() && !inputs {
            let by = first.ulps.map_or(String::new(), |ulps| {
                format!(", at first by {ulps} ULP at most")
            });
            return Cause::new(
                "not-repeatable",
                format!(
                    "non-deterministic operation: replayed twice from the same state, with its \
                     random generators in the same state, it comes out differently{by}; `florc \
                     check` names operations that are known for it"
                ),
            );
        }
        let named = if moved.is_empty() {
            String::new()
        } else {
            format!(" (`{}`)", moved.join("`, `"))
        };
        let places = if unseeded.is_empty() {
            String::new()
        } else {
            format!("; nobody seeds: {}", unseeded.join("; "))
        };
        Cause::new(
            "unseeded-generator",
            format!(
                "unseeded generator: replayed twice it draws other random numbers{named}{places}"
            ),
        )
    }

    /// What the lint finds in the recorded sources, with places.
    fn unseeded(&self) -> Vec<String> {
        let options = Options {
            settings: self.subject.facts.manifest.settings.clone(),
            ..Options::default()
        };
        let mut worded = Vec::new();
        for program in self.subject.facts.program() {
            let bytes = find::recorded_bytes(self.subject, &program.path).unwrap_or_default();
            let Ok(source) = SourceText::from_bytes(program.path.clone(), bytes) else {
                continue;
            };
            let found = florc_instrument::check(source.clone(), &options).unwrap_or_default();
            for each in found.iter().filter(|it| it.code == "unseeded-rng") {
                let line = source.line_column(each.span.start).line;
                worded.push(format!("{}:{line}: {}", program.path, each.title));
            }
        }
        worded
    }
}
