//! Log rows as a Parquet file, for data frames.
//!
//! ```python
//! rows = pandas.read_parquet("rows.parquet")      # florc logs --format parquet > rows.parquet
//! rows[rows.name == "loss"].number.plot()
//! ```
//!
//! The columns are those of CSV, and `number`: the value where it is a number (whole ones beyond 2⁵³ lose their last digits
//! there, not in `value`). Not compressed. One row group: the rows are in memory anyway.

use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::Result;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use florc_manifest::Value;

use crate::rows::{LogRow, context_text, value_text};

const SCHEMA: &str = "message rows {
    required binary run (UTF8);
    required binary id (UTF8);
    required binary file (UTF8);
    required int64 line;
    required binary context (UTF8);
    required int64 seq;
    optional binary name (UTF8);
    optional binary value (UTF8);
    optional double number;
    required binary text (UTF8);
    required binary source (UTF8);
    required binary status (UTF8);
    required int32 rank;
}";

/// The bytes of the file.
pub(super) fn file(rows: &[LogRow]) -> Result<Vec<u8>> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::default())?;
    let mut group = file.next_row_group()?;
    let mut columns = Columns {
        group: &mut group,
        rows,
    };
    columns.texts(|row| Some(row.run.clone()))?;
    columns.texts(|row| Some(row.id.clone()))?;
    columns.texts(|row| Some(row.file.clone()))?;
    columns.wholes(|row| row.line.into())?;
    columns.texts(|row| Some(context_text(&row.context)))?;
    columns.wholes(|row| row.seq.cast_signed())?;
    columns.texts(|row| row.name.clone())?;
    columns.texts(|row| row.value.as_ref().map(value_text))?;
    columns.add::<DoubleType>(|row| row.value.as_ref().and_then(number))?;
    columns.texts(|row| Some(row.text.clone()))?;
    columns.texts(|row| Some(row.source.to_owned()))?;
    columns.texts(|row| Some(row.status.to_owned()))?;
    columns.add::<Int32Type>(|row| Some(i32::try_from(row.rank).unwrap_or(i32::MAX)))?;
    group.close()?;
    file.into_inner()
}

/// The columns of the schema, one after the other.
struct Columns<'a, 'w> {
    group: &'a mut SerializedRowGroupWriter<'w, Vec<u8>>,
    rows: &'a [LogRow],
}

impl Columns<'_, '_> {
    fn texts(&mut self, cell: impl Fn(&LogRow) -> Option<String>) -> Result<()> {
        self.add::<ByteArrayType>(|row| Some(ByteArray::from(cell(row)?.into_bytes())))
    }

    fn wholes(&mut self, cell: impl Fn(&LogRow) -> i64) -> Result<()> {
        self.add::<Int64Type>(|row| Some(cell(row)))
    }

    fn add<T: DataType>(&mut self, cell: impl Fn(&LogRow) -> Option<T::T>) -> Result<()> {
        let Some(mut column) = self.group.next_column()? else {
            return Ok(()); // as many are added as the schema has: a test reads them all
        };
        let cells: Vec<Option<T::T>> = self.rows.iter().map(cell).collect();
        let levels: Vec<i16> = cells.iter().map(|cell| cell.is_some().into()).collect();
        let values: Vec<T::T> = cells.into_iter().flatten().collect();
        // those of required columns are not looked at
        column
            .typed::<T>()
            .write_batch(&values, Some(&levels), None)?;
        column.close()
    }
}

#[expect(clippy::cast_precision_loss, reason = "the exact value is beside it")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::BigInt(digits) => digits.parse().ok(),
        Value::None | Value::Bool(_) | Value::Str(_) | Value::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    fn row(name: Option<&str>, value: Option<Value>) -> LogRow {
        LogRow {
            run: "r".into(),
            id: "r/0".into(),
            file: "train.py".into(),
            line: 7,
            context: Vec::new(),
            seq: 3,
            name: name.map(str::to_owned),
            value,
            text: "a \"ä\"\n".into(),
            source: "record",
            status: "recorded",
            rank: 2,
        }
    }

    #[test]
    fn every_column_is_read_back() {
        let rows = [
            row(Some("loss"), Some(Value::Float(0.1))),
            row(None, None),
            row(Some("name"), Some(Value::Str("x".into()))),
            row(Some("big"), Some(Value::Int(i64::MAX))),
        ];
        let file = file(&rows).unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
        let read = reader.get_row_iter(None).unwrap();
        let read: Vec<String> = read.map(|row| row.unwrap().to_string()).collect();
        let cells = [
            r#"name: "loss", value: "0.1", number: 0.1"#,
            "name: null, value: null, number: null",
            r#"name: "name", value: "x", number: null"#,
            r#"name: "big", value: "9223372036854775807", number: 9223372036854776000.0"#,
        ];
        let before = r#"run: "r", id: "r/0", file: "train.py", line: 7, context: "", seq: 3"#;
        let after = "text: \"a \"ä\"\n\", source: \"record\", status: \"recorded\", rank: 2";
        let expected = cells.map(|cells| format!("{{{before}, {cells}, {after}}}"));
        assert_eq!(read, expected);
    }

    #[test]
    fn no_rows_are_a_file_with_columns() {
        let file = file(&[]).unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
        let metadata = reader.metadata().file_metadata();
        assert_eq!(
            (metadata.num_rows(), metadata.schema_descr().num_columns()),
            (0, 13)
        );
    }
}
