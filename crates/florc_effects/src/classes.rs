//! Classes of the program: their methods and where they look attributes up.
//!
//! ```python
//! class Net(nn.Module):        # bases: [Typed("torch.nn.Module")], methods: {forward}
//!     def forward(self, x): ...
//! ```
//!
//! A table of facts; runs nothing.

use florc_semantic::{FunctionId, Semantics};
use florc_syntax::Module;
use florc_syntax::tree::{ExprKind, StmtId, StmtKind};

use crate::hash::Table;
use crate::knowledge::Knowledge;
use crate::name::Name;

/// What a class derives from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Module(StmtId),
    Typed(Name),
    Unknown,
}

/// How a function in a class body is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    Method,
    Property,
    Static,
    Class,
}

/// One class.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClassInfo {
    pub(crate) bases: Vec<Base>,
    pub(crate) methods: Table<Name, Vec<(FunctionId, Flavor)>>,
    /// The class and all it derives from in this module, nearest first.
    line: Vec<StmtId>,
}

/// All classes of a module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Classes {
    table: Table<StmtId, ClassInfo>,
    /// Names of all methods that begin with two underscores.
    dunders: Vec<Name>,
    /// Names of all properties.
    properties: Vec<Name>,
    /// Properties that keep what they give.
    kept: Vec<FunctionId>,
}

impl Classes {
    pub(crate) fn collect(module: &Module, semantics: &Semantics, knowledge: &Knowledge) -> Self {
        let mut classes = Self::default();
        for index in 0..module.tree.stmt_count() {
            let stmt = StmtId(index as u32);
            if matches!(module.tree.stmt(stmt).kind, StmtKind::ClassDef(_)) {
                let bases = bases(module, semantics, knowledge, stmt);
                classes.table.insert(
                    stmt,
                    ClassInfo {
                        bases,
                        ..ClassInfo::default()
                    },
                );
            }
        }
        for function in &semantics.functions {
            let Some(info) = function
                .class
                .and_then(|class| classes.table.get_mut(&class))
            else {
                continue;
            };
            let flavor = function
                .stmt
                .map_or(Flavor::Method, |stmt| flavor(module, semantics, stmt));
            let name = Name::from(&function.name);
            let own = info.methods.entry(name).or_default();
            own.push((function.id, flavor));
            if name.starts_with("__") && !classes.dunders.contains(&name) {
                classes.dunders.push(name);
            }
            if flavor == Flavor::Property {
                classes.properties.push(name);
            }
            if function
                .stmt
                .is_some_and(|stmt| is_kept(module, semantics, stmt))
            {
                classes.kept.push(function.id);
            }
        }
        let all: Vec<StmtId> = classes.table.keys().copied().collect();
        for class in all {
            let line = classes.line_of(class);
            if let Some(info) = classes.table.get_mut(&class) {
                info.line = line;
            }
        }
        classes
    }

    /// Whether a property is a `functools.cached_property`.
    pub(crate) fn is_kept(&self, function: FunctionId) -> bool {
        self.kept.contains(&function)
    }

    /// The class and all it derives from in this module, nearest first.
    pub(crate) fn line(&self, class: StmtId) -> &[StmtId] {
        let info = self.table.get(&class);
        info.map_or(&[], |info| &info.line)
    }

    fn line_of(&self, class: StmtId) -> Vec<StmtId> {
        let mut line = vec![class];
        let mut next = 0;
        while next < line.len() {
            for base in self
                .table
                .get(&line[next])
                .map_or(&[][..], |info| &info.bases)
            {
                if let Base::Module(base) = base
                    && !line.contains(base)
                {
                    line.push(*base);
                }
            }
            next += 1;
        }
        line
    }

    /// The functions that a method name means; several where the class defines it several times.
    pub(crate) fn find(&self, class: StmtId, name: impl Into<Name>) -> Vec<(FunctionId, Flavor)> {
        self.find_in(self.line(class), name.into())
    }

    /// As [`Self::find`], for `super()`.
    pub(crate) fn find_above(
        &self,
        class: StmtId,
        name: impl Into<Name>,
    ) -> Vec<(FunctionId, Flavor)> {
        let above = self.line(class).get(1..).unwrap_or_default();
        self.find_in(above, name.into())
    }

    fn find_in(&self, line: &[StmtId], name: Name) -> Vec<(FunctionId, Flavor)> {
        let mut found = line
            .iter()
            .filter_map(|class| self.table.get(class)?.methods.get(&name));
        found.next().cloned().unwrap_or_default()
    }

    /// Library types that a class derives from.
    pub(crate) fn typed_bases(&self, class: StmtId) -> Vec<Name> {
        let bases = self.line(class);
        let infos = bases.iter().filter_map(|class| self.table.get(class));
        infos
            .flat_map(|info| &info.bases)
            .filter_map(|base| match base {
                Base::Typed(name) => Some(*name),
                Base::Module(_) | Base::Unknown => None,
            })
            .collect()
    }

    /// Something that is not known is among what a class derives from.
    pub(crate) fn has_unknown_base(&self, class: StmtId) -> bool {
        let line = self.line(class);
        line.iter().any(|class| match self.table.get(class) {
            Some(info) => info.bases.contains(&Base::Unknown),
            None => true,
        })
    }

    /// Whether some class of the module defines one of these names.
    pub(crate) fn any_defines(&self, names: &[&str]) -> bool {
        names.iter().any(|name| {
            if name.starts_with("__") {
                return self.dunders.iter().any(|own| **own == **name);
            }
            let mut classes = self.table.values();
            let name = Name::known(name);
            name.is_some_and(|name| classes.any(|info| info.methods.contains_key(&name)))
        })
    }

    /// Whether reading an attribute of this name may run code of the module.
    pub(crate) fn any_property(&self, name: &str) -> bool {
        self.properties.iter().any(|own| &**own == name)
            || self.any_defines(&["__getattr__", "__getattribute__"])
    }
}

fn bases(module: &Module, semantics: &Semantics, knowledge: &Knowledge, stmt: StmtId) -> Vec<Base> {
    let StmtKind::ClassDef(class) = &module.tree.stmt(stmt).kind else {
        return Vec::new();
    };
    let mut bases = Vec::new();
    let own = semantics.module_bases(stmt);
    for base in &class.bases {
        let base = match &module.tree.expr(*base).kind {
            ExprKind::Subscript { value, .. } => *value,
            _other => *base,
        };
        if let Some(class) = semantics
            .class_named(base)
            .filter(|class| own.contains(class))
        {
            bases.push(Base::Module(class));
            continue;
        }
        if let Some(qualified) = semantics.qualified(base) {
            bases.push(match knowledge.type_of_class(&qualified) {
                Some(name) => Base::Typed(name),
                None => Base::Unknown,
            });
            continue;
        }
        let name = module.source.slice(module.tree.expr(base).span);
        let named = own
            .iter()
            .find(|class| class_name(module, **class) == Some(name));
        bases.push(named.map_or(Base::Unknown, |class| Base::Module(*class)));
    }
    if class
        .keywords
        .iter()
        .any(|keyword| keyword.name.as_ref().is_none_or(|n| n.text == "metaclass"))
    {
        let known = class.keywords.iter().all(|keyword| {
            semantics
                .qualified(keyword.value)
                .is_some_and(|name| knowledge.has_type(&name))
        });
        bases.push(if known {
            Base::Typed("builtins.object".into())
        } else {
            Base::Unknown
        });
    }
    bases
}

fn class_name(module: &Module, stmt: StmtId) -> Option<&str> {
    match &module.tree.stmt(stmt).kind {
        StmtKind::ClassDef(class) => Some(&class.name.text),
        _other => None,
    }
}

fn is_kept(module: &Module, semantics: &Semantics, stmt: StmtId) -> bool {
    let StmtKind::FunctionDef(def) = &module.tree.stmt(stmt).kind else {
        return false;
    };
    let mut names = def
        .decorators
        .iter()
        .filter_map(|it| semantics.qualified(*it));
    names.any(|name| name == "functools.cached_property")
}

fn flavor(module: &Module, semantics: &Semantics, stmt: StmtId) -> Flavor {
    let StmtKind::FunctionDef(def) = &module.tree.stmt(stmt).kind else {
        return Flavor::Method;
    };
    for decorator in &def.decorators {
        let name = semantics.qualified(*decorator).unwrap_or_default();
        let text = module.source.slice(module.tree.expr(*decorator).span);
        match name.as_str() {
            "builtins.property" | "functools.cached_property" => return Flavor::Property,
            "builtins.staticmethod" => return Flavor::Static,
            "builtins.classmethod" => return Flavor::Class,
            _ if text.ends_with(".setter") || text.ends_with(".getter") => return Flavor::Property,
            _ => {}
        }
    }
    if def.name.text == "__new__" {
        Flavor::Static
    } else {
        Flavor::Method
    }
}
