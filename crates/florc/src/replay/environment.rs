//! Whether the Python of the replay is the one of the recording.
//!
//! ```python
//! # warning: torch is 2.6.0 here and was 2.5.1 then
//! ```
//!
//! Whether it matters shows in the verification.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use florc_manifest::Environment;

const ASK: &str = "\
import json, platform, sys
from importlib import metadata
found = {'': platform.python_version()}
for name in sys.argv[1:]:
    try:
        found[name] = metadata.version({'sklearn': 'scikit-learn'}.get(name, name))
    except Exception:
        pass
print(json.dumps(found))
";

/// Packages, and Python itself, whose version differs, in words.
pub(crate) fn differences(python: &Path, recorded: &Environment) -> Vec<String> {
    let asked = Command::new(python)
        .args(["-c", ASK])
        .args(recorded.packages.keys())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let answer = asked.map(|asked| asked.stdout).unwrap_or_default();
    let Ok(found) = serde_json::from_slice::<BTreeMap<String, String>>(&answer) else {
        return Vec::new();
    };
    let packages = recorded.packages.iter();
    let packages = packages.map(|(name, version)| (&**name, &**version));
    let expected = std::iter::once(("", recorded.python.as_str())).chain(packages);
    let differs = |(name, then): (&str, &str)| {
        let shown = if name.is_empty() { "Python" } else { name };
        let now = found.get(name).filter(|now| !same(now, then))?;
        Some(format!(
            "{shown} is {now} here and was {then} when recorded"
        ))
    };
    expected.filter_map(differs).collect()
}

/// The part after `+` names a build; not every source of versions tells it.
fn same(now: &str, then: &str) -> bool {
    match (now.split_once('+'), then.split_once('+')) {
        (Some((now, _)), None) => now == then,
        (None, Some((then, _))) => now == then,
        (Some(_), Some(_)) | (None, None) => now == then,
    }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn builds_are_compared_where_both_are_known() {
        assert!(same("2.6.0+cpu", "2.6.0") && same("2.6.0", "2.6.0+cpu"));
        assert!(!same("2.6.0+cpu", "2.6.0+cu124") && !same("2.6.1", "2.6.0+cpu"));
    }
}
