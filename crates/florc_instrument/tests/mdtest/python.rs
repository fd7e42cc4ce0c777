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

/// Runs a program: the first file as `__main__`, the others when they are imported.
const PROGRAM: &str = "
import importlib.abc, importlib.machinery, sys, types

class Files(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, files):
        self.files = {name: (package, text) for name, package, text in files}

    def find_spec(self, name, path=None, target=None):
        if name in self.files:
            return importlib.machinery.ModuleSpec(name, self, is_package=self.files[name][0])
        if any(other.startswith(name + '.') for other in self.files):
            return importlib.machinery.ModuleSpec(name, None, is_package=True)

    def exec_module(self, module):
        text = self.files[module.__name__][1]
        exec(compile(text, module.__name__, 'exec', dont_inherit=True), module.__dict__)

def run_program(program):
    [(_, _, text), *files] = program
    finder, before, main = Files(files), dict(sys.modules), types.ModuleType('__main__')
    sys.meta_path.insert(0, finder)
    sys.modules['__main__'] = main
    try:
        exec(compile(text, 't.py', 'exec', dont_inherit=True), main.__dict__)
    finally:
        sys.meta_path.remove(finder)
        for name in set(sys.modules) - set(before):
            if any((other + '.').startswith(name + '.') for other in finder.files):
                del sys.modules[name]
        sys.modules['__main__'] = before['__main__']
";

/// Runs each program; gives what it printed and how it ended.
const RUN: &str = "
import contextlib, io, json

def output(program):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        try:
            run_program(program)
        except BaseException as error:
            out.write(repr(error))
    return out.getvalue()

print(json.dumps([output(text) for text in json.load(sys.stdin)]))
";

/// Records each program and replays its parts, with the in-memory hooks; gives what differs.
const SIMULATE: &str = "
import contextlib, io, json
import florc
florc.run_program = run_program

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

/// The files of a program: module name, whether it is a package, text; the entry first.
pub(crate) type Program = Vec<(String, bool, String)>;

/// What each program prints, with the pass-through package in reach.
pub(crate) fn outputs(python: &str, programs: &[Program]) -> Vec<String> {
    let script = format!("{PROGRAM}{RUN}");
    serde_json::from_str(&ask(python, &script, "passthrough", programs)).expect("outputs")
}

/// What differs when parts of the programs are replayed.
pub(crate) fn replay_problems(
    python: &str,
    cases: &[(Program, &ModuleManifest)],
) -> Vec<Option<String>> {
    let script = format!("{PROGRAM}{SIMULATE}");
    serde_json::from_str(&ask(python, &script, "simulate", cases)).expect("a list of problems")
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
