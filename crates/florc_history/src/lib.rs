//! Versions of a training script: what changed since a run, and which part of it to replay.
//!
//! ```python
//! for epoch in range(3):
//!     train(model)
//!     print(weight_norm(model))     # added since the run: a probe; it alone decides what replays
//! ```
//!
//! Pure functions over trees and plain structs; only [`git`] touches the disk. Nothing here runs
//! Python, edits a source or reads the store.

mod across_files;
mod align;
mod carry;
mod classify;
mod diff;
mod git;
mod log_changes;
mod log_only;
mod loop_tests;
mod matching;
mod meaning;
mod named_values;
mod names;
mod neighbours;
mod order;
mod permitted;
mod places;
mod segments;
mod shape;
mod signs;
mod text_diff;
mod where_columns;
mod where_expr;
mod where_value;

pub use across_files::{FileVersions, MovedStatement, moved_across_files};
pub use align::{SiteMap, align_sites, innermost, span_in_current, statement_at};
pub use carry::{Carried, Difference, DifferenceKind, Place, Placed, Refusal, carry};
pub use classify::{Change, ChangeKind, Judge, ProbeEffect, Version, added_globals, classify};
pub use diff::{SourceDiff, diff_sources};
pub use git::{
    ChangedFile, RevisionError, Revisions, Side, blob_id, git_root, git_state, hooks_folder,
};
pub use log_changes::{LogChange, LogChangeKind, ProgramChanges, program_changes};
pub use loop_tests::LoopTest;
pub use matching::{Matching, match_versions};
pub use meaning::{CutPoints, Meaning, Meanings, Trained};
pub use names::Names;
pub use order::most_useful_first;
pub use places::{ProbePlaces, probe_places, run_by_imports, runs_once};
pub use segments::{Iteration, PlannedSegment, SegmentRequest, plan_segments};
pub use signs::{Sign, Signs, Way};
pub use text_diff::unified_diff;
pub use where_columns::Columns;
pub use where_expr::Where;
pub use where_value::{Answer, Scalar};
