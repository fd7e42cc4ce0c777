//! `florc logs`: what was logged, then or in hindsight.
//!
//! ```python
//! # florc logs --format csv > values.csv
//! ```
//!
//! Reads the store only.

mod columns;

use serde_json::Value as Json;

use crate::args::{LogFormat, LogsArgs};
use crate::facts::RunFacts;
use crate::failure::Failure;
use crate::listing::{self, Opened};
use crate::rows::{FIELDS, LogRow, Origin, context_text, value_text};
use crate::{DONE, out, replays, table};

/// Prints the rows of the runs.
pub(crate) fn logs(args: &LogsArgs) -> Result<i32, Failure> {
    let opened = listing::open_near(args.runs.first().map(String::as_str))?;
    let mut rows = Vec::new();
    let wanted: Vec<Option<&str>> = match args.runs.as_slice() {
        [] => vec![None],
        names => names.iter().map(|name| Some(name.as_str())).collect(),
    };
    for name in wanted {
        rows.extend(of_run(&opened, name)?);
    }
    match args.format {
        LogFormat::Table => out::text(&as_table(&rows))?,
        LogFormat::Json => out::json(&Json::Array(rows.iter().map(LogRow::json).collect()))?,
        LogFormat::Csv => out::text(&as_csv(&rows))?,
        LogFormat::Parquet => out::file(&as_file(&rows)?, "rows.parquet")?,
    }
    Ok(DONE)
}

/// Recorded rows first, then those of the replays, oldest replay first.
fn of_run(opened: &Opened, name: Option<&str>) -> Result<Vec<LogRow>, Failure> {
    let run = opened.find(name)?;
    let mut rows = Vec::new();
    for handle in run.handle.all_ranks() {
        let facts = RunFacts::read(&handle)?;
        let (id, rank) = (facts.manifest.run.as_str(), handle.rank());
        if let Some(torn) = &facts.torn {
            let journal = if rank == 0 {
                "its journal".to_owned()
            } else {
                format!("the journal of rank {rank}")
            };
            let text =
                format!("bytes of {journal} are damaged, rows are missing; see `florc fsck`");
            out::warning(&format!("run {id}: the last {} {text}", torn.lost));
        }
        for row in &facts.rows {
            let origin = Origin {
                run: id,
                replay: None,
                file: facts.file_of_row(row),
                rank,
            };
            rows.extend(LogRow::of(&origin, row, row.seq, "recorded"));
        }
    }
    let id = run.handle.id();
    rows.extend(replays::rows_of_run(&opened.folder, id)?);
    Ok(rows)
}

fn as_table(rows: &[LogRow]) -> String {
    if rows.is_empty() {
        return "no log rows\n".to_owned();
    }
    let several = rows.iter().any(|row| row.run != rows[0].run);
    let ranks = rows.iter().any(|row| row.rank != 0);
    let mut header = vec!["line", "context", "name", "value", "status"];
    if ranks {
        header.push("rank");
    }
    if several {
        header.insert(0, "run");
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let value = match &row.value {
                Some(value) => value_text(value),
                None => row.text.clone(),
            };
            let mut cells = vec![
                format!("{}:{}", row.file, row.line),
                context_text(&row.context),
                row.name.clone().unwrap_or_default(),
                one_line(&value),
                row.status.to_owned(),
            ];
            if ranks {
                cells.push(row.rank.to_string());
            }
            if several {
                cells.insert(0, row.run.clone());
            }
            cells
        })
        .collect();
    table::table(&header, &cells)
}

fn one_line(text: &str) -> String {
    text.trim_end().replace('\n', "⏎").replace('\r', "")
}

fn as_file(rows: &[LogRow]) -> Result<Vec<u8>, Failure> {
    columns::file(rows)
        .map_err(|error| Failure::new(format!("the rows cannot be written as Parquet: {error}")))
}

fn as_csv(rows: &[LogRow]) -> String {
    let mut text = format!("{}\r\n", FIELDS.join(","));
    for row in rows {
        let cells: Vec<String> = row.cells().iter().map(|cell| quoted(cell)).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

/// RFC 4180.
fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_cells_are_quoted_where_they_must_be() {
        assert_eq!(quoted("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
        assert_eq!(quoted("plain"), "plain");
    }
}
