//! The settings of a project: `[tool.florc]` in the nearest `pyproject.toml`.
//!
//! ```python
//! # [tool.florc]
//! # overhead = 0.05
//! # main-loop = "train.py:main/epoch"
//! ```
//!
//! What is wrong in the file is told with its place; what is right in it is used. A wrong setting
//! never keeps a script from running. What a setting means is not decided here.

use std::path::{Path, PathBuf};

use florc_manifest::Settings;
use florc_syntax::{Diagnostic, Severity, SourceText, Span};
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::{listing, out, render};

/// The code of all findings here.
const CODE: &str = "bad-settings";

/// The keys of `[tool.florc]`.
const KEYS: &[&str] = &[
    "effects",
    "exclude",
    "ignore",
    "main-loop",
    "no-skip",
    "overhead",
    "skip",
];

/// Settings and where they come from.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What is asked.
    pub(crate) settings: Settings,
    /// The folder of the `pyproject.toml`.
    pub(crate) folder: Option<PathBuf>,
    /// What is wrong in it.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Its text.
    pub(crate) source: Option<SourceText>,
}

impl Found {
    /// Says on standard error what is wrong, and gives the settings.
    pub(crate) fn told(self) -> Settings {
        for diagnostic in &self.diagnostics {
            out::note(render::diagnostic(diagnostic, self.source.as_ref()).trim_end());
        }
        self.settings
    }
}

/// The settings for a file or folder.
pub(crate) fn of(path: &Path) -> Found {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut near = absolute.ancestors().filter(|each| each.is_dir());
    near.find_map(in_folder).unwrap_or_default()
}

/// The settings of the `pyproject.toml` in a folder; `None` where it says nothing of florc.
fn in_folder(folder: &Path) -> Option<Found> {
    let path = folder.join("pyproject.toml");
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => return Some(unreadable(folder, &path, &error.to_string())),
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return Some(unreadable(folder, &path, "it is not UTF-8"));
    };
    read(folder, &path.to_string_lossy(), &text)
}

fn unreadable(folder: &Path, path: &Path, why: &str) -> Found {
    let file = path.to_string_lossy();
    let title = format!("`{file}` cannot be read: {why}");
    let finding = Diagnostic::in_file(CODE, Severity::Warning, file, Span::empty(0), title);
    Found {
        folder: Some(folder.to_path_buf()),
        diagnostics: vec![finding.with_help("make it readable; the defaults are used")],
        ..Found::default()
    }
}

/// Reads the text of a `pyproject.toml`.
fn read(folder: &Path, path: &str, text: &str) -> Option<Found> {
    let source = SourceText::from_bytes(path, text.as_bytes().to_vec()).ok()?;
    let mut reader = Reader {
        source,
        found: Found {
            folder: Some(folder.to_path_buf()),
            ..Found::default()
        },
    };
    match DeTable::parse(text) {
        Ok(table) => {
            let tool = entry(table.get_ref(), "tool")?;
            let DeValue::Table(tool) = tool.get_ref() else {
                return None;
            };
            let florc = entry(tool, "florc")?;
            match florc.get_ref() {
                DeValue::Table(table) => reader.table(table),
                _ => reader.wrong(florc, "`tool.florc` is a table", "write `[tool.florc]`"),
            }
        }
        Err(error) => {
            let span = error.span().unwrap_or_default();
            let message = error.message().lines().next().unwrap_or_default();
            let title = format!("this file is not TOML, so no setting in it is used: {message}");
            reader.report(span, title, "correct the file");
        }
    }
    reader
        .found
        .diagnostics
        .sort_by_key(|finding| finding.span.start);
    reader.found.source = Some(reader.source);
    Some(reader.found)
}

fn entry<'a, 'i>(table: &'a DeTable<'i>, name: &str) -> Option<&'a Spanned<DeValue<'i>>> {
    let mut entries = table.iter();
    entries
        .find(|(key, _)| key.get_ref() == name)
        .map(|(_, value)| value)
}

struct Reader {
    source: SourceText,
    found: Found,
}

impl Reader {
    fn table(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "ignore" => {
                    self.found.settings.ignore = self.texts("ignore", value);
                    self.codes(value);
                }
                "main-loop" => self.found.settings.main_loop = self.loops("main-loop", value),
                "skip" => self.found.settings.skip = self.loops("skip", value),
                "no-skip" => self.found.settings.no_skip = self.loops("no-skip", value),
                "exclude" => self.found.settings.exclude = self.texts("exclude", value),
                "overhead" => self.found.settings.overhead = self.overhead(value),
                "effects" => self.effects(value),
                other => self.unknown(key, other),
            }
        }
    }

    fn unknown(&mut self, key: &Spanned<std::borrow::Cow<'_, str>>, name: &str) {
        let known: Vec<String> = KEYS.iter().map(|key| (*key).to_owned()).collect();
        let help = match listing::closest(name, &known).first() {
            Some(likely) => format!("write `{likely}`"),
            None => format!("use one of {}", KEYS.join(", ")),
        };
        self.report(key.span(), format!("there is no setting `{name}`"), help);
    }

    /// A string, or an array of them.
    fn texts(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Vec<String> {
        match value.get_ref() {
            DeValue::String(text) => vec![text.to_string()],
            DeValue::Array(items) => {
                let mut texts = Vec::new();
                for item in items {
                    match item.get_ref() {
                        DeValue::String(text) => texts.push(text.to_string()),
                        _ => self.wrong(item, "this is no string", "put it in quotes"),
                    }
                }
                texts
            }
            _ => {
                let title = format!("`{key}` takes strings");
                self.wrong(value, &title, &format!("write `{key} = [\"…\"]`"));
                Vec::new()
            }
        }
    }

    fn loops(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Vec<String> {
        let texts = self.texts(key, value);
        for text in texts.iter().filter(|text| !text.contains(':')) {
            let title = format!("`{text}` names no loop");
            let help = "write `FILE:LOOP` as `florc explain` shows them: \"train.py:main/epoch\"";
            self.wrong(value, &title, help);
        }
        texts
    }

    fn codes(&mut self, value: &Spanned<DeValue<'_>>) {
        let ignored = self.found.settings.ignore.clone();
        for code in ignored {
            if !florc_instrument::diagnostics::is_code(&code) {
                let title = format!("no diagnostic has the code `{code}`");
                let help = "copy the code from the diagnostic; `florc explain CODE` shows its page";
                self.wrong(value, &title, help);
            }
        }
    }

    fn overhead(&mut self, value: &Spanned<DeValue<'_>>) -> Option<f64> {
        let number: Option<f64> = match value.get_ref() {
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::Integer(number) => number.as_str().parse().ok(),
            _ => None,
        };
        let right = number.filter(|number| *number > 0.0 && *number <= 1.0);
        if right.is_none() {
            let title = "`overhead` is a fraction above 0 and at most 1";
            self.wrong(value, title, "write a number such as `overhead = 0.02`");
        }
        right
    }

    fn effects(&mut self, value: &Spanned<DeValue<'_>>) {
        let DeValue::Table(_) = value.get_ref() else {
            let help = "write `[tool.florc.effects]`";
            return self.wrong(value, "`effects` is a table", help);
        };
        let table = json(value.get_ref());
        let base = florc_instrument::knowledge(&Settings::default());
        match base.extended(&table) {
            Ok(_) => self.found.settings.effects = Some(table),
            Err(problems) => {
                for problem in problems {
                    let title = format!("`effects` is not used: {}", problem.message);
                    self.report(place(value, &problem.path), title, "correct it");
                }
            }
        }
    }

    fn wrong(&mut self, value: &Spanned<DeValue<'_>>, title: &str, help: &str) {
        self.report(value.span(), title.to_owned(), help);
    }

    fn report(&mut self, at: std::ops::Range<usize>, title: String, help: impl Into<String>) {
        let span = Span::new(at.start as u32, at.end as u32);
        let finding = Diagnostic::new(CODE, Severity::Warning, &self.source, span, title);
        self.found.diagnostics.push(finding.with_help(help));
    }
}

/// Where keys and indices lead to, as far as they do.
fn place(value: &Spanned<DeValue<'_>>, path: &[String]) -> std::ops::Range<usize> {
    let Some((first, rest)) = path.split_first() else {
        return value.span();
    };
    let inner = match value.get_ref() {
        DeValue::Table(table) => entry(table, first),
        DeValue::Array(items) => first.parse().ok().and_then(|index: usize| items.get(index)),
        _ => None,
    };
    inner.map_or_else(|| value.span(), |inner| place(inner, rest))
}

/// A TOML value as JSON.
fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::from(number.to_string()), Value::from),
        DeValue::Float(number) => Value::from(number.as_str().parse::<f64>().unwrap_or(f64::NAN)),
        DeValue::Boolean(truth) => Value::from(*truth),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let entries = table.iter();
            let entries =
                entries.map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref())));
            Value::Object(entries.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::read;

    /// The places and titles of what is wrong in a text.
    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let found = read(Path::new("/p"), "pyproject.toml", text).expect("speaks of florc");
        let source = found.source.expect("kept");
        let told: Vec<(&str, &str)> = found
            .diagnostics
            .iter()
            .map(|it| (source.slice(it.span), it.title.as_str()))
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn all_settings_are_read() {
        let text = "[tool.florc]\nignore = ['no-main-loop']\nmain-loop = 'a.py:e'\nskip = []\n\
                    no-skip = ['a.py:e/x']\nexclude = ['old/*']\noverhead = 0.05\n\
                    [[tool.florc.effects.functions]]\nnames = 'my.f'\nmutates = ['0']\n";
        check(text, &[]);
        let settings = read(Path::new("/p"), "pyproject.toml", text)
            .expect("settings")
            .settings;
        assert_eq!(settings.main_loop, ["a.py:e"]);
        assert_eq!(settings.overhead, Some(0.05));
        let rule = serde_json::json!({"names": "my.f", "mutates": ["0"]});
        let effects = serde_json::json!({ "functions": [rule] });
        assert_eq!(settings.effects, Some(effects));
    }

    #[test]
    fn what_is_wrong_is_told_and_the_rest_is_used() {
        let text = "[tool.florc]\nmainloop = 1\noverhead = 2\nignore = ['nope', 3]\nskip = 'x'\n";
        check(
            text,
            &[
                ("mainloop", "there is no setting `mainloop`"),
                ("2", "`overhead` is a fraction above 0 and at most 1"),
                ("['nope', 3]", "no diagnostic has the code `nope`"),
                ("3", "this is no string"),
                ("'x'", "`x` names no loop"),
            ],
        );
    }

    #[test]
    fn a_wrong_effect_is_told_where_it_stands() {
        let text = "[[tool.florc.effects.functions]]\nnames = 'my.f'\nmutate = ['0']\n";
        let found = read(Path::new("/p"), "pyproject.toml", text).expect("speaks of florc");
        let source = found.source.expect("kept");
        assert_eq!(source.slice(found.diagnostics[0].span), "['0']");
        assert!(found.settings.effects.is_none());
    }

    #[test]
    fn what_is_no_toml_is_told_once() {
        let found = read(Path::new("/p"), "pyproject.toml", "[tool.florc\nx = 1\n");
        assert_eq!(found.expect("told").diagnostics.len(), 1);
    }

    #[test]
    fn a_file_without_florc_says_nothing() {
        assert!(read(Path::new("/p"), "pyproject.toml", "[tool.ruff]\n").is_none());
        assert!(read(Path::new("/p"), "pyproject.toml", "tool = 1\n").is_none());
    }
}
