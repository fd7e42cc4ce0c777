//! Edits such as people make, at random, whose true matching is known: the number of a statement
//! (`#@17`) goes with it.
//!
//! ```python
//! x = f(a)  #@3          def part_9(a):
//! y = g(x)  #@4              x = f(a)  #@3
//!                            return x
//! ```

mod layout;
mod moves;

use std::fmt::Write as _;

use florc_syntax::tree::StmtId;
use florc_syntax::{Module, SourceText};

use crate::measure::Files;

/// In front of the numbers.
pub(crate) const MARK: &str = "#@";

/// Numbers that look random: xorshift64*, Marsaglia 2003 and Vigna 2016.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D);
        (value >> 33) as usize % bound.max(1)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Delete,
    Add,
    AddLog,
    Rename,
    OtherNumber,
    Reorder,
    Wrap,
    Reformat,
    NewFunction,
    NewFile,
}

pub(crate) const EDITS: [(Edit, &str); 10] = [
    (Edit::Delete, "deleted statements"),
    (Edit::Add, "new statements"),
    (Edit::AddLog, "new log statements"),
    (Edit::Rename, "renamed variables"),
    (Edit::OtherNumber, "other numbers"),
    (Edit::Reorder, "definitions in another order"),
    (Edit::Wrap, "statements in a condition"),
    (Edit::Reformat, "another layout"),
    (Edit::NewFunction, "statements in a new function"),
    (Edit::NewFile, "definitions in a new file"),
];

/// A version: names of files with their lines, the entry first.
#[derive(Clone)]
pub(crate) struct Version(Vec<(String, Vec<String>)>);

impl Version {
    /// A file, with a number behind the first line of each statement that has a line of its own.
    pub(crate) fn numbered(text: &str) -> Self {
        let module = parsed(text).expect("fixtures are Python");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for index in 0..module.tree.stmt_count() as u32 {
            let span = module.tree.stmt(StmtId(index)).span;
            let line = module.source.line_column(span.start).line as usize - 1;
            let end = module.source.line_start(line as u32 + 2).saturating_sub(1);
            let is_taken = lines[line].contains('#') || lines[line].ends_with('\\');
            if !is_taken && !module.trivia.inside_string(end) {
                let _ = write!(lines[line], "  {MARK}{index}");
            }
        }
        Self(vec![("__main__".to_owned(), lines)])
    }

    pub(crate) fn files(&self) -> Files {
        let files = self.0.iter();
        files
            .map(|(name, lines)| (name.clone(), lines.join("\n") + "\n"))
            .collect()
    }

    /// Edits it, where the result is Python; whether it did.
    pub(crate) fn edit(&mut self, edit: Edit, random: &mut Random) -> bool {
        let mut edited = self.clone();
        let file = random.below(edited.0.len());
        if edit == Edit::NewFile {
            moves::to_new_file(&mut edited.0, file, random);
        } else {
            in_file(edit, &mut edited.0[file].1, random);
        }
        let files = edited.files();
        let is_changed = files != self.files();
        let is_python = files.iter().all(|(_, text)| parsed(text).is_some());
        if is_changed && is_python {
            *self = edited;
        }
        is_changed && is_python
    }
}

fn parsed(text: &str) -> Option<Module> {
    let source = SourceText::from_bytes("t.py", text.as_bytes().to_vec()).ok()?;
    florc_syntax::parse(source).ok()
}

fn in_file(edit: Edit, lines: &mut Vec<String>, random: &mut Random) {
    let numbered: Vec<usize> = (0..lines.len())
        .filter(|at| lines[*at].contains(MARK))
        .collect();
    if numbered.is_empty() {
        return;
    }
    let at = numbered[random.below(numbered.len())];
    let blanks = " ".repeat(indent(&lines[at]));
    let is_alone = block(lines, at).len() == 1;
    match edit {
        Edit::Delete if is_alone => drop(lines.remove(at)),
        Edit::Delete | Edit::NewFile => {}
        Edit::Add => lines.insert(at, format!("{blanks}extra_{at} = compute_{at}({at})")),
        Edit::AddLog => lines.insert(at, format!("{blanks}print('value', {at}, extra)")),
        Edit::Rename => rename(lines, random),
        Edit::OtherNumber => lines[at] = other_number(&lines[at], random),
        Edit::Reorder => moves::reorder(lines, random),
        Edit::Wrap => moves::wrap(lines, at, &blanks),
        Edit::Reformat => layout::reformat(lines, random),
        Edit::NewFunction => moves::to_new_function(lines, at, random),
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The lines of the statement that begins at a line: what is deeper belongs to it.
fn block(lines: &[String], at: usize) -> std::ops::Range<usize> {
    let deeper = |line: &String| line.trim().is_empty() || indent(line) > indent(&lines[at]);
    let mut end = at + 1;
    while end < lines.len() && (deeper(&lines[end]) || is_closing(lines, at, end)) {
        end += 1;
    }
    while lines[end - 1].trim().is_empty() {
        end -= 1;
    }
    at..end
}

/// A bracket in the column of the statement that it ends.
fn is_closing(lines: &[String], at: usize, end: usize) -> bool {
    indent(&lines[end]) == indent(&lines[at])
        && lines[end].trim_start().starts_with([')', ']', '}'])
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Names that are assigned, in order.
fn assigned<'a>(lines: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for line in lines {
        let Some((name, _)) = line.trim_start().split_once(" = ") else {
            continue;
        };
        if name.chars().all(is_word) && name.len() > 2 && !names.contains(&name.to_owned()) {
            names.push(name.to_owned());
        }
    }
    names
}

/// A variable gets another name everywhere in the file.
fn rename(lines: &mut [String], random: &mut Random) {
    let names = assigned(lines.iter());
    if names.is_empty() {
        return;
    }
    let name = names[random.below(names.len())].clone();
    for line in lines.iter_mut() {
        *line = replaced(line, &name, &format!("{name}_now"));
    }
}

/// The line with a name for a name; attributes are no names.
fn replaced(line: &str, name: &str, by: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(found) = rest.find(name) {
        text.push_str(&rest[..found]);
        let before = text.chars().next_back();
        let after = rest[found + name.len()..].chars().next();
        let is_name =
            !before.is_some_and(|it| is_word(it) || it == '.') && !after.is_some_and(is_word);
        text.push_str(if is_name { by } else { name });
        rest = &rest[found + name.len()..];
    }
    text + rest
}

fn other_number(line: &str, random: &mut Random) -> String {
    let Some((code, number)) = line.rsplit_once(&format!("  {MARK}")) else {
        return line.to_owned();
    };
    let at = code.find(|it: char| it.is_ascii_digit());
    match at.filter(|at| *at > 0 && code.as_bytes()[at - 1] == b' ') {
        Some(at) => {
            let digit = 1 + random.below(8);
            format!("{}{digit}{}  {MARK}{number}", &code[..at], &code[at..])
        }
        None => line.to_owned(),
    }
}
