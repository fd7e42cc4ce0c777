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

/// Compiles each program, runs those that are run with either package of hooks, all in one process;
/// gives what is wrong with each.
const CHECK: &str = "
import contextlib, importlib, io, json

def hooks(folder):
    sys.path[0] = folder
    sys.modules.pop('florc', None)
    importlib.invalidate_caches()
    florc = importlib.import_module('florc')
    florc.run_program = run_program
    return florc

def compiles(program):
    try:
        for name, _, text in program:
            compile(text, name, 'exec', dont_inherit=True)
    except SyntaxError as error:
        return repr(error)

def output(program):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        try:
            run_program(program)
        except BaseException as error:
            out.write(repr(error))
    return out.getvalue()

def passes_through(case):
    plain, edited = output(case['plain']), output(case['edited'])
    return None if plain == edited else f'prints {edited!r} rather than {plain!r}'

def replays(case):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return florc.check(case['edited'], case['manifest'])

cases = json.load(sys.stdin)
problems = [compiles(case['edited']) for case in cases]
for folder, check in zip(sys.argv[1:], (passes_through, replays)):
    florc = hooks(folder)
    for index, case in enumerate(cases):
        if problems[index] is None and case['plain'] is not None:
            problems[index] = check(case)
print(json.dumps(problems))
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

/// The files of a program: module name, whether it is a package, text; the entry first.
pub(crate) type Program = Vec<(String, bool, String)>;

/// A case as Python sees it.
#[derive(Serialize)]
pub(crate) struct Checked<'a> {
    /// As it was written, where it is also run.
    pub(crate) plain: Option<Program>,
    pub(crate) edited: Program,
    pub(crate) manifest: &'a ModuleManifest,
}

/// What is wrong with each case.
pub(crate) fn problems(python: &str, cases: &[Checked<'_>]) -> Vec<Option<String>> {
    let package = |name: &str| {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        tests.join(name)
    };
    let mut child = Command::new(python)
        .args(["-c", &format!("{PROGRAM}{CHECK}")])
        .args([package("passthrough"), package("simulate")])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it ran before");
    let input = serde_json::to_vec(cases).expect("cases are JSON");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(&input).expect("Python reads");
    drop(stdin);
    let output = child.wait_with_output().expect("Python ends");
    let output = String::from_utf8(output.stdout).expect("UTF-8");
    serde_json::from_str(&output).expect("a list of problems")
}
