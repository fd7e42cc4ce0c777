//! Probes carried into an older version: the text that results, or why there is none.
//!
//! The files under `fixtures/history/carry` hold pairs of versions: `recorded`, `current`, and the
//! recorded version with the probes (`carried`) or the words of the refusal (`refused`).
//! `UPDATE_HISTORY=1` writes what is found.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up must fail")]

mod judge;

use std::fmt::Write as _;
use std::path::PathBuf;

use florc_history::{Carried, DifferenceKind, carry};
use florc_syntax::Module;
use judge::{Named, module};

/// A case: its title, its blocks by name, and where each block's text stands in the file.
struct Case {
    title: String,
    blocks: Vec<(String, String)>,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some((name, mut body)) = open.take() {
            if line == "```" {
                cases.last_mut().unwrap().blocks.push((name, body));
            } else {
                body.push_str(line);
                body.push('\n');
                open = Some((name, body));
            }
        } else if let Some(title) = line.strip_prefix("## ") {
            cases.push(Case {
                title: title.to_owned(),
                blocks: Vec::new(),
            });
        } else if let Some(info) = line.strip_prefix("```") {
            let name = info.split(' ').next_back().unwrap_or_default();
            open = Some((name.to_owned(), String::new()));
        }
    }
    cases
}

fn found(old: &str, new: &str) -> (String, String) {
    let (old, new) = (module(old), module(new));
    let (before, after) = (
        florc_semantic::analyze(&old).0,
        florc_semantic::analyze(&new).0,
    );
    let (mine, theirs) = (
        Named {
            module: &old,
            semantics: &before,
        },
        Named {
            module: &new,
            semantics: &after,
        },
    );
    let carried = carry(mine.version(), theirs.version());
    let mut words = String::new();
    for refusal in &carried.refusals {
        let _ = writeln!(words, "{}", refusal.title);
        for (module, places) in [(&new, &refusal.here), (&old, &refusal.there)] {
            for (span, text) in places {
                let line = module.source.line_column(span.start).line;
                let which = if std::ptr::eq(module, &raw const new) {
                    "current"
                } else {
                    "recorded"
                };
                let _ = writeln!(words, "  {which} {line}: {text}");
            }
        }
    }
    let text = carried.edits.apply(&old.source).unwrap().text;
    florc_syntax::parse(florc_syntax::SourceText::from_bytes("c.py", text.clone().into()).unwrap())
        .unwrap();
    let result = if carried.refusals.is_empty() {
        text
    } else {
        words
    };
    (result, left_out(&carried, &old, &new))
}

fn left_out(carried: &Carried, old: &Module, new: &Module) -> String {
    let mut text = String::new();
    for difference in &carried.differences {
        let module = if difference.in_old { old } else { new };
        let what = match difference.kind {
            DifferenceKind::Added => "added",
            DifferenceKind::Removed => "removed",
            DifferenceKind::Changed => "changed",
            DifferenceKind::Renamed => "renamed",
            DifferenceKind::Moved => "moved",
            DifferenceKind::LogRemoved => "log removed",
        };
        let line = module.source.line_column(difference.span.start).line;
        let _ = writeln!(
            text,
            "{what} {line}: {}",
            module.source.slice(difference.span)
        );
    }
    text
}

#[test]
fn pairs_of_versions() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/history/carry");
    let mut count = 0;
    let mut wrong = String::new();
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut updated = String::new();
        updated.push_str(text.split("## ").next().unwrap());
        for case in cases(&text) {
            let block = |name: &str| {
                let mut blocks = case.blocks.iter();
                blocks
                    .find(|(it, _)| it == name)
                    .map(|(_, body)| body.clone())
            };
            let (old, new) = (block("recorded").unwrap(), block("current").unwrap());
            let (result, others) = found(&old, &new);
            let is_refused = module_or_none(&result).is_none();
            let name = if is_refused { "refused" } else { "carried" };
            let language = if is_refused { "text " } else { "python " };
            let expected = (
                block("carried").or_else(|| block("refused")),
                block("left-out"),
            );
            if expected.0.as_ref() != Some(&result)
                || expected.1.clone().unwrap_or_default() != others
            {
                let _ = write!(
                    wrong,
                    "{}: {}\n--- found\n{result}--- left out\n{others}",
                    path.display(),
                    case.title
                );
            }
            let _ = write!(
                updated,
                "## {}\n\n```python recorded\n{old}```\n\n```python current\n{new}```\n\n```{language}{name}\n{result}```\n\n",
                case.title
            );
            if !others.is_empty() {
                let _ = write!(updated, "```text left-out\n{others}```\n\n");
            }
            count += 1;
        }
        if std::env::var_os("UPDATE_HISTORY").is_some() {
            std::fs::write(&path, updated.trim_end().to_owned() + "\n").unwrap();
        }
    }
    assert!(count > 0);
    assert!(wrong.is_empty(), "{wrong}");
}

fn module_or_none(text: &str) -> Option<Module> {
    let source = florc_syntax::SourceText::from_bytes("t.py", text.as_bytes().to_vec()).ok()?;
    florc_syntax::parse(source).ok()
}
