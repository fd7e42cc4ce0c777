//! The Python interpreters at hand, for the cases' last word: does it compile, does it run.
//!
//! ```python
//! compile(text, "t.py", "exec")
//! ```
//!
//! Where there is no interpreter the caller has nothing to do, and a loud line says so.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use florc_manifest::ModuleManifest;
use serde::Serialize;

/// Compiles each text; gives what Python says of it, or `null`.
const COMPILE: &str = "
import json, sys

def problem(text):
    try:
        compile(text, 't.py', 'exec', dont_inherit=True)
    except SyntaxError as error:
        return repr(error)

print(json.dumps([problem(text) for text in json.load(sys.stdin)]))
";

/// Runs each text as `__main__`; gives what it printed and how it ended.
const RUN: &str = "
import contextlib, io, json, sys

def output(text):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        try:
            code = compile(text, 't.py', 'exec', dont_inherit=True)
            exec(code, {'__name__': '__main__'})
        except BaseException as error:
            out.write(repr(error))
    return out.getvalue()

print(json.dumps([output(text) for text in json.load(sys.stdin)]))
";

/// Records each program and replays its parts, with the in-memory hooks; gives what differs.
const SIMULATE: &str = "
import contextlib, io, json, sys
import florc

def problem(case):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return florc.check(*case)

print(json.dumps([problem(case) for case in json.load(sys.stdin)]))
";

/// Commands and versions of all interpreters on `PATH`.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub(crate) fn all() -> Vec<(String, (u32, u32))> {
    let names = [
        "python3.10",
        "python3.11",
        "python3.12",
        "python3.13",
        "python3",
    ];
    let mut found: Vec<(String, (u32, u32))> = Vec::new();
    for name in names {
        if let Some(version) = version(name).filter(|v| !found.iter().any(|(_, seen)| seen == v)) {
            found.push((name.to_owned(), version));
        }
    }
    if found.is_empty() {
        println!("SKIPPED: no python3 on PATH, instrumented cases were not compiled or run");
    }
    found
}

fn version(name: &str) -> Option<(u32, u32)> {
    let script = "import sys; print(*sys.version_info[:2])";
    let output = Command::new(name)
        .args(["-c", script])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.split_whitespace().map_while(|word| word.parse().ok());
    Some((numbers.next()?, numbers.next()?)).filter(|version| *version >= (3, 10))
}

/// What Python says of each text that it cannot compile.
pub(crate) fn compile_errors(python: &str, texts: &[&str]) -> Vec<Option<String>> {
    serde_json::from_str(&ask(python, COMPILE, "passthrough", texts)).expect("a list of errors")
}

/// What each text prints, with the pass-through package in reach.
pub(crate) fn outputs(python: &str, texts: &[&str]) -> Vec<String> {
    serde_json::from_str(&ask(python, RUN, "passthrough", texts)).expect("a list of outputs")
}

/// What differs when parts of the programs are replayed.
pub(crate) fn replay_problems(
    python: &str,
    cases: &[(&str, &ModuleManifest)],
) -> Vec<Option<String>> {
    serde_json::from_str(&ask(python, SIMULATE, "simulate", cases)).expect("a list of problems")
}

fn ask<T: Serialize + ?Sized>(python: &str, script: &str, package: &str, input: &T) -> String {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(package);
    let mut child = Command::new(python)
        .args(["-c", script])
        .env("PYTHONPATH", package)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it ran before");
    let input = serde_json::to_vec(input).expect("cases are JSON");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(&input).expect("Python reads");
    drop(stdin);
    let output = child.wait_with_output().expect("Python ends");
    String::from_utf8(output.stdout).expect("UTF-8")
}
