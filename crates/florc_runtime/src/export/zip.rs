//! A ZIP archive of uncompressed files, as `torch.save` makes.
//!
//! Content begins at multiples of 64 bytes, so that it can be mapped. Sizes and places beyond 4 GiB
//! are told in ZIP64 fields.

use std::io::{self, Write};

const ALIGNMENT: u64 = 64;
const WIDE: u32 = u32::MAX;

/// An archive that is being written.
#[derive(Debug)]
pub(super) struct Archive<W: Write> {
    out: W,
    at: u64,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    crc: u32,
    bytes: u64,
    offset: u64,
}

impl<W: Write> Archive<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            at: 0,
            entries: Vec::new(),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Adds a file.
    pub(super) fn file(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let entry = Entry {
            name: name.to_owned(),
            crc: crc32fast::hash(content),
            bytes: content.len() as u64,
            offset: self.at,
        };
        let mut wide = Vec::new();
        if entry.is_wide() {
            wide.extend_from_slice(&1u16.to_le_bytes());
            wide.extend_from_slice(&16u16.to_le_bytes());
            wide.extend_from_slice(&entry.bytes.to_le_bytes());
            wide.extend_from_slice(&entry.bytes.to_le_bytes());
        }
        let begins = self.at + 30 + name.len() as u64 + wide.len() as u64 + 4;
        let padding = begins.next_multiple_of(ALIGNMENT) - begins;
        let mut extra = wide;
        extra.extend_from_slice(b"FB");
        extra.extend_from_slice(&(padding as u16).to_le_bytes());
        extra.resize(extra.len() + padding as usize, b'Z');
        let mut header = b"PK\x03\x04".to_vec();
        header.extend_from_slice(&entry.common());
        header.extend_from_slice(&(name.len() as u16).to_le_bytes());
        header.extend_from_slice(&(extra.len() as u16).to_le_bytes());
        header.extend_from_slice(name.as_bytes());
        header.extend_from_slice(&extra);
        self.write(&header)?;
        self.write(content)?;
        self.entries.push(entry);
        Ok(())
    }

    /// Writes the directory.
    pub(super) fn end(mut self) -> io::Result<()> {
        let begins = self.at;
        for entry in std::mem::take(&mut self.entries) {
            let directory = entry.directory();
            self.write(&directory)?;
            self.entries.push(entry);
        }
        let (count, len) = (self.entries.len() as u64, self.at - begins);
        let ends = self.at;
        let mut end = b"PK\x06\x06".to_vec();
        end.extend_from_slice(&44u64.to_le_bytes());
        end.extend_from_slice(&[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for number in [count, count, len, begins] {
            end.extend_from_slice(&number.to_le_bytes());
        }
        end.extend_from_slice(b"PK\x06\x07\0\0\0\0");
        end.extend_from_slice(&ends.to_le_bytes());
        end.extend_from_slice(&1u32.to_le_bytes());
        end.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        let short = u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes();
        end.extend_from_slice(&[short, short].concat());
        end.extend_from_slice(&u32::try_from(len).unwrap_or(WIDE).to_le_bytes());
        end.extend_from_slice(&u32::try_from(begins).unwrap_or(WIDE).to_le_bytes());
        end.extend_from_slice(&[0, 0]);
        self.write(&end)
    }
}

impl Entry {
    fn is_wide(&self) -> bool {
        self.bytes >= u64::from(WIDE)
    }

    /// From the version on to the sizes: the same in both headers.
    fn common(&self) -> Vec<u8> {
        let size = if self.is_wide() {
            WIDE
        } else {
            self.bytes as u32
        };
        let mut bytes = vec![45, 0, 0, 8, 0, 0, 0, 0, 0x21, 0];
        bytes.extend_from_slice(&self.crc.to_le_bytes());
        bytes.extend_from_slice(&size.to_le_bytes());
        bytes.extend_from_slice(&size.to_le_bytes());
        bytes
    }

    fn directory(&self) -> Vec<u8> {
        let mut wide = Vec::new();
        if self.is_wide() {
            wide.extend_from_slice(&self.bytes.to_le_bytes());
            wide.extend_from_slice(&self.bytes.to_le_bytes());
        }
        let is_far = self.offset >= u64::from(WIDE);
        if is_far {
            wide.extend_from_slice(&self.offset.to_le_bytes());
        }
        let mut extra = Vec::new();
        if !wide.is_empty() {
            extra.extend_from_slice(&1u16.to_le_bytes());
            extra.extend_from_slice(&(wide.len() as u16).to_le_bytes());
            extra.extend_from_slice(&wide);
        }
        let mut bytes = b"PK\x01\x02\x2d\0".to_vec();
        bytes.extend_from_slice(&self.common());
        bytes.extend_from_slice(&(self.name.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&(extra.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&[0; 10]);
        let offset = if is_far { WIDE } else { self.offset as u32 };
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.extend_from_slice(self.name.as_bytes());
        bytes.extend_from_slice(&extra);
        bytes
    }
}
