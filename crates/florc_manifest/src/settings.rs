//! What a project asks of florc: `[tool.florc]` of its `pyproject.toml`, as data.
//!
//! ```python
//! # [tool.florc]
//! # main-loop = "train.py:main/epoch"
//! for epoch in range(3): ...      # taken for the main loop, whatever else trains
//! ```
//!
//! Read by the command line, obeyed by the compiler, kept with each run so that a replay uses those
//! of its recording. Reads no file and gives the effects table no meaning.

use serde::{Deserialize, Serialize};

/// The settings in force.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Codes of diagnostics that are not wanted.
    pub ignore: Vec<String>,
    /// Loops that are the main loop of their module: `train.py:main/epoch`.
    pub main_loop: Vec<String>,
    /// Loops that become SkipBlocks wherever that is sound.
    pub skip: Vec<String>,
    /// Loops that never become SkipBlocks.
    pub no_skip: Vec<String>,
    /// Files and folders that `florc check` leaves out, as patterns relative to the
    /// `pyproject.toml`.
    pub exclude: Vec<String>,
    /// Bound on the time that recording may add, a fraction.
    pub overhead: Option<f64>,
    /// `[tool.florc.effects]` as it stands there; its meaning is the effect analysis' matter.
    pub effects: Option<serde_json::Value>,
}

impl Settings {
    /// Whether one of `names` means the loop `id` (`src/train.py:main/epoch`): its whole id, or one
    /// whose file is given by its last parts (`train.py:main/epoch`).
    pub fn names(names: &[String], id: &str) -> bool {
        names.iter().any(|name| Self::means(name, id))
    }

    /// As [`Settings::names`], for one name.
    pub fn means(name: &str, id: &str) -> bool {
        let name = name.strip_prefix("./").unwrap_or(name);
        id.strip_suffix(name)
            .is_some_and(|before| before.is_empty() || before.ends_with('/'))
            && name.contains(':')
    }
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[track_caller]
    fn check(name: &str, id: &str, expected: bool) {
        assert_eq!(Settings::means(name, id), expected, "{name} {id}");
    }

    #[test]
    fn names_of_loops() {
        check("train.py:main/epoch", "train.py:main/epoch", true);
        check("./train.py:epoch", "src/train.py:epoch", true);
        check("src/train.py:epoch", "src/train.py:epoch", true);
        check("train.py:epoch", "src/pretrain.py:epoch", false);
        check("epoch", "train.py:main/epoch", false);
        check("train.py:epoch", "train.py:epoch/batch", false);
    }
}
