//! What a replay would do and cost, without doing it.
//!
//! ```python
//! print(norm(model))     # epochs 0 to 7, the batches skipped: 2 s with one worker
//! ```
//!
//! Plans as a replay does; no worker is started and nothing is written.

use florc_semantic::files::Files;

use super::find::Subject;
use super::{Allowed, Compared, carried, compared, plan, probed};
use crate::failure::Failure;

/// The plan of a replay in figures.
#[derive(Clone, Debug)]
pub(crate) struct Estimate {
    /// Log statements that the run lacks.
    pub(crate) probes: usize,
    /// Iterations of the main loop that would run, and how many were recorded.
    pub(crate) iterations: (usize, usize),
    /// SkipBlocks that would run.
    pub(crate) executed: Vec<String>,
    /// SkipBlocks that would be restored.
    pub(crate) skipped: Vec<String>,
    /// Worker counts with the expected seconds.
    pub(crate) costs: Vec<(usize, f64)>,
    /// By how much the recorded iterations differ in time: the expected seconds may be wrong by
    /// this fraction.
    pub(crate) spread: f64,
    /// Why no worker can start inside the main loop, if so.
    pub(crate) from_start: Option<String>,
    /// Edits that would take no part.
    pub(crate) left_out: carried::LeftOut,
}

/// Plans a replay of a run with the log statements of another version. `None`: it lacks none.
pub(crate) fn estimate(
    subject: &Subject,
    files: &dyn Files,
    workers: &[usize],
) -> Result<Option<Estimate>, Failure> {
    let Compared {
        sources,
        comparison: verdict,
        left_out,
    } = compared(Allowed::default(), subject, files)?;
    if !verdict.has_probes {
        return Ok(None);
    }
    let probed = probed::probed(subject, &sources, &verdict);
    let mut costs = Vec::with_capacity(workers.len());
    let (mut iterations, mut executed) = (0, Vec::new());
    for &count in workers {
        let division = plan::Division {
            workers: count,
            beside: 0,
            condition: None,
            fine: false,
            whole: false,
            programs: false,
            unverified: false,
        };
        let planned = plan::plan(division, subject, &probed, &verdict)?;
        iterations = planned.segments.iter().map(|it| it.run().count()).sum();
        costs.push((count, planned.seconds));
        executed = planned.executed;
    }
    let blocks = probed.skip_blocks.iter().map(|site| site.id.clone());
    Ok(Some(Estimate {
        probes: probed
            .forward_sites
            .iter()
            .filter(|it| it.is_none())
            .count(),
        iterations: (iterations, subject.facts.iterations.len()),
        skipped: blocks.filter(|id| !executed.contains(id)).collect(),
        executed,
        costs,
        spread: spread(subject),
        from_start: probed.why_from_start(),
        left_out,
    }))
}

/// The standard deviation of the iterations' times over their mean, at least a tenth.
fn spread(subject: &Subject) -> f64 {
    let seconds: Vec<f64> = subject
        .facts
        .iterations
        .iter()
        .map(|it| it.seconds.max(0.0))
        .collect();
    let count = seconds.len().max(1) as f64;
    let mean = seconds.iter().sum::<f64>() / count;
    let variance = seconds.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / count;
    if mean > 0.0 {
        (variance.sqrt() / mean).max(0.1)
    } else {
        0.1
    }
}
