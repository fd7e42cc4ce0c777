//! How far the workers are: what there is time for, and the line on a terminal.
//!
//! ```python
//! # florc: [#######.............] 3 of 8 segments, about 12 min 4 s left
//! ```

use std::collections::VecDeque;
use std::time::Instant;

use super::work::{Means, Piece, Work};
use crate::{out, table};

/// One line on a terminal: how far the work is, and how long it may take.
pub(super) struct Progress<'a> {
    works: &'a [Work<'a>],
    means: Means<'a>,
    left: Vec<Piece>,
    all: usize,
    /// Expected seconds of what was done here, and what it took.
    finished: f64,
    took: f64,
    began: Instant,
    shown: String,
}

impl<'a> Progress<'a> {
    pub(super) fn new(
        works: &'a [Work<'a>],
        means: Means<'a>,
        pieces: impl Iterator<Item = Piece>,
    ) -> Self {
        let all = works.iter().map(|work| work.stored.plan.segments.len());
        Self {
            works,
            means,
            left: pieces.collect(),
            all: all.sum(),
            finished: 0.0,
            took: 0.0,
            began: Instant::now(),
            shown: String::new(),
        }
    }

    fn seconds(&self, piece: Piece) -> f64 {
        self.works[piece.run].seconds(piece.segment)
    }

    /// The first waiting segment for which there is time.
    pub(super) fn next(&self, waiting: &mut VecDeque<(Piece, u32)>) -> Option<(Piece, u32)> {
        let spent = self.began.elapsed().as_secs_f64();
        // What was done so far tells how good the recorded times are here.
        let pace = if self.finished > 0.0 {
            self.took / self.finished
        } else {
            1.0
        };
        let has_time = |(piece, _): &(Piece, u32)| {
            let end = spent + pace * self.seconds(*piece);
            self.means.budget.is_none_or(|budget| end <= budget)
        };
        let at = waiting.iter().position(has_time)?;
        waiting.remove(at)
    }

    pub(super) fn done(&mut self, piece: Piece, seconds: f64) {
        self.took += seconds;
        self.finished += self.seconds(piece);
        self.left.retain(|it| *it != piece);
    }

    pub(super) fn show(&mut self) {
        if !out::is_terminal() {
            return;
        }
        // the sum of nothing is -0.0
        let left = 0.0 + self.left.iter().map(|it| self.seconds(*it)).sum::<f64>();
        let spent = self.began.elapsed().as_secs_f64();
        // Once something was finished its time tells more than the plan.
        let seconds = if self.finished > 0.0 {
            left * spent / self.finished
        } else {
            (left / self.means.workers.max(1) as f64 - spent).max(0.0)
        };
        let done = self.all - self.left.len();
        let keeps = if done > 0 && seconds >= 10.0 {
            " (Ctrl-C keeps what is finished, `--continue` goes on)"
        } else {
            ""
        };
        let line = format!(
            "florc: [{}] {done} of {}, about {} left{keeps}",
            bar(self.finished / (self.finished + left)),
            table::count(self.all, "segment"),
            table::seconds(seconds.round())
        );
        if line != self.shown {
            out::progress(&line);
            self.shown = line;
        }
    }

    pub(super) fn clear(&self) {
        if !self.shown.is_empty() {
            out::progress("");
        }
    }
}

/// How much of the work is done, 20 characters.
fn bar(part: f64) -> String {
    let filled = |at: u32| f64::from(at) + 0.5 < 20.0 * part;
    (0..20)
        .map(|at| if filled(at) { '#' } else { '.' })
        .collect()
}
