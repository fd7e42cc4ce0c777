//! Walks over the tree: what an expression or a statement directly holds, and all below.
//!
//! ```python
//! @d                       # stmt_exprs: `d`, the default `1`, the annotation `int`
//! def f(x: int = 1): g()   # blocks: one suite; descendants: f, then g()
//! ```
//!
//! Order is that of evaluation where Python defines one. Never enters a nested suite unasked.

use crate::tree::{
    Block, ClassDef, Comprehension, ExprId, ExprKind, FStringPart, FunctionDef, MatchCase,
    Parameters, PatternId, PatternKind, StmtId, StmtKind, Tree, TypeParam,
};

impl Tree {
    /// The expressions that an expression directly holds, in order of evaluation.
    pub fn child_exprs(&self, id: ExprId) -> Vec<ExprId> {
        let mut out = Vec::new();
        match &self.expr(id).kind {
            ExprKind::BoolOp { values, .. } => out.extend(values),
            ExprKind::Named { target, value } => out.extend([value, target]),
            ExprKind::BinOp { left, right, .. } => out.extend([left, right]),
            ExprKind::UnaryOp { operand, .. } => out.push(*operand),
            ExprKind::IfExp { test, body, orelse } => out.extend([test, body, orelse]),
            ExprKind::Dict { items } => {
                for item in items {
                    out.extend(item.key);
                    out.push(item.value);
                }
            }
            ExprKind::Lambda { .. }
            | ExprKind::ListComp { .. }
            | ExprKind::SetComp { .. }
            | ExprKind::GeneratorExp { .. }
            | ExprKind::DictComp { .. } => self.scoped_exprs(id, &mut out),
            ExprKind::Yield { value } => out.extend(value),
            ExprKind::Await { value }
            | ExprKind::YieldFrom { value }
            | ExprKind::Attribute { value, .. }
            | ExprKind::Starred { value } => out.push(*value),
            ExprKind::Compare {
                left, comparators, ..
            } => {
                out.push(*left);
                out.extend(comparators);
            }
            ExprKind::Call {
                func,
                args,
                keywords,
            } => {
                out.push(*func);
                out.extend(args);
                out.extend(keywords.iter().map(|keyword| keyword.value));
            }
            ExprKind::FString { parts } => fields(parts, &mut out),
            ExprKind::Subscript { value, slice } => out.extend([value, slice]),
            ExprKind::List { elts } | ExprKind::Set { elts } | ExprKind::Tuple { elts } => {
                out.extend(elts);
            }
            ExprKind::Slice { lower, upper, step } => {
                out.extend([lower, upper, step].into_iter().flatten());
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
            | ExprKind::Name(_) => {}
        }
        out
    }

    /// The children of an expression that has a scope of its own.
    fn scoped_exprs(&self, id: ExprId, out: &mut Vec<ExprId>) {
        match &self.expr(id).kind {
            ExprKind::Lambda { params, body } => {
                defaults(params, out);
                out.push(*body);
            }
            ExprKind::ListComp { elt, generators }
            | ExprKind::SetComp { elt, generators }
            | ExprKind::GeneratorExp { elt, generators } => {
                comprehensions(generators, out);
                out.push(*elt);
            }
            ExprKind::DictComp {
                key,
                value,
                generators,
            } => {
                comprehensions(generators, out);
                out.extend([key, value]);
            }
            _ => {}
        }
    }

    /// An expression and all below it, each before its parts.
    pub fn all_exprs(&self, id: ExprId) -> Vec<ExprId> {
        let mut out = Vec::new();
        let mut pending = vec![id];
        while let Some(id) = pending.pop() {
            out.push(id);
            pending.extend(self.child_exprs(id).into_iter().rev());
        }
        out
    }

    /// The expressions that a statement directly holds, in order of evaluation: decorators,
    /// defaults, annotations, bases, targets, with-items, tests, exception types, the expressions
    /// of patterns and guards. Not those of nested statements.
    pub fn stmt_exprs(&self, id: StmtId) -> Vec<ExprId> {
        let mut out = Vec::new();
        match &self.stmt(id).kind {
            StmtKind::FunctionDef(def) => function_exprs(def, &mut out),
            StmtKind::ClassDef(def) => class_exprs(def, &mut out),
            StmtKind::Return { value } => out.extend(value),
            StmtKind::Delete { targets } => out.extend(targets),
            StmtKind::Assign { targets, value } => {
                out.push(*value);
                out.extend(targets);
            }
            StmtKind::TypeAlias {
                name,
                type_params: params,
                value,
            } => {
                out.push(*name);
                type_params(params, &mut out);
                out.push(*value);
            }
            StmtKind::AugAssign { target, value, .. } => out.extend([target, value]),
            StmtKind::AnnAssign {
                target,
                annotation,
                value,
            } => {
                out.extend(value);
                out.extend([target, annotation]);
            }
            StmtKind::For { target, iter, .. } => out.extend([iter, target]),
            StmtKind::While { test, .. } | StmtKind::If { test, .. } => out.push(*test),
            StmtKind::With { items, .. } => {
                for item in items {
                    out.push(item.context);
                    out.extend(item.target);
                }
            }
            StmtKind::Match { subject, cases } => {
                out.push(*subject);
                self.case_exprs(cases, &mut out);
            }
            StmtKind::Raise { exc, cause } => out.extend([exc, cause].into_iter().flatten()),
            StmtKind::Try { handlers, .. } => {
                out.extend(handlers.iter().filter_map(|handler| handler.exception));
            }
            StmtKind::Assert { test, msg } => {
                out.push(*test);
                out.extend(msg);
            }
            StmtKind::Expr { value } => out.push(*value),
            StmtKind::Import { .. }
            | StmtKind::ImportFrom { .. }
            | StmtKind::Global { .. }
            | StmtKind::Nonlocal { .. }
            | StmtKind::Pass
            | StmtKind::Break
            | StmtKind::Continue => {}
        }
        out
    }

    fn case_exprs(&self, cases: &[MatchCase], out: &mut Vec<ExprId>) {
        for case in cases {
            self.pattern_exprs(case.pattern, out);
            out.extend(case.guard);
        }
    }

    /// Every expression in a statement and in those nested in it, at any depth.
    pub fn exprs_in(&self, id: StmtId) -> impl Iterator<Item = ExprId> + '_ {
        let exprs = self.descendants(id).flat_map(|stmt| self.stmt_exprs(stmt));
        exprs.flat_map(|expr| self.all_exprs(expr))
    }

    /// The suites of a statement, in source order; absent ones are empty or left out.
    pub fn blocks(&self, id: StmtId) -> Vec<&Block> {
        match &self.stmt(id).kind {
            StmtKind::FunctionDef(def) => vec![&def.body],
            StmtKind::ClassDef(def) => vec![&def.body],
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

    /// A statement and all statements nested in it, in source order, those of nested functions
    /// and classes too.
    pub fn descendants(&self, id: StmtId) -> impl Iterator<Item = StmtId> + use<> {
        let mut last = id;
        while let Some(next) = self
            .blocks(last)
            .into_iter()
            .rev()
            .find_map(|block| block.last())
        {
            last = *next;
        }
        (id.0..=last.0).map(StmtId)
    }

    /// The expressions of a pattern: values, keys and classes, in source order.
    pub fn pattern_exprs(&self, id: PatternId, out: &mut Vec<ExprId>) {
        match &self.pattern(id).kind {
            PatternKind::Value(value) => out.push(*value),
            PatternKind::Sequence(patterns) | PatternKind::Or(patterns) => {
                for inner in patterns {
                    self.pattern_exprs(*inner, out);
                }
            }
            PatternKind::Mapping { keys, patterns, .. } => {
                for (key, inner) in keys.iter().zip(patterns) {
                    out.push(*key);
                    self.pattern_exprs(*inner, out);
                }
            }
            PatternKind::Class {
                class,
                patterns,
                keywords,
            } => {
                out.push(*class);
                let keywords = keywords.iter().map(|(_, inner)| inner);
                patterns
                    .iter()
                    .chain(keywords)
                    .for_each(|inner| self.pattern_exprs(*inner, out));
            }
            PatternKind::As { pattern, .. } => {
                if let Some(inner) = pattern {
                    self.pattern_exprs(*inner, out);
                }
            }
            PatternKind::Star(_) => {}
        }
    }
}

fn type_params(params: &[TypeParam], out: &mut Vec<ExprId>) {
    out.extend(params.iter().filter_map(|param| param.bound));
}

fn defaults(params: &Parameters, out: &mut Vec<ExprId>) {
    out.extend(params.iter().filter_map(|parameter| parameter.default));
}

fn comprehensions(generators: &[Comprehension], out: &mut Vec<ExprId>) {
    for generator in generators {
        out.extend([generator.iter, generator.target]);
        out.extend(&generator.ifs);
    }
}

fn fields(parts: &[FStringPart], out: &mut Vec<ExprId>) {
    for part in parts {
        if let FStringPart::Field { expr, spec, .. } = part {
            out.push(*expr);
            fields(spec, out);
        }
    }
}

fn function_exprs(def: &FunctionDef, out: &mut Vec<ExprId>) {
    out.extend(&def.decorators);
    type_params(&def.type_params, out);
    defaults(&def.params, out);
    out.extend(
        def.params
            .iter()
            .filter_map(|parameter| parameter.annotation),
    );
    out.extend(def.returns);
}

fn class_exprs(def: &ClassDef, out: &mut Vec<ExprId>) {
    out.extend(&def.decorators);
    type_params(&def.type_params, out);
    out.extend(&def.bases);
    out.extend(def.keywords.iter().map(|keyword| keyword.value));
}

#[cfg(test)]
mod tests {
    use crate::tree::StmtId;
    use crate::{SourceText, parse};

    /// The texts of the statement's direct expressions.
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let source = SourceText::from_bytes("t.py", text.into()).expect("utf-8");
        let module = parse(source).expect("valid");
        let exprs = module.tree.stmt_exprs(StmtId(0));
        let texts: Vec<_> = exprs.iter().map(|id| module.text_of_expr(*id)).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn direct_expressions_in_order_of_evaluation() {
        check("a = b = c", &["c", "a", "b"]);
        check("a.b += c", &["a.b", "c"]);
        check("for a in b: c", &["b", "a"]);
        check(
            "@d\ndef f(a: x = 1, *, b=2) -> r: c",
            &["d", "1", "2", "x", "r"],
        );
        check("class C(B, k=m): c", &["B", "m"]);
        check("with a as b, c: d", &["a", "b", "c"]);
        check(
            "match a:\n case P(x=1) | {'k': _} if g: b",
            &["a", "P", "1", "'k'", "g"],
        );
        check("try: a\nexcept E: b", &["E"]);
    }

    #[test]
    fn children_and_descendants() {
        let text =
            "x = [a for b in c if d], {**e, 1: f'{g:{h}}'}, lambda i=j: k\nif x:\n  y\nelse: z\nw";
        let source = SourceText::from_bytes("t.py", text.into()).expect("utf-8");
        let module = parse(source).expect("valid");
        let value = module.tree.stmt_exprs(StmtId(0))[0];
        let below = module.tree.all_exprs(value);
        let texts = below
            .iter()
            .map(|id| module.text_of_expr(*id))
            .filter(|text| text.len() == 1);
        assert_eq!(
            texts.collect::<Vec<_>>(),
            ["c", "b", "d", "a", "e", "1", "g", "h", "j", "k"]
        );
        let inside: Vec<_> = module.tree.descendants(StmtId(1)).map(|id| id.0).collect();
        assert_eq!(inside, [1, 2, 3]);
    }
}
