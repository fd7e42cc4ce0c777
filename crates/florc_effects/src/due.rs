//! Which statements must be run again, since something that they read has changed.
//!
//! ```python
//! b = buf            # reads the variable `buf`: run again when that may hold something new
//! b.append(x)        # reads the objects of `b`: run again when one of them changes
//! ```
//!
//! Facts only grow, so a statement whose inputs are as they were has nothing new to say. Reads are
//! marked by the heap and by the look-ups of variables and results; a change makes its readers due.
//! Every change has a tick, since a unit may be given an answer that is older than it is. What is
//! read is over-approximated, never missed. Knows nothing of Python.

use crate::heap::ObjId;
use crate::object_set::ObjSet;

/// What of one kind has changed, and who reads it.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// The tick of the last change, by index.
    last: Vec<u32>,
    /// What has changed at which tick, oldest first.
    log: Vec<(u32, u32)>,
    /// The units that have read each thing.
    readers: Vec<ObjSet>,
}

/// Changes that are compared one by one with what was read.
const FEW: usize = 64;

impl Changes {
    fn note(&mut self, index: u32, tick: u32, due: &mut Vec<u64>) {
        let at = index as usize;
        if self.last.len() <= at {
            self.last.resize(at + 1, 0);
        }
        if self.last[at] == tick && tick > 0 {
            return;
        }
        self.last[at] = tick;
        self.log.push((tick, index));
        let Some(readers) = self.readers.get(at) else {
            return;
        };
        for (word, bits) in readers.words() {
            if due.len() <= word as usize {
                due.resize(word as usize + 1, 0);
            }
            due[word as usize] |= bits;
        }
    }

    /// From now on a change of one of these makes the unit due, as those of `before` do.
    fn register(&mut self, unit: usize, reads: &ObjSet, before: Option<&ObjSet>) {
        let mut new = reads.clone();
        if let Some(before) = before {
            new.subtract(before);
        }
        for thing in new.iter() {
            let at = thing.0 as usize;
            if self.readers.len() <= at {
                self.readers.resize_with(at + 1, ObjSet::default);
            }
            self.readers[at].insert(ObjId(unit as u32));
        }
    }

    /// Whether one of these has changed at `tick` or later.
    fn since(&self, reads: &ObjSet, tick: u32) -> bool {
        let first = self.log.partition_point(|(at, _)| *at < tick);
        let recent = &self.log[first..];
        if recent.len() <= FEW {
            return recent
                .iter()
                .any(|(_, index)| reads.contains(ObjId(*index)));
        }
        reads
            .iter()
            .any(|it| self.last.get(it.0 as usize).is_some_and(|at| *at >= tick))
    }

    /// Whether `holds` for each of these that has changed since there were `count` changes.
    pub(crate) fn all_after(
        &self,
        count: usize,
        among: &ObjSet,
        holds: impl Fn(ObjId) -> bool,
    ) -> bool {
        let recent = &self.log[count.min(self.log.len())..];
        if recent.len() <= FEW {
            let mut ids = recent.iter().map(|(_, index)| ObjId(*index));
            return ids.all(|id| !among.contains(id) || holds(id));
        }
        let mut changed = self.after(count);
        changed.retain(among);
        changed.iter().all(holds)
    }

    /// How many changes there were.
    pub(crate) fn count(&self) -> usize {
        self.log.len()
    }

    /// What has changed since there were `count` changes.
    pub(crate) fn after(&self, count: usize) -> ObjSet {
        let mut words = vec![0_u64; self.last.len() / 64 + 1];
        for (_, index) in &self.log[count.min(self.log.len())..] {
            words[*index as usize / 64] |= 1 << (index % 64);
        }
        ObjSet::from_words(
            words
                .into_iter()
                .enumerate()
                .map(|(at, bits)| (at as u32, bits)),
        )
    }
}

/// What a unit has read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    pub(crate) variables: ObjSet,
    pub(crate) results: ObjSet,
    /// Objects that were looked at field by field, and those that were looked at as wholes.
    pub(crate) objects: ObjSet,
    pub(crate) wholes: ObjSet,
    /// Objects of which it was given all that they lead to, without and with graphs.
    pub(crate) closures: [ObjSet; 2],
    /// When the unit had run.
    pub(crate) ended: u32,
    /// Run again whatever happens.
    pub(crate) everything: bool,
    /// Run again once what has no value is unknown.
    pub(crate) unsettled: bool,
}

/// All units, and all that changed.
#[derive(Debug, Default)]
pub(crate) struct Due {
    units: Vec<Option<Reads>>,
    /// Those that must run again, as bits.
    again: Vec<u64>,
    tick: u32,
    /// How many changes of objects there were before the present tick.
    pub(crate) counted: usize,
    /// When the present unit began.
    began: u32,
    /// Of whole objects, and of fields and elements.
    pub(crate) objects: Changes,
    fields: Changes,
    variables: Changes,
    results: Changes,
}

impl Due {
    /// Units that met something without a value must run again.
    pub(crate) fn settle(&mut self) {
        for unit in &mut self.units {
            if unit.as_ref().is_some_and(|reads| reads.unsettled) {
                *unit = None;
            }
        }
    }

    /// What changes from now on is told apart from what has changed.
    pub(crate) fn advance(&mut self) -> u32 {
        self.counted = self.objects.count();
        self.tick += 1;
        self.tick
    }

    /// The time of a change.
    pub(crate) fn tick(&self) -> u32 {
        self.tick
    }

    /// An object has changed; `apart` where that shows in a field or in its elements, not only in what
    /// it leads to.
    pub(crate) fn note_object(&mut self, object: ObjId, apart: bool) {
        self.objects.note(object.0, self.tick, &mut self.again);
        if apart {
            self.fields.note(object.0, self.tick, &mut self.again);
        }
    }

    pub(crate) fn note_variable(&mut self, index: u32) {
        self.variables.note(index, self.tick, &mut self.again);
    }

    pub(crate) fn note_result(&mut self, index: u32) {
        self.results.note(index, self.tick, &mut self.again);
    }

    /// What a unit has read, where no variable, result or object of it has changed.
    pub(crate) fn unchanged(&self, unit: usize) -> Option<&Reads> {
        let reads = self.units.get(unit)?.as_ref()?;
        let again = self.again.get(unit / 64).copied().unwrap_or(0);
        let due = reads.everything || again >> (unit % 64) & 1 == 1;
        (!due).then_some(reads)
    }

    /// The unit begins to run: its reads are as of now.
    pub(crate) fn begin(&mut self, unit: usize) {
        if let Some(bits) = self.again.get_mut(unit / 64) {
            *bits &= !(1 << (unit % 64));
        }
        self.began = self.advance();
    }

    /// The unit has run.
    pub(crate) fn end(&mut self, unit: usize, mut reads: Reads) {
        if self.units.len() <= unit {
            self.units.resize(unit + 1, None);
        }
        let before = self.units[unit].take();
        let before = before.as_ref();
        self.fields
            .register(unit, &reads.objects, before.map(|it| &it.objects));
        self.objects
            .register(unit, &reads.wholes, before.map(|it| &it.wholes));
        self.variables
            .register(unit, &reads.variables, before.map(|it| &it.variables));
        self.results
            .register(unit, &reads.results, before.map(|it| &it.results));
        let again = self.fields.since(&reads.objects, self.began)
            || self.objects.since(&reads.wholes, self.began)
            || self.variables.since(&reads.variables, self.began)
            || self.results.since(&reads.results, self.began);
        if again {
            let word = unit / 64;
            if self.again.len() <= word {
                self.again.resize(word + 1, 0);
            }
            self.again[word] |= 1 << (unit % 64);
        }
        reads.ended = self.tick;
        self.units[unit] = Some(reads);
        self.advance();
    }
}
