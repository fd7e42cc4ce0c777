//! The loops around a moment, for the context of log rows.
//!
//! ```python
//! for epoch in range(3):          # enter, next …
//!     for x, y in loader:         # enter, next …
//!         print(loss)             # context epoch=1, loader=17
//! ```
//!
//! A loop is named by a token, because iterators end in any order: a `for` loop leaves when its
//! iterator goes away, however the loop was left; a `while` loop is known by its frame, and one
//! that was left by `return` or an exception goes when a loop around it advances or ends.

use florc_manifest::LoopPosition;

/// An entered loop, to be named when it advances and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LoopToken(pub u64);

/// The stack of loops.
#[derive(Debug, Default)]
pub(crate) struct Context {
    stack: Vec<Entry>,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    token: LoopToken,
    label: String,
    /// Of a `while` loop: site and frame.
    tick: Option<(String, usize)>,
    begun: u64,
    value: i64,
}

impl Context {
    /// A loop was entered; it has no position until it advances.
    pub(crate) fn enter(&mut self, label: &str) -> LoopToken {
        self.push(label, None)
    }

    /// A loop takes its next item.
    pub(crate) fn advance(&mut self, token: LoopToken, value: Option<i64>) {
        if let Some(at) = self.stack.iter().rposition(|entry| entry.token == token) {
            self.drop_ticks_above(at);
            self.stack[at].count(value);
        }
    }

    /// A loop ended or its iterator went away.
    pub(crate) fn exit(&mut self, token: LoopToken) {
        if let Some(at) = self.stack.iter().rposition(|entry| entry.token == token) {
            self.drop_ticks_above(at);
            self.stack.remove(at);
        }
    }

    /// An iteration of a `while` loop begins.
    pub(crate) fn tick(&mut self, site: &str, label: &str, frame: usize) {
        let at = self.find_tick(site, frame).unwrap_or_else(|| {
            self.push(label, Some((site.to_owned(), frame)));
            self.stack.len() - 1
        });
        self.drop_ticks_above(at);
        self.stack[at].count(None);
    }

    /// A `while` loop ended.
    pub(crate) fn untick(&mut self, site: &str, frame: usize) {
        if let Some(at) = self.find_tick(site, frame) {
            self.drop_ticks_above(at);
            self.stack.remove(at);
        }
    }

    /// Loops that have begun an iteration, outermost first.
    pub(crate) fn positions(&self) -> Vec<LoopPosition> {
        let running = self.stack.iter().filter(|entry| entry.begun > 0);
        running
            .map(|entry| LoopPosition {
                label: entry.label.clone(),
                value: entry.value,
            })
            .collect()
    }

    fn push(&mut self, label: &str, tick: Option<(String, usize)>) -> LoopToken {
        self.next += 1;
        let token = LoopToken(self.next);
        self.stack.push(Entry {
            token,
            label: label.to_owned(),
            tick,
            begun: 0,
            value: 0,
        });
        token
    }

    fn find_tick(&self, site: &str, frame: usize) -> Option<usize> {
        let is_same = |entry: &Entry| {
            entry
                .tick
                .as_ref()
                .is_some_and(|(s, f)| s == site && *f == frame)
        };
        self.stack.iter().rposition(is_same)
    }

    /// `while` loops that began inside of a loop that now advances or ends were left.
    fn drop_ticks_above(&mut self, at: usize) {
        let mut index = 0;
        self.stack.retain(|entry| {
            index += 1;
            index <= at + 1 || entry.tick.is_none()
        });
    }
}

impl Entry {
    fn count(&mut self, value: Option<i64>) {
        self.value = value.unwrap_or(self.begun.cast_signed());
        self.begun += 1;
    }
}

impl Context {
    /// The iterations before `iteration` count as begun.
    pub(crate) fn fast_forward(&mut self, token: LoopToken, iteration: u64) {
        if let Some(entry) = self.stack.iter_mut().rfind(|entry| entry.token == token) {
            entry.begun = iteration;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(context: &Context, expected: &[(&str, i64)]) {
        let positions = context.positions();
        let found: Vec<_> = positions
            .iter()
            .map(|p| (p.label.as_str(), p.value))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn loops_nest() {
        let mut context = Context::default();
        let epoch = context.enter("epoch");
        check(&context, &[]);
        context.advance(epoch, Some(5));
        let batch = context.enter("batch");
        context.advance(batch, None);
        context.advance(batch, None);
        check(&context, &[("epoch", 5), ("batch", 1)]);
        context.exit(batch);
        check(&context, &[("epoch", 5)]);
    }

    #[test]
    fn iterators_may_go_in_any_order() {
        let mut context = Context::default();
        let (a, b) = (context.enter("a"), context.enter("b"));
        context.advance(a, None);
        context.advance(b, None);
        context.exit(a);
        check(&context, &[("b", 0)]);
        context.exit(a);
        context.advance(b, None);
        check(&context, &[("b", 1)]);
    }

    #[test]
    fn a_while_loop_that_was_left_by_return_goes_with_the_next_iteration_around_it() {
        let mut context = Context::default();
        let epoch = context.enter("epoch");
        context.advance(epoch, None);
        context.tick("f.py:g/step", "step", 1);
        context.tick("f.py:g/step", "step", 1);
        check(&context, &[("epoch", 0), ("step", 1)]);
        context.advance(epoch, None);
        check(&context, &[("epoch", 1)]);
        context.tick("f.py:g/step", "step", 1);
        check(&context, &[("epoch", 1), ("step", 0)]);
        context.untick("f.py:g/step", 1);
        check(&context, &[("epoch", 1)]);
    }

    #[test]
    fn recursion_has_frames_of_its_own() {
        let mut context = Context::default();
        context.tick("s", "step", 1);
        context.tick("s", "step", 2);
        check(&context, &[("step", 0), ("step", 0)]);
        context.tick("s", "step", 1);
        check(&context, &[("step", 1)]);
    }
}
