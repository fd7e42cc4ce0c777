//! From one iteration to a later one: what is in between is not asked for.
//!
//! ```python
//! for step in range(6000):      # 500 was run; the next item is that of 996, and its state is put back
//!     if step % 500 == 0:
//!         print(norm(model))    # asked for
//! ```
//!
//! What came before the leap has been compared then, at the head of the iteration that it leaps from.

use florc_manifest::{CutKey, HeadKey, Leap};

use super::Replayer;
use crate::progress::Moment;

impl Replayer {
    /// The iteration that runs has ended. `Some`: as many items are to be drawn without running the body; the head
    /// that follows restores. Where that cannot be, the program goes on as it did.
    pub fn leap(&mut self) -> Option<u64> {
        let now = self.progress.moment().key()?;
        let mut leaps = self.segment.leaps.iter();
        let leap = *leaps.find(|leap| leap.after == now)?;
        let was_equal = self.findings.equal.contains(&CutKey::Head(now));
        let is_refused = self.is_doubtful
            || !was_equal
            || self.progress.is_inside_another()
            || !self.recorded.can_jump(self.progress.main_site())
            || !self.recorded.repeats.contains(&now.instance);
        if is_refused || !self.load(&CutKey::Head(leap.to)) {
            return None;
        }
        let next = HeadKey {
            iteration: now.iteration + 1,
            ..now
        };
        self.progress.fast_forward(leap.to.iteration);
        self.skips(Moment::head(next));
        let dead = self.recorded.dead_globals(self.progress.main_site());
        self.stale.extend(dead);
        self.leapt.push(leap);
        self.restore_at = Some(leap.to);
        Some(leap.to.iteration - next.iteration)
    }

    /// Whether a moment was left out.
    pub(super) fn is_leapt_over(&self, moment: Moment) -> bool {
        let is_between =
            |leap: &Leap| Moment::head(leap.after) < moment && moment < Moment::head(leap.to);
        self.leapt.iter().any(is_between)
    }
}
