//! Statements: what each binds, and which scopes, functions and loops it opens.
//!
//! ```python
//! import numpy as np               # Import("numpy")
//! class Net(nn.Module):            # a scope that functions inside do not see
//!     def forward(self, x): ...    # Net.forward
//! ```
//!
//! Decorators, defaults and bases are evaluated around the `def` or `class`, the body inside.

use florc_syntax::tree::{
    Alias, Block, ClassDef, ExprId, FunctionDef, Identifier, MatchCase, PatternId, PatternKind,
    StmtId, StmtKind, TypeParam,
};

use super::targets::Source;
use super::{At, Collector, Declaration};
use crate::ids::{LoopId, ScopeId};
use crate::model::{DefinitionKind, DynamicUse, FunctionKind, Loop, ScopeKind};

impl Collector<'_> {
    pub(super) fn block(&mut self, block: &Block, at: At) {
        for stmt in block {
            self.statement(*stmt, at);
        }
    }

    fn inner_block(&mut self, owner: StmtId, block: &Block, at: At) {
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
                targets
                    .iter()
                    .for_each(|target| self.target(*target, at, Source::Delete));
            }
            StmtKind::Assign { targets, value } => {
                self.expr(*value, at);
                targets
                    .iter()
                    .for_each(|target| self.target(*target, at, Source::Value(*value)));
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
            StmtKind::For {
                target,
                iter,
                body,
                orelse,
                ..
            } => {
                self.expr(*iter, at);
                let inside = self.open_loop(id, at);
                self.target(*target, at, Source::Iteration(*iter));
                self.inner_block(id, body, inside);
                self.inner_block(id, orelse, at);
            }
            StmtKind::While { test, body, orelse } => {
                self.expr(*test, at);
                let inside = self.open_loop(id, at);
                self.inner_block(id, body, inside);
                self.inner_block(id, orelse, at);
            }
            StmtKind::With { items, body, .. } => {
                for item in items {
                    self.expr(item.context, at);
                    if let Some(target) = item.target {
                        self.target(target, at, Source::With(item.context));
                    }
                }
                self.inner_block(id, body, at);
            }
            StmtKind::Match { subject, cases } => self.match_statement(id, *subject, cases, at),
            StmtKind::Try {
                body,
                handlers,
                orelse,
                finalbody,
                ..
            } => {
                self.inner_block(id, body, at);
                for handler in handlers {
                    self.exprs(handler.exception, at);
                    if let Some(name) = &handler.name {
                        self.define(at.scope, name, DefinitionKind::Except);
                    }
                    self.inner_block(id, &handler.body, at);
                }
                self.inner_block(id, orelse, at);
                self.inner_block(id, finalbody, at);
            }
            StmtKind::Import { names } => self.import(names, at.scope),
            StmtKind::ImportFrom {
                module,
                names,
                level,
            } => self.import_from(id, module.as_ref(), names, *level, at.scope),
            StmtKind::Global { names } => self.declare(names, at.scope, true),
            StmtKind::Nonlocal { names } => self.declare(names, at.scope, false),
            StmtKind::If { body, orelse, .. } => {
                self.exprs(tree.stmt_exprs(id), at);
                self.inner_block(id, body, at);
                self.inner_block(id, orelse, at);
            }
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

    fn open_loop(&mut self, stmt: StmtId, at: At) -> At {
        let id = LoopId(self.semantics.loops.len() as u32);
        let function = self.semantics.scopes[at.scope.index()].function;
        let label = self.label(stmt);
        let parent = at
            .loop_id
            .map(|parent| self.semantics.loops[parent.index()].path.as_str());
        let outer = parent.unwrap_or(&self.semantics.functions[function.index()].qualname);
        let path = match outer {
            "" => label.clone(),
            outer => format!("{outer}/{label}"),
        };
        let count = self.paths.entry(path.clone()).or_insert(0);
        *count += 1;
        let path = match *count {
            1 => path,
            again => format!("{path}#{again}"),
        };
        self.semantics.loops.push(Loop {
            id,
            stmt,
            function,
            parent: at.loop_id,
            label,
            path,
        });
        self.semantics.tables.stmt_loops[stmt.0 as usize] = Some(id);
        At {
            loop_id: Some(id),
            ..at
        }
    }

    fn match_statement(&mut self, id: StmtId, subject: ExprId, cases: &[MatchCase], at: At) {
        self.expr(subject, at);
        for case in cases {
            let mut values = Vec::new();
            self.tree.pattern_exprs(case.pattern, &mut values);
            self.exprs(values, at);
            self.captures(case.pattern, at.scope);
            self.exprs(case.guard, at);
            self.inner_block(id, &case.body, at);
        }
    }

    fn captures(&mut self, pattern: PatternId, scope: ScopeId) {
        for name in captures(self.tree, pattern) {
            self.define(scope, name, DefinitionKind::Capture);
        }
    }

    fn import(&mut self, names: &[Alias], scope: ScopeId) {
        for alias in names {
            let path = alias.name.text.clone();
            match &alias.asname {
                Some(asname) => self.define(scope, asname, DefinitionKind::Import(path)),
                None => {
                    let first = path.split('.').next().unwrap_or_default().to_owned();
                    let bound = Identifier {
                        text: first.clone(),
                        span: alias.name.span,
                    };
                    self.define(scope, &bound, DefinitionKind::Import(first));
                }
            }
        }
    }

    fn import_from(
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

    fn declare(&mut self, names: &[Identifier], scope: ScopeId, is_global: bool) {
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

/// The names that a pattern binds, in source order.
pub(crate) fn captures(tree: &florc_syntax::tree::Tree, pattern: PatternId) -> Vec<&Identifier> {
    match &tree.pattern(pattern).kind {
        PatternKind::Value(_) => Vec::new(),
        PatternKind::Sequence(patterns) | PatternKind::Or(patterns) => patterns
            .iter()
            .flat_map(|inner| captures(tree, *inner))
            .collect(),
        PatternKind::Mapping { patterns, rest, .. } => {
            let inner = patterns.iter().flat_map(|inner| captures(tree, *inner));
            inner.chain(rest).collect()
        }
        PatternKind::Class {
            patterns, keywords, ..
        } => {
            let keywords = keywords.iter().map(|(_, inner)| inner);
            let all = patterns.iter().chain(keywords);
            all.flat_map(|inner| captures(tree, *inner)).collect()
        }
        PatternKind::Star(name) => name.iter().collect(),
        PatternKind::As { pattern, name } => {
            let inner = pattern.iter().flat_map(|inner| captures(tree, *inner));
            inner.chain(name).collect()
        }
    }
}
