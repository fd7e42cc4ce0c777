//! Imports, `global` and `nonlocal`.
//!
//! ```python
//! import numpy as np, os.path      # np: Import("numpy"), os: Import("os")
//! from .data import load           # load: Import(".data.load")
//! ```
//!
//! Paths are kept as written. A star import of a file of the program imports each of its names.

use std::collections::BTreeSet;

use florc_syntax::Span;
use florc_syntax::tree::{Alias, Identifier, StmtId};

use super::{Collector, Declaration};
use crate::ids::{FunctionId, ScopeId};
use crate::model::{DefinitionKind, DynamicUse};

/// `from module import *` of a file of the program.
#[derive(Clone)]
pub(super) struct Star {
    scope: ScopeId,
    target: usize,
    /// The path with a final dot.
    prefix: String,
    span: Span,
    stmt: StmtId,
}

impl Collector<'_> {
    pub(super) fn import(&mut self, names: &[Alias], scope: ScopeId) {
        for alias in names {
            let path = alias.name.text.clone();
            if let Some(asname) = &alias.asname {
                self.define(scope, asname, DefinitionKind::Import(path));
                continue;
            }
            let first = path.split('.').next().unwrap_or_default().to_owned();
            let bound = Identifier {
                text: first.clone(),
                span: alias.name.span,
            };
            self.define(scope, &bound, DefinitionKind::Import(first));
        }
    }

    pub(super) fn import_from(
        &mut self,
        stmt: StmtId,
        module: Option<&Identifier>,
        names: &[Alias],
        level: u32,
        scope: ScopeId,
    ) {
        let mut prefix = ".".repeat(level as usize);
        if let Some(module) = module {
            prefix.push_str(&module.text);
            prefix.push('.');
        }
        for alias in names {
            if alias.name.text == "*" {
                let function = self.semantics.scopes[scope.index()].function;
                let file = self.semantics.file_of(function);
                if let Some(target) = self.semantics.program.star(file, &prefix) {
                    self.stars.push(Star {
                        scope,
                        target,
                        prefix: prefix.clone(),
                        span: alias.name.span,
                        stmt,
                    });
                    continue;
                }
                self.opaque_star(stmt, function);
                continue;
            }
            let path = format!("{prefix}{}", alias.name.text);
            let name = alias.asname.as_ref().unwrap_or(&alias.name);
            self.define(scope, name, DefinitionKind::Import(path));
        }
    }

    /// What star imports of files of the program bind: every name that the other file binds. One
    /// that it does not export is bound nowhere, and counts all the same.
    pub(super) fn expand_stars(&mut self) {
        let mut changed = true;
        while changed {
            changed = false;
            for at in 0..self.stars.len() {
                let star = self.stars[at].clone();
                let theirs = self.semantics.modules[star.target];
                let from = self.semantics.functions[theirs.index()].scope;
                let ours = self.semantics.scopes[star.scope.index()].function;
                changed |= self.pass_on_opaque(theirs, ours, star.stmt);
                let known = self.names_of(star.scope, Some(star.stmt));
                let mut names = self.names_of(from, None);
                let below = self.semantics.program.submodules(star.target).into_iter();
                names.extend(below.map(|(name, _)| name.to_owned()));
                // Without `__all__` names that begin with an underscore are not exported.
                let listed = names.contains("__all__");
                names.retain(|name| listed || !name.starts_with('_'));
                for name in names.difference(&known) {
                    changed = true;
                    self.stmt = star.stmt;
                    let kind = DefinitionKind::Import(format!("{}{name}", star.prefix));
                    self.push_definition(star.scope, name.clone(), star.span, kind, false);
                }
            }
        }
    }

    /// Names that a file binds at its top level or by `global`; those that one statement binds.
    fn names_of(&self, scope: ScopeId, stmt: Option<StmtId>) -> BTreeSet<String> {
        let module = self.semantics.scopes[scope.index()].function;
        let raw = self.raw.iter().filter(|raw| {
            let own = raw.scope == scope
                || self.globals.contains(&(raw.scope, raw.name.clone()))
                    && self.semantics.module_of(raw.definition.function) == module;
            own && stmt.is_none_or(|stmt| raw.definition.stmt == stmt)
        });
        raw.map(|raw| raw.name.clone()).collect()
    }

    /// A star import of a file that has an opaque one is opaque too.
    fn pass_on_opaque(&mut self, theirs: FunctionId, ours: FunctionId, stmt: StmtId) -> bool {
        let opaque = |of: FunctionId, stars: &[DynamicUse]| {
            stars.iter().any(|found| found.globals_of == Some(of))
        };
        let stars = &self.semantics.dynamic;
        if !opaque(theirs, stars) || opaque(ours, stars) {
            return false;
        }
        self.opaque_star(stmt, ours);
        true
    }

    fn opaque_star(&mut self, stmt: StmtId, function: FunctionId) {
        self.semantics.dynamic.push(DynamicUse {
            expr: None,
            stmt,
            function,
            globals_of: Some(self.semantics.module_of(function)),
            locals: true,
            reads_globals: true,
            writes_globals: true,
        });
    }

    pub(super) fn declare(&mut self, names: &[Identifier], scope: ScopeId, is_global: bool) {
        for name in names {
            if is_global {
                self.globals.insert((scope, name.text.clone()));
            }
            self.declarations.push(Declaration {
                scope,
                name: name.clone(),
                is_global,
            });
        }
    }
}
