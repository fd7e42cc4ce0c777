//! The arena tree: every statement and expression of a module under a small id.
//!
//! ```python
//! for epoch in range(3):      # StmtId(0): For { target: ExprId(0), iter: ExprId(3), body: [StmtId(1)] }
//!     print(f"{epoch}")       # StmtId(1): Expr { value: … FString { parts: [Field { expr, … }] } }
//! ```
//!
//! Ids are identities; spans are places in the original bytes. The tree knows nothing of names'
//! meanings: scopes, bindings and effects live in other crates, in tables indexed by these ids.

#![expect(
    missing_docs,
    reason = "kinds and fields are named as in Python's own grammar"
)]

use crate::span::Span;

/// Identity of a statement in its [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StmtId(pub u32);

/// Identity of an expression in its [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub u32);

/// Identity of a `match` pattern in its [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PatternId(pub u32);

/// An identifier as written (NFKC-normalised text, original span).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// The name that Python sees.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A suite: statements in source order. Empty where the syntax has no such suite.
pub type Block = Vec<StmtId>;

/// All nodes of one module.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    pub(crate) stmts: Vec<Stmt>,
    pub(crate) exprs: Vec<Expr>,
    pub(crate) patterns: Vec<Pattern>,
    /// The top-level statements of the module; of a linked program, those of the entry.
    pub body: Block,
    /// The top-level statements of the other files of a linked program.
    pub(crate) others: Vec<Block>,
    /// Parent statement of each statement, by id.
    pub(crate) stmt_parents: Vec<Option<StmtId>>,
    /// Enclosing statement of each expression, by id.
    pub(crate) expr_stmts: Vec<StmtId>,
    /// Parent expression of each expression, by id.
    pub(crate) expr_parents: Vec<Option<ExprId>>,
}

impl Tree {
    /// The statement behind an id.
    pub fn stmt(&self, id: StmtId) -> &Stmt {
        &self.stmts[id.0 as usize]
    }
    /// The expression behind an id.
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }
    /// The pattern behind an id.
    pub fn pattern(&self, id: PatternId) -> &Pattern {
        &self.patterns[id.0 as usize]
    }
    /// Number of statements; ids are `0..stmt_count()`, in source order of their first byte.
    pub fn stmt_count(&self) -> usize {
        self.stmts.len()
    }
    /// Number of expressions; ids are `0..expr_count()`.
    pub fn expr_count(&self) -> usize {
        self.exprs.len()
    }
    /// The top-level statements of each file, the entry's first.
    pub fn bodies(&self) -> impl Iterator<Item = &Block> {
        std::iter::once(&self.body).chain(&self.others)
    }
    /// The statement whose suite holds `id`; `None` at module level.
    pub fn parent(&self, id: StmtId) -> Option<StmtId> {
        self.stmt_parents[id.0 as usize]
    }
    /// The statement that an expression belongs to (the innermost one).
    pub fn stmt_of(&self, id: ExprId) -> StmtId {
        self.expr_stmts[id.0 as usize]
    }
    /// The expression that directly holds `id`; `None` where a statement does.
    pub fn expr_parent(&self, id: ExprId) -> Option<ExprId> {
        self.expr_parents[id.0 as usize]
    }
}

/// One statement.
#[derive(Clone, Debug)]
pub struct Stmt {
    /// From the first decorator or keyword to the last byte of the statement (without a trailing
    /// comment, `;` or newline).
    pub span: Span,
    /// What it is.
    pub kind: StmtKind,
}

/// One expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// Without enclosing parentheses, except where they are part of the node (call, tuple display
    /// written with parentheses, generator expression).
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// The kinds of statements of Python ≤ 3.12.
#[derive(Clone, Debug)]
pub enum StmtKind {
    FunctionDef(Box<FunctionDef>),
    ClassDef(Box<ClassDef>),
    Return {
        value: Option<ExprId>,
    },
    Delete {
        targets: Vec<ExprId>,
    },
    Assign {
        targets: Vec<ExprId>,
        value: ExprId,
    },
    TypeAlias {
        name: ExprId,
        type_params: Vec<TypeParam>,
        value: ExprId,
    },
    AugAssign {
        target: ExprId,
        op: Operator,
        value: ExprId,
    },
    AnnAssign {
        target: ExprId,
        annotation: ExprId,
        value: Option<ExprId>,
    },
    For {
        is_async: bool,
        target: ExprId,
        iter: ExprId,
        body: Block,
        orelse: Block,
    },
    While {
        test: ExprId,
        body: Block,
        orelse: Block,
    },
    /// `elif` is an `If` alone in `orelse` with `is_elif` set.
    If {
        test: ExprId,
        body: Block,
        orelse: Block,
        is_elif: bool,
    },
    With {
        is_async: bool,
        items: Vec<WithItem>,
        body: Block,
    },
    Match {
        subject: ExprId,
        cases: Vec<MatchCase>,
    },
    Raise {
        exc: Option<ExprId>,
        cause: Option<ExprId>,
    },
    Try {
        body: Block,
        handlers: Vec<ExceptHandler>,
        orelse: Block,
        finalbody: Block,
        is_star: bool,
    },
    Assert {
        test: ExprId,
        msg: Option<ExprId>,
    },
    Import {
        names: Vec<Alias>,
    },
    /// `names` holds one alias `*` for a star import; `level` counts the leading dots.
    ImportFrom {
        module: Option<Identifier>,
        names: Vec<Alias>,
        level: u32,
    },
    Global {
        names: Vec<Identifier>,
    },
    Nonlocal {
        names: Vec<Identifier>,
    },
    Expr {
        value: ExprId,
    },
    Pass,
    Break,
    Continue,
}

/// `def` or `async def`.
#[derive(Clone, Debug)]
pub struct FunctionDef {
    pub name: Identifier,
    pub is_async: bool,
    pub decorators: Vec<ExprId>,
    pub type_params: Vec<TypeParam>,
    pub params: Parameters,
    pub returns: Option<ExprId>,
    pub body: Block,
}

/// `class`.
#[derive(Clone, Debug)]
pub struct ClassDef {
    pub name: Identifier,
    pub decorators: Vec<ExprId>,
    pub type_params: Vec<TypeParam>,
    pub bases: Vec<ExprId>,
    pub keywords: Vec<Keyword>,
    pub body: Block,
}

/// Parameters of a function or lambda.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    pub positional_only: Vec<Parameter>,
    pub positional: Vec<Parameter>,
    pub vararg: Option<Parameter>,
    pub keyword_only: Vec<Parameter>,
    pub kwarg: Option<Parameter>,
}

impl Parameters {
    /// Every parameter in source order.
    pub fn iter(&self) -> impl Iterator<Item = &Parameter> {
        self.positional_only
            .iter()
            .chain(&self.positional)
            .chain(&self.vararg)
            .chain(&self.keyword_only)
            .chain(&self.kwarg)
    }
}

/// One parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: Identifier,
    pub annotation: Option<ExprId>,
    pub default: Option<ExprId>,
}

/// A type parameter of PEP 695: `T`, `*Ts` or `**P`.
#[derive(Clone, Debug)]
pub struct TypeParam {
    pub name: Identifier,
    pub bound: Option<ExprId>,
}

/// `name=value` or `**value` (no name) in a call or class header.
#[derive(Clone, Debug)]
pub struct Keyword {
    pub name: Option<Identifier>,
    pub value: ExprId,
    pub span: Span,
}

/// `context as target`.
#[derive(Clone, Debug)]
pub struct WithItem {
    pub context: ExprId,
    pub target: Option<ExprId>,
}

/// `case pattern if guard: body`.
#[derive(Clone, Debug)]
pub struct MatchCase {
    pub pattern: PatternId,
    pub guard: Option<ExprId>,
    pub body: Block,
}

/// `except type as name: body`.
#[derive(Clone, Debug)]
pub struct ExceptHandler {
    pub exception: Option<ExprId>,
    pub name: Option<Identifier>,
    pub body: Block,
    pub span: Span,
}

/// `name as asname`; `name` may be dotted in `import a.b`.
#[derive(Clone, Debug)]
pub struct Alias {
    pub name: Identifier,
    pub asname: Option<Identifier>,
}

/// A `match` pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub span: Span,
    pub kind: PatternKind,
}

/// The kinds of patterns.
#[derive(Clone, Debug)]
pub enum PatternKind {
    /// A literal or dotted name, compared by `==`, or `None`/`True`/`False`, compared by `is`.
    Value(ExprId),
    Sequence(Vec<PatternId>),
    Mapping {
        keys: Vec<ExprId>,
        patterns: Vec<PatternId>,
        rest: Option<Identifier>,
    },
    Class {
        class: ExprId,
        patterns: Vec<PatternId>,
        keywords: Vec<(Identifier, PatternId)>,
    },
    Star(Option<Identifier>),
    /// `pattern as name`, a bare capture (`pattern` is `None`), or `_` (both `None`).
    As {
        pattern: Option<PatternId>,
        name: Option<Identifier>,
    },
    Or(Vec<PatternId>),
}

/// The kinds of expressions of Python ≤ 3.12.
#[derive(Clone, Debug)]
pub enum ExprKind {
    BoolOp {
        op: BoolOperator,
        values: Vec<ExprId>,
    },
    Named {
        target: ExprId,
        value: ExprId,
    },
    BinOp {
        left: ExprId,
        op: Operator,
        right: ExprId,
    },
    UnaryOp {
        op: UnaryOperator,
        operand: ExprId,
    },
    Lambda {
        params: Box<Parameters>,
        body: ExprId,
    },
    IfExp {
        test: ExprId,
        body: ExprId,
        orelse: ExprId,
    },
    Dict {
        items: Vec<DictItem>,
    },
    Set {
        elts: Vec<ExprId>,
    },
    ListComp {
        elt: ExprId,
        generators: Vec<Comprehension>,
    },
    SetComp {
        elt: ExprId,
        generators: Vec<Comprehension>,
    },
    DictComp {
        key: ExprId,
        value: ExprId,
        generators: Vec<Comprehension>,
    },
    GeneratorExp {
        elt: ExprId,
        generators: Vec<Comprehension>,
    },
    Await {
        value: ExprId,
    },
    Yield {
        value: Option<ExprId>,
    },
    YieldFrom {
        value: ExprId,
    },
    Compare {
        left: ExprId,
        ops: Vec<CompareOperator>,
        comparators: Vec<ExprId>,
    },
    /// Positional arguments may be `Starred`; a keyword without a name is `**value`.
    Call {
        func: ExprId,
        args: Vec<ExprId>,
        keywords: Vec<Keyword>,
    },
    /// An f-string, or an implicit concatenation with at least one f-string in it.
    FString {
        parts: Vec<FStringPart>,
    },
    /// The value of a string literal or of an implicit concatenation of them.
    Str(String),
    Bytes(Vec<u8>),
    /// Decimal digits of an integer literal of any size.
    Int(String),
    Float(f64),
    /// The imaginary part.
    Complex(f64),
    True,
    False,
    None,
    Ellipsis,
    Attribute {
        value: ExprId,
        attr: Identifier,
    },
    Subscript {
        value: ExprId,
        slice: ExprId,
    },
    Starred {
        value: ExprId,
    },
    Name(String),
    List {
        elts: Vec<ExprId>,
    },
    Tuple {
        elts: Vec<ExprId>,
    },
    Slice {
        lower: Option<ExprId>,
        upper: Option<ExprId>,
        step: Option<ExprId>,
    },
}

/// `key: value`, or `**value` (no key).
#[derive(Clone, Debug)]
pub struct DictItem {
    pub key: Option<ExprId>,
    pub value: ExprId,
}

/// `for target in iter if …`.
#[derive(Clone, Debug)]
pub struct Comprehension {
    pub is_async: bool,
    pub target: ExprId,
    pub iter: ExprId,
    pub ifs: Vec<ExprId>,
}

/// A piece of an f-string.
#[derive(Clone, Debug)]
pub enum FStringPart {
    /// Text between the fields, as Python would see it (`{{` is `{`, escapes decoded).
    Literal { span: Span, text: String },
    /// `{expr=!r:spec}`; the span covers the braces.
    Field {
        span: Span,
        expr: ExprId,
        debug: bool,
        conversion: Option<char>,
        spec: Vec<FStringPart>,
    },
}

/// `and`, `or`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoolOperator {
    And,
    Or,
}

/// Binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Add,
    Sub,
    Mult,
    MatMult,
    Div,
    Mod,
    Pow,
    LShift,
    RShift,
    BitOr,
    BitXor,
    BitAnd,
    FloorDiv,
}

/// Unary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    Invert,
    Not,
    Plus,
    Minus,
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOperator {
    Eq,
    NotEq,
    Lt,
    LtE,
    Gt,
    GtE,
    Is,
    IsNot,
    In,
    NotIn,
}
