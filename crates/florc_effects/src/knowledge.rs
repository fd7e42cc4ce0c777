//! The knowledge base: what functions and types of libraries do, as readable JSON data.
//!
//! ```json
//! {"names": "append add appendleft", "mutates": ["self"], "stores": ["args"]}
//! ```
//!
//! One file per library under `knowledge/`; `docs/src/effects.md` tells the format. Holds no rules
//! of the language, and says nothing of names that are in no file: those are opaque.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::effect::LogCall;

/// Whether a library may call user code that is reachable from the arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Callbacks {
    /// None, now: functions are only kept or wrapped.
    None,
    /// Only functions that are given as arguments.
    #[default]
    Arguments,
    /// Functions that are anywhere inside of the receiver and the arguments (hooks).
    Functions,
    /// Also every method of instances inside of them (`Dataset.__getitem__`).
    Methods,
    /// Hooks and `forward` of the modules inside of the receiver.
    Forward,
}

/// Another type of result where one of these keywords is given.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// `name`, or `name=None`.
    pub keywords: Vec<String>,
    /// What is returned then.
    pub returns: Vec<String>,
}

/// What one call does. Places are `self`, `args`, `0`, `1`, …, `kw:name`; a `*` behind one means
/// all that is reachable from it, a `~` the stateful parts that are reachable from it, and a
/// `?name` makes it hold only where the keyword `name` is given. `args!` are the arguments where
/// something in the receiver may write its input.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, written as JSON flags"
)]
pub struct Rule {
    /// The names that this rule is for, separated by blanks.
    pub names: String,
    /// Places that are changed; `graph` is all that the receiver was computed from.
    pub mutates: Vec<String>,
    /// Places whose values become elements of the receiver.
    pub stores: Vec<String>,
    /// Places whose elements become elements of the receiver.
    pub stores_elements: Vec<String>,
    /// `scalar`, a place, `elements` (of the receiver), `inside` (any part of the receiver),
    /// `parts:TYPE` (all of this type in reach), `inner:TYPE`, `new:TYPE`, `iterated:PLACE`,
    /// `unknown`. Empty: a scalar.
    pub returns: Vec<String>,
    /// Places that a new result holds.
    pub keeps: Vec<String>,
    /// Places whose elements are elements of a new result.
    pub elements: Vec<String>,
    /// Places that share memory with a new result.
    pub shares: Vec<String>,
    /// Places that a new tensor was computed from.
    pub graph: Vec<String>,
    /// Another result for some keywords.
    pub variant: Option<Variant>,
    /// Random generators that are drawn from or seeded.
    pub rng: Vec<String>,
    /// Reads the clock or another value of the outer world; such calls are memoized.
    pub clock: bool,
    /// Reads or writes files or streams.
    pub files: bool,
    /// Changes flags of the process or a device.
    pub device: bool,
    /// Which user code may run.
    pub callbacks: Callbacks,
    /// Calls `__str__`, `__len__`, `__iter__`, … of the arguments.
    pub dunders: Vec<String>,
    /// The result is a tensor without gradient unless `requires_grad` is given.
    pub leaf: bool,
    /// From now on `.backward()` writes the gradient of the receiver.
    pub wants_grad: bool,
    /// A log statement.
    pub log: Option<LogCall>,
    /// Makes training progress.
    pub trains: bool,
    /// Known, and known to do anything.
    pub opaque: Option<String>,
    /// Iterating the result again gives the same items, given the same state of the program.
    pub recreatable: bool,
}

/// What instances of one type do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Type {
    /// Types whose rules hold too.
    pub bases: Vec<String>,
    /// Full names of functions and classes that make one and keep their arguments.
    pub made_by: String,
    /// Has a state that iteration and draws change.
    pub stateful: bool,
    /// A `.backward()` may write gradients into it.
    pub holds_gradients: bool,
    /// Methods with a trailing `_` change the receiver and return it.
    pub inplace_suffix: bool,
    /// Methods by name.
    pub methods: Vec<Rule>,
    /// Attributes that are data.
    pub attributes: Vec<Rule>,
    /// Calling an instance.
    pub call: Option<Rule>,
    /// Iterating an instance: `returns` are the items.
    pub iterate: Option<Rule>,
    /// Arithmetic and comparison.
    pub operators: Option<Rule>,
    /// `x[i]`.
    pub subscript: Option<Rule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    #[serde(rename = "library")]
    _library: String,
    #[serde(rename = "about")]
    _about: String,
    packages: String,
    values: String,
    /// Values of a library that have a state, with their types.
    objects: BTreeMap<String, String>,
    functions: Vec<Rule>,
    types: BTreeMap<String, Type>,
}

/// The rules of a type, ready for look-up.
#[derive(Debug, Default)]
pub(crate) struct TypeRules {
    pub(crate) bases: Vec<String>,
    pub(crate) stateful: bool,
    pub(crate) holds_gradients: bool,
    inplace_suffix: bool,
    methods: BTreeMap<String, Rule>,
    attributes: BTreeMap<String, Rule>,
    call: Option<Rule>,
    iterate: Option<Rule>,
    operators: Option<Rule>,
    subscript: Option<Rule>,
}

/// All knowledge files, indexed.
#[derive(Debug, Default)]
pub struct Knowledge {
    functions: BTreeMap<String, Rule>,
    types: BTreeMap<String, TypeRules>,
    values: BTreeSet<String>,
    objects: BTreeMap<String, String>,
    packages: BTreeSet<String>,
    inplace: Rule,
}

/// The files that florc comes with.
const FILES: &[&str] = &[
    include_str!("../knowledge/builtins.json"),
    include_str!("../knowledge/stdlib.json"),
    include_str!("../knowledge/math.json"),
    include_str!("../knowledge/random.json"),
    include_str!("../knowledge/time.json"),
    include_str!("../knowledge/collections.json"),
    include_str!("../knowledge/argparse.json"),
    include_str!("../knowledge/logging.json"),
    include_str!("../knowledge/files.json"),
    include_str!("../knowledge/numpy.json"),
    include_str!("../knowledge/torch.json"),
    include_str!("../knowledge/torch_tensor.json"),
    include_str!("../knowledge/torch_nn.json"),
    include_str!("../knowledge/torch_optim.json"),
    include_str!("../knowledge/torch_data.json"),
    include_str!("../knowledge/sklearn.json"),
    include_str!("../knowledge/tqdm.json"),
    include_str!("../knowledge/trackers.json"),
];

impl Knowledge {
    /// The knowledge that florc comes with.
    pub fn builtin() -> Self {
        let mut knowledge = Self::default();
        for text in FILES {
            // The files are part of the program and `every_file_is_read` tests them; one that did
            // not parse would only make its library opaque.
            if let Ok(file) = serde_json::from_str::<File>(text) {
                knowledge.add(file);
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

    fn add(&mut self, file: File) {
        self.packages
            .extend(file.packages.split_whitespace().map(String::from));
        self.values
            .extend(file.values.split_whitespace().map(String::from));
        self.objects.extend(file.objects);
        index(&mut self.functions, file.functions);
        for (name, of) in file.types {
            for maker in of.made_by.split_whitespace() {
                let rule = Rule {
                    returns: vec![format!("new:{name}")],
                    keeps: vec!["args".into()],
                    ..Rule::default()
                };
                self.functions.entry(maker.to_string()).or_insert(rule);
            }
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
        self.functions.get(qualified)
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
        own.or_else(|| {
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
        own.or_else(|| {
            self.find(of, &|rules| rules.attributes.get("*"))
                .filter(|_| !name.starts_with("__"))
        })
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
        let mut work = vec![of.to_string()];
        // Bases form short chains; the bound keeps a wrong file from looping.
        for _ in 0..16 {
            let rules = self.types.get(&work.pop()?);
            let Some(rules) = rules else { continue };
            if let Some(found) = get(rules) {
                return Some(found);
            }
            work.extend(rules.bases.iter().rev().cloned());
        }
        None
    }
}

fn index(table: &mut BTreeMap<String, Rule>, rules: Vec<Rule>) {
    for rule in rules {
        for name in rule.names.split_whitespace() {
            table.insert(name.to_string(), rule.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FILES, File, Knowledge};

    #[test]
    fn every_file_is_read() {
        for text in FILES {
            let file = serde_json::from_str::<File>(text);
            assert!(
                file.is_ok(),
                "{:?}: {}",
                file.err(),
                &text[..text.len().min(80)]
            );
        }
    }

    #[test]
    fn every_type_that_a_rule_names_exists() {
        let knowledge = Knowledge::builtin();
        let methods = knowledge.types.values().flat_map(|of| of.methods.values());
        for rule in knowledge.functions.values().chain(methods) {
            for made in &rule.returns {
                let of = made.strip_prefix("new:").or(made.strip_prefix("parts:"));
                let of = of.map(|of| of.split(':').next().unwrap_or(of));
                assert!(
                    of.is_none_or(|of| knowledge.has_type(of)),
                    "{made} of {}",
                    rule.names
                );
            }
        }
    }
}
