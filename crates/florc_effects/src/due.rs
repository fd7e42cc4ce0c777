//! Which statements must be run again, since something that they read has changed.
//!
//! ```python
//! b = buf            # reads the variable `buf`: run again when that may hold something new
//! b.append(x)        # reads the objects of `b`: run again when one of them changes
//! ```
//!
//! Facts only grow, so a statement whose inputs are as they were has nothing new to say. Every
//! change has a tick; reads are marked by the heap and by the look-ups of variables and results.
//! What is read is over-approximated, never missed. Knows nothing of Python.

use crate::heap::ObjId;
use crate::object_set::ObjSet;

/// Ticks at which things of one kind last changed, by index.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    last: Vec<u32>,
    /// Changed in this pass, and in the one before.
    recent: [ObjSet; 2],
}

impl Changes {
    pub(crate) fn note(&mut self, index: u32, tick: u32) {
        let at = index as usize;
        if self.last.len() <= at {
            self.last.resize(at + 1, 0);
        }
        self.last[at] = tick;
        self.recent[0].insert(ObjId(index));
    }

    fn next_pass(&mut self) {
        self.recent[1] = std::mem::take(&mut self.recent[0]);
    }

    /// Whether one of these has changed at `tick` or later.
    fn since(&self, indices: &ObjSet, tick: u32) -> bool {
        self.recent.iter().any(|recent| {
            recent.intersects(indices)
                && recent.iter().any(|it| {
                    indices.contains(it)
                        && self.last.get(it.0 as usize).is_some_and(|at| *at >= tick)
                })
        })
    }
}

/// What a unit has read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    pub(crate) variables: ObjSet,
    pub(crate) results: ObjSet,
    pub(crate) objects: ObjSet,
    /// Run again whatever happens.
    pub(crate) everything: bool,
    /// Run again once what has no value is unknown.
    pub(crate) unsettled: bool,
    /// The tick as of which the reads were made.
    tick: u32,
}

/// All units, and all that changed.
#[derive(Debug, Default)]
pub(crate) struct Due {
    units: Vec<Option<Reads>>,
    tick: u32,
    pub(crate) objects: Changes,
    pub(crate) variables: Changes,
    pub(crate) results: Changes,
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

    pub(crate) fn next_pass(&mut self) {
        self.objects.next_pass();
        self.variables.next_pass();
        self.results.next_pass();
    }

    /// The time of a change.
    pub(crate) fn tick(&self) -> u32 {
        self.tick
    }

    pub(crate) fn is_due(&self, unit: usize) -> bool {
        let Some(Some(reads)) = self.units.get(unit) else {
            return true;
        };
        reads.everything
            || self.objects.since(&reads.objects, reads.tick)
            || self.variables.since(&reads.variables, reads.tick)
            || self.results.since(&reads.results, reads.tick)
    }

    /// The unit begins to run: its reads are as of now.
    pub(crate) fn begin(&mut self) -> u32 {
        self.tick += 1;
        self.tick
    }

    /// The unit has run. `oldest` is the tick of the oldest answer that it was given.
    pub(crate) fn end(&mut self, unit: usize, mut reads: Reads, oldest: u32) {
        if self.units.len() <= unit {
            self.units.resize(unit + 1, None);
        }
        reads.tick = oldest;
        self.units[unit] = Some(reads);
    }
}
