//! Runs the Markdown tests under `fixtures/mdtest/`: Python blocks, each followed by what the
//! compile side makes of it.
//!
//! ```python
//! for epoch in range(3): print(epoch)     # then a `plan` or `instrumented` block with the result
//! ```
//!
//! `UPDATE_MDTEST=1` rewrites the expectations; read the diff before you commit it.

mod mdtest {
    pub(crate) mod document;
    pub(crate) mod python;
    pub(crate) mod render;
}

use std::path::{Path, PathBuf};

use florc_instrument::{Instrumented, InstrumentedFile, Options, instrument_program};
use florc_syntax::{ProgramFile, SourceText, parse};
use mdtest::document::{Case, Document, module_name};
use mdtest::python::Program;
use mdtest::{python, render};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/mdtest")
}

/// Every case of every file, by path.
fn documents() -> Vec<Document> {
    let mut paths = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)
            .expect("fixtures/mdtest is there")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths.iter().map(|path| Document::read(path)).collect()
}

fn run(case: &Case) -> Instrumented {
    let files = case.files.iter().enumerate().map(|(index, (path, text))| {
        let source = SourceText::from_bytes(path, text.clone().into_bytes()).expect("UTF-8");
        let name = if index == 0 {
            "__main__".to_owned()
        } else {
            module_name(path)
        };
        ProgramFile::new(path, name, source)
    });
    instrument_program(files.collect(), &Options::default())
        .unwrap_or_else(|finding| panic!("{}: {finding:?}", case.name))
}

/// The program as it is written, for Python.
fn plain(case: &Case) -> Program {
    let files = case.files.iter();
    files
        .map(|(path, text)| {
            (
                module_name(path),
                path.ends_with("__init__.py"),
                text.clone(),
            )
        })
        .collect()
}

/// The instrumented program.
fn edited(result: &Instrumented) -> Program {
    let files = result.files.iter();
    let file = |file: &InstrumentedFile| {
        let package = file.path.ends_with("__init__.py");
        (file.name.clone(), package, file.text.clone())
    };
    files.map(file).collect()
}

#[test]
fn expectations_hold() {
    let update = std::env::var_os("UPDATE_MDTEST").is_some();
    let mut wrong = Vec::new();
    let mut count = 0;
    for mut document in documents() {
        for case in &mut document.cases {
            count += 1;
            let result = run(case);
            for block in &mut case.expectations {
                let actual = render::block(&block.kind, &result);
                if block.text != actual {
                    wrong.push(difference(&case.name, &block.kind, &block.text, &actual));
                    block.text = actual;
                }
            }
        }
        if update {
            document.write();
        }
    }
    assert!(count >= 250, "only {count} cases");
    assert!(update || wrong.is_empty(), "{}", wrong.join("\n"));
}

fn difference(name: &str, kind: &str, expected: &str, actual: &str) -> String {
    format!("---- {name}: {kind}\n---- expected\n{expected}---- actual\n{actual}")
}

fn shown(program: &Program) -> String {
    let files = program.iter();
    let texts: Vec<String> = files
        .map(|(name, _, text)| format!("# {name}\n{text}\n"))
        .collect();
    texts.concat()
}

/// Other bytes than those of the edits are the user's.
#[test]
fn bytes_outside_edits_are_kept() {
    for case in documents().iter().flat_map(|document| &document.cases) {
        for file in run(case).files {
            let (mut kept, text) = (String::new(), case.text(&file.path));
            for segment in file.map.segments() {
                let start = segment.original_start as usize;
                let original = &text[start..start + segment.original_len as usize];
                let edited = &file.text[segment.edited_start as usize..segment.edited_end as usize];
                assert!(!segment.exact || original == edited, "{}", case.name);
                let dropped = segment.exact || matches!(original, "" | "(");
                assert!(dropped, "{}: {original}", case.name);
                kept.push_str(original);
            }
            assert_eq!(kept, text, "{}", case.name);
        }
    }
}

#[test]
fn instrumented_text_parses_again() {
    for case in documents().iter().flat_map(|document| &document.cases) {
        for file in run(case).files {
            let text = file.text.clone().into_bytes();
            let again = SourceText::from_bytes("t.py", text).and_then(parse);
            let error = again.err();
            assert!(error.is_none(), "{}: {error:?}\n{}", case.name, file.text);
        }
    }
}

/// Every Python that is at hand compiles every instrumented file. Cases marked `python run` print
/// the same as they are and instrumented, without a recording; and, with hooks that keep states in
/// memory, when blocks are skipped and when they start in the middle of the main loop.
#[test]
fn python_agrees() {
    let documents = documents();
    let cases = documents.iter().flat_map(|document| &document.cases);
    let cases: Vec<(&Case, Instrumented)> = cases.map(|case| (case, run(case))).collect();
    for (python, version) in python::all() {
        let fit = || cases.iter().filter(|(case, _)| case.python_from <= version);
        let checked: Vec<python::Checked<'_>> = fit()
            .map(|(case, result)| python::Checked {
                plain: case.runs.then(|| plain(case)),
                edited: edited(result),
                manifest: &result.manifest,
            })
            .collect();
        let problems = python::problems(&python, &checked);
        let wrong = fit().zip(problems).filter_map(|((case, result), problem)| {
            let text = || shown(&edited(result));
            problem.map(|it| format!("---- {} under {python}: {it}\n{}", case.name, text()))
        });
        let wrong: Vec<String> = wrong.collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
