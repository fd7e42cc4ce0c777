//! The abstract heap: one object per allocation site, with fields.
//!
//! ```python
//! history = {"loss": []}    # object A (dict), field "loss" -> object B (list)
//! alias = history["loss"]   # alias: {B}
//! ```
//!
//! Flow-insensitive and inclusion-based (Andersen): facts are only ever added. Knows no rules of
//! Python; `rules` does.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use florc_semantic::{BindingId, FunctionId};
use florc_syntax::Span;
use florc_syntax::tree::{ExprId, StmtId};

use crate::closures::{Closures, Edges};
use crate::due::{Due, Reads};
use crate::hash::Table;
pub(crate) use crate::kind::{ANYTHING, ObjId, ObjKind, SCALAR};
use crate::kinds::Kinds;
use crate::marks::Marks;
use crate::name::Name;
use crate::object_set::ObjSet;

/// Where an object was made; the key under which it is found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Site {
    Scalar,
    /// An expression; the text tells apart several objects made at one place.
    Expr(ExprId, &'static str),
    /// An object that something unknown to us passes for this variable.
    Foreign(BindingId),
    /// A part of an object that nobody here has put there.
    Inner(ObjId, Name),
    /// A deep copy of an object.
    Copy(ExprId, ObjId),
    Function(FunctionId),
    Class(StmtId),
    /// The instances of a class that are made outside of this module.
    Instances(StmtId),
    Library(Name),
    /// The module of a file of the program.
    Module(usize),
    /// `except … as name`, `case name`, and the like.
    Place(Span),
}

/// A place inside an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Attr(Name),
    /// A constant index or key.
    Key(Name),
    /// Keys of a dict.
    Keys,
    /// Some element.
    Elements,
    /// Anywhere.
    Any,
    Receiver,
    /// The operands that a tensor was computed from: no part of its value, but of its graph.
    Graph,
    /// Code that runs when the object is iterated.
    Code,
}

/// An abstract object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) kind: ObjKind,
    pub(crate) fields: BTreeMap<Field, ObjSet>,
    /// What the fields that elements stand in hold, all of them.
    inside: ObjSet,
    /// The function in whose body it was made.
    pub(crate) maker: FunctionId,
    /// A generator expression: the statement whose effects run when it is iterated.
    pub(crate) deferred: Option<(FunctionId, StmtId, Span)>,
    /// Made without gradient; [`Object::grad_wanted`] may overrule.
    grad_forbidden: bool,
    grad_wanted: bool,
    depth: u32,
    site: Site,
}

impl Object {
    /// Whether what is in the field shows where fields are told apart, rather than only in what the
    /// object leads to.
    fn is_apart(&self, field: &Field) -> bool {
        match field {
            Field::Graph => false,
            Field::Any => self.kind != ObjKind::Unknown,
            Field::Attr(_)
            | Field::Key(_)
            | Field::Keys
            | Field::Elements
            | Field::Receiver
            | Field::Code => true,
        }
    }
}

/// All objects.
#[derive(Debug)]
pub(crate) struct Heap {
    objects: Vec<Object>,
    sites: Table<(Site, ObjKind), ObjId>,
    /// Which objects are of some kinds.
    pub(crate) kinds: Kinds,
    /// Something was added since the flag was cleared.
    pub(crate) changed: bool,
    /// Words of edges that [`Heap::closure`] has followed so far.
    followed: AtomicU64,
    /// How many may be followed.
    most: u64,
    /// All that unknown code gives is one object, [`ANYTHING`], and all that it knows is merged with that:
    /// coarser, and fast however involved the module is.
    pub(crate) dense: bool,
    /// What [`ANYTHING`] stands for beside unknown values, and what of it is not named beside it.
    pub(crate) merged: ObjSet,
    pub(crate) nameless: ObjSet,
    /// Parameters of functions that others call are among it.
    pub(crate) merged_foreign: bool,
    /// What each object leads to, through parts and through graphs too.
    closures: [Mutex<Closures>; 2],
    /// What has changed when, and who has read what.
    pub(crate) due: Due,
    /// How many changes of objects the closures know.
    closures_know: usize,
    /// Objects that the present unit has read, fields apart or as wholes, and those whose closures it has.
    read: Marks,
    whole: Marks,
    asked: [Marks; 2],
}

/// Edges that may be followed before unknown values are taken for one (some tenths of a second), and those
/// that may be followed then, before every statement is taken to change everything.
pub(crate) const BOUNDS: [u64; 2] = [1_000_000, 8_000_000];

impl Heap {
    pub(crate) fn new(dense: bool, most: u64) -> Self {
        let mut heap = Self {
            most,
            objects: Vec::new(),
            sites: Table::default(),
            kinds: Kinds::default(),
            changed: false,
            followed: AtomicU64::new(0),
            dense,
            merged: ObjSet::default(),
            nameless: ObjSet::default(),
            merged_foreign: false,
            closures: [false, true].map(|graph| Mutex::new(Closures::new(graph))),
            due: Due::default(),
            closures_know: 0,
            read: Marks::default(),
            whole: Marks::default(),
            asked: Default::default(),
        };
        heap.make(Site::Scalar, ObjKind::Scalar, FunctionId(0));
        if dense {
            let site = Site::Expr(ExprId(u32::MAX), "anything");
            heap.make(site, ObjKind::Unknown, FunctionId(0));
        }
        heap
    }

    /// An object to look at as a whole.
    pub(crate) fn get(&self, id: ObjId) -> &Object {
        self.whole.note(id.0 / 64, 1 << (id.0 % 64));
        &self.objects[id.0 as usize]
    }

    /// An object of which one field is looked at, or its elements.
    fn look(&self, id: ObjId, field: &Field) -> &Object {
        let object = &self.objects[id.0 as usize];
        let marks = if object.is_apart(field) {
            &self.read
        } else {
            &self.whole
        };
        marks.note(id.0 / 64, 1 << (id.0 % 64));
        object
    }

    /// From now on what is read counts for a new unit.
    pub(crate) fn begin_reads(&mut self, unit: usize) {
        let words = self.objects.len() / 64 + 1;
        self.read.grow(words);
        self.whole.grow(words);
        for asked in &mut self.asked {
            asked.grow(words);
        }
        self.due.begin(unit);
    }

    /// The unit has run: adds the objects that it has read, and those whose closures it has.
    pub(crate) fn end_reads(&mut self, unit: usize, mut reads: Reads) {
        reads.objects = self.read.take();
        reads.wholes = self.whole.take();
        reads.closures = self.asked.each_mut().map(Marks::take);
        self.due.end(unit, reads);
    }

    pub(crate) fn kind(&self, id: ObjId) -> ObjKind {
        self.objects[id.0 as usize].kind
    }

    /// Objects of those types that are `wanted`, by type, and all others: many values of one type
    /// are judged together.
    pub(crate) fn by_type(
        &self,
        objects: &ObjSet,
        wanted: impl Fn(Name) -> bool,
    ) -> (BTreeMap<Name, ObjSet>, ObjSet) {
        let mut typed: BTreeMap<Name, ObjSet> = BTreeMap::new();
        let mut others = ObjSet::default();
        for object in objects.iter() {
            match self.kind(object).typed().filter(|of| wanted(*of)) {
                Some(of) => typed.entry(of).or_default().insert(object),
                None => others.insert(object),
            };
        }
        (typed, others)
    }

    /// The instances of classes of the program among some objects, by class.
    pub(crate) fn by_class(&self, objects: &ObjSet) -> BTreeMap<StmtId, ObjSet> {
        let mut found: BTreeMap<StmtId, ObjSet> = BTreeMap::new();
        for object in objects.common(&self.kinds.own).iter() {
            if let ObjKind::Instance(class) = self.kind(object) {
                found.entry(class).or_default().insert(object);
            }
        }
        found
    }

    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Where an object was made.
    pub(crate) fn site(&self, id: ObjId) -> &Site {
        &self.objects[id.0 as usize].site
    }

    /// The object of a site, made on first use.
    pub(crate) fn make(&mut self, site: Site, kind: ObjKind, maker: FunctionId) -> ObjId {
        let key = (site, kind);
        if let Some(id) = self.sites.get(&key) {
            return *id;
        }
        let id = ObjId(self.objects.len() as u32);
        let depth = match &site {
            Site::Inner(owner, _) | Site::Copy(_, owner) => {
                self.objects[owner.0 as usize].depth + 1
            }
            _ => 0,
        };
        self.objects.push(Object {
            kind,
            fields: BTreeMap::new(),
            inside: ObjSet::default(),
            maker,
            deferred: None,
            grad_forbidden: false,
            grad_wanted: false,
            depth,
            site,
        });
        self.sites.insert(key, id);
        self.kinds.add(id, kind);
        self.changed = true;
        let words = id.0 as usize / 64 + 1;
        self.read.widen(words);
        self.whole.widen(words);
        for asked in &mut self.asked {
            asked.widen(words);
        }
        id
    }

    /// A part of `owner` that is not tracked further: parts of parts of unknown things are the
    /// thing itself.
    pub(crate) fn inner(&mut self, owner: ObjId, name: &str, kind: ObjKind) -> ObjId {
        let name = if self.dense && kind == ObjKind::Unknown {
            "inside"
        } else {
            name
        };
        let object = &self.objects[owner.0 as usize];
        if self.is_anything(owner) && kind != ObjKind::Scalar {
            return owner;
        }
        if object.depth >= 2 || (object.kind == ObjKind::Unknown && kind == ObjKind::Unknown) {
            return if kind == ObjKind::Scalar {
                SCALAR
            } else {
                owner
            };
        }
        let maker = object.maker;
        let id = self.make(Site::Inner(owner, name.into()), kind, maker);
        self.put(
            owner,
            Field::Attr(format!("<{name}>").into()),
            &ObjSet::one(id),
        );
        let leads_back = match self.kind(id) {
            ObjKind::Unknown => true,
            ObjKind::Typed(of) => of.starts_with("torch.optim.Group"),
            ObjKind::Scalar
            | ObjKind::Instance(_)
            | ObjKind::Function(_)
            | ObjKind::Class(_)
            | ObjKind::Library(_)
            | ObjKind::Module(_)
            | ObjKind::Method(_)
            | ObjKind::Super(_) => false,
        };
        if leads_back {
            // It may be any part of its owner, or lead back to it.
            self.put(id, Field::Any, &ObjSet::one(owner));
        }
        id
    }

    /// The deep copy of an object that is made here; copies of copies of copies are one.
    pub(crate) fn copy_of(&mut self, site: ExprId, object: ObjId, maker: FunctionId) -> ObjId {
        if self.is_anything(object) || self.nameless.contains(object) {
            return ANYTHING;
        }
        if self.objects[object.0 as usize].depth >= 3 {
            return object;
        }
        let kind = self.kind(object);
        self.make(Site::Copy(site, object), kind, maker)
    }

    /// Adds values to a field.
    pub(crate) fn put(&mut self, owner: ObjId, field: Field, values: &ObjSet) {
        if owner == SCALAR || values.is_empty() {
            return;
        }
        if self.is_anything(owner) {
            return self.put_anywhere(values);
        }
        let values = &*self.named(values);
        self.put_as_it_is(owner, field, values);
    }

    /// As [`Heap::put`], with every name.
    pub(crate) fn put_as_it_is(&mut self, owner: ObjId, field: Field, values: &ObjSet) {
        let object = &mut self.objects[owner.0 as usize];
        if object.fields.entry(field).or_default().extend(values) {
            let element = match field {
                Field::Key(_) | Field::Elements => true,
                Field::Any => object.kind != ObjKind::Unknown,
                Field::Attr(_) | Field::Keys | Field::Receiver | Field::Graph | Field::Code => {
                    false
                }
            };
            if element {
                object.inside.extend(values);
            }
            let apart = object.is_apart(&field);
            self.changed = true;
            self.due.note_object(owner, apart);
        }
    }

    pub(crate) fn set_deferred(&mut self, id: ObjId, code: (FunctionId, StmtId, Span)) {
        let object = &mut self.objects[id.0 as usize];
        if object.deferred != Some(code) {
            object.deferred = Some(code);
            self.kinds.deferred.insert(id);
            self.due.note_object(id, true);
        }
    }

    pub(crate) fn forbid_grad(&mut self, id: ObjId) {
        self.objects[id.0 as usize].grad_forbidden = true;
    }

    pub(crate) fn want_grad(&mut self, id: ObjId) {
        self.objects[id.0 as usize].grad_wanted = true;
    }

    /// `.backward()` may write its `.grad`.
    pub(crate) fn takes_grad(&self, id: ObjId) -> bool {
        let object = self.look(id, &Field::Elements);
        object.kind != ObjKind::Scalar && (!object.grad_forbidden || object.grad_wanted)
    }

    /// Values of a field and of what may stand anywhere in the object. An unknown object stands for
    /// all that it leads to: its parts need not be named beside it.
    pub(crate) fn read(&self, owner: ObjId, field: &Field) -> ObjSet {
        let object = self.look(owner, field);
        let mut values = object.fields.get(field).cloned().unwrap_or_default();
        if object.kind == ObjKind::Unknown {
            values.insert(owner);
        } else if let Some(any) = object.fields.get(&Field::Any) {
            values.extend(any);
        }
        let values = self.named(&values).into_owned();
        self.count(&values);
        values
    }

    /// Whether it is what an opaque call gave.
    pub(crate) fn is_opaque_result(&self, id: ObjId) -> bool {
        let object = &self.objects[id.0 as usize];
        object.kind == ObjKind::Unknown && matches!(object.site, Site::Expr(_, "opaque"))
    }

    /// Whether something was stored in exactly this field.
    pub(crate) fn has(&self, owner: ObjId, field: &Field) -> bool {
        self.look(owner, field).fields.contains_key(field)
    }

    /// Values that were stored in exactly this field.
    pub(crate) fn exact(&self, owner: ObjId, field: &Field) -> ObjSet {
        self.look(owner, field)
            .fields
            .get(field)
            .cloned()
            .unwrap_or_default()
    }

    /// Everything that may be an element.
    pub(crate) fn elements(&self, owner: ObjId) -> ObjSet {
        let object = self.look(owner, &Field::Elements);
        let mut values = object.inside.clone();
        if object.kind == ObjKind::Unknown {
            values.insert(owner);
        }
        let values = self.named(&values).into_owned();
        self.count(&values);
        values
    }

    /// Counts work on a set of objects.
    pub(crate) fn count(&self, objects: &ObjSet) {
        self.followed
            .fetch_add(1 + objects.width(), Ordering::Relaxed);
    }

    /// The analysis has taken too long; what it found is not all there is.
    pub(crate) fn exhausted(&self) -> bool {
        self.followed.load(Ordering::Relaxed) > self.most
    }

    /// From now on nothing more is followed.
    pub(crate) fn exhaust(&mut self) {
        self.most = 0;
        self.followed = AtomicU64::new(1);
    }

    /// All is found: questions about it are answered whatever they cost.
    pub(crate) fn finish(&mut self) {
        self.most = u64::MAX;
    }

    /// All that is reachable through parts; through autograd graphs too if `graph`. As of the
    /// last [`Heap::doubt_closures`], or later: what was asked for once is not followed again.
    pub(crate) fn closure(&self, roots: &ObjSet, graph: bool) -> ObjSet {
        let mut seen = ObjSet::default();
        if self.exhausted() {
            seen = roots.clone();
            seen.remove(SCALAR);
            return seen;
        }
        let mut closures = self.closures[usize::from(graph)]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for root in roots.iter().filter(|id| *id != SCALAR) {
            if !seen.contains(root) {
                self.asked[usize::from(graph)].note(root.0 / 64, 1 << (root.0 % 64));
                let followed = closures.add(root, self.edges(), &mut seen);
                self.followed.fetch_add(followed, Ordering::Relaxed);
            }
        }
        seen
    }

    fn edges(&self) -> Edges<'_> {
        Edges {
            objects: &self.objects,
            changes: &self.due.objects,
            tick: self.due.tick(),
            counted: self.due.counted,
        }
    }

    /// From now on [`Heap::closure`] sees all that was added until now.
    pub(crate) fn doubt_closures(&mut self) {
        let changed = self.due.objects.after(self.closures_know);
        self.closures_know = self.due.objects.count();
        self.due.advance();
        for closures in &mut self.closures {
            let closures = closures.get_mut().unwrap_or_else(PoisonError::into_inner);
            closures.doubt(&changed);
        }
    }

    /// What was followed is followed anew.
    #[cfg(test)]
    pub(crate) fn forget_closures(&mut self) {
        self.closures = [false, true].map(|graph| Mutex::new(Closures::new(graph)));
    }

    /// Whether a unit must run: something that it has read is not as it was.
    pub(crate) fn is_due(&self, unit: usize) -> bool {
        let Some(reads) = self.due.unchanged(unit) else {
            return true;
        };
        let mut pairs = self.closures.iter().zip(&reads.closures);
        pairs.any(|(closures, roots)| {
            let closures = closures.lock().unwrap_or_else(PoisonError::into_inner);
            closures.any_grown(roots, reads.ended, self.edges())
        })
    }

    /// Stores into something unknown: it may be, or hand it on to, all that it may lead to.
    pub(crate) fn put_unknown(&mut self, owners: &ObjSet, values: &ObjSet) {
        if values.is_empty() || owners.is_empty() {
            return;
        }
        let reached = self.closure(owners, false);
        for id in self.named(&reached).iter() {
            match self.kind(id) {
                ObjKind::Typed(_)
                | ObjKind::Unknown
                | ObjKind::Instance(_)
                | ObjKind::Class(_)
                | ObjKind::Module(_) => {
                    self.put(id, Field::Any, values);
                }
                ObjKind::Scalar
                | ObjKind::Function(_)
                | ObjKind::Library(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => {}
            }
        }
    }
}
