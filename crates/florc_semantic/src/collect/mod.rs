//! First pass: scopes, functions, loops, and every place that binds a name, file by file.
//!
//! ```python
//! def main():              # a scope and a function
//!     for i in range(3):   # a loop; `i` is bound in main's scope
//!         total = i        # so is `total`
//! ```
//!
//! Walks the tree once. Names that are read are looked up later, by [`crate::resolve`].

mod bind;
mod compound;
mod expressions;
mod imports;
mod labels;
mod statements;
mod targets;

use std::collections::{BTreeMap, BTreeSet};

use florc_syntax::tree::{ExprId, Identifier, StmtId, Tree};
use florc_syntax::{FileInfo, Module, Span};

use crate::Semantics;
use crate::ids::{FunctionId, LoopId, ScopeId};
use crate::model::{Definition, DefinitionKind, Function, FunctionKind, Scope, ScopeKind};
use crate::program::Program;
use crate::tables::Use;

pub(crate) use compound::captures;

/// Fills scopes, bindings, functions, loops and the tables of this pass; imports of `files` are
/// followed.
pub(crate) fn collect(module: &Module, files: &[FileInfo]) -> Semantics {
    let mut collector = Collector::new(&module.tree);
    collector.semantics.program = Program::new(files);
    for body in module.tree.bodies() {
        collector.paths.clear();
        let function = collector.function("", String::new(), FunctionKind::Module, None);
        let scope = collector.semantics.functions[function.index()].scope;
        collector.semantics.modules.push(function);
        let at = At {
            scope,
            loop_id: None,
        };
        collector.block(body, at);
    }
    collector.expand_stars();
    let Collector {
        semantics,
        raw,
        declarations,
        ..
    } = collector;
    bind::bind(semantics, &raw, &declarations)
}

/// A name that a statement binds, before it is known which variable that is.
struct RawDefinition {
    scope: ScopeId,
    name: String,
    definition: Definition,
    /// The name stands as an identifier, not as an expression.
    is_identifier: bool,
    /// False for `x: int`, which only makes the name one of this scope.
    binds: bool,
}

/// A name after `global` or `nonlocal`.
struct Declaration {
    scope: ScopeId,
    name: Identifier,
    is_global: bool,
}

/// Where the walk is.
#[derive(Clone, Copy)]
struct At {
    scope: ScopeId,
    loop_id: Option<LoopId>,
}

struct Collector<'a> {
    tree: &'a Tree,
    semantics: Semantics,
    raw: Vec<RawDefinition>,
    declarations: Vec<Declaration>,
    /// Star imports of files of the program.
    stars: Vec<imports::Star>,
    /// Names declared `global`, by scope.
    globals: BTreeSet<(ScopeId, String)>,
    /// What goes before the name of a function defined in a scope.
    prefixes: Vec<String>,
    /// How often each loop path of the file was seen.
    paths: BTreeMap<String, u32>,
    /// The statement the walk is in.
    stmt: StmtId,
}

impl<'a> Collector<'a> {
    fn new(tree: &'a Tree) -> Self {
        let mut semantics = Semantics::default();
        let tables = &mut semantics.tables;
        tables.stmt_scopes = vec![ScopeId(0); tree.stmt_count()];
        tables.stmt_loops = vec![None; tree.stmt_count()];
        tables.stmt_children = vec![Vec::new(); tree.stmt_count()];
        tables.expr_scopes = vec![ScopeId(0); tree.expr_count()];
        tables.expr_uses = vec![Use::Load; tree.expr_count()];
        Self {
            tree,
            semantics,
            raw: Vec::new(),
            declarations: Vec::new(),
            stars: Vec::new(),
            globals: BTreeSet::new(),
            prefixes: Vec::new(),
            paths: BTreeMap::new(),
            stmt: StmtId(0),
        }
    }

    /// A new scope whose code runs in the flow of `function`.
    fn scope(
        &mut self,
        kind: ScopeKind,
        parent: Option<ScopeId>,
        function: FunctionId,
        prefix: String,
    ) -> ScopeId {
        let id = ScopeId(self.semantics.scopes.len() as u32);
        self.semantics.scopes.push(Scope {
            kind,
            parent,
            function,
            bindings: BTreeMap::new(),
            declared: BTreeMap::new(),
        });
        self.prefixes.push(prefix);
        id
    }

    /// A scope inside another that runs in the same flow.
    fn inner_scope(&mut self, kind: ScopeKind, parent: ScopeId) -> ScopeId {
        let function = self.semantics.scopes[parent.index()].function;
        let prefix = self.prefixes[parent.index()].clone();
        self.scope(kind, Some(parent), function, prefix)
    }

    /// A new function without parameters yet, and its scope.
    fn function(
        &mut self,
        name: &str,
        qualname: String,
        kind: FunctionKind,
        opened: Option<(ScopeKind, ScopeId)>,
    ) -> FunctionId {
        let id = FunctionId(self.semantics.functions.len() as u32);
        let prefix = match kind {
            FunctionKind::Module => String::new(),
            FunctionKind::Def | FunctionKind::Lambda => format!("{qualname}.<locals>."),
        };
        let parent = opened.map(|(_, parent)| self.semantics.scopes[parent.index()].function);
        let class = opened.and_then(|(_, parent)| self.class_of_scope(parent));
        let (scope_kind, scope_parent) = opened.unzip();
        let scope_kind = scope_kind.unwrap_or(ScopeKind::Module);
        let scope = self.scope(scope_kind, scope_parent, id, prefix);
        self.semantics.functions.push(Function {
            id,
            name: name.to_owned(),
            qualname,
            kind,
            stmt: None,
            expr: None,
            scope,
            params: Vec::new(),
            class,
            parent,
            is_generator: false,
            is_async: false,
            is_decorated: false,
        });
        id
    }

    /// The class whose body this scope is, seen through type parameters.
    fn class_of_scope(&self, scope: ScopeId) -> Option<StmtId> {
        let scope = &self.semantics.scopes[scope.index()];
        match scope.kind {
            ScopeKind::Class(class) => Some(class),
            ScopeKind::TypeParameters(_) => self.class_of_scope(scope.parent?),
            ScopeKind::Module
            | ScopeKind::Function(_)
            | ScopeKind::Lambda(_)
            | ScopeKind::Comprehension(_) => None,
        }
    }

    /// Python's qualified name for something called `name` that is defined in `scope`.
    fn qualname(&self, scope: ScopeId, name: &str) -> String {
        if self.globals.contains(&(scope, name.to_owned())) {
            return name.to_owned();
        }
        format!("{}{name}", self.prefixes[scope.index()])
    }

    fn define(&mut self, scope: ScopeId, name: &Identifier, kind: DefinitionKind) {
        self.push_definition(scope, name.text.clone(), name.span, kind, true);
    }

    fn define_expr(&mut self, scope: ScopeId, name: &str, expr: ExprId, kind: DefinitionKind) {
        let span = self.tree.expr(expr).span;
        self.push_definition(scope, name.to_owned(), span, kind, false);
    }

    fn push_definition(
        &mut self,
        scope: ScopeId,
        name: String,
        span: Span,
        kind: DefinitionKind,
        is_identifier: bool,
    ) {
        let definition = Definition {
            kind,
            span,
            stmt: self.stmt,
            function: self.semantics.scopes[scope.index()].function,
        };
        self.raw.push(RawDefinition {
            scope,
            name,
            definition,
            is_identifier,
            binds: true,
        });
    }

    fn function_of(&mut self, scope: ScopeId) -> &mut Function {
        let id = self.semantics.scopes[scope.index()].function;
        &mut self.semantics.functions[id.index()]
    }
}
