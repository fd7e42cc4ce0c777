//! Source encodings: byte-order mark and PEP 263 cookie.
//!
//! ```python
//! # vim: set fileencoding=latin-1 :     # the cookie of this file
//! ```
//!
//! Knows UTF-8, Latin-1 and ASCII; any other encoding is refused by name, never guessed.

use crate::Span;

/// An encoding that florc reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8, with or without a byte-order mark.
    Utf8,
    /// ISO 8859-1.
    Latin1,
    /// 7-bit ASCII.
    Ascii,
}

impl Encoding {
    /// Encodes a text; `None` where a character does not exist in this encoding.
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Ascii => text.is_ascii().then(|| text.as_bytes().to_vec()),
            Self::Latin1 => text
                .chars()
                .map(|c| u8::try_from(u32::from(c)).ok())
                .collect(),
        }
    }
}

/// Why bytes could not be decoded.
#[derive(Debug)]
pub(crate) struct DecodeError {
    pub(crate) span: Span,
    pub(crate) title: String,
}

const MARK: &[u8] = b"\xef\xbb\xbf";

/// Decodes by byte-order mark, cookie, or as UTF-8.
pub(crate) fn decode(bytes: &[u8]) -> Result<(Encoding, String), DecodeError> {
    let encoding = match cookie(bytes) {
        None => Encoding::Utf8,
        Some((span, name)) => {
            let known =
                by_name(name).filter(|it| !bytes.starts_with(MARK) || *it == Encoding::Utf8);
            let shown = String::from_utf8_lossy(name);
            known.ok_or_else(|| DecodeError {
                span,
                title: format!("florc cannot read the encoding `{shown}`"),
            })?
        }
    };
    let invalid = |at: usize| DecodeError {
        span: Span::new(at as u32, at as u32 + 1),
        title: format!(
            "byte 0x{:02x} at offset {at} is not {}",
            bytes[at],
            encoding.title()
        ),
    };
    let text = match encoding {
        Encoding::Utf8 => std::str::from_utf8(bytes)
            .map_err(|error| invalid(error.valid_up_to()))?
            .to_owned(),
        Encoding::Ascii => match bytes.iter().position(|byte| !byte.is_ascii()) {
            Some(at) => return Err(invalid(at)),
            None => bytes.iter().map(|byte| char::from(*byte)).collect(),
        },
        Encoding::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
    };
    Ok((encoding, text))
}

impl Encoding {
    fn title(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Latin1 => "Latin-1",
            Self::Ascii => "ASCII",
        }
    }
}

/// The name in `coding[:=]\s*name` of a comment in line 1, or 2 after a blank or comment line.
fn cookie(bytes: &[u8]) -> Option<(Span, &[u8])> {
    let body = bytes.strip_prefix(MARK).unwrap_or(bytes);
    let mut start = bytes.len() - body.len();
    for _ in 0..2 {
        let rest = &bytes[start..];
        let length = rest
            .iter()
            .position(|b| matches!(b, b'\n' | b'\r'))
            .unwrap_or(rest.len());
        let line = &rest[..length];
        let blank = line
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t' | b'\x0c'))
            .count();
        if blank < length && line[blank] != b'#' {
            return None;
        }
        if let Some((at, name)) = cookie_of_line(line) {
            let span = Span::new((start + at) as u32, (start + at + name.len()) as u32);
            return Some((span, name));
        }
        start = (start + length + 1).min(bytes.len());
        if rest.get(length..length + 2) == Some(b"\r\n") {
            start += 1;
        }
    }
    None
}

fn cookie_of_line(line: &[u8]) -> Option<(usize, &[u8])> {
    let mut from = 0;
    while let Some(found) = line[from..]
        .windows(6)
        .position(|window| window == b"coding")
    {
        let mut at = from + found + 6;
        from = at;
        if !matches!(line.get(at), Some(b':' | b'=')) {
            continue;
        }
        at += 1;
        at += line[at..]
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        let is_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let length = line[at..].iter().take_while(is_name).count();
        if length > 0 {
            return Some((at, &line[at..at + length]));
        }
    }
    None
}

fn by_name(name: &[u8]) -> Option<Encoding> {
    let name = String::from_utf8_lossy(name)
        .to_lowercase()
        .replace('_', "-");
    if name == "utf8" || name == "u8" || name == "utf-8" || name.starts_with("utf-8-") {
        return Some(Encoding::Utf8);
    }
    let latin = ["latin-1", "iso-8859-1", "iso-latin-1"];
    let is_latin = latin
        .iter()
        .any(|it| name == *it || name.starts_with(&format!("{it}-")));
    if is_latin || ["latin1", "l1", "iso8859-1", "8859", "cp819", "latin"].contains(&&*name) {
        return Some(Encoding::Latin1);
    }
    ["ascii", "us-ascii", "646"]
        .contains(&&*name)
        .then_some(Encoding::Ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Result<(Encoding, &str), &str>) {
        let found = decode(bytes).map_err(|error| error.title);
        let found = found.as_ref().map(|(encoding, text)| (*encoding, &**text));
        assert_eq!(found.map_err(|title| &**title), expected);
    }

    #[test]
    fn cookies() {
        check(b"x\xc3\xa4", Ok((Encoding::Utf8, "xä")));
        check(
            b"# coding: latin-1\n\xe4",
            Ok((Encoding::Latin1, "# coding: latin-1\nä")),
        );
        check(
            b"\r\n# -*- coding=L1\r\n\xe4",
            Ok((Encoding::Latin1, "\r\n# -*- coding=L1\r\nä")),
        );
        check(
            b"x\n# coding: latin-1\n",
            Ok((Encoding::Utf8, "x\n# coding: latin-1\n")),
        );
        check(
            b"# coding: koi8-r\n",
            Err("florc cannot read the encoding `koi8-r`"),
        );
        check(
            b"# coding: ascii\n\xe4",
            Err("byte 0xe4 at offset 16 is not ASCII"),
        );
        check(
            b"\xef\xbb\xbf# coding: l1\n",
            Err("florc cannot read the encoding `l1`"),
        );
        check(b"a\xff", Err("byte 0xff at offset 1 is not UTF-8"));
    }
}
