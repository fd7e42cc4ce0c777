//! The format of knowledge files.
//!
//! ```json
//! {"names": "append add appendleft", "mutates": ["self"], "stores": ["args"]}
//! ```
//!
//! Shapes only; `docs/src/effects.md` tells what the keys mean. What a text in them may say is
//! checked in [`super::check`].

use std::collections::BTreeMap;

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
    /// As `functions`, called with numbers only (`LambdaLR`: the epoch).
    Numbers,
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
    /// The place that `stores` and `stores_elements` mean instead of the receiver.
    pub into: Option<String>,
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
    /// Reads the address of an object.
    pub address: bool,
    /// Reads or writes files or streams.
    pub files: bool,
    /// Changes flags of the process or a device.
    pub device: bool,
    /// As the context of a `with`, what it changes is as before when the statement ends.
    pub scoped: bool,
    /// Which user code may run.
    pub callbacks: Callbacks,
    /// Calls `__str__`, `__len__`, `__iter__`, … of the arguments.
    pub dunders: Vec<String>,
    /// Methods of these names that are called on the objects inside of the receiver, where the program has its own.
    pub overridden: Vec<String>,
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

/// A knowledge file, or the table `[tool.florc.effects]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    #[serde(rename = "library")]
    _library: String,
    #[serde(rename = "about")]
    _about: String,
    pub(crate) packages: String,
    pub(crate) values: String,
    /// Values of a library that have a state, with their types.
    pub(crate) objects: BTreeMap<String, String>,
    pub(crate) functions: Vec<Rule>,
    pub(crate) types: BTreeMap<String, Type>,
}
