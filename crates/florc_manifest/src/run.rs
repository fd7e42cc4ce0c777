//! What is kept of a run: its manifest and the records of its journal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ModuleManifest, Settings, Value};

/// Version of everything below `.florc/`. A reader refuses a newer one.
///
/// - 1: one main loop at most.
/// - 2: several; each entry of one names it.
/// - 3: several ranks; files of all but the first carry theirs in their names.
/// - 4: chunks of packs by planes.
/// - 5: chunks that differ from others.
pub const FORMAT_VERSION: u32 = 5;

/// `.florc/runs/<run>/manifest.json`: what was recorded. Written once, at the start of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunManifest {
    /// [`FORMAT_VERSION`] of the writer.
    pub format: u32,
    /// Id of the run: sortable by start time, unique.
    pub run: String,
    /// The name the user gave with `--name`.
    pub name: Option<String>,
    /// Version of florc that recorded.
    pub florc: String,
    /// Start, seconds since the epoch.
    pub started: f64,
    /// Seconds that it took before that to start the interpreter and to analyse the program; 0: not known.
    #[serde(default)]
    pub launch_seconds: f64,
    /// The script relative to the project root, or the module name of `-m`.
    pub script: String,
    /// Whether `script` is a module name.
    pub is_module: bool,
    /// The script's `sys.argv`, with the script first.
    pub argv: Vec<String>,
    /// Absolute working directory.
    pub cwd: String,
    /// Absolute project root: where `.florc` stands.
    pub project: String,
    /// The bound on record overhead, a fraction.
    pub overhead_bound: f64,
    /// How checkpoints were chosen: `adaptive`, `all`, `none`, `every=N`.
    pub checkpoints: String,
    /// The project's settings that were in force; a replay uses them again.
    #[serde(default)]
    pub settings: Settings,
    /// Interpreter and libraries.
    pub environment: Environment,
    /// Git revision, if the project is in a repository.
    pub git: Option<GitState>,
    /// Sources of the project; the bytes are in `sources/<hash>` beside the manifest.
    pub sources: Vec<SourceFile>,
    /// Manifests of the instrumented modules.
    pub modules: Vec<ModuleManifest>,
    /// The files that were analysed together, the entry first. Empty: the entry alone.
    #[serde(default)]
    pub program: Vec<ProgramModule>,
    /// Which of the processes of the run this is; `None`: it was one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranks: Option<Ranks>,
    /// Where it was forked from another run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
}

impl RunManifest {
    /// Whether a guarded function, by its number, may change anything but its result.
    pub fn changes(&self, guard: u32) -> bool {
        let module = self.modules.first();
        let guard = module.and_then(|module| module.guards.get(guard as usize));
        guard.is_none_or(|guard| guard.changes)
    }

    /// Processes of the run.
    pub fn world_size(&self) -> u32 {
        self.ranks.as_ref().map_or(1, |ranks| ranks.world_size)
    }
}

/// A process of those that train together, as `torchrun`, Slurm or MPI started it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranks {
    /// Its number, from 0.
    pub rank: u32,
    /// How many there are.
    pub world_size: u32,
    /// What is the same for all processes of this start, and for no other.
    pub launch: String,
}

/// The run, and the iteration of it, with whose state a run began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Its id.
    pub run: String,
    /// The iteration.
    pub head: HeadKey,
    /// Label of its main loop.
    pub label: String,
    /// Value of the loop variable there.
    pub position: i64,
    /// The run whose id seeds what nobody seeds: the first of the line.
    pub seed: String,
}

/// A file of the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramModule {
    /// Path relative to the project root, with `/`.
    pub path: String,
    /// Dotted name: `engine.trainer`; `__main__` for the entry.
    pub name: String,
    /// The package that its relative imports start from.
    pub package: String,
    /// Of a library's file, the functions that belong to the program; `path` is that of the module
    /// in its folder of packages then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excerpt: Vec<String>,
}

/// Interpreter, libraries and settings that decide bits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Path of the interpreter.
    pub executable: String,
    /// `3.11.7`.
    pub python: String,
    /// `Linux-6.1-x86_64`.
    pub platform: String,
    /// Versions of the packages that were imported when the main loop began.
    pub packages: BTreeMap<String, String>,
    /// `PYTHONHASHSEED` in force, as a number.
    pub hash_seed: Option<String>,
    /// Environment variables that libraries read at their start and that decide bits
    /// (`OMP_NUM_THREADS`); `None`: it was not set.
    #[serde(default)]
    pub variables: BTreeMap<String, Option<String>>,
    /// A keyed hash of every variable, and under the empty name the key: what a script reads may decide
    /// anything, and may be a secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digests: BTreeMap<String, String>,
}

/// Where the sources stood in git.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitState {
    /// Full id of HEAD, if there is a commit.
    pub head: Option<String>,
    /// Branch name, unless detached.
    pub branch: Option<String>,
    /// The working tree differed from HEAD.
    pub dirty: bool,
}

/// A recorded source file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Path relative to the project root, or absolute when outside it.
    pub path: String,
    /// blake3 of the bytes, hex.
    pub hash: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// One iteration of a main loop: the `iteration`-th (0-based) of the `instance`-th time that
/// any of them was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HeadKey {
    /// How many times a main loop had been entered before.
    pub instance: u32,
    /// How many iterations of this instance had begun before.
    pub iteration: u64,
}

/// One execution of a SkipBlock.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlockKey {
    /// The main-loop iteration it ran in.
    pub head: HeadKey,
    /// Site id.
    pub site: String,
    /// How many executions of this site had begun before in that iteration, outside of other
    /// SkipBlocks.
    pub occurrence: u32,
}

/// A cut point in time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutKey {
    /// Head of a main-loop iteration, after its target was assigned, before its body.
    Head(HeadKey),
    /// End of a SkipBlock.
    Block(BlockKey),
    /// After the loop ended normally or by `break`; `iteration` is the number of iterations.
    Exit(HeadKey),
}

/// A loop of a context with its position.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LoopPosition {
    /// The loop's label.
    pub label: String,
    /// Value of the loop variable where it is an integer, else the 0-based iteration.
    pub value: i64,
}

/// One log row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Index of the site in the module's `logs`.
    pub site: u32,
    /// Line in the source that ran.
    pub line: u32,
    /// The main-loop iteration it came from; `None` before the first and after the last.
    pub head: Option<HeadKey>,
    /// The outermost SkipBlock execution it was emitted in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<BlockKey>,
    /// Loops around it, outermost first.
    pub context: Vec<LoopPosition>,
    /// Number of rows before it in this process.
    pub seq: u64,
    /// Text as printed, with its end.
    pub text: String,
    /// Typed columns: name and value.
    pub values: Vec<(String, Value)>,
}

/// State that no walk could see.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MissingState {
    /// Path from a root: `trainer.env._backend`.
    pub path: String,
    /// Python type.
    pub type_name: String,
    /// Why.
    pub reason: LossReason,
}

/// Why something could not be captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossReason {
    /// A running generator, coroutine or iterator: its position cannot be restored.
    RunningIterator,
    /// State kept in C that no adapter knows.
    OpaqueState,
    /// Not live, and too large to be kept for future probes.
    TooLarge,
    /// Reading it raised an exception.
    ReadFailed,
}

/// A committed checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointRecord {
    /// Where it was taken.
    pub cut: CutKey,
    /// File name of its pack.
    pub pack: String,
    /// blake3 of the state that is live at the cut point, hex: equal states have equal hashes.
    pub state_hash: String,
    /// blake3 of the footer of its pack, hex.
    #[serde(default)]
    pub pack_hash: String,
    /// Bytes of state before deduplication.
    pub raw_bytes: u64,
    /// Bytes that its pack takes on disk.
    pub stored_bytes: u64,
    /// Stall of the training thread, seconds.
    pub stall_seconds: f64,
    /// Processor time in the background, seconds.
    pub background_seconds: f64,
    /// Roots by name that are not in it, with the reason.
    pub absent: Vec<MissingState>,
    /// State inside the roots that is not in it. Restoring it is refused when not empty.
    pub missing: Vec<MissingState>,
}

impl CheckpointRecord {
    /// Whether a replay that needs `names` may restore it: all state of its roots is in it, and
    /// none of `names` was left out. Planner and worker decide by this rule alone.
    pub fn restorable(&self, names: &[String]) -> bool {
        self.missing.is_empty() && !self.absent.iter().any(|root| names.contains(&root.path))
    }
}

fn yes() -> bool {
    true
}

/// Reads of the outer world that libraries make are numbered from here on; those of the program count from 0.
pub const LIBRARY_READS: u32 = 1 << 31;

/// Code of the note that says what files of the project held during the run: JSON, by path in the project the size and a hash;
/// of a folder -1 and the hash of the names in it.
pub const KEPT_FILES: &str = "kept-files";

/// Code of the note that lists the calls of loggers (JSON, indices of log sites) that a level kept from being shown at some
/// time, at the end of a run.
pub const MUTED_LOGS: &str = "muted-logs";

/// A record of the journal. Appended whole, in order of events in that process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalRecord {
    /// A main loop was entered; content hashes of its inputs by name.
    LoopEntered {
        /// How many times one had been entered before.
        instance: u32,
        /// Which. Empty in version 1: the only one.
        #[serde(default)]
        site: String,
        /// Content hash of each input, hex.
        inputs: BTreeMap<String, String>,
        /// What the loop iterates over was looked at, and gives the same items in a new process.
        #[serde(default = "yes")]
        repeats: bool,
        /// Since the start of the run.
        seconds: f64,
        /// By the clock that dates files, since the epoch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file_clock: Option<f64>,
    },
    /// An iteration of the main loop began.
    IterationBegan {
        /// Which.
        head: HeadKey,
        /// Value shown in contexts.
        position: i64,
        /// Since the start of the run.
        seconds: f64,
        /// By the clock that dates files, since the epoch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file_clock: Option<f64>,
    },
    /// A SkipBlock outside of other SkipBlocks was run to its end.
    BlockEnded {
        /// Which.
        block: BlockKey,
        /// How long it ran.
        seconds: f64,
    },
    /// The main loop ended.
    LoopLeft {
        /// Its number of iterations.
        head: HeadKey,
        /// Since the start of the run.
        seconds: f64,
        /// By an exception.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        raised: bool,
        /// By the clock that dates files: whatever was written before is older.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file_clock: Option<f64>,
    },
    /// A checkpoint is durable.
    Checkpoint(CheckpointRecord),
    /// A due checkpoint was not taken or not written.
    CheckpointDropped {
        /// Where it was due.
        cut: CutKey,
        /// Why.
        reason: String,
    },
    /// A log row.
    Log(Row),
    /// Result of a memoized read.
    Clock {
        /// Index of the site in the module's `clocks`; from [`LIBRARY_READS`] on, the number of a read that a
        /// library makes.
        site: u32,
        /// The main-loop iteration it was made in.
        head: Option<HeadKey>,
        /// The outermost SkipBlock execution it was made in.
        block: Option<BlockKey>,
        /// Number of reads of this site before it in the same iteration and block.
        index: u64,
        /// What was read.
        value: Value,
    },
    /// A guarded function was called inside of a region that it was not expected in, for the first time.
    Unexpected {
        /// Index in the module's `guards`.
        guard: u32,
        /// Id of the main loop or the SkipBlock.
        site: String,
    },
    /// A project module that was imported and is not instrumented: its source.
    Source(SourceFile),
    /// Something the user should know of this run.
    Note {
        /// Diagnostic code.
        code: String,
        /// For people.
        text: String,
    },
    /// The script ended. Absent: it was killed.
    Ended {
        /// How.
        status: RunStatus,
        /// How long it ran.
        seconds: f64,
        /// Of these, spent for florc: stalls, and background work that the training had to give way to.
        florc_seconds: f64,
        /// How many processors it kept busy on average, without the background writer; `None` where that is
        /// not known.
        #[serde(default)]
        processors: Option<f64>,
    },
}

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Exit code 0.
    Finished,
    /// `sys.exit` with another code.
    Exited {
        /// The exit code.
        code: i32,
    },
    /// An uncaught exception: its type and message.
    Raised {
        /// `ValueError: no data`.
        exception: String,
    },
}
