//! Renders a tree as s-expressions, one statement a line.
//!
//! ```python
//! x = a + 1      # (assign x (+ a 1))
//! ```
//!
//! For tests; leaves out spans but for statements' lines and f-string parts' texts.

use std::fmt::Write;

use florc_syntax::Module;
use florc_syntax::tree::*;

/// Every statement of a module with its lines, indented by suite.
pub(crate) fn module(module: &Module) -> String {
    let mut renderer = Renderer {
        module,
        out: String::new(),
        depth: 0,
    };
    renderer.block(&module.tree.body);
    renderer.out
}

struct Renderer<'a> {
    module: &'a Module,
    out: String,
    depth: usize,
}

fn node(head: &str, parts: impl IntoIterator<Item = String>) -> String {
    let mut text = format!("({head}");
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        let _ = write!(text, " {part}");
    }
    text + ")"
}

impl Renderer<'_> {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{:1$}{text}", "", self.depth * 2);
    }

    fn suite(&mut self, title: &str, block: &Block) {
        if !block.is_empty() {
            self.line(title);
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block) {
        self.depth += 1;
        for id in block {
            self.stmt(*id);
        }
        self.depth -= 1;
    }

    fn exprs(&self, ids: &[ExprId]) -> Vec<String> {
        ids.iter().map(|id| self.expr(*id)).collect()
    }

    fn maybe(&self, id: Option<ExprId>) -> String {
        id.map(|id| self.expr(id)).unwrap_or_default()
    }

    fn stmt(&mut self, id: StmtId) {
        let stmt = self.module.tree.stmt(id);
        let first = self.module.source.line_column(stmt.span.start).line;
        let last = self.module.source.line_column(stmt.span.end).line;
        let head = self.header(&stmt.kind);
        self.line(&format!("{first}-{last} {head}"));
        match &stmt.kind {
            StmtKind::FunctionDef(def) => self.block(&def.body),
            StmtKind::ClassDef(def) => self.block(&def.body),
            StmtKind::For { body, orelse, .. }
            | StmtKind::While { body, orelse, .. }
            | StmtKind::If { body, orelse, .. } => {
                self.block(body);
                self.suite("else", orelse);
            }
            StmtKind::With { body, .. } => self.block(body),
            StmtKind::Match { cases, .. } => {
                for case in cases {
                    let pattern = self.pattern(case.pattern);
                    let guard = self.maybe(case.guard);
                    self.suite(&node("case", [pattern, guard]), &case.body);
                }
            }
            StmtKind::Try {
                body,
                handlers,
                orelse,
                finalbody,
                ..
            } => {
                self.block(body);
                for handler in handlers {
                    let name = handler.name.as_ref().map(|name| name.text.clone());
                    let head = node(
                        "except",
                        [self.maybe(handler.exception), name.unwrap_or_default()],
                    );
                    self.suite(&head, &handler.body);
                }
                self.suite("else", orelse);
                self.suite("finally", finalbody);
            }
            _ => {}
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm per kind")]
    fn header(&self, kind: &StmtKind) -> String {
        match kind {
            StmtKind::FunctionDef(def) => {
                let mut parts = self.exprs(&def.decorators);
                parts.push(def.name.text.clone());
                parts.push(self.type_params(&def.type_params));
                parts.push(self.parameters(&def.params));
                parts.extend(def.returns.map(|it| format!("-> {}", self.expr(it))));
                node(if def.is_async { "async-def" } else { "def" }, parts)
            }
            StmtKind::ClassDef(def) => {
                let mut parts = self.exprs(&def.decorators);
                parts.push(def.name.text.clone());
                parts.push(self.type_params(&def.type_params));
                parts.extend(self.exprs(&def.bases));
                parts.extend(self.keywords(&def.keywords));
                node("class", parts)
            }
            StmtKind::Return { value } => node("return", [self.maybe(*value)]),
            StmtKind::Delete { targets } => node("del", self.exprs(targets)),
            StmtKind::Assign { targets, value } => {
                let mut parts = self.exprs(targets);
                parts.push(self.expr(*value));
                node("assign", parts)
            }
            StmtKind::TypeAlias {
                name,
                type_params,
                value,
            } => node(
                "type",
                [
                    self.expr(*name),
                    self.type_params(type_params),
                    self.expr(*value),
                ],
            ),
            StmtKind::AugAssign { target, op, value } => node(
                &format!("{}=", operator(*op)),
                [self.expr(*target), self.expr(*value)],
            ),
            StmtKind::AnnAssign {
                target,
                annotation,
                value,
            } => node(
                "annotate",
                [
                    self.expr(*target),
                    self.expr(*annotation),
                    self.maybe(*value),
                ],
            ),
            StmtKind::For {
                is_async,
                target,
                iter,
                ..
            } => node(
                if *is_async { "async-for" } else { "for" },
                [self.expr(*target), self.expr(*iter)],
            ),
            StmtKind::While { test, .. } => node("while", [self.expr(*test)]),
            StmtKind::If { test, is_elif, .. } => {
                node(if *is_elif { "elif" } else { "if" }, [self.expr(*test)])
            }
            StmtKind::With {
                is_async, items, ..
            } => {
                let items = items.iter().map(|item| match item.target {
                    Some(it) => node("as", [self.expr(item.context), self.expr(it)]),
                    None => self.expr(item.context),
                });
                node(if *is_async { "async-with" } else { "with" }, items)
            }
            StmtKind::Match { subject, .. } => node("match", [self.expr(*subject)]),
            StmtKind::Raise { exc, cause } => node("raise", [self.maybe(*exc), self.maybe(*cause)]),
            StmtKind::Try { is_star, .. } => {
                (if *is_star { "(try-star)" } else { "(try)" }).to_owned()
            }
            StmtKind::Assert { test, msg } => node("assert", [self.expr(*test), self.maybe(*msg)]),
            StmtKind::Import { names } => node("import", names.iter().map(alias)),
            StmtKind::ImportFrom {
                module,
                names,
                level,
            } => {
                let module = module.as_ref().map_or("", |it| it.text.as_str());
                let from = format!("{}{module}", ".".repeat(*level as usize));
                node("from", std::iter::once(from).chain(names.iter().map(alias)))
            }
            StmtKind::Global { names } => {
                node("global", names.iter().map(|name| name.text.clone()))
            }
            StmtKind::Nonlocal { names } => {
                node("nonlocal", names.iter().map(|name| name.text.clone()))
            }
            StmtKind::Expr { value } => self.expr(*value),
            StmtKind::Pass => "(pass)".to_owned(),
            StmtKind::Break => "(break)".to_owned(),
            StmtKind::Continue => "(continue)".to_owned(),
        }
    }

    fn type_params(&self, params: &[TypeParam]) -> String {
        let shown = params.iter().map(|it| match it.bound {
            Some(bound) => format!("{}: {}", it.name.text, self.expr(bound)),
            None => it.name.text.clone(),
        });
        if params.is_empty() {
            String::new()
        } else {
            node("type-params", shown)
        }
    }

    fn parameters(&self, params: &Parameters) -> String {
        let one = |prefix: &str, it: &Parameter| {
            let annotation = it.annotation.map(|it| format!(": {}", self.expr(it)));
            let default = it.default.map(|it| format!("={}", self.expr(it)));
            let (annotation, default) =
                (annotation.unwrap_or_default(), default.unwrap_or_default());
            format!("{prefix}{}{annotation}{default}", it.name.text)
        };
        let mut shown: Vec<_> = params
            .positional_only
            .iter()
            .map(|it| one("", it))
            .collect();
        if !shown.is_empty() {
            shown.push("/".to_owned());
        }
        shown.extend(params.positional.iter().map(|it| one("", it)));
        shown.extend(params.vararg.iter().map(|it| one("*", it)));
        if params.vararg.is_none() && !params.keyword_only.is_empty() {
            shown.push("*".to_owned());
        }
        shown.extend(params.keyword_only.iter().map(|it| one("", it)));
        shown.extend(params.kwarg.iter().map(|it| one("**", it)));
        node("params", shown)
    }

    fn keywords(&self, keywords: &[Keyword]) -> Vec<String> {
        let shown = |keyword: &Keyword| match &keyword.name {
            Some(name) => format!("{}={}", name.text, self.expr(keyword.value)),
            None => format!("**{}", self.expr(keyword.value)),
        };
        keywords.iter().map(shown).collect()
    }

    fn pattern(&self, id: PatternId) -> String {
        let all = |ids: &[PatternId]| ids.iter().map(|id| self.pattern(*id)).collect::<Vec<_>>();
        let name =
            |it: &Option<Identifier>| it.as_ref().map_or("_".to_owned(), |it| it.text.clone());
        match &self.module.tree.pattern(id).kind {
            PatternKind::Value(value) => self.expr(*value),
            PatternKind::Sequence(patterns) => node("sequence", all(patterns)),
            PatternKind::Or(patterns) => node("or", all(patterns)),
            PatternKind::Star(rest) => format!("*{}", name(rest)),
            PatternKind::As {
                pattern: None,
                name: it,
            } => name(it),
            PatternKind::As {
                pattern: Some(inner),
                name: it,
            } => node("as", [self.pattern(*inner), name(it)]),
            PatternKind::Mapping {
                keys,
                patterns,
                rest,
            } => {
                let pairs = keys.iter().zip(patterns);
                let mut shown: Vec<_> = pairs
                    .map(|(k, p)| format!("{}: {}", self.expr(*k), self.pattern(*p)))
                    .collect();
                shown.extend(rest.as_ref().map(|it| format!("**{}", it.text)));
                node("mapping", shown)
            }
            PatternKind::Class {
                class,
                patterns,
                keywords,
            } => {
                let mut shown = vec![self.expr(*class)];
                shown.extend(all(patterns));
                let keywords = keywords.iter();
                shown.extend(
                    keywords.map(|(name, it)| format!("{}={}", name.text, self.pattern(*it))),
                );
                node("class", shown)
            }
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm per kind")]
    fn expr(&self, id: ExprId) -> String {
        match &self.module.tree.expr(id).kind {
            ExprKind::BoolOp { op, values } => node(
                if *op == BoolOperator::And {
                    "and"
                } else {
                    "or"
                },
                self.exprs(values),
            ),
            ExprKind::Named { target, value } => node(":=", self.exprs(&[*target, *value])),
            ExprKind::BinOp { left, op, right } => {
                node(operator(*op), self.exprs(&[*left, *right]))
            }
            ExprKind::UnaryOp { op, operand } => {
                let op = match op {
                    UnaryOperator::Invert => "~",
                    UnaryOperator::Not => "not",
                    UnaryOperator::Plus => "+",
                    UnaryOperator::Minus => "-",
                };
                node(op, [self.expr(*operand)])
            }
            ExprKind::Lambda { params, body } => {
                node("lambda", [self.parameters(params), self.expr(*body)])
            }
            ExprKind::IfExp { test, body, orelse } => {
                node("if", self.exprs(&[*test, *body, *orelse]))
            }
            ExprKind::Dict { items } => node(
                "dict",
                items.iter().map(|it| match it.key {
                    Some(key) => format!("{}: {}", self.expr(key), self.expr(it.value)),
                    None => format!("**{}", self.expr(it.value)),
                }),
            ),
            ExprKind::Set { elts } => node("set", self.exprs(elts)),
            ExprKind::List { elts } => node("list", self.exprs(elts)),
            ExprKind::Tuple { elts } => node("tuple", self.exprs(elts)),
            ExprKind::ListComp { elt, generators } => self.comp("list-comp", &[*elt], generators),
            ExprKind::SetComp { elt, generators } => self.comp("set-comp", &[*elt], generators),
            ExprKind::GeneratorExp { elt, generators } => {
                self.comp("generator", &[*elt], generators)
            }
            ExprKind::DictComp {
                key,
                value,
                generators,
            } => self.comp("dict-comp", &[*key, *value], generators),
            ExprKind::Await { value } => node("await", [self.expr(*value)]),
            ExprKind::Yield { value } => node("yield", [self.maybe(*value)]),
            ExprKind::YieldFrom { value } => node("yield-from", [self.expr(*value)]),
            ExprKind::Compare {
                left,
                ops,
                comparators,
            } => {
                let mut shown = vec![self.expr(*left)];
                for (op, it) in ops.iter().zip(comparators) {
                    shown.extend([comparison(*op).to_owned(), self.expr(*it)]);
                }
                node("compare", shown)
            }
            ExprKind::Call {
                func,
                args,
                keywords,
            } => {
                let mut shown = vec![self.expr(*func)];
                shown.extend(self.exprs(args));
                shown.extend(self.keywords(keywords));
                node("call", shown)
            }
            ExprKind::FString { parts } => node("f-string", self.parts(parts)),
            ExprKind::Str(text) => format!("{text:?}"),
            ExprKind::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
            ExprKind::Int(digits) => digits.clone(),
            ExprKind::Float(value) => format!("{value:?}"),
            ExprKind::Complex(value) => format!("{value:?}j"),
            ExprKind::True => "True".to_owned(),
            ExprKind::False => "False".to_owned(),
            ExprKind::None => "None".to_owned(),
            ExprKind::Ellipsis => "...".to_owned(),
            ExprKind::Attribute { value, attr } => {
                node(&format!(".{}", attr.text), [self.expr(*value)])
            }
            ExprKind::Subscript { value, slice } => {
                node("subscript", self.exprs(&[*value, *slice]))
            }
            ExprKind::Starred { value } => format!("*{}", self.expr(*value)),
            ExprKind::Name(name) => name.clone(),
            ExprKind::Slice { lower, upper, step } => {
                let shown =
                    [lower, upper, step].map(|it| it.map_or("_".to_owned(), |it| self.expr(it)));
                node("slice", shown)
            }
        }
    }

    fn comp(&self, head: &str, elts: &[ExprId], generators: &[Comprehension]) -> String {
        let mut shown = self.exprs(elts);
        for it in generators {
            let mut parts = self.exprs(&[it.target, it.iter]);
            parts.extend(self.exprs(&it.ifs));
            shown.push(node(if it.is_async { "async-for" } else { "for" }, parts));
        }
        node(head, shown)
    }

    fn parts(&self, parts: &[FStringPart]) -> Vec<String> {
        let shown = |part: &FStringPart| match part {
            FStringPart::Literal { text, .. } => format!("{text:?}"),
            FStringPart::Field {
                expr,
                debug,
                conversion,
                spec,
                ..
            } => {
                let mut parts = vec![self.expr(*expr)];
                parts.extend(debug.then(|| "=".to_owned()));
                parts.extend(conversion.map(|it| format!("!{it}")));
                parts.extend((!spec.is_empty()).then(|| node("spec", self.parts(spec))));
                node("field", parts)
            }
        };
        parts.iter().map(shown).collect()
    }
}

fn alias(alias: &Alias) -> String {
    match &alias.asname {
        Some(asname) => node("as", [alias.name.text.clone(), asname.text.clone()]),
        None => alias.name.text.clone(),
    }
}

fn operator(op: Operator) -> &'static str {
    match op {
        Operator::Add => "+",
        Operator::Sub => "-",
        Operator::Mult => "*",
        Operator::MatMult => "@",
        Operator::Div => "/",
        Operator::Mod => "%",
        Operator::Pow => "**",
        Operator::LShift => "<<",
        Operator::RShift => ">>",
        Operator::BitOr => "|",
        Operator::BitXor => "^",
        Operator::BitAnd => "&",
        Operator::FloorDiv => "//",
    }
}

fn comparison(op: CompareOperator) -> &'static str {
    match op {
        CompareOperator::Eq => "==",
        CompareOperator::NotEq => "!=",
        CompareOperator::Lt => "<",
        CompareOperator::LtE => "<=",
        CompareOperator::Gt => ">",
        CompareOperator::GtE => ">=",
        CompareOperator::Is => "is",
        CompareOperator::IsNot => "is-not",
        CompareOperator::In => "in",
        CompareOperator::NotIn => "not-in",
    }
}
