//! With all that unknown code knows taken for one object, no less is found in the scripts that florc is tested
//! with.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use florc_semantic::{BindingId, Definition, DefinitionKind, FunctionId, Semantics, analyze};
use florc_syntax::tree::StmtId;
use florc_syntax::{SourceText, parse};

use crate::{Effects, Knowledge, infer_within};

fn python_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|it| it.path()) {
        if path.is_dir() {
            python_files(&path, found);
        } else if path.extension().is_some_and(|it| it == "py") {
            found.push(path);
        }
    }
}

/// Functions, classes and modules change in no way that a cut point would look at.
fn is_code(semantics: &Semantics, id: BindingId) -> bool {
    let binding = semantics.binding(id);
    let import = |of: &Definition| matches!(of.kind, DefinitionKind::Import(_));
    binding.is_function || binding.is_class || binding.definitions.iter().all(import)
}

/// What a statement may do: variables that it binds and changes, and functions that it reaches.
fn said(
    effects: &Effects,
    semantics: &Semantics,
    stmt: StmtId,
) -> (
    BTreeSet<BindingId>,
    BTreeSet<BindingId>,
    BTreeSet<FunctionId>,
) {
    let region = effects.region(semantics.function_of_stmt(stmt), &[stmt]);
    let data = |id: &BindingId| !is_code(semantics, *id);
    (
        region.bound.into_keys().filter(data).collect(),
        region.mutated.into_keys().filter(data).collect(),
        effects.may_reach(&[stmt]),
    )
}

/// Lines of which less is said in the coarse analysis; how many statements there are.
fn missed(path: &Path) -> (Vec<String>, usize) {
    let bytes = std::fs::read(path).unwrap_or_default();
    let source = SourceText::from_bytes(path.to_string_lossy(), bytes).ok();
    let Some(module) = source.and_then(|source| parse(source).ok()) else {
        return (Vec::new(), 0);
    };
    let (semantics, _) = analyze(&module);
    let knowledge = Knowledge::builtin();
    let exact = infer_within(&module, &semantics, &knowledge, [u64::MAX, 0]);
    let coarse = infer_within(&module, &semantics, &knowledge, [0, u64::MAX]);
    assert!(!coarse.gave_up(), "{}", path.display());
    let stmts = (0..module.tree.stmt_count() as u32).map(StmtId);
    let lines = stmts.filter_map(|stmt| {
        let least = said(&exact, &semantics, stmt);
        let found = said(&coarse, &semantics, stmt);
        let all = least.0.is_subset(&found.0)
            && least.1.is_subset(&found.1)
            && least.2.is_subset(&found.2);
        let start = module.tree.stmt(stmt).span.start;
        let line = module.source.line_column(start).line;
        (!all).then(|| format!("{}:{line}", path.display()))
    });
    (lines.collect(), module.tree.stmt_count())
}

#[test]
fn nothing_is_missed_with_all_unknown_values_taken_for_one() {
    let fixtures = format!("{}/../../fixtures", env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    python_files(Path::new(&fixtures), &mut paths);
    paths.sort();
    let found: Vec<_> = paths.iter().map(|path| missed(path)).collect();
    let lines: Vec<&str> = found
        .iter()
        .flat_map(|(lines, _)| lines.iter().map(String::as_str))
        .collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
    let statements: usize = found.iter().map(|(_, count)| count).sum();
    assert!(statements > 1000, "{statements}");
}
