//! Imports that the older version has with fewer names.
//!
//! ```python
//! from utils import Meter, norm       # was `from utils import Meter`; the probe needs …
//! from utils import norm              # … this
//! ```

use florc_semantic::{BindingId, Link};
use florc_syntax::Module;
use florc_syntax::tree::{Alias, StmtId, StmtKind};

use super::{Carrier, Placed};

/// What an import names.
fn aliases(module: &Module, stmt: StmtId) -> &[Alias] {
    match &module.tree.stmt(stmt).kind {
        StmtKind::Import { names } | StmtKind::ImportFrom { names, .. } => names,
        _ => &[],
    }
}

/// Whether a statement is an import.
pub(super) fn is_import(module: &Module, stmt: StmtId) -> bool {
    !aliases(module, stmt).is_empty()
}

/// Some names of an import, said of what its partner imports from.
pub(super) fn text(
    (old, partner): (&Module, StmtId),
    (new, stmt): (&Module, StmtId),
    names: &[usize],
) -> String {
    let all = aliases(new, stmt);
    let given = names.iter().map(|at| {
        let name = &all[*at].name.text;
        let other = all[*at].asname.as_ref();
        other.map_or_else(|| name.clone(), |other| format!("{name} as {}", other.text))
    });
    let given = given.collect::<Vec<_>>().join(", ");
    match &old.tree.stmt(partner).kind {
        StmtKind::ImportFrom { module, level, .. } => {
            let dots = ".".repeat(*level as usize);
            let from = module.as_ref().map_or("", |it| it.text.as_str());
            format!("from {dots}{from} import {given}")
        }
        _ => format!("import {given}"),
    }
}

impl Carrier<'_> {
    /// Whether a variable that the older version lacks is bound by imports that it has.
    pub(super) fn comes_with_imports(&self, binding: BindingId) -> bool {
        let definitions = &self.new.semantics.binding(binding).definitions;
        let comes = |stmt: StmtId| match self.matching.old_stmts.get(&stmt) {
            Some(old) => {
                let (old, new) = ((self.old.module, *old), (self.new.module, stmt));
                std::mem::discriminant(&old.0.tree.stmt(old.1).kind)
                    == std::mem::discriminant(&new.0.tree.stmt(new.1).kind)
                    && is_import(new.0, new.1)
            }
            None => false,
        };
        definitions.iter().all(|it| comes(it.stmt))
    }

    /// A variable that the older version lacks, and those of other files from which it is imported.
    pub(super) fn origins(&self, binding: BindingId) -> Vec<BindingId> {
        let semantics = self.new.semantics;
        let mut found = vec![binding];
        let mut at = 0;
        while let Some(binding) = found.get(at).copied() {
            at += 1;
            let definitions = semantics.binding(binding).definitions.iter();
            for link in definitions.flat_map(|it| semantics.import_targets(it)) {
                if let Link::Binding(target) = link
                    && self.names.old_of(target).is_none()
                    && !found.contains(&target)
                {
                    found.push(target);
                }
            }
        }
        found
    }

    /// What is carried, in source order.
    pub(super) fn placed(&self) -> Vec<Placed> {
        let each = self.carried.iter().map(|(stmt, place)| Placed {
            stmt: *stmt,
            place: *place,
            names: self.needed_names(*stmt),
        });
        each.collect()
    }

    /// Of an import whose partner lacks some of its names, which of these are needed.
    fn needed_names(&self, import: StmtId) -> Vec<usize> {
        if !self.matching.old_stmts.contains_key(&import) {
            return Vec::new();
        }
        let used: Vec<BindingId> = self
            .carried
            .keys()
            .flat_map(|stmt| self.free_names(*stmt))
            .map(|(_, binding)| binding)
            .filter(|it| self.names.old_of(*it).is_none())
            .flat_map(|it| self.origins(it))
            .collect();
        let is_used = |alias: &Alias| {
            let name = alias.asname.as_ref().unwrap_or(&alias.name);
            used.iter().any(|it| {
                let definitions = &self.new.semantics.binding(*it).definitions;
                definitions
                    .iter()
                    .any(|it| it.stmt == import && it.span == name.span)
            })
        };
        let all = aliases(self.new.module, import).iter().enumerate();
        all.filter(|(_, alias)| is_used(alias))
            .map(|(at, _)| at)
            .collect()
    }
}
