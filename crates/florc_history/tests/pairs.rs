//! Hand-written pairs of versions with their expected matching, beside a line diff and GumTree.
//!
//! Each statement of `fixtures/history/pairs` has a number in a comment (`#7`): equal numbers are
//! partners, other statements have none, and those without a number are not judged, since people would not agree.
//! `unseen.md` was written when the matching was done. `cargo test -p florc_history --test pairs -- --nocapture`
//! prints the figures.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up must fail")]

mod gumtree;
mod measure;

use std::collections::BTreeMap;
use std::path::PathBuf;

use florc_history::match_versions;
use florc_syntax::tree::StmtId;

use self::measure::{Files, Pairs, Score, by_lines, linked, numbers};

/// In front of the numbers.
const MARK: &str = "#";

/// A case: its title, and the files of both versions by name.
#[derive(Default)]
struct Case {
    title: String,
    recorded: Files,
    current: Files,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some((info, mut body)) = open.take() {
            if line == "```" {
                let mut words = info.split(' ').skip(1);
                let version = words.next().unwrap();
                let name = words.next().unwrap_or("__main__").to_owned();
                let case = cases.last_mut().unwrap();
                match version {
                    "recorded" => case.recorded.push((name, body)),
                    _ => case.current.push((name, body)),
                }
            } else {
                body.push_str(line);
                body.push('\n');
                open = Some((info, body));
            }
        } else if let Some(title) = line.strip_prefix("## ") {
            let title = title.to_owned();
            cases.push(Case {
                title,
                ..Case::default()
            });
        } else if let Some(info) = line.strip_prefix("```") {
            open = Some((info.to_owned(), String::new()));
        }
    }
    cases
}

/// What is expected, what florc finds, and what GumTree finds.
fn matchings(case: &Case) -> (Pairs, Pairs, Pairs) {
    let (old, new) = (linked(&case.recorded), linked(&case.current));
    let (mine, theirs) = (numbers(&old, MARK), numbers(&new, MARK));
    let is_there = |number: &&u32| theirs.values().any(|it| it == *number);
    let wanted = mine.values().filter(is_there).map(|it| (*it, *it));
    let by_number = |pairs: &BTreeMap<StmtId, StmtId>| -> Pairs {
        let numbered = pairs
            .iter()
            .filter_map(|(a, b)| Some((*mine.get(a)?, *theirs.get(b)?)));
        numbered.collect()
    };
    let ours = match_versions(&old, &new).stmts;
    let tree = gumtree::matches(&old, &new);
    (wanted.collect(), by_number(&ours), by_number(&tree))
}

/// Scores of florc, GumTree and the line diff.
#[derive(Default)]
struct Scores {
    pairs: usize,
    by: [Score; 3],
}

impl Scores {
    /// What florc finds, where it is not what is expected, in words.
    fn add(&mut self, case: &Case) -> Option<String> {
        let (wanted, ours, tree) = matchings(case);
        assert!(!wanted.is_empty(), "{}", case.title);
        self.pairs += 1;
        self.by[1].add(&wanted, &tree);
        self.by[2].add(&wanted, &by_lines(&case.recorded, &case.current, MARK));
        if self.by[0].add(&wanted, &ours) {
            return None;
        }
        let other = |(a, b): &(&u32, &u32)| wanted.get(*a) != Some(*b);
        let wrongly: Vec<_> = ours.iter().filter(other).collect();
        let mut missed = wanted.keys().collect::<Vec<_>>();
        missed.retain(|it| ours.get(it) != Some(*it));
        let title = &case.title;
        Some(format!("{title}: wrong {wrongly:?}, missed {missed:?}"))
    }

    fn row(&self, name: &str) -> String {
        let [ours, tree, lines] = self.by.each_ref().map(Score::shown);
        let statements = self.by[0].wanted;
        let pairs = self.pairs;
        format!("{name:16} {pairs:5} {statements:10}  {ours} {tree} {lines}")
    }
}

#[test]
fn statements_find_their_partners() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/history/pairs");
    let entries = std::fs::read_dir(&folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut all, mut unseen, mut wrong) = (Scores::default(), Scores::default(), Vec::new());
    println!("precision / recall in %, pairs, statements; florc, GumTree (2, 0.5, 100), line diff");
    for file in &files {
        let mut scores = Scores::default();
        for case in cases(&std::fs::read_to_string(file).unwrap()) {
            wrong.extend(scores.add(&case));
            all.add(&case);
        }
        let name = file.file_stem().unwrap().to_string_lossy();
        println!("{}", scores.row(&name));
        if name == "unseen" {
            unseen = scores;
        }
    }
    println!("{}", all.row("all"));
    println!("{}", wrong.join("\n"));
    let [ours, tree, lines] = &all.by;
    assert!(all.pairs >= 60, "{}", all.pairs);
    let is_good = ours.precision() >= 0.99 && ours.recall() >= 0.97;
    assert!(is_good, "{}", wrong.join("\n"));
    assert!(unseen.by[0].precision() >= 0.99 && unseen.by[0].recall() >= 0.90);
    assert!(ours.recall() > tree.recall() && tree.recall() > lines.recall());
}
