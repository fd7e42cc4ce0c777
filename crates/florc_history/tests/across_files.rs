//! Which statement of a version came from another file.
//!
//! ```python
//! # one.py: print(loss)  ->  two.py: print(loss)
//! ```

#![expect(clippy::unwrap_used, reason = "a test that cannot set up must fail")]

use florc_history::{FileVersions, moved_across_files};
use florc_syntax::{Module, SourceText};

fn module(text: &str) -> Module {
    let source = SourceText::from_bytes("t.py", text.as_bytes().to_vec()).unwrap();
    florc_syntax::parse(source).unwrap()
}

/// Files are an older and a newer text each; expected are `file text -> file text`, with `~` before
/// what says something else now.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let modules: Vec<(Module, Module)> =
        files.iter().map(|(a, b)| (module(a), module(b))).collect();
    let versions: Vec<FileVersions<'_>> = modules
        .iter()
        .map(|(old, new)| FileVersions { old, new })
        .collect();
    let line = |module: &Module, stmt| {
        let text = module.source.slice(module.tree.stmt(stmt).span);
        text.lines().next().unwrap().to_owned()
    };
    let moved = moved_across_files(&versions).into_iter().map(|it| {
        let from = line(&modules[it.from.0].0, it.from.1);
        let to = line(&modules[it.to.0].1, it.to.1);
        let sign = if it.is_same { "" } else { "~" };
        format!("{sign}{} {from} -> {} {to}", it.from.0, it.to.0)
    });
    assert_eq!(moved.collect::<Vec<_>>(), expected);
}

const STEP: &str = "def step(x):\n    loss = model(x)\n    print('loss', loss)\n";

#[test]
fn a_function_goes_to_another_file() {
    let call = "for x in data:\n    step(x)\n";
    check(
        &[
            (
                &format!("{STEP}{call}"),
                &format!("from engine import step\n{call}"),
            ),
            ("", STEP),
        ],
        &[
            "0 def step(x): -> 1 def step(x):",
            "0 loss = model(x) -> 1 loss = model(x)",
            "0 print('loss', loss) -> 1 print('loss', loss)",
        ],
    );
}

#[test]
fn a_body_becomes_the_script_with_other_names() {
    check(
        &[
            (STEP, ""),
            (
                "data = load()\n",
                "data = load()\nfor x in data:\n    out = model(x)\n    print('loss', out)\n",
            ),
        ],
        &[
            "0 loss = model(x) -> 1 out = model(x)",
            "0 print('loss', loss) -> 1 print('loss', out)",
        ],
    );
}

#[test]
fn what_was_edited_on_the_way_is_another_statement() {
    check(
        &[
            (STEP, ""),
            ("", &STEP.replace("'loss', loss", "'loss', loss, x")),
        ],
        &[
            "~0 def step(x): -> 1 def step(x):",
            "0 loss = model(x) -> 1 loss = model(x)",
            "~0 print('loss', loss) -> 1 print('loss', loss, x)",
        ],
    );
}

#[test]
fn what_stays_in_its_file_is_not_told() {
    check(
        &[(STEP, &format!("{STEP}step(1)\n")), ("y = 1\n", "y = 2\n")],
        &[],
    );
    check(&[], &[]);
}

#[test]
fn equal_statements_of_two_files_stay_where_they_are() {
    let one = "def report():\n    print('done')\n";
    check(&[(one, one), (one, &format!("{one}report()\n"))], &[]);
}

#[test]
fn a_line_alone_is_not_the_line_of_another_file() {
    let one = "def one():\n    start()\n    print('done', 3)\n    stop()\n";
    let two = "def two():\n    save()\n    return 1\n";
    check(
        &[
            (one, &one.replace("    print('done', 3)\n", "")),
            (
                two,
                &two.replace("    return", "    print('done', 3)\n    return"),
            ),
        ],
        &[],
    );
}
