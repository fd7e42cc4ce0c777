//! Values of string literals: escapes decoded, line endings as Python sees them.
//!
//! ```python
//! "a\tb\x41"      # a, tab, b, A
//! ```
//!
//! Surrogates, which no Rust string can hold, become U+FFFD. Named characters are asked of the
//! caller; nothing here parses.

/// Looks up the character of `\N{name}`.
pub(crate) type NameLookup<'a> = &'a dyn Fn(&str) -> Option<char>;

/// Why a literal has no value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadEscape {
    /// Offset in the content.
    pub(crate) at: u32,
    pub(crate) title: &'static str,
}

/// Decodes the content of a `str` literal. `braces`: it is f-string text, where `{{` is `{`.
pub(crate) fn decode_str(
    content: &str,
    is_raw: bool,
    braces: bool,
    lookup: NameLookup<'_>,
) -> Result<String, BadEscape> {
    let mut decoder = Decoder { content, at: 0 };
    let mut text = String::with_capacity(content.len());
    while let Some(found) = decoder.next() {
        match found {
            '\r' => {
                decoder.take('\n');
                text.push('\n');
            }
            '{' | '}' if braces => {
                decoder.take(found);
                text.push(found);
            }
            '\\' if !is_raw => text.extend(decoder.escape(braces, lookup)?),
            _ => text.push(found),
        }
    }
    Ok(text)
}

/// Decodes the content of a `bytes` literal.
pub(crate) fn decode_bytes(content: &str, is_raw: bool) -> Result<Vec<u8>, BadEscape> {
    let mut decoder = Decoder { content, at: 0 };
    let mut bytes = Vec::with_capacity(content.len());
    while let Some(found) = decoder.next() {
        match found {
            '\r' => {
                decoder.take('\n');
                bytes.push(b'\n');
            }
            '\\' if !is_raw => decoder.bytes_escape(&mut bytes)?,
            _ if found.is_ascii() => bytes.push(found as u8),
            _ => {
                let title = "bytes can only contain ASCII literal characters";
                return Err(BadEscape {
                    at: decoder.at as u32,
                    title,
                });
            }
        }
    }
    Ok(bytes)
}

struct Decoder<'a> {
    content: &'a str,
    at: usize,
}

impl Decoder<'_> {
    fn peek(&self) -> Option<char> {
        self.content[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let found = self.peek()?;
        self.at += found.len_utf8();
        Some(found)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn bad<T>(&self, title: &'static str) -> Result<T, BadEscape> {
        Err(BadEscape {
            at: self.at as u32,
            title,
        })
    }

    /// The characters of the escape after a backslash.
    fn escape(&mut self, braces: bool, lookup: NameLookup<'_>) -> Result<Chars, BadEscape> {
        let Some(found) = self.peek() else {
            return Ok(Chars::one('\\'));
        };
        if braces && matches!(found, '{' | '}') {
            return Ok(Chars::one('\\'));
        }
        self.next();
        let value = match found {
            '\n' => return Ok(Chars::none()),
            '\r' => {
                self.take('\n');
                return Ok(Chars::none());
            }
            'x' => self.hex(2)?,
            'u' => self.hex(4)?,
            'U' => self.hex(8)?,
            'N' => return self.named(lookup).map(Chars::one),
            '0'..='7' => self.octal(found),
            _ => {
                return Ok(
                    simple(found).map_or(Chars([Some('\\'), Some(found)]), |byte| {
                        Chars::one(char::from(byte))
                    }),
                );
            }
        };
        if value > 0x0010_ffff {
            return self.bad("illegal Unicode character");
        }
        Ok(Chars::one(
            char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER),
        ))
    }

    fn bytes_escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), BadEscape> {
        let Some(found) = self.next() else {
            return Ok(());
        };
        match found {
            '\n' => {}
            '\r' => {
                self.take('\n');
            }
            'x' => bytes.push(self.hex(2)? as u8),
            '0'..='7' => bytes.push(self.octal(found) as u8),
            _ => match simple(found) {
                Some(byte) => bytes.push(byte),
                None if found.is_ascii() => bytes.extend([b'\\', found as u8]),
                None => return self.bad("bytes can only contain ASCII literal characters"),
            },
        }
        Ok(())
    }

    fn hex(&mut self, digits: usize) -> Result<u32, BadEscape> {
        let mut value = 0;
        for _ in 0..digits {
            match self.peek().and_then(|found| found.to_digit(16)) {
                Some(digit) => value = value << 4 | digit,
                None => return self.bad("truncated escape in a string literal"),
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn octal(&mut self, first: char) -> u32 {
        let mut value = first.to_digit(8).unwrap_or(0);
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|found| found.to_digit(8)) else {
                break;
            };
            value = value * 8 + digit;
            self.at += 1;
        }
        value
    }

    fn named(&mut self, lookup: NameLookup<'_>) -> Result<char, BadEscape> {
        let rest = &self.content[self.at..];
        let name = rest
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
            .map(|it| it.0);
        let Some(name) = name else {
            return self.bad("malformed `\\N` character escape");
        };
        let Some(found) = lookup(name) else {
            return self.bad("unknown Unicode character name");
        };
        self.at += name.len() + 2;
        Ok(found)
    }
}

/// Up to two characters.
struct Chars([Option<char>; 2]);

impl Chars {
    fn none() -> Self {
        Self([None, None])
    }
    fn one(found: char) -> Self {
        Self([Some(found), None])
    }
}

impl IntoIterator for Chars {
    type Item = char;
    type IntoIter = std::iter::Flatten<std::array::IntoIter<Option<char>, 2>>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().flatten()
    }
}

fn simple(found: char) -> Option<u8> {
    Some(match found {
        '\\' | '\'' | '"' => found as u8,
        'a' => 7,
        'b' => 8,
        't' => b'\t',
        'n' => b'\n',
        'v' => 11,
        'f' => 12,
        'r' => b'\r',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &str, expected: Result<&str, &str>) {
        let found = decode_str(content, false, false, &|name| {
            (name == "BULLET").then_some('•')
        });
        assert_eq!(found.as_deref().map_err(|error| error.title), expected);
    }

    #[test]
    fn str_escapes() {
        check(r"a\tb\x41\101\0", Ok("a\tbAA\0"));
        check(r"\u00e4\U0001F600\N{BULLET}", Ok("ä😀•"));
        check("a\\\r\nb\r\nc\rd", Ok("ab\nc\nd"));
        check(r"\d\ud800\'", Ok("\\d\u{fffd}'"));
        check(r"\x4", Err("truncated escape in a string literal"));
        check(r"\N{NO SUCH}", Err("unknown Unicode character name"));
        check(r"\U00110000", Err("illegal Unicode character"));
    }

    #[test]
    fn braces_and_bytes() {
        let braces = decode_str(r"{{a}}\{{", false, true, &|_| None);
        assert_eq!(braces.as_deref(), Ok(r"{a}\{"));
        assert_eq!(
            decode_bytes(r"\xff\0a\q", false).as_deref(),
            Ok(&b"\xff\0a\\q"[..])
        );
        assert_eq!(
            decode_str(r"\n", true, false, &|_| None).as_deref(),
            Ok(r"\n")
        );
    }
}
