//! Imports, `global` and `nonlocal`.
//!
//! ```python
//! import numpy as np, os.path      # np: Import("numpy"), os: Import("os")
//! from .data import load           # load: Import(".data.load")
//! ```
//!
//! Paths are kept as written; nothing is resolved against files.

use florc_syntax::tree::{Alias, Identifier, StmtId};

use super::{Collector, Declaration};
use crate::ids::ScopeId;
use crate::model::{DefinitionKind, DynamicUse};

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
                self.semantics.dynamic.push(DynamicUse {
                    expr: None,
                    stmt,
                    function,
                    locals: true,
                    reads_globals: true,
                    writes_globals: true,
                });
                continue;
            }
            let path = format!("{prefix}{}", alias.name.text);
            let name = alias.asname.as_ref().unwrap_or(&alias.name);
            self.define(scope, name, DefinitionKind::Import(path));
        }
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
