//! [`Semantics`]: everything that is known of a module, and the questions it answers.
//!
//! ```python
//! optimizer = optim.AdamW(model.parameters())
//! optimizer.step()         # qualified(`optim.AdamW`) == "torch.optim.AdamW" == type_of(`optimizer`)
//! ```
//!
//! Owns its facts and borrows no tree. Questions about flow are answered in the files of
//! [`crate::flow`]; no question fails, and one about an id of another module gives nothing.

use std::collections::BTreeSet;

use florc_syntax::Span;
use florc_syntax::tree::{ExprId, StmtId};
use petgraph::graph::DiGraph;

use crate::attributes::Attributes;
use crate::cfg::Cfg;
use crate::flow::FunctionFlow;
use crate::ids::{BindingId, FunctionId, LoopId, ScopeId};
use crate::model::{
    Binding, Call, ClassRef, DefinitionKind, DynamicUse, Function, FunctionKind, Loop, Resolution,
    Scope, ScopeKind,
};
use crate::program::Program;
use crate::tables::Tables;

/// What is known of a module.
#[derive(Clone, Debug, Default)]
pub struct Semantics {
    /// Scopes, the entry's first.
    pub scopes: Vec<Scope>,
    /// Variables, by [`BindingId`].
    pub bindings: Vec<Binding>,
    /// Functions, by [`FunctionId`]; the first is the body of the entry, and every other file has one
    /// too. Class bodies belong to the flow of the function around them.
    pub functions: Vec<Function>,
    /// Loops in source order, by [`LoopId`].
    pub loops: Vec<Loop>,
    /// The module body of each file, the entry's first.
    pub modules: Vec<FunctionId>,
    pub(crate) program: Program,
    /// Bodies of files whose module is used as a value: anybody may bind its variables.
    pub(crate) given: BTreeSet<FunctionId>,
    pub(crate) tables: Tables,
    pub(crate) dynamic: Vec<DynamicUse>,
    pub(crate) flows: Vec<FunctionFlow>,
    pub(crate) attributes: Attributes,
    pub(crate) calls: Vec<Call>,
    pub(crate) escaping: BTreeSet<FunctionId>,
}

impl Semantics {
    /// The variable behind an id.
    pub fn binding(&self, id: BindingId) -> &Binding {
        &self.bindings[id.index()]
    }

    /// The scope behind an id.
    pub fn scope(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.index()]
    }

    /// The function behind an id.
    pub fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.index()]
    }

    /// The module body of the file that a function is in.
    pub fn module_of(&self, function: FunctionId) -> FunctionId {
        let around = std::iter::successors(Some(function), |id| self.function(*id).parent);
        around.last().unwrap_or(function)
    }

    /// Whether a function is the body of a file.
    pub fn is_module(&self, function: FunctionId) -> bool {
        self.function(function).kind == FunctionKind::Module
    }

    /// The module body of the file that a variable lives in.
    pub fn module_of_binding(&self, binding: BindingId) -> FunctionId {
        self.module_of(self.scope(self.binding(binding).scope).function)
    }

    /// Whether a variable lives in the body of a file.
    pub fn is_global(&self, binding: BindingId) -> bool {
        self.is_module(self.scope(self.binding(binding).scope).function)
    }

    /// Whether code that is not seen may bind or unbind variables of the file with this body.
    pub fn is_open(&self, module: FunctionId) -> bool {
        let mut uses = self.dynamic.iter();
        self.given.contains(&module)
            || uses.any(|found| found.writes_globals && found.concerns(module))
    }

    /// Whether a variable of a file may be bound or unbound by code that is not seen.
    pub(crate) fn is_shaky_global(&self, binding: BindingId) -> bool {
        self.is_global(binding) && self.is_open(self.module_of_binding(binding))
    }

    /// What a `Name` means; `Unknown` with an empty name for any other expression.
    pub fn resolve(&self, name: ExprId) -> Resolution {
        let found = self.tables.expr_names.get(&name).cloned();
        found.unwrap_or(Resolution::Unknown(String::new()))
    }

    /// The variable that a `Name` means.
    pub fn binding_of_name(&self, name: ExprId) -> Option<BindingId> {
        match self.tables.expr_names.get(&name)? {
            Resolution::Binding(binding) => Some(*binding),
            Resolution::Builtin(_) | Resolution::Unknown(_) => None,
        }
    }

    /// The variable of an identifier that is no expression: the name of a `def` or `class`, a
    /// parameter, what an import binds, an exception's name, a capture, a name after `global`.
    pub fn binding_of_identifier(&self, span: Span) -> Option<BindingId> {
        self.tables.identifiers.get(&span.start).copied()
    }

    /// What a name would mean to code in this scope.
    pub fn lookup(&self, scope: ScopeId, name: &str) -> Resolution {
        crate::resolve::lookup(self, scope, name)
    }

    /// The dotted import path of a name or attribute chain: `optim.AdamW` is
    /// `torch.optim.AdamW`, `len` is `builtins.len`. Relative imports keep their leading dots.
    /// `None` for what this module defines, and where imports differ.
    pub fn qualified(&self, expr: ExprId) -> Option<String> {
        self.tables.qualified.get(&expr).cloned()
    }

    /// The class of an expression's value when the definitions that reach it agree on one: a
    /// constructor call, or a name or attribute of `self` that is only bound to such.
    pub fn class_of(&self, expr: ExprId) -> Option<ClassRef> {
        self.tables.classes.get(&expr).cloned()
    }

    /// As [`Semantics::class_of`], as text: `torch.optim.AdamW`; a class of this module gives
    /// `__main__.` and its `__qualname__`.
    pub fn type_of(&self, expr: ExprId) -> Option<String> {
        Some(self.class_name(self.tables.classes.get(&expr)?))
    }

    /// The class that every assignment to an attribute of a class of this module gives it.
    pub fn attribute_class(&self, class: StmtId, name: &str) -> Option<ClassRef> {
        self.attributes.class_of(class, name)
    }

    /// As [`Semantics::attribute_class`], as text.
    pub fn attribute_type(&self, class: StmtId, name: &str) -> Option<String> {
        Some(self.class_name(&self.attribute_class(class, name)?))
    }

    /// Text of a class: its dotted import path, or `__main__.` and its `__qualname__`.
    pub fn class_name(&self, class: &ClassRef) -> String {
        match class {
            ClassRef::Library(path) => path.clone(),
            ClassRef::Module(stmt) => format!("__main__.{}", self.attributes.qualname(*stmt)),
        }
    }

    /// The classes of this module that a class derives from, nearest first, without itself.
    pub fn module_bases(&self, class: StmtId) -> Vec<StmtId> {
        self.attributes.ancestors(class)
    }

    /// Dotted paths of the other classes that a class derives from, through those of this module;
    /// `None` when one of them is not known by name.
    pub fn library_bases(&self, class: StmtId) -> Option<Vec<String>> {
        self.attributes.library_bases(class)
    }

    /// The value of a variable's only definition, when that is a plain assignment.
    pub fn only_value(&self, binding: BindingId) -> Option<ExprId> {
        match self.binding(binding).definitions.as_slice() {
            [definition] => match definition.kind {
                DefinitionKind::Assign(value) => Some(value),
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
                | DefinitionKind::Type
                | DefinitionKind::Delete => None,
            },
            _ => None,
        }
    }

    /// The function in whose flow a statement runs. A `def` runs in the function around it.
    pub fn function_of_stmt(&self, stmt: StmtId) -> FunctionId {
        let scope = self.tables.stmt_scopes.get(stmt.0 as usize);
        scope.map_or(FunctionId(0), |scope| self.scope(*scope).function)
    }

    /// The function in whose flow an expression is evaluated; inside a lambda: the lambda.
    pub fn function_of_expr(&self, expr: ExprId) -> FunctionId {
        self.scope(self.scope_of_expr(expr)).function
    }

    /// The scope in which a statement's own names are looked up.
    pub fn scope_of_stmt(&self, stmt: StmtId) -> ScopeId {
        let scope = self.tables.stmt_scopes.get(stmt.0 as usize);
        scope.copied().unwrap_or(ScopeId(0))
    }

    /// The scope in which an expression is evaluated.
    pub fn scope_of_expr(&self, expr: ExprId) -> ScopeId {
        let scope = self.tables.expr_scopes.get(expr.0 as usize);
        scope.copied().unwrap_or(ScopeId(0))
    }

    /// Whether a statement stands in the body of a `class` (and in no function inside it).
    pub fn in_class_body(&self, stmt: StmtId) -> bool {
        matches!(
            self.scope(self.scope_of_stmt(stmt)).kind,
            ScopeKind::Class(_)
        )
    }

    /// The function that a `def` makes.
    pub fn function_of_def(&self, def: StmtId) -> Option<FunctionId> {
        self.tables.defs.get(&def).copied()
    }

    /// The function that a lambda makes.
    pub fn function_of_lambda(&self, lambda: ExprId) -> Option<FunctionId> {
        self.tables.lambdas.get(&lambda).copied()
    }

    /// The innermost loop around a statement in its function; a loop is in itself.
    pub fn loop_of_stmt(&self, stmt: StmtId) -> Option<LoopId> {
        self.tables
            .stmt_loops
            .get(stmt.0 as usize)
            .copied()
            .flatten()
    }

    /// Variables that a statement itself binds or unbinds, those of a star import too.
    pub fn bound_by(&self, stmt: StmtId) -> &[BindingId] {
        let found = self.tables.stmt_definitions.get(stmt.0 as usize);
        found.map_or(&[], Vec::as_slice)
    }

    /// The loops of a function in source order.
    pub fn loops_of_function(&self, function: FunctionId) -> Vec<LoopId> {
        let own = self.loops.iter().filter(|found| found.function == function);
        own.map(|found| found.id).collect()
    }

    /// The control-flow graph of a function.
    pub fn cfg(&self, function: FunctionId) -> &Cfg {
        &self.flows[function.index()].cfg
    }

    /// Every call expression, by expression id.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// What a call expression calls.
    pub fn callee(&self, call: ExprId) -> Option<&Call> {
        let at = self.calls.binary_search_by_key(&call, |found| found.expr);
        at.ok().map(|at| &self.calls[at])
    }

    /// The class of the program that an expression names.
    pub fn class_named(&self, expr: ExprId) -> Option<StmtId> {
        crate::attributes::class_named(self, expr)
    }

    /// The class of this module that a call constructs.
    pub fn constructed_class(&self, call: ExprId) -> Option<StmtId> {
        crate::calls::constructed_class(self, call)
    }

    /// Who calls whom in this module. The node of a function has its id as index.
    pub fn call_graph(&self) -> DiGraph<FunctionId, ()> {
        crate::calls::call_graph(self)
    }

    /// The strongly connected components of the call graph, callees first.
    pub fn sccs(&self) -> Vec<Vec<FunctionId>> {
        crate::calls::sccs(self)
    }

    /// Functions that any opaque call, operator or iteration may run: used as values, decorated,
    /// generators and coroutines, methods, and all of them where variables are reached dynamically.
    pub fn escaping_functions(&self) -> &BTreeSet<FunctionId> {
        &self.escaping
    }

    /// Mentions of `locals`, `exec`, `globals` and the like, and star imports.
    pub fn dynamic_uses(&self) -> &[DynamicUse] {
        &self.dynamic
    }
}
