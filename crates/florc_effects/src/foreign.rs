//! Code that others may call: functions that escaped, and functions that nobody here calls.
//!
//! ```python
//! register(callback)      # unknown code may call `callback`, with anything that it knows
//! def unused(x): ...      # called by somebody else, if at all: `x` may be anything
//! ```
//!
//! Only what their parameters may be is said here; what they do is found as for any function.

use std::collections::BTreeSet;

use florc_semantic::{FunctionId, FunctionKind};
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};

use crate::heap::{ANYTHING, Field, ObjKind, SCALAR, Site};
use crate::interp::{Interp, foreign_site};
use crate::object_set::ObjSet;

impl Interp<'_> {
    /// Functions that unknown code can reach get anything as arguments.
    pub(crate) fn spread_escaped(&mut self) {
        if self.heap.dense {
            self.escaped.insert(ANYTHING);
        }
        self.escaped = self.heap.closure(&self.escaped, true);
        let mut found = BTreeSet::new();
        for id in self.escaped.iter() {
            match self.heap.kind(id) {
                ObjKind::Function(function) => {
                    found.insert(function);
                }
                ObjKind::Instance(class) | ObjKind::Class(class) => {
                    found.extend(self.methods_of(class));
                }
                ObjKind::Scalar
                | ObjKind::Typed(_)
                | ObjKind::Unknown
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => {}
            }
        }
        for function in found {
            if self.external.insert(function) {
                self.heap.changed = true;
            }
            self.give_anything(function);
        }
        for function in self.foreign.clone() {
            self.give_anything(function);
        }
        for function in self.external.clone() {
            self.keep_results(function);
        }
        if self.heap.dense {
            self.heap.merge(&self.escaped.clone());
        }
    }

    /// Whoever may call a function has what it gives; no part of the function.
    fn keep_results(&mut self, function: FunctionId) {
        let index = function.index();
        let results = self.returns[index].union(&self.yields[index]);
        let owners = match self.semantics.functions[index].class {
            Some(class) => self.class_objects(class),
            None => ObjSet::one(self.function_object(function)),
        };
        for owner in owners.iter() {
            self.heap.put(owner, Field::Graph, &results);
        }
    }

    /// The methods of a class and of those it derives from, by name.
    pub(crate) fn methods_by_name(&self, class: StmtId) -> Vec<(String, FunctionId)> {
        let all = self.methods_of(class);
        all.into_iter()
            .map(|id| (self.semantics.functions[id.index()].name.clone(), id))
            .collect()
    }

    pub(crate) fn methods_of(&self, class: StmtId) -> BTreeSet<FunctionId> {
        let line = self.classes.line(class);
        let own = |function: &&florc_semantic::Function| {
            function.class.is_some_and(|of| line.contains(&of))
        };
        self.semantics
            .functions
            .iter()
            .filter(own)
            .map(|function| function.id)
            .collect()
    }

    /// Functions that nobody here calls are called by somebody else, if at all; so is everything in
    /// a module that is imported rather than run. Whether there were new ones.
    pub(crate) fn add_foreign(&mut self) -> bool {
        let before = self.foreign.len();
        let imported = !self.is_script();
        for function in &self.semantics.functions {
            if self.apart.contains(&function.id) {
                continue;
            }
            let named = function.kind != FunctionKind::Module;
            if named && (imported || !self.called.contains(&function.id)) {
                self.foreign.insert(function.id);
            }
            if imported && named {
                self.external.insert(function.id);
            }
        }
        if !self.semantics.dynamic_uses().is_empty() {
            let all = self.semantics.escaping_functions();
            let own = all.iter().filter(|id| !self.apart.contains(id));
            let own: BTreeSet<FunctionId> = own.copied().collect();
            self.foreign.extend(&own);
            self.external.extend(own);
        }
        for function in self.foreign.clone() {
            self.give_anything(function);
        }
        self.foreign.len() > before
    }

    /// A module with a loop or a call of its own at top level is run, not only imported.
    pub(crate) fn is_script(&self) -> bool {
        let runs = |stmt: &StmtId| match &self.tree.stmt(*stmt).kind {
            StmtKind::For { .. } | StmtKind::While { .. } => true,
            StmtKind::If { test, .. } => {
                let text = self.module.source.slice(self.tree.expr(*test).span);
                text.contains("__name__")
            }
            StmtKind::Expr { value } | StmtKind::Assign { value, .. } => self.calls_own(*value),
            _other => false,
        };
        self.tree.body.iter().any(runs)
    }

    pub(crate) fn calls_own(&self, expr: ExprId) -> bool {
        let ExprKind::Call { func, .. } = &self.tree.expr(expr).kind else {
            return false;
        };
        let binding = self.semantics.variable(*func);
        binding.is_some_and(|id| self.semantics.binding(id).is_function)
    }

    /// Lets the parameters of a function be anything.
    pub(crate) fn give_anything(&mut self, id: FunctionId) {
        let function = &self.semantics.functions[id.index()];
        let Some(params) = self.parameters_of(id) else {
            return;
        };
        let unknown = self
            .heap
            .make(foreign_site(function.params.first()), ObjKind::Unknown, id);
        let mut values = ObjSet::one(unknown);
        if self.external.contains(&id) {
            if self.heap.dense {
                self.heap.put_anywhere(&values);
                values.insert(ANYTHING);
            } else {
                let mut escaped = self.escaped.clone();
                escaped.remove(SCALAR);
                escaped.remove(unknown);
                self.heap.put(unknown, Field::Any, &escaped);
            }
        }
        let receiver = function.class.filter(|_| self.takes_receiver(id));
        for (index, param) in params.iter().enumerate() {
            let Some(binding) = self.semantics.binding_of_identifier(param.name.span) else {
                continue;
            };
            match receiver {
                Some(class) if index == 0 => {
                    let own = self.instances_of(class);
                    self.bind_values(binding, &own);
                }
                _ => self.bind_values(binding, &values),
            }
        }
    }

    pub(crate) fn takes_receiver(&self, id: FunctionId) -> bool {
        let function = &self.semantics.functions[id.index()];
        let Some(class) = function.class else {
            return false;
        };
        let found = self.classes.find(class, &function.name);
        found.iter().any(|(of, flavor)| {
            *of == id
                && matches!(
                    flavor,
                    crate::classes::Flavor::Method | crate::classes::Flavor::Property
                )
        })
    }

    /// Every instance of a class or of one derived from it.
    pub(crate) fn instances_of(&mut self, class: StmtId) -> ObjSet {
        let made = self.heap.make(
            Site::Instances(class),
            ObjKind::Instance(class),
            FunctionId(0),
        );
        self.link_class(made, class);
        if self.heap.dense {
            // Unknown code may make some.
            self.heap.put_anywhere(&ObjSet::one(made));
        }
        let mut values = ObjSet::one(made);
        for (of, instances) in &self.heap.kinds.instances {
            if self.classes.line(*of).contains(&class) {
                values.extend(instances);
            }
        }
        values
    }
}
