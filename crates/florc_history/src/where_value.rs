//! Values and operators of `--where`, as Python has them, with a third answer: not known yet.
//!
//! ```python
//! epoch >= 8 and loss > 2      # with epoch 3: no; with epoch 9 and no loss yet: unknown
//! ```
//!
//! Whatever Python would refuse (`"a" < 3`, a division by zero) is unknown. No names here.

use std::cmp::Ordering;

use florc_manifest::Value;
use florc_syntax::tree::{CompareOperator, Operator, UnaryOperator};

/// A value that a condition computes with.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// `None`.
    None,
    /// `True`, `False`.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A double.
    Float(f64),
    /// Text.
    Str(String),
    /// A tuple, list or set display.
    Many(Vec<Scalar>),
}

/// What is known of the truth of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// A name has no value here, or Python would raise.
    Unknown,
}

impl From<&Value> for Scalar {
    fn from(value: &Value) -> Self {
        match value {
            Value::None => Self::None,
            Value::Bool(v) => Self::Bool(*v),
            Value::Int(v) => Self::Int(i128::from(*v)),
            Value::BigInt(digits) => digits
                .parse()
                .map_or_else(|_| Self::Str(digits.clone()), Self::Int),
            Value::Float(v) => Self::Float(*v),
            Value::Str(text) => Self::Str(text.clone()),
            // `tensor(0.25)` printed as text may still be a number.
            Value::Text(text) => text
                .parse()
                .map_or_else(|_| Self::Str(text.clone()), Self::Float),
        }
    }
}

impl Scalar {
    /// Python's truth value.
    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(v) => *v,
            Self::Int(v) => *v != 0,
            Self::Float(v) => *v != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::Many(items) => !items.is_empty(),
        }
    }

    fn integer(&self) -> Option<i128> {
        match self {
            Self::Bool(v) => Some(i128::from(*v)),
            Self::Int(v) => Some(*v),
            Self::None | Self::Float(_) | Self::Str(_) | Self::Many(_) => None,
        }
    }

    fn float(&self) -> Option<f64> {
        match self {
            Self::Float(v) => Some(*v),
            Self::Bool(_) | Self::Int(_) => self.integer().map(|v| v as f64),
            Self::None | Self::Str(_) | Self::Many(_) => None,
        }
    }
}

/// `-x`, `not x` …; `None` where Python would raise.
pub(crate) fn unary(op: UnaryOperator, operand: &Scalar) -> Option<Scalar> {
    match op {
        UnaryOperator::Not => Some(Scalar::Bool(!operand.truth())),
        UnaryOperator::Plus => match operand.integer() {
            Some(value) => Some(Scalar::Int(value)),
            None => operand.float().map(Scalar::Float),
        },
        UnaryOperator::Minus => match operand.integer() {
            Some(value) => value.checked_neg().map(Scalar::Int),
            None => operand.float().map(|value| Scalar::Float(-value)),
        },
        UnaryOperator::Invert => operand.integer().map(|value| Scalar::Int(!value)),
    }
}

/// `a + b` …; `None` where Python would raise or the operator is not offered.
pub(crate) fn binary(left: &Scalar, op: Operator, right: &Scalar) -> Option<Scalar> {
    if let (Some(a), Some(b)) = (left.integer(), right.integer()) {
        return integers(a, op, b);
    }
    let (a, b) = (left.float()?, right.float()?);
    let value = match op {
        Operator::Add => a + b,
        Operator::Sub => a - b,
        Operator::Mult => a * b,
        Operator::Div if b != 0.0 => a / b,
        Operator::FloorDiv if b != 0.0 => (a / b).floor(),
        Operator::Mod if b != 0.0 => a - b * (a / b).floor(),
        Operator::Pow => a.powf(b),
        Operator::Div
        | Operator::FloorDiv
        | Operator::Mod
        | Operator::MatMult
        | Operator::LShift
        | Operator::RShift
        | Operator::BitOr
        | Operator::BitXor
        | Operator::BitAnd => return None,
    };
    Some(Scalar::Float(value))
}

fn integers(a: i128, op: Operator, b: i128) -> Option<Scalar> {
    let value = match op {
        Operator::Add => a.checked_add(b),
        Operator::Sub => a.checked_sub(b),
        Operator::Mult => a.checked_mul(b),
        Operator::Div => {
            return (b != 0).then(|| Scalar::Float(a as f64 / b as f64));
        }
        // Python rounds towards minus infinity and `%` takes the sign of the divisor.
        Operator::FloorDiv => floor_division(a, b),
        Operator::Mod => floor_division(a, b).and_then(|quotient| a.checked_sub(quotient * b)),
        Operator::Pow => u32::try_from(b).ok().and_then(|power| a.checked_pow(power)),
        Operator::BitOr => Some(a | b),
        Operator::BitXor => Some(a ^ b),
        Operator::BitAnd => Some(a & b),
        Operator::MatMult | Operator::LShift | Operator::RShift => None,
    };
    value.map(Scalar::Int)
}

fn floor_division(a: i128, b: i128) -> Option<i128> {
    let quotient = a.checked_div(b)?;
    Some(if a % b != 0 && (a < 0) != (b < 0) {
        quotient - 1
    } else {
        quotient
    })
}

/// One comparison; `None` where Python would raise.
pub(crate) fn compare(left: &Scalar, op: CompareOperator, right: &Scalar) -> Option<bool> {
    match op {
        CompareOperator::Eq => Some(equal(left, right)),
        CompareOperator::NotEq => Some(!equal(left, right)),
        CompareOperator::Is => identical(left, right),
        CompareOperator::IsNot => identical(left, right).map(|same| !same),
        CompareOperator::In => contains(right, left),
        CompareOperator::NotIn => contains(right, left).map(|inside| !inside),
        CompareOperator::Lt => order(left, right, Ordering::is_lt),
        CompareOperator::LtE => order(left, right, Ordering::is_le),
        CompareOperator::Gt => order(left, right, Ordering::is_gt),
        CompareOperator::GtE => order(left, right, Ordering::is_ge),
    }
}

#[expect(clippy::float_cmp, reason = "Python's `==` on floats is exact")]
fn equal(left: &Scalar, right: &Scalar) -> bool {
    match (left, right) {
        (Scalar::None, Scalar::None) => true,
        (Scalar::Str(a), Scalar::Str(b)) => a == b,
        (Scalar::Many(a), Scalar::Many(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        _ => match (left.integer(), right.integer()) {
            (Some(a), Some(b)) => a == b,
            _ => matches!((left.float(), right.float()), (Some(a), Some(b)) if a == b),
        },
    }
}

/// `is` is offered for the singletons only.
fn identical(left: &Scalar, right: &Scalar) -> Option<bool> {
    let singleton = |value: &Scalar| matches!(value, Scalar::None | Scalar::Bool(_));
    (singleton(left) || singleton(right)).then(|| left == right)
}

fn contains(container: &Scalar, item: &Scalar) -> Option<bool> {
    match (container, item) {
        (Scalar::Many(items), _) => Some(items.iter().any(|each| equal(each, item))),
        (Scalar::Str(text), Scalar::Str(part)) => Some(text.contains(part.as_str())),
        _ => None,
    }
}

/// Comparisons with NaN are false, as in Python.
fn order(left: &Scalar, right: &Scalar, holds: fn(Ordering) -> bool) -> Option<bool> {
    match (left, right) {
        (Scalar::Str(a), Scalar::Str(b)) => Some(holds(a.cmp(b))),
        _ => match (left.integer(), right.integer()) {
            (Some(a), Some(b)) => Some(holds(a.cmp(&b))),
            _ => Some(
                left.float()?
                    .partial_cmp(&right.float()?)
                    .is_some_and(holds),
            ),
        },
    }
}
