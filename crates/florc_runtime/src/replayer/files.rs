//! Files of the program: what the recorded run had left where this replay does not run.
//!
//! ```python
//! open("log", "a").write(row)     # iterations 0 to 6 are skipped: their rows are not there
//! ```
//!
//! Which file is read is decided where files are opened; here is only what is known of the recorded time.

use super::Replayer;
use crate::progress::Moment;

impl Replayer {
    /// A file that the program reads is not what the recorded run read.
    pub fn file_changed(&mut self, text: &str) {
        self.findings.file(text.to_owned());
    }

    /// For the files that are read now: which part of the program's time this is, and the time
    /// (seconds since the epoch) since when a file must not have been written to be what the
    /// recorded run saw; `None`: the end of the run.
    pub fn file_moment(&self) -> (String, Option<f64>) {
        let moment = self.progress.moment();
        (format!("{moment:?}"), self.recorded.file_limit(moment))
    }

    /// What is not run may have written files: how many parts were skipped so far, when the first of them began at the
    /// earliest, and when the part of the program's time began that runs now, both by the clock that dates files.
    pub fn file_skips(&self) -> (u64, Option<f64>, Option<f64>) {
        let (count, since) = self.unwritten;
        let began = self.recorded.file_began(self.progress.moment());
        (count, since, began)
    }

    /// Whether the program may keep what a block prints: it is run, as its state does not show it.
    pub(super) fn is_redirected(&self, block: &str) -> bool {
        let mut blocks = self.plan.skip_blocks.iter();
        blocks.any(|it| it.id == block && it.redirected)
    }

    pub(super) fn may_write(&self, block: &str) -> bool {
        let mut blocks = self.plan.skip_blocks.iter();
        blocks.find(|it| it.id == block).is_none_or(|it| it.writes)
    }

    /// What began in a moment is skipped.
    pub(super) fn skips(&mut self, moment: Moment) {
        let began = self.recorded.file_limit(moment);
        let (count, since) = self.unwritten;
        let earliest = since.into_iter().chain(began).reduce(f64::min);
        self.unwritten = (count + 1, earliest);
    }
}
