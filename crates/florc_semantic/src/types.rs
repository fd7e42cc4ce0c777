//! Classes of values, where every definition that can reach a place agrees on one.
//!
//! ```python
//! model = Net().to(device)              # Net
//! optimizer = optim.AdamW(...)          # torch.optim.AdamW
//! self.optimizer = optimizer            # so is the attribute
//! ```
//!
//! Flow-insensitive: all assignments to a name or attribute count, `None` apart. Solved by rounds
//! over the whole module until nothing changes. What library functions return is not known here.

use std::collections::{BTreeMap, BTreeSet};

use florc_syntax::tree::{ExprId, ExprKind, StmtId, Tree};

use crate::Semantics;
use crate::attributes::{Attributes, class_named, self_class};
use crate::ids::BindingId;
use crate::model::{ClassRef, Definition, DefinitionKind, Link};

/// Methods of `torch.nn.Module` that return the module itself.
const RETURN_SELF: [&str; 13] = [
    "apply",
    "bfloat16",
    "cpu",
    "cuda",
    "double",
    "eval",
    "float",
    "half",
    "requires_grad_",
    "share_memory",
    "to",
    "to_empty",
    "train",
];

/// Builtin classes by the name that constructs them.
const BUILTINS: [&str; 12] = [
    "bool",
    "bytearray",
    "bytes",
    "complex",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "set",
    "str",
    "tuple",
];

/// What is known of a value so far.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    /// No value seen.
    Nothing,
    /// Values of one class, or `None`.
    One(ClassRef),
    /// Anything.
    Many,
}

impl Known {
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (Known::Nothing, other) | (other, Known::Nothing) => other,
            (Known::One(left), Known::One(right)) if left == right => Known::One(left),
            (Known::One(_) | Known::Many, Known::One(_) | Known::Many) => Known::Many,
        }
    }
}

/// Fills the classes of expressions and attributes.
pub(crate) fn infer(tree: &Tree, semantics: &mut Semantics) {
    let mut solver = Solver {
        tree,
        semantics,
        bindings: vec![Known::Nothing; semantics.bindings.len()],
        attributes: BTreeMap::new(),
        keys: keys(&semantics.attributes),
    };
    for (key, _) in &solver.keys {
        solver.attributes.insert(key.clone(), Known::Nothing);
    }
    while solver.round() {}
    let mut classes = BTreeMap::new();
    for id in (0..tree.expr_count() as u32).map(ExprId) {
        if let Known::One(class) = solver.expr(id) {
            classes.insert(id, class);
        }
    }
    let attributes = solver
        .attributes
        .into_iter()
        .filter_map(|(key, known)| match known {
            Known::One(class) => Some((key, class)),
            Known::Nothing | Known::Many => None,
        });
    let attributes = attributes.collect();
    semantics.tables.classes = classes;
    semantics.attributes.types = attributes;
}

struct Solver<'a> {
    tree: &'a Tree,
    semantics: &'a Semantics,
    bindings: Vec<Known>,
    /// By family and name.
    attributes: BTreeMap<(StmtId, String), Known>,
    /// The attributes that methods store, with the classes of the family.
    keys: Vec<((StmtId, String), Vec<StmtId>)>,
}

fn keys(attributes: &Attributes) -> Vec<((StmtId, String), Vec<StmtId>)> {
    let mut keys = BTreeSet::new();
    for (name, stores) in &attributes.stores {
        let families = stores
            .iter()
            .filter_map(|store| attributes.family(store.class?));
        keys.extend(families.map(|family| (family, name.clone())));
    }
    let mut members: BTreeMap<StmtId, Vec<StmtId>> = BTreeMap::new();
    for class in attributes.classes() {
        members
            .entry(attributes.family(class).unwrap_or(class))
            .or_default()
            .push(class);
    }
    let with_members = keys.into_iter().map(|key| {
        let members = members.get(&key.0).cloned().unwrap_or_default();
        (key, members)
    });
    with_members.collect()
}

impl Solver<'_> {
    /// Looks at every definition once more; says whether anything was learnt.
    fn round(&mut self) -> bool {
        let mut changed = false;
        for index in 0..self.bindings.len() {
            let known = self.binding(BindingId(index as u32));
            if known != self.bindings[index] {
                self.bindings[index] = known;
                changed = true;
            }
        }
        for (key, members) in &self.keys {
            let known = self.attribute(key, members);
            if self.attributes.get(key) != Some(&known) {
                self.attributes.insert(key.clone(), known);
                changed = true;
            }
        }
        changed
    }

    fn binding(&self, id: BindingId) -> Known {
        let binding = self.semantics.binding(id);
        if self.semantics.is_shaky_global(id) {
            return Known::Many;
        }
        if let Some(class) = self_class(self.tree, self.semantics, id) {
            return Known::One(ClassRef::Module(class));
        }
        let definitions = binding.definitions.iter();
        definitions.fold(Known::Nothing, |known, definition| {
            known.join(match definition.kind {
                DefinitionKind::Import(_) => self.imported(definition),
                _ => self.definition(&definition.kind),
            })
        })
    }

    /// What an import from another file of the program may bind.
    fn imported(&self, definition: &Definition) -> Known {
        match self.semantics.import_targets(definition).as_slice() {
            [Link::Binding(binding)] => self.bindings[binding.index()].clone(),
            _ => Known::Many,
        }
    }

    fn definition(&self, kind: &DefinitionKind) -> Known {
        match kind {
            DefinitionKind::Assign(value) => self.expr(*value),
            DefinitionKind::Delete => Known::Nothing,
            DefinitionKind::Unpack(_)
            | DefinitionKind::Augment(_)
            | DefinitionKind::Parameter(_)
            | DefinitionKind::Iteration(_)
            | DefinitionKind::Import(_)
            | DefinitionKind::Function(_)
            | DefinitionKind::Class(_)
            | DefinitionKind::With(_)
            | DefinitionKind::Except
            | DefinitionKind::Capture
            | DefinitionKind::Type => Known::Many,
        }
    }

    fn attribute(&self, (family, name): &(StmtId, String), members: &[StmtId]) -> Known {
        let attributes = &self.semantics.attributes;
        let in_class = |class: &StmtId| self.semantics.binds_in_class(*class, name);
        if attributes.any_store || members.iter().any(in_class) {
            return Known::Many;
        }
        let stores = attributes.stores.get(name).into_iter().flatten();
        let stores = stores.filter(|store| {
            store
                .class
                .is_none_or(|class| attributes.family(class) == Some(*family))
        });
        stores.fold(Known::Nothing, |known, store| {
            known.join(self.definition(&store.kind))
        })
    }

    fn expr(&self, id: ExprId) -> Known {
        if let Some(Link::Binding(binding)) = self.semantics.link(id) {
            return self.bindings[binding.index()].clone();
        }
        match &self.tree.expr(id).kind {
            ExprKind::Name(_) => match self.semantics.binding_of_name(id) {
                Some(binding) => self.bindings[binding.index()].clone(),
                None => Known::Many,
            },
            ExprKind::Attribute { value, attr } => match self.expr(*value) {
                Known::One(ClassRef::Module(class)) => self.attribute_of(class, &attr.text),
                Known::Nothing => Known::Nothing,
                Known::One(ClassRef::Library(_)) | Known::Many => Known::Many,
            },
            ExprKind::Call { func, .. } => self.call(*func),
            ExprKind::Named { value, .. } => self.expr(*value),
            ExprKind::IfExp { body, orelse, .. } => self.expr(*body).join(self.expr(*orelse)),
            ExprKind::BoolOp { values, .. } => values
                .iter()
                .fold(Known::Nothing, |known, value| known.join(self.expr(*value))),
            ExprKind::None => Known::Nothing,
            ExprKind::Dict { .. } | ExprKind::DictComp { .. } => builtin("dict"),
            ExprKind::Set { .. } | ExprKind::SetComp { .. } => builtin("set"),
            ExprKind::List { .. } | ExprKind::ListComp { .. } => builtin("list"),
            ExprKind::Tuple { .. } => builtin("tuple"),
            ExprKind::FString { .. } | ExprKind::Str(_) => builtin("str"),
            ExprKind::Bytes(_) => builtin("bytes"),
            ExprKind::Int(_) => builtin("int"),
            ExprKind::Float(_) => builtin("float"),
            ExprKind::Complex(_) => builtin("complex"),
            ExprKind::True | ExprKind::False => builtin("bool"),
            ExprKind::BinOp { .. }
            | ExprKind::UnaryOp { .. }
            | ExprKind::Lambda { .. }
            | ExprKind::GeneratorExp { .. }
            | ExprKind::Await { .. }
            | ExprKind::Yield { .. }
            | ExprKind::YieldFrom { .. }
            | ExprKind::Compare { .. }
            | ExprKind::Subscript { .. }
            | ExprKind::Starred { .. }
            | ExprKind::Ellipsis
            | ExprKind::Slice { .. } => Known::Many,
        }
    }

    fn attribute_of(&self, class: StmtId, name: &str) -> Known {
        let attributes = &self.semantics.attributes;
        let Some(family) = attributes.family(class) else {
            return Known::Many;
        };
        // Where no method stores it, the attribute comes from elsewhere.
        let known = self.attributes.get(&(family, name.to_owned()));
        known.cloned().unwrap_or(Known::Many)
    }

    fn call(&self, func: ExprId) -> Known {
        if let Some(class) = class_named(self.semantics, func) {
            return if self.makes_instances(class) {
                Known::One(ClassRef::Module(class))
            } else {
                Known::Many
            };
        }
        if let Some(path) = self.semantics.qualified(func) {
            return library_class(&path);
        }
        if let ExprKind::Attribute { value, attr } = &self.tree.expr(func).kind
            && RETURN_SELF.contains(&attr.text.as_str())
        {
            return match self.expr(*value) {
                Known::One(class) if self.returns_self(&class, &attr.text) => Known::One(class),
                Known::Nothing => Known::Nothing,
                Known::One(_) | Known::Many => Known::Many,
            };
        }
        Known::Many
    }

    /// Whether calling a class gives an instance of it.
    fn makes_instances(&self, class: StmtId) -> bool {
        let attributes = &self.semantics.attributes;
        let plain = attributes
            .decorators(class)
            .iter()
            .all(|decorator| is_dataclass(self.tree, self.semantics, *decorator));
        let mut all = attributes.ancestors(class);
        all.push(class);
        plain
            && !attributes.has_metaclass(class)
            && !all
                .iter()
                .any(|class| self.semantics.binds_in_class(*class, "__new__"))
    }

    /// Whether a method is that of `torch.nn.Module` that returns its receiver.
    fn returns_self(&self, class: &ClassRef, method: &str) -> bool {
        match class {
            ClassRef::Library(path) => path.starts_with("torch.nn."),
            ClassRef::Module(class) => {
                let attributes = &self.semantics.attributes;
                let mut all = attributes.relatives(*class);
                all.push(*class);
                is_torch_module(self.semantics, *class)
                    && !attributes.stores.contains_key(method)
                    && !all
                        .iter()
                        .any(|class| self.semantics.binds_in_class(*class, method))
            }
        }
    }
}

/// Whether a class of this module derives from a class of `torch.nn`.
pub(crate) fn is_torch_module(semantics: &Semantics, class: StmtId) -> bool {
    let bases = semantics.attributes.library_bases(class);
    bases.is_some_and(|bases| bases.iter().any(|path| path.starts_with("torch.nn.")))
}

/// Whether a class decorator is `dataclass`, with or without arguments.
pub(crate) fn is_dataclass(tree: &Tree, semantics: &Semantics, decorator: ExprId) -> bool {
    let named = match &tree.expr(decorator).kind {
        ExprKind::Call { func, .. } => *func,
        _ => decorator,
    };
    semantics.qualified(named).as_deref() == Some("dataclasses.dataclass")
}

fn builtin(name: &str) -> Known {
    Known::One(ClassRef::Library(format!("builtins.{name}")))
}

/// What calling something imported gives: an instance, when its name looks like a class.
fn library_class(path: &str) -> Known {
    let name = path.rsplit('.').next().unwrap_or(path);
    let is_class = match path.strip_prefix("builtins.") {
        Some(name) => BUILTINS.contains(&name),
        None => name.starts_with(|first: char| first.is_ascii_uppercase()),
    };
    if is_class {
        Known::One(ClassRef::Library(path.to_owned()))
    } else {
        Known::Many
    }
}
