//! Markdown files with cases.
//!
//! ```python
//! print(1)        # a block of kind `python`, then its expectations: `plan`, `instrumented` …
//! ```
//!
//! Knows fences and headings; nothing of what the blocks mean. `python run` marks a case that is
//! also run, `python 3.12` one that needs that version. Blocks that name a file follow each other in
//! a case of several files, the entry first: `python run train.py`, `python pkg/model.py`.

use std::path::{Path, PathBuf};

/// A file.
pub(crate) struct Document {
    path: PathBuf,
    pub(crate) cases: Vec<Case>,
    /// The file with every expectation cut out: text before case 0's first one, and so on.
    prose: Vec<String>,
}

/// Python blocks and what is expected of them.
pub(crate) struct Case {
    pub(crate) name: String,
    /// Path and text of each file, the entry first.
    pub(crate) files: Vec<(String, String)>,
    pub(crate) runs: bool,
    pub(crate) python_from: (u32, u32),
    pub(crate) expectations: Vec<Expectation>,
}

/// One asserted block.
pub(crate) struct Expectation {
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl Document {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("readable Markdown");
        let mut document = Self {
            path: path.to_owned(),
            cases: Vec::new(),
            prose: Vec::new(),
        };
        let mut prose = String::new();
        let mut heading = String::new();
        let mut lines = text.split_inclusive('\n');
        while let Some(line) = lines.next() {
            prose.push_str(line);
            if let Some(title) = line.strip_prefix('#') {
                title
                    .trim_start_matches('#')
                    .trim()
                    .clone_into(&mut heading);
            }
            let Some(info) = line.strip_prefix("```").map(str::trim) else {
                continue;
            };
            let body: String = lines
                .by_ref()
                .take_while(|line| line.trim_end() != "```")
                .collect();
            if info.split(' ').next() == Some("python") {
                prose.push_str(&body);
                prose.push_str("```\n");
                let next = case(path, &heading, info, body);
                let open = document.cases.last_mut().filter(|last| {
                    let named = next.files[0].0 != ONLY && last.files[0].0 != ONLY;
                    named && last.name == next.name && last.expectations.is_empty()
                });
                match open {
                    Some(last) => last.files.extend(next.files),
                    None => document.cases.push(next),
                }
            } else if let Some(last) = document.cases.last_mut() {
                last.expectations.push(Expectation {
                    kind: info.to_owned(),
                    text: body,
                });
                document.prose.push(std::mem::take(&mut prose));
                prose.push_str("```\n");
            }
        }
        document.prose.push(prose);
        document
    }

    /// Writes the file with its expectations as they are now.
    pub(crate) fn write(&self) {
        let mut blocks = self.cases.iter().flat_map(|case| &case.expectations);
        let mut text = String::new();
        for prose in &self.prose {
            text.push_str(prose);
            if let Some(block) = blocks.next() {
                text.push_str(&block.text);
            }
        }
        std::fs::write(&self.path, text).expect("writable Markdown");
    }
}

/// What the file of a case is called where it has one only.
const ONLY: &str = "t.py";

impl Case {
    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> &str {
        let found = self.files.iter().find(|(name, _)| name == path);
        found.map_or("", |(_, text)| text)
    }
}

/// Dotted name of a module.
pub(crate) fn module_name(path: &str) -> String {
    let name = path.strip_suffix(".py").unwrap_or(path);
    let name = name.strip_suffix("/__init__").unwrap_or(name);
    name.replace('/', ".")
}

fn case(path: &Path, heading: &str, info: &str, python: String) -> Case {
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let version = info
        .split(' ')
        .find_map(|word| word.strip_prefix("3.")?.parse().ok());
    let file = info.split(' ').find(|word| {
        let extension = Path::new(word).extension();
        extension.is_some_and(|extension| extension == "py")
    });
    Case {
        name: format!("{stem}: {heading}"),
        files: vec![(file.unwrap_or(ONLY).to_owned(), python)],
        runs: info.split(' ').any(|word| word == "run"),
        python_from: (3, version.unwrap_or(10)),
        expectations: Vec::new(),
    }
}
