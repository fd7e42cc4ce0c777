//! How well versions are matched: the fixture scripts, edited at random by edits whose true matching
//! is known, beside a plain line diff.
//!
//! Each statement carries a comment with its number (`#@17`) through the edits; comments are not
//! seen by the matching. `cargo test -p florc_history --test mutated -- --nocapture` prints the
//! figures.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up must fail")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use florc_history::match_versions;
use florc_syntax::Module;
use florc_syntax::tree::StmtId;

fn module(text: &str) -> Module {
    let source = florc_syntax::SourceText::from_bytes("t.py", text.as_bytes().to_vec()).unwrap();
    florc_syntax::parse(source).unwrap()
}

/// Numbers that look random: xorshift64*, Marsaglia 2003 and Vigna 2016.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D);
        (value >> 33) as usize % bound.max(1)
    }
}

/// Lines, with a number behind the first line of each statement that has a line of its own.
fn tagged(text: &str) -> Vec<String> {
    let module = module(text);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for index in 0..module.tree.stmt_count() as u32 {
        let span = module.tree.stmt(StmtId(index)).span;
        let line = module.source.line_column(span.start).line as usize - 1;
        let end = module.source.line_start(line as u32 + 2).saturating_sub(1);
        let is_taken = lines[line].contains('#') || lines[line].ends_with('\\');
        if !is_taken && !module.trivia.inside_string(end) {
            let _ = write!(lines[line], "  #@{index}");
        }
    }
    lines
}

/// Statements by their numbers.
fn numbered(module: &Module) -> BTreeMap<u32, StmtId> {
    let mut found = BTreeMap::new();
    for id in (0..module.tree.stmt_count() as u32).map(StmtId) {
        let start = module.tree.stmt(id).span.start;
        let line = module.source.line_column(start).line;
        let (from, to) = (
            module.source.line_start(line),
            module.source.line_start(line + 1),
        );
        let text = &module.source.text()[from as usize..to as usize];
        if let Some((_, number)) = text.rsplit_once("#@") {
            found.entry(number.trim().parse().unwrap()).or_insert(id);
        }
    }
    found
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The lines of the statement that begins at a line: what is deeper belongs to it.
fn block(lines: &[String], at: usize) -> std::ops::Range<usize> {
    let deeper = |line: &String| line.trim().is_empty() || indent(line) > indent(&lines[at]);
    let mut end = at + 1;
    while end < lines.len() && deeper(&lines[end]) {
        end += 1;
    }
    while lines[end - 1].trim().is_empty() {
        end -= 1;
    }
    at..end
}

/// One edit, such as people make.
fn edit(lines: &mut Vec<String>, random: &mut Random) {
    let tagged: Vec<usize> = (0..lines.len())
        .filter(|at| lines[*at].contains("#@"))
        .collect();
    let at = tagged[random.below(tagged.len())];
    let blanks = " ".repeat(indent(&lines[at]));
    match random.below(8) {
        0 if block(lines, at).len() == 1 => {
            lines.remove(at);
        }
        1 => lines.insert(at, format!("{blanks}extra_{at} = compute_{at}({at})")),
        2 => lines.insert(at, format!("{blanks}print('value', {at}, extra)")),
        3 => rename(lines, random),
        4 => {
            let old = lines[at].clone();
            lines[at] = changed_number(&old, random);
        }
        5 => reorder(lines, random),
        6 => wrap(lines, at, &blanks),
        _ => lines.insert(at, format!("{blanks}# a comment\n")),
    }
}

/// A variable everywhere.
fn rename(lines: &mut [String], random: &mut Random) {
    let mut names: Vec<String> = Vec::new();
    for line in lines.iter() {
        let Some((name, _)) = line.trim_start().split_once(" = ") else {
            continue;
        };
        let is_name = name
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || it == '_');
        if is_name && name.len() > 2 && !names.contains(&name.to_owned()) {
            names.push(name.to_owned());
        }
    }
    if names.is_empty() {
        return;
    }
    let name = names[random.below(names.len())].clone();
    for line in lines.iter_mut() {
        let mut text = String::new();
        let mut rest = line.as_str();
        while let Some(found) = rest.find(&name) {
            let is_word = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '.';
            let before = rest[..found]
                .chars()
                .next_back()
                .or(text.chars().next_back());
            let after = rest[found + name.len()..].chars().next();
            text.push_str(&rest[..found]);
            let alone =
                !before.is_some_and(is_word) && !after.is_some_and(|it| is_word(it) && it != '.');
            text.push_str(&name);
            if alone {
                text.push_str("_now");
            }
            rest = &rest[found + name.len()..];
        }
        text.push_str(rest);
        *line = text;
    }
}

fn changed_number(line: &str, random: &mut Random) -> String {
    let Some((code, tag)) = line.rsplit_once("  #@") else {
        return line.to_owned();
    };
    let at = code
        .find(|it: char| it.is_ascii_digit())
        .filter(|at| *at > 0);
    match at {
        Some(at) if code.as_bytes()[at - 1] == b' ' => {
            format!(
                "{}{}{}  #@{tag}",
                &code[..at],
                1 + random.below(8),
                &code[at..]
            )
        }
        _ => line.to_owned(),
    }
}

/// A definition goes to another place of the file.
fn reorder(lines: &mut Vec<String>, random: &mut Random) {
    let starts = |line: &String| line.starts_with("def ") || line.starts_with("class ");
    let found: Vec<usize> = (0..lines.len()).filter(|at| starts(&lines[*at])).collect();
    if found.len() < 2 {
        return;
    }
    let whole = block(lines, found[random.below(found.len())]);
    let moved: Vec<String> = lines.drain(whole).collect();
    let found: Vec<usize> = (0..lines.len()).filter(|at| starts(&lines[*at])).collect();
    let there = found[random.below(found.len())];
    lines.splice(there..there, moved.into_iter().chain([String::new()]));
}

/// A statement goes into a condition.
fn wrap(lines: &mut Vec<String>, at: usize, blanks: &str) {
    let starts = lines[at].trim_start();
    let fixed = [
        "def ", "class ", "import ", "from ", "el", "except", "finally", "return", "@",
    ];
    if fixed.iter().any(|it| starts.starts_with(it)) {
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

#[derive(Default)]
struct Score {
    right: usize,
    wrong: usize,
    missed: usize,
}

impl Score {
    fn add(&mut self, truth: &BTreeMap<u32, u32>, found: &BTreeMap<u32, u32>) {
        for (old, new) in found {
            match truth.get(old) {
                Some(it) if it == new => self.right += 1,
                _ => self.wrong += 1,
            }
        }
        let missed = truth.keys().filter(|old| !found.contains_key(old));
        self.missed += missed.count();
    }

    fn precision(&self) -> f64 {
        self.right as f64 / (self.right + self.wrong).max(1) as f64
    }

    fn recall(&self) -> f64 {
        self.right as f64 / (self.right + self.missed + self.wrong).max(1) as f64
    }
}

/// What a line diff would match: statements on lines that are equal (without the numbers).
fn by_lines(old: &[String], new: &[String]) -> BTreeMap<u32, u32> {
    let bare = |lines: &[String]| -> Vec<String> {
        let plain = lines.iter().map(|line| line.split("  #@").next().unwrap());
        plain.map(str::to_owned).collect()
    };
    let number = |line: &String| Some(line.rsplit_once("#@")?.1.trim().parse::<u32>().unwrap());
    let mut found = BTreeMap::new();
    let (a, b) = (bare(old), bare(new));
    for op in similar::capture_diff_slices(similar::Algorithm::Myers, &a, &b) {
        if let similar::DiffOp::Equal { .. } = op {
            for (i, j) in op.old_range().zip(op.new_range()) {
                if let (Some(one), Some(other)) = (number(&old[i]), number(&new[j])) {
                    found.insert(one, other);
                }
            }
        }
    }
    found
}

#[test]
fn edited_scripts_are_matched() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/scripts");
    let mut scripts: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path().join("train.py"))
        .collect();
    scripts.retain(|path| path.exists());
    scripts.sort();
    let (mut ours, mut lines_only, mut versions) = (Score::default(), Score::default(), 0);
    for (index, script) in scripts.iter().enumerate() {
        let text = std::fs::read_to_string(script).unwrap();
        for seed in 0..20_u64 {
            let mut random = Random((seed + 1) * 7919 + index as u64);
            let old = tagged(&text);
            let mut new = old.clone();
            for _ in 0..=seed {
                let kept = new.clone();
                edit(&mut new, &mut random);
                let source = new.join("\n") + "\n";
                let source = florc_syntax::SourceText::from_bytes("t.py", source.into()).unwrap();
                if florc_syntax::parse(source).is_err() {
                    new = kept;
                }
            }
            let (before, after) = (
                module(&(old.join("\n") + "\n")),
                module(&(new.join("\n") + "\n")),
            );
            let (mine, theirs) = (numbered(&before), numbered(&after));
            let truth: BTreeMap<u32, u32> = mine
                .keys()
                .filter(|it| theirs.contains_key(it))
                .map(|it| (*it, *it))
                .collect();
            let by_stmt = |numbers: &BTreeMap<u32, StmtId>| -> BTreeMap<StmtId, u32> {
                numbers.iter().map(|(number, it)| (*it, *number)).collect()
            };
            let (my_numbers, their_numbers) = (by_stmt(&mine), by_stmt(&theirs));
            let matching = match_versions(&before, &after);
            let pairs = matching.stmts.iter();
            let found = pairs.filter_map(|(a, b)| {
                let one = *my_numbers.get(a)?;
                Some((one, their_numbers.get(b).copied().unwrap_or(u32::MAX)))
            });
            ours.add(&truth, &found.collect());
            lines_only.add(&truth, &by_lines(&old, &new));
            versions += 1;
        }
    }
    for (name, score) in [("matching", &ours), ("line diff", &lines_only)] {
        println!(
            "{name:10} precision {:.4} recall {:.4} over {versions} versions, {} statements",
            score.precision(),
            score.recall(),
            ours.right + ours.missed + ours.wrong
        );
    }
    assert!(ours.precision() > 0.985, "precision {}", ours.precision());
    assert!(ours.recall() > 0.985, "recall {}", ours.recall());
    assert!(ours.recall() > lines_only.recall());
}

/// Every statement of a file is itself in the same file.
#[test]
fn a_version_is_matched_with_itself() {
    let text = "x = 0\nx = 0\nfor x in y:\n    x = 0\n    x = 0\nelse:\n    x = 0\n";
    let (old, new) = (module(text), module(text));
    let matching = match_versions(&old, &new);
    assert!(matching.stmts.iter().all(|(a, b)| a == b));
    assert_eq!(matching.stmts.len(), old.tree.stmt_count());
}
