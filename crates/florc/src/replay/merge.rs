//! Puts the workers' rows together: in program order, each exactly once, with what was proven.
//!
//! ```python
//! # segment 0: epochs 0 to 3, verified;  segment 1: epochs 4 to 7, diverged
//! ```
//!
//! Believes a shard only when its verdict stands at its end.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use florc_manifest::{DifferenceKind, Evidence, HeadKey, ReplayPlan, SegmentStart, Verdict};
use florc_runtime::{Shard, read_shard};

use super::condition::Condition;
use super::find::Subject;
use super::plan::{Planned, Stored};
use super::probed::Probed;
use super::work;
use crate::replays::{StoredRow, Trust};

/// All segments, merged.
pub(crate) struct Merged {
    /// Rows that the condition lets through, in program order, rank by rank.
    pub(crate) rows: Vec<StoredRow>,
    /// What was found of each segment that was run, by position.
    pub(crate) verdicts: Vec<(usize, Verdict)>,
    /// The rank that a finding is from, by position.
    pub(crate) ranks: BTreeMap<usize, u32>,
    /// Seconds that its slowest process took from the first main loop on, by position.
    pub(crate) seconds: BTreeMap<usize, f64>,
    /// Positions of those for which there was no time.
    pub(crate) left: Vec<usize>,
    /// Probes (sites of the probed module) that gave no row at all, condition or not.
    pub(crate) silent: Vec<u32>,
    /// What the rows have by name, condition or not: loops and values.
    pub(crate) names: BTreeSet<String>,
}

impl Merged {
    /// Whether every segment that was run was proven.
    pub(crate) fn verified(&self) -> bool {
        let mut verdicts = self.verdicts.iter();
        verdicts.all(|(_, verdict)| *verdict == Verdict::Verified)
    }

    /// Whether a segment did not come out as recorded.
    pub(crate) fn differs(&self) -> bool {
        let is_other = |verdict: &Verdict| {
            matches!(verdict, Verdict::Diverged { .. } | Verdict::Failed { .. })
        };
        self.verdicts.iter().any(|(_, verdict)| is_other(verdict))
    }

    /// What one segment did not show of a statement that may change the training matters in the others.
    fn distrust(&mut self, plan: &ReplayPlan) {
        if plan.doubtful.is_empty() || self.verified() {
            return;
        }
        for row in &mut self.rows {
            row.trust = Trust::Approximate;
        }
    }

    /// Why only a run of the whole script can prove what was found, where it can.
    pub(crate) fn needs_whole(&self) -> Option<String> {
        let mut why = None;
        for (_, verdict) in &self.verdicts {
            match verdict {
                Verdict::Verified => {}
                Verdict::Approximate {
                    reasons,
                    needs_whole: true,
                } => why = why.or_else(|| reasons.first().cloned()),
                Verdict::Approximate { .. } | Verdict::Diverged { .. } | Verdict::Failed { .. } => {
                    return None;
                }
            }
        }
        why
    }
}

/// Reads the shards.
pub(crate) fn merge(
    stored: &Stored,
    subject: &Subject,
    probed: &Probed,
    planned: &Planned,
    left: &[u32],
    condition: Option<&Condition>,
) -> Merged {
    let mut merged = Merged {
        rows: Vec::new(),
        verdicts: Vec::new(),
        ranks: BTreeMap::new(),
        seconds: BTreeMap::new(),
        left: Vec::new(),
        silent: Vec::new(),
        names: BTreeSet::new(),
    };
    let mut seen = BTreeSet::new();
    let end = planned
        .end
        .and_then(|end| subject.facts.iterations.get(end));
    let cut = end.map(|each| each.head);
    let unasked = unasked(planned, condition);
    for (position, segment) in stored.plan.segments.iter().enumerate() {
        if left.contains(&segment.index) {
            merged.left.push(position);
            let is_needed = segment.start == SegmentStart::Beginning && planned.needs_beginning;
            let verdict = is_needed.then(|| (position, beginning_left_out()));
            merged.verdicts.extend(verdict);
            continue;
        }
        let found = Found::all(stored, segment.index);
        let (rank, verdict) = judged(&found, &unasked);
        merged.ranks.insert(position, rank);
        let took = found.iter().filter_map(|each| each.shard.seconds);
        if let Some(seconds) = took.reduce(f64::max) {
            merged.seconds.insert(position, seconds);
        }
        let trust = trust(&verdict);
        let rows = (0..).zip(found).flat_map(|(rank, found)| {
            let of_rank = move |row| (rank, row);
            found.shard.rows.into_iter().map(of_rank)
        });
        for (rank, row) in rows {
            seen.insert(row.site);
            merged.names.extend(names(&row).cloned());
            // The iteration in which a run was cut short was not recorded to its end.
            let recorded = cut.is_none_or(|cut| row.head.is_none_or(|head| head < cut));
            if recorded && condition.is_none_or(|it| it.admits(rank, &row)) {
                let (file, line) = place_of(probed, &row);
                let row = florc_manifest::Row { line, ..row };
                merged.rows.push(StoredRow {
                    row,
                    trust,
                    file,
                    rank,
                });
            }
        }
        merged.verdicts.push((position, verdict));
    }
    merged.distrust(&stored.plan);
    merged.rows.sort_by_key(|stored| stored.rank);
    merged.silent = probes(probed).filter(|it| !seen.contains(it)).collect();
    merged
}

/// Log sites that the recorded module does not have.
fn probes(probed: &Probed) -> impl Iterator<Item = u32> {
    let sites = (0..).zip(&probed.forward_sites);
    sites
        .filter(|(_, recorded)| recorded.is_none())
        .map(|(site, _)| site)
}

/// A statement that may change the training runs before the main loop, and what that does was not
/// looked at.
fn beginning_left_out() -> Verdict {
    let text = "an added statement before the main loop may change the training, and there was no time \
                to see whether it does";
    Verdict::Approximate {
        reasons: vec![text.to_owned()],
        needs_whole: false,
    }
}

fn trust(verdict: &Verdict) -> Trust {
    match verdict {
        Verdict::Verified => Trust::Verified,
        Verdict::Approximate { .. } | Verdict::Diverged { .. } | Verdict::Failed { .. } => {
            Trust::Approximate
        }
    }
}

/// What is true of a segment, and the rank that says it. `unasked`: iterations in which no row was expected.
fn judged(found: &[Found], unasked: &BTreeSet<HeadKey>) -> (u32, Verdict) {
    let (rank, verdict) = verdict_of(found);
    let mut rows = found.iter().flat_map(|each| &each.shard.rows);
    let is_surprise = rows.any(|row| row.head.is_some_and(|it| unasked.contains(&it)));
    if verdict == Verdict::Verified && is_surprise {
        return (rank, others_may_lack());
    }
    (rank, verdict)
}

/// Iterations in which no row was expected.
fn unasked(planned: &Planned, condition: Option<&Condition>) -> BTreeSet<HeadKey> {
    let iterations = planned.request.iterations.iter();
    let end = planned.end.unwrap_or(usize::MAX);
    let inside = iterations.take(end).filter(|_| condition.is_none());
    let unasked = inside.filter(|each| !each.wanted);
    unasked.map(|each| each.head).collect()
}

/// A statement ran where it was not expected: it may have in iterations that were left out.
fn others_may_lack() -> Verdict {
    let text = "an added statement ran in an iteration in which the run does not show the statements around it, \
                so that rows of others may be missing";
    Verdict::Approximate {
        reasons: vec![text.to_owned()],
        needs_whole: true,
    }
}

/// What a row has by name.
fn names(row: &florc_manifest::Row) -> impl Iterator<Item = &String> {
    let loops = row.context.iter().map(|position| &position.label);
    loops.chain(row.values.iter().map(|(column, _)| column))
}

/// What a rank found of a segment; `None`: it has published nothing.
pub(crate) fn verdict(stored: &Stored, segment: u32, rank: u32) -> Option<Verdict> {
    let found = Found::read(stored, segment, rank);
    (!found.is_missing).then_some(found.shard.verdict)
}

/// What is true of a segment whose ranks found this: what the worst of them found, of several the one that
/// differs first. One that was ended because another failed has nothing to say.
fn verdict_of(found: &[Found]) -> (u32, Verdict) {
    let severity = |found: &Found| match &found.shard.verdict {
        Verdict::Verified => 0,
        Verdict::Approximate { .. } => 1,
        Verdict::Diverged { .. } => 2,
        Verdict::Failed { .. } if found.is_missing => 3,
        Verdict::Failed { .. } => 4,
    };
    let worst = (0_u32..).zip(found).max_by_key(|(rank, found)| {
        // those that saw nothing differ last; without an iteration it is before the main loops, or after them
        let first = found.shard.verdict.first_difference();
        let place = first.map(|first| {
            let is_after = first.head.is_none() && first.kind != DifferenceKind::Inputs;
            (is_after, first.head)
        });
        (
            severity(found),
            Reverse((place.is_none(), place)),
            Reverse(*rank),
        )
    });
    let nothing = || Verdict::Failed {
        error: "no process replayed it".to_owned(),
        evidence: Evidence::default(),
    };
    worst.map_or_else(
        || (0, nothing()),
        |(rank, found)| (rank, found.shard.verdict.clone()),
    )
}

/// The file of a row, where it is not the entry, and the line in the working tree.
fn place_of(probed: &Probed, row: &florc_manifest::Row) -> (Option<String>, u32) {
    let Some(site) = probed.manifest.logs.get(row.site as usize) else {
        return (None, row.line);
    };
    let file = Some(site.span.file.clone()).filter(|file| !file.is_empty());
    (file, site.span.line)
}

/// What a process of a segment published.
struct Found {
    shard: Shard,
    /// Its process was ended before it published anything.
    is_missing: bool,
}

impl Found {
    /// Of all ranks.
    fn all(stored: &Stored, segment: u32) -> Vec<Self> {
        let ranks = 0..stored.plan.world_size;
        ranks
            .map(|rank| Self::read(stored, segment, rank))
            .collect()
    }

    fn read(stored: &Stored, segment: u32, rank: u32) -> Self {
        let read = read_shard(&stored.folder, segment, rank);
        let is_missing = matches!(read, Ok(None));
        let failed = |error| Shard {
            rows: Vec::new(),
            verdict: Verdict::Failed {
                error,
                evidence: Evidence::default(),
            },
            seconds: None,
        };
        let mut shard = match read {
            Ok(Some(shard)) => shard,
            Ok(None) => {
                let words = work::last_words(stored, segment, rank);
                failed(format!("the worker ended without a result: {words}"))
            }
            Err(error) => failed(error.to_string()),
        };
        if matches!(shard.verdict, Verdict::Failed { .. }) {
            shard.rows.clear();
        }
        shard.rows.sort_by_key(|row| row.seq);
        Self { shard, is_missing }
    }
}

#[cfg(test)]
mod tests {
    use florc_manifest::FirstDifference;

    use super::*;

    /// A rank that differs first in an iteration, or does not know where.
    fn differs(kind: DifferenceKind, iteration: Option<u64>) -> Found {
        let head = iteration.map(|iteration| HeadKey {
            instance: 0,
            iteration,
        });
        let first = FirstDifference {
            head,
            ..FirstDifference::of(kind)
        };
        found(Verdict::Diverged {
            difference: String::new(),
            evidence: Evidence {
                first: Some(first),
                ..Evidence::default()
            },
        })
    }

    fn found(verdict: Verdict) -> Found {
        Found {
            shard: Shard {
                rows: Vec::new(),
                verdict,
                seconds: None,
            },
            is_missing: false,
        }
    }

    #[test]
    fn of_ranks_that_differ_the_first_to_do_so_is_told() {
        let after = || differs(DifferenceKind::Row, None);
        let at = |iteration| differs(DifferenceKind::State, Some(iteration));
        let before = || differs(DifferenceKind::Inputs, None);
        assert_eq!(verdict_of(&[after(), at(4), at(3)]).0, 2);
        assert_eq!(verdict_of(&[at(3), before(), at(3)]).0, 1);
        assert_eq!(verdict_of(&[at(3), at(3)]).0, 0);
    }

    #[test]
    fn one_rank_that_differs_is_enough() {
        let (rank, verdict) = verdict_of(&[
            found(Verdict::Verified),
            differs(DifferenceKind::State, Some(1)),
        ]);
        assert_eq!(rank, 1);
        assert!(matches!(verdict, Verdict::Diverged { .. }));
    }
}
