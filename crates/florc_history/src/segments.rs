//! Divides a replay into segments for N workers.
//!
//! ```python
//! for epoch in range(8):     # checkpoints at 0, 3, 6; two workers: [start, 3) and [3, end)
//!     ...
//! ```
//!
//! A segment starts at the beginning of the script or at a usable checkpoint, and ends where a
//! checkpoint can prove its state or at the end of the script. Times are the recorded ones. It
//! neither reads checkpoints nor starts workers.

use florc_manifest::{HeadKey, Segment, SegmentEnd, SegmentStart};

/// What is known of one recorded iteration of the main loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Iteration {
    /// Which one.
    pub head: HeadKey,
    /// Expected seconds in the replay.
    pub seconds: f64,
    /// Expected seconds to put back its state, where a worker starts here.
    pub restore_seconds: f64,
    /// A worker may start here.
    pub can_start: bool,
    /// The state here can be compared with a checkpoint.
    pub can_end: bool,
    /// Rows of it are asked for.
    pub wanted: bool,
}

/// What to divide.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct SegmentRequest {
    /// All recorded iterations in program order.
    pub iterations: Vec<Iteration>,
    /// Seconds from the start of the script to the main loop: what each worker pays first.
    pub before_seconds: f64,
    /// Seconds from the main loop to the end of the script.
    pub after_seconds: f64,
    /// Rows from before the main loop are asked for.
    pub wants_before: bool,
    /// Rows from after it are asked for.
    pub wants_after: bool,
    /// Not every row of the wanted iterations' segments is asked for.
    pub filtered: bool,
    /// Processes at a time.
    pub workers: usize,
    /// Cut wherever a worker may start and the way there is not most of the work: parts may be left
    /// out, or marked.
    pub fine: bool,
    /// The run began with the first iteration, in the state of another run: nothing starts before.
    pub starts_inside: bool,
}

/// A segment with its expected time.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedSegment {
    /// What the worker is told.
    pub segment: Segment,
    /// Indices of the iterations that it runs.
    pub iterations: std::ops::Range<usize>,
    /// Expected seconds, with the way to its start.
    pub seconds: f64,
}

/// A stretch between two possible starts; the smallest unit of work.
#[derive(Clone, Debug)]
struct Piece {
    iterations: std::ops::Range<usize>,
    seconds: f64,
    needed: bool,
}

/// Segments in program order. Every wanted row is in exactly one of them.
pub fn plan_segments(request: &SegmentRequest) -> Vec<PlannedSegment> {
    let pieces = pieces(request);
    let runs = runs(&pieces, request.before_seconds);
    let groups = if request.fine {
        cut(&pieces, &runs, request.before_seconds)
    } else {
        balance(&pieces, &runs, segment_count(&pieces, &runs, request))
    };
    let mut planned: Vec<PlannedSegment> = Vec::new();
    for group in groups {
        let index = planned.len() as u32;
        planned.push(segment(request, &pieces, &group, index));
    }
    planned
}

fn pieces(request: &SegmentRequest) -> Vec<Piece> {
    let iterations = &request.iterations;
    let mut bounds = vec![0];
    bounds.extend((0..iterations.len()).filter(|&at| iterations[at].can_start));
    bounds.push(iterations.len());
    let last = bounds.len() - 2;
    let piece = |at: usize| {
        let range = bounds[at]..bounds[at + 1];
        let inside = &iterations[range.clone()];
        let seconds: f64 = inside.iter().map(|each| each.seconds).sum();
        let needed = inside.iter().any(|each| each.wanted)
            || (at == 0 && request.wants_before)
            || (at == last && request.wants_after);
        let after = if at == last {
            request.after_seconds
        } else {
            0.0
        };
        Piece {
            iterations: range,
            seconds: seconds + after,
            needed,
        }
    };
    (0..=last).map(piece).collect()
}

/// Ranges of pieces that one process may run: needed ones, and gaps that cost less to run than
/// to start another process after.
fn runs(pieces: &[Piece], startup: f64) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, _) in pieces.iter().enumerate().filter(|(_, piece)| piece.needed) {
        match runs.last_mut() {
            Some(run) if cost(&pieces[run.end..at]) <= startup => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// Work is cut into more segments than workers where it is long: a replay that is broken off then
/// loses little, and workers that are slower than others do not hold up the end. What the ways to
/// the starts cost stays below a twentieth.
fn segment_count(
    pieces: &[Piece],
    runs: &[std::ops::Range<usize>],
    request: &SegmentRequest,
) -> usize {
    const SHORTEST: f64 = 60.0;
    const PER_WORKER: usize = 8;
    let total: f64 = runs.iter().map(|run| cost(&pieces[run.clone()])).sum();
    let each = SHORTEST.max(20.0 * request.before_seconds);
    let workers = request.workers.max(1);
    let more = workers + 1..=PER_WORKER * workers;
    more.take_while(|count| total >= each * *count as f64)
        .last()
        .unwrap_or(workers)
}

fn cost(pieces: &[Piece]) -> f64 {
    pieces.iter().map(|piece| piece.seconds).sum()
}

/// Cuts the runs so that no segment takes longer than it must with that many of them.
fn balance(
    pieces: &[Piece],
    runs: &[std::ops::Range<usize>],
    count: usize,
) -> Vec<std::ops::Range<usize>> {
    let limit = count.max(runs.len());
    let total: f64 = runs.iter().map(|run| cost(&pieces[run.clone()])).sum();
    let longest = pieces.iter().map(|piece| piece.seconds).fold(0.0, f64::max);
    let (mut low, mut high) = (longest, total.max(longest));
    // 40 halvings: far below the precision of any recorded time.
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if cut(pieces, runs, middle).len() <= limit {
            high = middle;
        } else {
            low = middle;
        }
    }
    cut(pieces, runs, high)
}

/// Fills segments up to `cap` seconds each; those that nothing asks for are left out.
fn cut(pieces: &[Piece], runs: &[std::ops::Range<usize>], cap: f64) -> Vec<std::ops::Range<usize>> {
    // Sums in another order differ in the last digits.
    let cap = cap * (1.0 + 1e-9);
    let mut groups: Vec<std::ops::Range<usize>> = Vec::new();
    for run in runs {
        let mut start = run.start;
        let mut sum = 0.0;
        for at in run.clone() {
            if at > start && sum + pieces[at].seconds > cap {
                groups.push(start..at);
                start = at;
                sum = 0.0;
            }
            sum += pieces[at].seconds;
        }
        groups.push(start..run.end);
    }
    groups.retain(|group| pieces[group.clone()].iter().any(|piece| piece.needed));
    groups
}

fn segment(
    request: &SegmentRequest,
    pieces: &[Piece],
    group: &std::ops::Range<usize>,
    index: u32,
) -> PlannedSegment {
    let iterations = &request.iterations;
    let first = pieces[group.start].iterations.start;
    let reaches_end = group.end == pieces.len();
    let bound = pieces[group.end - 1].iterations.end;
    let start = if group.start == 0 && !request.starts_inside {
        SegmentStart::Beginning
    } else {
        SegmentStart::Head(iterations[first].head)
    };
    let to_program = reaches_end && request.wants_after;
    let stop = (!to_program)
        .then(|| trimmed_end(iterations, first, bound))
        .flatten();
    let range = first..stop.unwrap_or(iterations.len());
    let end = match stop {
        Some(at) => SegmentEnd::Head(iterations[at].head),
        None => SegmentEnd::Program,
    };
    let wanted: Vec<HeadKey> = if request.filtered {
        iterations[range.clone()]
            .iter()
            .filter(|each| each.wanted)
            .map(|each| each.head)
            .collect()
    } else {
        Vec::new()
    };
    let inside: f64 = iterations[range.clone()]
        .iter()
        .map(|each| each.seconds)
        .sum();
    let after = if stop.is_none() {
        request.after_seconds
    } else {
        0.0
    };
    let restore = match start {
        SegmentStart::Beginning => 0.0,
        SegmentStart::Head(_) => iterations[first].restore_seconds,
    };
    PlannedSegment {
        segment: Segment {
            index,
            start,
            end,
            wanted,
        },
        iterations: range,
        seconds: request.before_seconds + restore + inside + after,
    }
}

/// The first provable point after the last wanted iteration; `None`: only the program's end.
fn trimmed_end(iterations: &[Iteration], first: usize, bound: usize) -> Option<usize> {
    let last = (first..bound).rev().find(|&at| iterations[at].wanted);
    let from = last.map_or(first, |at| at + 1);
    (from..iterations.len()).find(|&at| iterations[at].can_end || iterations[at].can_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(iteration: u64) -> HeadKey {
        HeadKey {
            instance: 0,
            iteration,
        }
    }

    fn request(count: u64, starts: &[u64], wanted: &[u64], workers: usize) -> SegmentRequest {
        let iteration = |at| Iteration {
            head: head(at),
            seconds: 10.0,
            restore_seconds: 0.0,
            can_start: starts.contains(&at),
            can_end: starts.contains(&at),
            wanted: wanted.contains(&at),
        };
        let iterations = (0..count).map(iteration).collect();
        SegmentRequest {
            iterations,
            before_seconds: 1.0,
            workers,
            ..SegmentRequest::default()
        }
    }

    #[track_caller]
    fn check(request: &SegmentRequest, expected: &str) {
        let show = |planned: PlannedSegment| {
            let start = match planned.segment.start {
                SegmentStart::Beginning => "start".to_owned(),
                SegmentStart::Head(head) => head.iteration.to_string(),
            };
            let end = match planned.segment.end {
                SegmentEnd::Head(head) => head.iteration.to_string(),
                SegmentEnd::Program => "end".to_owned(),
            };
            format!("{start}-{end}")
        };
        let shown: Vec<String> = plan_segments(request).into_iter().map(show).collect();
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn iterations_are_shared_among_the_workers() {
        let all: Vec<u64> = (0..6).collect();
        check(&request(6, &all, &all, 1), "0-end");
        check(&request(6, &all, &all, 2), "0-3 3-end");
        check(&request(6, &all, &all, 3), "0-2 2-4 4-end");
        check(&request(6, &[0, 4], &all, 3), "0-4 4-end");
    }

    #[test]
    fn the_way_to_a_start_takes_its_time() {
        let mut request = request(6, &[0, 3], &[0, 3], 2);
        for each in &mut request.iterations {
            each.restore_seconds = 2.0;
        }
        let seconds = |request: &SegmentRequest| -> Vec<f64> {
            plan_segments(request).iter().map(|it| it.seconds).collect()
        };
        assert_eq!(seconds(&request), [33.0, 33.0]);
        request.wants_before = true;
        assert_eq!(seconds(&request), [31.0, 33.0], "nothing to restore");
    }

    #[test]
    fn long_work_is_cut_into_more_segments_than_workers() {
        let all: Vec<u64> = (0..18).collect();
        check(&request(18, &all, &all, 1), "0-6 6-12 12-end");
        check(&request(18, &all, &all, 4), "0-5 5-10 10-15 15-end");
        let dear = SegmentRequest {
            before_seconds: 30.0,
            ..request(18, &all, &all, 1)
        };
        check(&dear, "0-end");
    }

    #[test]
    fn without_a_start_the_whole_script_runs() {
        check(&request(6, &[], &[3], 2), "start-end");
    }

    #[test]
    fn only_what_is_asked_for_runs() {
        let all: Vec<u64> = (0..6).collect();
        check(&request(6, &all, &[4], 2), "4-5");
        check(&request(6, &[0, 3], &[4], 2), "3-end");
        check(&request(6, &all, &[0, 5], 2), "0-1 5-end");
        check(&request(6, &all, &[], 2), "");
    }

    #[test]
    fn before_and_after_the_loop() {
        let all: Vec<u64> = (0..6).collect();
        let before = SegmentRequest {
            wants_before: true,
            ..request(6, &all, &[], 2)
        };
        check(&before, "start-0");
        let after = SegmentRequest {
            wants_after: true,
            ..request(6, &all, &[], 2)
        };
        check(&after, "5-end");
        let no_loop = SegmentRequest {
            wants_before: true,
            ..request(0, &[], &[], 2)
        };
        check(&no_loop, "start-end");
    }
}
