//! Rules of calls: who is called, with what, and what comes back.
//!
//! ```python
//! loss = train_step(net, opt, x)    # a function of this module: its effects, with these arguments
//! helper(state)                     # unknown: may change all that `state` reaches; opaque, with a cause
//! ```
//!
//! An unknown call is never pure and never a refusal.

use florc_semantic::FunctionId;
use florc_syntax::tree::{ExprId, ExprKind};

use crate::event::{Action, Target};
use crate::heap::{ANYTHING, Field, ObjId, ObjKind, SCALAR, Site};
use crate::interp::Interp;
use crate::name::Name;
use crate::object_set::ObjSet;

/// Callables inside of callables that are followed.
const MAX_NESTING: u32 = 5;

const UNKNOWN_METHOD: &str = "is a method of a value of unknown type";

/// Evaluated arguments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Args {
    pub(crate) positional: Vec<ObjSet>,
    /// By name, with whether the value is literally `False` or `None`.
    pub(crate) keywords: Vec<(Name, ObjSet, &'static str)>,
    /// What `*args` and `**kwargs` hold, if given.
    pub(crate) star: Option<ObjSet>,
    /// The first arguments as written.
    pub(crate) written: Vec<ExprId>,
}

impl Args {
    pub(crate) fn of(values: &[ObjSet]) -> Self {
        Self {
            positional: values.to_vec(),
            ..Self::default()
        }
    }

    pub(crate) fn all(&self) -> ObjSet {
        let mut all = self.star.clone().unwrap_or_default();
        for value in self
            .positional
            .iter()
            .chain(self.keywords.iter().map(|(_, value, _)| value))
        {
            all.extend(value);
        }
        all
    }

    fn keyword(&self, name: &str) -> Option<&ObjSet> {
        self.keywords
            .iter()
            .find(|(found, ..)| **found == *name)
            .map(|(_, value, _)| value)
    }
}

impl<'a> Interp<'a> {
    pub(super) fn call(&mut self, id: ExprId) -> ObjSet {
        let tree = self.tree;
        let ExprKind::Call { func, .. } = &tree.expr(id).kind else {
            return ObjSet::default();
        };
        let func = *func;
        let attribute = match &tree.expr(func).kind {
            ExprKind::Attribute { value, attr } => Some((*value, Name::from(&attr.text))),
            _other => None,
        };
        let Some((value, attr)) = attribute else {
            let callees = self.eval(func);
            let args = self.arguments(id);
            return self.call_each(id, &callees, &args);
        };
        let receivers = self.eval(value);
        let args = self.arguments(id);
        let (unknown, known) = self.split_unknown(&receivers);
        let mut result = ObjSet::default();
        if !unknown.is_empty() {
            result = self.opaque_call(id, &unknown, &args, UNKNOWN_METHOD);
        }
        result.extend(&self.call_methods(id, &known, attr, &args));
        result
    }

    pub(super) fn call_each(&mut self, id: ExprId, callees: &ObjSet, args: &Args) -> ObjSet {
        let (unknown, known) = self.split_unknown(callees);
        let mut result = ObjSet::default();
        if !unknown.is_empty() {
            result = self.opaque_call(id, &unknown, args, "is not known");
        }
        for callee in known.iter() {
            let found = self.call_object(id, callee, args);
            result.extend(&found);
        }
        result
    }

    /// Calls values with one positional argument.
    pub(crate) fn call_values(
        &mut self,
        site: ExprId,
        callees: &ObjSet,
        argument: &ObjSet,
    ) -> ObjSet {
        self.call_each(site, callees, &Args::of(std::slice::from_ref(argument)))
    }

    pub(super) fn call_method_named(
        &mut self,
        site: ExprId,
        receivers: &ObjSet,
        name: &str,
    ) -> ObjSet {
        let args = Args::of(&[ObjSet::one(SCALAR)]);
        self.call_dunder(site, receivers, name, &args)
    }

    fn arguments(&mut self, call: ExprId) -> Args {
        let tree = self.tree;
        let mut args = Args::default();
        let ExprKind::Call {
            args: positional,
            keywords,
            ..
        } = &tree.expr(call).kind
        else {
            return args;
        };
        for arg in positional {
            let values = self.eval(*arg);
            if matches!(tree.expr(*arg).kind, ExprKind::Starred { .. }) || args.star.is_some() {
                args.star.get_or_insert_default().extend(&values);
                continue;
            }
            args.written.push(*arg);
            args.positional.push(values);
        }
        for keyword in keywords {
            let values = self.eval(keyword.value);
            let literal = match &tree.expr(keyword.value).kind {
                ExprKind::None => "None",
                ExprKind::False => "False",
                _other => "",
            };
            if let Some(name) = &keyword.name {
                args.keywords.push(((&name.text).into(), values, literal));
            } else {
                let parts = self.all_parts(&values);
                args.star.get_or_insert_default().extend(&parts);
            }
        }
        args
    }

    /// An argument that is a string literal.
    pub(super) fn literal(&self, args: &Args, index: usize) -> Option<&'a str> {
        match &self.tree.expr(*args.written.get(index)?).kind {
            ExprKind::Str(text) => Some(text),
            _other => None,
        }
    }

    /// Calls a value. Inside of one call every value is followed once: what it gives again is
    /// already part of the result.
    pub(crate) fn call_object(&mut self, site: ExprId, callee: ObjId, args: &Args) -> ObjSet {
        // Log statements and readings of clocks are noted however involved the program is.
        if self.heap.exhausted() && !self.recording {
            return ObjSet::default();
        }
        let all = args.all();
        self.heap.count(&all);
        let key = (site, callee, all);
        if let Some(known) = self.followed.get(&key) {
            return known.clone();
        }
        if self.nesting >= MAX_NESTING {
            return self.opaque_call(
                site,
                &ObjSet::one(callee),
                args,
                "calls itself through an object",
            );
        }
        self.followed.insert(key.clone(), ObjSet::default());
        self.nesting += 1;
        let result = self.call_object_inside(site, callee, args);
        self.nesting -= 1;
        self.followed.insert(key, result.clone());
        result
    }

    fn call_object_inside(&mut self, site: ExprId, callee: ObjId, args: &Args) -> ObjSet {
        let knowledge = self.knowledge;
        match self.heap.kind(callee) {
            ObjKind::Scalar => ObjSet::one(SCALAR),
            ObjKind::Function(function) => self.call_function(site, function, args, None),
            ObjKind::Class(class) => self.construct(site, class, args),
            ObjKind::Library(path) => self.call_library(site, callee, path, args),
            ObjKind::Method(name) => {
                let mut result = ObjSet::default();
                let receivers = self.heap.read(callee, &Field::Receiver);
                result.extend(&self.call_methods(site, &receivers, name, args));
                result
            }
            ObjKind::Instance(_) => self.call_method(site, callee, "__call__".into(), args),
            ObjKind::Typed(of) => match knowledge.call(of) {
                Some(rule) => self.apply_rule(site, rule, Some(&ObjSet::one(callee)), args, "call"),
                None => self.opaque_call(site, &ObjSet::one(callee), args, "is called"),
            },
            ObjKind::Unknown | ObjKind::Super(_) | ObjKind::Module(_) => {
                self.opaque_call(site, &ObjSet::one(callee), args, "is not known")
            }
        }
    }

    /// `receiver.name(args)`.
    pub(crate) fn call_method(
        &mut self,
        site: ExprId,
        receiver: ObjId,
        name: Name,
        args: &Args,
    ) -> ObjSet {
        let own = ObjSet::one(receiver);
        match self.heap.kind(receiver) {
            ObjKind::Scalar => self.scalar_method(site, name, args),
            ObjKind::Library(path) => {
                let mut result = ObjSet::default();
                for callee in self.read_attribute(site, &own, name).iter() {
                    result.extend(&match self.heap.kind(callee) {
                        ObjKind::Library(_) if !self.knowledge.is_known_package(&path) => self
                            .opaque_call(
                                site,
                                &own.union(&ObjSet::one(callee)),
                                args,
                                "is not known",
                            ),
                        _other => self.call_object(site, callee, args),
                    });
                }
                result
            }
            ObjKind::Module(file) => {
                let callees = self.module_attribute(receiver, file, &name);
                self.call_each(site, &callees, args)
            }
            ObjKind::Instance(class) => self.instance_method(site, receiver, class, name, args),
            ObjKind::Typed(of) => self.typed_method(site, &own, of, name, args),
            ObjKind::Unknown => {
                self.opaque_call(site, &own, args, "is a method of a value of unknown type")
            }
            ObjKind::Class(class) => self.class_method(site, receiver, class, name, args),
            ObjKind::Super(class) => self.super_method(site, receiver, class, name, args),
            ObjKind::Function(_) | ObjKind::Method(_) => {
                let callees = self.heap.read(receiver, &Field::Attr(name));
                let mut result = self.call_each(site, &callees, args);
                if callees.is_empty() {
                    result.extend(&self.opaque_call(site, &own, args, "is a method of a function"));
                }
                result
            }
        }
    }

    /// Calls a function of this module.
    pub(crate) fn call_function(
        &mut self,
        site: ExprId,
        function: FunctionId,
        args: &Args,
        receiver: Option<&ObjSet>,
    ) -> ObjSet {
        self.mark_called(function);
        self.bind_parameters(function, args, receiver);
        let mut given = args.all();
        given.extend(&receiver.cloned().unwrap_or_default());
        let code = self.function_object(function);
        given.insert(code);
        let info = &self.semantics.functions[function.index()];
        if info.is_generator || info.is_async {
            return self.suspended(site, function, &given);
        }
        if self.recording {
            let targets = vec![Target::Function(function)];
            let reachable = self.heap.closure(&given, true);
            let text = self.text(site);
            let action = Action::Call {
                targets,
                reachable: self.heap.unmerged(&reachable).into_owned(),
                escaping: false,
            };
            self.note(self.span(site), action, || {
                format!("`{text}` calls `{}`", info.qualname)
            });
        }
        let mut result = self.returned(function).clone();
        result.insert(SCALAR);
        result
    }

    /// Calling a generator function or coroutine runs nothing yet; taking from it does.
    fn suspended(&mut self, site: ExprId, function: FunctionId, given: &ObjSet) -> ObjSet {
        let info = &self.semantics.functions[function.index()];
        let of = if info.is_generator {
            "builtins.generator"
        } else {
            "builtins.coroutine"
        };
        let object = self.typed(site, "suspended", of);
        self.heap.put(object, Field::Code, given);
        let mut items = self.yielded_by(function).clone();
        if !info.is_generator {
            items.extend(self.returned(function));
        }
        self.heap.put(object, Field::Elements, &items);
        ObjSet::one(object)
    }

    fn bind_parameters(&mut self, function: FunctionId, args: &Args, receiver: Option<&ObjSet>) {
        let Some(params) = self.parameters_of(function) else {
            return;
        };
        let mut positional: Vec<&ObjSet> = receiver.into_iter().chain(&args.positional).collect();
        let named = params.positional_only.iter().chain(&params.positional);
        let slots = params.positional_only.len() + params.positional.len();
        let extra = positional.split_off(slots.min(positional.len()));
        let nothing = ObjSet::default();
        for (index, param) in named.chain(&params.keyword_only).enumerate() {
            let Some(binding) = self.semantics.binding_of_identifier(param.name.span) else {
                continue;
            };
            let by_position = positional.get(index).filter(|_| index < slots);
            let given = by_position
                .copied()
                .or(args.keyword(&param.name.text))
                .unwrap_or(&nothing);
            self.bind_values(binding, given);
            if let Some(star) = args.star.as_ref().filter(|_| by_position.is_none()) {
                let own = index == 0 && self.takes_receiver(function);
                let star = if own {
                    self.possible_receivers(star)
                } else {
                    star.clone()
                };
                self.bind_values(binding, &star);
            }
        }
        if let Some(param) = &params.vararg {
            let mut items = args.star.clone().unwrap_or_default();
            for value in extra {
                items.extend(value);
            }
            self.bind_rest(function, param.name.span, "builtins.list", &items);
        }
        if let Some(param) = &params.kwarg {
            let mut items = args.star.clone().unwrap_or_default();
            for (_, value, _) in &args.keywords {
                items.extend(value);
            }
            self.bind_rest(function, param.name.span, "builtins.dict", &items);
        }
    }

    /// What may stand for `self` among values of which nobody knows where they go.
    fn possible_receivers(&self, values: &ObjSet) -> ObjSet {
        let mut receivers = ObjSet::default();
        for object in values.iter() {
            match self.heap.kind(object) {
                ObjKind::Instance(_) | ObjKind::Unknown | ObjKind::Super(_) => {
                    receivers.insert(object);
                }
                ObjKind::Scalar
                | ObjKind::Typed(_)
                | ObjKind::Function(_)
                | ObjKind::Class(_)
                | ObjKind::Library(_)
                | ObjKind::Module(_)
                | ObjKind::Method(_) => {}
            }
        }
        receivers
    }

    /// Binds `*args` or `**kwargs`.
    fn bind_rest(
        &mut self,
        function: FunctionId,
        span: florc_syntax::Span,
        of: &str,
        items: &ObjSet,
    ) {
        let rest = self
            .heap
            .make(Site::Place(span), ObjKind::Typed(of.into()), function);
        self.heap.put(rest, Field::Elements, items);
        if let Some(binding) = self.semantics.binding_of_identifier(span) {
            self.bind_values(binding, &ObjSet::one(rest));
        }
    }

    /// A call of which nothing is known.
    pub(crate) fn opaque_call(
        &mut self,
        site: ExprId,
        receiver: &ObjSet,
        args: &Args,
        why: &str,
    ) -> ObjSet {
        if self.heap.exhausted() {
            return ObjSet::default();
        }
        let roots = receiver.union(&args.all());
        let reachable = self.heap.closure(&roots, true);
        let changed = self.changeable(&reachable);
        self.escape(&reachable);
        if self.recording {
            self.note_opaque_call(site, (&roots, &reachable, &changed), why);
        }
        // What an earlier call gave leads to all that was given to that one, and back: it can stand
        // for what this one gives, as well as a new object could.
        if self.heap.dense {
            self.heap.put_anywhere(&roots);
            self.heap.count(&reachable);
            return ObjSet::one(ANYTHING);
        }
        let unknown = reachable.common(&self.heap.kinds.opaque);
        let earlier = unknown.iter().find(|id| self.heap.is_opaque_result(*id));
        let result = earlier.unwrap_or_else(|| self.unknown(site, "opaque"));
        let mut parts = roots;
        parts.remove(SCALAR);
        parts.remove(result);
        self.heap.put(result, Field::Any, &parts);
        // From now on each of them may hold any other, by way of the result.
        let held = ObjSet::one(result);
        let mut new = changed.clone();
        new.remove(result);
        if let Some(led) = self.led_back.get(&result) {
            new.subtract(led);
        }
        for object in new.iter() {
            self.heap.put(object, Field::Any, &held);
        }
        self.led_back.entry(result).or_default().extend(&new);
        self.heap.count(&reachable);
        held
    }

    fn note_opaque_call(
        &mut self,
        site: ExprId,
        (roots, reachable, changed): (&ObjSet, &ObjSet, &ObjSet),
        why: &str,
    ) {
        let span = self.span(site);
        let text = self.callee_text(site);
        self.note(span, Action::Opaque(0), || {
            format!("opaque: `{text}` {why}")
        });
        self.note_mutation(changed, span, || {
            format!("opaque: `{text}` {why}, so it may change all that it is given")
        });
        self.note_training_method(site);
        let given = self.functions_in(roots);
        if !given.is_empty() {
            let action = Action::Call {
                targets: given,
                reachable: self.heap.unmerged(reachable).into_owned(),
                escaping: false,
            };
            self.note(span, action, || {
                format!("`{text}` is given code that it may run")
            });
        }
        let targets = self.functions_in(&self.heap.unmerged(reachable));
        self.note_escaping(span, reachable, targets);
    }

    fn functions_in(&self, objects: &ObjSet) -> Vec<Target> {
        let mut targets = Vec::new();
        for object in objects.iter() {
            if let ObjKind::Function(function) = self.heap.kind(object) {
                targets.push(Target::Function(function));
            }
            if let Some((function, stmt, span)) = self.heap.get(object).deferred {
                targets.push(Target::Deferred(function, stmt, span));
            }
        }
        targets
    }

    /// `.backward()`, `.step()`, `.fit()` of unknown values are taken for training.
    fn note_training_method(&mut self, site: ExprId) {
        let ExprKind::Call { func, args, .. } = &self.tree.expr(site).kind else {
            return;
        };
        let ExprKind::Attribute { attr, .. } = &self.tree.expr(*func).kind else {
            return;
        };
        let trains = match attr.text.as_str() {
            "backward" | "fit" | "partial_fit" | "train_on_batch" | "train_step" => true,
            "step" => args.is_empty(),
            _other => false,
        };
        if trains {
            let text = self.text(*func);
            self.note(self.span(site), Action::Trains, || text);
        }
    }

    /// The called thing as written.
    pub(super) fn callee_text(&self, site: ExprId) -> String {
        match &self.tree.expr(site).kind {
            ExprKind::Call { func, .. } => self.text(*func),
            _other => self.text(site),
        }
    }
}
