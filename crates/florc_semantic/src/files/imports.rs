//! The modules that a file may import, by absolute dotted name.
//!
//! ```python
//! from . import data          # in pkg/train.py: pkg, pkg.data
//! from .model import Net      # pkg.model, pkg.model.Net
//! ```
//!
//! Whether there are such modules is not asked here: `Net` may be a class.

use std::collections::BTreeSet;

use florc_syntax::tree::{StmtId, StmtKind, Tree};

/// Names in the order of the text, each once. `package` is what relative imports start from.
pub(super) fn of(tree: &Tree, package: &str) -> Vec<String> {
    let mut names = Vec::new();
    for id in (0..tree.stmt_count() as u32).map(StmtId) {
        let kind = &tree.stmt(id).kind;
        if let StmtKind::Import { names: aliases } = kind {
            names.extend(aliases.iter().map(|alias| alias.name.text.clone()));
        }
        if let StmtKind::ImportFrom {
            module,
            names: aliases,
            level,
        } = kind
        {
            let written = module.as_ref().map_or("", |module| module.text.as_str());
            let Some(base) = absolute(package, *level, written) else {
                continue;
            };
            let parts = aliases.iter().filter(|alias| alias.name.text != "*");
            names.push(base.clone());
            names.extend(parts.map(|alias| format!("{base}.{}", alias.name.text)));
        }
    }
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// `..data` in package `a.b` is `a.data`; `None` where it leaves the top, as in Python.
fn absolute(package: &str, level: u32, written: &str) -> Option<String> {
    if level == 0 {
        return Some(written.to_owned());
    }
    let mut base = package;
    for _ in 1..level {
        base = base.rsplit_once('.')?.0;
    }
    if base.is_empty() {
        return None;
    }
    Some(if written.is_empty() {
        base.to_owned()
    } else {
        format!("{base}.{written}")
    })
}
