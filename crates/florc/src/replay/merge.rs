//! Puts the workers' rows together: in program order, each exactly once, with what was proven.
//!
//! ```python
//! # segment 0: epochs 0 to 3, verified;  segment 1: epochs 4 to 7, diverged
//! ```
//!
//! Believes a shard only when its verdict stands at its end.

use std::path::Path;

use florc_history::Where;
use florc_manifest::{Evidence, ShardLine, Verdict};
use florc_runtime::shard_path;

use super::find::Subject;
use super::plan::{Planned, Stored, matches};
use super::probed::Probed;
use super::work;
use crate::failure::Failure;
use crate::replays::{StoredRow, Trust};

/// All segments, merged.
pub(crate) struct Merged {
    /// Rows that the condition lets through, in program order.
    pub(crate) rows: Vec<StoredRow>,
    /// What was found of each segment that was run, by position.
    pub(crate) verdicts: Vec<(usize, Verdict)>,
    /// Positions of those for which there was no time.
    pub(crate) left: Vec<usize>,
    /// Probes (sites of the probed module) that gave no row at all, condition or not.
    pub(crate) silent: Vec<u32>,
}

impl Merged {
    /// Whether every segment that was run was proven.
    pub(crate) fn verified(&self) -> bool {
        let mut verdicts = self.verdicts.iter();
        verdicts.all(|(_, verdict)| *verdict == Verdict::Verified)
    }
}

/// Reads the shards.
pub(crate) fn merge(
    stored: &Stored,
    subject: &Subject,
    probed: &Probed,
    planned: &Planned,
    left: &[u32],
    condition: Option<&Where>,
) -> Result<Merged, Failure> {
    let mut merged = Merged {
        rows: Vec::new(),
        verdicts: Vec::new(),
        left: Vec::new(),
        silent: Vec::new(),
    };
    let mut seen = std::collections::BTreeSet::new();
    let cut = planned
        .cut_short
        .then(|| subject.facts.iterations.last().map(|each| each.head));
    let cut = cut.flatten().filter(|_| subject.facts.loop_left.is_none());
    for (position, segment) in stored.plan.segments.iter().enumerate() {
        if left.contains(&segment.index) {
            merged.left.push(position);
            continue;
        }
        let ranks = 0..stored.plan.world_size;
        let shards = ranks.map(|rank| Shard::read(stored, segment.index, rank));
        let shards = shards.collect::<Result<Vec<_>, _>>()?;
        let verdict = verdict_of(&shards);
        let trust = match &verdict {
            Verdict::Verified => Trust::Verified,
            Verdict::Approximate { .. } | Verdict::Diverged { .. } | Verdict::Failed { .. } => {
                Trust::Approximate
            }
        };
        let rows = (0..).zip(shards).flat_map(|(rank, shard)| {
            let of_rank = move |row| (rank, row);
            shard.rows.into_iter().map(of_rank)
        });
        for (rank, row) in rows {
            seen.insert(row.site);
            // The iteration in which a run was cut short was not recorded to its end.
            let recorded = cut.is_none_or(|cut| row.head.is_none_or(|head| head < cut));
            if recorded && matches(condition, &row) {
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
    merged.rows.sort_by_key(|stored| stored.rank);
    let probes = probed
        .forward_sites
        .iter()
        .enumerate()
        .filter(|(_, site)| site.is_none());
    merged.silent = probes
        .map(|(site, _)| site as u32)
        .filter(|site| !seen.contains(site))
        .collect();
    Ok(merged)
}

/// What is true of a segment whose ranks found this: what the worst of them found. One that was
/// ended because another failed has nothing to say.
fn verdict_of(shards: &[Shard]) -> Verdict {
    let worst = shards.iter().max_by_key(|shard| match &shard.verdict {
        Verdict::Verified => 0,
        Verdict::Approximate { .. } => 1,
        Verdict::Diverged { .. } => 2,
        Verdict::Failed { .. } if shard.is_missing => 3,
        Verdict::Failed { .. } => 4,
    });
    worst.map_or(Verdict::Verified, |shard| shard.verdict.clone())
}

/// The file of a row, where it is not the entry, and the line in the working tree.
fn place_of(probed: &Probed, row: &florc_manifest::Row) -> (Option<String>, u32) {
    let Some(site) = probed.manifest.logs.get(row.site as usize) else {
        return (None, row.line);
    };
    let file = Some(site.span.file.clone()).filter(|file| !file.is_empty());
    (file, site.span.line)
}

struct Shard {
    rows: Vec<florc_manifest::Row>,
    verdict: Verdict,
    /// Its process was ended before it published anything.
    is_missing: bool,
}

impl Shard {
    fn read(stored: &Stored, segment: u32, rank: u32) -> Result<Self, Failure> {
        let file = shard_path(&stored.folder, segment, rank);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let words = work::last_words(stored, segment, rank);
                return Ok(Self {
                    is_missing: true,
                    ..Self::failed(format!("the worker ended without a result: {words}"))
                });
            }
            Err(error) => return Err(Failure::io("read", &file, &error)),
        };
        Ok(Self::parse(&text, &file))
    }

    fn parse(text: &str, file: &Path) -> Self {
        let mut shard = Self::failed(format!("`{}` is not whole", file.display()));
        let mut rows = Vec::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            match serde_json::from_str::<ShardLine>(line) {
                Ok(ShardLine::Row(row)) => rows.push(row),
                Ok(ShardLine::Verdict(verdict)) if lines.peek().is_none() => {
                    shard.verdict = verdict;
                }
                Ok(ShardLine::Verdict(_)) | Err(_) => return shard,
            }
        }
        if !matches!(shard.verdict, Verdict::Failed { .. }) {
            shard.rows = rows;
            shard.rows.sort_by_key(|row| row.seq);
        }
        shard
    }

    fn failed(error: String) -> Self {
        Self {
            rows: Vec::new(),
            verdict: Verdict::Failed {
                error,
                evidence: Evidence::default(),
            },
            is_missing: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, rows: usize, verified: bool) {
        let shard = Shard::parse(text, Path::new("segment-0.jsonl"));
        assert_eq!(
            (shard.rows.len(), shard.verdict == Verdict::Verified),
            (rows, verified)
        );
    }

    const ROW: &str =
        r#"{"row":{"site":0,"line":3,"head":null,"context":[],"seq":0,"text":"a","values":[]}}"#;

    #[test]
    fn a_shard_counts_only_with_a_verdict_at_its_end() {
        check(&format!("{ROW}\n{{\"verdict\":\"verified\"}}\n"), 1, true);
        check(&format!("{ROW}\n"), 0, false);
        check(&format!("{{\"verdict\":\"verified\"}}\n{ROW}\n"), 0, false);
        check("", 0, false);
    }
}
