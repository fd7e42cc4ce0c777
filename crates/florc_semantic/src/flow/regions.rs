//! What a list of statements binds and reads, by syntax.
//!
//! ```python
//! for x in xs:                 # assigned_in: x, total, step (nonlocal in `bump`), bump
//!     total += x               # read_in: xs, x, total, step
//!     def bump(): nonlocal step; step += 1
//! ```
//!
//! Over-approximates: what a nested function reads counts, run or not. What calls do to variables
//! of others is a judgement about effects and not said here.

use florc_syntax::tree::StmtId;

use crate::Semantics;
use crate::ids::{BindingId, FunctionId};
use crate::model::{BindingSet, ScopeKind};

impl Semantics {
    /// Variables that the statements, or functions defined in them, may bind or unbind.
    pub fn assigned_in(&self, stmts: &[StmtId]) -> BindingSet {
        let mut found = self.mentioned(stmts, &self.tables.stmt_definitions);
        if let Some(first) = stmts.first() {
            let home = self.function_of_stmt(*first);
            found.extend(self.dynamically_assigned(stmts, home));
        }
        found
    }

    /// Variables that the statements, or functions defined in them, may read.
    pub fn read_in(&self, stmts: &[StmtId]) -> BindingSet {
        let mut found = self.mentioned(stmts, &self.tables.stmt_reads);
        if let Some(first) = stmts.first() {
            let home = self.function_of_stmt(*first);
            found.extend(self.dynamically_read(stmts, home));
        }
        found
    }

    fn mentioned(&self, stmts: &[StmtId], table: &[Vec<BindingId>]) -> BindingSet {
        let Some(home) = stmts.first().map(|first| self.function_of_stmt(*first)) else {
            return BindingSet::new();
        };
        let all = self.nested(stmts).into_iter();
        let all = all.filter_map(|stmt| table.get(stmt.0 as usize)).flatten();
        all.copied()
            .filter(|binding| self.is_variable_of(*binding, home))
            .collect()
    }

    /// The statements and all nested in them.
    fn nested(&self, stmts: &[StmtId]) -> Vec<StmtId> {
        let mut all = stmts.to_vec();
        let mut next = 0;
        while let Some(stmt) = all.get(next) {
            if let Some(children) = self.tables.stmt_children.get(stmt.0 as usize) {
                all.extend_from_slice(&children.clone());
            }
            next += 1;
        }
        all
    }

    /// Whether code of `home` can see the variable: it lives in `home` or in a function around it,
    /// and is no attribute of a class and no variable of a comprehension.
    fn is_variable_of(&self, binding: BindingId, home: FunctionId) -> bool {
        let scope = self.scope(self.binding(binding).scope);
        let visible = match scope.kind {
            ScopeKind::Module | ScopeKind::Function(_) | ScopeKind::Lambda(_) => true,
            ScopeKind::Class(_) | ScopeKind::Comprehension(_) | ScopeKind::TypeParameters(_) => {
                false
            }
        };
        visible && self.is_around(scope.function, home)
    }

    /// Whether `outer` is `inner` or a function around it.
    pub(crate) fn is_around(&self, outer: FunctionId, inner: FunctionId) -> bool {
        let mut at = Some(inner);
        while let Some(function) = at {
            if function == outer {
                return true;
            }
            at = self.function(function).parent;
        }
        false
    }

    fn dynamically_assigned(&self, stmts: &[StmtId], home: FunctionId) -> BindingSet {
        self.dynamically(stmts, home, |found| found.writes_globals)
    }

    fn dynamically_read(&self, stmts: &[StmtId], home: FunctionId) -> BindingSet {
        self.dynamically(stmts, home, |found| found.reads_globals)
    }

    fn dynamically(
        &self,
        stmts: &[StmtId],
        home: FunctionId,
        globals: impl Fn(&crate::model::DynamicUse) -> bool,
    ) -> BindingSet {
        if self.dynamic.is_empty() {
            return BindingSet::new();
        }
        let inside: std::collections::BTreeSet<StmtId> = self.nested(stmts).into_iter().collect();
        let mut found = BindingSet::new();
        for mention in self
            .dynamic
            .iter()
            .filter(|mention| inside.contains(&mention.stmt))
        {
            let ids = (0..self.bindings.len() as u32).map(BindingId);
            found.extend(ids.filter(|binding| {
                let owner = self.scope(self.binding(*binding).scope).function;
                self.is_variable_of(*binding, home)
                    && ((globals(mention) && self.is_module(owner) && mention.concerns(owner))
                        || (mention.locals && owner == mention.function))
            }));
        }
        found
    }
}
