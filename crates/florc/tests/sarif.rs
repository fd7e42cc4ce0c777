//! `florc check --format sarif` against the schema of SARIF 2.1.0: its types are made of it.
//!
//! ```python
//! # {"runs": [{"results": [{"ruleId": …, "kolumn": 3}]}]}      a name that the schema lacks is lost, and missed here
//! ```

#![expect(clippy::unwrap_used, reason = "a test that cannot set up must fail")]

use std::process::Command;

use serde_json::Value;
use serde_sarif::sarif::Sarif;

const BAD: &str = "\
import numpy as np
data = np.random.rand(4, 3)
for epoch in range(3):
    data += np.random.rand(4, 3)
    print('epoch', epoch, np.random.rand())
";

fn checked(files: &[(&str, &str)]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let told = Command::new(env!("CARGO_BIN_EXE_florc"))
        .args(["check", "--format", "sarif", "."])
        .current_dir(folder.path())
        .output()
        .unwrap();
    serde_json::from_slice(&told.stdout).unwrap()
}

#[test]
fn findings_are_what_the_schema_says() {
    for (files, least) in [
        (&[("fine.py", "x = 1\n")][..], 0),
        (&[("train.py", BAD), ("ä b.py", "def f(:\n")], 2),
    ] {
        let told = checked(files);
        let read: Sarif = serde_json::from_value(told.clone()).unwrap();
        assert!(read.runs[0].results.as_ref().unwrap().len() >= least);
        assert_eq!(serde_json::to_value(read).unwrap(), told, "nothing is lost");
    }
}
