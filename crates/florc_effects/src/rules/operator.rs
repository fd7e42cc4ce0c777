//! Rules of operators and of methods that Python calls by itself.
//!
//! ```python
//! loss / 2          # a tensor: a new tensor, computed from `loss`
//! meter + 1         # a class of this module: runs its `__add__`; anything else: may do anything
//! ```
//!
//! Operators on unknown values are opaque; on numbers, tensors and containers they make new values.

use florc_syntax::tree::{ExprId, Operator};

use crate::event::Target;
use crate::heap::{Field, ObjId, ObjKind, SCALAR};
use crate::interp::Interp;
use crate::object_set::ObjSet;
use crate::rules::call::Args;
use crate::rules::library::OPERATOR;

impl Interp<'_> {
    pub(super) fn binary(
        &mut self,
        id: ExprId,
        op: Operator,
        left: &ObjSet,
        right: &ObjSet,
        inplace: bool,
    ) -> ObjSet {
        let names = dunders(op);
        let names = if inplace { &names[..] } else { &names[1..] };
        self.arithmetic(id, left, right, names)
    }

    /// Arithmetic on any of `left` with any of `right`.
    pub(super) fn arithmetic(
        &mut self,
        id: ExprId,
        left: &ObjSet,
        right: &ObjSet,
        names: &[&str],
    ) -> ObjSet {
        let mut result = ObjSet::default();
        let scalar = |set: &ObjSet| set.is_empty() || set.contains(SCALAR);
        if scalar(left) && scalar(right) && !(left.is_empty() && right.is_empty()) {
            result.insert(SCALAR);
        }
        for (own, other) in [(left, right), (right, left)] {
            let (unknown, known) = self.split_unknown(own);
            if !unknown.is_empty() {
                self.unknown_method(id, &unknown, other, names);
                result.extend(&self.unknown_operators(id, &unknown));
            }
            let has_rule = |of| self.knowledge.operators(of).is_some();
            let (typed, others) = self.heap.by_type(&known, has_rule);
            for object in others.iter() {
                let found = self.operate(id, object, other, names);
                result.extend(&found);
            }
            let knowledge = self.knowledge;
            for (of, own) in typed {
                if let Some(rule) = knowledge.operators(of) {
                    let args = Args::of(std::slice::from_ref(other));
                    result.extend(&self.apply_rule(id, rule, Some(&own), &args, OPERATOR));
                }
            }
        }
        result
    }

    fn operate(&mut self, id: ExprId, object: ObjId, other: &ObjSet, names: &[&str]) -> ObjSet {
        let knowledge = self.knowledge;
        match self.heap.kind(object) {
            ObjKind::Scalar => {
                self.run_dunders(id, other, &["__str__", "__repr__", "__format__"]);
                ObjSet::default()
            }
            ObjKind::Typed(of) => match knowledge.operators(of) {
                Some(rule) => {
                    let args = Args::of(std::slice::from_ref(other));
                    self.apply_rule(id, rule, Some(&ObjSet::one(object)), &args, OPERATOR)
                }
                None => self.unknown_operator(id, object),
            },
            ObjKind::Instance(class) => {
                let receiver = ObjSet::one(object);
                let mut result = ObjSet::default();
                let args = Args::of(std::slice::from_ref(other));
                let mut found = false;
                for name in names {
                    for (function, _) in self.classes.find(class, *name) {
                        found = true;
                        result.extend(&self.call_function(id, function, &args, Some(&receiver)));
                    }
                }
                if !found && self.classes.has_unknown_base(class) {
                    result.extend(&self.unknown_operator(id, object));
                }
                result
            }
            ObjKind::Unknown | ObjKind::Super(_) | ObjKind::Method(_) => {
                self.unknown_operator(id, object)
            }
            ObjKind::Library(path) if knowledge.is_known_package(&path) => ObjSet::one(SCALAR),
            ObjKind::Library(_) | ObjKind::Module(_) => self.unknown_operator(id, object),
            ObjKind::Function(_) | ObjKind::Class(_) => ObjSet::one(SCALAR),
        }
    }

    pub(super) fn comparison(&mut self, id: ExprId, left: &ObjSet, right: &ObjSet) -> ObjSet {
        const NAMES: [&str; 6] = ["__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"];
        let both = left.union(right);
        let knowledge = self.knowledge;
        let mut result = ObjSet::one(SCALAR);
        self.run_dunders(id, &both, &NAMES);
        for object in both.iter() {
            match self.heap.kind(object) {
                ObjKind::Typed(of)
                    if knowledge.is_a(of, "builtins.list")
                        || knowledge.is_a(of, "builtins.dict") => {}
                ObjKind::Typed(of) if knowledge.operators(of).is_some() => {
                    let found = self.operate(id, object, &ObjSet::default(), &[]);
                    result.extend(&found);
                }
                ObjKind::Unknown => {
                    result.insert(self.unknown(id, "compared"));
                }
                ObjKind::Scalar
                | ObjKind::Typed(_)
                | ObjKind::Instance(_)
                | ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => {}
            }
        }
        result
    }

    pub(super) fn unknown_operator(&mut self, site: ExprId, object: ObjId) -> ObjSet {
        self.unknown_operators(site, &ObjSet::one(object))
    }

    /// An operator whose code is not known: all inside of the operands may change.
    pub(super) fn unknown_operators(&mut self, site: ExprId, operands: &ObjSet) -> ObjSet {
        let reachable = self.heap.closure(operands, true);
        self.escape(&reachable);
        if self.recording {
            let changed = self.changeable(&self.heap.closure(operands, false));
            let text = self.text(site);
            let span = self.span(site);
            self.note_mutation(&changed, span, || {
                format!("opaque: `{text}` may run an operator method of a value of unknown type")
            });
            self.note_escaping(span, &reachable, Vec::new());
        }
        if operands
            .iter()
            .all(|id| self.heap.kind(id) == ObjKind::Unknown)
        {
            // They stand for all that they lead to, so also for what comes of them.
            return operands.clone();
        }
        let result = self.unknown(site, "operated");
        self.heap.put(result, Field::Any, operands);
        ObjSet::one(result)
    }

    /// A method of an unknown value that Python calls by itself: it may be one of the program, and what it is
    /// given is known to it from now on.
    pub(super) fn unknown_method(
        &mut self,
        site: ExprId,
        owners: &ObjSet,
        given: &ObjSet,
        names: &[&str],
    ) {
        if self.classes.any_defines(names) {
            let reachable = self.heap.closure(&owners.union(given), true);
            self.escape(&reachable);
            self.note_escaping(self.span(site), &reachable, Vec::new());
        }
    }

    /// Runs these methods of everything in reach of `values` that defines one.
    pub(super) fn run_dunders(&mut self, site: ExprId, values: &ObjSet, names: &[&str]) {
        if !self.classes.any_defines(names) {
            return;
        }
        let reachable = self.heap.closure(values, false);
        if values.intersects(&self.heap.kinds.opaque) {
            // The other operand is given to it.
            self.escape(&self.heap.closure(values, true));
        }
        let owners = reachable.common(&self.heap.kinds.own);
        let mut classes = self.heap.by_class(&owners);
        let mut noted = !self.recording;
        for object in owners.iter() {
            match self.heap.kind(object) {
                ObjKind::Instance(class) => {
                    let Some(own) = classes.remove(&class) else {
                        continue;
                    };
                    for name in names {
                        for (function, _) in self.classes.find(class, *name) {
                            let args = Args::of(std::slice::from_ref(values));
                            let made = self.call_function(site, function, &args, Some(&own));
                            self.run_generators(site, &made);
                        }
                    }
                }
                ObjKind::Unknown if noted => {}
                ObjKind::Unknown => {
                    noted = true;
                    self.note_escaping(self.span(site), &reachable, Vec::new());
                }
                ObjKind::Scalar
                | ObjKind::Typed(_)
                | ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_)
                | ObjKind::Super(_) => {}
            }
        }
    }

    /// Runs one method of instances of this module's classes and gives its result.
    pub(super) fn call_dunder(
        &mut self,
        site: ExprId,
        owners: &ObjSet,
        name: &str,
        args: &Args,
    ) -> ObjSet {
        let mut result = ObjSet::default();
        for object in owners.iter() {
            let found = self.call_method(site, object, name.into(), args);
            result.extend(&found);
        }
        result
    }

    /// Runs the generators among what a method gave: who called it goes through them.
    pub(super) fn run_generators(&mut self, site: ExprId, made: &ObjSet) {
        for object in made.iter() {
            let of = self.heap.kind(object).typed();
            if of.is_some_and(|of| self.knowledge.is_a(of, "builtins.generator")) {
                self.run_code(site, object);
            }
        }
    }

    /// Runs the code that is stored in a generator or coroutine.
    pub(super) fn run_code(&mut self, site: ExprId, object: ObjId) {
        let mut targets = Vec::new();
        for code in self.heap.read(object, &Field::Code).iter() {
            if let ObjKind::Function(function) = self.heap.kind(code) {
                targets.push(Target::Function(function));
            }
        }
        if let Some((function, stmt, span)) = self.heap.get(object).deferred {
            targets.push(Target::Deferred(function, stmt, span));
        }
        if targets.is_empty() || !self.recording {
            return;
        }
        let reachable = self.heap.closure(&ObjSet::one(object), true);
        let text = self.text(site);
        let action = crate::event::Action::Call {
            targets,
            reachable: self.heap.unmerged(&reachable).into_owned(),
            escaping: false,
        };
        self.note(self.span(site), action, || {
            format!("`{text}` runs a generator")
        });
    }

    /// Parts a set into things of which nothing is known and the rest.
    pub(super) fn split_unknown(&self, objects: &ObjSet) -> (ObjSet, ObjSet) {
        let unknown = objects.common(&self.heap.kinds.opaque);
        let mut rest = objects.clone();
        rest.subtract(&unknown);
        (unknown, rest)
    }

    /// Objects that code can change: no scalars, no functions, no modules of known libraries.
    pub(crate) fn changeable(&self, objects: &ObjSet) -> ObjSet {
        let mut changed = objects.clone();
        changed.subtract(&self.heap.kinds.fixed);
        changed
    }
}

/// In-place, forward and reflected method of an operator.
fn dunders(op: Operator) -> [&'static str; 3] {
    match op {
        Operator::Add => ["__iadd__", "__add__", "__radd__"],
        Operator::Sub => ["__isub__", "__sub__", "__rsub__"],
        Operator::Mult => ["__imul__", "__mul__", "__rmul__"],
        Operator::MatMult => ["__imatmul__", "__matmul__", "__rmatmul__"],
        Operator::Div => ["__itruediv__", "__truediv__", "__rtruediv__"],
        Operator::Mod => ["__imod__", "__mod__", "__rmod__"],
        Operator::Pow => ["__ipow__", "__pow__", "__rpow__"],
        Operator::LShift => ["__ilshift__", "__lshift__", "__rlshift__"],
        Operator::RShift => ["__irshift__", "__rshift__", "__rrshift__"],
        Operator::BitOr => ["__ior__", "__or__", "__ror__"],
        Operator::BitXor => ["__ixor__", "__xor__", "__rxor__"],
        Operator::BitAnd => ["__iand__", "__and__", "__rand__"],
        Operator::FloorDiv => ["__ifloordiv__", "__floordiv__", "__rfloordiv__"],
    }
}
