//! Functions that were called in regions that were not expected to run them.
//!
//! ```text
//! Unexpected { guard: 0, site: "t.py:epoch/loader" }      # a replay runs the loader's block, always
//! ```
//!
//! A region whose calls are not understood is one whose changes are not. Said once for each function and region.

use std::collections::BTreeSet;

use florc_manifest::{GuardSite, JournalRecord};

use super::Recorder;
use crate::progress::main_loops;

/// Code of the note.
const CODE: &str = "unexpected-call";

/// Guards and regions of which it was said that one ran in the other.
pub(super) type Said = BTreeSet<(u32, String)>;

impl Recorder {
    /// A region around in which the function was not expected, and of which this was not said before.
    pub fn unexpected<'g>(&self, number: u32, guard: &'g GuardSite) -> Option<&'g str> {
        let mut regions = guard.sites.iter().map(String::as_str);
        regions.find(|site| {
            self.progress.runs_in(site) && !self.unexpected.contains(&(number, (*site).to_owned()))
        })
    }

    /// Records such a call.
    pub fn entered(&mut self, number: u32, guard: &GuardSite, site: &str) {
        if self.is_forked() || !self.unexpected.insert((number, site.to_owned())) {
            return;
        }
        self.append(&JournalRecord::Unexpected {
            guard: number,
            site: site.to_owned(),
        });
        if !guard.changes {
            return;
        }
        let is_main = main_loops(&self.manifest).any(|main| main.id == site);
        let then = if is_main {
            "a replay begins at the start of the script"
        } else {
            "a replay always runs it"
        };
        let text = format!(
            "`{}` (line {}) was called inside of `{site}`, from where florc did not expect it: what it changes may not be \
             in checkpoints, so {then}",
            guard.function, guard.span.line
        );
        self.note(CODE, &text);
    }
}
