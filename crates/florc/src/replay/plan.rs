//! From the recorded facts to segments, and to the plan that workers read.
//!
//! ```python
//! # florc replay --workers 2 --where 'epoch >= 4'     [4, 6) and [6, end)
//! ```
//!
//! Chooses by recorded times; starts nothing.

use florc_history::{Iteration, PlannedSegment, SegmentRequest, most_useful_first, plan_segments};
use florc_manifest::{CutKey, FORMAT_VERSION, ModuleText, NeededRoots, ReplayPlan, SegmentStart};

use super::changes::Comparison;
use super::condition::Condition;
use super::expected::{Expected, crowded};
use super::find::{Sources, Subject};
use super::probed::Probed;
use crate::facts::{IterationFacts, RunFacts};
use crate::failure::Failure;
use crate::replays;

/// The chosen segments.
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(crate) struct Planned {
    pub(crate) segments: Vec<PlannedSegment>,
    pub(crate) request: SegmentRequest,
    /// Expected seconds with that many workers.
    pub(crate) seconds: f64,
    /// By how much longer an iteration takes than it did, since workers share the processors.
    pub(crate) crowded: f64,
    /// Ids of the blocks that are run in iterations that are asked for.
    pub(crate) executed: Vec<String>,
    /// The run was cut short: its last iteration is not whole.
    pub(crate) cut_short: bool,
    /// The iteration at whose head it ends for the replay.
    pub(crate) end: Option<usize>,
    /// Positions of segments in the order in which they run.
    pub(crate) order: Vec<usize>,
    /// The script is run from its beginning, and no block is skipped.
    pub(crate) whole: bool,
    /// Iterations are left out in which no added statement can run.
    pub(crate) narrowed: bool,
    /// Without what begins at the beginning nothing is proven.
    pub(crate) needs_beginning: bool,
    /// Programs are started.
    programs: bool,
}

/// How a run is divided.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent wishes")]
pub(crate) struct Division<'a> {
    /// Processes at a time.
    pub(crate) workers: usize,
    /// Those that are busy with other runs meanwhile.
    pub(crate) beside: usize,
    /// Rows that are asked for.
    pub(crate) condition: Option<&'a Condition>,
    /// As many parts as there may be: some may be left out, or marked.
    pub(crate) fine: bool,
    /// From the beginning of the script, with all that is in between.
    pub(crate) whole: bool,
    /// Programs that the script starts are started.
    pub(crate) programs: bool,
    /// Values are wanted that no state can verify.
    pub(crate) unverified: bool,
}

/// A plan in the store.
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) folder: std::path::PathBuf,
    pub(crate) plan: ReplayPlan,
    pub(crate) source_hash: String,
}

/// Divides the run for the workers.
pub(crate) fn plan(
    division: Division<'_>,
    subject: &Subject,
    probed: &Probed,
    comparison: &Comparison,
) -> Result<Planned, Failure> {
    let facts = &subject.facts;
    let killed = facts.ended.is_none();
    if killed && !probed.main_loops.is_empty() && facts.iterations.is_empty() {
        return Err(
            Failure::new("the run was killed before its main loop began, or still runs")
                .help("record it again with `florc run`"),
        );
    }
    let expected = Expected::new(subject, probed, comparison, division.whole);
    let end = last_end(facts, division.unverified);
    let request = request(division, subject, probed, comparison, (&expected, end));
    let first = request.iterations.first();
    if request.starts_inside && !first.is_some_and(|it| it.can_start) {
        return Err(Failure::new(
            "the run was forked from another one, and no worker can start where it began: its first \
             checkpoint lacks what the added statements need",
        )
        .help("ask the run that it was forked from, or fork that again"));
    }
    let mut segments = plan_segments(&request);
    let own = division.workers.min(segments.len()).max(1);
    let crowded = crowded(facts, own + division.beside);
    for planned in &mut segments {
        let start = request.before_seconds.min(planned.seconds);
        planned.seconds = start + crowded * (planned.seconds - start);
    }
    let wanted = |it: &PlannedSegment| {
        let inside = it.run().map(|at| &request.iterations[at]);
        inside.filter(|each| each.wanted).count()
    };
    let order = if division.fine {
        most_useful_first(&segments, wanted)
    } else {
        (0..segments.len()).collect()
    };
    let order = if shows_what_is_before(comparison) {
        first_of_all(&segments, order)
    } else {
        order
    };
    let seconds = timeline(&segments, &order, division.workers);
    let seconds = seconds.iter().map(|slot| slot.end).fold(0.0, f64::max);
    Ok(Planned {
        order,
        segments,
        crowded,
        executed: expected.executed(),
        seconds,
        cut_short: facts.cut_short(),
        end,
        whole: division.whole,
        narrowed: division.condition.is_none() && request.iterations.iter().any(|it| !it.wanted),
        needs_beginning: shows_what_is_before(comparison),
        programs: division.programs,
        request,
    })
}

/// Whether every worker runs a statement before the main loop of which only the first segment shows
/// whether it changes something.
fn shows_what_is_before(comparison: &Comparison) -> bool {
    !comparison.unproven.is_empty() && comparison.places.before
}

/// The order, with what begins at the beginning in front.
fn first_of_all(segments: &[PlannedSegment], mut order: Vec<usize>) -> Vec<usize> {
    order.sort_by_key(|at| segments[*at].segment.start != SegmentStart::Beginning);
    order
}

fn request(
    division: Division<'_>,
    subject: &Subject,
    probed: &Probed,
    comparison: &Comparison,
    (expected, end): (&Expected<'_>, Option<usize>),
) -> SegmentRequest {
    let condition = division.condition;
    let facts = &subject.facts;
    let parent = facts.manifest.parent.as_ref();
    let cut_short = facts.cut_short();
    let has_doubts = !comparison.unproven.is_empty();
    let outside = condition.is_none_or(|it| it.may_hold_outside(probed));
    let asked = |each: &IterationFacts| {
        let site = facts.main_loop_of(each.head);
        let label = site.map(|site| site.label.as_str());
        let may_run = site.is_some_and(|site| {
            let may_be = division.whole || probed.reached.may_be(each, &site.id);
            may_be && comparison.may_run_in(&site.id)
        });
        may_run && condition.is_none_or(|it| it.may_hold_in(each, label))
    };
    // Where nothing is filtered, a segment is asked for as a whole.
    let seconds = expected.iterations(|each| condition.is_none() || asked(each));
    let iterations = facts.iterations.iter().zip(seconds).enumerate();
    let iterations = iterations.map(|(at, (each, seconds))| {
        let is_last = end == Some(at);
        let head = CutKey::Head(each.head);
        Iteration {
            head: each.head,
            seconds,
            restore_seconds: expected.restoring(&head),
            can_start: !division.whole && can_start(subject, probed, each),
            can_end: is_last || facts.checkpoints.contains_key(&head),
            wanted: end.is_none_or(|end| at < end) && asked(each),
        }
    });
    SegmentRequest {
        iterations: iterations.collect(),
        before_seconds: expected.before(),
        after_seconds: expected.after(),
        // Every worker runs what is before: that it leaves all as it was is shown once.
        wants_before: parent.is_none() && comparison.places.before && (outside || has_doubts),
        starts_inside: parent.is_some(),
        wants_after: !cut_short && comparison.places.after && outside,
        filtered: condition.is_some(),
        workers: division.workers,
        leaps: may_leap(division, facts, comparison),
        fine: division.fine,
    }
}

/// Whether a process may leave out iterations. One that changes the training would lose what it changed,
/// and several processes would have to leap together.
fn may_leap(division: Division<'_>, facts: &RunFacts, comparison: &Comparison) -> bool {
    let is_plain = comparison.unproven.is_empty() && comparison.impure.is_empty();
    is_plain && !division.whole && facts.manifest.world_size() == 1
}

/// The iteration at whose head a run ends that was cut short in one: that one, or the last one before whose
/// recorded state can verify the values.
fn last_end(facts: &RunFacts, unverified: bool) -> Option<usize> {
    let is_inside = facts.cut_short() && facts.loop_left.is_none();
    let partial = is_inside.then(|| facts.iterations.len().saturating_sub(1))?;
    let is_recorded = |at: &usize| {
        let head = facts
            .iterations
            .get(*at)
            .map(|each| CutKey::Head(each.head));
        head.is_some_and(|head| facts.checkpoints.contains_key(&head))
    };
    let recorded = (1..=partial).rev().find(is_recorded);
    Some(recorded.filter(|_| !unverified).unwrap_or(partial))
}

fn can_start(subject: &Subject, probed: &Probed, each: &IterationFacts) -> bool {
    let Some(site) = subject.facts.main_loop_of(each.head) else {
        return false;
    };
    let checkpoint = subject.facts.checkpoints.get(&CutKey::Head(each.head));
    let needed = names(probed, &site.id);
    let repeats = subject.facts.repeats.contains(&each.head.instance);
    repeats
        && !probed.cannot_start.contains_key(&site.id)
        && checkpoint.is_some_and(|record| record.restorable(needed))
}

fn names<'a>(probed: &'a Probed, site: &str) -> &'a [String] {
    NeededRoots::at(&probed.needed, site)
}

/// When a segment is expected to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// Its position.
    pub(crate) segment: usize,
    pub(crate) worker: usize,
    /// Seconds from the start of the replay.
    pub(crate) begin: f64,
    pub(crate) end: f64,
}

/// Segments start in order, each on the first free worker.
pub(crate) fn timeline(segments: &[PlannedSegment], order: &[usize], workers: usize) -> Vec<Slot> {
    let mut busy = vec![0.0_f64; workers.max(1)];
    let mut slots = Vec::with_capacity(order.len());
    for &at in order {
        let free = |(_, a): &(usize, &f64), (_, b): &(usize, &f64)| a.total_cmp(b);
        let first = busy.iter().enumerate().min_by(free);
        let (worker, begin) = first.map_or((0, 0.0), |(worker, begin)| (worker, *begin));
        let end = begin + segments[at].seconds;
        busy[worker] = end;
        slots.push(Slot {
            segment: at,
            worker,
            begin,
            end,
        });
    }
    slots
}

/// Writes plan and probed sources into the store; with `continues` a replay of the same plan that was
/// broken off goes on instead.
pub(crate) fn store(
    subject: &Subject,
    sources: &Sources,
    comparison: &Comparison,
    probed: &Probed,
    planned: &Planned,
    continues: bool,
) -> Result<Stored, Failure> {
    let files = files(sources);
    let mut plan = of_segments(subject, sources, comparison, probed, planned);
    let known = continues.then(|| unfinished(subject, sources, comparison, probed, planned));
    let (id, folder) = if let Some((id, folder)) = known.flatten() {
        replays::forget_failures(&folder, &plan);
        (id, folder)
    } else {
        let id = subject.opened.store.create_replay()?;
        let folder = subject.opened.store.replay_directory(&id);
        plan.replay.clone_from(&id);
        for (name, bytes) in &files {
            let file = folder.join(name);
            std::fs::write(&file, bytes).map_err(|error| Failure::io("write", &file, &error))?;
        }
        let text = serde_json::to_string_pretty(&plan)
            .map_err(|error| Failure::new(format!("the plan cannot be written: {error}")))?;
        replays::replace(&folder.join("plan.json"), text.as_bytes())?;
        (id, folder)
    };
    plan.replay.clone_from(&id);
    let source_hash = source_hash(sources).unwrap_or_else(|| id.clone());
    Ok(Stored {
        id,
        folder,
        plan,
        source_hash,
    })
}

fn files(sources: &Sources) -> Vec<(String, Vec<u8>)> {
    let names = (0..sources.texts.len()).map(|index| format!("source-{index}.py"));
    let texts = sources.texts.iter();
    names.zip(texts.map(|text| text.bytes.clone())).collect()
}

/// A replay of this plan that has not all its segments: its id and folder.
pub(crate) fn unfinished(
    subject: &Subject,
    sources: &Sources,
    comparison: &Comparison,
    probed: &Probed,
    planned: &Planned,
) -> Option<(String, std::path::PathBuf)> {
    let plan = of_segments(subject, sources, comparison, probed, planned);
    replays::unfinished(&subject.opened.folder, &plan, &files(sources))
}

/// What the workers are told.
fn of_segments(
    subject: &Subject,
    sources: &Sources,
    comparison: &Comparison,
    probed: &Probed,
    planned: &Planned,
) -> ReplayPlan {
    let texts = sources.texts.iter().enumerate();
    let modules = texts.map(|(index, text)| ModuleText {
        path: text.path.to_string_lossy().into_owned(),
        file: text.module.path.clone(),
        name: text.module.name.clone(),
        package: text.module.package.clone(),
        source_file: format!("source-{index}.py"),
        excerpt: text.module.excerpt.clone(),
    });
    let segments = planned.segments.iter();
    let all = |ids: &mut dyn Iterator<Item = &String>| ids.cloned().collect::<Vec<_>>();
    let (executed, carrying, doubtful) = if planned.whole {
        (
            all(&mut probed.skip_blocks.iter().map(|it| &it.id)),
            all(&mut probed.main_loops.iter().map(|it| &it.id)),
            Vec::new(),
        )
    } else {
        (
            probed.executed_blocks.clone(),
            probed.carrying.clone(),
            comparison.doubtful.clone(),
        )
    };
    ReplayPlan {
        format: FORMAT_VERSION,
        replay: String::new(),
        run: subject.facts.manifest.run.clone(),
        store: subject.opened.folder.to_string_lossy().into_owned(),
        world_size: subject.facts.manifest.world_size(),
        modules: modules.collect(),
        added_globals: comparison.added_globals.clone(),
        main_loops: probed.main_loops.clone(),
        skip_blocks: probed.skip_blocks.clone(),
        forward_sites: probed.forward_sites.clone(),
        clock_sites: probed.clock_sites.clone(),
        executed_blocks: executed,
        carrying,
        isolated: comparison.isolated.clone(),
        doubtful,
        watched: probed.watched.clone(),
        impure: comparison.impure.clone(),
        programs: planned.programs,
        needed: probed.needed.clone(),
        segments: segments.map(|planned| planned.segment.clone()).collect(),
    }
}

/// One hash for the texts of all files.
fn source_hash(sources: &Sources) -> Option<String> {
    if let [text] = sources.texts.as_slice() {
        return florc_history::blob_id(&text.bytes);
    }
    let mut list = String::new();
    for text in &sources.texts {
        let hash = florc_history::blob_id(&text.bytes)?;
        list.extend([hash.as_str(), " ", text.module.path.as_str(), "\n"]);
    }
    florc_history::blob_id(list.as_bytes())
}
