//! Whether the texts in a knowledge file mean something: names, places, results, types.
//!
//! ```toml
//! functions = [{names = "mylib.update", mutates = ["O"]}]     # "`O` is no place"
//! ```
//!
//! Keys and their shapes are checked by [`super::format`]; whether a claim is true, by nobody here.

use super::Knowledge;
use super::format::{Rule, Type};

/// Words that `returns` may hold besides places.
const RESULTS: &str = "scalar unknown elements inside copy copied modules contained contained_in deep called_back class operator keys keys:source items:source through enumerated zipped mapped filtered yielded flattened grouped called";

/// Words before a `:` in `returns`, and what stands behind it.
const PREFIXES: &[(&str, Behind)] = &[
    ("new", Behind::Type),
    ("parts", Behind::Type),
    ("inner", Behind::Type),
    ("named", Behind::Result),
    ("iterated", Behind::Place),
    ("filled", Behind::Place),
    ("inside", Behind::Place),
    ("tensors", Behind::Place),
    ("argument", Behind::Anything),
];

#[derive(Clone, Copy)]
enum Behind {
    Type,
    Result,
    Place,
    Anything,
}

/// A key of a rule, and what is wrong with its text.
pub(super) type Wrong = (&'static str, String);

/// What is wrong with a rule, given all types.
pub(super) fn rule(rule: &Rule, knowledge: &Knowledge, is_method: bool) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    for name in rule.names.split_whitespace() {
        let star = is_method && name == "*";
        if !star && !is_name(name, is_method) {
            wrong.push(("names", bad_name(name, is_method)));
        }
    }
    let mut places = |key, texts: &[String], ok: &dyn Fn(&str) -> bool| {
        for text in texts.iter().filter(|text| !ok(text)) {
            wrong.push((key, format!("`{text}` is no place")));
        }
    };
    places("mutates", &rule.mutates, &is_changed_place);
    places("stores", &rule.stores, &is_place);
    places("stores_elements", &rule.stores_elements, &is_place);
    places("into", rule.into.as_slice(), &is_place);
    places("keeps", &rule.keeps, &is_place);
    places("shares", &rule.shares, &is_place);
    places("graph", &rule.graph, &is_place);
    places("elements", &rule.elements, &|text| {
        text == "values" || is_place(text)
    });
    let varied = rule.variant.iter().flat_map(|variant| &variant.returns);
    for text in rule.returns.iter().chain(varied) {
        if let Some(problem) = result(text, knowledge) {
            wrong.push(("returns", problem));
        }
    }
    wrong
}

/// What is wrong with the words of a type.
pub(super) fn of_type(of: &Type, knowledge: &Knowledge) -> Vec<Wrong> {
    let bases = of.bases.iter().filter(|base| !knowledge.has_type(base));
    let mut wrong: Vec<Wrong> = bases
        .map(|base| ("bases", format!("no type is called `{base}`")))
        .collect();
    for maker in of.made_by.split_whitespace() {
        if !is_name(maker, false) {
            wrong.push(("made_by", bad_name(maker, false)));
        }
    }
    wrong
}

fn bad_name(name: &str, is_method: bool) -> String {
    if is_method {
        format!("`{name}` is no name of a method or attribute")
    } else {
        format!("`{name}` is no full name such as `package.module.function`")
    }
}

/// An identifier for a method, a dotted name with its package for a function.
pub(super) fn is_name(name: &str, is_method: bool) -> bool {
    let word = |word: &str| {
        let mut chars = word.chars();
        chars
            .next()
            .is_some_and(|first| first == '_' || first.is_alphabetic())
            && chars.all(|rest| rest == '_' || rest.is_alphanumeric())
    };
    name.split('.').all(word) && (name.contains('.') != is_method)
}

fn is_place(text: &str) -> bool {
    matches!(text, "self" | "args" | "keywords")
        || (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        || text
            .strip_prefix("kw:")
            .is_some_and(|name| is_name(name, true))
}

fn is_changed_place(text: &str) -> bool {
    let (place, condition) = text.split_once('?').unwrap_or((text, "a"));
    let condition = condition.strip_prefix('@').map_or_else(
        || is_name(condition, true),
        |index| index.parse::<usize>().is_ok(),
    );
    let place = place.strip_suffix(['*', '~', '!']).unwrap_or(place);
    let gradients = place.strip_prefix("graph_of:").unwrap_or(place);
    condition && (place == "graph" || is_place(gradients))
}

fn result(text: &str, knowledge: &Knowledge) -> Option<String> {
    if RESULTS.split(' ').any(|word| word == text) || is_place(text) {
        return None;
    }
    let unknown = || Some(format!("`{text}` is no result"));
    let Some((prefix, rest)) = text.split_once(':') else {
        return unknown();
    };
    let behind = PREFIXES.iter().find(|(word, _)| *word == prefix);
    match behind.map(|(_, behind)| *behind) {
        Some(Behind::Type) => {
            let (of, place) = rest.split_once(':').unwrap_or((rest, "self"));
            if !knowledge.has_type(of) {
                return Some(format!("no type is called `{of}`"));
            }
            (!is_place(place)).then(|| format!("`{place}` is no place"))
        }
        Some(Behind::Result) => result(rest, knowledge),
        Some(Behind::Place) => (!is_place(rest)).then(|| format!("`{rest}` is no place")),
        Some(Behind::Anything) => None,
        None => unknown(),
    }
}
