//! Addresses of objects in logged text: another one in every process, and nobody's value.
//!
//! ```python
//! print(loader)      # <torch.utils.data.DataLoader object at 0x7f2a4c0b1d90>
//! ```
//!
//! Texts that differ in them alone are equal; a probe that shows one is not proven. Finds the form
//! that Python gives them (` at 0x…`), not numbers that `id` gave.

use std::borrow::Cow;

use florc_manifest::Value;

const MARK: &str = " at 0x";

/// Whether two texts are equal but for addresses.
pub(crate) fn same_text(a: &str, b: &str) -> bool {
    a == b || masked(a) == masked(b)
}

/// Whether two values are equal but for addresses in their text.
pub(crate) fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) | (Value::Text(a), Value::Text(b)) => same_text(a, b),
        _ => a == b,
    }
}

/// Whether a text shows an address.
pub(crate) fn shows_address(text: &str) -> bool {
    masked(text).len() != text.len()
}

/// The text without the digits of addresses.
fn masked(text: &str) -> Cow<'_, str> {
    let mut parts = text.split(MARK);
    let first = parts.next().unwrap_or_default();
    if first.len() == text.len() {
        return Cow::Borrowed(text);
    }
    let mut kept = first.to_owned();
    for part in parts {
        kept.push_str(MARK);
        kept.push_str(part.trim_start_matches(|digit: char| digit.is_ascii_hexdigit()));
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(a: &str, b: &str, expected: bool) {
        assert_eq!(same_text(a, b), expected);
    }

    #[test]
    fn only_addresses_may_differ() {
        check("<Net object at 0x7f12>", "<Net object at 0x7f98ab>", true);
        check("<Net object at 0x7f12>", "<Not object at 0x7f12>", false);
        check("<f at 0x1> 2", "<f at 0x3> 4", false);
        check("loss 0x12", "loss 0x13", false);
    }

    #[test]
    fn a_text_with_an_address_is_known() {
        assert!(shows_address("[<A object at 0x7f12>]\n"));
        assert!(!shows_address("meet at 0x") && !shows_address("0x7f12"));
    }
}
