//! Statements: what each binds, and which scopes, functions and loops it opens.
//!
//! ```python
//! class Net(nn.Module):            # a scope that functions inside do not see
//!     def forward(self, x): ...    # Net.forward
//! ```
//!
//! Decorators, defaults and bases are evaluated around the `def` or `class`, the body inside.

use florc_syntax::tree::{Block, ClassDef, ExprId, FunctionDef, StmtId, StmtKind, TypeParam};

use super::targets::Source;
use super::{At, Collector};
use crate::model::{DefinitionKind, FunctionKind, ScopeKind};

impl Collector<'_> {
    pub(super) fn block(&mut self, block: &Block, at: At) {
        for stmt in block {
            self.statement(*stmt, at);
        }
    }

    pub(super) fn inner_block(&mut self, owner: StmtId, block: &Block, at: At) {
        self.semantics.tables.stmt_children[owner.0 as usize].extend(block);
        self.block(block, at);
        self.stmt = owner;
    }

    fn statement(&mut self, id: StmtId, at: At) {
        let tree = self.tree;
        self.stmt = id;
        self.semantics.tables.stmt_scopes[id.0 as usize] = at.scope;
        self.semantics.tables.stmt_loops[id.0 as usize] = at.loop_id;
        match &tree.stmt(id).kind {
            StmtKind::FunctionDef(def) => self.function_def(id, def, at),
            StmtKind::ClassDef(def) => self.class_def(id, def, at),
            StmtKind::Delete { targets } => {
                for target in targets {
                    self.target(*target, at, Source::Delete);
                }
            }
            StmtKind::Assign { targets, value } => {
                self.expr(*value, at);
                for target in targets {
                    self.target(*target, at, Source::Value(*value));
                }
            }
            StmtKind::TypeAlias {
                name,
                type_params,
                value,
            } => {
                self.target(*name, at, Source::Type);
                let scope = self.inner_scope(ScopeKind::TypeParameters(id), at.scope);
                self.type_params(type_params, At { scope, ..at });
                self.expr(*value, At { scope, ..at });
            }
            StmtKind::AugAssign { target, value, .. } => {
                self.target(*target, at, Source::Augment(*value));
                self.expr(*value, at);
            }
            StmtKind::AnnAssign {
                target,
                annotation,
                value,
            } => self.annotated(*target, *annotation, *value, at),
            StmtKind::For { .. }
            | StmtKind::While { .. }
            | StmtKind::If { .. }
            | StmtKind::With { .. }
            | StmtKind::Match { .. }
            | StmtKind::Try { .. } => self.compound(id, at),
            StmtKind::Import { names } => self.import(names, at.scope),
            StmtKind::ImportFrom {
                module,
                names,
                level,
            } => self.import_from(id, module.as_ref(), names, *level, at.scope),
            StmtKind::Global { names } => self.declare(names, at.scope, true),
            StmtKind::Nonlocal { names } => self.declare(names, at.scope, false),
            StmtKind::Return { .. }
            | StmtKind::Raise { .. }
            | StmtKind::Assert { .. }
            | StmtKind::Expr { .. } => self.exprs(tree.stmt_exprs(id), at),
            StmtKind::Pass | StmtKind::Break | StmtKind::Continue => {}
        }
    }

    /// `x: T = v`. Without a value nothing is bound, but the name is a local one.
    fn annotated(&mut self, target: ExprId, annotation: ExprId, value: Option<ExprId>, at: At) {
        self.expr(annotation, at);
        match value {
            Some(value) => {
                self.expr(value, at);
                self.target(target, at, Source::Value(value));
            }
            None => self.declared_only(target, at),
        }
    }

    fn function_def(&mut self, id: StmtId, def: &FunctionDef, at: At) {
        self.exprs(def.decorators.iter().copied(), at);
        self.exprs(
            def.params.iter().filter_map(|parameter| parameter.default),
            at,
        );
        let outside = self.with_type_params(id, &def.type_params, at);
        let annotations = def
            .params
            .iter()
            .filter_map(|parameter| parameter.annotation);
        self.exprs(annotations.chain(def.returns), outside);

        let name = def.name.text.as_str();
        let qualname = self.qualname(at.scope, name);
        let opened = Some((ScopeKind::Function(id), outside.scope));
        let function = self.function(name, qualname, FunctionKind::Def, opened);
        let made = &mut self.semantics.functions[function.index()];
        made.stmt = Some(id);
        made.is_async = def.is_async;
        made.is_decorated = !def.decorators.is_empty();
        let scope = made.scope;
        self.semantics.tables.defs.insert(id, function);
        self.semantics.tables.function_sites.push((function, id));
        self.parameters(&def.params, scope);
        let inside = At {
            scope,
            loop_id: None,
        };
        self.inner_block(id, &def.body, inside);
        self.define(at.scope, &def.name, DefinitionKind::Function(function));
    }

    fn class_def(&mut self, id: StmtId, def: &ClassDef, at: At) {
        self.exprs(def.decorators.iter().copied(), at);
        let outside = self.with_type_params(id, &def.type_params, at);
        self.exprs(def.bases.iter().copied(), outside);
        self.exprs(def.keywords.iter().map(|keyword| keyword.value), outside);

        let qualname = self.qualname(at.scope, &def.name.text);
        let scope = self.inner_scope(ScopeKind::Class(id), outside.scope);
        self.prefixes[scope.index()] = format!("{qualname}.");
        self.semantics.tables.class_scopes.insert(id, scope);
        self.semantics.attributes.name_class(id, qualname);
        self.inner_block(id, &def.body, At { scope, ..at });
        self.define(at.scope, &def.name, DefinitionKind::Class(id));
    }

    /// Opens a scope for type parameters where there are some.
    fn with_type_params(&mut self, id: StmtId, params: &[TypeParam], at: At) -> At {
        if params.is_empty() {
            return at;
        }
        let scope = self.inner_scope(ScopeKind::TypeParameters(id), at.scope);
        let at = At { scope, ..at };
        self.type_params(params, at);
        at
    }

    fn type_params(&mut self, params: &[TypeParam], at: At) {
        for param in params {
            self.define(at.scope, &param.name, DefinitionKind::Type);
            self.exprs(param.bound, at);
        }
    }
}
