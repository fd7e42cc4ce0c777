//! What one segment of a replay yields: rows, then a verdict.
//!
//! ```text
//! .florc/replays/<id>/segment-3.jsonl          {"row": …}
//!                                              {"seconds": 12.5}
//!                                              {"verdict": "verified"}
//! .florc/replays/<id>/segment-3-rank-1.jsonl   of another process of the same segment
//! ```
//!
//! The file appears whole or not at all, and only once: a second worker of the same segment
//! changes nothing. Does not know what rows mean.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use florc_manifest::{Row, ShardLine, Verdict};

use crate::error::StoreError;
use crate::run_id::salt;

/// A shard as read.
#[derive(Clone, Debug, PartialEq)]
pub struct Shard {
    /// Rows of probes, in order.
    pub rows: Vec<Row>,
    /// How far they can be trusted.
    pub verdict: Verdict,
    /// Seconds from the first main loop to the end of the segment, where it came to one.
    pub seconds: Option<f64>,
}

/// Where the shard of a segment is, of one of the processes that replay it.
pub fn shard_path(replay: &Path, segment: u32, rank: u32) -> PathBuf {
    replay.join(match rank {
        0 => format!("segment-{segment}.jsonl"),
        rank => format!("segment-{segment}-rank-{rank}.jsonl"),
    })
}

/// Whether all processes of a segment have published their shards.
pub fn has_shards(replay: &Path, segment: u32, world_size: u32) -> bool {
    (0..world_size).all(|rank| shard_path(replay, segment, rank).exists())
}

/// Reads a shard. `None`: its worker has not finished.
pub fn read_shard(replay: &Path, segment: u32, rank: u32) -> Result<Option<Shard>, StoreError> {
    let path = shard_path(replay, segment, rank);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| StoreError::io(&path, "read", &error))?,
    };
    let mut rows = Vec::new();
    let mut verdict = None;
    let mut seconds = None;
    for line in text.lines() {
        match (serde_json::from_str(line), &verdict) {
            (Ok(ShardLine::Row(row)), None) => rows.push(row),
            (Ok(ShardLine::Seconds(took)), None) => seconds = Some(took),
            (Ok(ShardLine::Verdict(found)), None) => verdict = Some(found),
            (Ok(_), Some(_)) | (Err(_), _) => {
                return Err(StoreError::damaged(&path, "a row cannot be understood"));
            }
        }
    }
    match verdict {
        Some(verdict) => Ok(Some(Shard {
            rows,
            verdict,
            seconds,
        })),
        None => Err(StoreError::damaged(
            &path,
            "the verdict at its end is missing",
        )),
    }
}

/// A shard that is being written.
#[derive(Debug)]
pub(crate) struct ShardWriter {
    file: BufWriter<File>,
    temporary: PathBuf,
    path: PathBuf,
}

impl ShardWriter {
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        let temporary = path.with_extension(format!("{:016x}.tmp", salt()));
        let file = BufWriter::new(File::create_new(&temporary)?);
        Ok(Self {
            file,
            temporary,
            path,
        })
    }

    pub(crate) fn row(&mut self, row: Row) -> io::Result<()> {
        self.line(&ShardLine::Row(row))
    }

    /// Writes what it took and the verdict, and publishes the file, unless there is one.
    pub(crate) fn publish(mut self, seconds: Option<f64>, verdict: Verdict) -> io::Result<()> {
        if let Some(seconds) = seconds {
            self.line(&ShardLine::Seconds(seconds))?;
        }
        self.line(&ShardLine::Verdict(verdict))?;
        self.file.flush()?;
        self.file.get_ref().sync_data()?;
        let linked = match fs::hard_link(&self.temporary, &self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            // no hard links here: the name is new all but surely
            Err(_) if !self.path.exists() => fs::rename(&self.temporary, &self.path),
            other => other,
        };
        // it would be ignored as well
        let _ = fs::remove_file(&self.temporary);
        linked
    }

    fn line(&mut self, line: &ShardLine) -> io::Result<()> {
        serde_json::to_writer(&mut self.file, line)?;
        self.file.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, rows: Option<usize>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(shard_path(folder.path(), 0, 1), text).unwrap();
        let read = read_shard(folder.path(), 0, 1).ok().flatten();
        assert_eq!(read.map(|shard| shard.rows.len()), rows);
        assert!(
            !has_shards(folder.path(), 0, 2),
            "that of rank 0 is missing"
        );
    }

    const ROW: &str =
        r#"{"row":{"site":0,"line":3,"head":null,"context":[],"seq":0,"text":"a","values":[]}}"#;

    #[test]
    fn a_shard_counts_only_with_a_verdict_at_its_end() {
        check(&format!("{ROW}\n{{\"verdict\":\"verified\"}}\n"), Some(1));
        check(
            &format!("{ROW}\n{{\"seconds\":0.5}}\n{{\"verdict\":\"verified\"}}\n"),
            Some(1),
        );
        check(&format!("{ROW}\n"), None);
        check(&format!("{{\"verdict\":\"verified\"}}\n{ROW}\n"), None);
        check("", None);
    }
}
