//! The condition of `--where`: a Python expression over loop variables and logged names.
//!
//! ```python
//! epoch >= 8 and batch % 10 == 0
//! ```
//!
//! Comparisons (also chained), `and`/`or`/`not`, `in`, arithmetic, names, literals and displays of
//! them. Evaluation has three answers, so that iterations are chosen before any value is known.
//! Calls, attributes and subscripts are names too, of values that were logged as `loss.item()`: nothing of the user's is run.

use florc_syntax::tree::{BoolOperator, ExprId, ExprKind, StmtKind};
use florc_syntax::{Diagnostic, Module, Severity, SourceText, parse};

use crate::where_value::{Answer, Scalar, binary, compare, unary};

/// A parsed condition.
#[derive(Debug)]
pub struct Where {
    module: Module,
    expr: ExprId,
    names: Vec<String>,
}

/// What the iterations of a `while` loop are called, a keyword of Python; and a name as long that stands
/// for it in the text that is parsed.
const WHILE: &str = "while";
const STAND_IN: &str = "_whil";

/// The text with a name for `while`, outside of strings.
fn without_keyword(text: &str) -> String {
    let is_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let (mut result, mut quote) = (String::new(), None);
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let after = rest.strip_prefix(WHILE);
        let stands_alone = !is_name(result.chars().next_back())
            && after.is_some_and(|after| !is_name(after.chars().next()));
        if let Some(after) = after.filter(|_| quote.is_none() && stands_alone) {
            result.push_str(STAND_IN);
            rest = after;
            continue;
        }
        match quote {
            None if matches!(next, '\'' | '"') => quote = Some(next),
            Some(open) if open == next => quote = None,
            None | Some(_) => {}
        }
        result.push(next);
        rest = &rest[next.len_utf8()..];
    }
    result
}

/// Name under which a condition appears in diagnostics.
const FILE: &str = "--where";

impl Where {
    /// Parses a condition; the diagnostic's span is in the condition's text.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        Self::of_code(&without_keyword(text))
    }

    /// An expression of a program.
    pub(crate) fn of_code(text: &str) -> Result<Self, Diagnostic> {
        let source = SourceText::from_bytes(FILE, text.as_bytes().to_vec())?;
        let whole = florc_syntax::Span {
            start: 0,
            end: text.len() as u32,
        };
        let module = parse(source)?;
        let expr = match module.tree.body.as_slice() {
            [only] => match &module.tree.stmt(*only).kind {
                StmtKind::Expr { value } => *value,
                _ => return Err(refuse(whole, "a condition is one expression")),
            },
            _ => return Err(refuse(whole, "a condition is one expression")),
        };
        let mut names = Vec::new();
        check(&module, expr, &mut names)?;
        for name in names.iter_mut().filter(|name| *name == STAND_IN) {
            WHILE.clone_into(name);
        }
        names.sort();
        names.dedup();
        Ok(Self {
            module,
            expr,
            names,
        })
    }

    /// The names in it, sorted.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether it holds, where `lookup` gives the values that are known.
    pub fn answer(&self, lookup: &dyn Fn(&str) -> Option<Scalar>) -> Answer {
        match self.eval(self.expr, lookup) {
            Some(value) if value.truth() => Answer::Yes,
            Some(_) => Answer::No,
            None => Answer::Unknown,
        }
    }

    /// The value, or `None` for unknown.
    fn eval(&self, id: ExprId, lookup: &dyn Fn(&str) -> Option<Scalar>) -> Option<Scalar> {
        let kind = &self.module.tree.expr(id).kind;
        match kind {
            ExprKind::Name(name) if name == STAND_IN => lookup(WHILE),
            ExprKind::Name(name) => lookup(name),
            ExprKind::Call { .. } | ExprKind::Attribute { .. } | ExprKind::Subscript { .. } => {
                lookup(&written(&self.module, id))
            }
            ExprKind::BoolOp { op, values } => self.bool_op(*op, values, lookup),
            ExprKind::UnaryOp { op, operand } => unary(*op, &self.eval(*operand, lookup)?),
            ExprKind::BinOp { left, op, right } => {
                binary(&self.eval(*left, lookup)?, *op, &self.eval(*right, lookup)?)
            }
            ExprKind::IfExp { test, body, orelse } => {
                let branch = if self.eval(*test, lookup)?.truth() {
                    body
                } else {
                    orelse
                };
                self.eval(*branch, lookup)
            }
            ExprKind::Compare {
                left,
                ops,
                comparators,
            } => {
                let mut unknown = false;
                let mut left = self.eval(*left, lookup);
                for (op, right) in ops.iter().zip(comparators) {
                    let right = self.eval(*right, lookup);
                    let holds = left
                        .zip(right.clone())
                        .and_then(|(a, b)| compare(&a, *op, &b));
                    match holds {
                        Some(true) => {}
                        Some(false) => return Some(Scalar::Bool(false)),
                        None => unknown = true,
                    }
                    left = right;
                }
                (!unknown).then_some(Scalar::Bool(true))
            }
            ExprKind::Tuple { elts } | ExprKind::List { elts } | ExprKind::Set { elts } => elts
                .iter()
                .map(|elt| self.eval(*elt, lookup))
                .collect::<Option<_>>()
                .map(Scalar::Many),
            _ => literal(kind),
        }
    }

    /// `and` is decided by any part that fails, `or` by any that holds, known or not the others.
    fn bool_op(
        &self,
        op: BoolOperator,
        values: &[ExprId],
        lookup: &dyn Fn(&str) -> Option<Scalar>,
    ) -> Option<Scalar> {
        let decides = |value: &Scalar| value.truth() == (op == BoolOperator::Or);
        let mut unknown = false;
        let mut last = None;
        for value in values {
            match self.eval(*value, lookup) {
                Some(value) if decides(&value) => return Some(value),
                Some(value) => last = Some(value),
                None => unknown = true,
            }
        }
        if unknown { None } else { last }
    }
}

pub(crate) fn literal(kind: &ExprKind) -> Option<Scalar> {
    match kind {
        ExprKind::Int(digits) => digits.parse().ok().map(Scalar::Int),
        ExprKind::Float(value) => Some(Scalar::Float(*value)),
        ExprKind::Str(text) => Some(Scalar::Str(text.clone())),
        ExprKind::True => Some(Scalar::Bool(true)),
        ExprKind::False => Some(Scalar::Bool(false)),
        ExprKind::None => Some(Scalar::None),
        _ => None,
    }
}

/// A value that is called as it is written in its log statement: `loss.item()`.
fn written(module: &Module, id: ExprId) -> String {
    let text = module.source.slice(module.tree.expr(id).span);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn check(module: &Module, id: ExprId, names: &mut Vec<String>) -> Result<(), Diagnostic> {
    let expr = module.tree.expr(id);
    let parts: Vec<ExprId> = match &expr.kind {
        ExprKind::Name(name) => {
            names.push(name.clone());
            Vec::new()
        }
        ExprKind::Call { .. } | ExprKind::Attribute { .. } | ExprKind::Subscript { .. } => {
            names.push(written(module, id));
            Vec::new()
        }
        ExprKind::BoolOp { values, .. } => values.clone(),
        ExprKind::UnaryOp { operand, .. } => vec![*operand],
        ExprKind::BinOp { left, right, .. } => vec![*left, *right],
        ExprKind::IfExp { test, body, orelse } => vec![*test, *body, *orelse],
        ExprKind::Compare {
            left, comparators, ..
        } => std::iter::once(*left)
            .chain(comparators.iter().copied())
            .collect(),
        ExprKind::Tuple { elts } | ExprKind::List { elts } | ExprKind::Set { elts } => elts.clone(),
        kind if literal(kind).is_some() => Vec::new(),
        _ => {
            return Err(refuse(
                expr.span,
                "a condition has names, numbers, text, comparisons, `and`, `or`, `not`, `in` and \
                 arithmetic only",
            ));
        }
    };
    parts
        .into_iter()
        .try_for_each(|part| check(module, part, names))
}

fn refuse(span: florc_syntax::Span, title: &str) -> Diagnostic {
    Diagnostic {
        code: "where-expression",
        severity: Severity::Error,
        file: FILE.to_owned(),
        title: title.to_owned(),
        span,
        reasons: Vec::new(),
        help: Some("write for example `--where 'epoch >= 8 and loss > 2'`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, known: &[(&str, Scalar)], expected: Answer) {
        let condition = Where::parse(text).unwrap();
        let lookup = |name: &str| {
            known
                .iter()
                .find(|(each, _)| *each == name)
                .map(|(_, value)| value.clone())
        };
        assert_eq!(condition.answer(&lookup), expected, "{text}");
    }

    #[test]
    fn python_operators() {
        check("1 < 2 <= 2", &[], Answer::Yes);
        check("-7 // 2 == -4 and -7 % 2 == 1", &[], Answer::Yes);
        check("'a' in ('a', 'b') and 3 not in [1, 2]", &[], Answer::Yes);
        check("0.1 + 0.2 == 0.3", &[], Answer::No);
        check("None is None and not ''", &[], Answer::Yes);
        check("2 ** 3 == 8.0", &[], Answer::Yes);
    }

    #[test]
    fn iterations_of_while_loops_have_a_name() {
        let third = [("while", Scalar::Int(3)), ("meanwhile", Scalar::Int(9))];
        check("while >= 3 and meanwhile == 9", &third, Answer::Yes);
        check("'while' == 'whi' + 'le' and while < 2", &third, Answer::No);
        assert_eq!(Where::parse("while > 1").unwrap().names(), ["while"]);
    }

    #[test]
    fn unknown_is_a_third_answer() {
        let epoch = [("epoch", Scalar::Int(3))];
        check("epoch >= 8 and loss > 2", &epoch, Answer::No);
        check("epoch >= 2 and loss > 2", &epoch, Answer::Unknown);
        check("epoch == 3 or loss > 2", &epoch, Answer::Yes);
        check("not loss", &epoch, Answer::Unknown);
        check("epoch / 0 == 1", &epoch, Answer::Unknown);
        check("epoch < 'a'", &epoch, Answer::Unknown);
    }

    #[test]
    fn calls_are_names_of_logged_values() {
        let loss = [
            ("loss.item()", Scalar::Float(2.5)),
            ("logs['a b']", Scalar::Int(1)),
        ];
        check("loss.item() > 2", &[], Answer::Unknown);
        check("loss.item() > 2 and logs['a b'] == 1", &loss, Answer::Yes);
    }

    #[test]
    fn what_is_no_value_is_refused_with_its_span() {
        let refused = Where::parse("epoch > (lambda: 1)").unwrap_err();
        assert_eq!((refused.span.start, refused.span.end), (9, 18));
        assert_eq!(Where::parse("x = 3").unwrap_err().code, "where-expression");
    }
}
