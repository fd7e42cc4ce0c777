//! What names and attribute chains mean: dotted import paths, modules and variables of other files.
//!
//! ```python
//! from torch import optim
//! opt = optim.AdamW          # qualified(`optim.AdamW`) == "torch.optim.AdamW"
//! ```
//!
//! A name has a path when every definition that gives it a value is the same import. Paths that the
//! program assigns to (`time.time = fake`) are dropped. Imports of files of the program are followed
//! to what they bind there.

use std::collections::BTreeSet;

use florc_syntax::tree::{ExprId, ExprKind, Tree};

use crate::Semantics;
use crate::ids::BindingId;
use crate::model::{DefinitionKind, Resolution};
use crate::program::Place;

/// How many assignments `a = b = …` and imports are followed.
const DEPTH: usize = 8;

/// What an expression surely means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// No value is seen.
    Nothing,
    /// Something of a library, by dotted path.
    Library(String),
    /// A file of the program.
    Module(usize),
    /// A folder of the program without a file of its own.
    Namespace(String),
    /// A variable that is more than an import.
    Binding(BindingId),
    /// Anything.
    Many,
}

/// Fills the table of paths.
pub(crate) fn qualify(tree: &Tree, semantics: &mut Semantics) {
    let finder = Finder::new(tree, semantics);
    let all = (0..tree.expr_count() as u32).map(ExprId);
    let chains = all.filter(|id| {
        let kind = &tree.expr(*id).kind;
        matches!(kind, ExprKind::Name(_) | ExprKind::Attribute { .. })
    });
    let mut found: Vec<(ExprId, String)> = chains
        .filter_map(|id| match finder.meaning(id) {
            Meaning::Library(path) => Some((id, path)),
            Meaning::Nothing
            | Meaning::Module(_)
            | Meaning::Namespace(_)
            | Meaning::Binding(_)
            | Meaning::Many => None,
        })
        .collect();
    let stores = semantics.tables.attribute_stores.iter().map(|(id, _)| *id);
    let stores: BTreeSet<ExprId> = stores.collect();
    let patched = found.iter().filter(|(id, _)| stores.contains(id));
    let patched: BTreeSet<String> = patched.map(|(_, path)| path.clone()).collect();
    found.retain(|(_, path)| !is_patched(path, &patched));
    semantics.tables.qualified = found.into_iter().collect();
}

/// Follows names to what they mean.
pub(crate) struct Finder<'a> {
    tree: &'a Tree,
    semantics: &'a Semantics,
}

impl<'a> Finder<'a> {
    pub(crate) fn new(tree: &'a Tree, semantics: &'a Semantics) -> Self {
        Self { tree, semantics }
    }

    pub(crate) fn meaning(&self, expr: ExprId) -> Meaning {
        self.expr(expr, &mut Vec::new())
    }

    pub(crate) fn meaning_of(&self, binding: BindingId) -> Meaning {
        self.binding(binding, &mut Vec::new())
    }

    fn expr(&self, expr: ExprId, seen: &mut Vec<BindingId>) -> Meaning {
        match &self.tree.expr(expr).kind {
            ExprKind::Name(_) => match self.semantics.tables.expr_names.get(&expr) {
                Some(Resolution::Binding(binding)) => self.binding(*binding, seen),
                Some(Resolution::Builtin(name)) => Meaning::Library(format!("builtins.{name}")),
                Some(Resolution::Unknown(_)) | None => Meaning::Many,
            },
            ExprKind::Attribute { value, attr } => match self.expr(*value, seen) {
                Meaning::Library(path) => Meaning::Library(format!("{path}.{}", attr.text)),
                Meaning::Namespace(path) => self.path(&format!("{path}.{}", attr.text), seen),
                Meaning::Module(file) => self.member(file, &attr.text, seen),
                Meaning::Nothing | Meaning::Binding(_) | Meaning::Many => Meaning::Many,
            },
            _ => Meaning::Many,
        }
    }

    fn binding(&self, binding: BindingId, seen: &mut Vec<BindingId>) -> Meaning {
        if seen.contains(&binding) {
            return Meaning::Nothing;
        }
        if seen.len() >= DEPTH {
            return Meaning::Many;
        }
        seen.push(binding);
        let found = self.definitions(binding, seen);
        seen.pop();
        found
    }

    fn definitions(&self, binding: BindingId, seen: &mut Vec<BindingId>) -> Meaning {
        let variable = Meaning::Binding(binding);
        let mut only = Meaning::Nothing;
        for definition in &self.semantics.binding(binding).definitions {
            let found = match &definition.kind {
                DefinitionKind::Import(path) => {
                    let file = self.semantics.file_of(definition.function);
                    self.place(self.semantics.program.place(file, path), seen)
                }
                DefinitionKind::Delete => continue,
                // `try: import x / except ImportError: x = None`: using None raises.
                DefinitionKind::Assign(value) => match self.tree.expr(*value).kind {
                    ExprKind::None => continue,
                    _ => match self.expr(*value, seen) {
                        Meaning::Nothing | Meaning::Binding(_) | Meaning::Many => return variable,
                        found => found,
                    },
                },
                DefinitionKind::Unpack(_)
                | DefinitionKind::Augment(_)
                | DefinitionKind::Parameter(_)
                | DefinitionKind::Iteration(_)
                | DefinitionKind::Function(_)
                | DefinitionKind::Class(_)
                | DefinitionKind::With(_)
                | DefinitionKind::Except
                | DefinitionKind::Capture
                | DefinitionKind::Type => return variable,
            };
            match found {
                Meaning::Nothing => {}
                Meaning::Many => return variable,
                found if only == Meaning::Nothing => only = found,
                found if only == found => {}
                _ => return variable,
            }
        }
        if only == Meaning::Nothing {
            variable
        } else {
            only
        }
    }

    fn path(&self, path: &str, seen: &mut Vec<BindingId>) -> Meaning {
        self.place(self.semantics.program.find(path), seen)
    }

    fn place(&self, place: Place, seen: &mut Vec<BindingId>) -> Meaning {
        match place {
            Place::Member(file, name) => self.member(file, &name, seen),
            Place::File(file) => Meaning::Module(file),
            Place::Namespace(path) => Meaning::Namespace(path),
            Place::Elsewhere(path) => Meaning::Library(path),
        }
    }

    /// An attribute of a module: a variable of the file, or a submodule.
    fn member(&self, file: usize, name: &str, seen: &mut Vec<BindingId>) -> Meaning {
        let (binding, module) = self.semantics.member(file, name);
        if self.semantics.is_open(self.semantics.modules[file]) {
            return Meaning::Many;
        }
        let found = binding.map_or(Meaning::Nothing, |binding| self.binding(binding, seen));
        match (found, module) {
            (Meaning::Nothing, Some(module)) => Meaning::Module(module),
            (Meaning::Nothing, None) => Meaning::Many,
            (found, None) => found,
            (found, Some(module)) if found == Meaning::Module(module) => found,
            (_, Some(_)) => Meaning::Many,
        }
    }
}

fn is_patched(path: &str, patched: &BTreeSet<String>) -> bool {
    let dots = path.match_indices('.').map(|(at, _)| at);
    dots.chain([path.len()])
        .any(|end| patched.contains(&path[..end]))
}
