//! Knowledge that a project adds: the table `[tool.florc.effects]`, already read.
//!
//! ```toml
//! [[tool.florc.effects.functions]]
//! names = "mylib.refresh"
//! mutates = ["0*"]
//! ```
//!
//! The keys are those of knowledge files. A table with a mistake adds nothing; each mistake is told
//! with its path in the table, so that the reader of the file can name the line. Opens no file.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::format::{File, Rule, Type};
use super::{Knowledge, check};

/// A mistake in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Keys and indices that lead to it: `functions`, `0`, `mutates`.
    pub path: Vec<String>,
    /// What is wrong there.
    pub message: String,
}

impl Problem {
    fn at(path: &[&str], message: impl Into<String>) -> Self {
        Self {
            path: path.iter().map(ToString::to_string).collect(),
            message: message.into(),
        }
    }
}

/// Keys that hold the rules of a type.
const OF_TYPE: &[&str] = &["methods", "attributes"];
const SINGLE: &[&str] = &["call", "iterate", "operators", "subscript"];

impl Knowledge {
    /// This knowledge and that of the table. Its entries win over entries of the same name.
    ///
    /// # Errors
    ///
    /// Every mistake in the table.
    pub fn extended(&self, table: &Value) -> Result<Self, Vec<Problem>> {
        let problems = shapes(table);
        if !problems.is_empty() {
            return Err(problems);
        }
        let read = || serde_json::from_value::<File>(table.clone());
        let file = read().map_err(|error| vec![Problem::at(&[], words(&error))])?;
        let mut extended = self.clone();
        extended.add(file, true);
        extended.draw_lines();
        let again = read().map_err(|error| vec![Problem::at(&[], words(&error))])?;
        let problems = meanings(&again, &extended);
        if problems.is_empty() {
            Ok(extended)
        } else {
            Err(problems)
        }
    }
}

/// Unknown keys and values of a wrong kind, each where it stands.
fn shapes(table: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let rules = table.get("functions").and_then(Value::as_array);
    for (index, rule) in rules.into_iter().flatten().enumerate() {
        try_read::<Rule>(rule, &["functions", &index.to_string()], &mut problems);
    }
    let types = table.get("types").and_then(Value::as_object);
    for (name, of) in types.into_iter().flatten() {
        let before = problems.len();
        for key in OF_TYPE {
            let rules = of.get(key).and_then(Value::as_array);
            for (index, rule) in rules.into_iter().flatten().enumerate() {
                let index = index.to_string();
                try_read::<Rule>(rule, &["types", name, key, &index], &mut problems);
            }
        }
        for key in SINGLE {
            if let Some(rule) = of.get(key) {
                try_read::<Rule>(rule, &["types", name, key], &mut problems);
            }
        }
        if problems.len() == before {
            try_read::<Type>(of, &["types", name], &mut problems);
        }
    }
    if problems.is_empty() {
        try_read::<File>(table, &[], &mut problems);
    }
    problems
}

fn try_read<T: DeserializeOwned>(value: &Value, path: &[&str], problems: &mut Vec<Problem>) {
    if let Err(error) = serde_json::from_value::<T>(value.clone()) {
        let message = words(&error);
        let key = message
            .strip_prefix("unknown key `")
            .and_then(|rest| rest.split('`').next());
        let path: Vec<&str> = path.iter().copied().chain(key).collect();
        problems.push(Problem::at(&path, &message));
    }
}

/// The words of a reader's error, with "field" called what the user wrote: a key.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or(&text);
    match text.strip_prefix("unknown field ") {
        Some(rest) => format!("unknown key {rest}"),
        None => text.to_owned(),
    }
}

/// Names, places and results that mean nothing.
fn meanings(file: &File, knowledge: &Knowledge) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, rule) in file.functions.iter().enumerate() {
        let at = index.to_string();
        judge(rule, knowledge, false, &["functions", &at], &mut problems);
    }
    for (object, of) in &file.objects {
        if !check::is_name(object, false) || !knowledge.has_type(of) {
            let message = format!("no type is called `{of}`");
            problems.push(Problem::at(&["objects", object], message));
        }
    }
    for (name, of) in &file.types {
        for (key, message) in check::of_type(of, knowledge) {
            problems.push(Problem::at(&["types", name, key], message));
        }
        for (key, rules) in OF_TYPE.iter().zip([&of.methods, &of.attributes]) {
            for (index, rule) in rules.iter().enumerate() {
                let at = index.to_string();
                judge(
                    rule,
                    knowledge,
                    true,
                    &["types", name, key, &at],
                    &mut problems,
                );
            }
        }
        let single = [&of.call, &of.iterate, &of.operators, &of.subscript];
        for (key, rule) in SINGLE.iter().zip(single) {
            if let Some(rule) = rule {
                judge(rule, knowledge, true, &["types", name, key], &mut problems);
            }
        }
    }
    problems
}

fn judge(
    rule: &Rule,
    knowledge: &Knowledge,
    is_method: bool,
    path: &[&str],
    problems: &mut Vec<Problem>,
) {
    let named = SINGLE.contains(path.last().unwrap_or(&""));
    if rule.names.is_empty() && !named {
        problems.push(Problem::at(
            path,
            "`names` is missing: which calls is this for?",
        ));
    }
    for (key, message) in check::rule(rule, knowledge, is_method) {
        let path: Vec<&str> = path.iter().copied().chain([key]).collect();
        problems.push(Problem::at(&path, message));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::files::FILES;
    use crate::Knowledge;

    #[track_caller]
    fn check(table: &Value, expected: &str) {
        let problems = Knowledge::builtin()
            .extended(table)
            .err()
            .unwrap_or_default();
        let found = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.path.join("."), problem.message));
        assert_eq!(found.collect::<Vec<_>>().join("\n"), expected);
    }

    #[test]
    fn every_file_means_something() {
        for text in FILES {
            check(&serde_json::from_str(text).expect("JSON"), "");
        }
    }
    #[test]
    fn an_unknown_key_is_told_where_it_stands() {
        let table = json!({"functions": [{"names": "a.f"}, {"names": "a.g", "mutate": ["0"]}]});
        let problems = Knowledge::builtin()
            .extended(&table)
            .err()
            .unwrap_or_default();
        assert_eq!(problems[0].path, ["functions", "1", "mutate"]);
        assert!(
            problems[0]
                .message
                .starts_with("unknown key `mutate`, expected one of")
        );
    }
    #[test]
    fn an_unknown_place() {
        check(
            &json!({"functions": [{"names": "a.f", "mutates": ["O", "0*", "1?flag", "kw:out"]}]}),
            "functions.0.mutates: `O` is no place",
        );
    }
    #[test]
    fn a_bad_name() {
        check(
            &json!({"functions": [{"names": "f a.g a.1b"}]}),
            "functions.0.names: `f` is no full name such as `package.module.function`\n\
             functions.0.names: `a.1b` is no full name such as `package.module.function`",
        );
    }
    #[test]
    fn an_unknown_type_or_result() {
        check(
            &json!({"types": {"a.B": {"bases": ["a.C"], "methods": [{"names": "f", "returns": ["new:a.D", "fresh"]}]}}}),
            "types.a.B.bases: no type is called `a.C`\n\
             types.a.B.methods.0.returns: no type is called `a.D`\n\
             types.a.B.methods.0.returns: `fresh` is no result",
        );
    }
    #[test]
    fn a_rule_for_nobody() {
        check(
            &json!({"functions": [{"mutates": ["0"]}]}),
            "functions.0: `names` is missing: which calls is this for?",
        );
    }
    #[test]
    fn entries_win_over_those_that_florc_comes_with() {
        let table = json!({"functions": [{"names": "math.sqrt", "mutates": ["0"]}], "types": {"a.B": {"made_by": "math.exp"}}});
        let knowledge = Knowledge::builtin().extended(&table).expect("no mistake");
        assert_eq!(
            knowledge.function("math.sqrt").expect("there").mutates,
            ["0"]
        );
        assert_eq!(
            knowledge.function("math.exp").expect("there").returns,
            ["new:a.B"]
        );
    }
}
