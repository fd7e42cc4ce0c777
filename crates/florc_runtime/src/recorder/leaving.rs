//! The end of a main loop.
//!
//! ```python
//! for epoch in florc.main_loop(ID, range(9)):
//!     if loss > limit: raise Stop      # left by an exception, at iteration 7 of 9
//! florc.leave(ID, model)               # left at its end, or by `break`
//! ```

use florc_manifest::{CutKey, JournalRecord};

use super::{Mode, Recorder};
use crate::file_clock;

/// So many ends of main loops wait for the clock of files.
const DATED_EXITS: u32 = 8;

impl Recorder {
    /// The main loop ended. `Some(CutKey::Exit)`: capture and submit.
    pub fn leave(&mut self) -> Option<CutKey> {
        self.left(false)
    }

    /// As [`Self::leave`], by an exception.
    pub fn leave_by_exception(&mut self) -> Option<CutKey> {
        self.left(true)
    }

    fn left(&mut self, raised: bool) -> Option<CutKey> {
        if self.is_forked() {
            return None;
        }
        let head = self.progress.leave()?;
        let seconds = self.now();
        let is_dated = self.dated_exits < DATED_EXITS;
        self.dated_exits += u32::from(is_dated);
        let file_clock = is_dated.then(file_clock::after_now);
        self.append(&JournalRecord::LoopLeft {
            head,
            seconds,
            raised,
            file_clock,
        });
        self.policy.end_iteration(seconds);
        self.look_at_writer();
        self.is_due = false;
        let captures = !matches!(self.mode, Mode::None) && self.is_writing();
        captures.then_some(CutKey::Exit(head))
    }

    /// The main loop is gone without [`Self::leave`]: by an interrupt, or by an exception that left a
    /// `while` loop.
    pub fn abandon(&mut self) {
        if !self.is_forked() {
            self.is_due = false;
            self.progress.leave();
        }
    }
}
