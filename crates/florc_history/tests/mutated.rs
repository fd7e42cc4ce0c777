//! How well versions are matched: the fixture scripts, edited at random by edits whose true matching
//! is known, beside a line diff and GumTree with its published parameters.
//!
//! `cargo test -p florc_history --test mutated -- --nocapture` prints the figures.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up must fail")]

mod gumtree;
mod measure;
mod mutations;

use std::collections::BTreeMap;
use std::path::Path;

use florc_history::{Matching, match_versions};
use florc_syntax::Module;
use florc_syntax::tree::{ExprId, StmtId};

use self::measure::{Pairs, Score, by_lines, linked, numbers};
use self::mutations::{EDITS, Edit, MARK, Random, Version};

/// What is found of one kind of edits.
#[derive(Default)]
struct Measured {
    versions: usize,
    ours: Score,
    exprs: Score,
    tree: Score,
    lines: Score,
}

impl Measured {
    fn add(&mut self, before: &Version, after: &Version) {
        let (old_files, new_files) = (before.files(), after.files());
        let (old, new) = (linked(&old_files), linked(&new_files));
        let (mine, theirs) = (numbers(&old, MARK), numbers(&new, MARK));
        let left: std::collections::BTreeSet<u32> = theirs.values().copied().collect();
        let truth: Pairs = mine
            .values()
            .filter(|it| left.contains(it))
            .map(|it| (*it, *it))
            .collect();
        // A partner without a number is a wrong one.
        let by_number = |pairs: &BTreeMap<StmtId, StmtId>| -> Pairs {
            let number = |id: &StmtId| theirs.get(id).copied().unwrap_or(u32::MAX);
            let known = pairs
                .iter()
                .filter_map(|(a, b)| Some((*mine.get(a)?, number(b))));
            known.collect()
        };
        let matching = match_versions(&old, &new);
        self.ours.add(&truth, &by_number(&matching.stmts));
        let is_right = |(one, other): &(&StmtId, &StmtId)| {
            let number = mine.get(*one);
            number.is_some() && number == theirs.get(*other)
        };
        let right = matching.stmts.iter().filter(is_right);
        let right: BTreeMap<StmtId, StmtId> = right.map(|(a, b)| (*a, *b)).collect();
        self.exprs.add(
            &same_places((&old, &new), &right),
            &exprs_of(&old, &matching, &right),
        );
        self.tree
            .add(&truth, &by_number(&gumtree::matches(&old, &new)));
        self.lines
            .add(&truth, &by_lines(&old_files, &new_files, MARK));
        self.versions += 1;
    }
}

/// No edit takes an expression out of a statement or puts one in: the n-th is the n-th.
fn same_places(
    (old, new): (&Module, &Module),
    right: &BTreeMap<StmtId, StmtId>,
) -> BTreeMap<ExprId, ExprId> {
    let mut found = BTreeMap::new();
    for (one, other) in right {
        let (mine, theirs) = (exprs(old, *one), exprs(new, *other));
        assert_eq!(mine.len(), theirs.len());
        found.extend(mine.into_iter().zip(theirs));
    }
    found
}

/// Expressions of a statement without those of its suites.
fn exprs(module: &Module, stmt: StmtId) -> Vec<ExprId> {
    let own = module.tree.stmt_exprs(stmt).into_iter();
    own.flat_map(|expr| module.tree.all_exprs(expr)).collect()
}

fn exprs_of(
    old: &Module,
    matching: &Matching,
    right: &BTreeMap<StmtId, StmtId>,
) -> BTreeMap<ExprId, ExprId> {
    let known = matching
        .exprs
        .iter()
        .filter(|(one, _)| right.contains_key(&old.tree.stmt_of(**one)));
    known.map(|(one, other)| (*one, *other)).collect()
}

fn scripts() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/scripts");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries
        .map(|it| it.unwrap().path().join("train.py"))
        .collect();
    paths.retain(|path| path.exists());
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// Versions of each script, with more and more edits.
fn measured(versions: u64, edits: impl Fn(&mut Random) -> Edit) -> Measured {
    let mut measured = Measured::default();
    for (index, text) in scripts().iter().enumerate() {
        let old = Version::numbered(text);
        for seed in 0..versions {
            let mut random = Random((seed + 1) * 7919 + index as u64);
            let mut new = old.clone();
            // Of some edits a script offers no place.
            let wanted = 2 * seed + 1;
            let mut made = 0;
            for _ in 0..5 * wanted {
                let edit = edits(&mut random);
                made += u64::from(made < wanted && new.edit(edit, &mut random));
            }
            if made > 0 {
                measured.add(&old, &new);
            }
        }
    }
    measured
}

#[test]
fn edited_scripts_are_matched() {
    println!(
        "{:30} versions statements  florc         GumTree       line diff     expressions",
        "precision / recall in %"
    );
    let mut rows: Vec<(&str, Measured)> = Vec::new();
    for (edit, name) in EDITS {
        rows.push((name, measured(3, |_| edit)));
    }
    rows.push((
        "all of these",
        measured(10, |random| EDITS[random.below(EDITS.len())].0),
    ));
    for (name, of) in &rows {
        let [ours, tree, lines, exprs] =
            [&of.ours, &of.tree, &of.lines, &of.exprs].map(Score::shown);
        println!(
            "{name:30} {:8} {:10}  {ours} {tree} {lines} {exprs}",
            of.versions, of.ours.wanted
        );
    }
    for (name, of) in &rows {
        assert!(of.versions >= 20, "{name}");
        assert!(
            of.ours.precision() >= 0.985 && of.ours.recall() >= 0.98,
            "{name}"
        );
        // Of a matched statement every expression finds its own, renamed or not.
        let exprs = &of.exprs;
        assert_eq!(
            (exprs.right, exprs.found),
            (exprs.wanted, exprs.wanted),
            "{name}"
        );
        assert!(of.ours.recall() >= of.lines.recall(), "{name}");
    }
}

/// Every statement of a file is itself in the same file.
#[test]
fn a_version_is_matched_with_itself() {
    let text = "x = 0\nx = 0\nfor x in y:\n    x = 0\n    x = 0\nelse:\n    x = 0\n";
    let file = || linked(&vec![("__main__".to_owned(), text.to_owned())]);
    let (old, new) = (file(), file());
    let matching = match_versions(&old, &new);
    assert!(matching.stmts.iter().all(|(a, b)| a == b));
    assert_eq!(matching.stmts.len(), old.tree.stmt_count());
}
