//! One rule per expression: what it may evaluate to.
//!
//! ```python
//! best if best else model     # {best, model}
//! f"{loss:.3f}"               # a scalar; `loss.__format__` runs
//! ```
//!
//! Returns abstract objects; immutable values are all one of them.

use florc_semantic::FunctionId;
use florc_syntax::tree::{
    CompareOperator, Comprehension, DictItem, ExprId, ExprKind, FStringPart, Parameters,
    UnaryOperator,
};

use crate::event::Action;
use crate::heap::{Field, ObjId, ObjKind, SCALAR, Site};
use crate::interp::Interp;
use crate::object_set::ObjSet;

impl Interp<'_> {
    pub(crate) fn eval(&mut self, id: ExprId) -> ObjSet {
        let values = self.evaluate(id);
        let values = self.heap.named(&values).into_owned();
        if self.recording {
            self.values.entry(id).or_default().extend(&values);
        }
        values
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind")]
    fn evaluate(&mut self, id: ExprId) -> ObjSet {
        let tree = self.tree;
        match &tree.expr(id).kind {
            ExprKind::BoolOp { values, .. } => {
                let mut all = ObjSet::default();
                for value in values {
                    all.extend(&self.truth(*value));
                }
                all
            }
            ExprKind::Named { target, value } => {
                let values = self.eval(*value);
                self.assign(*target, &values);
                values
            }
            ExprKind::BinOp { left, op, right } => {
                let (left, right) = (self.eval(*left), self.eval(*right));
                self.binary(id, *op, &left, &right, false)
            }
            ExprKind::UnaryOp { op, operand } => self.unary(id, *op, *operand),
            ExprKind::Lambda { params, .. } => self.lambda(id, params),
            ExprKind::IfExp { test, body, orelse } => {
                self.truth(*test);
                let values = self.eval(*body);
                values.union(&self.eval(*orelse))
            }
            ExprKind::Dict { items } => self.dict(id, items),
            ExprKind::Set { elts } | ExprKind::List { elts } => {
                self.sequence(id, elts, "builtins.list")
            }
            ExprKind::Tuple { elts } => self.sequence(id, elts, "builtins.tuple"),
            ExprKind::ListComp { elt, generators } | ExprKind::SetComp { elt, generators } => {
                self.generators(generators);
                let items = self.eval(*elt);
                let list = self.typed(id, "new", "builtins.list");
                self.heap.put(list, Field::Elements, &items);
                ObjSet::one(list)
            }
            ExprKind::DictComp {
                key,
                value,
                generators,
            } => {
                self.generators(generators);
                let (keys, items) = (self.eval(*key), self.eval(*value));
                let dict = self.typed(id, "new", "builtins.dict");
                self.heap.put(dict, Field::Keys, &keys);
                self.heap.put(dict, Field::Elements, &items);
                ObjSet::one(dict)
            }
            ExprKind::GeneratorExp { elt, generators } => self.generator(id, *elt, generators),
            ExprKind::Await { value } => {
                let values = self.eval(*value);
                self.note(self.span(id), Action::Await, String::new);
                self.awaited(id, &values)
            }
            ExprKind::Yield { value } => {
                let values = value.map(|value| self.eval(value)).unwrap_or_default();
                self.yielded(id, &values)
            }
            ExprKind::YieldFrom { value } => {
                let source = self.eval(*value);
                let items = self.iterate(&source, *value);
                self.yielded(id, &items)
            }
            ExprKind::Compare {
                left,
                ops,
                comparators,
            } => self.compare(id, *left, ops, comparators),
            ExprKind::Call { .. } => self.call(id),
            ExprKind::FString { parts } => {
                self.fstring(id, parts);
                ObjSet::one(SCALAR)
            }
            ExprKind::Str(_)
            | ExprKind::Bytes(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Complex(_)
            | ExprKind::True
            | ExprKind::False
            | ExprKind::None
            | ExprKind::Ellipsis => ObjSet::one(SCALAR),
            ExprKind::Attribute { value, attr } => {
                let owners = self.eval(*value);
                self.read_attribute(id, &owners, (&attr.text).into())
            }
            ExprKind::Subscript { value, slice } => {
                let owners = self.eval(*value);
                self.subscript(id, &owners, *slice)
            }
            ExprKind::Starred { value } => {
                let values = self.eval(*value);
                self.iterate(&values, *value)
            }
            ExprKind::Name(name) => self.value_of_name(id, name),
            ExprKind::Slice { lower, upper, step } => {
                for part in [lower, upper, step].into_iter().flatten() {
                    self.eval(*part);
                }
                ObjSet::one(SCALAR)
            }
        }
    }

    /// Evaluates a condition.
    pub(crate) fn truth(&mut self, id: ExprId) -> ObjSet {
        let values = self.eval(id);
        self.run_dunders(id, &values, &["__bool__", "__len__"]);
        values
    }

    fn unary(&mut self, id: ExprId, op: UnaryOperator, operand: ExprId) -> ObjSet {
        match op {
            UnaryOperator::Not => {
                self.truth(operand);
                ObjSet::one(SCALAR)
            }
            UnaryOperator::Invert | UnaryOperator::Plus | UnaryOperator::Minus => {
                let values = self.eval(operand);
                self.arithmetic(
                    id,
                    &values,
                    &ObjSet::default(),
                    &["__invert__", "__pos__", "__neg__"],
                )
            }
        }
    }

    fn compare(
        &mut self,
        id: ExprId,
        left: ExprId,
        ops: &[CompareOperator],
        others: &[ExprId],
    ) -> ObjSet {
        let mut before = self.eval(left);
        let mut result = ObjSet::default();
        for (op, other) in ops.iter().zip(others) {
            let after = self.eval(*other);
            let found = match op {
                CompareOperator::Is | CompareOperator::IsNot => ObjSet::one(SCALAR),
                CompareOperator::In | CompareOperator::NotIn => {
                    let both = before.union(&after);
                    self.run_dunders(
                        id,
                        &both,
                        &[
                            "__contains__",
                            "__eq__",
                            "__iter__",
                            "__getitem__",
                            "__hash__",
                        ],
                    );
                    self.consume_iterators(*other, &after);
                    ObjSet::one(SCALAR)
                }
                CompareOperator::Eq
                | CompareOperator::NotEq
                | CompareOperator::Lt
                | CompareOperator::LtE
                | CompareOperator::Gt
                | CompareOperator::GtE => self.comparison(id, &before, &after),
            };
            result.extend(&found);
            before = after;
        }
        result
    }

    fn sequence(&mut self, id: ExprId, elts: &[ExprId], of: &str) -> ObjSet {
        let object = self.typed(id, "new", of);
        let mut starred = false;
        for (index, elt) in elts.iter().enumerate() {
            starred |= matches!(self.tree.expr(*elt).kind, ExprKind::Starred { .. });
            let values = self.eval(*elt);
            let exact = of == "builtins.tuple" && !starred;
            let field = if exact {
                Field::Key(index.to_string().into())
            } else {
                Field::Elements
            };
            self.heap.put(object, field, &values);
        }
        ObjSet::one(object)
    }

    fn dict(&mut self, id: ExprId, items: &[DictItem]) -> ObjSet {
        let object = self.typed(id, "new", "builtins.dict");
        for item in items {
            let values = self.eval(item.value);
            if let Some(key) = item.key {
                let keys = self.eval(key);
                self.heap.put(object, Field::Keys, &keys);
                let field = self.constant_key(key).map_or(Field::Elements, Field::Key);
                self.heap.put(object, field, &values);
            } else {
                self.run_dunders(item.value, &values, &["keys", "__getitem__", "__iter__"]);
                let items = self.all_parts(&values);
                self.heap.put(object, Field::Elements, &items);
            }
        }
        ObjSet::one(object)
    }

    fn generators(&mut self, generators: &[Comprehension]) {
        for part in generators {
            let source = self.eval(part.iter);
            let items = self.iterate(&source, part.iter);
            if part.is_async {
                self.note(self.span(part.iter), Action::Await, String::new);
            }
            self.assign(part.target, &items);
            for test in &part.ifs {
                self.truth(*test);
            }
        }
    }

    /// Its effects are noted where it stands, and again wherever it is consumed.
    fn generator(&mut self, id: ExprId, elt: ExprId, generators: &[Comprehension]) -> ObjSet {
        self.generators(generators);
        let items = self.eval(elt);
        let object = self.typed(id, "new", "builtins.generator");
        self.heap.put(object, Field::Elements, &items);
        if let Some(first) = generators.first() {
            let source = self.eval(first.iter);
            self.heap
                .put(object, Field::Attr("<source>".into()), &source);
        }
        self.heap
            .set_deferred(object, (self.function, self.stmt, self.span(id)));
        ObjSet::one(object)
    }

    fn yielded(&mut self, id: ExprId, values: &ObjSet) -> ObjSet {
        self.note(self.span(id), Action::Yield, String::new);
        let yields = &mut self.yields[self.function.index()];
        if yields.extend(&self.heap.named(values)) {
            self.note_result();
        }
        let sent = self.made(id, "sent", ObjKind::Unknown);
        let mut result = ObjSet::one(sent);
        result.insert(SCALAR);
        result
    }

    fn awaited(&mut self, id: ExprId, values: &ObjSet) -> ObjSet {
        let mut result = ObjSet::default();
        for object in values.iter() {
            if self.heap.kind(object) == ObjKind::Typed("builtins.coroutine".into()) {
                self.run_code(id, object);
                result.extend(&self.heap.read(object, &Field::Elements));
            } else if object != SCALAR {
                result.extend(&self.unknown_operator(id, object));
            }
        }
        result.insert(SCALAR);
        result
    }

    fn fstring(&mut self, id: ExprId, parts: &[FStringPart]) {
        for part in parts {
            match part {
                FStringPart::Literal { .. } => {}
                FStringPart::Field { expr, spec, .. } => {
                    let values = self.eval(*expr);
                    self.run_dunders(id, &values, &["__format__", "__str__", "__repr__"]);
                    self.fstring(id, spec);
                }
            }
        }
    }

    fn lambda(&mut self, id: ExprId, _params: &Parameters) -> ObjSet {
        let Some(function) = self.semantics.function_of_lambda(id) else {
            return ObjSet::one(self.made(id, "lambda", ObjKind::Unknown));
        };
        let object = self.function_object(function);
        self.defaults(function, object);
        ObjSet::one(object)
    }

    /// The object of a function of this module; it holds what it captures.
    pub(crate) fn function_object(&mut self, function: FunctionId) -> ObjId {
        let maker = self.semantics.functions[function.index()]
            .parent
            .unwrap_or(FunctionId(0));
        let object = self
            .heap
            .make(Site::Function(function), ObjKind::Function(function), maker);
        for at in 0..self.captured[function.index()].len() {
            let binding = self.captured[function.index()][at];
            let values = self.held(binding).clone();
            self.heap
                .put(object, Field::Attr("<captured>".into()), &values);
        }
        object
    }

    /// Evaluates defaults where the function is made; they live as long as it does.
    pub(crate) fn defaults(&mut self, function: FunctionId, object: ObjId) {
        let Some(params) = self.parameters_of(function) else {
            return;
        };
        for param in params.iter() {
            let Some(default) = param.default else {
                continue;
            };
            let values = self.eval(default);
            self.heap
                .put(object, Field::Attr("<defaults>".into()), &values);
            if let Some(binding) = self.semantics.binding_of_identifier(param.name.span) {
                self.bind_values(binding, &values);
            }
        }
    }
}
