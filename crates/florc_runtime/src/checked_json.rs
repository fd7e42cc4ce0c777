//! JSON files that know when a byte of them was changed.
//!
//! ```text
//! {
//!   "run": "20260105-142530-071-9f3c",
//!   "checksum": "9f86d081…"          blake3 of all other bytes of the file
//! }
//! ```
//!
//! Still plain JSON: a reader that does not check sees one member more. Protects from accidents,
//! not from somebody who writes a checksum that fits.

use std::path::Path;

use serde::Serialize;
use serde::ser::Error as _;

const BEFORE: &str = ",\n  \"checksum\": \"";
const AFTER: &str = "\"\n}\n";
const HEX: usize = 64;

/// An object with its checksum as last member.
pub fn to_checked_json(object: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut text = serde_json::to_string_pretty(object)?;
    let Some(open) = text.strip_suffix("\n}") else {
        return Err(serde_json::Error::custom("not an object with members"));
    };
    text.truncate(open.len());
    text.push_str(BEFORE);
    let checksum = content_hash(text.as_bytes());
    text.push_str(&checksum);
    text.push_str(AFTER);
    Ok(text.into_bytes())
}

/// Whether a file is what [`to_checked_json`] made.
pub fn is_intact_json(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.strip_suffix(AFTER.as_bytes()) else {
        return false;
    };
    let Some((text, found)) = rest.split_last_chunk::<HEX>() else {
        return false;
    };
    text.ends_with(BEFORE.as_bytes()) && content_hash(text).as_bytes() == found
}

/// blake3 of some bytes, hex.
pub fn content_hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// The same of what a file holds, read in pieces.
pub fn content_hash_of_file(path: &Path) -> std::io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_bit_and_every_cut_is_found() {
        let object = serde_json::json!({"run": "a", "nested": {"x": [1, 2]}});
        let bytes = to_checked_json(&object).unwrap();
        assert!(is_intact_json(&bytes));
        let read: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read["nested"], object["nested"]);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_intact_json(&damaged), "bit {bit}");
        }
        assert!((0..bytes.len()).all(|cut| !is_intact_json(&bytes[..cut])));
    }
}
