//! What a carried statement needs of the newer version.
//!
//! ```python
//! from statistics import median       # needed by …
//! middle = median(losses)             # … this, which is needed by …
//! print(middle)                       # … the probe
//! ```
//!
//! A name either means a variable that the older version has at the place, too, or its definitions
//! come along. A name that means something else there is refused.

use florc_semantic::{BindingId, Link, Resolution, ScopeId};
use florc_syntax::Span;
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};

use super::{Carrier, Place, Refusal};
use crate::classify::assigned_parts;

impl Carrier<'_> {
    /// New statements without which `stmt` would mean something else at its place.
    pub(super) fn needs(&self, stmt: StmtId, place: Place) -> Result<Vec<StmtId>, Refusal> {
        let mut needs = Vec::new();
        for (name, binding) in self.free_names(stmt) {
            needs.extend(self.name(stmt, place, name, binding)?);
        }
        for (span, binding) in self.members(stmt) {
            needs.extend(self.defined(stmt, span, binding)?);
        }
        self.builtins(stmt, place)?;
        self.methods(stmt)?;
        Ok(needs)
    }

    /// Names that mean nothing of the program must mean nothing of it there.
    fn builtins(&self, stmt: StmtId, place: Place) -> Result<(), Refusal> {
        let (Place::After(at) | Place::Before(at) | Place::Instead(at)) = place;
        let scope = self.old.semantics.scope_of_stmt(at);
        let tree = &self.new.module.tree;
        for expr in tree.exprs_in(stmt) {
            let ExprKind::Name(name) = &tree.expr(expr).kind else {
                continue;
            };
            if self.new.semantics.binding_of_name(expr).is_none()
                && let Resolution::Binding(found) = self.old.semantics.lookup(scope, name)
            {
                return Err(self.means_another(stmt, tree.expr(expr).span, found));
            }
        }
        Ok(())
    }

    /// Variables of other files that the older version lacks: `engine.norm`.
    fn members(&self, stmt: StmtId) -> Vec<(Span, BindingId)> {
        let tree = &self.new.module.tree;
        let attributes = tree
            .exprs_in(stmt)
            .filter(|it| matches!(tree.expr(*it).kind, ExprKind::Attribute { .. }));
        let linked = attributes.filter_map(|it| match self.new.semantics.link(it)? {
            Link::Binding(binding) => Some((tree.expr(it).span, binding)),
            Link::Module(_) => None,
        });
        let is_new = |binding: BindingId| {
            let mut definitions = self.new.semantics.binding(binding).definitions.iter();
            definitions.all(|it| !self.matching.old_stmts.contains_key(&it.stmt))
        };
        linked
            .filter(|(_, it)| self.names.old_of(*it).is_none() && is_new(*it))
            .collect()
    }

    /// Names in a statement that mean variables from outside of it, each once.
    pub(super) fn free_names(&self, stmt: StmtId) -> Vec<(Span, BindingId)> {
        let tree = &self.new.module.tree;
        let own = tree.stmt(stmt).span;
        let mut found: Vec<(Span, BindingId)> = Vec::new();
        for expr in tree.exprs_in(stmt) {
            let Some(binding) = self.new.semantics.binding_of_name(expr) else {
                continue;
            };
            let definitions = &self.new.semantics.binding(binding).definitions;
            let is_own = definitions.iter().all(|it| own.contains_span(it.span));
            let is_known = found.iter().any(|(_, known)| *known == binding);
            if !is_own && !is_known {
                found.push((tree.expr(expr).span, binding));
            }
        }
        found
    }

    fn name(
        &self,
        stmt: StmtId,
        place: Place,
        span: Span,
        binding: BindingId,
    ) -> Result<Vec<StmtId>, Refusal> {
        let variable = self.new.semantics.binding(binding);
        let there = self.there(place, binding, &variable.name);
        if let Some(partner) = self.names.old_of(binding) {
            return match there {
                Resolution::Binding(found) if found == partner => Ok(Vec::new()),
                _ => Err(not_there(stmt, span, &variable.name)),
            };
        }
        let fresh: Vec<StmtId> = variable.definitions.iter().map(|it| it.stmt).collect();
        let known = fresh
            .iter()
            .any(|it| self.matching.old_stmts.contains_key(it));
        if known {
            // A statement that is matched binds another name now, or its variable got no vote.
            return match there {
                Resolution::Binding(found) if self.bound_by_partners(&fresh, found) => {
                    Ok(Vec::new())
                }
                Resolution::Binding(_) => Err(not_there(stmt, span, &variable.name)),
                _ if self.comes_with_imports(binding) => self.defined(stmt, span, binding),
                _ if fresh.iter().all(|it| self.names_a_value(*it)) => Ok(fresh),
                _ => Err(not_there(stmt, span, &variable.name)),
            };
        }
        if let Resolution::Binding(found) = there {
            return Err(self.means_another(stmt, span, found));
        }
        let mut needs = self.defined(stmt, span, binding)?;
        for change in self.changes_of(binding) {
            needs.push(self.whole(stmt, span, change)?);
        }
        Ok(needs)
    }

    /// The statements that define a variable, in this file and, where it is imported, in others.
    fn defined(
        &self,
        stmt: StmtId,
        span: Span,
        binding: BindingId,
    ) -> Result<Vec<StmtId>, Refusal> {
        let mut needs = Vec::new();
        for each in self.origins(binding) {
            let comes_with_imports = self.comes_with_imports(each);
            for definition in &self.new.semantics.binding(each).definitions {
                needs.push(if comes_with_imports {
                    definition.stmt
                } else {
                    self.whole(stmt, span, definition.stmt)?
                });
            }
        }
        Ok(needs)
    }

    /// New statements that may change what a new variable holds: `seen.append(x)`.
    fn changes_of(&self, binding: BindingId) -> Vec<StmtId> {
        let tree = &self.new.module.tree;
        let mut found: Vec<StmtId> = Vec::new();
        for expr in (0..tree.expr_count() as u32).map(ExprId) {
            let stmt = tree.stmt_of(expr);
            let mentions = self.new.semantics.binding_of_name(expr) == Some(binding);
            if !mentions || found.contains(&stmt) || self.matching.old_stmts.contains_key(&stmt) {
                continue;
            }
            let function = self.new.semantics.function_of_stmt(stmt);
            let effect = self.new.judge.effect(function, &[stmt]);
            let mut parts = assigned_parts(self.new, stmt).into_iter();
            if effect.changed().contains(&binding)
                || !effect.unknown.is_empty()
                || parts.any(|(_, it)| it == binding)
            {
                found.push(stmt);
            }
        }
        found
    }

    /// What a name means at a place of the older version.
    fn there(&self, place: Place, binding: BindingId, name: &str) -> Resolution {
        let (Place::After(at) | Place::Before(at) | Place::Instead(at)) = place;
        let scope: ScopeId = self.old.semantics.scope_of_stmt(at);
        let partner = self.names.old_of(binding);
        let name = partner.map_or(name, |it| self.old.semantics.binding(it).name.as_str());
        self.old.semantics.lookup(scope, name)
    }

    fn bound_by_partners(&self, definitions: &[StmtId], found: BindingId) -> bool {
        let mut partners = definitions
            .iter()
            .filter_map(|it| self.matching.old_stmts.get(it));
        partners.any(|it| {
            let definitions = &self.old.semantics.binding(found).definitions;
            definitions.iter().any(|place| place.stmt == *it)
        })
    }

    /// The statement to carry for a definition: the outermost one that is new as a whole.
    fn whole(&self, stmt: StmtId, span: Span, definition: StmtId) -> Result<StmtId, Refusal> {
        let tree = &self.new.module.tree;
        let mut whole = definition;
        if !self.is_all_new(whole) {
            let name = self.new.module.source.slice(span).to_owned();
            return Err(not_there(stmt, span, &name));
        }
        while let Some(parent) = tree.parent(whole) {
            let kind = &tree.stmt(parent).kind;
            let is_scope = matches!(kind, StmtKind::FunctionDef(_) | StmtKind::ClassDef(_));
            if is_scope
                && self.new.semantics.scope_of_stmt(definition)
                    != self.new.semantics.scope_of_stmt(parent)
                || !self.is_all_new(parent)
            {
                break;
            }
            whole = parent;
        }
        Ok(whole)
    }

    /// Methods that only the newer version's classes have.
    fn methods(&self, stmt: StmtId) -> Result<(), Refusal> {
        let tree = &self.new.module.tree;
        for expr in tree.exprs_in(stmt) {
            let ExprKind::Attribute { attr, .. } = &tree.expr(expr).kind else {
                continue;
            };
            if let Some(place) = self.new_attribute(stmt, &attr.text) {
                return Err(Refusal {
                    stmt,
                    title: format!("no object of the recorded version has `{}`", attr.text),
                    here: vec![
                        (attr.span, "used here".to_owned()),
                        (
                            place,
                            "and set here, on an object that the training uses: log the value there, or keep it \
                             in a new variable"
                                .to_owned(),
                        ),
                    ],
                    there: Vec::new(),
                });
            }
            if let Some(method) = self.new_method(&attr.text) {
                return Err(Refusal {
                    stmt,
                    title: format!("the recorded version has no method `{}`", attr.text),
                    here: vec![
                        (attr.span, "used here".to_owned()),
                        (
                            method,
                            "and new here; a function can be carried, a method cannot".to_owned(),
                        ),
                    ],
                    there: Vec::new(),
                });
            }
        }
        Ok(())
    }

    /// Where an attribute that the older version never mentions is set, on an object that it has.
    fn new_attribute(&self, stmt: StmtId, name: &str) -> Option<Span> {
        let (old, new) = (self.old.module, self.new.module);
        let before = self.names.attribute(name);
        let mut known = (0..old.tree.expr_count() as u32).map(ExprId);
        if known.any(|expr| attribute(old, expr) == Some(before)) {
            return None;
        }
        let own = new.tree.stmt(stmt).span;
        let all = (0..new.tree.stmt_count() as u32).map(StmtId);
        let simple = all.filter(|it| new.tree.blocks(*it).is_empty());
        simple
            .filter(|it| !own.contains_span(new.tree.stmt(*it).span))
            .flat_map(|it| assigned_parts(self.new, it))
            .find(|(span, object)| {
                let text = new.source.slice(*span);
                let is_it = text.strip_suffix(name).is_some_and(|it| it.ends_with('.'));
                is_it && self.names.old_of(*object).is_some()
            })
            .map(|(span, _)| span)
    }

    fn new_method(&self, name: &str) -> Option<Span> {
        let named = |module: &florc_syntax::Module, stmt: StmtId| match &module.tree.stmt(stmt).kind
        {
            StmtKind::FunctionDef(def) if def.name.text == name => Some(def.name.span),
            _ => None,
        };
        let all = |module: &florc_syntax::Module| (0..module.tree.stmt_count() as u32).map(StmtId);
        let (old, new) = (self.old.module, self.new.module);
        let has_attribute = (0..old.tree.expr_count() as u32).map(ExprId).any(|expr| {
            matches!(&old.tree.expr(expr).kind, ExprKind::Attribute { attr, .. } if attr.text == name)
        });
        if has_attribute || all(old).any(|it| named(old, it).is_some()) {
            return None;
        }
        let comes_with_its_class = |it: &StmtId| {
            let class = new.tree.parent(*it);
            class.is_some_and(|class| self.is_all_new(class))
        };
        all(new)
            .filter(|it| self.new.semantics.in_class_body(*it) && !comes_with_its_class(it))
            .find_map(|it| named(new, it))
    }

    fn means_another(&self, stmt: StmtId, span: Span, found: BindingId) -> Refusal {
        let variable = self.old.semantics.binding(found);
        let place = variable.definitions.first().map(|it| it.span);
        Refusal {
            stmt,
            title: format!(
                "`{}` is another variable in the recorded version",
                variable.name
            ),
            here: vec![(span, "this name is new here".to_owned())],
            there: place
                .map(|span| (span, "and was this".to_owned()))
                .into_iter()
                .collect(),
        }
    }
}

fn attribute(module: &florc_syntax::Module, expr: ExprId) -> Option<&str> {
    match &module.tree.expr(expr).kind {
        ExprKind::Attribute { attr, .. } => Some(&attr.text),
        _ => None,
    }
}

fn not_there(stmt: StmtId, span: Span, name: &str) -> Refusal {
    Refusal {
        stmt,
        title: format!("the recorded version has no `{name}` at this place"),
        here: vec![(span, "used here".to_owned())],
        there: Vec::new(),
    }
}
