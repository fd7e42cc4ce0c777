//! Modules of the program as objects: their attributes are the variables of their files.
//!
//! ```python
//! import config, model           # two module objects
//! config.lr = 0.1                # binds the variable `lr` of config.py
//! net = getattr(model, name)()   # may construct any class of model.py
//! ```
//!
//! Imports are inclusions: what a name of the other file may hold, the imported name may hold. What
//! is not linked is a library object, as ever.

use florc_semantic::{BindingId, FunctionId, Link};
use florc_syntax::Span;
use florc_syntax::tree::{ExprId, StmtId};

use crate::event::{Action, Target};
use crate::heap::{Field, ObjId, ObjKind, SCALAR, Site};
use crate::interp::Interp;
use crate::name::Name;
use crate::object_set::ObjSet;

impl Interp<'_> {
    /// The object of a file's module.
    pub(crate) fn module_object(&mut self, file: usize) -> ObjId {
        let kind = ObjKind::Module(file);
        self.heap.make(Site::Module(file), kind, FunctionId(0))
    }

    /// `sys.modules`: every file, and whatever else.
    pub(crate) fn all_modules(&mut self) -> ObjSet {
        let kind = ObjKind::Typed("builtins.dict".into());
        let (path, entry) = (Name::from("sys.modules"), FunctionId(0));
        let dict = self.heap.make(Site::Library(path), kind, entry);
        let other = self.heap.make(Site::Library(path), ObjKind::Unknown, entry);
        let mut values = ObjSet::one(other);
        for file in 0..self.semantics.modules.len() {
            values.insert(self.module_object(file));
        }
        self.heap.put(dict, Field::Elements, &values);
        ObjSet::one(dict)
    }

    /// `importlib.import_module(name)`: the file of that name; any, where the name is not known.
    pub(crate) fn imported_modules(&mut self, name: Option<&str>) -> ObjSet {
        let mut values = ObjSet::default();
        let known = name.map(|name| self.semantics.file_named(name));
        for file in 0..self.semantics.modules.len() {
            if known.is_none_or(|known| known == Some(file)) {
                values.insert(self.module_object(file));
            }
        }
        values
    }

    /// What imports of other files bind, and what is stored in modules by their objects.
    pub(crate) fn spread_links(&mut self) {
        for (binding, link) in self.links.clone() {
            let values = match link {
                Link::Binding(of) => self.env[of.index()].clone(),
                Link::Module(file) => ObjSet::one(self.module_object(file)),
            };
            self.bind_values(binding, &values);
        }
        for index in 0..self.heap.len() {
            let object = ObjId(index as u32);
            if let ObjKind::Module(file) = self.heap.kind(object) {
                self.spread_module(object, file);
            }
        }
    }

    /// The variables of a file are the fields of its module; a store of any name may be one of any.
    fn spread_module(&mut self, object: ObjId, file: usize) {
        let any = self.heap.elements(object);
        for (name, binding) in self.members(file) {
            self.bind_values(binding, &any);
            let values = self.env[binding.index()].clone();
            self.heap.put(object, Field::Attr(name.into()), &values);
        }
        for (name, inner) in self.semantics.submodules(file) {
            let values = ObjSet::one(self.module_object(inner));
            self.heap.put(object, Field::Attr(name.into()), &values);
        }
    }

    /// The variables of a file by name.
    fn members(&self, file: usize) -> Vec<(String, BindingId)> {
        let module = self.semantics.modules[file];
        let scope = self.semantics.function(module).scope;
        let bindings = self.semantics.scope(scope).bindings.iter();
        bindings.map(|(name, id)| (name.clone(), *id)).collect()
    }

    /// `module.attr`.
    pub(crate) fn module_attribute(&mut self, object: ObjId, file: usize, attr: &str) -> ObjSet {
        if attr == "__dict__" {
            return ObjSet::one(object);
        }
        let mut values = self.heap.read(object, &Field::Attr(attr.into()));
        let (binding, module) = self.semantics.member(file, attr);
        if let Some(binding) = binding {
            values.extend(self.held(binding));
        }
        if let Some(module) = module {
            values.insert(self.module_object(module));
        }
        if attr.starts_with("__") {
            values.insert(SCALAR);
        }
        self.reads.unsettled |= values.is_empty();
        if values.is_empty() && self.settled {
            values.insert(self.heap.inner(object, attr, ObjKind::Unknown));
        }
        values
    }

    /// `getattr(module, name)` with a name that is not known.
    pub(crate) fn any_member(&mut self, objects: &ObjSet) -> ObjSet {
        let mut values = ObjSet::default();
        for object in objects.iter() {
            let ObjKind::Module(file) = self.heap.kind(object) else {
                continue;
            };
            for (_, binding) in self.members(file) {
                values.extend(self.held(binding));
            }
            values.extend(&self.heap.elements(object));
        }
        values
    }

    /// `module.attr = values`; whether the attribute is a variable of the file.
    pub(crate) fn store_member(
        &mut self,
        (file, attr): (usize, &str),
        span: Span,
        text: &str,
        values: &ObjSet,
    ) -> bool {
        let (Some(binding), _) = self.semantics.member(file, attr) else {
            return false;
        };
        self.bind_values(binding, values);
        self.note(span, Action::Bind(binding), || {
            format!("`{text}` is assigned")
        });
        true
    }

    /// `del module.attr` unbinds the variable.
    pub(crate) fn note_deleted_members(&mut self, objects: &ObjSet, attr: &str, span: Span) {
        for object in objects.iter() {
            let ObjKind::Module(file) = self.heap.kind(object) else {
                continue;
            };
            if let (Some(binding), _) = self.semantics.member(file, attr) {
                self.note(span, Action::Bind(binding), || {
                    format!("`{attr}` is deleted")
                });
            }
        }
    }

    /// The bodies of the files that an import runs: before, or now.
    pub(crate) fn run_import(&mut self, stmt: StmtId) {
        let imports = self.semantics.imports();
        let found = imports.binary_search_by_key(&stmt, |(stmt, _)| *stmt);
        let Some((_, bodies)) = found.ok().map(|at| &imports[at]) else {
            return;
        };
        let span = self.tree.stmt(stmt).span;
        let targets = bodies.iter().copied().map(Target::Body).collect();
        let text = self.module.source.slice(span).to_owned();
        let action = Action::Call {
            targets,
            reachable: ObjSet::default(),
            escaping: false,
        };
        self.note(span, action, || format!("`{text}` runs its module"));
    }
}

/// Whether an expression is surely a module, and only looked into.
pub(crate) fn is_module_base(
    semantics: &florc_semantic::Semantics,
    tree: &florc_syntax::tree::Tree,
    expr: ExprId,
) -> bool {
    let base = tree.expr_parent(expr).is_some_and(|parent| {
        let kind = &tree.expr(parent).kind;
        matches!(kind, florc_syntax::tree::ExprKind::Attribute { .. })
    });
    base && matches!(semantics.link(expr), Some(Link::Module(_)))
}
