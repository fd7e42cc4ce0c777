//! Facts by id: dense tables that the passes fill and [`crate::Semantics`] answers from.
//!
//! ```python
//! loss.backward()     # expr_names[`loss`] = Binding(..), stmt_functions[the statement] = main
//! ```
//!
//! Storage only; each table names the pass that fills it.

use std::collections::{BTreeMap, BTreeSet};

use florc_syntax::tree::{ExprId, StmtId};

use crate::ids::{BindingId, FunctionId, LoopId, ScopeId};
use crate::model::{ClassRef, DefinitionKind, Link, Resolution};

/// Whether a name is read, bound or unbound where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Use {
    #[default]
    Load,
    Store,
    /// `x += 1`.
    LoadStore,
    Delete,
}

/// Facts by statement and expression id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    /// Scope in which a statement's own names are looked up (collect).
    pub(crate) stmt_scopes: Vec<ScopeId>,
    /// Innermost loop around a statement in the same function; a loop is in itself (collect).
    pub(crate) stmt_loops: Vec<Option<LoopId>>,
    /// Statements directly nested in a statement (collect).
    pub(crate) stmt_children: Vec<Vec<StmtId>>,
    /// Scope in which an expression is evaluated (collect).
    pub(crate) expr_scopes: Vec<ScopeId>,
    /// How a name is used (collect).
    pub(crate) expr_uses: Vec<Use>,
    /// What a name means (resolve).
    pub(crate) expr_names: BTreeMap<ExprId, Resolution>,
    /// Variable of an identifier that is not an expression, by first byte (collect).
    pub(crate) identifiers: BTreeMap<u32, BindingId>,
    /// Variables that a statement itself binds, walrus targets included (collect).
    pub(crate) stmt_definitions: Vec<Vec<BindingId>>,
    /// Variables that a statement's own expressions read, lambdas included (resolve).
    pub(crate) stmt_reads: Vec<Vec<BindingId>>,
    /// Function of each lambda (collect).
    pub(crate) lambdas: BTreeMap<ExprId, FunctionId>,
    /// Statement in which each function but the module body is made, by function (collect).
    pub(crate) function_sites: Vec<(FunctionId, StmtId)>,
    /// Function of each `def` (collect).
    pub(crate) defs: BTreeMap<StmtId, FunctionId>,
    /// Scope of each class body (collect).
    pub(crate) class_scopes: BTreeMap<StmtId, ScopeId>,
    /// Variable that a name in a class body may mean when the class has not bound it (resolve).
    pub(crate) class_fallbacks: BTreeMap<ExprId, BindingId>,
    /// Attributes that are assigned or deleted, and how (collect).
    pub(crate) attribute_stores: Vec<(ExprId, DefinitionKind)>,
    /// Every generator expression (resolve).
    pub(crate) lazy_generators: BTreeSet<ExprId>,
    /// Generator expressions that a builtin consumes at once (resolve).
    pub(crate) eager_generators: BTreeSet<ExprId>,
    /// Names that mean each variable, by variable (resolve).
    pub(crate) uses: Vec<Vec<ExprId>>,
    /// Variables by the function they live in, without those of classes and comprehensions (bind).
    pub(crate) variables: Vec<Vec<BindingId>>,
    /// Class of this module that a call constructs (calls).
    pub(crate) constructed: BTreeMap<ExprId, StmtId>,
    /// Dotted import path of names and attribute chains (imports).
    pub(crate) qualified: BTreeMap<ExprId, String>,
    /// What names and attribute chains surely mean in other files (links).
    pub(crate) links: BTreeMap<ExprId, Link>,
    /// The bodies of files that import statements run (links).
    pub(crate) import_runs: Vec<(StmtId, Vec<FunctionId>)>,
    /// Known classes of expressions (types).
    pub(crate) classes: BTreeMap<ExprId, ClassRef>,
}
