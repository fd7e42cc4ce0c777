//! Logged values: typed, at full precision.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A typed value of a log row. Equality is bit for bit: `NaN` equals `NaN`, `0.0` is not `-0.0`.
#[derive(Clone, Debug)]
pub enum Value {
    /// `None`.
    None,
    /// `True`, `False`.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// Any other integer, in decimal digits.
    BigInt(String),
    /// A double; JSON has the shortest digits that give it back, or `{"float": "nan"}`.
    Float(f64),
    /// Text.
    Str(String),
    /// Anything else, as the text of `str(value)`.
    Text(String),
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => {
                a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
            }
            (Self::BigInt(a), Self::BigInt(b))
            | (Self::Str(a), Self::Str(b))
            | (Self::Text(a), Self::Text(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tagged {
    Int(String),
    Float(String),
    Text(String),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Wire {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Tagged(Tagged),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.clone() {
            Self::None => Wire::None,
            Self::Bool(v) => Wire::Bool(v),
            Self::Int(v) => Wire::Int(v),
            Self::BigInt(v) => Wire::Tagged(Tagged::Int(v)),
            Self::Float(v) if v.is_finite() => Wire::Float(v),
            Self::Float(v) => Wire::Tagged(Tagged::Float(v.to_string())),
            Self::Str(v) => Wire::Str(v),
            Self::Text(v) => Wire::Tagged(Tagged::Text(v)),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Wire::deserialize(deserializer)? {
            Wire::None => Self::None,
            Wire::Bool(v) => Self::Bool(v),
            Wire::Int(v) => Self::Int(v),
            Wire::Float(v) => Self::Float(v),
            Wire::Str(v) => Self::Str(v),
            Wire::Tagged(Tagged::Int(v)) => Self::BigInt(v),
            Wire::Tagged(Tagged::Text(v)) => Self::Text(v),
            Wire::Tagged(Tagged::Float(v)) => Self::Float(v.parse().map_err(D::Error::custom)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &Value, json: &str) {
        assert_eq!(serde_json::to_string(value).unwrap(), json);
        assert_eq!(serde_json::from_str::<Value>(json).unwrap(), *value);
    }

    #[test]
    fn every_kind_survives_json() {
        check(&Value::None, "null");
        check(&Value::Bool(true), "true");
        check(&Value::Int(-3), "-3");
        check(
            &Value::BigInt("1".repeat(30)),
            &format!("{{\"int\":\"{}\"}}", "1".repeat(30)),
        );
        check(&Value::Float(0.1), "0.1");
        check(&Value::Float(3.0), "3.0");
        check(&Value::Float(f64::NAN), "{\"float\":\"NaN\"}");
        check(&Value::Float(f64::NEG_INFINITY), "{\"float\":\"-inf\"}");
        check(&Value::Str("a".into()), "\"a\"");
        check(
            &Value::Text("tensor([1])".into()),
            "{\"text\":\"tensor([1])\"}",
        );
    }

    #[test]
    fn equality_is_bit_for_bit() {
        assert_ne!(Value::Float(0.0), Value::Float(-0.0));
        assert_ne!(Value::Int(1), Value::Float(1.0));
        assert_eq!(Value::Float(f64::NAN), Value::Float(f64::NAN));
    }
}
