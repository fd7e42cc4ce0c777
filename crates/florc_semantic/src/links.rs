//! What names and attribute chains mean across the files of a program.
//!
//! ```python
//! import model, config              # Module, Module
//! net = model.Net()                 # `model.Net`: the class of the other file
//! config.lr = 0.1                   # one more definition of the variable `lr` of config.py
//! ```
//!
//! Surely means: whatever order files are imported in. Where a module is given away as a value
//! (`train(config)`), its variables may be bound by anybody: it is open, and nothing in it is sure.

use std::collections::BTreeSet;

use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind, Tree};

use crate::Semantics;
use crate::ids::{BindingId, FunctionId};
use crate::imports::{Finder, Meaning};
use crate::model::{Binding, Definition, DefinitionKind, Link};
use crate::program::Place;
use crate::tables::Use;

/// Adds what other files store in modules (`config.lr = 0.1`) to the definitions of the variables.
/// Whether there are variables that were none before.
pub(crate) fn stores(tree: &Tree, semantics: &mut Semantics) -> bool {
    let mut found = Vec::new();
    let finder = Finder::new(tree, semantics);
    for (target, kind) in &semantics.tables.attribute_stores {
        if let ExprKind::Attribute { value, attr } = &tree.expr(*target).kind
            && let Meaning::Module(file) = finder.meaning(*value)
        {
            found.push((*target, kind.clone(), file, attr.text.clone()));
        }
    }
    let mut made = false;
    for (target, kind, file, name) in found {
        let (id, new) = variable(semantics, file, &name);
        made |= new;
        let definition = Definition {
            kind,
            span: tree.expr(target).span,
            stmt: tree.stmt_of(target),
            function: semantics.function_of_expr(target),
        };
        semantics.bindings[id.index()].definitions.push(definition);
    }
    made
}

/// The variable of a file, made when there is none yet.
fn variable(semantics: &mut Semantics, file: usize, name: &str) -> (BindingId, bool) {
    let module = semantics.modules[file];
    let scope = semantics.function(module).scope;
    if let Some(id) = semantics.scope(scope).bindings.get(name).copied() {
        semantics.bindings[id.index()].is_captured = true;
        return (id, false);
    }
    let id = BindingId(semantics.bindings.len() as u32);
    let binding = Binding {
        is_captured: true,
        ..Binding::new(name.to_owned(), scope)
    };
    semantics.bindings.push(binding);
    semantics.scopes[scope.index()]
        .bindings
        .insert(name.to_owned(), id);
    semantics.tables.variables[module.index()].push(id);
    (id, true)
}

/// Finds modules that are used as values; then fills links and uses.
pub(crate) fn find(tree: &Tree, semantics: &mut Semantics) {
    if semantics.program.is_empty() {
        return;
    }
    semantics.given = given(tree, semantics);
    runs(tree, semantics);
    let finder = Finder::new(tree, semantics);
    let mut links = Vec::new();
    for id in (0..tree.expr_count() as u32).map(ExprId) {
        let link = match finder.meaning(id) {
            Meaning::Module(file) => Some(Link::Module(file)),
            Meaning::Binding(binding) if Some(binding) != semantics.binding_of_name(id) => {
                Some(Link::Binding(binding))
            }
            Meaning::Binding(_)
            | Meaning::Nothing
            | Meaning::Library(_)
            | Meaning::Namespace(_)
            | Meaning::Many => None,
        };
        links.extend(link.map(|link| (id, link)));
    }
    semantics.tables.links = links.into_iter().collect();
    uses(tree, semantics);
}

/// Names and chains that may mean a variable of another file are uses of it.
fn uses(tree: &Tree, semantics: &mut Semantics) {
    let mut added: Vec<(BindingId, ExprId)> = Vec::new();
    let finder = Finder::new(tree, semantics);
    for id in (0..tree.expr_count() as u32).map(ExprId) {
        if let ExprKind::Attribute { value, attr } = &tree.expr(id).kind
            && let Meaning::Module(file) = finder.meaning(*value)
            && let (Some(binding), _) = semantics.member(file, &attr.text)
        {
            added.push((binding, id));
        }
    }
    let edges = edges(semantics);
    for (binding, id) in added {
        semantics.tables.uses[binding.index()].push(id);
    }
    // Chains of `from a import x` are short: every round follows one more import.
    let mut changed = true;
    while changed {
        changed = false;
        for (from, to) in &edges {
            let own: Vec<ExprId> = semantics.tables.uses[from.index()].clone();
            let theirs = &mut semantics.tables.uses[to.index()];
            let known: BTreeSet<ExprId> = theirs.iter().copied().collect();
            let new = own.into_iter().filter(|id| !known.contains(id));
            let before = theirs.len();
            theirs.extend(new);
            changed |= theirs.len() > before;
        }
    }
}

/// Imported names, and the variables that they may have been copied from.
fn edges(semantics: &Semantics) -> Vec<(BindingId, BindingId)> {
    let mut edges = Vec::new();
    for (index, binding) in semantics.bindings.iter().enumerate() {
        let from = BindingId(index as u32);
        for definition in &binding.definitions {
            for target in semantics.import_targets(definition) {
                match target {
                    Link::Binding(to) if to != from => edges.push((from, to)),
                    Link::Binding(_) | Link::Module(_) => {}
                }
            }
        }
    }
    edges
}

/// Modules of which somebody else may hold the object.
fn given(tree: &Tree, semantics: &Semantics) -> BTreeSet<FunctionId> {
    let finder = Finder::new(tree, semantics);
    let mut files: BTreeSet<usize> = BTreeSet::new();
    // Imports that may bind a module, where it is not sure that they do.
    for (index, binding) in semantics.bindings.iter().enumerate() {
        let sure = finder.meaning_of(BindingId(index as u32));
        for definition in &binding.definitions {
            for target in semantics.import_targets(definition) {
                if let Link::Module(file) = target
                    && sure != Meaning::Module(file)
                {
                    files.insert(file);
                }
            }
        }
    }
    for id in (0..tree.expr_count() as u32).map(ExprId) {
        if !matches!(
            tree.expr(id).kind,
            ExprKind::Name(_) | ExprKind::Attribute { .. }
        ) {
            continue;
        }
        let is_base = tree.expr_parent(id).is_some_and(|parent| {
            matches!(&tree.expr(parent).kind, ExprKind::Attribute { attr, .. } if attr.text != "__dict__")
        });
        let stored = matches!(tree.expr(id).kind, ExprKind::Name(_))
            && semantics.tables.expr_uses[id.0 as usize] != Use::Load;
        match finder.meaning(id) {
            Meaning::Module(file) if !is_base && !stored => {
                files.insert(file);
            }
            // `pkg.a`, a variable or a submodule.
            Meaning::Many => files.extend(unsure(tree, semantics, &finder, id)),
            Meaning::Namespace(_) if !is_base && !stored => {
                files.extend(0..semantics.modules.len());
            }
            Meaning::Module(_)
            | Meaning::Namespace(_)
            | Meaning::Nothing
            | Meaning::Library(_)
            | Meaning::Binding(_) => {}
        }
    }
    let mut work: Vec<usize> = files.iter().copied().collect();
    while let Some(file) = work.pop() {
        for inner in modules_in(semantics, file) {
            if files.insert(inner) {
                work.push(inner);
            }
        }
    }
    files
        .into_iter()
        .map(|file| semantics.modules[file])
        .collect()
}

fn unsure(tree: &Tree, semantics: &Semantics, finder: &Finder<'_>, id: ExprId) -> Option<usize> {
    let ExprKind::Attribute { value, attr } = &tree.expr(id).kind else {
        return None;
    };
    let Meaning::Module(file) = finder.meaning(*value) else {
        return None;
    };
    semantics.member(file, &attr.text).1
}

/// Modules that are attributes of a module.
fn modules_in(semantics: &Semantics, file: usize) -> Vec<usize> {
    let below = semantics.program.submodules(file).into_iter();
    let mut found: Vec<usize> = below.map(|(_, inner)| inner).collect();
    let scope = semantics.function(semantics.modules[file]).scope;
    for binding in semantics.scope(scope).bindings.values() {
        for definition in &semantics.binding(*binding).definitions {
            let targets = semantics.import_targets(definition).into_iter();
            found.extend(targets.filter_map(|target| match target {
                Link::Module(inner) => Some(inner),
                Link::Binding(_) => None,
            }));
        }
    }
    found
}

impl Semantics {
    /// Whether imports among the files of the program are followed; a single file has none.
    pub fn is_linked(&self) -> bool {
        !self.program.is_empty() || self.modules.len() < 2
    }

    /// What an import may bind, among the variables and modules of the program.
    pub fn import_targets(&self, definition: &Definition) -> Vec<Link> {
        let DefinitionKind::Import(path) = &definition.kind else {
            return Vec::new();
        };
        if self.program.is_empty() {
            return Vec::new();
        }
        match self.program.place(self.file_of(definition.function), path) {
            Place::Member(file, name) => {
                let (binding, module) = self.member(file, &name);
                let binding = binding.map(Link::Binding);
                binding
                    .into_iter()
                    .chain(module.map(Link::Module))
                    .collect()
            }
            Place::File(file) => vec![Link::Module(file)],
            Place::Namespace(_) | Place::Elsewhere(_) => Vec::new(),
        }
    }

    /// The variable and the submodule of a file that have a name.
    pub fn member(&self, file: usize, name: &str) -> (Option<BindingId>, Option<usize>) {
        let scope = self.function(self.modules[file]).scope;
        let binding = self.scope(scope).bindings.get(name).copied();
        (binding, self.program.submodule(file, name))
    }

    /// The files of the modules right below a package, with the names that it has for them.
    pub fn submodules(&self, file: usize) -> Vec<(String, usize)> {
        let below = self.program.submodules(file).into_iter();
        below
            .map(|(name, inner)| (name.to_owned(), inner))
            .collect()
    }

    /// The file of the program that a dotted import path names.
    pub fn file_named(&self, path: &str) -> Option<usize> {
        match self.program.find(path) {
            Place::Member(file, name) => self.program.submodule(file, &name),
            Place::File(file) => Some(file),
            Place::Namespace(_) | Place::Elsewhere(_) => None,
        }
    }

    /// The file that a function is in, by its place in [`Semantics::modules`].
    pub fn file_of(&self, function: FunctionId) -> usize {
        let module = self.module_of(function);
        let found = self.modules.iter().position(|of| *of == module);
        found.unwrap_or_default()
    }

    /// What a name or attribute chain surely means in another file.
    pub fn link(&self, expr: ExprId) -> Option<Link> {
        self.tables.links.get(&expr).copied()
    }

    /// The variable that a name or attribute chain surely means, in whichever file it lives: what
    /// `from model import Net` binds is the `Net` of the other file.
    pub fn variable(&self, expr: ExprId) -> Option<BindingId> {
        match self.link(expr) {
            Some(Link::Binding(binding)) => Some(binding),
            Some(Link::Module(_)) => None,
            None => self.binding_of_name(expr),
        }
    }

    /// Import statements of files of the program, in source order, each with the bodies of the files
    /// that it runs, unless they ran before.
    pub fn imports(&self) -> &[(StmtId, Vec<FunctionId>)] {
        &self.tables.import_runs
    }
}

/// Fills the table of [`Semantics::imports`].
fn runs(tree: &Tree, semantics: &mut Semantics) {
    let mut runs = Vec::new();
    for stmt in (0..tree.stmt_count() as u32).map(StmtId) {
        let file = semantics.file_of(semantics.function_of_stmt(stmt));
        let program = &semantics.program;
        let found: Vec<usize> = match &tree.stmt(stmt).kind {
            StmtKind::Import { names } => {
                let paths = names.iter().map(|alias| alias.name.text.as_str());
                paths
                    .flat_map(|path| program.run_by(file, path, &[]))
                    .collect()
            }
            StmtKind::ImportFrom {
                module,
                names,
                level,
            } => {
                let dots = ".".repeat(*level as usize);
                let path = module.as_ref().map_or("", |module| module.text.as_str());
                let names: Vec<&str> = names.iter().map(|alias| alias.name.text.as_str()).collect();
                program.run_by(file, &format!("{dots}{path}"), &names)
            }
            _ => continue,
        };
        let new = found
            .into_iter()
            .filter(|found| !program.is_around(*found, file));
        let bodies: BTreeSet<FunctionId> = new.map(|at| semantics.modules[at]).collect();
        if !bodies.is_empty() {
            runs.push((stmt, bodies.into_iter().collect()));
        }
    }
    semantics.tables.import_runs = runs;
}
