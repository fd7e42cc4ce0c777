//! Statements that only log statements notice: what they bind, what they change and what they call is read by nothing else.
//!
//! ```python
//! def norm(model): ...       # called in the next line only
//! value = norm(model)        # read by the log statement only
//! print(value)
//! ```
//!
//! Asked of one version, whatever it is compared with. What a checkpoint holds is noticed. A global of a file that has no main loop may be read by other files.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use florc_semantic::{BindingId, DefinitionKind, FunctionId, ScopeKind};
use florc_syntax::tree::{ExprId, ExprKind, StmtId};

use crate::classify::{Version, assigned_parts};
use crate::permitted::objections;

/// Finds them in one version.
pub(crate) struct LogOnly<'a> {
    version: Version<'a>,
    /// Statements that use or bind a variable.
    used: BTreeMap<BindingId, BTreeSet<StmtId>>,
    /// Globals may be read by files that are not here.
    is_imported: bool,
    /// Variables that checkpoints hold.
    captured: BTreeSet<BindingId>,
    /// What was found; while it is looked for, that nothing else is known to notice it.
    known: RefCell<BTreeMap<StmtId, bool>>,
    /// How far from the statement that is asked for.
    depth: Cell<usize>,
}

/// Behind a longer chain of variables nothing is looked for: not known.
const DEEPEST: usize = 100;

impl<'a> LogOnly<'a> {
    pub(crate) fn new(
        version: Version<'a>,
        captured: BTreeSet<BindingId>,
        is_imported: bool,
    ) -> Self {
        let tree = &version.module.tree;
        let mut used: BTreeMap<BindingId, BTreeSet<StmtId>> = BTreeMap::new();
        for expr in (0..tree.expr_count() as u32).map(ExprId) {
            let is_name = matches!(tree.expr(expr).kind, ExprKind::Name(_));
            let here = is_name.then(|| version.semantics.binding_of_name(expr));
            // `norm` of another file, by whatever name
            let there = version.semantics.variable(expr);
            for binding in here.flatten().into_iter().chain(there) {
                used.entry(binding).or_default().insert(tree.stmt_of(expr));
            }
        }
        for stmt in (0..tree.stmt_count() as u32).map(StmtId) {
            for binding in version.semantics.bound_by(stmt) {
                used.entry(*binding).or_default().insert(stmt);
            }
        }
        Self {
            version,
            used,
            is_imported,
            captured,
            known: RefCell::default(),
            depth: Cell::default(),
        }
    }

    /// Whether only log statements notice a statement, or one that it is in.
    pub(crate) fn holds(&self, stmt: StmtId) -> bool {
        let parent = |at: &StmtId| self.version.module.tree.parent(*at);
        std::iter::successors(Some(stmt), parent).any(|at| self.is_noticed_by_logs_only(at))
    }

    fn is_noticed_by_logs_only(&self, stmt: StmtId) -> bool {
        if let Some(known) = self.known.borrow().get(&stmt) {
            return *known;
        }
        let depth = self.depth.get();
        if depth >= DEEPEST {
            return false;
        }
        self.known.borrow_mut().insert(stmt, true);
        self.depth.set(depth + 1);
        let found = self.find(stmt);
        self.depth.set(depth);
        if found {
            self.known.borrow_mut().insert(stmt, true);
        } else {
            // what was concluded meanwhile may have relied on it
            self.known.borrow_mut().retain(|_, known| !*known);
            self.known.borrow_mut().insert(stmt, false);
        }
        found
    }

    fn find(&self, stmt: StmtId) -> bool {
        let version = self.version;
        if !objections(version.module, version, stmt).is_empty() {
            return false;
        }
        if version.semantics.in_class_body(stmt) {
            return false; // read as an attribute, of whichever object
        }
        let function = version.semantics.function_of_stmt(stmt);
        let effect = version.judge.effect(function, &[stmt]);
        let is_pure = effect.unknown.is_empty()
            && effect.draws.is_empty()
            && effect.settings.is_empty()
            && effect.generators.is_empty()
            && effect.outside.is_empty();
        let mut touched: BTreeSet<BindingId> =
            version.semantics.assigned_in(&[stmt]).into_iter().collect();
        let mut changed = effect.changed();
        changed.extend(assigned_parts(version, stmt).into_iter().map(|(_, it)| it));
        // what came in by a parameter is the caller's
        let is_given = |it: &BindingId| {
            let mut definitions = version.semantics.binding(*it).definitions.iter();
            definitions.any(|it| matches!(it.kind, DefinitionKind::Parameter(_)))
        };
        let is_pure = is_pure && !changed.iter().any(is_given);
        touched.extend(changed);
        is_pure
            && touched
                .into_iter()
                .all(|it| self.is_read_by_logs_only(it, stmt))
    }

    fn is_read_by_logs_only(&self, binding: BindingId, stmt: StmtId) -> bool {
        let semantics = self.version.semantics;
        let is_global = semantics.scope(semantics.binding(binding).scope).kind == ScopeKind::Module;
        if is_global && self.is_imported || self.captured.contains(&binding) {
            return false;
        }
        if is_global && semantics.is_open(semantics.module_of_binding(binding)) {
            return false;
        }
        let tree = &self.version.module.tree;
        let inside: BTreeSet<StmtId> = tree.descendants(stmt).collect();
        let users = self.used.get(&binding).into_iter().flatten();
        let others: Vec<StmtId> = users.filter(|it| !inside.contains(it)).copied().collect();
        if is_global && self.is_of_other_file(binding) && others.is_empty() {
            return false; // by a way that is not seen
        }
        others.into_iter().all(|user| self.holds(user))
    }

    /// Of a file that the script imports.
    fn is_of_other_file(&self, binding: BindingId) -> bool {
        let semantics = self.version.semantics;
        let module = semantics.module_of_binding(binding);
        module != FunctionId(0)
    }
}
