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

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

pub use extend::Problem;
pub use format::{Callbacks, Rule, Type, Variant};

use crate::hash::{Names, Table};
use crate::name::Name;
use format::File;

/// The rules of a type, ready for look-up.
#[derive(Clone, Debug, Default)]
pub(crate) struct TypeRules {
    pub(crate) bases: Vec<Name>,
    /// The type and all that it inherits from, nearest first.
    line: Vec<Name>,
    pub(crate) stateful: bool,
    pub(crate) holds_gradients: bool,
    inplace_suffix: bool,
    methods: Table<Name, Arc<Rule>>,
    attributes: Table<Name, Arc<Rule>>,
    call: Option<Rule>,
    iterate: Option<Rule>,
    operators: Option<Rule>,
    subscript: Option<Rule>,
}

/// All knowledge files, indexed.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    functions: Table<Name, Arc<Rule>>,
    types: Table<Name, TypeRules>,
    values: Names,
    objects: Table<Name, Name>,
    packages: BTreeSet<String>,
    /// All full names in order, made on first use.
    sorted: OnceLock<Vec<Name>>,
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
        knowledge.draw_lines();
        knowledge
    }

    /// Finds what each type inherits from.
    fn draw_lines(&mut self) {
        let names: Vec<Name> = self.types.keys().copied().collect();
        let lines: Vec<Vec<Name>> = names.iter().map(|name| self.line_of(*name)).collect();
        for (name, line) in names.iter().zip(lines) {
            if let Some(rules) = self.types.get_mut(name) {
                rules.line = line;
            }
        }
        self.sorted = OnceLock::new();
    }

    fn line_of(&self, of: Name) -> Vec<Name> {
        let (mut line, mut work) = (Vec::new(), vec![of]);
        // Bases form short chains; the bound keeps a wrong file from looping.
        for _ in 0..16 {
            let Some(name) = work.pop() else { break };
            line.push(name);
            if let Some(rules) = self.types.get(&name) {
                work.extend(rules.bases.iter().rev());
            }
        }
        line
    }

    /// Adds a file; `replaces` says that its makers replace functions that are known already.
    fn add(&mut self, file: File, replaces: bool) {
        let words =
            |text: &str| -> Vec<String> { text.split_whitespace().map(Into::into).collect() };
        self.packages.extend(words(&file.packages));
        let values = file.values.split_whitespace();
        self.values.extend(values.map(Name::from));
        let objects = file.objects.iter();
        self.objects
            .extend(objects.map(|(name, of)| (Name::from(name), Name::from(of))));
        for (name, of) in &file.types {
            let rule = Arc::new(Rule {
                returns: vec![format!("new:{name}")],
                keeps: vec!["args".into()],
                ..Rule::default()
            });
            for maker in of.made_by.split_whitespace().map(Name::from) {
                if replaces || !self.functions.contains_key(&maker) {
                    self.functions.insert(maker, Arc::clone(&rule));
                }
            }
        }
        index(&mut self.functions, file.functions);
        for (name, of) in file.types {
            let rules = self.types.entry(name.into()).or_default();
            rules.bases.extend(of.bases.iter().map(Name::from));
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
        let rule = self.functions.get(&Name::known(qualified)?);
        rule.map(Arc::as_ref)
    }

    /// Whether a function, or a class that is called, has a rule.
    pub fn knows_function(&self, qualified: &str) -> bool {
        let method = || {
            let (owner, method) = qualified.rsplit_once('.')?;
            self.method(self.type_of_class(owner)?, Name::known(method)?)
        };
        self.function(qualified).is_some() || method().is_some()
    }

    /// Whether some type has a rule for methods of this name.
    pub fn knows_method(&self, name: &str) -> bool {
        let inplace = name.ends_with('_') && !name.ends_with("__");
        let mut types = self.types.values();
        let known = Name::known(name);
        inplace || known.is_some_and(|name| types.any(|of| of.methods.contains_key(&name)))
    }

    /// Whether a dotted name is a value without state (`math.pi`, `torch.float32`).
    pub fn is_value(&self, qualified: &str) -> bool {
        Name::known(qualified).is_some_and(|name| self.values.contains(&name))
    }

    /// Whether a dotted name is known, or a name below it is.
    pub(crate) fn leads_somewhere(&self, qualified: &str) -> bool {
        let sorted = self.sorted.get_or_init(|| {
            let rules = self.functions.keys().chain(self.types.keys());
            let others = self.objects.keys().chain(&self.values);
            let mut all: Vec<Name> = rules.chain(others).copied().collect();
            all.sort_unstable();
            all
        });
        let at = sorted.partition_point(|name| &**name < qualified);
        let rest = sorted.get(at).and_then(|name| name.strip_prefix(qualified));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// The type of a library's own object (`sys.argv`).
    pub(crate) fn object(&self, qualified: Name) -> Option<Name> {
        self.objects.get(&qualified).copied()
    }

    /// Packages whose modules have no state of the program in them.
    pub fn packages(&self) -> impl Iterator<Item = &str> {
        self.packages.iter().map(String::as_str)
    }

    /// Whether the modules of this package have no state of the program in them.
    pub fn is_known_package(&self, qualified: &str) -> bool {
        self.packages
            .contains(qualified.split('.').next().unwrap_or(qualified))
    }

    pub(crate) fn has_type(&self, name: &str) -> bool {
        Name::known(name).is_some_and(|name| self.types.contains_key(&name))
    }

    pub(crate) fn is_stateful(&self, of: Name) -> bool {
        self.line(of).any(|rules| rules.stateful)
    }

    pub(crate) fn holds_gradients(&self, of: Name) -> bool {
        self.line(of).any(|rules| rules.holds_gradients)
    }

    pub(crate) fn method(&self, of: Name, name: Name) -> Option<&Rule> {
        let own = self.line(of).find_map(|rules| rules.methods.get(&name));
        let own = own.or_else(|| {
            let any = Name::known("*")?;
            self.line(of).find_map(|rules| rules.methods.get(&any))
        });
        own.map(Arc::as_ref).or_else(|| {
            let inplace = name.ends_with('_') && !name.ends_with("__");
            (inplace && self.line(of).any(|rules| rules.inplace_suffix)).then_some(&self.inplace)
        })
    }

    pub(crate) fn attribute(&self, of: Name, name: Name) -> Option<&Rule> {
        let own = self.line(of).find_map(|rules| rules.attributes.get(&name));
        let own = own.or_else(|| {
            let any = Name::known("*").filter(|_| !name.starts_with("__"))?;
            self.line(of).find_map(|rules| rules.attributes.get(&any))
        });
        own.map(Arc::as_ref)
    }

    pub(crate) fn call(&self, of: Name) -> Option<&Rule> {
        self.line(of).find_map(|rules| rules.call.as_ref())
    }

    pub(crate) fn iterate(&self, of: Name) -> Option<&Rule> {
        self.line(of).find_map(|rules| rules.iterate.as_ref())
    }

    pub(crate) fn operators(&self, of: Name) -> Option<&Rule> {
        self.line(of).find_map(|rules| rules.operators.as_ref())
    }

    pub(crate) fn subscript(&self, of: Name) -> Option<&Rule> {
        self.line(of).find_map(|rules| rules.subscript.as_ref())
    }

    /// Whether `of` is `base` or inherits from it.
    pub(crate) fn is_a(&self, of: Name, base: &str) -> bool {
        let rules = self.types.get(&of);
        &*of == base || rules.is_some_and(|rules| rules.line.iter().any(|name| **name == *base))
    }

    /// The type that a class of a library makes instances of.
    pub(crate) fn type_of_class(&self, qualified: &str) -> Option<Name> {
        let name = Name::known(qualified)?;
        if self.types.contains_key(&name) {
            return Some(name);
        }
        let made = self.functions.get(&name)?.returns.first()?;
        made.strip_prefix("new:").map(Name::from)
    }

    /// The rules of a type and of all that it inherits from, nearest first.
    fn line(&self, of: Name) -> impl Iterator<Item = &TypeRules> {
        let line = self.types.get(&of).map_or(&[][..], |rules| &rules.line);
        line.iter().filter_map(|name| self.types.get(name))
    }
}

fn index(table: &mut Table<Name, Arc<Rule>>, rules: Vec<Rule>) {
    for rule in rules {
        let rule = Arc::new(rule);
        for name in rule.names.split_whitespace() {
            table.insert(name.into(), Arc::clone(&rule));
        }
    }
}
