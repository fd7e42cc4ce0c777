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

use florc_semantic::{BindingId, FunctionId};
use florc_syntax::Span;
use florc_syntax::tree::{ExprId, StmtId};

use crate::object_set::ObjSet;

/// Identity of an abstract object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ObjId(pub(crate) u32);

/// Every immutable value without inner structure: numbers, strings, `None`, dtypes, `range(…)`.
pub(crate) const SCALAR: ObjId = ObjId(0);

/// What an object is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ObjKind {
    Scalar,
    /// An instance of a type of the knowledge base.
    Typed(String),
    /// Anything.
    Unknown,
    /// An instance of a class of this module.
    Instance(StmtId),
    Function(FunctionId),
    Class(StmtId),
    /// A module, class, function or value of a library, by dotted name.
    Library(String),
    /// The module of a file of the program.
    Module(usize),
    /// A bound method; the receivers are in the field [`Field::Receiver`].
    Method(String),
    /// `super()` inside a method of this class.
    Super(StmtId),
}

/// Where an object was made; the key under which it is found again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Site {
    Scalar,
    /// An expression; the text tells apart several objects made at one place.
    Expr(ExprId, &'static str),
    /// An object that something unknown to us passes for this variable.
    Foreign(BindingId),
    /// A part of an object that nobody here has put there.
    Inner(ObjId, String),
    /// A deep copy of an object.
    Copy(ExprId, ObjId),
    Function(FunctionId),
    Class(StmtId),
    /// The instances of a class that are made outside of this module.
    Instances(StmtId),
    Library(String),
    /// The module of a file of the program.
    Module(usize),
    /// `except … as name`, `case name`, and the like.
    Place(Span),
}

/// A place inside an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Attr(String),
    /// A constant index or key.
    Key(String),
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

/// All objects.
#[derive(Debug)]
pub(crate) struct Heap {
    objects: Vec<Object>,
    sites: BTreeMap<(Site, ObjKind), ObjId>,
    /// Something was added since the flag was cleared.
    pub(crate) changed: bool,
    /// Words of edges that [`Heap::closure`] has followed so far.
    followed: AtomicU64,
    /// How many may be followed.
    most: u64,
    /// All unknown values are one object: coarser, and fast however involved the module is.
    pub(crate) dense: bool,
}

/// Edges that may be followed before unknown values are taken for one (about a second), and those
/// that may be followed then, before every statement is taken to change everything.
pub(crate) const BOUNDS: [u64; 2] = [3_000_000, 12_000_000];

impl Heap {
    pub(crate) fn new(dense: bool, most: u64) -> Self {
        let mut heap = Self {
            most,
            objects: Vec::new(),
            sites: BTreeMap::new(),
            changed: false,
            followed: AtomicU64::new(0),
            dense,
        };
        heap.make(Site::Scalar, ObjKind::Scalar, FunctionId(0));
        heap
    }

    pub(crate) fn get(&self, id: ObjId) -> &Object {
        &self.objects[id.0 as usize]
    }

    pub(crate) fn kind(&self, id: ObjId) -> &ObjKind {
        &self.objects[id.0 as usize].kind
    }

    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Where an object was made.
    pub(crate) fn site(&self, id: ObjId) -> &Site {
        &self.get(id).site
    }

    /// The object of a site, made on first use.
    pub(crate) fn make(&mut self, site: Site, kind: ObjKind, maker: FunctionId) -> ObjId {
        let key = (site, kind);
        if let Some(id) = self.sites.get(&key) {
            return *id;
        }
        let (site, kind) = key;
        let id = ObjId(self.objects.len() as u32);
        let depth = match &site {
            Site::Inner(owner, _) | Site::Copy(_, owner) => self.get(*owner).depth + 1,
            _ => 0,
        };
        self.objects.push(Object {
            kind: kind.clone(),
            fields: BTreeMap::new(),
            maker,
            deferred: None,
            grad_forbidden: false,
            grad_wanted: false,
            depth,
            site: site.clone(),
        });
        self.sites.insert((site, kind), id);
        self.changed = true;
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
        let object = self.get(owner);
        if object.depth >= 2 || (object.kind == ObjKind::Unknown && kind == ObjKind::Unknown) {
            return if kind == ObjKind::Scalar {
                SCALAR
            } else {
                owner
            };
        }
        let maker = object.maker;
        let id = self.make(Site::Inner(owner, name.to_string()), kind, maker);
        self.put(owner, Field::Attr(format!("<{name}>")), &ObjSet::one(id));
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
        if self.get(object).depth >= 3 {
            return object;
        }
        let kind = self.kind(object).clone();
        self.make(Site::Copy(site, object), kind, maker)
    }

    /// Adds values to a field.
    pub(crate) fn put(&mut self, owner: ObjId, field: Field, values: &ObjSet) {
        if owner == SCALAR || values.is_empty() {
            return;
        }
        let slot = self.objects[owner.0 as usize]
            .fields
            .entry(field)
            .or_default();
        if slot.extend(values) {
            self.changed = true;
        }
    }

    pub(crate) fn set_deferred(&mut self, id: ObjId, code: (FunctionId, StmtId, Span)) {
        self.objects[id.0 as usize].deferred = Some(code);
    }

    pub(crate) fn forbid_grad(&mut self, id: ObjId) {
        self.objects[id.0 as usize].grad_forbidden = true;
    }

    pub(crate) fn want_grad(&mut self, id: ObjId) {
        self.objects[id.0 as usize].grad_wanted = true;
    }

    /// `.backward()` may write its `.grad`.
    pub(crate) fn takes_grad(&self, id: ObjId) -> bool {
        let object = self.get(id);
        object.kind != ObjKind::Scalar && (!object.grad_forbidden || object.grad_wanted)
    }

    /// Values of a field and of what may stand anywhere in the object.
    pub(crate) fn read(&self, owner: ObjId, field: &Field) -> ObjSet {
        let object = self.get(owner);
        let mut values = object.fields.get(field).cloned().unwrap_or_default();
        if let Some(any) = object.fields.get(&Field::Any) {
            values.extend(any);
        }
        values
    }

    /// Values that were stored in exactly this field.
    pub(crate) fn exact(&self, owner: ObjId, field: &Field) -> ObjSet {
        self.get(owner)
            .fields
            .get(field)
            .cloned()
            .unwrap_or_default()
    }

    /// Everything that may be an element.
    pub(crate) fn elements(&self, owner: ObjId) -> ObjSet {
        let mut values = ObjSet::default();
        for (field, set) in &self.get(owner).fields {
            match field {
                Field::Key(_) | Field::Elements | Field::Any => {
                    values.extend(set);
                }
                Field::Attr(_) | Field::Keys | Field::Receiver | Field::Graph | Field::Code => {}
            }
        }
        values
    }

    /// Counts work on a set of objects.
    pub(crate) fn count(&self, objects: &ObjSet) {
        self.followed
            .fetch_add(objects.iter().count() as u64, Ordering::Relaxed);
    }

    /// Lets the questions of the end follow as many edges as the analysis did.
    pub(crate) fn count_afresh(&mut self) {
        self.followed = AtomicU64::new(0);
    }

    /// The analysis has taken too long; what it found is not all there is.
    pub(crate) fn exhausted(&self) -> bool {
        self.followed.load(Ordering::Relaxed) > self.most
    }

    /// All is found: questions about it are answered whatever they cost.
    pub(crate) fn finish(&mut self) {
        self.most = u64::MAX;
    }

    /// All that is reachable through parts; through autograd graphs too if `graph`.
    pub(crate) fn closure(&self, roots: &ObjSet, graph: bool) -> ObjSet {
        let mut seen = ObjSet::default();
        let mut work = roots.clone();
        work.remove(SCALAR);
        if self.exhausted() {
            return work;
        }
        loop {
            let mut next = ObjSet::default();
            let mut edges = 1;
            for id in work.iter() {
                for (field, set) in &self.get(id).fields {
                    edges += set.width();
                    if *field != Field::Graph || graph {
                        next.extend(set);
                    }
                }
            }
            self.followed.fetch_add(edges, Ordering::Relaxed);
            seen.extend(&work);
            next.subtract(&seen);
            next.remove(SCALAR);
            if next.is_empty() {
                return seen;
            }
            work = next;
        }
    }

    /// Stores into something unknown: it may be, or hand it on to, all that it may lead to.
    pub(crate) fn put_unknown(&mut self, owners: &ObjSet, values: &ObjSet) {
        if values.is_empty() || owners.is_empty() {
            return;
        }
        for id in self.closure(owners, false).iter() {
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
