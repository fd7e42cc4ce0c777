//! What was moved and edited: looked for beside what was moved, and in new or gone blocks.
//!
//! ```python
//! x = f(a)          def part(a):
//! y = g(x)              x = f(a, 2)      # beside `y = g(x)`, which says the same
//!                       y = g(x)
//! ```
//!
//! Uses the alignment of suites as it is for matched parents; whether two statements are alike
//! is not decided here.

use std::collections::BTreeMap;

use florc_syntax::Module;

use super::likeness::Bags;
use super::nodes::Nodes;
use super::recovery::Recovery;

impl Recovery<'_> {
    /// Suites that hold partners, then every matched pair, outer ones first.
    pub(super) fn run(&mut self) {
        self.beside();
        self.through();
    }

    /// The same once more, through blocks that are no partner of anything.
    pub(super) fn run_unfolded(&mut self) {
        self.inside();
        self.through();
    }

    /// Suites that hold partners, those with most of them first, whatever holds the suites.
    fn beside(&mut self) {
        let mut bags = Bags::new(self.old, self.new, self.pairs);
        let mine = Suites::new(self.before, self.old);
        let theirs = Suites::new(self.after, self.new);
        let mut shared: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for one in 0..self.old.len() {
            let other = self.pairs.new_of(one);
            let theirs = other.and_then(|it| theirs.of.get(&it));
            if let (Some(mine), Some(theirs)) = (mine.of.get(&one), theirs) {
                *shared.entry((*mine, *theirs)).or_default() += 1;
            }
        }
        let mut shared: Vec<_> = shared.into_iter().collect();
        shared.sort_by_key(|(suites, count)| (std::cmp::Reverse(*count), *suites));
        for ((one, other), _) in shared {
            self.suite(&mine.all[one], &theirs.all[other], &mut bags);
        }
    }

    /// What is alike in blocks without a partner, on one side or both.
    fn inside(&mut self) {
        let mut bags = Bags::new(self.old, self.new, self.pairs);
        for one in 0..self.old.len() {
            let Some(other) = self.pairs.new_of(one) else {
                continue;
            };
            let mine = self.old.suites(self.before, one);
            let theirs = self.new.suites(self.after, other);
            for (mine, theirs) in mine.iter().zip(&theirs) {
                let olds = unfold(self.old, mine, |it| self.pairs.new_of(it).is_none());
                let news = unfold(self.new, theirs, |it| self.pairs.old_of(it).is_none());
                if (olds.len(), news.len()) != (mine.len(), theirs.len()) {
                    self.suite(&olds, &news, &mut bags);
                }
            }
        }
    }

    /// Statements and headers that occur once on both sides, whether or not blocks without a partner
    /// are around them.
    pub(super) fn equal_unfolded(&mut self, olds: &[u32], news: &[u32]) {
        if olds.is_empty() || news.is_empty() {
            return;
        }
        let mine = unfold(self.old, olds, |it| self.pairs.new_of(it).is_none());
        let theirs = unfold(self.new, news, |it| self.pairs.old_of(it).is_none());
        let (mine, theirs) = self.free(&mine, &theirs);
        let mine = once(self.old, mine);
        let theirs = once(self.new, theirs);
        let both = |(header, it): (&u32, &u32)| Some((*it, *theirs.get(header)?));
        let (mut mine, mut theirs): (Vec<u32>, Vec<u32>) = mine.iter().filter_map(both).unzip();
        mine.sort_unstable();
        theirs.sort_unstable();
        self.equal(&mine, &theirs, |node| node.header);
    }
}

/// Those whose headers occur once, by header.
fn once(nodes: &Nodes, stmts: Vec<u32>) -> BTreeMap<u32, u32> {
    let mut found: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for stmt in stmts {
        found.entry(nodes.node(stmt).header).or_default().push(stmt);
    }
    let single = found.into_iter().filter(|(_, stmts)| stmts.len() == 1);
    single.map(|(header, stmts)| (header, stmts[0])).collect()
}

/// Statements with those in blocks that are no partner of anything.
fn unfold(nodes: &Nodes, stmts: &[u32], is_free: impl Fn(u32) -> bool) -> Vec<u32> {
    let mut found = Vec::new();
    let mut work: Vec<u32> = stmts.iter().rev().copied().collect();
    while let Some(stmt) = work.pop() {
        found.push(stmt);
        if is_free(stmt) {
            let inner = nodes.node(stmt).children.iter().rev().copied();
            work.extend(inner.filter(|it| nodes.node(*it).is_stmt()));
        }
    }
    found
}

/// The suites of a version, and the one of each statement.
struct Suites {
    all: Vec<Vec<u32>>,
    of: BTreeMap<u32, usize>,
}

impl Suites {
    fn new(module: &Module, nodes: &Nodes) -> Self {
        let mut suites = Self {
            all: Vec::new(),
            of: BTreeMap::new(),
        };
        for suite in (0..nodes.len()).flat_map(|index| nodes.suites(module, index)) {
            let number = suites.all.len();
            suites.of.extend(suite.iter().map(|it| (*it, number)));
            suites.all.push(suite);
        }
        suites
    }
}
