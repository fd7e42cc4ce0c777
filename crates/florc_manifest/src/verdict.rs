//! What a replayed segment proves, and where it first differs from the recorded run.
//!
//! ```text
//! {"diverged": {"difference": "after the main loop: w: recorded 1.0, found 2.0", "evidence": …}}
//! ```
//!
//! Facts that a worker sees. What may have caused a difference is not said here.

use serde::{Deserialize, Serialize};

use crate::{HeadKey, LoopPosition};

/// How far the rows of a segment can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Forward rows and the state at the end equal the recorded ones.
    Verified,
    /// Something could not be checked or is not exact.
    Approximate {
        /// One line each.
        reasons: Vec<String>,
        /// An added statement may have changed what no checkpoint shows: running the whole script
        /// tells.
        #[serde(default)]
        needs_whole: bool,
    },
    /// Replay and record differ.
    Diverged {
        /// The first difference, in words.
        difference: String,
        /// What it was seen by.
        #[serde(default)]
        evidence: Evidence,
    },
    /// The segment could not be replayed; its rows mean nothing.
    Failed {
        /// What happened.
        error: String,
        /// What was seen before.
        #[serde(default)]
        evidence: Evidence,
    },
}

/// What a worker saw that may explain a difference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The first difference.
    #[serde(default)]
    pub first: Option<FirstDifference>,
    /// Files that the script read and that are not what they were, one line each.
    #[serde(default)]
    pub files: Vec<String>,
    /// What else was not exact, one line each.
    #[serde(default)]
    pub reasons: Vec<String>,
}

/// Where a replay first is not what was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstDifference {
    /// What was compared.
    pub kind: DifferenceKind,
    /// The iteration of a main loop in which, or at whose head, it was seen.
    pub head: Option<HeadKey>,
    /// The loops around it, where a log statement gave it.
    #[serde(default)]
    pub context: Vec<LoopPosition>,
    /// Of a state, the way from a variable (`model.conv1.weight`); of a row, the column.
    pub path: Option<String>,
    /// The recorded log statement, as an index in the module's `logs`.
    #[serde(default)]
    pub log: Option<u32>,
    /// The SkipBlock in which, or at whose end, it was seen, by id.
    #[serde(default)]
    pub block: Option<String>,
    /// Representable numbers between the recorded and the found value, at most, where these are
    /// floats.
    pub ulps: Option<u64>,
    /// Hash of what was found: two replays that go the same way have the same.
    pub found: String,
    /// Random generators that were not in their recorded state.
    #[serde(default)]
    pub generators: Vec<String>,
}

impl Verdict {
    /// Where it first differs, if it does and that is known.
    pub fn first_difference(&self) -> Option<&FirstDifference> {
        match self {
            Self::Diverged { evidence, .. } | Self::Failed { evidence, .. } => {
                evidence.first.as_ref()
            }
            Self::Verified | Self::Approximate { .. } => None,
        }
    }
}

impl FirstDifference {
    /// A difference of which nothing is known but its kind.
    pub fn of(kind: DifferenceKind) -> Self {
        Self {
            kind,
            head: None,
            context: Vec::new(),
            path: None,
            log: None,
            block: None,
            ulps: None,
            found: String::new(),
            generators: Vec::new(),
        }
    }
}

/// What was compared when a difference was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// What a main loop starts from.
    Inputs,
    /// The state at a cut point.
    State,
    /// A row of an existing log statement.
    Row,
    /// The order in which the program runs.
    Order,
}
