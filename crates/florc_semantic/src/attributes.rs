//! Classes of the program: what they derive from, their methods, and who assigns their attributes.
//!
//! ```python
//! class Trainer(Base):
//!     def __init__(self): self.model = Net()      # every store to `model` gives a Net
//! ```
//!
//! Classes that inherit from one another form a family; attributes are facts about a family, since
//! `self` may be an instance of any class in it. Modules that are not linked are not seen.

use std::collections::{BTreeMap, BTreeSet};

use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind, Tree};

use crate::Semantics;
use crate::ids::{BindingId, FunctionId};
use crate::model::{ClassRef, DefinitionKind};

/// What is known of the classes of a module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes {
    classes: BTreeMap<StmtId, Class>,
    /// Assignments to attributes, by the attribute's name.
    pub(crate) stores: BTreeMap<String, Vec<Store>>,
    /// Some attribute is assigned under a name that is not known.
    pub(crate) any_store: bool,
    /// Classes of attributes, by family and name (types).
    pub(crate) types: BTreeMap<(StmtId, String), ClassRef>,
}

#[derive(Clone, Debug, Default)]
struct Class {
    qualname: String,
    /// Classes of this module that it names as bases, in order.
    bases: Vec<StmtId>,
    subclasses: Vec<StmtId>,
    /// Dotted paths of its other bases.
    library: Vec<String>,
    /// Has a base that is not known by name.
    unknown_base: bool,
    /// A base that is not of this module comes before another base.
    library_first: bool,
    has_metaclass: bool,
    decorators: Vec<ExprId>,
    /// The first class of its family.
    family: Option<StmtId>,
}

/// An assignment to an attribute.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    /// The class when the receiver is `self` of one of its methods.
    pub(crate) class: Option<StmtId>,
    /// How.
    pub(crate) kind: DefinitionKind,
}

impl Attributes {
    pub(crate) fn name_class(&mut self, class: StmtId, qualname: String) {
        self.classes.entry(class).or_default().qualname = qualname;
    }

    pub(crate) fn qualname(&self, class: StmtId) -> &str {
        self.classes
            .get(&class)
            .map_or("", |class| class.qualname.as_str())
    }

    pub(crate) fn classes(&self) -> impl Iterator<Item = StmtId> {
        self.classes.keys().copied()
    }

    pub(crate) fn class_of(&self, class: StmtId, name: &str) -> Option<ClassRef> {
        self.types
            .get(&(self.family(class)?, name.to_owned()))
            .cloned()
    }

    pub(crate) fn family(&self, class: StmtId) -> Option<StmtId> {
        self.classes.get(&class)?.family
    }

    /// Other classes of the family.
    pub(crate) fn relatives(&self, class: StmtId) -> Vec<StmtId> {
        let family = self.family(class);
        let all = self.classes.iter();
        let all = all.filter(|(id, found)| **id != class && found.family == family);
        all.map(|(id, _)| *id).collect()
    }

    pub(crate) fn ancestors(&self, class: StmtId) -> Vec<StmtId> {
        self.reach(class, |found| &found.bases)
    }

    pub(crate) fn descendants(&self, class: StmtId) -> Vec<StmtId> {
        self.reach(class, |found| &found.subclasses)
    }

    fn reach<'a>(
        &'a self,
        class: StmtId,
        next: impl Fn(&'a Class) -> &'a Vec<StmtId>,
    ) -> Vec<StmtId> {
        let mut seen = vec![class];
        let mut at = 0;
        while let Some(found) = seen.get(at).and_then(|class| self.classes.get(class)) {
            for more in next(found) {
                if !seen.contains(more) {
                    seen.push(*more);
                }
            }
            at += 1;
        }
        seen.split_off(1)
    }

    pub(crate) fn library_bases(&self, class: StmtId) -> Option<Vec<String>> {
        let mut paths = BTreeSet::new();
        for class in self.ancestors(class).into_iter().chain([class]) {
            let found = self.classes.get(&class)?;
            if found.unknown_base {
                return None;
            }
            paths.extend(found.library.iter().cloned());
        }
        Some(paths.into_iter().collect())
    }

    pub(crate) fn has_metaclass(&self, class: StmtId) -> bool {
        let all = self.ancestors(class).into_iter().chain([class]);
        all.filter_map(|class| self.classes.get(&class))
            .any(|found| found.has_metaclass)
    }

    pub(crate) fn decorators(&self, class: StmtId) -> &[ExprId] {
        self.classes
            .get(&class)
            .map_or(&[], |found| found.decorators.as_slice())
    }

    /// Whether a method that `class` inherits may come from a base outside of this module.
    pub(crate) fn may_inherit_elsewhere(&self, class: StmtId) -> bool {
        let all = self.ancestors(class).into_iter().chain([class]);
        all.filter_map(|class| self.classes.get(&class))
            .any(|found| found.library_first)
    }
}

/// Fills classes and stores.
pub(crate) fn collect(tree: &Tree, semantics: &mut Semantics) {
    let mut attributes = std::mem::take(&mut semantics.attributes);
    let ids: Vec<StmtId> = attributes.classes.keys().copied().collect();
    for id in &ids {
        if let StmtKind::ClassDef(def) = &tree.stmt(*id).kind
            && let Some(class) = attributes.classes.get_mut(id)
        {
            class.decorators.clone_from(&def.decorators);
            class.has_metaclass = !def.keywords.is_empty();
            for (index, base) in def.bases.iter().enumerate() {
                add_base(tree, semantics, class, *base, index + 1 == def.bases.len());
            }
        }
    }
    families(&mut attributes, &ids);
    semantics.attributes = attributes;
    stores(tree, semantics);
}

fn add_base(tree: &Tree, semantics: &Semantics, class: &mut Class, base: ExprId, is_last: bool) {
    let named = match &tree.expr(base).kind {
        ExprKind::Subscript { value, .. } => *value,
        _ => base,
    };
    if let Some(known) = class_named(semantics, named) {
        class.bases.push(known);
        return;
    }
    match semantics.qualified(named) {
        Some(path) if path == "builtins.object" => return,
        Some(path) => class.library.push(path),
        None => class.unknown_base = true,
    }
    class.library_first |= !is_last;
}

/// The class of this module that an expression names.
pub(crate) fn class_named(semantics: &Semantics, expr: ExprId) -> Option<StmtId> {
    let binding = semantics.variable(expr)?;
    if semantics.is_shaky_global(binding) {
        return None;
    }
    match semantics.binding(binding).definitions.as_slice() {
        [definition] => match definition.kind {
            DefinitionKind::Class(class) => Some(class),
            _ => None,
        },
        _ => None,
    }
}

fn families(attributes: &mut Attributes, ids: &[StmtId]) {
    for id in ids {
        let bases = attributes.classes.get(id).map(|class| class.bases.clone());
        for base in bases.unwrap_or_default() {
            if let Some(base) = attributes.classes.get_mut(&base) {
                base.subclasses.push(*id);
            }
        }
    }
    for id in ids {
        if attributes.family(*id).is_some() {
            continue;
        }
        let mut work = vec![*id];
        while let Some(next) = work.pop() {
            if let Some(class) = attributes.classes.get_mut(&next)
                && class.family.is_none()
            {
                class.family = Some(*id);
                work.extend(class.bases.iter().chain(&class.subclasses));
            }
        }
    }
}

fn stores(tree: &Tree, semantics: &mut Semantics) {
    let mut found: BTreeMap<String, Vec<Store>> = BTreeMap::new();
    for (target, kind) in &semantics.tables.attribute_stores {
        if let ExprKind::Attribute { value, attr } = &tree.expr(*target).kind {
            let class = semantics.binding_of_name(*value);
            let class = class.and_then(|binding| self_class(tree, semantics, binding));
            let kind = kind.clone();
            found
                .entry(attr.text.clone())
                .or_default()
                .push(Store { class, kind });
        }
    }
    let mut any_store = false;
    for id in (0..tree.expr_count() as u32).map(ExprId) {
        match &tree.expr(id).kind {
            ExprKind::Attribute { attr, .. } => any_store |= attr.text == "__dict__",
            ExprKind::Call { func, args, .. } => match named_store(tree, semantics, *func, args) {
                Some(NamedStore::Name(name)) => found.entry(name).or_default().push(Store {
                    class: None,
                    kind: DefinitionKind::Capture,
                }),
                Some(NamedStore::Computed) => any_store = true,
                None => {}
            },
            _ => {}
        }
    }
    semantics.attributes.stores = found;
    semantics.attributes.any_store = any_store;
}

/// What a call assigns.
enum NamedStore {
    Name(String),
    Computed,
}

/// `setattr(x, "name", v)`: under which name it assigns.
fn named_store(
    tree: &Tree,
    semantics: &Semantics,
    func: ExprId,
    args: &[ExprId],
) -> Option<NamedStore> {
    let path = semantics.qualified(func)?;
    match path.as_str() {
        "builtins.setattr" | "builtins.delattr" => {
            let name = args.get(1).map(|name| &tree.expr(*name).kind);
            Some(match name {
                Some(ExprKind::Str(name)) => NamedStore::Name(name.clone()),
                _ => NamedStore::Computed,
            })
        }
        "builtins.vars" if !args.is_empty() => Some(NamedStore::Computed),
        _ => None,
    }
}

/// The class whose instance a variable holds because it is `self` of a method, never rebound.
pub(crate) fn self_class(tree: &Tree, semantics: &Semantics, binding: BindingId) -> Option<StmtId> {
    let [definition] = semantics.binding(binding).definitions.as_slice() else {
        return None;
    };
    let function = semantics.function(definition.function);
    let StmtKind::FunctionDef(def) = &tree.stmt(function.stmt?).kind else {
        return None;
    };
    let params = &def.params;
    let first = params
        .positional_only
        .first()
        .or(params.positional.first())?;
    let is_first = first.name.span == definition.span;
    let is_static = def.decorators.iter().any(|decorator| {
        let path = semantics.qualified(*decorator);
        matches!(
            path.as_deref(),
            Some("builtins.staticmethod" | "builtins.classmethod")
        )
    });
    let implicit = matches!(
        function.name.as_str(),
        "__new__" | "__init_subclass__" | "__class_getitem__"
    );
    (is_first && !is_static && !implicit).then_some(function.class?)
}

impl Semantics {
    /// The functions that are exactly what a class body binds to a name; `None` when it binds
    /// something else too, or nothing.
    pub(crate) fn own_methods(&self, class: StmtId, name: &str) -> Option<Vec<FunctionId>> {
        let scope = self.tables.class_scopes.get(&class)?;
        let binding = self.scope(*scope).bindings.get(name)?;
        let definitions = &self.binding(*binding).definitions;
        let functions = definitions.iter().map(|definition| match definition.kind {
            DefinitionKind::Function(function) => Some(function),
            _ => None,
        });
        functions.collect()
    }

    /// Whether a class body binds a name.
    pub(crate) fn binds_in_class(&self, class: StmtId, name: &str) -> bool {
        let scope = self.tables.class_scopes.get(&class);
        scope.is_some_and(|scope| self.scope(*scope).bindings.contains_key(name))
    }
}
