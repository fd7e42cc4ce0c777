//! Which segments to run first where not all may be run.
//!
//! ```python
//! # florc replay --budget 10m     first what gives most rows a second, spread over the run
//! ```
//!
//! Orders what was cut elsewhere; starts nothing.

use crate::segments::PlannedSegment;

/// Positions of segments, the most useful first: by wanted iterations per expected second (in steps
/// of a factor of two), and among those that give as much spread evenly, so that whatever time there
/// is shows the run from end to end. `wanted` tells of how many iterations of a segment rows are
/// asked for.
pub fn most_useful_first(
    segments: &[PlannedSegment],
    wanted: impl Fn(&PlannedSegment) -> usize,
) -> Vec<usize> {
    let usefulness = |segment: &PlannedSegment| {
        // what stands outside of the main loop counts as an iteration
        let rows = wanted(segment).max(1) as f64;
        (rows / segment.seconds.max(1e-3)).log2().floor() as i64
    };
    let spread = spread(segments.len());
    let mut order: Vec<usize> = (0..segments.len()).collect();
    order.sort_by_key(|&at| (-usefulness(&segments[at]), spread[at]));
    order
}

/// A rank for each of `count` places: first the two ends, then halves, quarters, and so on.
fn spread(count: usize) -> Vec<usize> {
    let mut ranks = vec![usize::MAX; count];
    let mut next = 0;
    let mut give = |at: usize, ranks: &mut Vec<usize>| {
        if let Some(rank) = ranks.get_mut(at).filter(|rank| **rank == usize::MAX) {
            *rank = next;
            next += 1;
        }
    };
    let last = count.saturating_sub(1);
    give(last, &mut ranks);
    give(0, &mut ranks);
    let mut parts = 2;
    while parts < 2 * count {
        for part in 1..parts {
            give(part * last / parts, &mut ranks);
        }
        parts *= 2;
    }
    for at in 0..count {
        give(at, &mut ranks);
    }
    ranks
}

#[cfg(test)]
mod tests {
    use florc_manifest::{Segment, SegmentEnd, SegmentStart};

    use super::*;

    #[track_caller]
    fn check(segments: &[(usize, f64)], expected: &[usize]) {
        let planned = |(at, (rows, seconds)): (usize, &(usize, f64))| PlannedSegment {
            segment: Segment {
                index: at as u32,
                start: SegmentStart::Beginning,
                end: SegmentEnd::Program,
                wanted: Vec::new(),
                leaps: Vec::new(),
            },
            iterations: 0..*rows,
            leaps: Vec::new(),
            seconds: *seconds,
        };
        let planned: Vec<_> = segments.iter().enumerate().map(planned).collect();
        let order = most_useful_first(&planned, |it| it.iterations.len());
        assert_eq!(order, expected);
    }

    #[test]
    fn what_gives_much_for_its_time_comes_first() {
        check(&[(1, 8.0), (1, 1.0), (4, 4.0)], &[2, 1, 0]);
    }

    #[test]
    fn what_gives_as_much_is_spread_over_the_run() {
        check(&[(1, 1.0); 5], &[4, 0, 2, 1, 3]);
        check(&[(1, 1.0); 1], &[0]);
        check(&[], &[]);
    }
}
