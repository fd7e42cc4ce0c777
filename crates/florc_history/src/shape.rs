//! What a statement says, without where it stands: equal shapes are equal programs.
//!
//! ```python
//! loss = f( x )   # comment
//! loss = f(x)               # same shape
//! ```
//!
//! Shapes are interned in one table for both versions, so that comparing two statements compares
//! two numbers, exactly (no hashes). Formatting, comments and quotes do not count; it does not
//! know what names mean.

mod expression;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use florc_syntax::Module;
use florc_syntax::tree::{
    Alias, Block, ExprId, Identifier, Keyword, MatchCase, Parameter, Parameters, StmtId, StmtKind,
    TypeParam, WithItem,
};

/// A number that two statements share when they say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ShapeId(u32);

/// The table of shapes, shared by the versions that are compared.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    known: BTreeMap<String, u32>,
}

/// The shapes of one module's statements, by statement id.
#[derive(Debug)]
pub(crate) struct ModuleShapes {
    /// With everything inside.
    pub(crate) whole: Vec<ShapeId>,
    /// Without the suites.
    pub(crate) header: Vec<ShapeId>,
}

impl Shapes {
    /// Shapes of every statement of `module`.
    pub(crate) fn of_module(&mut self, module: &Module) -> ModuleShapes {
        let count = module.tree.stmt_count();
        let empty = ShapeId(u32::MAX);
        let mut shapes = ModuleShapes {
            whole: vec![empty; count],
            header: vec![empty; count],
        };
        // Ids grow in source order, so that a suite's statements come after their owner.
        for index in (0..count).rev() {
            let id = StmtId(index as u32);
            let mut writer = Writer::new(module, false);
            writer.header(id);
            let header = self.intern(writer.out.clone());
            let mut text = writer.out;
            for suite in suites(&module.tree.stmt(id).kind) {
                text.push('{');
                for stmt in suite {
                    let ShapeId(shape) = shapes.whole[stmt.0 as usize];
                    let _ = write!(text, "{shape};");
                }
                text.push('}');
            }
            shapes.header[index] = header;
            shapes.whole[index] = self.intern(text);
        }
        shapes
    }

    fn intern(&mut self, text: String) -> ShapeId {
        let next = self.known.len() as u32;
        ShapeId(*self.known.entry(text).or_insert(next))
    }
}

/// The suites of a statement, as many for every statement with the same header.
pub(crate) fn suites(kind: &StmtKind) -> Vec<&Block> {
    match kind {
        StmtKind::FunctionDef(def) => vec![&def.body],
        StmtKind::ClassDef(class) => vec![&class.body],
        StmtKind::For { body, orelse, .. }
        | StmtKind::While { body, orelse, .. }
        | StmtKind::If { body, orelse, .. } => vec![body, orelse],
        StmtKind::With { body, .. } => vec![body],
        StmtKind::Match { cases, .. } => cases.iter().map(|case| &case.body).collect(),
        StmtKind::Try {
            body,
            handlers,
            orelse,
            finalbody,
            ..
        } => {
            let handlers = handlers.iter().map(|handler| &handler.body);
            std::iter::once(body)
                .chain(handlers)
                .chain([orelse, finalbody])
                .collect()
        }
        StmtKind::Return { .. }
        | StmtKind::Delete { .. }
        | StmtKind::Assign { .. }
        | StmtKind::TypeAlias { .. }
        | StmtKind::AugAssign { .. }
        | StmtKind::AnnAssign { .. }
        | StmtKind::Raise { .. }
        | StmtKind::Assert { .. }
        | StmtKind::Import { .. }
        | StmtKind::ImportFrom { .. }
        | StmtKind::Global { .. }
        | StmtKind::Nonlocal { .. }
        | StmtKind::Expr { .. }
        | StmtKind::Pass
        | StmtKind::Break
        | StmtKind::Continue => Vec::new(),
    }
}

/// What a statement says without its suites, with other spellings of the names that begin at some
/// offsets.
pub(crate) fn header_text(module: &Module, id: StmtId, spelled: &Spelled) -> String {
    let mut writer = Writer::new(module, false);
    writer.spelled = Some(spelled);
    writer.header(id);
    writer.out
}

/// Other spellings of names, by the offset at which the name begins.
pub(crate) type Spelled = BTreeMap<u32, String>;

/// What a statement says by itself: without its suites, each expression in it a `_`.
pub(crate) fn own_text_of_stmt(module: &Module, id: StmtId) -> String {
    let mut writer = Writer::new(module, true);
    writer.header(id);
    writer.out
}

/// What an expression says.
pub(crate) fn whole_text_of_expr(module: &Module, id: ExprId) -> String {
    let mut writer = Writer::new(module, false);
    writer.whole_expr(id);
    writer.out
}

/// What an expression says by itself, each expression in it a `_`.
pub(crate) fn own_text_of_expr(module: &Module, id: ExprId) -> String {
    let mut writer = Writer::new(module, true);
    writer.whole_expr(id);
    writer.out
}

struct Writer<'a> {
    module: &'a Module,
    out: String,
    /// Expressions inside of the one that is written are a `_` each.
    is_shallow: bool,
    spelled: Option<&'a Spelled>,
}

impl<'a> Writer<'a> {
    fn new(module: &'a Module, is_shallow: bool) -> Self {
        Self {
            module,
            out: String::new(),
            is_shallow,
            spelled: None,
        }
    }
}

impl Writer<'_> {
    fn tag(&mut self, tag: &str) {
        self.out.push_str(tag);
        self.out.push(' ');
    }

    /// Free text, with its length, so that no text can look like structure.
    fn text(&mut self, text: &str) {
        let _ = write!(self.out, "{}:{text} ", text.len());
    }

    /// A variable's name, as it is to be spelled.
    fn name(&mut self, text: &str, start: u32) {
        let spelled = self.spelled.and_then(|spelled| spelled.get(&start));
        self.text(spelled.map_or(text, String::as_str));
    }

    fn identifier(&mut self, name: &Identifier) {
        self.name(&name.text, name.span.start);
    }

    fn maybe_identifier(&mut self, name: Option<&Identifier>) {
        match name {
            Some(name) => self.identifier(name),
            None => self.text(""),
        }
    }

    fn exprs(&mut self, ids: &[ExprId]) {
        self.out.push('[');
        for id in ids {
            self.expr(*id);
        }
        self.out.push(']');
    }

    fn maybe(&mut self, id: Option<ExprId>) {
        match id {
            Some(id) => self.expr(id),
            None => self.out.push('~'),
        }
    }

    fn header(&mut self, id: StmtId) {
        let module = self.module;
        match &module.tree.stmt(id).kind {
            StmtKind::FunctionDef(def) => {
                self.tag(if def.is_async { "async-def" } else { "def" });
                self.identifier(&def.name);
                self.exprs(&def.decorators);
                self.type_params(&def.type_params);
                self.params(&def.params);
                self.maybe(def.returns);
            }
            StmtKind::ClassDef(class) => {
                self.tag("class");
                self.identifier(&class.name);
                self.exprs(&class.decorators);
                self.type_params(&class.type_params);
                self.exprs(&class.bases);
                self.keywords(&class.keywords);
            }
            StmtKind::TypeAlias {
                name,
                type_params,
                value,
            } => {
                self.tag("type");
                self.expr(*name);
                self.type_params(type_params);
                self.expr(*value);
            }
            StmtKind::For { .. }
            | StmtKind::While { .. }
            | StmtKind::If { .. }
            | StmtKind::With { .. }
            | StmtKind::Match { .. }
            | StmtKind::Try { .. } => self.compound(id),
            StmtKind::Import { .. }
            | StmtKind::ImportFrom { .. }
            | StmtKind::Global { .. }
            | StmtKind::Nonlocal { .. } => self.declaration(id),
            StmtKind::Return { .. }
            | StmtKind::Delete { .. }
            | StmtKind::Assign { .. }
            | StmtKind::AugAssign { .. }
            | StmtKind::AnnAssign { .. }
            | StmtKind::Raise { .. }
            | StmtKind::Assert { .. }
            | StmtKind::Expr { .. }
            | StmtKind::Pass
            | StmtKind::Break
            | StmtKind::Continue => self.simple(id),
        }
    }

    fn compound(&mut self, id: StmtId) {
        let module = self.module;
        match &module.tree.stmt(id).kind {
            StmtKind::For {
                is_async,
                target,
                iter,
                ..
            } => {
                self.tag(if *is_async { "async-for" } else { "for" });
                self.expr(*target);
                self.expr(*iter);
            }
            StmtKind::While { test, .. } => {
                self.tag("while");
                self.expr(*test);
            }
            // `elif` is an `if` in an `else` suite: the same program.
            StmtKind::If { test, .. } => {
                self.tag("if");
                self.expr(*test);
            }
            StmtKind::With {
                is_async, items, ..
            } => {
                self.tag(if *is_async { "async-with" } else { "with" });
                for WithItem { context, target } in items {
                    self.expr(*context);
                    self.maybe(*target);
                }
            }
            StmtKind::Match { subject, cases } => {
                self.tag("match");
                self.expr(*subject);
                for MatchCase { pattern, guard, .. } in cases {
                    self.pattern(*pattern);
                    self.maybe(*guard);
                }
            }
            StmtKind::Try {
                handlers, is_star, ..
            } => {
                self.tag(if *is_star { "try*" } else { "try" });
                for handler in handlers {
                    self.maybe(handler.exception);
                    self.maybe_identifier(handler.name.as_ref());
                }
            }
            _ => {}
        }
    }

    fn declaration(&mut self, id: StmtId) {
        let module = self.module;
        match &module.tree.stmt(id).kind {
            StmtKind::Import { names } => {
                self.tag("import");
                self.aliases(names);
            }
            StmtKind::ImportFrom {
                module,
                names,
                level,
            } => {
                self.tag("from");
                let _ = write!(self.out, "{level} ");
                self.text(module.as_ref().map_or("", |name| &name.text));
                self.aliases(names);
            }
            StmtKind::Global { names } => {
                self.tag("global");
                for name in names {
                    self.identifier(name);
                }
            }
            StmtKind::Nonlocal { names } => {
                self.tag("nonlocal");
                for name in names {
                    self.text(&name.text);
                }
            }
            _ => {}
        }
    }

    fn simple(&mut self, id: StmtId) {
        let module = self.module;
        match &module.tree.stmt(id).kind {
            StmtKind::Return { value } => {
                self.tag("return");
                self.maybe(*value);
            }
            StmtKind::Delete { targets } => {
                self.tag("del");
                self.exprs(targets);
            }
            StmtKind::Assign { targets, value } => {
                self.tag("=");
                self.exprs(targets);
                self.expr(*value);
            }
            StmtKind::AugAssign { target, op, value } => {
                let _ = write!(self.out, "aug{op:?} ");
                self.expr(*target);
                self.expr(*value);
            }
            StmtKind::AnnAssign {
                target,
                annotation,
                value,
            } => {
                self.tag("ann");
                self.expr(*target);
                self.expr(*annotation);
                self.maybe(*value);
            }
            StmtKind::Raise { exc, cause } => {
                self.tag("raise");
                self.maybe(*exc);
                self.maybe(*cause);
            }
            StmtKind::Assert { test, msg } => {
                self.tag("assert");
                self.expr(*test);
                self.maybe(*msg);
            }
            StmtKind::Expr { value } => {
                self.tag("expr");
                self.expr(*value);
            }
            StmtKind::Pass => self.tag("pass"),
            StmtKind::Break => self.tag("break"),
            StmtKind::Continue => self.tag("continue"),
            _ => {}
        }
    }

    fn aliases(&mut self, names: &[Alias]) {
        for alias in names {
            self.text(&alias.name.text);
            self.maybe_identifier(alias.asname.as_ref());
        }
    }

    fn type_params(&mut self, params: &[TypeParam]) {
        for param in params {
            self.tag("typaram");
            // The stars of `*Ts` and `**P` are not in the name.
            self.text(&param.name.text);
            self.maybe(param.bound);
        }
    }

    fn params(&mut self, params: &Parameters) {
        let groups: [(&str, &[Parameter]); 3] = [
            ("pos", &params.positional_only),
            ("any", &params.positional),
            ("kw", &params.keyword_only),
        ];
        for (tag, group) in groups {
            self.tag(tag);
            for parameter in group {
                self.param(parameter);
            }
        }
        for (tag, one) in [("*", &params.vararg), ("**", &params.kwarg)] {
            self.tag(tag);
            if let Some(parameter) = one {
                self.param(parameter);
            }
        }
    }

    fn param(&mut self, parameter: &Parameter) {
        self.identifier(&parameter.name);
        self.maybe(parameter.annotation);
        self.maybe(parameter.default);
    }

    fn keywords(&mut self, keywords: &[Keyword]) {
        for keyword in keywords {
            self.tag("kw");
            match &keyword.name {
                Some(name) => self.text(&name.text),
                None => self.out.push_str("** "),
            }
            self.expr(keyword.value);
        }
    }
}
