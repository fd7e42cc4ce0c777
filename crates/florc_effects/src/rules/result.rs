//! Results of rules: the objects that `returns` names.
//!
//! ```json
//! {"names": "torch.as_tensor", "returns": ["new:torch.Tensor", "0"], "shares": ["0"]}
//! ```
//!
//! Makes and finds objects; mutations are noted in [`crate::rules::library`].

use florc_syntax::tree::ExprId;

use crate::heap::{ANYTHING, Field, ObjId, ObjKind, SCALAR};
use crate::interp::Interp;
use crate::knowledge::Rule;
use crate::object_set::ObjSet;
use crate::rules::call::Args;
use crate::rules::places::has_keyword;

impl Interp<'_> {
    pub(super) fn results(
        &mut self,
        site: ExprId,
        rule: &Rule,
        receiver: Option<&ObjSet>,
        args: &Args,
        depth: u32,
    ) -> ObjSet {
        let varied = rule.variant.as_ref().filter(|variant| {
            variant
                .keywords
                .iter()
                .any(|keyword| has_keyword(args, keyword))
        });
        let returns = varied.map_or(&rule.returns, |variant| &variant.returns);
        let mut values = ObjSet::default();
        for text in returns {
            let found = self.result(site, rule, text, receiver, args, depth);
            values.extend(&found);
        }
        if returns.is_empty() {
            values.insert(SCALAR);
        }
        if !returns.iter().any(|text| text.starts_with("new:")) {
            for place in rule.elements.iter().filter(|it| *it != "values") {
                let sources = self.place(place, receiver, args);
                self.iterate(&sources, site);
            }
        }
        values
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind")]
    pub(super) fn result(
        &mut self,
        site: ExprId,
        rule: &Rule,
        text: &str,
        receiver: Option<&ObjSet>,
        args: &Args,
        depth: u32,
    ) -> ObjSet {
        let own = receiver.cloned().unwrap_or_default();
        if let Some(of) = text.strip_prefix("new:") {
            return self.new_result(site, rule, ObjKind::Typed(of.into()), receiver, args);
        }
        if let Some(of) = text.strip_prefix("named:") {
            let items = self.result(site, rule, of, receiver, args, depth);
            return self.named_pairs(&own, &items);
        }
        if let Some(of) = text.strip_prefix("parts:") {
            return match of.split_once(':') {
                Some((of, place)) => self.parts(&self.place(place, receiver, args), of),
                None => self.parts(&own, of),
            };
        }
        if let Some(name) = text.strip_prefix("argument:") {
            return self.kept_argument(&own, name);
        }
        if let Some(place) = text.strip_prefix("tensors:") {
            let mut values = ObjSet::default();
            for object in self.place(place, receiver, args).iter() {
                if matches!(self.heap.kind(object), ObjKind::Typed(of) if self.knowledge.is_a(of, "torch.Tensor"))
                {
                    values.insert(object);
                }
            }
            return values;
        }
        if let Some(of) = text.strip_prefix("inner:") {
            let mut values = ObjSet::default();
            for object in own.iter().filter(|id| *id != SCALAR) {
                values.insert(self.heap.inner(object, "inner", ObjKind::Typed(of.into())));
            }
            return values;
        }
        if let Some(place) = text.strip_prefix("iterated:") {
            let sources = self.place(place, receiver, args);
            return self.iterate(&sources, site);
        }
        if let Some(place) = text.strip_prefix("filled:") {
            return self.filled(site, &self.place(place, receiver, args));
        }
        if let Some(place) = text.strip_prefix("inside:") {
            return self.inside(&self.place(place, receiver, args));
        }
        match text {
            "scalar" => ObjSet::one(SCALAR),
            "unknown" => self.new_result(site, rule, ObjKind::Unknown, receiver, args),
            "elements" => self.all_parts(&own),
            "inside" => self.inside(&own),
            "copy" => self.copied(site, &own),
            "copied" => self.copied(site, &self.place("0", receiver, args)),
            "modules" => self.modules(&own),
            "contained_in" => {
                let mut values = ObjSet::default();
                for view in own.iter().filter(|id| *id != SCALAR) {
                    for container in self.heap.read(view, &Field::Attr("<self>".into())).iter() {
                        values.extend(&self.contained(container, site, depth));
                    }
                }
                values
            }
            "deep" => self.deep_copied(site, &args.all()),
            "called_back" => {
                let callees = self.callables(&args.all());
                let parts = self.all_parts(&args.all()).union(&args.all());
                let given = Args {
                    star: Some(self.held_together(site, parts)),
                    ..Args::default()
                };
                let mut values = ObjSet::default();
                for callee in callees.iter() {
                    values.extend(&self.call_object(site, callee, &given));
                }
                values
            }
            "class" => self.classes_of(&args.all()),
            "operator" => {
                let operands = if rule.elements.is_empty() {
                    args.all()
                } else {
                    own
                };
                let items = if rule.names.contains("sum") {
                    self.iterate(&operands, site)
                } else {
                    operands
                };
                self.arithmetic(
                    site,
                    &items,
                    &items,
                    &["__add__", "__radd__", "__abs__", "__round__", "__pow__"],
                )
            }
            "keys" | "keys:source" => self.keys(&own),
            _ => self.iterated_result(site, text, &own, receiver, args, depth),
        }
    }

    pub(super) fn iterated_result(
        &mut self,
        site: ExprId,
        text: &str,
        own: &ObjSet,
        receiver: Option<&ObjSet>,
        args: &Args,
        depth: u32,
    ) -> ObjSet {
        let mut values = ObjSet::default();
        for object in own.iter() {
            let found = match text {
                "items:source" => self.items_of(object),
                "through" => self.through(object, site, depth),
                "enumerated" => self.enumerated(object, site, depth),
                "zipped" => self.zipped(object, site, depth),
                "mapped" => self.mapped(object, site, depth),
                "filtered" => self.filtered(object, site, depth),
                "flattened" => {
                    let rows = self.through(object, site, depth);
                    self.iterate(&rows, site)
                }
                "grouped" => self.grouped(object, site, depth),
                "contained" => self.contained(object, site, depth),
                "yielded" => {
                    self.run_code(site, object);
                    self.heap.elements(object)
                }
                "called" => {
                    let found = self.call_kept(site, object, args);
                    if self.heap.kind(object) == ObjKind::Typed("functools.cached".into()) {
                        self.heap
                            .put(object, Field::Attr("<results>".into()), &found);
                    }
                    found
                }
                _ => continue,
            };
            values.extend(&found);
        }
        values.extend(&self.place(text, receiver, args));
        values
    }

    /// Calls what a `functools.partial` holds, with all that it holds.
    pub(super) fn call_kept(&mut self, site: ExprId, object: ObjId, args: &Args) -> ObjSet {
        let mut given = self.heap.elements(object).union(&args.all());
        for (field, values) in self.heap.get(object).fields.clone() {
            if matches!(field, Field::Attr(_)) {
                given.extend(&values);
            }
        }
        let callees = self.heap.read(object, &Field::Key("0".into()));
        given.subtract(&callees);
        if self.heap.has_anything(&callees) {
            given.insert(ANYTHING);
        }
        let all = Args {
            star: Some(self.held_together(site, given)),
            ..Args::default()
        };
        let mut result = ObjSet::default();
        for callee in callees.iter() {
            result.extend(&self.call_object(site, callee, &all));
        }
        result
    }

    pub(super) fn keys(&self, own: &ObjSet) -> ObjSet {
        let mut keys = ObjSet::one(SCALAR);
        for object in own.iter() {
            keys.extend(&self.heap.read(object, &Field::Keys));
            for source in self
                .heap
                .elements(object)
                .union(&self.heap.read(object, &Field::Attr("<self>".into())))
                .iter()
            {
                keys.extend(&self.heap.read(source, &Field::Keys));
            }
        }
        keys
    }

    pub(super) fn new_result(
        &mut self,
        site: ExprId,
        rule: &Rule,
        kind: ObjKind,
        receiver: Option<&ObjSet>,
        args: &Args,
    ) -> ObjSet {
        let is_dict = kind == ObjKind::Typed("builtins.dict".into());
        let object = self.made(site, "new", kind);
        for place in &rule.keeps {
            self.keep(object, place, receiver, args);
        }
        for place in &rule.elements {
            let sources = match place.as_str() {
                "values" => receiver.cloned().unwrap_or_default(),
                place => self.place(place, receiver, args),
            };
            let mut items = if place == "values" {
                ObjSet::default()
            } else {
                self.iterate(&sources, site)
            };
            if is_dict || place == "values" {
                items.extend(&self.all_parts(&sources));
                for pair in items.clone().iter() {
                    let inside = self.heap.elements(pair);
                    items.extend(&inside);
                }
            }
            self.heap.put(object, Field::Elements, &items);
        }
        for place in &rule.graph {
            let operands = self.place(place, receiver, args);
            self.heap.put(object, Field::Graph, &operands);
        }
        for place in &rule.shares {
            for other in self.place(place, receiver, args).iter() {
                self.put_one(object, Field::Attr("<shared>".into()), other);
                self.put_one(other, Field::Attr("<shared>".into()), object);
            }
        }
        if rule.leaf || !rule.graph.is_empty() {
            // Gradients are kept for leaves that ask for them, or where `retain_grad` does.
            self.heap.forbid_grad(object);
            if has_keyword(args, "requires_grad") {
                self.heap.want_grad(object);
            }
        }
        ObjSet::one(object)
    }

    pub(super) fn keep(
        &mut self,
        object: ObjId,
        place: &str,
        receiver: Option<&ObjSet>,
        args: &Args,
    ) {
        if place != "args" {
            let values = self.place(place, receiver, args);
            let field = match place.parse::<usize>() {
                Ok(_) => Field::Key(place.into()),
                Err(_) => Field::Attr(format!("<{place}>").into()),
            };
            self.heap.put(object, field, &values);
            return;
        }
        for (index, value) in args.positional.iter().enumerate() {
            self.heap
                .put(object, Field::Key(index.to_string().into()), value);
        }
        for (name, value, _) in &args.keywords {
            self.heap.put(object, Field::Attr(*name), value);
        }
        if let Some(star) = &args.star {
            self.heap.put(object, Field::Elements, star);
        }
    }

    /// Any part of these objects.
    pub(super) fn inside(&mut self, owners: &ObjSet) -> ObjSet {
        let mut values = self.all_parts(owners);
        for object in owners.iter().filter(|id| *id != SCALAR) {
            for (field, set) in self.heap.get(object).fields.clone() {
                if matches!(field, Field::Attr(_)) {
                    values.extend(&set);
                }
            }
            values.insert(self.heap.inner(object, "inside", ObjKind::Unknown));
        }
        values
    }

    /// The tensors inside of everything in reach.
    pub(super) fn parts(&mut self, owners: &ObjSet, of: &str) -> ObjSet {
        let mut values = ObjSet::default();
        let reached = self.heap.closure(owners, false);
        for object in self.heap.unmerged(&reached).iter() {
            match self.heap.kind(object) {
                ObjKind::Typed(own) if self.knowledge.is_a(own, of) => {
                    values.insert(object);
                }
                ObjKind::Typed(own) if !self.knowledge.holds_gradients(own) => {}
                ObjKind::Typed(_) | ObjKind::Unknown | ObjKind::Instance(_) => {
                    values.insert(self.heap.inner(object, "part", ObjKind::Typed(of.into())));
                }
                ObjKind::Scalar
                | ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => {}
            }
        }
        values
    }

    /// What was given when these objects were made: `argument:0:dataset`.
    pub(super) fn kept_argument(&self, own: &ObjSet, name: &str) -> ObjSet {
        let mut values = ObjSet::default();
        for object in own.iter() {
            for part in name.split(':') {
                values.extend(&self.heap.read(object, &Field::Key(part.into())));
                values.extend(&self.heap.read(object, &Field::Attr(part.into())));
            }
            values.extend(&self.heap.read(object, &Field::Elements));
        }
        values
    }

    /// `(name, item)` pairs.
    pub(super) fn named_pairs(&mut self, own: &ObjSet, items: &ObjSet) -> ObjSet {
        let mut pairs = ObjSet::default();
        for object in own.iter().filter(|id| *id != SCALAR) {
            let pair = self
                .heap
                .inner(object, "pair", ObjKind::Typed("builtins.tuple".into()));
            self.put_one(pair, Field::Key("0".into()), SCALAR);
            self.heap.put(pair, Field::Key("1".into()), items);
            pairs.insert(pair);
        }
        pairs
    }

    /// The modules inside of everything in reach, and unknown parts of it.
    pub(super) fn modules(&mut self, owners: &ObjSet) -> ObjSet {
        let mut values = ObjSet::default();
        let reached = self.heap.closure(owners, false);
        for object in self.heap.unmerged(&reached).iter() {
            match self.heap.kind(object) {
                ObjKind::Typed(of) if !self.knowledge.is_a(of, "torch.nn.Module") => {}
                ObjKind::Typed(_) | ObjKind::Unknown | ObjKind::Instance(_) => {
                    values.insert(object);
                }
                ObjKind::Scalar
                | ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => {}
            }
        }
        values
    }

    /// A shallow copy.
    pub(super) fn copied(&mut self, site: ExprId, own: &ObjSet) -> ObjSet {
        let mut values = ObjSet::default();
        for object in own.iter() {
            let kind = match self.heap.kind(object) {
                ObjKind::Typed(of) => ObjKind::Typed(of),
                ObjKind::Instance(class) => ObjKind::Instance(class),
                ObjKind::Unknown => ObjKind::Unknown,
                ObjKind::Scalar
                | ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => {
                    values.insert(object);
                    continue;
                }
            };
            if self.heap.is_anything(object) {
                values.insert(object);
                continue;
            }
            let copy = self.made(site, "copy", kind);
            self.copy_fields(&ObjSet::one(object), copy);
            values.insert(copy);
        }
        values
    }

    /// A copy of everything in reach.
    pub(super) fn deep_copied(&mut self, site: ExprId, roots: &ObjSet) -> ObjSet {
        let reachable = self.heap.closure(roots, true);
        let merged = self.heap.meant(&reachable).common(&self.heap.nameless);
        let mut copies: Vec<(ObjId, ObjId)> = vec![(SCALAR, SCALAR)];
        for object in self.heap.named(&reachable).iter() {
            let copy = match self.heap.kind(object) {
                ObjKind::Typed(_)
                | ObjKind::Instance(_)
                | ObjKind::Unknown
                | ObjKind::Method(_) => self.heap.copy_of(site, object, self.function),
                ObjKind::Scalar
                | ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Super(_) => object,
            };
            copies.push((object, copy));
        }
        let copied = |set: &ObjSet| {
            let mut values = ObjSet::default();
            for (object, copy) in &copies {
                if set.contains(*object) {
                    values.insert(*copy);
                }
            }
            if set.intersects(&merged) {
                values.insert(ANYTHING);
            }
            values
        };
        for (object, copy) in &copies {
            if object == copy {
                continue;
            }
            for (field, values) in self.heap.get(*object).fields.clone() {
                self.heap.put(*copy, field, &copied(&values));
            }
        }
        copied(roots)
    }

    pub(super) fn classes_of(&mut self, values: &ObjSet) -> ObjSet {
        let mut classes = ObjSet::one(SCALAR);
        for class in self.heap.by_class(values).into_keys() {
            classes.extend(&self.class_objects(class));
        }
        // The class of an unknown value is known to whoever made it.
        let (unknown, _) = self.split_unknown(values);
        classes.union(&unknown)
    }
}
