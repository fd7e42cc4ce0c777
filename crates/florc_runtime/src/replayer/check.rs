//! The deferred checks of a segment, and the verdict that they lead to.
//!
//! ```text
//! after the main loop: model.fc.weight: 3 of 640 elements differ, by at most 1 ULP
//! ```
//!
//! A segment is verified when the state at its end, at the checkpoints that it passed and all
//! existing log rows are those of the recorded run. Decides nothing about what is run.

use std::collections::{BTreeMap, BTreeSet};

use florc_manifest::{
    CutKey, DifferenceKind, Evidence, FirstDifference, HeadKey, SegmentEnd, SegmentStart, Verdict,
};

use super::{ReplayError, Replayer};
use crate::checked_json::content_hash;
use crate::checkpoint::Checkpoint;
use crate::diff::{State, first_difference, moved_generators};
use crate::forward::{RowDifference, compare_rows};
use crate::graph::Snapshot;
use crate::progress::Moment;
use crate::seal::{Sealed, seal};
use crate::state_hash::{hex, state_hash};

/// What the checks found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) error: Option<String>,
    /// The first difference of states or of the order: when, in words, and as data.
    difference: Option<(Moment, String, FirstDifference)>,
    pub(super) reasons: Vec<String>,
    /// When an added statement first changed the training: nothing is compared from there on.
    impure: Option<Moment>,
    /// What added statements may have changed that no checkpoint shows, in words.
    elsewhere: BTreeSet<String>,
    /// Files that are not what the run read.
    files: Vec<String>,
    /// What the main loop starts from was not as recorded.
    inputs: Option<FirstDifference>,
    /// Cut points whose state was equal.
    pub(super) equal: BTreeSet<CutKey>,
    pub(super) has_stopped: bool,
    pub(super) has_reached_start: bool,
}

impl Findings {
    /// The program does not run as it did.
    pub(super) fn differs(&mut self, text: String, moment: Moment) {
        let first = FirstDifference {
            found: content_hash(text.as_bytes()),
            head: moment.key(),
            ..FirstDifference::of(DifferenceKind::Order)
        };
        if self.impure.is_none() {
            self.difference.get_or_insert((moment, text, first));
        }
    }

    fn state_differs(&mut self, cut: &CutKey, what: &str, first: FirstDifference) {
        let (head, block) = match cut {
            CutKey::Head(head) | CutKey::Exit(head) => (*head, None),
            CutKey::Block(block) => (block.head, Some(block.site.clone())),
        };
        let first = FirstDifference {
            head: Some(head),
            block,
            ..first
        };
        let text = format!("{}: {what}", describe_cut(cut));
        let seen = (Moment::head(head), text, first);
        self.difference.get_or_insert(seen);
    }

    /// An added statement changes the training now.
    pub(super) fn impure(&mut self, moment: Moment) {
        let text = "an added statement changed the training: values from there on are not those of \
                    the recorded run";
        self.reason(text.to_owned());
        self.impure.get_or_insert(moment);
    }

    pub(super) fn inputs_differ(&mut self, instance: u32, found: &BTreeMap<String, String>) {
        let hashes: Vec<&str> = found.values().map(String::as_str).collect();
        self.inputs.get_or_insert(FirstDifference {
            head: Some(HeadKey {
                instance,
                iteration: 0,
            }),
            found: content_hash(hashes.concat().as_bytes()),
            ..FirstDifference::of(DifferenceKind::Inputs)
        });
    }

    pub(super) fn file(&mut self, text: String) {
        if !self.files.contains(&text) {
            self.files.push(text.clone());
        }
        self.reason(text);
    }

    pub(super) fn elsewhere(&mut self, text: String) {
        self.elsewhere.insert(text);
    }

    pub(super) fn reason(&mut self, text: String) {
        if !self.reasons.contains(&text) {
            self.reasons.push(text);
        }
    }
}

impl Replayer {
    /// Compares the state at a cut point with the recorded one: live variables and hidden state.
    pub fn verify(&mut self, cut: &CutKey, snapshot: Snapshot) {
        if self.findings.impure.is_some() {
            return;
        }
        let Some(record) = self.recorded.checkpoints.get(cut) else {
            let text = format!("no state was recorded {}", describe_cut(cut));
            self.findings.reason(text);
            return;
        };
        let dead = self.recorded.dead_roots(cut, self.progress.main_site());
        let stale = match cut {
            CutKey::Block(_) => std::mem::take(&mut self.stale),
            CutKey::Head(_) | CutKey::Exit(_) => BTreeSet::new(),
        };
        let is_live = |name: &str| !dead.iter().any(|it| it == name);
        let mut found = seal(snapshot);
        let all = found.graph.roots.clone();
        found.graph.retain_roots(is_live);
        for missing in &record.missing {
            let (path, class) = (&missing.path, &missing.type_name);
            self.findings
                .reason(format!("`{path}` ({class}) cannot be compared"));
        }
        let is_equal = |found: &Sealed| hex(&state_hash(&found.graph)) == record.state_hash;
        let loaded = if is_equal(&found) {
            None
        } else {
            Some(self.recorded.run.load_record(record))
        };
        let what = match loaded {
            None => None,
            Some(Err(error)) => {
                let text = format!("the state has another hash ({error})");
                Some((text, FirstDifference::of(DifferenceKind::State)))
            }
            Some(Ok(mut recorded)) => {
                let all = hex(&state_hash(&found.graph));
                let is_fresh = |name: &str| is_live(name) && !stale.contains(name);
                recorded.graph.retain_roots(is_fresh);
                found
                    .graph
                    .retain_roots(|name| is_fresh(name) && recorded.graph.root(name).is_some());
                let is_same = state_hash(&recorded.graph) == state_hash(&found.graph);
                (!is_same).then(|| describe_difference(&recorded, &found, all))
            }
        };
        if let CutKey::Block(_) = cut {
            self.stale = stale;
        }
        if let Some((what, first)) = what {
            self.findings.state_differs(cut, &what, first);
            return;
        }
        self.findings.equal.insert(cut.clone());
        // The end of a block shows what the block changes, not all.
        if self.is_doubtful && !matches!(cut, CutKey::Block(_)) {
            found.graph.roots = all;
            self.look_at_dead_roots(cut, &dead, found);
            self.is_doubtful = false;
        }
    }

    /// What the recorded program did not read any more, but added statements do: they may have changed
    /// it for themselves.
    fn look_at_dead_roots(&mut self, cut: &CutKey, dead: &[String], mut found: Sealed) {
        let needed = self.plan.needed_at(self.progress.main_site());
        let watched: Vec<String> = needed
            .iter()
            .filter(|it| dead.contains(it))
            .cloned()
            .collect();
        let Some(record) = self.recorded.checkpoints.get(cut) else {
            return;
        };
        if watched.is_empty() {
            return;
        }
        let is_same = match self.recorded.run.load_record(record) {
            Err(_) => false,
            Ok(mut recorded) => {
                let has_all = watched.iter().all(|it| recorded.graph.root(it).is_some());
                let is_watched = |name: &str| watched.iter().any(|it| it == name);
                recorded.graph.retain_roots(is_watched);
                found.graph.retain_roots(is_watched);
                has_all && state_hash(&recorded.graph) == state_hash(&found.graph)
            }
        };
        if !is_same {
            let names: Vec<String> = watched.iter().map(|it| format!("`{it}`")).collect();
            let text = format!("it may change {}, for itself", names.join(", "));
            self.findings.elsewhere(text);
        }
    }

    /// Writes the verdict and publishes the shard. Returns the verdict. Without a preceding
    /// `Stop` in a segment that ends at a head, the verdict is `diverged`.
    pub fn finish(&mut self) -> Result<Verdict, ReplayError> {
        let verdict = self.verdict();
        let seconds = self.entered.map(|at| at.elapsed().as_secs_f64());
        if let Some(shard) = self.shard.take() {
            shard
                .publish(seconds, verdict.clone())
                .map_err(|error| ReplayError(format!("cannot publish the rows: {error}")))?;
        }
        Ok(verdict)
    }

    fn verdict(&mut self) -> Verdict {
        let mut error = self.findings.error.take();
        if self.findings.impure.is_some() {
            error
                .take()
                .into_iter()
                .for_each(|it| self.findings.reason(it));
        } else if error.is_none() {
            self.check_end();
        }
        let difference = self.first_difference();
        let findings = std::mem::take(&mut self.findings);
        let other = |reason: &String| !findings.files.contains(reason);
        let evidence = |first| Evidence {
            first,
            reasons: findings
                .reasons
                .iter()
                .filter(|it| other(it))
                .cloned()
                .collect(),
            files: findings.files.clone(),
        };
        let mut reasons = findings.reasons.clone();
        reasons.extend(findings.elsewhere.iter().cloned());
        match (error, difference) {
            (Some(error), difference) => Verdict::Failed {
                error,
                evidence: evidence(findings.inputs.or(difference.map(|(_, first)| first))),
            },
            (None, Some((difference, first))) => Verdict::Diverged {
                difference,
                evidence: evidence(Some(first)),
            },
            (None, None) if reasons.is_empty() => Verdict::Verified,
            (None, None) => Verdict::Approximate {
                reasons,
                needs_whole: findings.reasons.is_empty(),
            },
        }
    }

    /// The first difference: a row of an earlier iteration comes before the state at a later head, one
    /// of a block before the state at the end of that.
    pub(super) fn first_difference(&self) -> Option<(String, FirstDifference)> {
        let state = self.findings.difference.clone();
        let state = state.map(|(moment, text, first)| (moment, (text, first)));
        match (self.other_rows(), state) {
            (Some(row), Some((moment, state))) => {
                let same_block = state.1.block.is_some() && state.1.block == row.first.block;
                let is_first = row.moment < moment || row.moment == moment && same_block;
                Some(if is_first {
                    (row.text, row.first)
                } else {
                    state
                })
            }
            (Some(row), None) => Some((row.text, row.first)),
            (None, state) => state.map(|(_, state)| state),
        }
    }

    /// The first row of the segment that is not as recorded.
    fn other_rows(&self) -> Option<RowDifference> {
        let impure = self.findings.impure;
        let is_inside = |moment| self.is_inside(moment) && impure.is_none_or(|it| moment < it);
        let sites = self.plan.forward_sites.iter().copied().flatten().collect();
        compare_rows(
            &self.recorded,
            &self.forward,
            &self.skipped,
            &sites,
            is_inside,
        )
    }

    /// Was the end reached, and its state compared?
    fn check_end(&mut self) {
        if let SegmentStart::Head(start) = self.segment.start
            && !self.findings.has_reached_start
        {
            let text = format!("replay did not reach iteration {}", start.iteration);
            self.findings.differs(text, self.progress.moment());
        }
        match self.segment.end {
            SegmentEnd::Head(end) if !self.findings.has_stopped => {
                let text = format!("replay did not reach iteration {}", end.iteration);
                self.findings.differs(text, self.progress.moment());
            }
            SegmentEnd::Head(end) => {
                if !self.findings.equal.contains(&CutKey::Head(end)) {
                    self.findings
                        .reason("the state at the end was not compared".to_owned());
                }
            }
            SegmentEnd::Program => {
                let entered = self.recorded.sites.last_key_value();
                let last = entered.and_then(|(last, _)| self.recorded.left.get_key_value(last));
                let exit = |(instance, count): (&u32, &u64)| {
                    CutKey::Exit(HeadKey {
                        instance: *instance,
                        iteration: *count,
                    })
                };
                if !last.is_some_and(|last| self.findings.equal.contains(&exit(last))) {
                    let text = if self.recorded.sites.is_empty() {
                        "the run had no main loop, so that no state was recorded: only log rows \
                         could be compared; `# florc: main-loop` at a loop makes it one"
                    } else {
                        "no state was recorded after the main loop: only log rows and earlier \
                         states could be compared"
                    };
                    self.findings.reason(text.to_owned());
                }
            }
        }
    }
}

/// In words, and as data.
fn describe_difference(
    recorded: &Checkpoint,
    found: &Sealed,
    hash: String,
) -> (String, FirstDifference) {
    let recorded = State {
        graph: &recorded.graph,
        chunks: recorded,
    };
    let now = State {
        graph: &found.graph,
        chunks: found,
    };
    let first = FirstDifference {
        found: hash,
        generators: moved_generators(recorded, now),
        ..FirstDifference::of(DifferenceKind::State)
    };
    match first_difference(recorded, now) {
        None => ("the state has another hash".to_owned(), first),
        Some(difference) => (
            difference.to_string(),
            FirstDifference {
                path: Some(difference.path),
                ulps: difference.ulps,
                ..first
            },
        ),
    }
}

fn describe_cut(cut: &CutKey) -> String {
    match cut {
        CutKey::Head(head) => format!("at the head of iteration {}", head.iteration),
        CutKey::Block(block) => {
            format!(
                "after `{}` in iteration {}",
                block.site, block.head.iteration
            )
        }
        CutKey::Exit(_) => "after the main loop".to_owned(),
    }
}
