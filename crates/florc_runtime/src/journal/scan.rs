//! Whole records behind damaged places of a journal.
//!
//! ```text
//! header  record  record  ??????  record  record        one hole, four records
//! ```
//!
//! What is found behind a hole was recorded so; what is missing in it nobody knows, so a replay
//! makes no use of it. Mends nothing.

use std::path::Path;

use florc_manifest::JournalRecord;

use super::{FRAME, HEADER, check_header, read_records, whole_record};

/// All that can be read of a journal.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) records: Vec<JournalRecord>,
    pub(crate) holes: Vec<Hole>,
}

/// A damaged place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    /// How many of [`Scan::records`] come before it.
    pub(crate) after: usize,
}

/// Reads all whole records.
pub(crate) fn scan_journal(bytes: &[u8]) -> Scan {
    let mut scan = Scan::default();
    // what is compared is bounded, so that no file takes for ever
    let mut budget = 64 * bytes.len() + (1 << 20);
    let mut at = HEADER;
    if !is_header_whole(bytes) {
        at = 0;
        skip_hole(&mut scan, bytes, &mut at, &mut budget);
    }
    loop {
        at = read_records(bytes, at, &mut scan.records).unwrap_or_else(|(at, _)| at);
        if at >= bytes.len() {
            return scan;
        }
        skip_hole(&mut scan, bytes, &mut at, &mut budget);
    }
}

fn is_header_whole(bytes: &[u8]) -> bool {
    let head = bytes.first_chunk::<HEADER>();
    head.is_some_and(|head| check_header(Path::new(""), head).is_ok())
}

fn skip_hole(scan: &mut Scan, bytes: &[u8], at: &mut usize, budget: &mut usize) {
    let next = next_record(bytes, *at + 1, budget);
    if next > *at {
        scan.holes.push(Hole {
            offset: *at as u64,
            bytes: (next - *at) as u64,
            after: scan.records.len(),
        });
    }
    *at = next;
}

/// The next place where a known record begins; the end where there is none.
fn next_record(bytes: &[u8], from: usize, budget: &mut usize) -> usize {
    let begins = |at: &usize| begins_record(&bytes[*at..], budget);
    (from..bytes.len()).find(begins).unwrap_or(bytes.len())
}

fn begins_record(bytes: &[u8], budget: &mut usize) -> bool {
    let Some(len) = bytes.first_chunk::<4>() else {
        return false;
    };
    let len = u32::from_le_bytes(*len) as usize;
    let text = bytes.get(FRAME..).and_then(|rest| rest.get(..len));
    let is_likely = text.is_some_and(|text| text.starts_with(b"{") && text.ends_with(b"}"));
    if !is_likely || *budget < len {
        return false;
    }
    *budget -= len;
    whole_record(bytes).is_some_and(|text| serde_json::from_slice::<JournalRecord>(text).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::encode_journal;

    fn notes(count: usize) -> Vec<JournalRecord> {
        let note = |at| JournalRecord::Note {
            code: "test".into(),
            text: format!("note {at}"),
        };
        (0..count).map(note).collect()
    }

    #[test]
    fn a_damaged_record_costs_itself_alone() {
        let records = notes(5);
        let bytes = encode_journal(&records).unwrap();
        let begins = encode_journal(&records[..2]).unwrap().len();
        let ends = encode_journal(&records[..3]).unwrap().len();
        for at in begins..ends {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            let scan = scan_journal(&damaged);
            assert_eq!(scan.records, [&records[..2], &records[3..]].concat());
            let hole = Hole {
                offset: begins as u64,
                bytes: (ends - begins) as u64,
                after: 2,
            };
            assert_eq!(scan.holes, [hole]);
        }
    }

    #[test]
    fn a_damaged_header_and_a_cut_end_are_holes() {
        let records = notes(3);
        let mut bytes = encode_journal(&records).unwrap();
        bytes[3] ^= 1;
        bytes.truncate(bytes.len() - 2);
        let scan = scan_journal(&bytes);
        assert_eq!(scan.records, records[..2]);
        let holes: Vec<_> = scan
            .holes
            .iter()
            .map(|hole| (hole.offset, hole.after))
            .collect();
        assert_eq!((holes[0], holes[1].1), ((0, 0), 2));
        assert!(scan_journal(&[]).holes.is_empty());
    }
}
