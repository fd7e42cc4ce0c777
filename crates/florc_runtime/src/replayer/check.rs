//! The deferred checks of a segment, and the verdict that they lead to.
//!
//! ```text
//! after the main loop: model.fc.weight: 3 of 640 elements differ, by at most 1 ULP
//! ```
//!
//! A segment is verified when the state at its end, at the checkpoints that it passed and all
//! existing log rows are those of the recorded run. Decides nothing about what is run.

use std::collections::BTreeSet;

use florc_manifest::{CutKey, HeadKey, SegmentEnd, SegmentStart, Verdict};

use super::{ReplayError, Replayer};
use crate::checkpoint::Checkpoint;
use crate::diff::{State, first_difference};
use crate::forward::compare_rows;
use crate::graph::Snapshot;
use crate::seal::{Sealed, seal};
use crate::state_hash::{hex, state_hash};

/// What the checks found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) error: Option<String>,
    pub(super) difference: Option<String>,
    pub(super) reasons: Vec<String>,
    /// Cut points whose state was equal.
    pub(super) equal: BTreeSet<CutKey>,
    pub(super) has_stopped: bool,
    pub(super) has_reached_start: bool,
}

impl Findings {
    pub(super) fn differs(&mut self, text: String) {
        self.difference.get_or_insert(text);
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
            Some(Err(error)) => Some(format!("the state has another hash ({error})")),
            Some(Ok(mut recorded)) => {
                let is_fresh = |name: &str| is_live(name) && !stale.contains(name);
                recorded.graph.retain_roots(is_fresh);
                found
                    .graph
                    .retain_roots(|name| is_fresh(name) && recorded.graph.root(name).is_some());
                let is_same = state_hash(&recorded.graph) == state_hash(&found.graph);
                (!is_same).then(|| describe_difference(&recorded, &found))
            }
        };
        if let CutKey::Block(_) = cut {
            self.stale = stale;
        }
        match what {
            Some(what) => self
                .findings
                .differs(format!("{}: {what}", describe_cut(cut))),
            None => {
                self.findings.equal.insert(cut.clone());
            }
        }
    }

    /// Writes the verdict and publishes the shard. Returns the verdict. Without a preceding
    /// `Stop` in a segment that ends at a head, the verdict is `diverged`.
    pub fn finish(&mut self) -> Result<Verdict, ReplayError> {
        let verdict = self.verdict();
        if let Some(shard) = self.shard.take() {
            shard
                .publish(verdict.clone())
                .map_err(|error| ReplayError(format!("cannot publish the rows: {error}")))?;
        }
        Ok(verdict)
    }

    fn verdict(&mut self) -> Verdict {
        if let Some(error) = self.findings.error.take() {
            return Verdict::Failed { error };
        }
        self.check_end();
        let rows = self.other_rows();
        let findings = std::mem::take(&mut self.findings);
        match (findings.difference.or(rows), findings.reasons) {
            (Some(difference), _) => Verdict::Diverged { difference },
            (None, reasons) if reasons.is_empty() => Verdict::Verified,
            (None, reasons) => Verdict::Approximate { reasons },
        }
    }

    /// The first row of the segment that is not as recorded.
    pub(super) fn other_rows(&self) -> Option<String> {
        let is_inside = |moment| self.is_inside(moment);
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
            self.findings.differs(text);
        }
        match self.segment.end {
            SegmentEnd::Head(end) if !self.findings.has_stopped => {
                self.findings
                    .differs(format!("replay did not reach iteration {}", end.iteration));
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
                    let text = "no state was recorded after the main loop: only log rows and \
                                earlier states could be compared";
                    self.findings.reason(text.to_owned());
                }
            }
        }
    }
}

fn describe_difference(recorded: &Checkpoint, found: &Sealed) -> String {
    let recorded = State {
        graph: &recorded.graph,
        chunks: recorded,
    };
    let difference = first_difference(
        recorded,
        State {
            graph: &found.graph,
            chunks: found,
        },
    );
    difference.map_or_else(
        || "the state has another hash".to_owned(),
        |it| it.to_string(),
    )
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
