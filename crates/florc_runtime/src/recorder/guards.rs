//! Functions that were called in regions that were not expected to run them.
//!
//! ```text
//! Unexpected { guard: 0, site: "t.py:epoch/loader" }      # a replay runs the loader's block, always
//! ```
//!
//! A region whose calls are not understood is one whose changes are not. Said once for each function and region.

use std::collections::{BTreeMap, BTreeSet};

use florc_manifest::{GuardSite, JournalRecord};

use super::Recorder;
use crate::progress::main_loops;

/// Code of the note.
const CODE: &str = "unexpected-call";

/// By guard the regions of which it was said that it ran in them.
pub(super) type Said = BTreeMap<u32, BTreeSet<String>>;

impl Recorder {
    /// A region around in which the function was not expected, and of which this was not said before.
    pub fn unexpected<'g>(&self, number: u32, guard: &'g GuardSite) -> Option<&'g str> {
        let said = self.unexpected.get(&number);
        let is_said = |site: &str| said.is_some_and(|said| said.contains(site));
        let mut regions = guard.sites.iter().map(String::as_str);
        regions.find(|site| self.progress.runs_in(site) && !is_said(site))
    }

    /// Records such a call.
    pub fn entered(&mut self, number: u32, guard: &GuardSite, site: &str) {
        let said = self.unexpected.entry(number).or_default();
        if !said.insert(site.to_owned()) || self.is_forked() {
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
        let span = &guard.span;
        let place = match span.file.as_str() {
            "" => format!("line {}", span.line),
            file => format!("{file}:{}", span.line),
        };
        let text = format!(
            "`{}` ({place}) was called inside of `{site}`, from where florc did not expect it: what it changes may not be \
             in checkpoints, so {then}",
            guard.function
        );
        self.note(CODE, &text);
    }
}
