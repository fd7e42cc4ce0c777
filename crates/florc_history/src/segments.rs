//! Divides a replay into segments for N workers.
//!
//! ```python
//! for epoch in range(8):     # checkpoints at 0, 3, 6; two workers: [start, 3) and [3, end)
//!     ...
//! ```
//!
//! A segment starts at the beginning of the script or at a usable checkpoint, and ends where a
//! checkpoint can prove its state or at the end of the script. Over iterations that nothing is asked
//! of it leaps to a later checkpoint, or goes on, or another process takes what is behind them,
//! whichever takes least. Times are the recorded ones. It neither reads checkpoints nor starts workers.

use std::ops::Range;

use florc_manifest::{HeadKey, Leap, Segment, SegmentEnd, SegmentStart};

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
    /// A process may go from one iteration to a later one whose state was recorded.
    pub leaps: bool,
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
    /// Indices of the iterations between its start and its end.
    pub iterations: Range<usize>,
    /// Indices of those that it leaps over.
    pub leaps: Vec<Range<usize>>,
    /// Expected seconds, with the way to its start.
    pub seconds: f64,
}

impl PlannedSegment {
    /// Indices of the iterations that it runs.
    pub fn run(&self) -> impl Iterator<Item = usize> + '_ {
        between(&self.iterations, &self.leaps).flatten()
    }
}

/// What is left of a range without these parts of it, in order.
fn between<'a>(
    whole: &Range<usize>,
    left_out: &'a [Range<usize>],
) -> impl Iterator<Item = Range<usize>> + 'a {
    let starts = std::iter::once(whole.start).chain(left_out.iter().map(|it| it.end));
    let ends = left_out.iter().map(|it| it.start).chain([whole.end]);
    starts.zip(ends).map(|(start, end)| start..end)
}

/// A stretch between two possible starts; the smallest unit of work.
#[derive(Clone, Debug)]
struct Piece {
    iterations: Range<usize>,
    /// In a gap that is leapt over, of the first piece what the leap takes, of the others nothing.
    seconds: f64,
    needed: bool,
    /// In a gap that is leapt over.
    leapt: bool,
}

/// Segments in program order. Every wanted row is in exactly one of them.
pub fn plan_segments(request: &SegmentRequest) -> Vec<PlannedSegment> {
    let mut pieces = pieces(request);
    if request.leaps {
        leap(&request.iterations, &mut pieces);
    }
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
            leapt: false,
        }
    };
    (0..=last).map(piece).collect()
}

/// Gaps between needed pieces are leapt over where that takes less than to run them. The first iteration
/// of a gap is run all the same: at its head the state of what came before it is compared.
fn leap(iterations: &[Iteration], pieces: &mut [Piece]) {
    let needed: Vec<usize> = (0..pieces.len()).filter(|at| pieces[*at].needed).collect();
    for pair in needed.windows(2) {
        let gap = pair[0] + 1..pair[1];
        let Some(first) = pieces[gap.clone()].first() else {
            continue;
        };
        let from = &iterations[first.iterations.start];
        let to = &iterations[pieces[gap.end].iterations.start];
        let seconds = from.seconds + to.restore_seconds;
        let is_one_loop = from.head.instance == to.head.instance;
        if is_one_loop && from.can_end && seconds < cost(&pieces[gap.clone()]) {
            let all = gap.clone();
            for piece in &mut pieces[all] {
                piece.seconds = 0.0;
                piece.leapt = true;
            }
            pieces[gap.start].seconds = seconds;
        }
    }
}

/// Ranges of pieces that one process may run: needed ones, and gaps that cost less to run than
/// to start another process after.
fn runs(pieces: &[Piece], startup: f64) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
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
fn segment_count(pieces: &[Piece], runs: &[Range<usize>], request: &SegmentRequest) -> usize {
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
fn balance(pieces: &[Piece], runs: &[Range<usize>], count: usize) -> Vec<Range<usize>> {
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

/// Fills segments up to `cap` seconds each, from the first piece that is asked for to the last one.
fn cut(pieces: &[Piece], runs: &[Range<usize>], cap: f64) -> Vec<Range<usize>> {
    // Sums in another order differ in the last digits.
    let cap = cap * (1.0 + 1e-9);
    let mut groups: Vec<Range<usize>> = Vec::new();
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
    let needed = |group: Range<usize>| {
        let first = group.clone().find(|at| pieces[*at].needed)?;
        let last = group.rev().find(|at| pieces[*at].needed)?;
        Some(first..last + 1)
    };
    groups.into_iter().filter_map(needed).collect()
}

fn segment(
    request: &SegmentRequest,
    pieces: &[Piece],
    group: &Range<usize>,
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
    let leaps = leaps(pieces, group);
    let inside = between(&range, &leaps).flatten();
    let inside = inside.map(|at| iterations[at].seconds);
    let restored = leaps
        .iter()
        .map(|leap| iterations[leap.end].restore_seconds);
    let inside: f64 = inside.chain(restored).sum();
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
            leaps: leaps.iter().map(|it| told(iterations, it)).collect(),
        },
        iterations: range,
        leaps,
        seconds: request.before_seconds + restore + inside + after,
    }
}

fn told(iterations: &[Iteration], leap: &Range<usize>) -> Leap {
    Leap {
        after: iterations[leap.start - 1].head,
        to: iterations[leap.end].head,
    }
}

/// Indices of the iterations that a group of pieces leaps over.
fn leaps(pieces: &[Piece], group: &Range<usize>) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for piece in pieces[group.clone()].iter().filter(|piece| piece.leapt) {
        let range = &piece.iterations;
        match found.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => found.push(range.start + 1..range.end),
        }
    }
    found.retain(|leap| !leap.is_empty());
    found
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
        let leaps = |planned: &PlannedSegment| -> String {
            let leaps = planned.segment.leaps.iter();
            let shown = leaps.map(|it| format!(">{}-{}", it.after.iteration, it.to.iteration));
            shown.collect()
        };
        let show = |planned: PlannedSegment| leaps(&planned) + &show(planned);
        let shown: Vec<String> = plan_segments(request).into_iter().map(show).collect();
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn gaps_are_leapt_over_where_that_takes_least() {
        let all: Vec<u64> = (0..40).collect();
        let wanted = [3, 20, 21, 23];
        let mut request = SegmentRequest {
            leaps: true,
            before_seconds: 30.0,
            ..request(40, &all, &wanted, 1)
        };
        // 22 takes as long as its state takes to be put back
        check(&request, ">4-203-24");
        let planned = plan_segments(&request);
        let run: Vec<usize> = planned[0].run().collect();
        assert_eq!(run, [3, 4, 20, 21, 22, 23]);
        assert!((planned[0].seconds - 90.0).abs() < 1e-9, "{planned:?}");
        request.iterations[20].restore_seconds = 25.0;
        check(&request, "3-4 20-24");
        request.iterations[20].restore_seconds = 0.0;
        request.before_seconds = 5.0;
        check(&request, "3-4 20-22 23-24");
        request.iterations[3].wanted = false;
        request.before_seconds = 30.0;
        request.wants_before = true;
        check(&request, ">0-20start-24");
        for each in &mut request.iterations[20..] {
            each.head.instance = 1;
        }
        check(&request, "start-0 20-24");
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
