//! Hand-written pairs of versions with their expected matching, beside a line diff and GumTree.
//!
//! Each statement of `fixtures/history/pairs` has a number in a comment (`#7`): equal numbers are
//! partners, other statements have none. `cargo test -p florc_history --test pairs -- --nocapture`
//! prints the figures.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up must fail")]

mod gumtree;

use std::collections::BTreeMap;
use std::path::PathBuf;

use florc_history::match_versions;
use florc_syntax::tree::StmtId;
use florc_syntax::{Module, Named, SourceText};

/// A case: its title, and the files of both versions by name.
#[derive(Default)]
struct Case {
    title: String,
    recorded: Vec<(String, String)>,
    current: Vec<(String, String)>,
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

fn linked(files: &[(String, String)]) -> Module {
    let named = files.iter().map(|(name, text)| {
        let path = format!("{}.py", name.trim_matches('_'));
        let source = SourceText::from_bytes(path, text.clone().into_bytes()).unwrap();
        Named {
            name: name.clone(),
            package: String::new(),
            is_library: false,
            module: florc_syntax::parse(source).unwrap(),
        }
    });
    florc_syntax::link(named.collect()).unwrap()
}

/// The number of each statement that has one.
fn numbers(module: &Module) -> BTreeMap<StmtId, u32> {
    let all = (0..module.tree.stmt_count() as u32).map(StmtId);
    let number = |stmt: StmtId| {
        let start = module.tree.stmt(stmt).span.start as usize;
        let line = module.source.text()[start..].lines().next()?;
        let (_, number) = line.rsplit_once('#')?;
        Some((stmt, number.trim().parse().ok()?))
    };
    all.filter_map(number).collect()
}

#[derive(Default)]
struct Score {
    right: usize,
    found: usize,
    wanted: usize,
}

impl Score {
    fn add(&mut self, wanted: &BTreeMap<u32, u32>, found: &BTreeMap<u32, u32>) -> bool {
        let right = found
            .iter()
            .filter(|(a, b)| wanted.get(a) == Some(b))
            .count();
        self.right += right;
        self.found += found.len();
        self.wanted += wanted.len();
        right == found.len() && right == wanted.len()
    }

    fn row(&self, name: &str) -> String {
        format!("{name:34} {:9.3} {:9.3}", self.precision(), self.recall())
    }

    fn precision(&self) -> f64 {
        self.right as f64 / self.found.max(1) as f64
    }

    fn recall(&self) -> f64 {
        self.right as f64 / self.wanted.max(1) as f64
    }
}

/// What a line diff matches: lines that are equal but for their numbers.
fn by_lines(case: &Case) -> BTreeMap<u32, u32> {
    let lines = |files: &[(String, String)]| -> Vec<(String, Option<u32>)> {
        let all = files.iter().flat_map(|(_, text)| text.lines());
        let split = |line: &str| match line.rsplit_once('#') {
            Some((code, number)) => (code.trim_end().to_owned(), number.trim().parse().ok()),
            None => (line.to_owned(), None),
        };
        all.map(split).collect()
    };
    let (old, new) = (lines(&case.recorded), lines(&case.current));
    let bare = |lines: &[(String, Option<u32>)]| -> Vec<String> {
        lines.iter().map(|(code, _)| code.clone()).collect()
    };
    let mut found = BTreeMap::new();
    for op in similar::capture_diff_slices(similar::Algorithm::Myers, &bare(&old), &bare(&new)) {
        if let similar::DiffOp::Equal { .. } = op {
            let pairs = op.old_range().zip(op.new_range());
            found.extend(pairs.filter_map(|(a, b)| Some((old[a].1?, new[b].1?))));
        }
    }
    found
}

type Pairs = BTreeMap<u32, u32>;

/// What is expected, what florc finds, and what GumTree finds.
fn matchings(case: &Case) -> (Pairs, Pairs, Pairs) {
    let (old, new) = (linked(&case.recorded), linked(&case.current));
    let (mine, theirs) = (numbers(&old), numbers(&new));
    let is_there = |number: &&u32| theirs.values().any(|it| it == *number);
    let wanted = mine.values().filter(is_there).map(|it| (*it, *it));
    let by_number = |pairs: &BTreeMap<StmtId, StmtId>| -> Pairs {
        let numbered = pairs
            .iter()
            .filter_map(|(a, b)| Some((*mine.get(a)?, *theirs.get(b)?)));
        numbered.collect()
    };
    let ours = match_versions(&old, &new).stmts;
    let ours: BTreeMap<StmtId, StmtId> = ours.iter().map(|(a, b)| (*a, *b)).collect();
    let tree = gumtree::matches(&old, &new);
    (wanted.collect(), by_number(&ours), by_number(&tree))
}

#[test]
fn statements_find_their_partners() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/history/pairs");
    let entries = std::fs::read_dir(&folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut scores = [Score::default(), Score::default(), Score::default()];
    let (mut count, mut wrong) = (0, Vec::new());
    for case in files
        .iter()
        .flat_map(|it| cases(&std::fs::read_to_string(it).unwrap()))
    {
        let (wanted, ours, tree) = matchings(&case);
        assert!(!wanted.is_empty(), "{}", case.title);
        if !scores[0].add(&wanted, &ours) {
            let other = |(a, b): &(&u32, &u32)| wanted.get(*a) != Some(*b);
            let wrongly: Vec<_> = ours.iter().filter(other).collect();
            let mut missed = wanted.keys().collect::<Vec<_>>();
            missed.retain(|it| ours.get(it) != Some(*it));
            let title = &case.title;
            wrong.push(format!("{title}: wrong {wrongly:?}, missed {missed:?}"));
        }
        scores[1].add(&wanted, &tree);
        scores[2].add(&wanted, &by_lines(&case));
        count += 1;
    }
    println!(
        "{count} pairs, {} statements      precision    recall",
        scores[0].wanted
    );
    let names = [
        "florc",
        "GumTree (height 2, Dice 0.5, 100)",
        "line diff (Myers)",
    ];
    for (score, name) in scores.iter().zip(names) {
        println!("{}", score.row(name));
    }
    println!("{}", wrong.join("\n"));
    let [ours, tree, lines] = &scores;
    assert!(count >= 31, "{count}");
    assert!(
        ours.precision() >= 0.99 && ours.recall() >= 0.95,
        "{}",
        wrong.join("\n")
    );
    assert!(ours.recall() > tree.recall() && tree.recall() > lines.recall());
}
