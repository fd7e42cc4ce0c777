//! Answers of the outer world that the program got.
//!
//! ```python
//! names = folder.glob("*.pt")      # asked here …
//! newest = max(names)              # … and known here
//! ```

use florc_manifest::{BlockKey, HeadKey, JournalRecord, Value};

use super::Recorder;

/// A read whose answer is not known yet: which one it is.
#[derive(Debug)]
pub struct PendingRead {
    site: u32,
    head: Option<HeadKey>,
    block: Option<BlockKey>,
    index: u64,
}

impl Recorder {
    /// A memoized read is made, one of `most` that are kept of a statement in an iteration.
    pub fn reserve(&mut self, site: u32, most: u64) -> Option<PendingRead> {
        if self.is_forked() {
            return None;
        }
        let index = self.progress.count_read(site);
        (index < most).then(|| PendingRead {
            site,
            head: self.progress.moment().key(),
            block: self.progress.block().cloned(),
            index,
        })
    }

    /// What it gave.
    pub fn answer(&mut self, read: &PendingRead, value: Value) {
        if self.is_forked() {
            return;
        }
        self.append(&JournalRecord::Clock {
            site: read.site,
            head: read.head,
            block: read.block.clone(),
            index: read.index,
            value,
        });
    }
}
