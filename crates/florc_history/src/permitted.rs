//! Which statements a probe may be made of.
//!
//! ```python
//! if epoch % 10 == 0:        # permitted
//!     print(loss)
//! raise ValueError           # not: it would end the recorded run
//! ```
//!
//! Looks at kinds of statements only; what they do to variables and hidden state is judged in
//! [`crate::classify`].

use florc_semantic::ScopeKind;
use florc_syntax::tree::{Alias, ExprKind, StmtId, StmtKind};
use florc_syntax::{Module, Span};

use crate::classify::Version;
use crate::shape::suites;

/// A reason against an added statement.
pub(crate) struct Objection {
    pub(crate) span: Span,
    pub(crate) text: String,
}

/// Modules whose import is known to leave no trace in a training.
const HARMLESS_IMPORTS: &[&str] = &[
    "bisect",
    "collections",
    "copy",
    "dataclasses",
    "datetime",
    "enum",
    // it is there when a script is recorded
    "florc",
    "fractions",
    "functools",
    "heapq",
    "io",
    "itertools",
    "json",
    "logging",
    "math",
    "numbers",
    "operator",
    "os",
    "pathlib",
    "pprint",
    "re",
    "statistics",
    "string",
    "sys",
    "textwrap",
    "time",
    "types",
    "typing",
];

/// All reasons why `stmt` cannot be part of a probe, whatever its effects.
pub(crate) fn objections(recorded: &Module, current: Version<'_>, stmt: StmtId) -> Vec<Objection> {
    let mut walk = Walk {
        recorded,
        current,
        found: Vec::new(),
    };
    walk.stmt(
        stmt,
        Inside {
            in_loop: false,
            in_function: false,
        },
    );
    if let Some(StmtKind::ClassDef(_)) = current
        .module
        .tree
        .parent(stmt)
        .map(|parent| &current.module.tree.stmt(parent).kind)
    {
        let binds = !current.semantics.assigned_in(&[stmt]).is_empty();
        if binds {
            walk.object(stmt, "it gives a recorded class another attribute");
        }
    }
    walk.found
}

#[derive(Clone, Copy)]
struct Inside {
    /// In a loop that was added too: `break` and `continue` stay inside.
    in_loop: bool,
    /// In a function that was added too.
    in_function: bool,
}

struct Walk<'a> {
    recorded: &'a Module,
    current: Version<'a>,
    found: Vec<Objection>,
}

impl Walk<'_> {
    fn object(&mut self, stmt: StmtId, text: &str) {
        let span = self.current.module.tree.stmt(stmt).span;
        self.found.push(Objection {
            span,
            text: text.to_owned(),
        });
    }

    fn stmt(&mut self, id: StmtId, inside: Inside) {
        let module = self.current.module;
        let kind = &module.tree.stmt(id).kind;
        let mut within = inside;
        match kind {
            StmtKind::Break | StmtKind::Continue if !inside.in_loop => {
                self.object(id, "it leaves a recorded loop early");
            }
            StmtKind::Return { .. } if !inside.in_function => {
                self.object(id, "it leaves a recorded function early");
            }
            StmtKind::Raise { .. } | StmtKind::Assert { .. } if !inside.in_function => {
                self.object(id, "it can end the recorded run");
            }
            StmtKind::Global { .. } | StmtKind::Nonlocal { .. } => {
                self.object(id, "it changes what a name means");
            }
            StmtKind::ClassDef(_) => self.object(id, "a class is more than a log statement needs"),
            StmtKind::FunctionDef(def) => {
                if !def.decorators.is_empty() {
                    self.object(id, "a decorator may do anything");
                }
                within = Inside {
                    in_loop: false,
                    in_function: true,
                };
            }
            StmtKind::For { .. } | StmtKind::While { .. } => within.in_loop = true,
            StmtKind::Import { names } => self.import(id, names),
            StmtKind::ImportFrom {
                module,
                names,
                level,
            } => {
                let named = module.as_ref().map_or("", |name| name.text.as_str());
                if names.iter().any(|alias| alias.name.text == "*") {
                    self.object(id, "importing it may run anything and bind any name");
                } else {
                    self.import_from(id, *level, named, names);
                }
            }
            _ => {}
        }
        if !within.in_function {
            self.suspends(id);
        }
        for inner in suites(kind).into_iter().flatten() {
            self.stmt(*inner, within);
        }
    }

    /// `yield` and `await` hand control to somebody else.
    fn suspends(&mut self, id: StmtId) {
        let tree = &self.current.module.tree;
        for expr in tree
            .stmt_exprs(id)
            .into_iter()
            .flat_map(|expr| tree.all_exprs(expr))
        {
            let kind = &tree.expr(expr).kind;
            if matches!(
                kind,
                ExprKind::Await { .. } | ExprKind::Yield { .. } | ExprKind::YieldFrom { .. }
            ) {
                self.object(
                    id,
                    "`yield` and `await` change the order in which the training runs",
                );
            }
        }
    }

    fn import(&mut self, id: StmtId, names: &[Alias]) {
        for alias in names {
            self.import_of(id, &alias.name.text);
        }
    }

    fn import_from(&mut self, id: StmtId, level: u32, named: &str, names: &[Alias]) {
        let source = &self.current.module.source;
        let file = source.file_of(self.current.module.tree.stmt(id).span.start);
        let base = relative(&file.package, level, named);
        let Some(base) = base else {
            self.object(id, "this import goes above its package");
            return;
        };
        if !self.is_own(&base) {
            self.import_of(id, &base);
            return;
        }
        for alias in names {
            let inner = format!("{base}.{}", alias.name.text);
            let is_bound = self.has_run(&base) && self.binds(&base, &alias.name.text);
            if !(self.has_run(&inner) || is_bound) {
                self.import_of(id, &inner);
            }
        }
    }

    /// Whether the top of a dotted name is the project's.
    fn is_own(&self, name: &str) -> bool {
        let top = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let mut files = self.recorded.source.files().iter();
        files.any(|file| top(&file.name) == top(name))
    }

    /// Whether a file of that name is part of the recorded program.
    fn has_run(&self, name: &str) -> bool {
        let mut files = self.recorded.source.files().iter();
        files.any(|file| file.name == name)
    }

    /// Whether the file of a module binds a global of that name.
    fn binds(&self, module: &str, name: &str) -> bool {
        let source = &self.current.module.source;
        let bindings = &self.current.semantics.bindings;
        let mut named = bindings.iter().filter(|binding| binding.name == name);
        named.any(|binding| {
            let scope = self.current.semantics.scope(binding.scope);
            let mut places = binding.definitions.iter();
            scope.kind == ScopeKind::Module
                && places.any(|place| source.file_of(place.span.start).name == module)
        })
    }

    /// A package that the recorded version imports was run then, too; of the project's own, each
    /// file counts by itself.
    fn import_of(&mut self, id: StmtId, name: &str) {
        let top = name.split('.').next().unwrap_or_default();
        let known = if self.is_own(name) {
            self.has_run(name)
        } else {
            HARMLESS_IMPORTS.contains(&top) || imported_packages(self.recorded).any(|p| p == top)
        };
        if !known {
            self.object(
                id,
                &format!("importing `{name}` may change the training; the run did not"),
            );
        }
    }
}

/// The absolute name of what a `from` import names.
fn relative(package: &str, level: u32, named: &str) -> Option<String> {
    if level == 0 {
        return Some(named.to_owned());
    }
    let mut base = package;
    for _ in 1..level {
        base = base.rsplit_once('.')?.0;
    }
    let dot = if named.is_empty() { "" } else { "." };
    (!base.is_empty()).then(|| format!("{base}{dot}{named}"))
}

fn imported_packages(module: &Module) -> impl Iterator<Item = &str> {
    (0..module.tree.stmt_count() as u32)
        .map(StmtId)
        .flat_map(|id| {
            let names: Vec<&str> = match &module.tree.stmt(id).kind {
                StmtKind::Import { names } => names.iter().map(|a| a.name.text.as_str()).collect(),
                StmtKind::ImportFrom {
                    module: Some(name),
                    level: 0,
                    ..
                } => vec![name.text.as_str()],
                _ => Vec::new(),
            };
            names
                .into_iter()
                .map(|name| name.split('.').next().unwrap_or_default())
        })
}
