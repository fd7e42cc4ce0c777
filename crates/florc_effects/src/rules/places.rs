//! Places of a rule: which objects `self`, `args`, `0`, `kw:out*` mean at a call.
//!
//! ```json
//! {"names": "update", "mutates": ["self"], "stores_elements": ["args"]}
//! ```
//!
//! Reads the heap only.

use crate::heap::{Field, ObjKind, SCALAR};
use crate::interp::Interp;
use crate::object_set::ObjSet;
use crate::rules::call::Args;

impl Interp<'_> {
    /// The objects of a place without a suffix.
    pub(super) fn place(&self, place: &str, receiver: Option<&ObjSet>, args: &Args) -> ObjSet {
        if let Some(name) = place.strip_prefix("kw:") {
            let given = args.keywords.iter().filter(|(found, ..)| **found == *name);
            let mut values = args.star.clone().unwrap_or_default();
            for (_, value, _) in given {
                values.extend(value);
            }
            return values;
        }
        match place {
            "self" => receiver.cloned().unwrap_or_default(),
            "args" => args.all(),
            "keywords" => {
                let mut values = args.star.clone().unwrap_or_default();
                for (_, value, _) in &args.keywords {
                    values.extend(value);
                }
                values
            }
            _ => self.positional(place, args),
        }
    }

    /// An argument by index; where it is not given by position, any keyword may be it.
    fn positional(&self, place: &str, args: &Args) -> ObjSet {
        let index = place.parse::<usize>().unwrap_or(usize::MAX);
        if let Some(value) = args.positional.get(index) {
            return value.clone();
        }
        if index == usize::MAX {
            return ObjSet::default();
        }
        self.place("keywords", None, args)
    }

    /// The objects that a rule's `mutates` entry means.
    pub(super) fn changed_place(
        &self,
        entry: &str,
        receiver: Option<&ObjSet>,
        args: &Args,
    ) -> ObjSet {
        let entry = match entry.split_once('?') {
            Some((place, keyword)) => {
                if !has_keyword(args, keyword) {
                    return ObjSet::default();
                }
                place
            }
            None => entry,
        };
        if let Some(place) = entry.strip_prefix("graph_of:") {
            return self.gradients(&self.place(place, receiver, args));
        }
        if entry == "graph" {
            return self.gradients(&receiver.cloned().unwrap_or_default());
        }
        if let Some(place) = entry.strip_suffix('*') {
            let roots = self.place(place, receiver, args);
            return self.without_settings(&self.changeable(&self.heap.closure(&roots, false)));
        }
        if let Some(place) = entry.strip_suffix('~') {
            let roots = self.place(place, receiver, args);
            return self.stateful(&self.heap.closure(&roots, false));
        }
        if let Some(place) = entry.strip_suffix('!') {
            let own = receiver.cloned().unwrap_or_default();
            let writes = self
                .heap
                .closure(&own, false)
                .iter()
                .any(|id| match self.heap.kind(id) {
                    ObjKind::Unknown => true,
                    ObjKind::Typed(of) => self.knowledge.is_a(of, "torch.nn.WritesInput"),
                    ObjKind::Scalar
                    | ObjKind::Instance(_)
                    | ObjKind::Function(_)
                    | ObjKind::Class(_)
                    | ObjKind::Library(_)
                    | ObjKind::Module(_)
                    | ObjKind::Method(_)
                    | ObjKind::Super(_) => false,
                });
            return if writes {
                self.place(place, receiver, args)
            } else {
                ObjSet::default()
            };
        }
        self.deep_if_unknown(&self.place(entry, receiver, args))
    }

    /// What `.backward()` may write: the gradients of all that a tensor was computed from.
    pub(super) fn gradients(&self, roots: &ObjSet) -> ObjSet {
        let mut changed = ObjSet::default();
        for object in self.heap.closure(roots, true).iter() {
            let takes = match self.heap.kind(object) {
                ObjKind::Typed(of) => self.knowledge.holds_gradients(of),
                ObjKind::Unknown | ObjKind::Instance(_) => true,
                ObjKind::Scalar
                | ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => false,
            };
            if takes && self.heap.takes_grad(object) {
                changed.insert(object);
            }
        }
        changed
    }

    /// Values of a parsed command line are plain: a library that was given one does not write it.
    fn without_settings(&self, objects: &ObjSet) -> ObjSet {
        let mut kept = objects.clone();
        for object in objects.iter() {
            if matches!(self.heap.kind(object), ObjKind::Typed(of) if &*of == "argparse.Value") {
                kept.remove(object);
            }
        }
        kept
    }

    /// Objects with a state that use changes.
    fn stateful(&self, objects: &ObjSet) -> ObjSet {
        let mut changed = ObjSet::default();
        for object in objects.iter() {
            let state = match self.heap.kind(object) {
                ObjKind::Typed(of) => self.knowledge.is_stateful(of),
                ObjKind::Unknown => true,
                ObjKind::Library(path) => !self.knowledge.is_known_package(&path),
                ObjKind::Scalar
                | ObjKind::Instance(_)
                | ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => false,
            };
            if state {
                changed.insert(object);
            }
        }
        changed
    }

    /// A copy of a container of the same type, with the same elements.
    pub(super) fn copy_fields(&mut self, from: &ObjSet, to: crate::heap::ObjId) {
        for object in from.iter().filter(|id| *id != SCALAR) {
            for (field, values) in self.heap.get(object).fields.clone() {
                if field != Field::Receiver {
                    self.heap.put(to, field, &values);
                }
            }
        }
    }
}

/// Whether a keyword is given, and not literally `False` or `None`; `name=None` asks for the literal,
/// `@N` for a positional argument of that index.
pub(super) fn has_keyword(args: &Args, wanted: &str) -> bool {
    if let Some(index) = wanted.strip_prefix('@') {
        let index = index.parse::<usize>().unwrap_or(usize::MAX);
        return args.positional.len() > index || args.star.is_some();
    }
    let literal = wanted.strip_suffix("=None");
    let name = literal.unwrap_or(wanted);
    let given = args.keywords.iter().any(|(found, _, text)| {
        **found == *name
            && if literal.is_some() {
                *text == "None"
            } else {
                text.is_empty()
            }
    });
    given || args.star.is_some()
}
