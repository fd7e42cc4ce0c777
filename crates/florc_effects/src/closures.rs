//! What objects lead to: followed once a pass, and kept for as long as it is true.
//!
//! ```python
//! b.append(x)        # the list of `b` leads to `x` now: what led to the list leads to `x` too
//! c.append(y)        # both known already to whatever leads to them: nothing new to follow
//! ```
//!
//! A closure is a root with all that it leads to. It stays true while all that its objects have
//! gained is in it, however much they change; objects that lead to each other share one. Knows
//! nothing of Python.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::due::Changes;
use crate::heap::{Field, Object};
use crate::kind::{ObjId, SCALAR};
use crate::object_set::ObjSet;

/// A set of objects that leads nowhere else.
#[derive(Debug)]
struct Closure {
    objects: ObjSet,
    /// So many changes of objects it is known to be true after.
    known: AtomicUsize,
    /// It is not true any more.
    broken: AtomicBool,
}

/// What a root was found to lead to.
#[derive(Clone, Debug, Default)]
struct Slot {
    found: Option<Arc<Closure>>,
    /// Something in it has changed since the last pass: it may lead to more.
    doubtful: bool,
    /// The tick at which it was last found to lead to more than before.
    grown: u32,
}

/// The closures of all roots that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Closures {
    slots: Vec<Slot>,
    /// Through graphs too.
    graph: bool,
}

/// The state of a heap that closures are made of.
#[derive(Clone, Copy)]
pub(crate) struct Edges<'a> {
    pub(crate) objects: &'a [Object],
    pub(crate) changes: &'a Changes,
    pub(crate) tick: u32,
    /// How many changes there were before the present tick: within one tick a second change of an
    /// object is not counted.
    pub(crate) counted: usize,
}

impl Closures {
    pub(crate) fn new(graph: bool) -> Self {
        Self {
            slots: Vec::new(),
            graph,
        }
    }

    /// Adds all that a root leads to, as of the last [`Closures::doubt`] or later. How many words
    /// of edges were followed.
    pub(crate) fn add(&mut self, root: ObjId, edges: Edges<'_>, into: &mut ObjSet) -> u64 {
        self.slots.resize(edges.objects.len(), Slot::default());
        let at = root.0 as usize;
        let mut followed = 0;
        if !self.is_usable(at, edges) {
            let (found, words) = self.follow(root, edges);
            followed = words;
            self.slots[at] = Slot {
                found: Some(found),
                doubtful: false,
                grown: edges.tick,
            };
        }
        self.slots[at].doubtful = false;
        if let Some(closure) = &self.slots[at].found {
            into.extend(&closure.objects);
        }
        followed
    }

    /// Whether one of these leads to more than it did at a tick.
    pub(crate) fn any_grown(&self, roots: &ObjSet, since: u32, edges: Edges<'_>) -> bool {
        roots.iter().any(|root| {
            let at = root.0 as usize;
            self.slots[at].grown > since || !self.is_usable(at, edges)
        })
    }

    /// From now on what is asked for is as of now. The closures in which something has changed are
    /// looked at when they are.
    pub(crate) fn doubt(&mut self, changed: &ObjSet) {
        let mut last: Option<(*const Closure, bool)> = None;
        for slot in &mut self.slots {
            let Some(found) = &slot.found else { continue };
            let this = Arc::as_ptr(found);
            let touched = match last {
                Some((known, touched)) if known == this => touched,
                _other => found.objects.intersects(changed),
            };
            last = Some((this, touched));
            slot.doubtful |= touched;
        }
    }

    /// Whether what was found for a root may be given for it.
    fn is_usable(&self, at: usize, edges: Edges<'_>) -> bool {
        let Some(slot) = self.slots.get(at) else {
            return false;
        };
        let found = slot.found.as_ref();
        found.is_some_and(|found| !slot.doubtful || self.is_true(found, edges))
    }

    /// Whether all that its objects have gained is in it.
    fn is_true(&self, closure: &Closure, edges: Edges<'_>) -> bool {
        if closure.broken.load(Ordering::Relaxed) {
            return false;
        }
        let known = closure.known.load(Ordering::Relaxed);
        let holds = |id: ObjId| {
            let fields = &edges.objects[id.0 as usize].fields;
            fields.iter().all(|(field, set)| {
                (*field == Field::Graph && !self.graph) || closure.objects.holds_all(set, SCALAR)
            })
        };
        let still = edges.changes.all_after(known, &closure.objects, holds);
        if still {
            closure.known.store(edges.counted, Ordering::Relaxed);
        }
        closure.broken.store(!still, Ordering::Relaxed);
        still
    }

    fn follow(&self, root: ObjId, edges: Edges<'_>) -> (Arc<Closure>, u64) {
        let size = edges.objects.len() / 64 + 1;
        // What is found, and what of it needs no look, since all that it leads to is found too.
        let (mut seen, mut closed) = (vec![0_u64; size], vec![0_u64; size]);
        seen[root.0 as usize / 64] |= 1 << (root.0 % 64);
        let mut work = vec![root];
        let mut followed = 1;
        let (mut met, mut since): (Option<&Arc<Closure>>, _) = (None, edges.counted);
        while let Some(id) = work.pop() {
            if closed[id.0 as usize / 64] >> (id.0 % 64) & 1 == 1 {
                continue;
            }
            let at = id.0 as usize;
            if let Some(known) = self.slots[at].found.as_ref()
                && self.is_usable(at, edges)
            {
                for (word, bits) in known.objects.words() {
                    seen[word as usize] |= bits;
                    closed[word as usize] |= bits;
                }
                followed += known.objects.width();
                // What was found earlier in this pass may lack what has come since.
                since = since.min(known.known.load(Ordering::Relaxed));
                met = Some(known);
                continue;
            }
            for (field, set) in &edges.objects[at].fields {
                followed += set.width();
                if *field == Field::Graph && !self.graph {
                    continue;
                }
                for (word, bits) in set.words() {
                    let mut new = bits & !seen[word as usize];
                    if word == SCALAR.0 / 64 {
                        new &= !(1 << SCALAR.0);
                    }
                    seen[word as usize] |= new;
                    while new != 0 {
                        work.push(ObjId(word * 64 + new.trailing_zeros()));
                        new &= new - 1;
                    }
                }
            }
        }
        let words = seen.into_iter().enumerate();
        let objects = ObjSet::from_words(words.map(|(at, bits)| (at as u32, bits)));
        let whole = |met: &&Arc<Closure>| !met.broken.load(Ordering::Relaxed);
        if let Some(met) = met.filter(whole).filter(|met| met.objects == objects) {
            met.known.store(since, Ordering::Relaxed);
            return (Arc::clone(met), followed);
        }
        let known = AtomicUsize::new(since);
        let broken = AtomicBool::new(false);
        let found = Closure {
            objects,
            known,
            broken,
        };
        (Arc::new(found), followed)
    }
}
