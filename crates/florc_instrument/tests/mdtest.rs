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

use florc_instrument::{Instrumented, Options, instrument};
use florc_syntax::{SourceText, parse};
use mdtest::document::{Case, Document};
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
    let source = SourceText::from_bytes("t.py", case.python.clone().into_bytes()).expect("UTF-8");
    instrument(source, &Options::default())
        .unwrap_or_else(|finding| panic!("{}: {finding:?}", case.name))
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
    assert!(count >= 60, "only {count} cases");
    assert!(update || wrong.is_empty(), "{}", wrong.join("\n"));
}

fn difference(name: &str, kind: &str, expected: &str, actual: &str) -> String {
    format!("---- {name}: {kind}\n---- expected\n{expected}---- actual\n{actual}")
}

/// Other bytes than those of the edits are the user's.
#[test]
fn bytes_outside_edits_are_kept() {
    for case in documents().iter().flat_map(|document| &document.cases) {
        let result = run(case);
        let mut kept = String::new();
        for segment in result.map.segments() {
            let start = segment.original_start as usize;
            let original = &case.python[start..start + segment.original_len as usize];
            let edited = &result.text[segment.edited_start as usize..segment.edited_end as usize];
            assert!(!segment.exact || original == edited, "{}", case.name);
            assert!(
                segment.exact || matches!(original, "" | "("),
                "{}: {original}",
                case.name
            );
            kept.push_str(original);
        }
        assert_eq!(kept, case.python, "{}", case.name);
    }
}

#[test]
fn instrumented_text_parses_again() {
    for case in documents().iter().flat_map(|document| &document.cases) {
        let result = run(case);
        let text = result.text.clone().into_bytes();
        let again = SourceText::from_bytes("t.py", text).and_then(parse);
        assert!(
            again.is_ok(),
            "{}: {:?}\n{}",
            case.name,
            again.err(),
            result.text
        );
    }
}

/// Every Python that is at hand compiles every instrumented case.
#[test]
fn every_python_compiles_the_instrumented_text() {
    let documents = documents();
    let cases: Vec<&Case> = documents
        .iter()
        .flat_map(|document| &document.cases)
        .collect();
    for (python, version) in python::all() {
        let fit: Vec<&&Case> = cases
            .iter()
            .filter(|case| case.python_from <= version)
            .collect();
        let texts: Vec<String> = fit.iter().map(|case| run(case).text).collect();
        let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
        let errors = python::compile_errors(&python, &borrowed);
        for ((case, text), error) in fit.iter().zip(&texts).zip(errors) {
            assert_eq!(error, None, "{} under {python}:\n{text}", case.name);
        }
    }
}

/// Cases marked `python run` print the same as they are and instrumented, without a recording.
#[test]
fn instrumented_text_passes_through() {
    let documents = documents();
    let cases = documents.iter().flat_map(|document| &document.cases);
    let cases: Vec<&Case> = cases.filter(|case| case.runs).collect();
    let texts: Vec<String> = cases.iter().map(|case| run(case).text).collect();
    for (python, version) in python::all() {
        let fit = || {
            cases
                .iter()
                .zip(&texts)
                .filter(|(case, _)| case.python_from <= version)
        };
        let plain: Vec<&str> = fit().map(|(case, _)| case.python.as_str()).collect();
        let edited: Vec<&str> = fit().map(|(_, text)| text.as_str()).collect();
        let plain = python::outputs(&python, &plain);
        let edited_outputs = python::outputs(&python, &edited);
        for (((case, text), plain), edited) in fit().zip(plain).zip(edited_outputs) {
            assert_eq!(plain, edited, "{} under {python}:\n{text}", case.name);
        }
    }
}

/// Cases marked `python run` print the same when blocks are skipped and when they start in the
/// middle of the main loop.
#[test]
fn skips_and_jumps_change_nothing() {
    let documents = documents();
    let cases = documents.iter().flat_map(|document| &document.cases);
    let cases: Vec<&Case> = cases.filter(|case| case.runs).collect();
    let results: Vec<Instrumented> = cases.iter().map(|case| run(case)).collect();
    let Some((python, version)) = python::all().pop() else {
        return;
    };
    let fit = || {
        cases
            .iter()
            .zip(&results)
            .filter(|(case, _)| case.python_from <= version)
    };
    let programs: Vec<_> = fit().map(|(_, r)| (r.text.as_str(), &r.manifest)).collect();
    let problems = python::replay_problems(&python, &programs);
    let wrong = fit().zip(problems).filter_map(|((case, result), problem)| {
        problem.map(|problem| format!("---- {}: {problem}\n{}", case.name, result.text))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
