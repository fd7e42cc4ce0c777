//! Makes variables of the names that the walk found bound.
//!
//! ```python
//! def main():
//!     total = 0
//!     def add(x):
//!         nonlocal total       # the `total` of main
//!         total += x           # its second definition
//! ```
//!
//! A name belongs to the scope that binds it, unless declared `global` or `nonlocal` there.

use std::collections::{BTreeMap, BTreeSet};

use super::{Declaration, RawDefinition};
use crate::Semantics;
use crate::ids::{BindingId, ScopeId};
use crate::model::{Binding, DefinitionKind, FunctionKind, ScopeKind};

/// Names bound in, or declared for, each scope.
#[derive(Default)]
struct Owners<'a> {
    own: BTreeSet<(ScopeId, &'a str)>,
    declared: BTreeMap<(ScopeId, &'a str), ScopeId>,
}

pub(super) fn bind(
    mut semantics: Semantics,
    raw: &[RawDefinition],
    declarations: &[Declaration],
) -> Semantics {
    let owners = owners(&semantics, raw, declarations);
    let mut binder = Binder {
        semantics: &mut semantics,
        definitions: vec![],
    };
    for found in raw {
        let name = found.name.as_str();
        let declared = owners.declared.get(&(found.scope, name));
        let id = binder.binding(*declared.unwrap_or(&found.scope), name);
        binder.add(id, found);
    }
    for declaration in declarations {
        let key = (declaration.scope, declaration.name.text.as_str());
        if let Some(owner) = owners.declared.get(&key) {
            binder.declare(*owner, declaration);
        }
    }
    let definitions = binder.definitions;
    for (binding, mut found) in semantics.bindings.iter_mut().zip(definitions) {
        found.sort_by_key(|definition| (definition.span, definition.stmt));
        binding.definitions = found;
    }
    parameters(&mut semantics);
    variables(&mut semantics);
    semantics
}

fn owners<'a>(
    semantics: &Semantics,
    raw: &'a [RawDefinition],
    declarations: &'a [Declaration],
) -> Owners<'a> {
    let mut owners = Owners::default();
    let mut order: Vec<&Declaration> = declarations.iter().collect();
    // Scopes are numbered outside in, so what an outer declaration means is known first.
    order.sort_by_key(|declaration| (!declaration.is_global, declaration.scope));
    let declared: BTreeSet<(ScopeId, &str)> = order
        .iter()
        .map(|found| (found.scope, found.name.text.as_str()))
        .collect();
    for found in raw {
        let key = (found.scope, found.name.as_str());
        if !declared.contains(&key) {
            owners.own.insert(key);
        }
    }
    for declaration in order {
        let key = (declaration.scope, declaration.name.text.as_str());
        let owner = if declaration.is_global {
            Some(module_scope(semantics, declaration.scope))
        } else {
            nonlocal_owner(semantics, &owners, key)
        };
        match owner {
            // At module level `global x` says nothing.
            Some(owner) if owner != declaration.scope => {
                owners.declared.insert(key, owner);
            }
            Some(_) | None => {
                owners.own.insert(key);
            }
        }
    }
    owners
}

/// The scope of the file that a scope is in.
fn module_scope(semantics: &Semantics, scope: ScopeId) -> ScopeId {
    let around = std::iter::successors(Some(scope), |id| semantics.scope(*id).parent);
    around.last().unwrap_or(scope)
}

fn nonlocal_owner(
    semantics: &Semantics,
    owners: &Owners<'_>,
    (scope, name): (ScopeId, &str),
) -> Option<ScopeId> {
    let mut at = semantics.scope(scope).parent;
    while let Some(outer) = at {
        let found = semantics.scope(outer);
        match found.kind {
            ScopeKind::Function(_) | ScopeKind::Lambda(_) | ScopeKind::TypeParameters(_) => {
                if let Some(owner) = owners.declared.get(&(outer, name)) {
                    return Some(*owner);
                }
                if owners.own.contains(&(outer, name)) {
                    return Some(outer);
                }
            }
            ScopeKind::Module | ScopeKind::Class(_) | ScopeKind::Comprehension(_) => {}
        }
        at = found.parent;
    }
    None
}

struct Binder<'a> {
    semantics: &'a mut Semantics,
    definitions: Vec<Vec<crate::model::Definition>>,
}

impl Binder<'_> {
    /// The variable of that name in that scope, made when there is none yet.
    fn binding(&mut self, scope: ScopeId, name: &str) -> BindingId {
        if let Some(id) = self.semantics.scopes[scope.index()].bindings.get(name) {
            return *id;
        }
        let id = BindingId(self.semantics.bindings.len() as u32);
        // Code elsewhere may ask for attributes of a class, and of a module that is imported.
        let is_shared = match self.semantics.scopes[scope.index()].kind {
            ScopeKind::Class(_) => true,
            ScopeKind::Module => scope != ScopeId(0),
            ScopeKind::Function(_)
            | ScopeKind::Lambda(_)
            | ScopeKind::Comprehension(_)
            | ScopeKind::TypeParameters(_) => false,
        };
        self.semantics.bindings.push(Binding {
            is_captured: is_shared,
            ..Binding::new(name.to_owned(), scope)
        });
        self.definitions.push(Vec::new());
        let bindings = &mut self.semantics.scopes[scope.index()].bindings;
        bindings.insert(name.to_owned(), id);
        id
    }

    fn add(&mut self, id: BindingId, found: &RawDefinition) {
        let home = self
            .semantics
            .scope(self.semantics.binding(id).scope)
            .function;
        let binding = &mut self.semantics.bindings[id.index()];
        if found.is_identifier {
            self.semantics
                .tables
                .identifiers
                .insert(found.definition.span.start, id);
        }
        if !found.binds {
            return;
        }
        match found.definition.kind {
            DefinitionKind::Parameter(_) => binding.is_parameter = true,
            DefinitionKind::Import(_) => binding.is_import = true,
            DefinitionKind::Function(_) => binding.is_function = true,
            DefinitionKind::Class(_) => binding.is_class = true,
            DefinitionKind::Assign(_)
            | DefinitionKind::Unpack(_)
            | DefinitionKind::Augment(_)
            | DefinitionKind::Iteration(_)
            | DefinitionKind::With(_)
            | DefinitionKind::Except
            | DefinitionKind::Capture
            | DefinitionKind::Type
            | DefinitionKind::Delete => {}
        }
        binding.is_captured |= home != found.definition.function;
        let stmt = found.definition.stmt.0 as usize;
        let by_stmt = &mut self.semantics.tables.stmt_definitions;
        if by_stmt.len() <= stmt {
            by_stmt.resize(stmt + 1, Vec::new());
        }
        by_stmt[stmt].push(id);
        self.definitions[id.index()].push(found.definition.clone());
    }

    fn declare(&mut self, owner: ScopeId, declaration: &Declaration) {
        let id = self.binding(owner, &declaration.name.text);
        let scope = &mut self.semantics.scopes[declaration.scope.index()];
        scope.declared.insert(declaration.name.text.clone(), id);
        let start = declaration.name.span.start;
        let around = &self.semantics.functions[scope.function.index()];
        let crosses = around.kind != FunctionKind::Module;
        self.semantics.tables.identifiers.insert(start, id);
        let binding = &mut self.semantics.bindings[id.index()];
        binding.is_global_declared |= declaration.is_global;
        binding.is_nonlocal_declared |= !declaration.is_global;
        binding.is_captured |= crosses;
    }
}

fn parameters(semantics: &mut Semantics) {
    let mut params: Vec<Vec<(florc_syntax::Span, BindingId)>> =
        vec![Vec::new(); semantics.functions.len()];
    for (index, binding) in semantics.bindings.iter().enumerate() {
        for definition in &binding.definitions {
            if let DefinitionKind::Parameter(_) = definition.kind {
                params[definition.function.index()]
                    .push((definition.span, BindingId(index as u32)));
            }
        }
    }
    for (function, mut found) in semantics.functions.iter_mut().zip(params) {
        found.sort();
        function.params = found.into_iter().map(|(_, id)| id).collect();
    }
}

fn variables(semantics: &mut Semantics) {
    let mut variables = vec![Vec::new(); semantics.functions.len()];
    for (index, binding) in semantics.bindings.iter().enumerate() {
        let scope = semantics.scope(binding.scope);
        match scope.kind {
            ScopeKind::Module | ScopeKind::Function(_) | ScopeKind::Lambda(_) => {
                variables[scope.function.index()].push(BindingId(index as u32));
            }
            ScopeKind::Class(_) | ScopeKind::Comprehension(_) | ScopeKind::TypeParameters(_) => {}
        }
    }
    semantics.tables.variables = variables;
}
