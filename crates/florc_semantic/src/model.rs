//! What the analysis finds, as plain data: scopes, variables, functions, loops, calls.
//!
//! ```python
//! class Trainer:                     # Scope Class, Binding `Trainer`
//!     def fit(self):                 # Function `Trainer.fit`
//!         for epoch in range(3):     # Loop `Trainer.fit/epoch`
//!             self.step(epoch)       # Call -> Functions([Trainer.step])
//! ```
//!
//! Facts only: nothing here says what a call does to its arguments.

use std::collections::{BTreeMap, BTreeSet};

use florc_syntax::Span;
use florc_syntax::tree::{ExprId, StmtId};

use crate::ids::{BindingId, FunctionId, LoopId, ScopeId};

/// A region in which names are looked up together.
#[derive(Clone, Debug)]
pub struct Scope {
    /// What opens it.
    pub kind: ScopeKind,
    /// The scope around it; `None` for the module.
    pub parent: Option<ScopeId>,
    /// The function in whose flow its code runs. For a function or lambda: itself.
    pub function: FunctionId,
    /// The variables that live in it, by name.
    pub bindings: BTreeMap<String, BindingId>,
    /// Names declared `global` or `nonlocal` in it, with the variable meant.
    pub declared: BTreeMap<String, BindingId>,
}

/// What opens a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    /// The module.
    Module,
    /// The body of a `def`.
    Function(StmtId),
    /// The body of a lambda.
    Lambda(ExprId),
    /// The body of a `class`.
    Class(StmtId),
    /// A comprehension or generator expression, without its first iterable.
    Comprehension(ExprId),
    /// The type parameters of a `def`, `class` or `type` statement.
    TypeParameters(StmtId),
}

/// A variable.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about one variable, asked for one at a time"
)]
pub struct Binding {
    /// Its name.
    pub name: String,
    /// Where it lives.
    pub scope: ScopeId,
    /// A parameter of a function or lambda.
    pub is_parameter: bool,
    /// Some definition is an import.
    pub is_import: bool,
    /// Some definition is a `def`.
    pub is_function: bool,
    /// Some definition is a `class`.
    pub is_class: bool,
    /// Declared `global` in some function or class.
    pub is_global_declared: bool,
    /// Declared `nonlocal` in some function or class.
    pub is_nonlocal_declared: bool,
    /// Mentioned by a function, lambda, generator expression or class method other than the one
    /// it lives in: live always.
    pub is_captured: bool,
    /// Every place that binds or unbinds it, in the order of the walk.
    pub definitions: Vec<Definition>,
}

impl Binding {
    /// A variable without definitions.
    pub(crate) fn new(name: String, scope: ScopeId) -> Self {
        Self {
            name,
            scope,
            is_parameter: false,
            is_import: false,
            is_function: false,
            is_class: false,
            is_global_declared: false,
            is_nonlocal_declared: false,
            is_captured: false,
            definitions: Vec::new(),
        }
    }
}

/// A place that binds or unbinds a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// How.
    pub kind: DefinitionKind,
    /// The identifier, or the whole `*` of a star import.
    pub span: Span,
    /// The statement.
    pub stmt: StmtId,
    /// The function in whose flow it runs.
    pub function: FunctionId,
}

/// How a variable is bound or unbound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefinitionKind {
    /// `x = value`, `x: T = value` or `x := value`.
    Assign(ExprId),
    /// A part of `x, y = value`.
    Unpack(ExprId),
    /// `x += value`.
    Augment(ExprId),
    /// A parameter, with its default.
    Parameter(Option<ExprId>),
    /// The target, or a part of it, of a loop or comprehension over this expression.
    Iteration(ExprId),
    /// An import: the dotted path of what the name stands for, relative ones with leading dots.
    Import(String),
    /// A `def`.
    Function(FunctionId),
    /// A `class`.
    Class(StmtId),
    /// The target, or a part of it, of `with context as x`.
    With(ExprId),
    /// `except E as x`, unbound again at the end of the handler.
    Except,
    /// A capture in a `match` pattern.
    Capture,
    /// A type parameter or the name of a `type` statement.
    Type,
    /// `del x`.
    Delete,
}

/// A function, a lambda, or the module body.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its identity; its index in [`crate::Semantics::functions`].
    pub id: FunctionId,
    /// `fit`; `<lambda>`; empty for the module body.
    pub name: String,
    /// Python's `__qualname__`: `Trainer.fit`, `main.<locals>.step`; empty for the module body.
    pub qualname: String,
    /// What it is.
    pub kind: FunctionKind,
    /// The `def`.
    pub stmt: Option<StmtId>,
    /// The lambda.
    pub expr: Option<ExprId>,
    /// The scope of its body.
    pub scope: ScopeId,
    /// Its parameters in source order.
    pub params: Vec<BindingId>,
    /// The class in whose body it is directly defined.
    pub class: Option<StmtId>,
    /// The function in whose flow it is defined.
    pub parent: Option<FunctionId>,
    /// Its own body has a `yield`.
    pub is_generator: bool,
    /// `async def`.
    pub is_async: bool,
    /// Has decorators.
    pub is_decorated: bool,
}

/// What a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionKind {
    /// The module body.
    Module,
    /// `def` or `async def`.
    Def,
    /// `lambda`.
    Lambda,
}

/// A `for` or `while` loop.
#[derive(Clone, Debug)]
pub struct Loop {
    /// Its identity; its index in [`crate::Semantics::loops`].
    pub id: LoopId,
    /// The statement.
    pub stmt: StmtId,
    /// The function in whose flow it runs.
    pub function: FunctionId,
    /// The loop around it in the same function.
    pub parent: Option<LoopId>,
    /// What people call it: `epoch`.
    pub label: String,
    /// Unique in the module: `main/epoch/batch`; at module level `epoch/batch`. A second one of the
    /// same path gets `#2`.
    pub path: String,
}

/// What a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// A variable of this module.
    Binding(BindingId),
    /// A builtin, or a name that every module has (`__name__`).
    Builtin(String),
    /// A name that nothing in this module binds, or that a star import may bind.
    Unknown(String),
}

/// What a name or attribute chain means in another file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// The module of a file, by its place in [`crate::Semantics::modules`].
    Module(usize),
    /// A variable of a file.
    Binding(BindingId),
}

/// A class that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClassRef {
    /// A `class` of this module. An instance may be of a subclass.
    Module(StmtId),
    /// A class of a library, by its dotted import path: `torch.optim.AdamW`.
    Library(String),
}

/// A call expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The call.
    pub expr: ExprId,
    /// The function in whose flow it stands.
    pub caller: FunctionId,
    /// What it calls.
    pub callee: Callee,
}

/// What a call calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callee {
    /// Exactly these functions of this module may run first; for a class its `__init__` and the
    /// like (see [`crate::Semantics::constructed_class`]), possibly none.
    Functions(Vec<FunctionId>),
    /// A function or class imported from elsewhere, or a builtin (`builtins.len`), by dotted path.
    Library(String),
    /// A method of something else; [`crate::Semantics::class_of`] of the receiver may tell more.
    Method {
        /// What the method is looked up on.
        receiver: ExprId,
        /// Its name.
        name: String,
    },
    /// Anything may be called.
    Unknown,
}

/// A way to reach variables that names do not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DynamicUse {
    /// The mention: `locals`, `exec`, `globals`, `sys._getframe` …; `None` for a star import.
    pub expr: Option<ExprId>,
    /// The statement.
    pub stmt: StmtId,
    /// The function in whose flow it stands.
    pub function: FunctionId,
    /// May read or write the locals of that function.
    pub locals: bool,
    /// The body of the file whose variables are meant; `None` for those of every file.
    pub globals_of: Option<FunctionId>,
    /// May read the variables of the module.
    pub reads_globals: bool,
    /// May bind or unbind variables of the module.
    pub writes_globals: bool,
}

impl DynamicUse {
    /// Whether the variables that it reads or writes are those of the file with this body.
    pub fn concerns(&self, module: FunctionId) -> bool {
        self.globals_of.is_none_or(|of| of == module)
    }
}

/// A set of variables.
pub type BindingSet = BTreeSet<BindingId>;
