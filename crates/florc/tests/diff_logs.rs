//! `florc diff-logs` where code goes from one file to another.
//!
//! ```python
//! # train.py: def step(x): …; print(loss)      ->  engine.py
//! ```

#![expect(clippy::unwrap_used, reason = "a test that cannot set up must fail")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn git(folder: &Path, args: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=n", "-c", "user.email=n@example.org"])
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    assert!(done.status.success(), "git {args:?}");
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        if text.is_empty() {
            std::fs::remove_file(path).unwrap();
        } else {
            std::fs::write(path, text).unwrap();
        }
    }
}

/// Commits the older files and compares the newer ones with them; an empty text is no file.
fn report(old: &[(&str, &str)], new: &[(&str, &str)]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    write(folder.path(), old);
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-qm", "one"]);
    write(folder.path(), new);
    let done = Command::new(env!("CARGO_BIN_EXE_florc"))
        .args(["diff-logs", "--format", "json"])
        .current_dir(folder.path())
        .env_remove("FLORC_DIR")
        .output()
        .unwrap();
    let stderr = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{stderr}");
    serde_json::from_slice(&done.stdout).unwrap()
}

/// Files with their log statements and other changes, `+`, `-` or `~` and the text.
#[track_caller]
fn check(old: &[(&str, &str)], new: &[(&str, &str)], expected: &[&str]) {
    let report = report(old, new);
    let mut found = Vec::new();
    for file in report["files"].as_array().unwrap() {
        assert_eq!(file["error"], Value::Null);
        let logs = file["logs"].as_array().unwrap().iter();
        let others = file["other_changes"].as_array().unwrap().iter();
        for (kind, change) in logs
            .map(|it| ("log", it))
            .chain(others.map(|it| ("other", it)))
        {
            let text = |name: &str| change[name].as_str().unwrap().to_owned();
            let path = file["path"].as_str().unwrap();
            found.push(format!(
                "{path}: {kind} {} {}",
                text("change"),
                text("text")
            ));
        }
    }
    assert_eq!(found, expected, "{report:#}");
}

const STEP: &str = "\
def step(model, x):
    loss = model.step(x)
    print('loss', loss)
    return loss
";
const LOOP: &str = "\
for epoch in range(3):
    mean = step(model, epoch)
    print('epoch', epoch, mean)
";

#[test]
fn a_function_goes_to_a_new_file() {
    check(
        &[("train.py", &format!("{STEP}\n{LOOP}"))],
        &[
            ("train.py", &format!("from engine import step\n\n{LOOP}")),
            ("engine.py", STEP),
        ],
        &["train.py: other added from engine import step"],
    );
}

#[test]
fn the_body_of_a_function_becomes_a_script_with_other_names() {
    check(
        &[
            ("engine.py", &format!("{STEP}\nx = 1\n")),
            ("run.py", "model = load()\n"),
        ],
        &[
            ("engine.py", "x = 1\n"),
            (
                "run.py",
                "model = load()\nfor x in range(9):\n    cost = model.step(x)\n    print('loss', cost)\n",
            ),
        ],
        &[
            "engine.py: other removed def step(model, x):",
            "run.py: other added for x in range(9): …",
        ],
    );
}

#[test]
fn a_file_is_split() {
    let other = STEP.replace("step", "score").replace("'loss'", "'score'");
    check(
        &[("both.py", &format!("{STEP}\n{other}"))],
        &[("both.py", ""), ("steps.py", STEP), ("scores.py", &other)],
        &[],
    );
}

#[test]
fn a_log_statement_that_was_edited_on_the_way_is_changed() {
    let edited = STEP.replace("'loss', loss", "'loss', loss, x");
    let old = format!("{STEP}\n{LOOP}");
    let new = format!("from engine import step\n\n{LOOP}");
    let files = [("train.py", new.as_str()), ("engine.py", edited.as_str())];
    let report = report(&[("train.py", &old)], &files);
    let logs = &report["files"][0]["logs"];
    assert_eq!(report["files"][0]["path"], "engine.py");
    assert_eq!(logs.as_array().unwrap().len(), 1, "{logs}");
    assert_eq!(logs[0]["change"], "changed");
    assert_eq!(logs[0]["new_values"], serde_json::json!(["x"]));
    assert_eq!(report["files"][1]["logs"], serde_json::json!([]));
}

#[test]
fn what_is_new_or_gone_is_told_all_the_same() {
    let more = STEP.replace("    return", "    print('norm', norm(model))\n    return");
    check(
        &[("train.py", &format!("{STEP}\n{LOOP}print('end', mean)\n"))],
        &[
            ("train.py", &format!("from engine import step\n\n{LOOP}")),
            ("engine.py", &more),
        ],
        &[
            "engine.py: log added print('norm', norm(model))",
            "train.py: log removed print('end', mean)",
            "train.py: other added from engine import step",
            "train.py: other removed def step(model, x):",
        ],
    );
}
