//! What a replay worker is told.

use serde::{Deserialize, Serialize};

use crate::{HeadKey, MainLoopSite, Root, Row, SkipBlockSite, SourceSpan, Verdict};

/// `.florc/replays/<id>/plan.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplayPlan {
    /// [`crate::FORMAT_VERSION`] of the writer.
    pub format: u32,
    /// Id of the replay.
    pub replay: String,
    /// Id of the run.
    pub run: String,
    /// Absolute store directory.
    pub store: String,
    /// Processes that replay a segment together: as many as recorded the run.
    #[serde(default = "one")]
    pub world_size: u32,
    /// The files of the program, the entry first: recorded sources plus probes.
    pub modules: Vec<ModuleText>,
    /// Globals that only added statements bind, as (module, name): no state of the recorded run.
    #[serde(default)]
    pub added_globals: Vec<(String, String)>,
    /// The recorded main loops at their places in the probed source (`span`): worker and recording
    /// have the same cut points (`florc_instrument::Reuse`).
    #[serde(default)]
    pub main_loops: Vec<MainLoopSite>,
    /// The recorded SkipBlocks at their places in the probed source.
    #[serde(default)]
    pub skip_blocks: Vec<SkipBlockSite>,
    /// Per log site of the probed module: index of the same statement in the recorded module,
    /// or `None` for a probe.
    pub forward_sites: Vec<Option<u32>>,
    /// Per clock site of the probed module: index in the recorded module, or `None`.
    pub clock_sites: Vec<Option<u32>>,
    /// Site ids of SkipBlocks that hold, or may reach, a probe: always executed.
    pub executed_blocks: Vec<String>,
    /// Ids of main loops of which the executed blocks are run whether or not the iteration is asked for:
    /// what added statements do in one iteration may matter in the next.
    #[serde(default)]
    pub carrying: Vec<String>,
    /// Added statements in rows around which hidden state (random generators, modes) is kept and put back.
    #[serde(default)]
    pub isolated: Vec<IsolatedSite>,
    /// Added statements that may change the training: after one of them no block is skipped until a
    /// checkpoint shows that it did not.
    #[serde(default)]
    pub doubtful: Vec<SourceSpan>,
    /// What they may change besides, by main loop: the recorded program leaves it as it is, so that no
    /// checkpoint holds it.
    #[serde(default)]
    pub watched: Vec<WatchedRoots>,
    /// Added statements that change the training: values from there on are not exact.
    #[serde(default)]
    pub impure: Vec<SourceSpan>,
    /// Programs that the script starts are started; what they do is not looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub programs: bool,
    /// Names that the probed module needs at each cut point, by site id.
    pub needed: Vec<NeededRoots>,
    /// Work, in program order.
    pub segments: Vec<Segment>,
}

/// Variables that are to hold the same at each head of a main loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedRoots {
    /// Id of the main loop.
    pub site: String,
    /// The variables.
    pub roots: Vec<Root>,
}

impl ReplayPlan {
    /// Names that must be in a checkpoint of a site for it to be used.
    pub fn needed_at(&self, site: &str) -> &[String] {
        NeededRoots::at(&self.needed, site)
    }
}

impl NeededRoots {
    /// The names of a site among those of several.
    pub fn at<'a>(all: &'a [Self], site: &str) -> &'a [String] {
        let needed = all.iter().find(|needed| needed.site == site);
        needed.map_or(&[], |needed| &needed.names)
    }
}

fn one() -> u32 {
    1
}

/// Statements in a row after which hidden state is put back: what one of them does, the next one sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IsolatedSite {
    /// Where the first one stands in the probed source.
    pub span: SourceSpan,
    /// Where the last one stands.
    pub last: SourceSpan,
    /// Variables that lead to random generators which are objects of the script: `name`, or
    /// `module:name` for a global.
    pub generators: Vec<String>,
    /// Other added statements may be meant to see what these leave behind: modes that are not as before are told.
    pub is_seen: bool,
}

/// A module to run in replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleText {
    /// Absolute path the module is to believe it has.
    pub path: String,
    /// Path relative to the project, as manifests name it.
    pub file: String,
    /// Dotted name; `__main__` for the entry.
    pub name: String,
    /// The package that its relative imports start from.
    pub package: String,
    /// File in the replay directory that holds the probed source, byte for byte.
    pub source_file: String,
    /// Of a library's file, the functions that belong to the program. It is where Python finds it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excerpt: Vec<String>,
}

/// Names that must be in a checkpoint of a site for it to be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeededRoots {
    /// Main-loop or SkipBlock id.
    pub site: String,
    /// Root names.
    pub names: Vec<String>,
}

/// Main-loop iterations for one worker, in order. Rows in `[start, end)` are its own, but for those of
/// iterations that it leaps over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Position in program order.
    pub index: u32,
    /// First point whose rows count.
    pub start: SegmentStart,
    /// Point at which the worker stops.
    pub end: SegmentEnd,
    /// Iterations (inside `[start, end)`) whose rows are asked for; all when empty.
    pub wanted: Vec<HeadKey>,
    /// Where it goes from one iteration to a later one, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaps: Vec<Leap>,
}

/// Iterations of a main loop that are not run. Where the state at their end cannot be put back, they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leap {
    /// The last one before. The state at its head is compared; nothing is asked of it.
    pub after: HeadKey,
    /// The next one that is run: its recorded state is put back.
    pub to: HeadKey,
}

/// Where a segment starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentStart {
    /// The first statement of the script; nothing is restored.
    Beginning,
    /// Restore this head's checkpoint when the loop is reached; earlier rows are muted.
    Head(HeadKey),
}

/// Where a segment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentEnd {
    /// At this head: compare the state with its checkpoint and stop.
    Head(HeadKey),
    /// Run the script to its end.
    Program,
}

/// A line of `.florc/replays/<id>/segment-<i>.jsonl`. The verdict is the last line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShardLine {
    /// A row of a probe; its `site` is an index in the probed module.
    Row(Row),
    /// Seconds from where the program first entered a main loop to the end of the segment: what the
    /// segment took without starting Python and running what is before the loop. At most once.
    Seconds(f64),
    /// What the checks found.
    Verdict(Verdict),
}
