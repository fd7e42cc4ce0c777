//! A plan as a picture: the loop nest, which iterations run, and who runs them when.
//!
//! ```text
//! for epoch in range(8):           train.py:10  3 of 8 iterations run
//!     for x, y in loader:          train.py:12  skipped, its end is restored
//! epoch    ....>##.                > state restored and run, # run, . not run
//! worker 1 --1====                 - the way to its start, = iterations
//! ```
//!
//! Draws what was planned elsewhere; it decides nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use florc_manifest::{HeadKey, SegmentStart, SourceSpan};
use serde_json::{Value, json};

use super::find::{Sources, Subject};
use super::plan::{Planned, Slot, timeline};
use super::probed::Probed;
use crate::table;

/// Columns of the pictures.
const WIDTH: usize = 60;

/// A plan with what is needed to draw it.
pub(crate) struct Picture<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) sources: &'a Sources,
    pub(crate) probed: &'a Probed,
    pub(crate) planned: &'a Planned,
    pub(crate) workers: usize,
}

/// Iterations of a main loop.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    all: usize,
    run: usize,
    /// Those in which rows may come.
    asked: usize,
}

/// A line of the loop nest.
struct Line {
    depth: usize,
    text: String,
    place: String,
    what: String,
}

impl Picture<'_> {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = self.nest_text();
        text.push_str(&self.iterations_text());
        text.push_str(&self.timeline_text());
        text
    }

    /// For programs: `loops`, `iterations`, `timeline`.
    pub(crate) fn json(&self) -> [(&'static str, Value); 3] {
        let loops: Vec<Value> = self
            .probed
            .main_loops
            .iter()
            .map(|main| {
                let count = self.count(&main.id);
                json!({
                    "id": main.id, "label": main.label, "place": self.place(&main.span),
                    "text": self.first_line(&main.span),
                    "iterations": count.all, "run": count.run, "asked": count.asked,
                    "blocks": self.blocks_of(&main.id).map(|block| json!({
                        "id": block.id, "place": self.place(&block.span),
                        "text": self.first_line(&block.span),
                        "action": if self.is_executed(&block.id) { "execute" } else { "skip" },
                    })).collect::<Vec<_>>(),
                })
            })
            .collect();
        let iterations: Vec<Value> = self
            .states()
            .into_iter()
            .map(|(head, state)| {
                json!({
                    "head": head,
                    "loop": self.subject.facts.main_loop_of(head).map(|main| &main.id),
                    "action": match state { '.' => "none", '>' => "restore", _ => "run" },
                })
            })
            .collect();
        let timeline: Vec<Value> = self
            .slots()
            .iter()
            .map(|slot| {
                json!({
                    "worker": slot.worker + 1, "segment": slot.segment,
                    "begin_seconds": slot.begin, "end_seconds": slot.end,
                })
            })
            .collect();
        [
            ("loops", loops.into()),
            ("iterations", iterations.into()),
            ("timeline", timeline.into()),
        ]
    }

    fn slots(&self) -> Vec<Slot> {
        timeline(&self.planned.segments, &self.planned.order, self.workers)
    }

    fn is_executed(&self, block: &String) -> bool {
        self.planned.executed.contains(block)
    }

    fn blocks_of<'a>(
        &'a self,
        main: &'a str,
    ) -> impl Iterator<Item = &'a florc_manifest::SkipBlockSite> + 'a {
        let blocks = self.probed.skip_blocks.iter();
        blocks.filter(move |block| self.home_of(&block.id) == main)
    }

    /// The main loop that a block is shown under: its own by name, else the first.
    fn home_of(&self, block: &str) -> &str {
        let mut mains = self.probed.main_loops.iter();
        let is_inside = |main: &str| {
            let rest = block.strip_prefix(main);
            rest.is_some_and(|rest| rest.starts_with('/')) // not another loop: `epoch#2`
        };
        let own = mains.clone().find(|main| is_inside(&main.id));
        own.or_else(|| mains.next())
            .map_or("", |main| main.id.as_str())
    }

    fn count(&self, main: &str) -> Count {
        let iterations = self.planned.request.iterations.iter();
        let mut count = Count::default();
        for ((head, state), iteration) in self.states().into_iter().zip(iterations) {
            let of = self.subject.facts.main_loop_of(head);
            if of.is_some_and(|it| it.id == main) {
                count.all += 1;
                count.run += usize::from(state != '.');
                count.asked += usize::from(iteration.wanted);
            }
        }
        count
    }

    fn place(&self, span: &SourceSpan) -> String {
        let file = self.file(span);
        format!("{file}:{}", self.sources.line(file, span.line))
    }

    fn file<'a>(&'a self, span: &'a SourceSpan) -> &'a str {
        if span.file.is_empty() {
            self.sources.current.source.path()
        } else {
            &span.file
        }
    }

    fn first_line(&self, span: &SourceSpan) -> String {
        let source = &self.sources.current.source;
        let file = self.file(span);
        let found = source.files().iter().find(|it| it.path == file);
        let text = found.map_or("", |file| source.slice(file.span()));
        let from = text.get(span.start as usize..).unwrap_or_default();
        from.lines().next().unwrap_or_default().trim().to_owned()
    }

    fn nest_text(&self) -> String {
        let mut lines = Vec::new();
        for main in &self.probed.main_loops {
            let Count { run, all, asked } = self.count(&main.id);
            let asked = if asked < run {
                format!("{asked} asked for, ")
            } else {
                String::new()
            };
            lines.push(Line {
                depth: 0,
                text: self.first_line(&main.span),
                place: self.place(&main.span),
                what: format!("{asked}{run} of {} run", table::count(all, "iteration")),
            });
            for block in self.blocks_of(&main.id) {
                let inside = block.id.strip_prefix(main.id.as_str());
                let what = if self.is_executed(&block.id) {
                    "executed"
                } else {
                    "skipped, its end is restored"
                };
                lines.push(Line {
                    depth: inside.map_or(1, |it| it.matches('/').count()),
                    text: self.first_line(&block.span),
                    place: self.place(&block.span),
                    what: what.to_owned(),
                });
            }
        }
        let shown = |line: &Line| format!("{}{}", "    ".repeat(line.depth), cut(&line.text));
        let width = |of: &dyn Fn(&Line) -> usize| lines.iter().map(of).max().unwrap_or(0);
        let (first, second) = (
            width(&|line| shown(line).chars().count()),
            width(&|line| line.place.chars().count()),
        );
        let mut text = String::new();
        for line in &lines {
            let _ = writeln!(
                text,
                "  {:first$}  {:second$}  {}",
                shown(line),
                line.place,
                line.what
            );
        }
        text
    }

    /// Of each recorded iteration: `>` its state is restored and it runs, `#` it runs, `.` not.
    fn states(&self) -> Vec<(HeadKey, char)> {
        let iterations = self.planned.request.iterations.iter();
        let mut states: Vec<(HeadKey, char)> = iterations.map(|it| (it.head, '.')).collect();
        for planned in &self.planned.segments {
            for at in planned.run() {
                states[at].1 = '#';
            }
            let start = match planned.segment.start {
                SegmentStart::Beginning => None,
                SegmentStart::Head(_) => Some(planned.iterations.start),
            };
            for at in start
                .into_iter()
                .chain(planned.leaps.iter().map(|it| it.end))
            {
                states[at].1 = '>';
            }
        }
        states
    }

    fn iterations_text(&self) -> String {
        let mut rows: BTreeMap<u32, Vec<char>> = BTreeMap::new();
        for (head, state) in self.states() {
            rows.entry(head.instance).or_default().push(state);
        }
        let mut text = String::new();
        for (instance, states) in rows {
            let head = HeadKey {
                instance,
                iteration: 0,
            };
            let label = self.subject.facts.main_loop_of(head);
            let label = label.map_or("", |main| main.label.as_str());
            let _ = writeln!(text, "  {label:10}{}", squeezed(&states));
        }
        if !text.is_empty() {
            text.push_str("            > state restored and run, # run, . not run\n");
        }
        text
    }

    #[expect(clippy::cast_sign_loss, reason = "no time is negative")]
    fn timeline_text(&self) -> String {
        let slots = self.slots();
        let end = slots.iter().map(|slot| slot.end).fold(0.0, f64::max);
        if end <= 0.0 {
            return String::new();
        }
        let column = |seconds: f64| ((seconds / end * WIDTH as f64) as usize).min(WIDTH - 1);
        let mut rows: BTreeMap<usize, Vec<char>> = BTreeMap::new();
        for slot in &slots {
            let row = rows.entry(slot.worker).or_insert_with(|| vec![' '; WIDTH]);
            let way = slot.begin + self.planned.request.before_seconds;
            let last = column(slot.end).max(column(slot.begin) + 1).min(WIDTH);
            for (at, cell) in row
                .iter_mut()
                .enumerate()
                .take(last)
                .skip(column(slot.begin))
            {
                *cell = if at < column(way.min(slot.end)) {
                    '-'
                } else {
                    '='
                };
            }
            let name = slot.segment.to_string();
            for (cell, letter) in row.iter_mut().skip(column(slot.begin)).zip(name.chars()) {
                *cell = letter;
            }
        }
        let mut text = String::new();
        for (worker, row) in rows {
            let row: String = row.into_iter().collect();
            let _ = writeln!(text, "  worker {:<3}{}", worker + 1, row.trim_end());
        }
        let _ = writeln!(
            text,
            "            number of the segment, - the way to its start, = iterations; {} in all",
            table::seconds(end)
        );
        text
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    text.chars().take(WIDTH - 1).chain(['…']).collect()
}

/// At most [`WIDTH`] columns: each shows the most of what it stands for.
fn squeezed(states: &[char]) -> String {
    let columns = states.len().min(WIDTH);
    let rank = |state: &char| ".#>".find(*state);
    (0..columns)
        .map(|at| {
            let from = at * states.len() / columns;
            let to = (at + 1) * states.len() / columns;
            let most = states[from..to].iter().copied().max_by_key(rank);
            most.unwrap_or('.')
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::squeezed;

    #[test]
    fn many_iterations_fit_on_a_line() {
        assert_eq!(squeezed(&['.', '>', '#']), ".>#");
        let many: Vec<char> = (0..120).map(|at| if at == 7 { '>' } else { '.' }).collect();
        assert_eq!(squeezed(&many), format!("...>{}", ".".repeat(56)));
    }
}
