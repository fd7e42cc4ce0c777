//! Objects as dictionaries, and classes whose objects a command line fills.
//!
//! ```python
//! print(vars(args).items())            # reads the attributes of `args`
//! self.__dict__.update(options)        # stores into `self`
//! args = tyro.cli(Args)                # an `Args` with what the user typed
//! ```
//!
//! What is stored in the dictionary under a constant name is that attribute; anything else may be any
//! attribute. Modules, classes and functions are not looked at this way: their variables are opaque.

use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};

use crate::heap::{Field, ObjId, ObjKind, SCALAR};
use crate::interp::Interp;
use crate::name::Name;
use crate::object_set::ObjSet;
use crate::rules::call::Args;

/// Types of which an object is no more than a value.
const PLAIN: [&str; 16] = [
    "builtins.int",
    "builtins.float",
    "builtins.str",
    "builtins.bool",
    "builtins.bytes",
    "builtins.list",
    "builtins.tuple",
    "builtins.dict",
    "builtins.set",
    "typing.Optional",
    "typing.Union",
    "typing.Literal",
    "typing.List",
    "typing.Tuple",
    "typing.Dict",
    "pathlib.Path",
];

impl Interp<'_> {
    /// `vars(object)`; `None` where that is more than the attributes of an object.
    pub(super) fn vars(&mut self, site: ExprId, args: &Args) -> Option<ObjSet> {
        let owners = args.positional.first()?.clone();
        let mut values = ObjSet::default();
        for object in owners.iter() {
            match self.heap.kind(object) {
                ObjKind::Scalar => {}
                ObjKind::Unknown => {
                    values.insert(object);
                }
                ObjKind::Instance(class) => {
                    values.insert(self.attributes_of(object, class));
                }
                ObjKind::Typed(of) => {
                    self.knowledge.attribute(of, "__dict__".into())?;
                    let own = ObjSet::one(object);
                    values.extend(&self.read_attribute(site, &own, "__dict__".into()));
                }
                ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => return None,
            }
        }
        Some(values)
    }

    /// The dictionary of an object: it has the attributes, and what is stored in it is one of them.
    pub(super) fn attributes_of(&mut self, object: ObjId, class: StmtId) -> ObjId {
        let view = self
            .heap
            .inner(object, "__dict__", ObjKind::Typed("builtins.dict".into()));
        if view == object {
            return object;
        }
        let mut attributes = ObjSet::one(SCALAR);
        for (field, values) in self.heap.get(object).fields.clone() {
            if field == Field::Any || matches!(field, Field::Attr(name) if !name.starts_with('<')) {
                attributes.extend(&values);
            }
        }
        if !self.classes.typed_bases(class).is_empty() || self.classes.has_unknown_base(class) {
            attributes.insert(self.heap.inner(object, "inside", ObjKind::Unknown));
        }
        self.heap.put(view, Field::Any, &attributes);
        for (field, values) in self.heap.get(view).fields.clone() {
            let into = match field {
                Field::Key(key) => {
                    match key.strip_prefix('\'').and_then(|it| it.strip_suffix('\'')) {
                        Some(name) => Field::Attr(name.into()),
                        None => Field::Any,
                    }
                }
                Field::Attr(_) | Field::Elements => Field::Any,
                Field::Keys | Field::Any | Field::Receiver | Field::Graph | Field::Code => continue,
            };
            self.heap.put(object, into, &values);
        }
        view
    }

    /// What a command line gives for classes (their objects, filled with values that were read from text) and
    /// functions (what they return for such values).
    pub(super) fn filled(&mut self, site: ExprId, given: &ObjSet) -> ObjSet {
        let mut plain = ObjSet::one(self.typed(site, "plain", "json.Value"));
        plain.insert(SCALAR);
        let args = Args {
            star: Some(plain.clone()),
            ..Args::default()
        };
        let mut values = ObjSet::default();
        for object in given.iter() {
            match self.heap.kind(object) {
                ObjKind::Class(class) => {
                    let made = self.construct(site, class, &args);
                    for name in self.fields_of_other_types(class) {
                        let inside = ObjSet::one(self.unknown(site, "field"));
                        for one in made.iter() {
                            self.heap.put(one, Field::Attr(name), &inside);
                        }
                    }
                    values.extend(&made);
                }
                // `@dataclass` gives the class, or something that gives it.
                ObjKind::Typed(of) if self.knowledge.is_a(of, "builtins.decorator") => {}
                ObjKind::Scalar
                | ObjKind::Typed(_)
                | ObjKind::Unknown
                | ObjKind::Instance(_)
                | ObjKind::Function(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => {
                    values.extend(&self.call_object(site, object, &args));
                }
            }
        }
        values
    }

    /// Fields of a class, and of the classes above, that are annotated with more than plain values.
    fn fields_of_other_types(&self, class: StmtId) -> Vec<Name> {
        let mut names = Vec::new();
        for class in self.classes.line(class) {
            let StmtKind::ClassDef(def) = &self.tree.stmt(*class).kind else {
                continue;
            };
            for stmt in &def.body {
                if let StmtKind::AnnAssign {
                    target, annotation, ..
                } = &self.tree.stmt(*stmt).kind
                    && let ExprKind::Name(name) = &self.tree.expr(*target).kind
                    && !self.is_plain(*annotation)
                {
                    names.push(name.into());
                }
            }
        }
        names
    }

    /// Whether an annotation says that there is a plain value, or a container of such.
    fn is_plain(&self, annotation: ExprId) -> bool {
        match &self.tree.expr(annotation).kind {
            ExprKind::None | ExprKind::Ellipsis => true,
            ExprKind::Name(_) | ExprKind::Attribute { .. } => self
                .semantics
                .qualified(annotation)
                .is_some_and(|name| PLAIN.contains(&name.as_str())),
            ExprKind::Subscript { value, slice } => {
                let literal = self.semantics.qualified(*value);
                self.is_plain(*value)
                    && (literal.as_deref() == Some("typing.Literal") || self.is_plain(*slice))
            }
            ExprKind::Tuple { elts } => elts.iter().all(|item| self.is_plain(*item)),
            ExprKind::BinOp { left, right, .. } => self.is_plain(*left) && self.is_plain(*right),
            _other => false,
        }
    }
}
