//! One rule per statement.
//!
//! ```python
//! for x, y in loader:     # iterates `loader`, binds `x` and `y`, runs the body
//!     del cache[x]        # mutates `cache`
//! ```
//!
//! Branches and loops are run once each, in any order: the heap is flow-insensitive.

use florc_syntax::Span;
use florc_syntax::tree::{
    ClassDef, ExceptHandler, ExprId, ExprKind, FunctionDef, Operator, PatternId, PatternKind,
    StmtId, StmtKind, UnaryOperator, WithItem,
};

use crate::event::Action;
use crate::heap::{ANYTHING, Field, ObjId, ObjKind, SCALAR, Site};
use crate::interp::Interp;
use crate::object_set::ObjSet;

impl Interp<'_> {
    pub(crate) fn statement(&mut self, id: StmtId) {
        if self.heap.exhausted() && !self.recording {
            return;
        }
        let outer = std::mem::replace(&mut self.stmt, id);
        self.if_due(id.0 as usize, |interp| {
            interp.followed.clear();
            interp.header(id);
        });
        let tree = self.tree;
        match &tree.stmt(id).kind {
            StmtKind::ClassDef(class) => self.class_def(id, class),
            StmtKind::For { body, orelse, .. }
            | StmtKind::While { body, orelse, .. }
            | StmtKind::If { body, orelse, .. } => {
                self.block(body);
                self.block(orelse);
            }
            StmtKind::With { body, .. } => self.block(body),
            StmtKind::Match { cases, .. } => {
                for case in cases {
                    self.block(&case.body);
                }
            }
            StmtKind::Try {
                body,
                handlers,
                orelse,
                finalbody,
                ..
            } => {
                self.block(body);
                for handler in handlers {
                    self.block(&handler.body);
                }
                self.block(orelse);
                self.block(finalbody);
            }
            StmtKind::FunctionDef(_)
            | StmtKind::Return { .. }
            | StmtKind::Delete { .. }
            | StmtKind::Assign { .. }
            | StmtKind::TypeAlias { .. }
            | StmtKind::AugAssign { .. }
            | StmtKind::AnnAssign { .. }
            | StmtKind::Raise { .. }
            | StmtKind::Assert { .. }
            | StmtKind::Import { .. }
            | StmtKind::ImportFrom { .. }
            | StmtKind::Global { .. }
            | StmtKind::Nonlocal { .. }
            | StmtKind::Expr { .. }
            | StmtKind::Pass
            | StmtKind::Break
            | StmtKind::Continue => {}
        }
        self.stmt = outer;
    }

    /// A statement without the statements in its suites.
    #[expect(clippy::too_many_lines, reason = "one arm for each kind")]
    fn header(&mut self, id: StmtId) {
        let tree = self.tree;
        match &tree.stmt(id).kind {
            StmtKind::FunctionDef(def) => self.function_def(id, def),
            StmtKind::Return { value } => {
                if let Some(value) = value {
                    let values = self.eval(*value);
                    self.add_return(&values);
                }
            }
            StmtKind::Delete { targets } => {
                for target in targets {
                    self.delete(*target);
                }
            }
            StmtKind::Assign { targets, value } => {
                let values = self.eval(*value);
                for target in targets {
                    self.note_update(*target, *value);
                    self.assign(*target, &values);
                }
            }
            StmtKind::TypeAlias { name, .. } => self.assign(*name, &ObjSet::one(SCALAR)),
            StmtKind::AugAssign { target, op, value } => self.augment(*target, *op, *value),
            StmtKind::AnnAssign { target, value, .. } => {
                if let Some(value) = value {
                    let values = self.eval(*value);
                    self.assign(*target, &values);
                }
            }
            StmtKind::For {
                is_async,
                target,
                iter,
                ..
            } => self.for_loop(*is_async, *target, *iter),
            StmtKind::While { test, .. } | StmtKind::If { test, .. } => {
                self.truth(*test);
            }
            StmtKind::With {
                is_async, items, ..
            } => {
                for item in items {
                    self.with_item(*is_async, item);
                }
            }
            StmtKind::Match { subject, cases } => {
                let values = self.eval(*subject);
                for case in cases {
                    self.pattern(case.pattern, &values);
                    if let Some(guard) = case.guard {
                        self.truth(guard);
                    }
                }
            }
            StmtKind::Raise { exc, cause } => {
                for value in [exc, cause].into_iter().flatten() {
                    let values = self.eval(*value);
                    if self.raised.extend(&values) {
                        self.heap.changed = true;
                    }
                }
            }
            StmtKind::Try { handlers, .. } => {
                for handler in handlers {
                    self.handler(handler);
                }
            }
            StmtKind::Assert { test, msg } => {
                self.truth(*test);
                if let Some(msg) = msg {
                    self.eval(*msg);
                }
            }
            StmtKind::Import { names } | StmtKind::ImportFrom { names, .. } => {
                for alias in names {
                    self.bind_identifier(
                        alias.asname.as_ref().unwrap_or(&alias.name).span,
                        &ObjSet::default(),
                    );
                }
                self.run_import(id);
            }
            StmtKind::Expr { value } => {
                self.eval(*value);
            }
            StmtKind::ClassDef(_)
            | StmtKind::Global { .. }
            | StmtKind::Nonlocal { .. }
            | StmtKind::Pass
            | StmtKind::Break
            | StmtKind::Continue => {}
        }
    }

    fn function_def(&mut self, id: StmtId, def: &FunctionDef) {
        let Some(function) = self.semantics.function_of_def(id) else {
            return;
        };
        let value = self.function_object(function);
        let mut values = ObjSet::one(value);
        for decorator in def.decorators.iter().rev() {
            values = self.decorate(*decorator, &values);
        }
        self.defaults(function, value);
        self.bind_identifier(def.name.span, &values);
    }

    /// What a decorator makes of a function or class. The thing itself stays possible.
    fn decorate(&mut self, decorator: ExprId, values: &ObjSet) -> ObjSet {
        let text = self.module.source.slice(self.span(decorator));
        if text.ends_with(".setter") || text.ends_with(".getter") || text.ends_with(".deleter") {
            return values.clone();
        }
        let callee = self.eval(decorator);
        let made = self.call_values(decorator, &callee, values);
        made.union(values)
    }

    fn class_def(&mut self, id: StmtId, class: &ClassDef) {
        self.followed.clear();
        for base in &class.bases {
            self.eval(*base);
        }
        for keyword in &class.keywords {
            self.eval(keyword.value);
        }
        let owner = self
            .heap
            .make(Site::Class(id), ObjKind::Class(id), self.function);
        self.block(&class.body);
        if let Some(scope) = self.class_scopes.get(&id).copied() {
            for (name, binding) in &self.semantics.scopes[scope].bindings {
                let mut values = self.env[binding.index()].clone();
                // Methods are looked up by name; as values of fields they would be callbacks.
                for object in values.clone().iter() {
                    if let ObjKind::Function(function) = self.heap.kind(object)
                        && self.semantics.functions[function.index()].class == Some(id)
                    {
                        values.remove(object);
                        self.keep_defaults(object, owner);
                    }
                }
                self.heap.put(owner, Field::Attr(name.into()), &values);
            }
        }
        let mut values = ObjSet::one(owner);
        for decorator in class.decorators.iter().rev() {
            values = self.decorate(*decorator, &values);
        }
        self.bind_identifier(class.name.span, &values);
    }

    /// Default values of a method live as long as its class.
    fn keep_defaults(&mut self, method: ObjId, class: ObjId) {
        let field = Field::Attr("<defaults>".into());
        let mut defaults = self.heap.exact(method, &field);
        defaults.subtract(&self.callables(&defaults));
        self.heap.put(class, field, &defaults);
    }

    fn for_loop(&mut self, is_async: bool, target: ExprId, iter: ExprId) {
        let iterable = self.eval(iter);
        let items = self.iterate(&iterable, iter);
        if is_async {
            self.note(self.span(iter), Action::Await, String::new);
        }
        self.assign(target, &items);
    }

    fn with_item(&mut self, is_async: bool, item: &WithItem) {
        let around = self.context.replace(item.context);
        let context = self.eval(item.context);
        if is_async {
            self.note(self.span(item.context), Action::Await, String::new);
        }
        let (enter, exit) = if is_async {
            ("__aenter__", "__aexit__")
        } else {
            ("__enter__", "__exit__")
        };
        let entered = self.call_method_named(item.context, &context, enter);
        if let Some(target) = item.target {
            self.assign(target, &entered);
        }
        self.call_method_named(item.context, &context, exit);
        self.context = around;
    }

    fn handler(&mut self, handler: &ExceptHandler) {
        if let Some(exception) = handler.exception {
            self.eval(exception);
        }
        if let Some(name) = &handler.name {
            let caught = self
                .heap
                .make(Site::Place(name.span), ObjKind::Unknown, self.function);
            let mut values = ObjSet::one(caught);
            if self.heap.dense {
                values.insert(ANYTHING);
            }
            values.extend(&self.raised);
            self.reads.everything = true;
            self.bind_identifier(name.span, &values);
        }
    }

    /// Captures may hold any part of the subject.
    #[expect(clippy::too_many_lines, reason = "one arm for each kind")]
    fn pattern(&mut self, id: PatternId, subject: &ObjSet) {
        let tree = self.tree;
        let mut parts = self.heap.closure(subject, false);
        parts.insert(SCALAR);
        parts.extend(subject);
        let capture = |interp: &mut Self, span: Span| interp.bind_identifier(span, &parts);
        match &tree.pattern(id).kind {
            PatternKind::Value(value) => {
                self.eval(*value);
            }
            PatternKind::Sequence(patterns) | PatternKind::Or(patterns) => {
                for pattern in patterns {
                    self.pattern(*pattern, &parts);
                }
            }
            PatternKind::Mapping {
                keys,
                patterns,
                rest,
            } => {
                for key in keys {
                    self.eval(*key);
                }
                for pattern in patterns {
                    self.pattern(*pattern, &parts);
                }
                if let Some(rest) = rest {
                    let copy = self.heap.make(
                        Site::Place(rest.span),
                        ObjKind::Typed("builtins.dict".into()),
                        self.function,
                    );
                    self.heap.put(copy, Field::Elements, &parts);
                    self.bind_identifier(rest.span, &ObjSet::one(copy));
                }
            }
            PatternKind::Class {
                class,
                patterns,
                keywords,
            } => {
                self.eval(*class);
                let named = keywords.iter().map(|(_, pattern)| pattern);
                for pattern in patterns.iter().chain(named) {
                    self.pattern(*pattern, &parts);
                }
            }
            PatternKind::Star(name) => {
                if let Some(name) = name {
                    let list = self.heap.make(
                        Site::Place(name.span),
                        ObjKind::Typed("builtins.list".into()),
                        self.function,
                    );
                    self.heap.put(list, Field::Elements, &parts);
                    self.bind_identifier(name.span, &ObjSet::one(list));
                }
            }
            PatternKind::As { pattern, name } => {
                if let Some(pattern) = pattern {
                    self.pattern(*pattern, &parts);
                }
                if let Some(name) = name {
                    capture(self, name.span);
                }
            }
        }
    }

    /// `w = w - lr * g` on an array is a step of training.
    fn note_update(&mut self, target: ExprId, value: ExprId) {
        if let ExprKind::BinOp {
            left,
            op: Operator::Sub,
            right,
        } = &self.tree.expr(value).kind
        {
            let source = &self.module.source;
            let same = source.slice(self.span(*left)) == source.slice(self.span(target));
            if same && !self.is_constant(*right) {
                self.note_training_update(target);
            }
        }
    }

    pub(super) fn note_training_update(&mut self, target: ExprId) {
        let values = self.eval_target_value(target);
        let in_container = matches!(self.tree.expr(target).kind, ExprKind::Subscript { .. });
        let is_set = |object| {
            // Sets are `builtins.list` here, and lists cannot be subtracted from.
            let of = self.heap.kind(object).typed();
            of.is_some_and(|of| matches!(of.text(), "builtins.list" | "collections.Counter"))
        };
        if in_container
            || values
                .iter()
                .any(|object| object != SCALAR && !is_set(object))
        {
            let text = format!("`{}` is updated in place", self.text(target));
            self.note(self.span(target), Action::Trains, || text);
        }
    }

    /// Whether an update subtracts something computed: `-= lr * g`, `+= -lr * g`.
    pub(super) fn is_descent(&self, op: Operator, value: ExprId) -> bool {
        match op {
            Operator::Sub => !self.is_constant(value) && !self.is_set(value),
            Operator::Add => match &self.tree.expr(value).kind {
                ExprKind::BinOp { left, .. } => matches!(
                    self.tree.expr(*left).kind,
                    ExprKind::UnaryOp {
                        op: UnaryOperator::Minus,
                        ..
                    }
                ),
                ExprKind::UnaryOp { op, .. } => *op == UnaryOperator::Minus,
                _other => false,
            },
            Operator::Mult
            | Operator::MatMult
            | Operator::Div
            | Operator::Mod
            | Operator::Pow
            | Operator::LShift
            | Operator::RShift
            | Operator::BitOr
            | Operator::BitXor
            | Operator::BitAnd
            | Operator::FloorDiv => false,
        }
    }

    fn is_set(&self, expr: ExprId) -> bool {
        matches!(
            self.tree.expr(expr).kind,
            ExprKind::Set { .. } | ExprKind::SetComp { .. }
        )
    }

    fn is_constant(&self, expr: ExprId) -> bool {
        matches!(
            self.tree.expr(expr).kind,
            ExprKind::Int(_) | ExprKind::Float(_)
        )
    }
}
