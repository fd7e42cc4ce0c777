//! The knowledge base: what functions and types of libraries do, as readable JSON data.
//!
//! ```json
//! {"names": "append add appendleft", "mutates": ["self"], "stores": ["args"]}
//! ```
//!
//! One file per library under `knowledge/`; `docs/src/effects.md` tells the format, and
//! `[tool.florc.effects]` adds to it. Holds no rules of the language, and says nothing of names
//! that are in no file: those are opaque.

mod check;
mod extend;
mod files;
mod format;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use extend::Problem;
pub use format::{Callbacks, Rule, Type, Variant};

use format::File;

/// The rules of a type, ready for look-up.
#[derive(Clone, Debug, Default)]
pub(crate) struct TypeRules {
    pub(crate) bases: Vec<String>,
    pub(crate) stateful: bool,
    pub(crate) holds_gradients: bool,
    inplace_suffix: bool,
    methods: BTreeMap<String, Arc<Rule>>,
    attributes: BTreeMap<String, Arc<Rule>>,
    call: Option<Rule>,
    iterate: Option<Rule>,
    operators: Option<Rule>,
    subscript: Option<Rule>,
}

/// All knowledge files, indexed.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    functions: BTreeMap<String, Arc<Rule>>,
    types: BTreeMap<String, TypeRules>,
    values: BTreeSet<String>,
    objects: BTreeMap<String, String>,
    packages: BTreeSet<String>,
    inplace: Rule,
}

impl Knowledge {
    /// The knowledge that florc comes with.
    pub fn builtin() -> Self {
        let mut knowledge = Self::default();
        for text in files::FILES {
            // The files are part of the program and `every_file_is_read` tests them; one that did
            // not parse would only make its library opaque.
            if let Ok(file) = serde_json::from_str::<File>(text) {
                knowledge.add(file, false);
            }
        }
        knowledge.inplace = Rule {
            mutates: vec!["self".into()],
            returns: vec!["self".into()],
            graph: vec!["args".into()],
            ..Rule::default()
        };
        knowledge
    }

    /// Adds a file; `replaces` says that its makers replace functions that are known already.
    fn add(&mut self, file: File, replaces: bool) {
        let words =
            |text: &str| -> Vec<String> { text.split_whitespace().map(Into::into).collect() };
        self.packages.extend(words(&file.packages));
        self.values.extend(words(&file.values));
        self.objects.extend(file.objects);
        for (name, of) in &file.types {
            let rule = Arc::new(Rule {
                returns: vec![format!("new:{name}")],
                keeps: vec!["args".into()],
                ..Rule::default()
            });
            for maker in words(&of.made_by) {
                if replaces || !self.functions.contains_key(&maker) {
                    self.functions.insert(maker, Arc::clone(&rule));
                }
            }
        }
        index(&mut self.functions, file.functions);
        for (name, of) in file.types {
            let rules = self.types.entry(name).or_default();
            rules.bases.extend(of.bases);
            rules.stateful |= of.stateful;
            rules.holds_gradients |= of.holds_gradients;
            rules.inplace_suffix |= of.inplace_suffix;
            index(&mut rules.methods, of.methods);
            index(&mut rules.attributes, of.attributes);
            rules.call = of.call.or(rules.call.take());
            rules.iterate = of.iterate.or(rules.iterate.take());
            rules.operators = of.operators.or(rules.operators.take());
            rules.subscript = of.subscript.or(rules.subscript.take());
        }
    }

    /// The rule of a function or class by full name (`torch.optim.AdamW`).
    pub fn function(&self, qualified: &str) -> Option<&Rule> {
        self.functions.get(qualified).map(Arc::as_ref)
    }

    /// Whether a function, or a class that is called, has a rule.
    pub fn knows_function(&self, qualified: &str) -> bool {
        let method = || {
            let (owner, method) = qualified.rsplit_once('.')?;
            self.method(&self.type_of_class(owner)?, method)
        };
        self.functions.contains_key(qualified) || method().is_some()
    }

    /// Whether some type has a rule for methods of this name.
    pub fn knows_method(&self, name: &str) -> bool {
        let inplace = name.ends_with('_') && !name.ends_with("__");
        let mut types = self.types.values();
        inplace || types.any(|of| of.methods.contains_key(name))
    }

    /// Whether a dotted name is a value without state (`math.pi`, `torch.float32`).
    pub fn is_value(&self, qualified: &str) -> bool {
        self.values.contains(qualified)
    }

    /// Whether a dotted name is known, or a name below it is.
    pub(crate) fn leads_somewhere(&self, qualified: &str) -> bool {
        let below = |found: Option<&String>| {
            found.is_some_and(|name| {
                name.strip_prefix(qualified)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        let from = || qualified.to_string()..;
        below(self.functions.range(from()).next().map(|(name, _)| name))
            || below(self.types.range(from()).next().map(|(name, _)| name))
            || below(self.objects.range(from()).next().map(|(name, _)| name))
            || below(self.values.range(from()).next())
    }

    /// The type of a library's own object (`sys.argv`).
    pub(crate) fn object(&self, qualified: &str) -> Option<&str> {
        self.objects.get(qualified).map(String::as_str)
    }

    /// Whether the modules of this package have no state of the program in them.
    pub fn is_known_package(&self, qualified: &str) -> bool {
        self.packages
            .contains(qualified.split('.').next().unwrap_or(qualified))
    }

    pub(crate) fn has_type(&self, name: &str) -> bool {
        self.types.contains_key(name)
    }

    pub(crate) fn is_stateful(&self, name: &str) -> bool {
        self.find(name, &|of| of.stateful.then_some(())).is_some()
    }

    pub(crate) fn holds_gradients(&self, name: &str) -> bool {
        self.find(name, &|of| of.holds_gradients.then_some(()))
            .is_some()
    }

    pub(crate) fn method(&self, of: &str, name: &str) -> Option<&Rule> {
        let own = self.find(of, &|rules| rules.methods.get(name));
        let own = own.or_else(|| self.find(of, &|rules| rules.methods.get("*")));
        own.map(Arc::as_ref).or_else(|| {
            let inplace = name.ends_with('_') && !name.ends_with("__");
            (inplace
                && self
                    .find(of, &|rules| rules.inplace_suffix.then_some(()))
                    .is_some())
            .then_some(&self.inplace)
        })
    }

    pub(crate) fn attribute(&self, of: &str, name: &str) -> Option<&Rule> {
        let own = self.find(of, &|rules| rules.attributes.get(name));
        let own = own.or_else(|| {
            self.find(of, &|rules| rules.attributes.get("*"))
                .filter(|_| !name.starts_with("__"))
        });
        own.map(Arc::as_ref)
    }

    pub(crate) fn call(&self, of: &str) -> Option<&Rule> {
        self.find(of, &|rules| rules.call.as_ref())
    }

    pub(crate) fn iterate(&self, of: &str) -> Option<&Rule> {
        self.find(of, &|rules| rules.iterate.as_ref())
    }

    pub(crate) fn operators(&self, of: &str) -> Option<&Rule> {
        self.find(of, &|rules| rules.operators.as_ref())
    }

    pub(crate) fn subscript(&self, of: &str) -> Option<&Rule> {
        self.find(of, &|rules| rules.subscript.as_ref())
    }

    /// Whether `of` is `base` or inherits from it.
    pub(crate) fn is_a(&self, of: &str, base: &str) -> bool {
        let mut work = vec![of];
        for _ in 0..16 {
            let Some(name) = work.pop() else { return false };
            if name == base {
                return true;
            }
            if let Some(rules) = self.types.get(name) {
                work.extend(rules.bases.iter().map(String::as_str));
            }
        }
        false
    }

    /// The type that a class of a library makes instances of.
    pub(crate) fn type_of_class(&self, qualified: &str) -> Option<String> {
        if self.types.contains_key(qualified) {
            return Some(qualified.to_string());
        }
        let made = self.functions.get(qualified)?.returns.first()?;
        made.strip_prefix("new:").map(String::from)
    }

    fn find<'k, T>(&'k self, of: &str, get: &dyn Fn(&'k TypeRules) -> Option<T>) -> Option<T> {
        let mut work = vec![of];
        // Bases form short chains; the bound keeps a wrong file from looping.
        for _ in 0..16 {
            let rules = self.types.get(work.pop()?);
            let Some(rules) = rules else { continue };
            if let Some(found) = get(rules) {
                return Some(found);
            }
            work.extend(rules.bases.iter().rev().map(String::as_str));
        }
        None
    }
}

fn index(table: &mut BTreeMap<String, Arc<Rule>>, rules: Vec<Rule>) {
    for rule in rules {
        let rule = Arc::new(rule);
        for name in rule.names.split_whitespace() {
            table.insert(name.to_string(), Arc::clone(&rule));
        }
    }
}
