//! `cargo xtask tidy`: the house rules that a machine can check. Also runs as a test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::metadata;

/// Longest file allowed, in lines.
const LONGEST_FILE: usize = 600;

/// Who may use whom among florc's own crates; the arrows of docs/src/architecture.md.
const ARROWS: &[(&str, &[&str])] = &[
    ("florc_syntax", &[]),
    ("florc_cuda", &[]),
    ("florc_manifest", &[]),
    ("florc_semantic", &["florc_syntax"]),
    ("florc_effects", &["florc_semantic", "florc_syntax"]),
    (
        "florc_instrument",
        &[
            "florc_effects",
            "florc_manifest",
            "florc_semantic",
            "florc_syntax",
        ],
    ),
    (
        "florc_history",
        &[
            "florc_effects",
            "florc_manifest",
            "florc_semantic",
            "florc_syntax",
        ],
    ),
    ("florc_runtime", &["florc_manifest"]),
];

/// Checks every rule and lists what breaks one.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut findings = Vec::new();
    check_sources(root, &mut findings);
    check_dependencies(root, &mut findings)?;
    check_diagnostic_pages(root, &mut findings);
    if findings.is_empty() {
        println!("tidy: nothing to do");
        return Ok(());
    }
    Err(format!(
        "tidy: {} findings\n  {}",
        findings.len(),
        findings.join("\n  ")
    ))
}

fn check_sources(root: &Path, findings: &mut Vec<String>) {
    for path in sources(root) {
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let shown = path.strip_prefix(root).unwrap_or(&path).display();
        let lines = text.lines().count();
        let is_test = path.components().any(|c| c.as_os_str() == "tests");
        if lines > LONGEST_FILE && !is_test {
            findings.push(format!(
                "{shown}: {lines} lines, the limit is {LONGEST_FILE}"
            ));
        }
        if path.extension().is_some_and(|e| e == "rs") && !text.starts_with("//!") {
            findings.push(format!("{shown}: does not begin with a `//!` page"));
        }
        for mark in ["TODO", "FIXME", "XXX"] {
            if text.contains(&format!("{mark}:")) || text.contains(&format!("{mark} ")) {
                findings.push(format!("{shown}: has a `{mark}`"));
            }
        }
    }
}

fn sources(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.join("crates"), root.join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs" || e == "py") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn check_dependencies(root: &Path, findings: &mut Vec<String>) -> Result<(), String> {
    let crates = metadata::dependencies(root)?;
    let own: BTreeSet<&String> = crates.keys().collect();
    for (name, allowed) in ARROWS {
        for used in crates
            .get(*name)
            .into_iter()
            .flatten()
            .filter(|used| own.contains(used))
        {
            if !allowed.contains(&used.as_str()) {
                findings.push(format!("{name} may not use {used}"));
            }
        }
    }
    let page = fs::read_to_string(root.join("docs/src/architecture.md")).unwrap_or_default();
    let foreign: BTreeSet<&String> = crates
        .iter()
        .filter(|(name, _)| *name != "xtask")
        .flat_map(|(_, uses)| uses)
        .filter(|used| !own.contains(used))
        .collect();
    for used in &foreign {
        if !page.contains(&format!("| `{used}` |")) {
            findings.push(format!(
                "docs/src/architecture.md: no row that justifies `{used}`"
            ));
        }
    }
    Ok(())
}

fn check_diagnostic_pages(root: &Path, findings: &mut Vec<String>) {
    let summary = fs::read_to_string(root.join("docs/src/SUMMARY.md")).unwrap_or_default();
    for entry in fs::read_dir(root.join("docs/src"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|e| e == "md")
            && name != "SUMMARY.md"
            && !summary.contains(&format!("({name})"))
        {
            findings.push(format!("docs/src/{name}: not in SUMMARY.md"));
        }
    }
    for entry in fs::read_dir(root.join("docs/src/diagnostics"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !summary.contains(&format!("(diagnostics/{name})")) {
            findings.push(format!("docs/src/diagnostics/{name}: not in SUMMARY.md"));
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_house_is_tidy() {
        super::run(&crate::project_root()).unwrap();
    }
}
