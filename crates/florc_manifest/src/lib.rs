//! The serialised contract between the compiler and the runtime.
//!
//! ```python
//! for epoch in florc.main_loop("train.py:main/epoch", range(3)):   # MainLoopSite
//!     best = florc.carry(best, model)                              # its `roots`
//!     if florc.step_into("train.py:main/epoch/loader"):            # SkipBlockSite
//! ```
//!
//! Plain versioned structs with `serde` derives. No Python, no paths opened, no analysis here.

mod module;
mod plan;
mod run;
mod settings;
mod value;
mod verdict;

pub use module::{
    ClockSite, Column, GuardSite, LogKind, LogSite, LoopSite, MainLoopSite, ModuleManifest, Place,
    Root, SkipBlockSite, SourceSpan, Uninstrumented,
};
pub use plan::{
    IsolatedSite, Leap, ModuleText, NeededRoots, ReplayPlan, Segment, SegmentEnd, SegmentStart,
    ShardLine, WatchedRoots,
};
pub use run::{
    BlockKey, CheckpointRecord, CutKey, Environment, FORMAT_VERSION, GitState, HeadKey,
    JournalRecord, KEPT_FILES, LIBRARY_READS, LoopPosition, LossReason, MUTED_LOGS, MissingState,
    Parent, ProgramModule, Ranks, Row, RunManifest, RunStatus, SourceFile,
};
pub use settings::Settings;
pub use value::Value;
pub use verdict::{DifferenceKind, Evidence, FirstDifference, Verdict};
