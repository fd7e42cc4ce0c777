//! Log rows as other tools get them.
//!
//! ```python
//! print(f"epoch {epoch} loss {loss}")    # two rows, `epoch` and `loss`, with one id and text
//! ```
//!
//! The fields are those of the command-line contract; where rows come from is not known here.

use florc_manifest::{LoopPosition, Row, Value};
use serde_json::{Map, Value as Json, json};

/// One logged value, or one log line without values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogRow {
    /// Id of the run.
    pub(crate) run: String,
    /// Id of the execution of the log statement: `<run>/3`, or `<run>/<replay>/3`.
    pub(crate) id: String,
    /// Source file, relative to the project.
    pub(crate) file: String,
    /// Line in the source that ran.
    pub(crate) line: u32,
    /// Loops around it, outermost first.
    pub(crate) context: Vec<LoopPosition>,
    /// Order within its source (the recording, or the replay).
    pub(crate) seq: u64,
    /// What was logged, as written.
    pub(crate) name: Option<String>,
    /// Its value.
    pub(crate) value: Option<Value>,
    /// The whole line as printed.
    pub(crate) text: String,
    /// `record` or `replay`.
    pub(crate) source: &'static str,
    /// `recorded`, `verified` or `approximate`.
    pub(crate) status: &'static str,
    /// The process that logged it; 0 where the run was one process.
    pub(crate) rank: u32,
}

/// Where rows of a run or replay come from.
#[derive(Clone, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) run: &'a str,
    pub(crate) replay: Option<&'a str>,
    pub(crate) file: &'a str,
    pub(crate) rank: u32,
}

impl LogRow {
    /// The rows of one execution of a log statement: one for each value, at least one.
    pub(crate) fn of(origin: &Origin<'_>, row: &Row, seq: u64, status: &'static str) -> Vec<Self> {
        let id = match (origin.replay, origin.rank) {
            (Some(replay), _) => format!("{}/{replay}/{seq}", origin.run),
            (None, 0) => format!("{}/{seq}", origin.run),
            (None, rank) => format!("{}/rank-{rank}/{seq}", origin.run),
        };
        let with = |name: Option<String>, value: Option<Value>| Self {
            run: origin.run.to_owned(),
            id: id.clone(),
            file: origin.file.to_owned(),
            line: row.line,
            context: row.context.clone(),
            seq,
            name,
            value,
            text: row.text.clone(),
            source: if origin.replay.is_some() {
                "replay"
            } else {
                "record"
            },
            status,
            rank: origin.rank,
        };
        if row.values.is_empty() {
            return vec![with(None, None)];
        }
        let values = row.values.iter();
        values
            .map(|(name, value)| with(Some(name.clone()), Some(value.clone())))
            .collect()
    }

    /// The row as JSON, fields in the order of the contract.
    pub(crate) fn json(&self) -> Json {
        json!({
            "run": self.run,
            "id": self.id,
            "file": self.file,
            "line": self.line,
            "context": context_json(&self.context),
            "seq": self.seq,
            "name": self.name,
            "value": self.value.as_ref().map_or(Json::Null, value_json),
            "text": self.text,
            "source": self.source,
            "status": self.status,
            "rank": self.rank,
        })
    }

    /// The row as cells of a CSV file.
    pub(crate) fn cells(&self) -> Vec<String> {
        vec![
            self.run.clone(),
            self.id.clone(),
            self.file.clone(),
            self.line.to_string(),
            context_text(&self.context),
            self.seq.to_string(),
            self.name.clone().unwrap_or_default(),
            self.value.as_ref().map(value_text).unwrap_or_default(),
            self.text.clone(),
            self.source.to_owned(),
            self.status.to_owned(),
            self.rank.to_string(),
        ]
    }
}

/// Names of [`LogRow::cells`].
pub(crate) const FIELDS: [&str; 12] = [
    "run", "id", "file", "line", "context", "seq", "name", "value", "text", "source", "status",
    "rank",
];

/// `{"epoch": 3, "batch": 17}`; a repeated label gets `#2`.
fn context_json(context: &[LoopPosition]) -> Json {
    let mut map = Map::new();
    for position in context {
        let mut label = position.label.clone();
        let mut number = 1;
        while map.contains_key(&label) {
            number += 1;
            label = format!("{}#{number}", position.label);
        }
        map.insert(label, position.value.into());
    }
    Json::Object(map)
}

/// `epoch=3 batch=17`.
pub(crate) fn context_text(context: &[LoopPosition]) -> String {
    let parts: Vec<String> = context
        .iter()
        .map(|position| format!("{}={}", position.label, position.value))
        .collect();
    parts.join(" ")
}

/// Text of objects is given as text; NaN and infinities, which JSON lacks, as in the store.
fn value_json(value: &Value) -> Json {
    match value {
        Value::Text(text) => text.as_str().into(),
        _ => serde_json::to_value(value).unwrap_or(Json::Null),
    }
}

/// The value for tables: full precision.
pub(crate) fn value_text(value: &Value) -> String {
    match value {
        Value::None => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) if number.is_nan() => "nan".to_owned(),
        Value::Float(number) => format!("{number:?}"),
        Value::BigInt(text) | Value::Str(text) | Value::Text(text) => text.clone(),
    }
}
