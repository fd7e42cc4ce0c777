//! The abstract interpreter: runs every function of a module over abstract objects until nothing
//! new is found.
//!
//! ```python
//! b = buf            # env[b] = env[buf] = {the list}
//! b.append(x)        # the list's elements gain what `x` may be
//! ```
//!
//! Whole-module, flow-insensitive, one context per function. Facts only grow. The rules of Python
//! are in [`crate::rules`]; this file holds the state and the fixpoint.

use std::collections::{BTreeMap, BTreeSet};

use florc_semantic::{
    BindingId, DefinitionKind, FunctionId, FunctionKind, Link, Resolution, ScopeKind, Semantics,
};
use florc_syntax::tree::{Block, ExprId, ExprKind, Parameters, StmtId, StmtKind, Tree};
use florc_syntax::{Module, Span};

use crate::classes::Classes;
use crate::due::Reads;
use crate::effect::LogCall;
use crate::event::{Event, Target};
use crate::hash::Table;
use crate::heap::{ANYTHING, Field, Heap, ObjId, ObjKind, SCALAR, Site};
use crate::knowledge::Knowledge;
use crate::name::Name;
use crate::object_set::ObjSet;
use crate::touched::touched;

/// Passes after which the analysis stops; each adds facts, so this only bounds wrong input.
const MAX_PASSES: usize = 200;

/// State of the abstract run.
pub(crate) struct Interp<'a> {
    pub(crate) module: &'a Module,
    pub(crate) tree: &'a Tree,
    pub(crate) semantics: &'a Semantics,
    pub(crate) knowledge: &'a Knowledge,
    pub(crate) classes: Classes,
    /// The scope of each class body, by index.
    pub(crate) class_scopes: BTreeMap<StmtId, usize>,
    pub(crate) heap: Heap,
    /// What each variable may hold, by [`BindingId`].
    pub(crate) env: Vec<ObjSet>,
    /// What each function may return, by [`FunctionId`].
    pub(crate) returns: Vec<ObjSet>,
    pub(crate) yields: Vec<ObjSet>,
    /// Dotted paths that imports and builtins stand for.
    pub(crate) roots: BTreeSet<Name>,
    pub(crate) raised: ObjSet,
    /// What unknown code may have in its hands.
    pub(crate) escaped: ObjSet,
    /// Functions that unknown code may call.
    pub(crate) external: BTreeSet<FunctionId>,
    /// Functions whose parameters may be anything.
    pub(crate) foreign: BTreeSet<FunctionId>,
    pub(crate) called: BTreeSet<FunctionId>,
    /// Variables of enclosing functions and of the module that a function's own code mentions.
    pub(crate) touched: Vec<BTreeSet<BindingId>>,
    /// Of these those of enclosing functions.
    pub(crate) captured: Vec<Vec<BindingId>>,
    /// Functions of files that are looked at apart from the script: only their log statements and the like
    /// are noted.
    pub(crate) apart: BTreeSet<FunctionId>,
    /// A first fixpoint is reached: what still has no value is unknown.
    pub(crate) settled: bool,
    pub(crate) recording: bool,
    /// Imported names, and what of the program each may stand for.
    pub(crate) links: Vec<(BindingId, Link)>,
    /// By function.
    pub(crate) events: Vec<Vec<Event>>,
    /// Where calls were noted, by function, place, targets and whether they escape.
    pub(crate) calls_noted: BTreeMap<(FunctionId, StmtId, Span, Vec<Target>, bool), usize>,
    pub(crate) logs: BTreeMap<ExprId, LogCall>,
    pub(crate) clocks: BTreeMap<ExprId, String>,
    /// What expressions evaluate to, from the last pass.
    pub(crate) values: Table<ExprId, ObjSet>,
    /// Objects of libraries by path; attributes of such paths, with whether they lead anywhere; names
    /// of builtins by where they stand.
    libraries: Table<Name, ObjSet>,
    pub(crate) library_members: Table<(Name, Name), Option<Name>>,
    builtins: Table<ExprId, Name>,
    /// What the present unit has read.
    pub(crate) reads: Reads,
    pub(crate) function: FunctionId,
    pub(crate) stmt: StmtId,
    /// What a `with` statement enters, while it is entered.
    pub(crate) context: Option<ExprId>,
    /// Callables inside of callables that are being followed.
    pub(crate) nesting: u32,
    /// For each result of opaque calls the objects that lead to it.
    pub(crate) led_back: Table<ObjId, ObjSet>,
    /// Items that were found since the outermost iteration began, and how many are being looked for.
    pub(crate) iterated: Table<(ExprId, ObjId), ObjSet>,
    pub(crate) iterating: usize,
    /// What the callables of the present statement gave.
    pub(crate) followed: Table<(ExprId, ObjId, ObjSet), ObjSet>,
}

impl<'a> Interp<'a> {
    pub(crate) fn new(
        module: &'a Module,
        semantics: &'a Semantics,
        knowledge: &'a Knowledge,
        heap: Heap,
    ) -> Self {
        let functions = semantics.functions.len();
        let touched = touched(module, semantics);
        let mut interp = Self {
            module,
            tree: &module.tree,
            semantics,
            knowledge,
            classes: Classes::collect(module, semantics, knowledge),
            class_scopes: class_scopes(semantics),
            heap,
            env: vec![ObjSet::default(); semantics.bindings.len()],
            returns: vec![ObjSet::default(); functions],
            yields: vec![ObjSet::default(); functions],
            roots: BTreeSet::new(),
            raised: ObjSet::default(),
            escaped: ObjSet::default(),
            external: BTreeSet::new(),
            foreign: BTreeSet::new(),
            called: BTreeSet::new(),
            captured: touched.iter().map(|of| captured(semantics, of)).collect(),
            touched,
            apart: functions_apart(semantics),
            settled: false,
            recording: false,
            links: Vec::new(),
            events: vec![Vec::new(); functions],
            calls_noted: BTreeMap::new(),
            logs: BTreeMap::new(),
            clocks: BTreeMap::new(),
            values: Table::default(),
            libraries: Table::default(),
            library_members: Table::default(),
            builtins: Table::default(),
            reads: Reads::default(),
            function: FunctionId(0),
            stmt: StmtId(0),
            context: None,
            nesting: 0,
            led_back: Table::default(),
            iterated: Table::default(),
            iterating: 0,
            followed: Table::default(),
        };
        interp.seed_imports();
        interp
    }

    /// Runs to the fixpoint, then once more with notes taken. Whether that was within bounds: notes that were cut
    /// off would be effects that are missed.
    pub(crate) fn run(&mut self) -> bool {
        let mut passes = 0;
        let mut reached = self.fixpoint(&mut passes);
        self.settled = true;
        self.heap.due.settle();
        reached &= self.fixpoint(&mut passes);
        while self.add_foreign() {
            reached &= self.fixpoint(&mut passes);
        }
        if !reached {
            return false;
        }
        self.take_notes();
        !self.heap.exhausted()
    }

    /// Runs everything once more with notes taken.
    pub(crate) fn take_notes(&mut self) {
        self.recording = true;
        self.heap.doubt_closures();
        self.pass();
    }

    /// Takes those notes of files apart that are no effects. Questions about what was reached may then cost
    /// whatever they cost.
    pub(crate) fn finish(&mut self, reached: bool) {
        self.heap.exhaust();
        self.run_functions(|interp, id| interp.apart.contains(&id));
        if reached {
            self.heap.finish();
        }
    }

    fn fixpoint(&mut self, passes: &mut usize) -> bool {
        loop {
            self.heap.changed = false;
            self.heap.doubt_closures();
            self.pass();
            self.heap.doubt_closures();
            self.spread_escaped();
            *passes += 1;
            if !self.heap.changed {
                return true;
            }
            if *passes > MAX_PASSES || self.heap.exhausted() {
                return false;
            }
        }
    }

    /// Runs everything once more, from nothing that was kept. Whether that found something.
    #[cfg(test)]
    pub(crate) fn finds_more(&mut self) -> bool {
        self.heap.forget_closures();
        self.heap.changed = false;
        self.pass();
        self.heap.changed
    }

    fn pass(&mut self) {
        self.spread_links();
        self.run_functions(|interp, id| !interp.apart.contains(&id));
    }

    fn run_functions(&mut self, wanted: impl Fn(&Self, FunctionId) -> bool) {
        for index in 0..self.semantics.functions.len() {
            let function = &self.semantics.functions[index];
            if !wanted(self, function.id) {
                continue;
            }
            self.function = function.id;
            match function.kind {
                FunctionKind::Module => {
                    let modules = &self.semantics.modules;
                    let file = modules.iter().position(|of| *of == function.id);
                    if let Some(body) = file.and_then(|file| self.tree.bodies().nth(file)) {
                        self.block(body);
                    }
                }
                FunctionKind::Def => {
                    let Some(stmt) = function.stmt else { continue };
                    self.stmt = stmt;
                    if let StmtKind::FunctionDef(def) = &self.tree.stmt(stmt).kind {
                        self.block(&def.body);
                    }
                }
                FunctionKind::Lambda => {
                    let Some(expr) = function.expr else { continue };
                    self.stmt = self.tree.stmt_of(expr);
                    if let ExprKind::Lambda { body, .. } = &self.tree.expr(expr).kind {
                        let unit = self.tree.stmt_count() + index;
                        self.if_due(unit, |interp| {
                            interp.followed.clear();
                            let value = interp.eval(*body);
                            interp.add_return(&value);
                        });
                    }
                }
            }
        }
    }

    pub(crate) fn block(&mut self, block: &Block) {
        for stmt in block {
            if self.heap.exhausted() && !self.recording {
                return;
            }
            self.statement(*stmt);
        }
    }

    pub(crate) fn add_return(&mut self, values: &ObjSet) {
        let index = self.function.index();
        if self.returns[index].extend(&self.heap.named(values)) {
            self.note_result();
        }
    }

    /// The results of the present function have changed.
    pub(crate) fn note_result(&mut self) {
        self.heap.changed = true;
        self.heap.due.note_result(self.function.0);
    }

    pub(crate) fn bind_values(&mut self, binding: BindingId, values: &ObjSet) {
        if self.env[binding.index()].extend(&self.heap.named(values)) {
            self.heap.changed = true;
            self.heap.due.note_variable(binding.0);
        }
    }

    /// What a variable may hold.
    pub(crate) fn held(&mut self, binding: BindingId) -> &ObjSet {
        self.reads.variables.insert(ObjId(binding.0));
        &self.env[binding.index()]
    }

    /// What a function may return.
    pub(crate) fn returned(&mut self, function: FunctionId) -> &ObjSet {
        self.reads.results.insert(ObjId(function.0));
        &self.returns[function.index()]
    }

    /// What a generator may yield.
    pub(crate) fn yielded_by(&mut self, function: FunctionId) -> &ObjSet {
        self.reads.results.insert(ObjId(function.0));
        &self.yields[function.index()]
    }

    /// Notes that unknown code may keep all that is reachable from `roots`.
    pub(crate) fn escape(&mut self, closure: &ObjSet) {
        if self.escaped.extend(closure) {
            self.heap.changed = true;
        }
    }

    pub(crate) fn mark_called(&mut self, function: FunctionId) {
        self.called.insert(function);
    }

    /// Imported names stand for library objects.
    fn seed_imports(&mut self) {
        for index in 0..self.semantics.bindings.len() {
            let binding = &self.semantics.bindings[index];
            for definition in &binding.definitions {
                if let DefinitionKind::Import(path) = &definition.kind {
                    let found = self.semantics.import_targets(definition);
                    if !found.is_empty() {
                        let id = BindingId(index as u32);
                        self.links.extend(found.into_iter().map(|link| (id, link)));
                        continue;
                    }
                    let path = Name::from(path);
                    self.roots.insert(path);
                    let values = self.library(path);
                    self.env[index].extend(&values);
                }
            }
        }
    }

    pub(crate) fn parameters_of(&self, id: FunctionId) -> Option<&'a Parameters> {
        let function = &self.semantics.functions[id.index()];
        if let Some(stmt) = function.stmt {
            return match &self.tree.stmt(stmt).kind {
                StmtKind::FunctionDef(def) => Some(&def.params),
                _other => None,
            };
        }
        match &self.tree.expr(function.expr?).kind {
            ExprKind::Lambda { params, .. } => Some(params),
            _other => None,
        }
    }

    /// A module, class, function or value of a library.
    pub(crate) fn library(&mut self, path: Name) -> ObjSet {
        if let Some(known) = self.libraries.get(&path) {
            return known.clone();
        }
        if path.text() == "sys.modules" && self.semantics.file_named(&path).is_none() {
            return self.all_modules();
        }
        let object = self.library_object(path);
        self.libraries.insert(path, ObjSet::one(object));
        ObjSet::one(object)
    }

    fn library_object(&mut self, path: Name) -> ObjId {
        if let Some(file) = self.semantics.file_named(&path) {
            return self.module_object(file);
        }
        if self.knowledge.is_value(&path) {
            return SCALAR;
        }
        if let Some(of) = self.knowledge.object(path) {
            let kind = ObjKind::Typed(of);
            return self.heap.make(Site::Library(path), kind, FunctionId(0));
        }
        let kind = ObjKind::Library(path);
        let object = self.heap.make(Site::Library(path), kind, FunctionId(0));
        let known = self.knowledge.is_known_package(&path);
        self.heap.kinds.add_library(object, known);
        object
    }

    /// An object made by this expression.
    pub(crate) fn made(&mut self, site: ExprId, tag: &'static str, kind: ObjKind) -> ObjId {
        self.heap.make(Site::Expr(site, tag), kind, self.function)
    }

    /// Something unknown that this expression gives.
    pub(crate) fn unknown(&mut self, site: ExprId, tag: &'static str) -> ObjId {
        if self.heap.dense {
            return ANYTHING;
        }
        self.made(site, tag, ObjKind::Unknown)
    }

    pub(crate) fn typed(&mut self, site: ExprId, tag: &'static str, of: &str) -> ObjId {
        self.made(site, tag, ObjKind::Typed(of.into()))
    }

    pub(crate) fn span(&self, expr: ExprId) -> Span {
        self.tree.expr(expr).span
    }

    /// Source of an expression on one line, shortened.
    pub(crate) fn text(&self, expr: ExprId) -> String {
        if !self.recording {
            return String::new();
        }
        let text = self.module.source.slice(self.span(expr));
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() <= 60 {
            return line;
        }
        line.chars().take(57).chain("...".chars()).collect()
    }

    /// What a name holds where it stands.
    pub(crate) fn value_of_name(&mut self, expr: ExprId, name: &str) -> ObjSet {
        if let Some(path) = self.builtins.get(&expr) {
            return self.library(*path);
        }
        match self.semantics.resolve(expr) {
            Resolution::Binding(binding) => {
                let values = self.held(binding).clone();
                if !values.is_empty() || !self.settled {
                    self.reads.unsettled |= values.is_empty();
                    return values;
                }
                let unknown = self.heap.make(
                    foreign_site(Some(&binding)),
                    ObjKind::Unknown,
                    FunctionId(0),
                );
                self.bind_values(binding, &ObjSet::one(unknown));
                ObjSet::one(unknown)
            }
            Resolution::Builtin(name) => self.library_at(expr, &format!("builtins.{name}")),
            Resolution::Unknown(_) => self.library_at(expr, &format!("?.{name}")),
        }
    }

    fn library_at(&mut self, expr: ExprId, path: &str) -> ObjSet {
        let path = Name::from(path);
        self.builtins.insert(expr, path);
        self.library(path)
    }

    /// The class in whose body a function is defined, for `super()`.
    pub(crate) fn class_of_function(&self) -> Option<StmtId> {
        let mut function = Some(self.function);
        while let Some(id) = function {
            let found = &self.semantics.functions[id.index()];
            if found.class.is_some() {
                return found.class;
            }
            function = found.parent;
        }
        None
    }

    /// Whether a variable lives in the module.
    pub(crate) fn is_global(&self, binding: BindingId) -> bool {
        self.semantics.is_global(binding)
    }

    pub(crate) fn put_one(&mut self, owner: ObjId, field: Field, value: ObjId) {
        self.heap.put(owner, field, &ObjSet::one(value));
    }
}

/// Functions outside of the script, where its files are not linked.
fn functions_apart(semantics: &Semantics) -> BTreeSet<FunctionId> {
    let functions = semantics.functions.iter().map(|function| function.id);
    let outside = |id: &FunctionId| semantics.module_of(*id) != FunctionId(0);
    let linked = semantics.is_linked();
    functions.filter(|id| !linked && outside(id)).collect()
}

/// Variables that live in functions.
fn captured(semantics: &Semantics, touched: &BTreeSet<BindingId>) -> Vec<BindingId> {
    let outer = touched.iter().filter(|binding| {
        let scope = semantics.binding(**binding).scope;
        !matches!(semantics.scope(scope).kind, ScopeKind::Module)
    });
    outer.copied().collect()
}

pub(crate) fn foreign_site(binding: Option<&BindingId>) -> Site {
    Site::Foreign(binding.copied().unwrap_or(BindingId(u32::MAX)))
}

fn class_scopes(semantics: &Semantics) -> BTreeMap<StmtId, usize> {
    let scopes = semantics.scopes.iter().enumerate();
    scopes
        .filter_map(|(index, scope)| match scope.kind {
            ScopeKind::Class(class) => Some((class, index)),
            ScopeKind::Module
            | ScopeKind::Function(_)
            | ScopeKind::Lambda(_)
            | ScopeKind::Comprehension(_)
            | ScopeKind::TypeParameters(_) => None,
        })
        .collect()
}
