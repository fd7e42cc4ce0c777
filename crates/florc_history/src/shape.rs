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

use std::collections::BTreeMap;
use std::fmt::Write as _;

use florc_syntax::Module;
use florc_syntax::tree::{
    Block, Comprehension, ExprId, ExprKind, FStringPart, Keyword, MatchCase, Parameter, Parameters,
    PatternId, PatternKind, StmtId, StmtKind, TypeParam, WithItem,
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
            let mut writer = Writer {
                module,
                out: String::new(),
            };
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

struct Writer<'a> {
    module: &'a Module,
    out: String,
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
                self.text(&def.name.text);
                self.exprs(&def.decorators);
                self.type_params(&def.type_params);
                self.params(&def.params);
                self.maybe(def.returns);
            }
            StmtKind::ClassDef(class) => {
                self.tag("class");
                self.text(&class.name.text);
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
                    self.text(handler.name.as_ref().map_or("", |name| &name.text));
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
                names.iter().for_each(|name| self.text(&name.text));
            }
            StmtKind::Nonlocal { names } => {
                self.tag("nonlocal");
                names.iter().for_each(|name| self.text(&name.text));
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

    fn aliases(&mut self, names: &[florc_syntax::tree::Alias]) {
        for alias in names {
            self.text(&alias.name.text);
            self.text(alias.asname.as_ref().map_or("", |name| &name.text));
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
            group.iter().for_each(|parameter| self.param(parameter));
        }
        for (tag, one) in [("*", &params.vararg), ("**", &params.kwarg)] {
            self.tag(tag);
            if let Some(parameter) = one {
                self.param(parameter);
            }
        }
    }

    fn param(&mut self, parameter: &Parameter) {
        self.text(&parameter.name.text);
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

    fn comprehension(&mut self, tag: &str, elts: &[ExprId], generators: &[Comprehension]) {
        self.tag(tag);
        self.exprs(elts);
        for generator in generators {
            self.tag(if generator.is_async { "async" } else { "for" });
            self.expr(generator.target);
            self.expr(generator.iter);
            self.exprs(&generator.ifs);
        }
    }

    fn expr(&mut self, id: ExprId) {
        self.out.push('(');
        let module = self.module;
        match &module.tree.expr(id).kind {
            ExprKind::ListComp { elt, generators } => {
                self.comprehension("listcomp", &[*elt], generators);
            }
            ExprKind::SetComp { elt, generators } => {
                self.comprehension("setcomp", &[*elt], generators);
            }
            ExprKind::GeneratorExp { elt, generators } => {
                self.comprehension("genexp", &[*elt], generators);
            }
            ExprKind::DictComp {
                key,
                value,
                generators,
            } => {
                self.comprehension("dictcomp", &[*key, *value], generators);
            }
            ExprKind::Str(_)
            | ExprKind::Bytes(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Complex(_)
            | ExprKind::True
            | ExprKind::False
            | ExprKind::None
            | ExprKind::Ellipsis
            | ExprKind::Name(_)
            | ExprKind::FString { .. } => self.atom(&module.tree.expr(id).kind),
            _ => self.operation(&module.tree.expr(id).kind),
        }
        self.out.push(')');
    }

    fn atom(&mut self, kind: &ExprKind) {
        match kind {
            ExprKind::Str(text) => {
                self.tag("str");
                self.text(text);
            }
            ExprKind::Bytes(bytes) => {
                self.tag("bytes");
                let _ = write!(self.out, "{bytes:?}");
            }
            ExprKind::Int(digits) => {
                self.tag("int");
                self.text(digits);
            }
            ExprKind::Float(value) => {
                let _ = write!(self.out, "float {:x}", value.to_bits());
            }
            ExprKind::Complex(value) => {
                let _ = write!(self.out, "complex {:x}", value.to_bits());
            }
            ExprKind::True => self.tag("True"),
            ExprKind::False => self.tag("False"),
            ExprKind::None => self.tag("None"),
            ExprKind::Ellipsis => self.tag("..."),
            ExprKind::Name(name) => {
                self.tag("name");
                self.text(name);
            }
            ExprKind::FString { parts } => {
                self.tag("fstring");
                self.fstring(parts);
            }
            _ => {}
        }
    }

    fn fstring(&mut self, parts: &[FStringPart]) {
        for part in parts {
            match part {
                FStringPart::Literal { text, .. } => self.text(text),
                FStringPart::Field {
                    span,
                    expr,
                    debug,
                    conversion,
                    spec,
                } => {
                    self.tag("field");
                    if *debug {
                        // `{x = }` prints its own source.
                        let module = self.module;
                        self.text(module.source.slice(*span));
                    }
                    self.expr(*expr);
                    let _ = write!(self.out, "{conversion:?}<");
                    self.fstring(spec);
                    self.out.push('>');
                }
            }
        }
    }

    fn operation(&mut self, kind: &ExprKind) {
        match kind {
            ExprKind::BoolOp { op, values } => {
                let _ = write!(self.out, "{op:?}");
                self.exprs(values);
            }
            ExprKind::Named { target, value } => {
                self.tag(":=");
                self.exprs(&[*target, *value]);
            }
            ExprKind::BinOp { left, op, right } => {
                let _ = write!(self.out, "{op:?}");
                self.exprs(&[*left, *right]);
            }
            ExprKind::UnaryOp { op, operand } => {
                let _ = write!(self.out, "u{op:?}");
                self.expr(*operand);
            }
            ExprKind::Lambda { params, body } => {
                self.tag("lambda");
                self.params(params);
                self.expr(*body);
            }
            ExprKind::IfExp { test, body, orelse } => {
                self.tag("ifexp");
                self.exprs(&[*test, *body, *orelse]);
            }
            ExprKind::Compare {
                left,
                ops,
                comparators,
            } => {
                let _ = write!(self.out, "{ops:?}");
                self.expr(*left);
                self.exprs(comparators);
            }
            ExprKind::Call {
                func,
                args,
                keywords,
            } => {
                self.tag("call");
                self.expr(*func);
                self.exprs(args);
                self.keywords(keywords);
            }
            _ => self.access(kind),
        }
    }

    fn access(&mut self, kind: &ExprKind) {
        match kind {
            ExprKind::Dict { items } => {
                self.tag("dict");
                for item in items {
                    self.maybe(item.key);
                    self.expr(item.value);
                }
            }
            ExprKind::Set { elts } => self.group("set", elts),
            ExprKind::List { elts } => self.group("list", elts),
            ExprKind::Tuple { elts } => self.group("tuple", elts),
            ExprKind::Await { value } => self.group("await", &[*value]),
            ExprKind::Yield { value } => {
                self.tag("yield");
                self.maybe(*value);
            }
            ExprKind::YieldFrom { value } => self.group("yieldfrom", &[*value]),
            ExprKind::Starred { value } => self.group("*", &[*value]),
            ExprKind::Attribute { value, attr } => {
                self.group("attr", &[*value]);
                self.text(&attr.text);
            }
            ExprKind::Subscript { value, slice } => self.group("item", &[*value, *slice]),
            ExprKind::Slice { lower, upper, step } => {
                self.tag("slice");
                self.maybe(*lower);
                self.maybe(*upper);
                self.maybe(*step);
            }
            _ => {}
        }
    }

    fn group(&mut self, tag: &str, ids: &[ExprId]) {
        self.tag(tag);
        self.exprs(ids);
    }

    fn pattern(&mut self, id: PatternId) {
        self.out.push('(');
        let module = self.module;
        match &module.tree.pattern(id).kind {
            PatternKind::Value(value) => self.group("value", &[*value]),
            PatternKind::Sequence(parts) => self.patterns("seq", parts),
            PatternKind::Or(parts) => self.patterns("or", parts),
            PatternKind::Mapping {
                keys,
                patterns,
                rest,
            } => {
                self.group("map", keys);
                self.patterns("", patterns);
                self.text(rest.as_ref().map_or("", |name| &name.text));
            }
            PatternKind::Class {
                class,
                patterns,
                keywords,
            } => {
                self.group("class", &[*class]);
                self.patterns("", patterns);
                for (name, pattern) in keywords {
                    self.text(&name.text);
                    self.pattern(*pattern);
                }
            }
            PatternKind::Star(name) => {
                self.tag("*");
                self.text(name.as_ref().map_or("", |name| &name.text));
            }
            PatternKind::As { pattern, name } => {
                self.tag("as");
                if let Some(pattern) = pattern {
                    self.pattern(*pattern);
                }
                self.text(name.as_ref().map_or("", |name| &name.text));
            }
        }
        self.out.push(')');
    }

    fn patterns(&mut self, tag: &str, ids: &[PatternId]) {
        self.tag(tag);
        ids.iter().for_each(|id| self.pattern(*id));
    }
}
