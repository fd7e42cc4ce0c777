//! Code that goes elsewhere: into a condition, a function, a file, another order.

use super::{MARK, Random, assigned, block, indent, is_word};

/// Statements that stay where they are.
const FIXED: [&str; 14] = [
    "def ", "async ", "class ", "import ", "from ", "el", "except", "finally", "return", "@",
    "global", "nonlocal", "break", "continue",
];

fn is_fixed(line: &str) -> bool {
    let line = line.trim_start();
    FIXED.iter().any(|it| line.starts_with(it))
}

fn is_definition(line: &str) -> bool {
    line.starts_with("def ") || line.starts_with("class ")
}

fn definitions(lines: &[String]) -> Vec<usize> {
    (0..lines.len())
        .filter(|at| is_definition(&lines[*at]))
        .collect()
}

/// A definition with its decorators.
fn definition(lines: &[String], at: usize) -> std::ops::Range<usize> {
    let mut start = at;
    while start > 0 && lines[start - 1].starts_with('@') {
        start -= 1;
    }
    start..block(lines, at).end
}

/// A definition goes to another place of the file.
pub(super) fn reorder(lines: &mut Vec<String>, random: &mut Random) {
    let found = definitions(lines);
    if found.len() < 2 {
        return;
    }
    let whole = definition(lines, found[random.below(found.len())]);
    let moved: Vec<String> = lines.drain(whole).collect();
    let found = definitions(lines);
    let there = definition(lines, found[random.below(found.len())]).start;
    lines.splice(there..there, moved.into_iter().chain([String::new()]));
}

/// A statement goes into a condition.
pub(super) fn wrap(lines: &mut Vec<String>, at: usize, blanks: &str) {
    if is_fixed(&lines[at]) {
        return;
    }
    let whole = block(lines, at);
    for line in &mut lines[whole] {
        if !line.trim().is_empty() {
            line.insert_str(0, "    ");
        }
    }
    lines.insert(at, format!("{blanks}if condition_{at}:"));
}

/// Up to four statements go into a function of their own, with a call in their place.
pub(super) fn to_new_function(lines: &mut Vec<String>, at: usize, random: &mut Random) {
    let mut end = at;
    for _ in 0..=random.below(4) {
        let is_next = end < lines.len()
            && lines[end].contains(MARK)
            && indent(&lines[end]) == indent(&lines[at]);
        if !is_next {
            break;
        }
        end = block(lines, end).end;
    }
    if end == at || lines[at..end].iter().any(|line| is_fixed(line)) {
        return;
    }
    let blanks = indent(&lines[at]);
    let moved: Vec<String> = lines.drain(at..end).collect();
    let names = assigned(moved.iter());
    let name = format!("part_{at}_{}", random.below(1000));
    let parameters = read(&moved, &assigned(lines.iter()));
    let call = format!("{name}({})", parameters.join(", "));
    let given = if names.is_empty() {
        String::new()
    } else {
        format!("{} = ", names.join(", "))
    };
    lines.insert(at, format!("{}{given}{call}", " ".repeat(blanks)));
    let mut function = vec![format!("def {call}:")];
    for line in moved {
        let body = line.get(blanks..).unwrap_or_default();
        function.push(format!("    {body}"));
    }
    if !names.is_empty() {
        function.push(format!("    return {}", names.join(", ")));
    }
    function.push(String::new());
    let there = before_code(lines);
    lines.splice(there..there, function);
}

/// Those of the names that occur.
fn read(lines: &[String], names: &[String]) -> Vec<String> {
    let occurs = |name: &&String| {
        let mut words = lines.iter().flat_map(|line| line.split(|it| !is_word(it)));
        words.any(|word| word == name.as_str())
    };
    names.iter().filter(occurs).cloned().collect()
}

/// Behind the imports at the top.
fn before_code(lines: &[String]) -> usize {
    let first = definitions(lines).first().copied();
    if let Some(at) = first {
        return definition(lines, at).start;
    }
    let is_import = |line: &String| line.starts_with("import ") || line.starts_with("from ");
    lines.iter().rposition(is_import).map_or(0, |at| at + 1)
}

/// A definition goes to a file of its own, from which it is imported.
pub(super) fn to_new_file(
    files: &mut Vec<(String, Vec<String>)>,
    file: usize,
    random: &mut Random,
) {
    let lines = &mut files[file].1;
    let found = definitions(lines);
    if found.is_empty() {
        return;
    }
    let at = found[random.below(found.len())];
    let words = lines[at].split(|it| !is_word(it)).nth(1);
    let name = words.unwrap_or_default().to_owned();
    let whole = definition(lines, at);
    let moved: Vec<String> = lines.drain(whole).collect();
    let is_import = |line: &&String| line.starts_with("import ") || line.starts_with("from ");
    let there = lines
        .iter()
        .position(|line| is_import(&line) && !line.contains("__future__"));
    let module = format!("module_{name}");
    lines.insert(there.unwrap_or(0), format!("from {module} import {name}"));
    files.push((module, moved));
}
