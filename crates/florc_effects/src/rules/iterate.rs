//! Rules of iteration.
//!
//! ```python
//! for x, y in loader:              # new batches; the loader's generators advance
//! for i, p in enumerate(params):   # numbers, and the elements of `params`
//! ```
//!
//! Items of containers are their elements; an iterator is changed by taking from it.

use florc_syntax::tree::ExprId;

use crate::heap::{ANYTHING, Field, ObjId, ObjKind, SCALAR};
use crate::interp::Interp;
use crate::name::Name;
use crate::object_set::ObjSet;
use crate::rules::call::Args;

impl Interp<'_> {
    /// The items of any of `values`; `site` is the iterable's expression.
    pub(crate) fn iterate(&mut self, values: &ObjSet, site: ExprId) -> ObjSet {
        let (unknown, known) = self.split_unknown(values);
        let mut items = ObjSet::default();
        if !unknown.is_empty() {
            items = self.unknown_operators(site, &unknown);
        }
        let runs_no_code = |of| !self.knowledge.is_a(of, "builtins.generator");
        let (typed, others) = self.heap.by_type(&known, runs_no_code);
        for object in others.iter() {
            let found = self.iterate_one(object, site, 0);
            items.extend(&found);
        }
        for (of, own) in typed {
            let found = self.iterate_typed(&own, of, site, 0);
            items.extend(&found);
        }
        items
    }

    fn iterate_typed(&mut self, own: &ObjSet, of: Name, site: ExprId, depth: u32) -> ObjSet {
        let knowledge = self.knowledge;
        let Some(rule) = knowledge.iterate(of) else {
            return self.unknown_operators(site, own);
        };
        let no_args = Args::default();
        let mut items = self.apply_rule_at(site, rule, Some(own), &no_args, "iteration", depth + 1);
        for object in own.iter() {
            items.extend(&self.heap.read(object, &Field::Any));
        }
        items
    }

    /// The items of one of the values. Iterators may lead to each other in many ways: what was found at a place
    /// is not looked for again while the outermost of them is looked at.
    pub(super) fn iterate_one(&mut self, object: ObjId, site: ExprId, depth: u32) -> ObjSet {
        if self.iterating == 0 {
            self.iterated.clear();
        }
        if let Some(items) = self.iterated.get(&(site, object)) {
            return items.clone();
        }
        self.iterating += 1;
        let items = self.iterate_anew(object, site, depth);
        self.iterating -= 1;
        self.iterated.insert((site, object), items.clone());
        items
    }

    fn iterate_anew(&mut self, object: ObjId, site: ExprId, depth: u32) -> ObjSet {
        let knowledge = self.knowledge;
        if depth > 6 {
            return self.unknown_operator(site, object);
        }
        match self.heap.kind(object) {
            ObjKind::Typed(of) => {
                if knowledge.is_a(of, "builtins.generator") {
                    self.run_code(site, object);
                }
                self.iterate_typed(&ObjSet::one(object), of, site, depth)
            }
            ObjKind::Instance(class) => self.iterate_instance(object, class, site, depth),
            ObjKind::Unknown | ObjKind::Super(_) | ObjKind::Method(_) => {
                let mut items = self.unknown_operator(site, object);
                items.extend(&self.heap.elements(object));
                items
            }
            ObjKind::Library(path) if knowledge.is_known_package(&path) => ObjSet::one(SCALAR),
            ObjKind::Library(_) | ObjKind::Module(_) => self.unknown_operator(site, object),
            ObjKind::Function(_) | ObjKind::Scalar => ObjSet::one(SCALAR),
            ObjKind::Class(_) => {
                // An enumeration: its members are its attributes.
                let mut items = ObjSet::one(SCALAR);
                items.insert(object);
                items
            }
        }
    }

    fn iterate_instance(
        &mut self,
        object: ObjId,
        class: florc_syntax::tree::StmtId,
        site: ExprId,
        depth: u32,
    ) -> ObjSet {
        let own = ObjSet::one(object);
        let mut items = ObjSet::default();
        let mut found = false;
        for (function, _) in self.classes.find(class, "__iter__") {
            found = true;
            let iterator = self.call_function(site, function, &Args::default(), Some(&own));
            for next in iterator.iter().filter(|next| *next != object) {
                items.extend(&self.iterate_one(next, site, depth + 1));
            }
        }
        for name in ["__next__", "__getitem__", "__len__"] {
            for (function, _) in self.classes.find(class, name) {
                found |= name != "__len__";
                let args = Args::of(&[ObjSet::one(SCALAR)]);
                items.extend(&self.call_function(site, function, &args, Some(&own)));
            }
        }
        if !found {
            let mut typed = false;
            for of in self.classes.typed_bases(class) {
                if let Some(rule) = self.knowledge.iterate(of) {
                    typed = true;
                    items.extend(&self.apply_rule_at(
                        site,
                        rule,
                        Some(&own),
                        &Args::default(),
                        "iteration",
                        depth + 1,
                    ));
                }
            }
            if !typed {
                items.extend(&self.unknown_operator(site, object));
                items.extend(&self.heap.elements(object));
            }
        }
        items
    }

    /// Items of what an iterator was made from.
    pub(super) fn through(&mut self, object: ObjId, site: ExprId, depth: u32) -> ObjSet {
        let mut items = ObjSet::default();
        for source in self.kept(object).iter() {
            items.extend(&self.iterate_one(source, site, depth));
        }
        items
    }

    /// What an iterator was made from.
    fn kept(&self, object: ObjId) -> ObjSet {
        let mut kept = self.heap.elements(object);
        for (field, values) in &self.heap.get(object).fields {
            if matches!(field, Field::Attr(_)) {
                kept.extend(values);
            }
        }
        kept.remove(SCALAR);
        if kept.is_empty() {
            kept.insert(SCALAR);
        }
        kept
    }

    /// `(i, item)` pairs of an `enumerate`.
    pub(super) fn enumerated(&mut self, object: ObjId, site: ExprId, depth: u32) -> ObjSet {
        let items = self.through(object, site, depth);
        let pair = self
            .heap
            .inner(object, "pair", ObjKind::Typed("builtins.tuple".into()));
        self.heap
            .put(pair, Field::Key("0".into()), &ObjSet::one(SCALAR));
        self.heap.put(pair, Field::Key("1".into()), &items);
        ObjSet::one(pair)
    }

    /// Rows of a `zip`.
    pub(super) fn zipped(&mut self, object: ObjId, site: ExprId, depth: u32) -> ObjSet {
        let row = self
            .heap
            .inner(object, "row", ObjKind::Typed("builtins.tuple".into()));
        for (field, sources) in self.heap.get(object).fields.clone() {
            let into = match &field {
                Field::Key(_) | Field::Any => field,
                Field::Elements => Field::Elements,
                Field::Attr(_) | Field::Keys | Field::Receiver | Field::Graph | Field::Code => {
                    continue;
                }
            };
            for source in sources.iter() {
                let items = self.iterate_one(source, site, depth);
                self.heap.put(row, into, &items);
            }
            if field == Field::Elements {
                // `zip(*rows)`: the arguments are the elements.
                let items = self.iterate(&sources, site);
                self.heap.put(row, Field::Elements, &items);
            }
        }
        ObjSet::one(row)
    }

    /// Rows in which any item may stand anywhere: `product`, `groupby`, `zip_longest`.
    pub(super) fn grouped(&mut self, object: ObjId, site: ExprId, depth: u32) -> ObjSet {
        let row = self
            .heap
            .inner(object, "row", ObjKind::Typed("builtins.tuple".into()));
        let mut items = self.through(object, site, depth);
        items.insert(SCALAR);
        let group = self
            .heap
            .inner(object, "group", ObjKind::Typed("builtins.list".into()));
        self.heap.put(group, Field::Elements, &items);
        items.insert(group);
        self.heap.put(row, Field::Elements, &items);
        ObjSet::one(row)
    }

    /// What a container of modules holds: its arguments, or their elements.
    pub(super) fn contained(&mut self, object: ObjId, site: ExprId, depth: u32) -> ObjSet {
        let mut items = ObjSet::default();
        for part in self.heap.elements(object).iter() {
            match self.heap.kind(part) {
                ObjKind::Typed(of) if self.knowledge.is_a(of, "builtins.dict") => {
                    items.extend(&self.heap.elements(part));
                }
                ObjKind::Typed(of)
                    if self.knowledge.is_a(of, "builtins.list")
                        || self.knowledge.is_a(of, "builtins.iterator") =>
                {
                    let inside = self.iterate_one(part, site, depth);
                    for item in inside.iter() {
                        let pair = self.heap.elements(item);
                        let named = matches!(self.heap.kind(item), ObjKind::Typed(of) if self.knowledge.is_a(of, "builtins.tuple"));
                        if named {
                            items.extend(&pair);
                        } else {
                            items.insert(item);
                        }
                    }
                }
                ObjKind::Typed(_)
                | ObjKind::Unknown
                | ObjKind::Instance(_)
                | ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => {
                    items.insert(part);
                }
                ObjKind::Scalar => {}
            }
        }
        items
    }

    /// Items of what a `map` or `filter` was made from, beside its function.
    fn given_to(&mut self, function: &ObjSet, object: ObjId, site: ExprId, depth: u32) -> ObjSet {
        let mut sources = self.kept(object);
        let anything = self.heap.has_anything(&sources);
        sources.subtract(function);
        if anything {
            sources.insert(ANYTHING);
        }
        let mut items = ObjSet::default();
        for source in sources.iter() {
            items.extend(&self.iterate_one(source, site, depth));
        }
        items
    }

    /// What `map(f, xs)` yields.
    pub(super) fn mapped(&mut self, object: ObjId, site: ExprId, depth: u32) -> ObjSet {
        let function = self.heap.read(object, &Field::Key("0".into()));
        let items = self.given_to(&function, object, site, depth);
        self.call_values(site, &function, &items)
    }

    /// What `filter(f, xs)` yields.
    pub(super) fn filtered(&mut self, object: ObjId, site: ExprId, depth: u32) -> ObjSet {
        let function = self.heap.read(object, &Field::Key("0".into()));
        let items = self.given_to(&function, object, site, depth);
        self.call_values(site, &function, &items);
        items
    }

    /// `(key, value)` pairs of a dict behind a view.
    pub(super) fn items_of(&mut self, view: ObjId) -> ObjSet {
        let pair = self
            .heap
            .inner(view, "pair", ObjKind::Typed("builtins.tuple".into()));
        let mut pairs = ObjSet::one(pair);
        self.put_one(pair, Field::Key("0".into()), SCALAR);
        for source in self.kept(view).iter().filter(|id| *id != SCALAR) {
            let keys = self.heap.read(source, &Field::Keys);
            let mut values = self.all_parts(&ObjSet::one(source));
            if self.heap.kind(source) == ObjKind::Unknown {
                values.insert(source);
            }
            self.heap.put(pair, Field::Key("0".into()), &keys);
            self.heap.put(pair, Field::Key("1".into()), &values);
            pairs.extend(&self.heap.read(source, &Field::Any));
        }
        pairs
    }

    /// Elements of containers, parts of anything else.
    pub(super) fn all_parts(&self, values: &ObjSet) -> ObjSet {
        let mut parts = ObjSet::default();
        for object in values.iter() {
            match self.heap.kind(object) {
                ObjKind::Scalar => {
                    parts.insert(SCALAR);
                }
                ObjKind::Unknown | ObjKind::Instance(_) | ObjKind::Library(_) => {
                    parts.insert(object);
                    parts.extend(&self.heap.elements(object));
                }
                ObjKind::Typed(_)
                | ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => {
                    parts.extend(&self.heap.elements(object));
                }
            }
        }
        parts
    }

    /// `x in items` takes from an iterator, and runs through what says nothing of its items.
    pub(super) fn consume_iterators(&mut self, site: ExprId, values: &ObjSet) {
        let lazy = |of| self.knowledge.is_a(of, "builtins.iterator");
        let is_lazy = |object| self.heap.kind(object).typed().is_some_and(lazy);
        if self.heap.has_anything(values) && self.heap.merged.iter().any(is_lazy) {
            self.unknown_operator(site, ANYTHING);
        }
        for object in values.iter() {
            let is_gone_through = match self.heap.kind(object) {
                ObjKind::Instance(class) => self.classes.find(class, "__contains__").is_empty(),
                kind => kind.typed().is_some_and(lazy),
            };
            if is_gone_through {
                self.iterate_one(object, site, 0);
            }
        }
    }
}
