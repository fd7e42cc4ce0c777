//! Shapes of expressions and patterns.
//!
//! ```python
//! f(x, y=[1, 2])      # (call (name 1:f ) [(name 1:x )] kw 1:y (list [(int 1:1 )(int 1:2 )]))
//! ```
//!
//! Writes text that is equal exactly when the programs are; never read back.

use std::fmt::Write as _;

use florc_syntax::tree::{Comprehension, ExprId, ExprKind, FStringPart, PatternId, PatternKind};

use super::Writer;

impl Writer<'_> {
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

    pub(super) fn expr(&mut self, id: ExprId) {
        if self.is_shallow {
            self.out.push('_');
        } else {
            self.whole_expr(id);
        }
    }

    pub(super) fn whole_expr(&mut self, id: ExprId) {
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
            | ExprKind::FString { .. } => self.atom(id),
            _ => self.operation(&module.tree.expr(id).kind),
        }
        self.out.push(')');
    }

    fn atom(&mut self, id: ExprId) {
        let expr = self.module.tree.expr(id);
        match &expr.kind {
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
                self.name(name, expr.span.start);
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

    pub(super) fn pattern(&mut self, id: PatternId) {
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
        for id in ids {
            self.pattern(*id);
        }
    }
}
