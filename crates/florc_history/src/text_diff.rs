//! The difference of two texts for people.
//!
//! ```python
//! -for epoch in range(3):
//! +for epoch in florc.main_loop("train.py:epoch", range(3)):
//! ```
//!
//! Lines only; what they mean is compared in [`crate::diff_sources`].

use similar::TextDiff;

/// A unified diff with three lines of context; empty when the texts are equal.
pub fn unified_diff(old_name: &str, old: &str, new_name: &str, new: &str) -> String {
    TextDiff::from_lines(old, new)
        .unified_diff()
        .header(old_name, new_name)
        .to_string()
}
