//! What is left in two nodes that are matched: their suites in order, their expressions by place.
//!
//! ```python
//! lr = 0.5          lr = 0.4           # alike enough: the same statement, changed
//! step(model)       step(net)          # the same, with another name in it
//! ```
//!
//! Equal shapes first (longest common subsequence), then an optimal alignment in order of what is
//! alike (dynamic programming over small gaps), as the last step of GumTree does over small
//! subtrees (ASE 2014, section 3.2; the bound keeps it linear in practice). Nothing is matched
//! across different parents here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use florc_syntax::Module;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::likeness::{Bags, likeness};
use super::nodes::{Node, Nodes};
use super::pairs::Pairs;

/// Combinations of a gap up to which the best alignment is searched.
const OPTIMAL: usize = 2_500;
/// How alike two statements must be to be one that was changed.
const ALIKE: f64 = 0.55;

/// Equal for what belongs together.
type Key = (u8, u32);

/// Both versions and what is matched.
pub(super) struct Recovery<'a> {
    pub(super) before: &'a Module,
    pub(super) after: &'a Module,
    pub(super) old: &'a Nodes,
    pub(super) new: &'a Nodes,
    pub(super) pairs: &'a mut Pairs,
}

impl Recovery<'_> {
    /// Goes through every matched pair, outer ones first.
    pub(super) fn through(&mut self) {
        let mut bags = Bags::new(self.old, self.new, self.pairs);
        for one in 0..self.old.len() {
            let Some(other) = self.pairs.new_of(one) else {
                continue;
            };
            if self.old.node(one).shape == self.new.node(other).shape {
                self.pairs.pair_whole(self.old, one, other);
                continue;
            }
            self.expressions(one, other);
            self.expressions_inside(one, other);
            let mine = self.old.suites(self.before, one);
            let theirs = self.new.suites(self.after, other);
            for (mine, theirs) in mine.iter().zip(&theirs) {
                for (olds, news) in self.suite(mine, theirs, &mut bags) {
                    self.by_kind(&olds, &news);
                }
            }
        }
    }

    /// Equal statements, those of them that are in new or gone blocks, equal headers, and what is
    /// alike; gives the gaps that were too large for that.
    pub(super) fn suite(&mut self, mine: &[u32], theirs: &[u32], bags: &mut Bags) -> Vec<Stretch> {
        let mut large = Vec::new();
        for (olds, news) in self.equal(mine, theirs, |node| node.shape) {
            let (olds, news) = self.free(&mine[olds], &theirs[news]);
            self.equal_unfolded(&olds, &news);
            let (olds, news) = self.free(&olds, &news);
            if olds.len() * news.len() <= OPTIMAL {
                self.alike(&olds, &news, bags);
            } else {
                large.push((olds, news));
            }
        }
        large
    }

    /// Those without a partner.
    pub(super) fn free(&self, mine: &[u32], theirs: &[u32]) -> Stretch {
        let olds = mine.iter().copied();
        let news = theirs.iter().copied();
        (
            olds.filter(|it| self.pairs.new_of(*it).is_none()).collect(),
            news.filter(|it| self.pairs.old_of(*it).is_none()).collect(),
        )
    }

    /// Matches what has equal keys, in order; gives the stretches between.
    pub(super) fn equal(
        &mut self,
        mine: &[u32],
        theirs: &[u32],
        key: impl Fn(&Node) -> u32,
    ) -> Vec<Gap> {
        // A pair that is matched is a fixed point; what is matched elsewhere is in nobody's way.
        let keys = self.keys(mine, theirs, key);
        gaps(&keys.0, &keys.1, |i, j| {
            // What is matched already may say something else.
            if self.pairs.are_free(mine[i], theirs[j]) {
                if self.old.node(mine[i]).shape == self.new.node(theirs[j]).shape {
                    self.pairs.pair_whole(self.old, mine[i], theirs[j]);
                } else {
                    self.pairs.pair(mine[i], theirs[j]);
                }
            }
        })
    }

    /// Keys that are equal for what belongs together.
    fn keys(
        &self,
        mine: &[u32],
        theirs: &[u32],
        key: impl Fn(&Node) -> u32,
    ) -> (Vec<Key>, Vec<Key>) {
        let olds: BTreeSet<u32> = mine.iter().copied().collect();
        let news: BTreeSet<u32> = theirs.iter().copied().collect();
        let old_key = |it: &u32| match self.pairs.new_of(*it) {
            Some(other) if news.contains(&other) => (0, other),
            Some(_) => (1, *it),
            None => (2, key(self.old.node(*it))),
        };
        let new_key = |it: &u32| match self.pairs.old_of(*it) {
            Some(one) if olds.contains(&one) => (0, *it),
            Some(_) => (3, *it),
            None => (2, key(self.new.node(*it))),
        };
        (
            mine.iter().map(old_key).collect(),
            theirs.iter().map(new_key).collect(),
        )
    }

    /// The alignment in order with the greatest sum of likeness.
    fn alike(&mut self, olds: &[u32], news: &[u32], bags: &mut Bags) {
        let width = news.len() + 1;
        let mut best = vec![0.0_f64; (olds.len() + 1) * width];
        let mut like = vec![0.0_f64; olds.len() * news.len()];
        for i in (0..olds.len()).rev() {
            for j in (0..news.len()).rev() {
                let same = likeness((self.old, olds[i]), (self.new, news[j]), bags);
                let value = if same >= ALIKE { same } else { 0.0 };
                like[i * news.len() + j] = value;
                let matched = value + best[(i + 1) * width + j + 1];
                let skipped = best[(i + 1) * width + j].max(best[i * width + j + 1]);
                best[i * width + j] = matched.max(skipped);
            }
        }
        let (mut i, mut j) = (0, 0);
        while i < olds.len() && j < news.len() {
            let value = like[i * news.len() + j];
            let here = best[i * width + j];
            if value > 0.0 && here <= value + best[(i + 1) * width + j + 1] {
                self.pairs.pair(olds[i], news[j]);
                (i, j) = (i + 1, j + 1);
            } else if here <= best[(i + 1) * width + j] {
                i += 1;
            } else {
                j += 1;
            }
        }
    }

    /// In order, each with the next of its kind: for gaps too large to search.
    fn by_kind(&mut self, olds: &[u32], news: &[u32]) {
        let kinds = |nodes: &Nodes, of: &[u32]| -> Vec<Key> {
            of.iter().map(|it| (2, nodes.node(*it).label)).collect()
        };
        let (mine, theirs) = (kinds(self.old, olds), kinds(self.new, news));
        gaps(&mine, &theirs, |i, j| self.pairs.pair(olds[i], news[j]));
    }

    /// Expressions of a pair, all the way down.
    fn expressions(&mut self, one: u32, other: u32) {
        let mut work = vec![(one, other)];
        while let Some((one, other)) = work.pop() {
            let mine = self.old.exprs(one);
            let theirs = self.new.exprs(other);
            let free = |(a, b): &(u32, u32)| {
                self.old.node(*a).kind == self.new.node(*b).kind && self.pairs.are_free(*a, *b)
            };
            let found: Vec<(u32, u32)> = if mine.len() == theirs.len() {
                mine.into_iter().zip(theirs).filter(free).collect()
            } else {
                self.in_order(&mine, &theirs)
            };
            for (a, b) in found {
                if self.old.node(a).shape == self.new.node(b).shape {
                    self.pairs.pair_whole(self.old, a, b);
                } else {
                    self.pairs.pair(a, b);
                    work.push((a, b));
                }
            }
        }
    }

    /// Equal expressions that are left in a pair of statements: one of them is inside of something
    /// new, as `x` is in `f(x)`.
    fn expressions_inside(&mut self, one: u32, other: u32) {
        let mut mine = self.old.all_exprs(one);
        mine.sort_by_key(|it| (std::cmp::Reverse(self.old.node(*it).size), *it));
        let mut theirs: BTreeMap<u32, VecDeque<u32>> = BTreeMap::new();
        for b in self.new.all_exprs(other) {
            let equal = theirs.entry(self.new.node(b).shape).or_default();
            equal.push_back(b);
        }
        for a in mine {
            let shape = self.old.node(a).shape;
            let Some(equal) = theirs
                .get_mut(&shape)
                .filter(|_| self.pairs.new_of(a).is_none())
            else {
                continue;
            };
            while let Some(b) = equal.pop_front() {
                if self.pairs.are_free(a, b) {
                    self.pairs.pair_whole(self.old, a, b);
                    break;
                }
            }
        }
    }

    /// Equal expressions, and between them those of one kind.
    fn in_order(&self, mine: &[u32], theirs: &[u32]) -> Vec<(u32, u32)> {
        let keys = self.keys(mine, theirs, |node| node.shape);
        let mut found = Vec::new();
        for (olds, news) in gaps(&keys.0, &keys.1, |i, j| found.push((mine[i], theirs[j]))) {
            for (a, b) in mine[olds].iter().zip(&theirs[news]) {
                let is_one_kind = self.old.node(*a).kind == self.new.node(*b).kind;
                if is_one_kind && self.pairs.are_free(*a, *b) {
                    found.push((*a, *b));
                }
            }
        }
        found
    }
}

/// Statements of both versions.
type Stretch = (Vec<u32>, Vec<u32>);

type Gap = (std::ops::Range<usize>, std::ops::Range<usize>);

/// Reports equal keys to `matched`; gives the stretches between them.
fn gaps(old: &[Key], new: &[Key], mut matched: impl FnMut(usize, usize)) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, old, new) {
        let (mine, theirs) = (op.old_range(), op.new_range());
        if let DiffOp::Equal { .. } = op {
            mine.zip(theirs).for_each(|(i, j)| matched(i, j));
            continue;
        }
        match gaps.last_mut() {
            Some(last) if last.0.end == mine.start && last.1.end == theirs.start => {
                (last.0.end, last.1.end) = (mine.end, theirs.end);
            }
            _ => gaps.push((mine, theirs)),
        }
    }
    gaps
}
