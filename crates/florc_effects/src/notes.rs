//! What the abstract run notes down in its last pass, and which statements that one and the others run.
//!
//! ```python
//! b.append(x)        # Mutate({the list}), "`b.append` changes its object"
//! ```
//!
//! Notes of one place that say the same are one. Judges nothing.

use florc_syntax::Span;

use crate::due::Reads;
use crate::effect::Hidden;
use crate::event::{Action, Event, Target};
use crate::heap::SCALAR;
use crate::interp::Interp;
use crate::object_set::ObjSet;

/// Notes that are looked at to find one that says the same.
const MOST_LOOKED_BACK: usize = 50;

impl Interp<'_> {
    /// Runs a unit if something that it has read has changed since.
    pub(crate) fn if_due(&mut self, unit: usize, run: impl FnOnce(&mut Self)) {
        if self.recording {
            return run(self);
        }
        if !self.heap.is_due(unit) {
            return;
        }
        self.reads = Reads::default();
        self.heap.begin_reads(unit);
        run(self);
        let reads = std::mem::take(&mut self.reads);
        self.heap.end_reads(unit, reads);
    }

    /// Adds a note; only the last pass takes them. Notes of one place that say the same are one.
    pub(crate) fn note(&mut self, span: Span, action: Action, text: impl FnOnce() -> String) {
        if !self.recording {
            return;
        }
        let stmt = self.stmt;
        if self.heap.exhausted() && action.is_doubtful() {
            return;
        }
        if let Action::Call {
            targets,
            reachable,
            escaping,
        } = &action
        {
            let key = (self.function, stmt, span, targets.clone(), *escaping);
            let events = &mut self.events[self.function.index()];
            if let Some(at) = self.calls_noted.get(&key) {
                if let Action::Call { reachable: all, .. } = &mut events[*at].action {
                    all.extend(reachable);
                }
                return;
            }
            self.calls_noted.insert(key, events.len());
        }
        let event = Event {
            stmt,
            span,
            text: text(),
            action,
        };
        let events = &mut self.events[self.function.index()];
        let same = |known: &&mut Event| {
            known.stmt == stmt && known.span == span && known.text == event.text
        };
        for known in events.iter_mut().rev().take(MOST_LOOKED_BACK).filter(same) {
            match (&mut known.action, &event.action) {
                (Action::Opaque(_), Action::Opaque(_)) => return,
                (Action::Mutate(all), Action::Mutate(objects)) => {
                    all.extend(objects);
                    return;
                }
                _other => {}
            }
        }
        events.push(event);
    }

    pub(crate) fn note_mutation(
        &mut self,
        objects: &ObjSet,
        span: Span,
        text: impl FnOnce() -> String,
    ) {
        if self.recording {
            let mut objects = self.heap.named(objects).into_owned();
            objects.remove(SCALAR);
            if !objects.is_empty() {
                self.note(span, Action::Mutate(objects), text);
            }
        }
    }

    pub(crate) fn note_hidden(&mut self, span: Span, hidden: Hidden) {
        if hidden != Hidden::default() {
            self.note(span, Action::Hidden(hidden), String::new);
        }
    }

    /// Unknown code runs and may call back what it knows, and take items of the generators that it knows.
    pub(crate) fn note_escaping(&mut self, span: Span, reachable: &ObjSet, targets: Vec<Target>) {
        if !self.recording {
            return;
        }
        let reachable = self.heap.unmerged(reachable).into_owned();
        self.note(
            span,
            Action::Call {
                targets,
                reachable,
                escaping: true,
            },
            String::new,
        );
    }
}
