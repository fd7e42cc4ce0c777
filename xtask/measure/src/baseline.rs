//! The published rule set, to compare with: six static rules, one function at a time.
//!
//! ```python
//! loss = train(net)      # rule 2: {loss}; the network is missed
//! total = total + loss   # rule 3; once `total` is in the changeset, rule 0: not memoizable
//! save(net)              # rule 5: not memoizable
//! ```
//!
//! *Hindsight Logging for Model Training*, PVLDB 14(4), 2021, table 1; `print` is excepted. Only
//! measured, never used.

use std::collections::BTreeSet;

use florc_semantic::{DefinitionKind, Loop, Resolution};
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind, Tree};

use crate::one::Compiled;

/// What the six rules say of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Published {
    /// Rule 0 or rule 5 applies to a statement.
    Refused,
    /// A changeset, with the model and the optimizer in it as far as these rules see.
    Accepted,
    /// A changeset that lacks what a called function trains.
    Missing,
}

/// Applies the rules to the statements of one loop, in order.
pub(crate) fn judge(compiled: &Compiled, each: &Loop) -> Published {
    let mut rules = Rules {
        compiled,
        changeset: BTreeSet::new(),
        missing: false,
    };
    let tree = &compiled.module.tree;
    let body = match &tree.stmt(each.stmt).kind {
        StmtKind::For { target, body, .. } => {
            rules.changeset.extend(rules.names(*target));
            body
        }
        StmtKind::While { body, .. } => body,
        _ => return Published::Refused,
    };
    if !body.iter().all(|stmt| rules.statement(*stmt)) {
        return Published::Refused;
    }
    if rules.missing {
        Published::Missing
    } else {
        Published::Accepted
    }
}

struct Rules<'a> {
    compiled: &'a Compiled,
    changeset: BTreeSet<String>,
    missing: bool,
}

impl<'a> Rules<'a> {
    fn tree(&self) -> &'a Tree {
        &self.compiled.module.tree
    }

    /// Whether the loop is still memoizable after this statement and those inside of it.
    fn statement(&mut self, stmt: StmtId) -> bool {
        let tree = self.tree();
        let fine = match &tree.stmt(stmt).kind {
            StmtKind::Assign { targets, value } => {
                let targets: Vec<String> = targets.iter().flat_map(|it| self.names(*it)).collect();
                self.assignment(stmt, &targets, *value)
            }
            StmtKind::AugAssign { target, value, .. }
            | StmtKind::AnnAssign {
                target,
                value: Some(value),
                ..
            } => {
                let targets = self.names(*target);
                self.assignment(stmt, &targets, *value)
            }
            StmtKind::Expr { value } => self.expression(stmt, *value),
            StmtKind::For { target, .. } => {
                let targets = self.names(*target);
                self.changeset.extend(targets);
                true
            }
            StmtKind::FunctionDef(_) | StmtKind::ClassDef(_) => return true,
            _ => true,
        };
        fine && tree
            .blocks(stmt)
            .into_iter()
            .flatten()
            .all(|inner| self.statement(*inner))
    }

    /// Rules 0 to 3.
    fn assignment(&mut self, stmt: StmtId, targets: &[String], value: ExprId) -> bool {
        if targets.iter().any(|name| self.changeset.contains(name)) {
            return false;
        }
        if let ExprKind::Call { func, .. } = &self.tree().expr(value).kind {
            if let Some(object) = self.receiver(*func) {
                self.missing |= self.is_import(object) && self.trains(stmt);
                self.changeset.extend(self.root(object));
            } else {
                self.missing |= self.trains(stmt);
            }
        }
        self.changeset.extend(targets.iter().cloned());
        true
    }

    /// Rules 4 and 5.
    fn expression(&mut self, stmt: StmtId, value: ExprId) -> bool {
        let ExprKind::Call { func, .. } = &self.tree().expr(value).kind else {
            return true;
        };
        if let Some(object) = self.receiver(*func) {
            self.missing |= self.is_import(object) && self.trains(stmt);
            self.changeset.extend(self.root(object));
            return true;
        }
        matches!(&self.tree().expr(*func).kind, ExprKind::Name(name) if name == "print")
    }

    fn receiver(&self, func: ExprId) -> Option<ExprId> {
        match &self.tree().expr(func).kind {
            ExprKind::Attribute { value, .. } => Some(*value),
            _ => None,
        }
    }

    fn is_import(&self, object: ExprId) -> bool {
        let semantics = &self.compiled.semantics;
        match semantics.resolve(object) {
            Resolution::Binding(id) => {
                let mut definitions = semantics.binding(id).definitions.iter();
                definitions.any(|it| matches!(it.kind, DefinitionKind::Import(_)))
            }
            Resolution::Builtin(_) | Resolution::Unknown(_) => false,
        }
    }

    fn trains(&self, stmt: StmtId) -> bool {
        self.compiled.effects.trains(&[stmt])
    }

    /// The variable that an expression begins with.
    fn root(&self, expr: ExprId) -> Option<String> {
        let mut next = expr;
        loop {
            match &self.tree().expr(next).kind {
                ExprKind::Name(name) => return Some(name.clone()),
                ExprKind::Attribute { value, .. } | ExprKind::Subscript { value, .. } => {
                    next = *value;
                }
                ExprKind::Call { func, .. } => next = *func,
                _ => return None,
            }
        }
    }

    /// What a target binds: names, and the variables in whose objects it stores.
    fn names(&self, target: ExprId) -> Vec<String> {
        match &self.tree().expr(target).kind {
            ExprKind::Tuple { elts } | ExprKind::List { elts } => {
                elts.iter().flat_map(|it| self.names(*it)).collect()
            }
            ExprKind::Starred { value } => self.names(*value),
            _ => self.root(target).into_iter().collect(),
        }
    }
}
