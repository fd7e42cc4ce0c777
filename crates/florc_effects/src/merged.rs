//! The one unknown object of a dense heap, and all that is merged with it.
//!
//! ```python
//! handle = lib.register(model)    # unknown code knows `model` from now on:
//! thing = lib.current()           # this may be `model`, and is not named so; `ANYTHING` stands for both
//! ```
//!
//! Where a set holds [`ANYTHING`], what is merged needs no name beside it: whatever may be done with an
//! unknown value is done with all that unknown code knows. Functions, classes and what is known of
//! libraries keep their names, since more is known of their calls than of an opaque one. Objects that
//! are merged lead to `ANYTHING` and it leads to them, so that a change of one is a change of whatever
//! leads to the other. (Unification as in Steensgaard, *Points-to analysis in almost linear time*,
//! POPL 1996, for the unknown part only.)

use std::borrow::Cow;

use crate::heap::{ANYTHING, Field, Heap, ObjId, SCALAR, Site};
use crate::object_set::ObjSet;

impl Heap {
    pub(crate) fn is_anything(&self, id: ObjId) -> bool {
        self.dense && id == ANYTHING
    }

    /// Whether a set holds [`ANYTHING`].
    pub(crate) fn has_anything(&self, objects: &ObjSet) -> bool {
        self.dense && objects.contains(ANYTHING)
    }

    /// The set without what needs no name beside [`ANYTHING`], where it holds that.
    pub(crate) fn named<'a>(&self, objects: &'a ObjSet) -> Cow<'a, ObjSet> {
        self.beside_anything(objects, &self.nameless)
    }

    /// The set without all that [`ANYTHING`] stands for, where it holds that.
    pub(crate) fn unmerged<'a>(&self, objects: &'a ObjSet) -> Cow<'a, ObjSet> {
        self.beside_anything(objects, &self.merged)
    }

    fn beside_anything<'a>(&self, objects: &'a ObjSet, without: &ObjSet) -> Cow<'a, ObjSet> {
        if !self.has_anything(objects) || !objects.intersects(without) {
            return Cow::Borrowed(objects);
        }
        let mut rest = objects.clone();
        rest.subtract(without);
        Cow::Owned(rest)
    }

    /// The set with all that [`ANYTHING`] stands for, where it holds that.
    pub(crate) fn meant<'a>(&self, objects: &'a ObjSet) -> Cow<'a, ObjSet> {
        if !self.has_anything(objects) {
            return Cow::Borrowed(objects);
        }
        Cow::Owned(objects.union(&self.merged))
    }

    /// Merges objects with [`ANYTHING`].
    pub(crate) fn merge(&mut self, objects: &ObjSet) {
        let mut new = objects.clone();
        new.subtract(&self.merged);
        new.remove(SCALAR);
        new.remove(ANYTHING);
        if new.is_empty() {
            return;
        }
        self.merged.extend(&new);
        self.changed = true;
        self.put_as_it_is(ANYTHING, Field::Any, &new);
        let foreign = |id| matches!(self.site(id), Site::Foreign(_));
        self.merged_foreign |= new.iter().any(foreign);
        let mut nameless = new.clone();
        nameless.subtract(&self.kinds.fixed);
        nameless.subtract(&self.kinds.classes);
        self.nameless.extend(&nameless);
        new.subtract(&self.kinds.fixed);
        for object in new.iter() {
            self.put_as_it_is(object, Field::Any, &ObjSet::one(ANYTHING));
        }
    }

    /// Stores into whatever [`ANYTHING`] is: unknown code knows it from now on.
    pub(crate) fn put_anywhere(&mut self, values: &ObjSet) {
        let mut new = values.clone();
        new.remove(SCALAR);
        new.remove(ANYTHING);
        if !new.is_empty() {
            self.put_as_it_is(ANYTHING, Field::Any, &new);
        }
    }
}
