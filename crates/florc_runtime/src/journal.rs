//! What happened in a run, in order.
//!
//! ```text
//! 0   header: magic, format, crc32                         16 bytes
//! 16  record: length (4), crc32 of length and text (4), JSON
//! ```
//!
//! Each record is one `write(2)`, so that a killed process leaves whole records, at worst with a
//! torn one at the end. Reading stops at the first record that is not whole and says where. Two
//! processes never write the same journal.

mod scan;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use florc_manifest::{FORMAT_VERSION, JournalRecord};

use crate::error::StoreError;
use crate::in_use::mark_open;

pub(crate) use scan::{Hole, Scan, scan_journal};

const MAGIC: &[u8; 8] = b"FLORCJNL";
const HEADER: usize = 16;
const FRAME: usize = 8;

/// A journal as read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Journal {
    /// Whole records, in order.
    pub records: Vec<JournalRecord>,
    /// Set when the file goes on after them.
    pub torn: Option<Torn>,
}

/// The end of a journal that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// First byte that is not part of a whole record.
    pub offset: u64,
    /// Bytes from there to the end.
    pub lost: u64,
}

/// Appends records.
#[derive(Debug)]
pub(crate) struct JournalWriter {
    file: File,
    len: u64,
}

impl JournalWriter {
    /// Makes a new journal; it must not exist.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(path)?;
        mark_open(&file);
        file.write_all(&header())?;
        Ok(Self {
            file,
            len: HEADER as u64,
        })
    }

    /// Opens a journal that exists. What is torn at its end is cut off by the first error only:
    /// the caller has read it.
    pub(crate) fn append_to(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).open(path)?;
        mark_open(&file);
        let len = file.metadata()?.len();
        Ok(Self { file, len })
    }

    /// Appends a record. After an error the journal ends with the record before.
    pub(crate) fn append(&mut self, record: &JournalRecord) -> io::Result<()> {
        let bytes = encode(record)?;
        if let Err(error) = self.file.write_all(&bytes) {
            self.file.set_len(self.len)?;
            return Err(error);
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Makes all records durable.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

fn header() -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    let crc = crc32fast::hash(&header[..12]);
    header[12..].copy_from_slice(&crc.to_le_bytes());
    header
}

fn encode(record: &JournalRecord) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; FRAME];
    serde_json::to_writer(&mut bytes, record)?;
    let len = u32::try_from(bytes.len() - FRAME)
        .map_err(io::Error::other)?
        .to_le_bytes();
    bytes[..4].copy_from_slice(&len);
    let crc = checksum(len, &bytes[FRAME..]).to_le_bytes();
    bytes[4..FRAME].copy_from_slice(&crc);
    Ok(bytes)
}

fn checksum(len: [u8; 4], text: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&len);
    hasher.update(text);
    hasher.finalize()
}

/// Reads a journal.
pub(crate) fn read_journal(path: &Path) -> Result<Journal, StoreError> {
    let bytes = std::fs::read(path).map_err(|error| StoreError::io(path, "read", &error))?;
    decode_journal(path, &bytes)
}

fn decode_journal(path: &Path, bytes: &[u8]) -> Result<Journal, StoreError> {
    let torn_at = |offset: usize| {
        Some(Torn {
            offset: offset as u64,
            lost: (bytes.len() - offset) as u64,
        })
    };
    let Some((head, _)) = bytes.split_first_chunk::<HEADER>() else {
        return Ok(Journal {
            records: Vec::new(),
            torn: torn_at(0),
        });
    };
    check_header(path, head)?;
    let mut records = Vec::new();
    let at = read_records(bytes, HEADER, &mut records).map_err(|(at, error)| {
        let what = format!("the record at byte {at} is not known: {error}");
        StoreError::damaged(path, what)
    })?;
    Ok(Journal {
        records,
        torn: (at < bytes.len()).then(|| torn_at(at)).flatten(),
    })
}

/// Reads whole records from `at` on; where they end.
fn read_records(
    bytes: &[u8],
    mut at: usize,
    records: &mut Vec<JournalRecord>,
) -> Result<usize, (usize, serde_json::Error)> {
    while let Some(text) = bytes.get(at..).and_then(whole_record) {
        records.push(serde_json::from_slice(text).map_err(|error| (at, error))?);
        at += FRAME + text.len();
    }
    Ok(at)
}

fn check_header(path: &Path, head: &[u8; HEADER]) -> Result<(), StoreError> {
    let [
        m0,
        m1,
        m2,
        m3,
        m4,
        m5,
        m6,
        m7,
        f0,
        f1,
        f2,
        f3,
        c0,
        c1,
        c2,
        c3,
    ] = *head;
    if &[m0, m1, m2, m3, m4, m5, m6, m7] != MAGIC
        || u32::from_le_bytes([c0, c1, c2, c3]) != crc32fast::hash(&head[..12])
    {
        return Err(StoreError::damaged(path, "this is not a journal"));
    }
    let format = u32::from_le_bytes([f0, f1, f2, f3]);
    if format > FORMAT_VERSION {
        return Err(StoreError::newer(path, format));
    }
    Ok(())
}

/// The text of the record at the start of `bytes`, if it is whole.
fn whole_record(bytes: &[u8]) -> Option<&[u8]> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let text = rest.get(..u32::from_le_bytes(*len) as usize)?;
    (checksum(*len, text) == u32::from_le_bytes(*crc)).then_some(text)
}

/// The bytes of a journal with these records.
pub(crate) fn encode_journal(records: &[JournalRecord]) -> io::Result<Vec<u8>> {
    let mut bytes = header().to_vec();
    for record in records {
        bytes.extend(encode(record)?);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn note(text: &str) -> JournalRecord {
        JournalRecord::Note {
            code: "test".into(),
            text: text.into(),
        }
    }

    fn bytes_of(records: &[JournalRecord]) -> Vec<u8> {
        let mut bytes = header().to_vec();
        bytes.extend(records.iter().flat_map(|record| encode(record).unwrap()));
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Journal, StoreError> {
        decode_journal(Path::new("journal-0"), bytes)
    }

    #[track_caller]
    fn check_is_prefix(journal: &Journal, records: &[JournalRecord]) {
        assert!(records.starts_with(&journal.records));
    }

    #[test]
    fn a_cut_at_any_byte_loses_only_the_end() {
        let records = [note("one"), note("two"), note("")];
        let bytes = bytes_of(&records);
        for cut in 0..bytes.len() {
            let journal = decode(&bytes[..cut]).unwrap();
            check_is_prefix(&journal, &records);
            let boundary = (0..3).any(|n| bytes_of(&records[..n]).len() == cut);
            assert_eq!(journal.torn.is_none(), boundary, "cut at {cut}");
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_is_found() {
        let records = [note("one"), note("two")];
        let bytes = bytes_of(&records);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(journal) = decode(&damaged) {
                check_is_prefix(&journal, &records);
                assert!(journal.torn.is_some(), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_newer_format_is_refused() {
        let mut bytes = header();
        bytes[8] += 1;
        let crc = crc32fast::hash(&bytes[..12]).to_le_bytes();
        bytes[12..].copy_from_slice(&crc);
        assert!(decode(&bytes).unwrap_err().what.contains("newer florc"));
    }

    #[test]
    fn a_file_is_appended_record_by_record() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal-0");
        let mut writer = JournalWriter::create(&path).unwrap();
        writer.append(&note("a")).unwrap();
        writer.append(&note("b")).unwrap();
        assert_eq!(read_journal(&path).unwrap().records, [note("a"), note("b")]);
        assert!(JournalWriter::create(&path).is_err());
    }

    proptest! {
        #[test]
        fn records_survive(texts in prop::collection::vec(".*", 0..20)) {
            let records: Vec<_> = texts.iter().map(|text| note(text)).collect();
            let journal = decode(&bytes_of(&records)).unwrap();
            prop_assert_eq!(journal, Journal { records, torn: None });
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
            let _ = decode(&[&header()[..], &bytes[..]].concat());
        }
    }
}
