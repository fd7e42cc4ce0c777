//! Who calls whom.
//!
//! ```python
//! def main(): Trainer(cfg).fit()     # main -> Trainer.__init__, Trainer.fit
//! ```
//!
//! A call goes to functions of this module only when nothing else can be meant; else it is a
//! library's, a method of something, or unknown. Operators, iteration and attribute access call too;
//! they are no call expressions and not listed.

use florc_syntax::tree::{ExprId, ExprKind, StmtId, Tree};
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::Semantics;
use crate::attributes::class_named;
use crate::ids::{BindingId, FunctionId};
use crate::model::{Call, Callee, ClassRef, Definition, DefinitionKind, Link};
use crate::types::{is_dataclass, is_torch_module};

/// How many names are followed to the function that they were assigned.
const DEPTH: u32 = 8;

/// Decorators that leave a function one that runs its own body when called. Sorted.
const TRANSPARENT: &[&str] = &[
    "abc.abstractmethod",
    "builtins.classmethod",
    "builtins.staticmethod",
    "torch.autograd.no_grad",
    "torch.enable_grad",
    "torch.inference_mode",
    "torch.jit.export",
    "torch.jit.ignore",
    "torch.jit.unused",
    "torch.no_grad",
    "typing.final",
    "typing.no_type_check",
    "typing.override",
];

/// Bases whose constructors run no code of this module. Sorted; a final dot stands for all below.
const QUIET_BASES: &[&str] = &[
    "abc.ABC",
    "builtins.",
    "enum.",
    "torch.nn.Module",
    "torch.utils.data.Dataset",
    "torch.utils.data.IterableDataset",
    "typing.",
];

/// Fills calls, constructed classes and escaping functions.
pub(crate) fn find(tree: &Tree, semantics: &mut Semantics) {
    let mut exprs = (0..tree.expr_count() as u32).map(ExprId);
    let has_hooks = exprs.any(|id| {
        let kind = &tree.expr(id).kind;
        matches!(kind, ExprKind::Attribute { attr, .. } if attr.text.contains("_hook"))
    });
    let finder = Finder {
        tree,
        semantics,
        has_hooks,
    };
    let mut calls = Vec::new();
    let mut constructed = Vec::new();
    for id in (0..tree.expr_count() as u32).map(ExprId) {
        if let ExprKind::Call { func, .. } = &tree.expr(id).kind {
            calls.push(Call {
                expr: id,
                caller: semantics.function_of_expr(id),
                callee: finder.callee(*func),
            });
            constructed.extend(class_named(semantics, *func).map(|class| (id, class)));
        }
    }
    let escaping = crate::escape::escaping(tree, semantics);
    semantics.tables.constructed = constructed.into_iter().collect();
    semantics.calls = calls;
    semantics.escaping = escaping;
}

/// The graph behind [`Semantics::call_graph`].
pub(crate) fn call_graph(semantics: &Semantics) -> DiGraph<FunctionId, ()> {
    let mut graph = DiGraph::new();
    for function in &semantics.functions {
        graph.add_node(function.id);
    }
    for call in &semantics.calls {
        if let Callee::Functions(callees) = &call.callee {
            for callee in callees {
                let [from, to] =
                    [call.caller, *callee].map(|function| NodeIndex::new(function.index()));
                graph.update_edge(from, to, ());
            }
        }
    }
    graph
}

/// The components behind [`Semantics::sccs`].
pub(crate) fn sccs(semantics: &Semantics) -> Vec<Vec<FunctionId>> {
    let components = tarjan_scc(&call_graph(semantics)).into_iter();
    let components = components.map(|component| {
        let mut ids: Vec<FunctionId> = component
            .into_iter()
            .map(|node| FunctionId(node.index() as u32))
            .collect();
        ids.sort();
        ids
    });
    components.collect()
}

struct Finder<'a> {
    tree: &'a Tree,
    semantics: &'a Semantics,
    /// The module mentions hooks: calling a torch module may run more than `forward`.
    has_hooks: bool,
}

impl Finder<'_> {
    fn callee(&self, func: ExprId) -> Callee {
        let found = match &self.tree.expr(func).kind {
            _ if self.semantics.link(func).is_some() => self.named(func),
            ExprKind::Lambda { .. } => self
                .semantics
                .function_of_lambda(func)
                .map(|lambda| vec![lambda]),
            ExprKind::Name(_) => self.named(func),
            ExprKind::Attribute { value, attr } => self.method(*value, &attr.text),
            _ => None,
        };
        if let Some(functions) = found.or_else(|| self.instance(func)) {
            return Callee::Functions(functions);
        }
        if let Some(path) = self.semantics.qualified(func) {
            return Callee::Library(path);
        }
        match &self.tree.expr(func).kind {
            ExprKind::Attribute { value, attr } => Callee::Method {
                receiver: *value,
                name: attr.text.clone(),
            },
            _ if self.semantics.class_of(func).is_some() => Callee::Method {
                receiver: func,
                name: "__call__".to_owned(),
            },
            _ => Callee::Unknown,
        }
    }

    fn named(&self, name: ExprId) -> Option<Vec<FunctionId>> {
        let binding = self.semantics.variable(name)?;
        if self.semantics.tables.class_fallbacks.contains_key(&name) {
            return None;
        }
        if let Some(class) = class_named(self.semantics, name) {
            return self.constructor(class);
        }
        self.functions(binding, DEPTH)
    }

    /// The functions that a variable can only hold.
    fn functions(&self, binding: BindingId, depth: u32) -> Option<Vec<FunctionId>> {
        let depth = depth.checked_sub(1)?;
        let found = self.semantics.binding(binding);
        if self.semantics.is_shaky_global(binding) {
            return None;
        }
        let mut functions = Vec::new();
        for definition in &found.definitions {
            match &definition.kind {
                DefinitionKind::Function(function) => {
                    functions.push(self.undecorated(*function)?);
                }
                DefinitionKind::Assign(value) => match &self.tree.expr(*value).kind {
                    ExprKind::Lambda { .. } => {
                        functions.push(self.semantics.function_of_lambda(*value)?);
                    }
                    ExprKind::Name(_) => {
                        let other = self.semantics.binding_of_name(*value)?;
                        functions.extend(self.functions(other, depth)?);
                    }
                    ExprKind::None => {}
                    _ => return None,
                },
                DefinitionKind::Delete => {}
                DefinitionKind::Import(_) => {
                    functions.extend(self.imported(definition, depth)?);
                }
                DefinitionKind::Unpack(_)
                | DefinitionKind::Augment(_)
                | DefinitionKind::Parameter(_)
                | DefinitionKind::Iteration(_)
                | DefinitionKind::Class(_)
                | DefinitionKind::With(_)
                | DefinitionKind::Except
                | DefinitionKind::Capture
                | DefinitionKind::Type => return None,
            }
        }
        some_sorted(functions)
    }

    /// The functions that an import from another file of the program can only bind.
    fn imported(&self, definition: &Definition, depth: u32) -> Option<Vec<FunctionId>> {
        match self.semantics.import_targets(definition).as_slice() {
            [Link::Binding(binding)] => self.functions(*binding, depth),
            _ => None,
        }
    }

    /// The function, unless a decorator may have put something else in its place.
    fn undecorated(&self, function: FunctionId) -> Option<FunctionId> {
        let stmt = self.semantics.function(function).stmt?;
        let florc_syntax::tree::StmtKind::FunctionDef(def) = &self.tree.stmt(stmt).kind else {
            return None;
        };
        let transparent = |decorator: &ExprId| {
            let named = match &self.tree.expr(*decorator).kind {
                ExprKind::Call { func, .. } => *func,
                _ => *decorator,
            };
            let path = self.semantics.qualified(named);
            path.is_some_and(|path| TRANSPARENT.binary_search(&path.as_str()).is_ok())
        };
        def.decorators.iter().all(transparent).then_some(function)
    }

    /// The functions that constructing an instance runs.
    fn constructor(&self, class: StmtId) -> Option<Vec<FunctionId>> {
        let attributes = &self.semantics.attributes;
        if attributes.has_metaclass(class) || attributes.may_inherit_elsewhere(class) {
            return None;
        }
        let mut functions = Vec::new();
        let mut generated = false;
        for decorator in attributes.decorators(class) {
            if !is_dataclass(self.tree, self.semantics, *decorator) || self.has_factories(class) {
                return None;
            }
            generated = true;
        }
        let mut has_init = generated;
        for name in ["__new__", "__init__", "__post_init__"] {
            if let Some(found) = self.inherited(class, name)? {
                has_init |= name == "__init__";
                functions.extend(found);
            }
        }
        if !has_init && !self.is_quiet(class) {
            return None;
        }
        functions.sort();
        functions.dedup();
        Some(functions)
    }

    /// Whether a dataclass has fields whose defaults may be made by calls.
    fn has_factories(&self, class: StmtId) -> bool {
        let nested = &self.semantics.tables.stmt_children[class.0 as usize];
        let exprs = nested.iter().flat_map(|stmt| self.tree.stmt_exprs(*stmt));
        let mut all = exprs.flat_map(|expr| self.tree.all_exprs(expr));
        all.any(|expr| matches!(self.tree.expr(expr).kind, ExprKind::Call { .. }))
    }

    fn is_quiet(&self, class: StmtId) -> bool {
        let bases = self.semantics.attributes.library_bases(class);
        bases.is_some_and(|bases| {
            bases.iter().all(|path| {
                QUIET_BASES
                    .iter()
                    .any(|quiet| path == quiet || (quiet.ends_with('.') && path.starts_with(quiet)))
            })
        })
    }

    /// The method that a class has or inherits inside this module: the outer `None` when it is not
    /// surely a plain function, the inner one when there is none.
    #[expect(
        clippy::option_option,
        reason = "unknown and absent are different answers"
    )]
    fn inherited(&self, class: StmtId, name: &str) -> Option<Option<Vec<FunctionId>>> {
        let mut classes = vec![class];
        classes.extend(self.semantics.attributes.ancestors(class));
        for class in classes {
            if self.semantics.binds_in_class(class, name) {
                return self.plain_methods(class, name).map(Some);
            }
        }
        Some(None)
    }

    fn plain_methods(&self, class: StmtId, name: &str) -> Option<Vec<FunctionId>> {
        let own = self.semantics.own_methods(class, name)?;
        own.into_iter()
            .map(|function| self.undecorated(function))
            .collect()
    }

    fn method(&self, receiver: ExprId, name: &str) -> Option<Vec<FunctionId>> {
        if let ExprKind::Call { func, args, .. } = &self.tree.expr(receiver).kind
            && args.is_empty()
            && self.semantics.qualified(*func).as_deref() == Some("builtins.super")
        {
            return self.super_method(receiver, name);
        }
        if let Some(class) = class_named(self.semantics, receiver) {
            // `Base.method(self)`: no subclass has a say.
            return self.of_class(class, name);
        }
        match self.semantics.class_of(receiver)? {
            ClassRef::Module(class) => self.instance_method(class, name),
            ClassRef::Library(_) => None,
        }
    }

    fn of_class(&self, class: StmtId, name: &str) -> Option<Vec<FunctionId>> {
        let attributes = &self.semantics.attributes;
        if attributes.any_store
            || attributes.stores.contains_key(name)
            || attributes.has_metaclass(class)
        {
            return None;
        }
        if !self.semantics.binds_in_class(class, name) && attributes.may_inherit_elsewhere(class) {
            return None;
        }
        self.inherited(class, name)?
    }

    /// A method of an instance of the class or of a subclass.
    fn instance_method(&self, class: StmtId, name: &str) -> Option<Vec<FunctionId>> {
        let mut functions = self.of_class(class, name)?;
        for subclass in self.semantics.attributes.descendants(class) {
            if self.semantics.attributes.may_inherit_elsewhere(subclass) {
                return None;
            }
            if self.semantics.binds_in_class(subclass, name) {
                functions.extend(self.plain_methods(subclass, name)?);
            }
        }
        some_sorted(functions)
    }

    /// The method of any other class of the family: the order of bases is not followed.
    fn super_method(&self, receiver: ExprId, name: &str) -> Option<Vec<FunctionId>> {
        let mut function = self.semantics.function_of_expr(receiver);
        let class = loop {
            let found = self.semantics.function(function);
            match found.class {
                Some(class) => break class,
                None => function = found.parent?,
            }
        };
        let attributes = &self.semantics.attributes;
        let mut inherited = false;
        for ancestor in attributes.ancestors(class) {
            inherited |= self.semantics.binds_in_class(ancestor, name);
        }
        let relatives = attributes.relatives(class);
        let elsewhere = |class: &StmtId| attributes.may_inherit_elsewhere(*class);
        if !inherited || elsewhere(&class) || relatives.iter().any(elsewhere) {
            return None;
        }
        let mut functions = Vec::new();
        for relative in relatives {
            if self.semantics.binds_in_class(relative, name) {
                functions.extend(self.plain_methods(relative, name)?);
            }
        }
        some_sorted(functions)
    }

    /// Calling an instance: `__call__`, or `forward` of a torch module without hooks.
    fn instance(&self, func: ExprId) -> Option<Vec<FunctionId>> {
        let ClassRef::Module(class) = self.semantics.class_of(func)? else {
            return None;
        };
        if let Some(functions) = self.instance_method(class, "__call__") {
            return Some(functions);
        }
        if self.has_hooks || !is_torch_module(self.semantics, class) {
            return None;
        }
        self.instance_method(class, "forward")
    }
}

fn some_sorted(mut functions: Vec<FunctionId>) -> Option<Vec<FunctionId>> {
    functions.sort();
    functions.dedup();
    (!functions.is_empty()).then_some(functions)
}

/// Answers [`Semantics::constructed_class`].
pub(crate) fn constructed_class(semantics: &Semantics, call: ExprId) -> Option<StmtId> {
    semantics.tables.constructed.get(&call).copied()
}
