//! Patterns of `exclude`, in the manner of `.gitignore`.
//!
//! ```python
//! # exclude = ["notebooks", "tests/*_data.py", "third/**/old"]
//! ```
//!
//! `*` and `?` stay inside a name, `**` crosses folders. A pattern without `/` means any file or
//! folder of that name. There is no negation.

use std::path::Path;

/// Whether a path, relative to the folder of the pattern, is meant by it.
pub(crate) fn matches(pattern: &str, path: &Path) -> bool {
    let names: Vec<String> = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    let pattern = pattern
        .strip_prefix("./")
        .unwrap_or(pattern)
        .trim_end_matches('/');
    if !pattern.contains('/') {
        return names
            .iter()
            .any(|name| name_matches(pattern.as_bytes(), name.as_bytes()));
    }
    let parts: Vec<&str> = pattern.trim_start_matches('/').split('/').collect();
    (1..=names.len()).any(|end| parts_match(&parts, &names[..end]))
}

fn parts_match(parts: &[&str], names: &[String]) -> bool {
    match (parts.split_first(), names.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => (0..=names.len()).any(|skip| parts_match(rest, &names[skip..])),
        (Some((part, parts)), Some((name, names))) => {
            name_matches(part.as_bytes(), name.as_bytes()) && parts_match(parts, names)
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn name_matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=name.len()).any(|skip| name_matches(rest, &name[skip..])),
        (Some((b'?', pattern)), Some((_, name))) => name_matches(pattern, name),
        (Some((a, pattern)), Some((b, name))) => a == b && name_matches(pattern, name),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::matches;

    #[track_caller]
    fn check(pattern: &str, path: &str, expected: bool) {
        assert_eq!(
            matches(pattern, Path::new(path)),
            expected,
            "{pattern} {path}"
        );
    }

    #[test]
    fn patterns() {
        check("old", "src/old/a.py", true);
        check("*.gen.py", "src/a.gen.py", true);
        check("old", "src/older/a.py", false);
        check("tests/*_data.py", "tests/x_data.py", true);
        check("tests/*_data.py", "src/tests/x_data.py", false);
        check("third/**/old", "third/a/b/old/x.py", true);
        check("third/**/old", "third/old/x.py", true);
        check("third/", "third/a.py", true);
        check("./a/b.py", "a/b.py", true);
        check("a/?.py", "a/bc.py", false);
    }
}
