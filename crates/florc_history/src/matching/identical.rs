//! Statements that say exactly the same in both versions.
//!
//! ```python
//! loss.backward()     # once in each version: matched, wherever it stands
//! print()             # several times: matched where the surroundings say which
//! ```
//!
//! The top-down phase of GumTree (Falleri et al., "Fine-grained and accurate source code
//! differencing", ASE 2014, section 3.1), over statements. Does not match what differs.

use std::collections::BTreeMap;

use super::nodes::{Node, Nodes};
use super::pairs::Pairs;

/// Smaller statements are too common to be known by what they say alone.
const TELLING: u32 = 6;
/// Of statements whose variables are called otherwise: a call with an argument, at least, and
/// something that is no variable.
const TELLING_BUT_NAMES: u32 = 4;
/// Of what nothing else explains: an assignment of a number, a call.
const SMALL: u32 = 3;
/// More combinations of equal statements than this are left to their surroundings.
const COMBINATIONS: usize = 400;

type Groups = BTreeMap<u32, (Vec<u32>, Vec<u32>)>;

fn groups(
    old: &Nodes,
    new: &Nodes,
    key: impl Fn(&Node) -> u32,
    wanted: impl Fn(&Node) -> bool,
) -> Groups {
    let mut groups = Groups::new();
    for (index, node) in old.nodes.iter().enumerate().filter(|(_, it)| wanted(it)) {
        groups.entry(key(node)).or_default().0.push(index as u32);
    }
    for (index, node) in new.nodes.iter().enumerate().filter(|(_, it)| wanted(it)) {
        if let Some(group) = groups.get_mut(&key(node)) {
            group.1.push(index as u32);
        }
    }
    groups.retain(|_, group| !group.1.is_empty());
    groups
}

/// Matches telling statements that occur once in each version, the largest first.
pub(super) fn unique(old: &Nodes, new: &Nodes, pairs: &mut Pairs) {
    let is_telling = |node: &Node| {
        node.size >= TELLING || node.fixed_words >= TELLING || !node.import.is_empty()
    };
    let wanted = |node: &Node| node.is_stmt() && is_telling(node);
    let groups = groups(old, new, |node| node.shape, wanted);
    pair_unique(&groups, (old, new), pairs);
}

/// The same, whatever variables are called, among those that are left.
pub(super) fn unique_but_names(old: &Nodes, new: &Nodes, pairs: &mut Pairs) {
    let is_telling = |node: &Node| node.size >= TELLING_BUT_NAMES && node.fixed_words > 0;
    let wanted = |node: &Node| node.is_stmt() && is_telling(node);
    let mut groups = groups(old, new, |node| node.loose, wanted);
    for (olds, news) in groups.values_mut() {
        olds.retain(|it| pairs.new_of(*it).is_none());
        news.retain(|it| pairs.old_of(*it).is_none());
    }
    pair_unique(&groups, (old, new), pairs);
}

/// Matches what is left of smaller ones that occur once in each version.
pub(super) fn unique_small(old: &Nodes, new: &Nodes, pairs: &mut Pairs) {
    let wanted = |node: &Node| node.is_stmt() && node.size >= SMALL;
    let groups = groups(old, new, |node| node.shape, wanted);
    pair_unique(&groups, (old, new), pairs);
}

fn pair_unique(groups: &Groups, (old, new): (&Nodes, &Nodes), pairs: &mut Pairs) {
    let mut found: Vec<(u32, u32)> = Vec::new();
    for (olds, news) in groups.values() {
        if let ([one], [other]) = (olds.as_slice(), news.as_slice()) {
            found.push((*one, *other));
        }
    }
    found.sort_by_key(|(one, _)| (std::cmp::Reverse(old.node(*one).size), *one));
    for (one, other) in found {
        if !pairs.are_free(one, other) {
            continue;
        }
        if are_one_structure((old, one), (new, other)) {
            pairs.pair_whole(old, one, other);
        } else {
            pairs.pair(one, other);
        }
    }
}

/// Whether the parts are as many and of the same kinds: `self.x` is more than `x`.
fn are_one_structure((old, one): (&Nodes, u32), (new, other): (&Nodes, u32)) -> bool {
    let size = old.node(one).size;
    let is_one_kind = |at: u32| old.node(one + at).kind == new.node(other + at).kind;
    size == new.node(other).size && (0..size).all(is_one_kind)
}

/// Matches what is left of equal statements, the best surroundings first.
pub(super) fn repeated(old: &Nodes, new: &Nodes, pairs: &mut Pairs) {
    let groups = groups(old, new, |node| node.shape, Node::is_stmt);
    let mut found: Vec<(u32, u32, u32)> = Vec::new();
    for (olds, news) in groups.values() {
        let olds: Vec<u32> = free(olds, |it| pairs.new_of(it).is_none());
        let news: Vec<u32> = free(news, |it| pairs.old_of(it).is_none());
        if olds.len() * news.len() > COMBINATIONS {
            continue;
        }
        for &one in &olds {
            for &other in &news {
                let score = likeness(old, new, pairs, one, other);
                // A small statement somewhere else is another statement.
                if score >= 3 || score > 0 && old.node(one).size >= TELLING {
                    found.push((score, one, other));
                }
            }
        }
    }
    found.sort_by_key(|(score, one, other)| (std::cmp::Reverse(*score), *one, *other));
    for (_, one, other) in found {
        if pairs.are_free(one, other) {
            pairs.pair_whole(old, one, other);
        }
    }
}

fn free(nodes: &[u32], is_free: impl Fn(u32) -> bool) -> Vec<u32> {
    nodes
        .iter()
        .copied()
        .filter(|node| is_free(*node))
        .collect()
}

/// How much the surroundings of two statements agree.
fn likeness(old: &Nodes, new: &Nodes, pairs: &Pairs, one: u32, other: u32) -> u32 {
    let (mine, theirs) = (old.node(one).parent, new.node(other).parent);
    let mut score = 0;
    if pairs.new_of(mine) == Some(theirs) {
        score += 4;
    } else if within(old, mine, |it| pairs.new_of(it).is_some()).and_then(|it| pairs.new_of(it))
        == within(new, theirs, |it| pairs.old_of(it).is_some())
    {
        score += 2;
    }
    for step in [-1, 1] {
        let (mine, theirs) = (near(old, one, step), near(new, other, step));
        let some =
            |is: &dyn Fn(u32, u32) -> bool| mine.iter().any(|a| theirs.iter().any(|b| is(*a, *b)));
        score += if some(&|a, b| pairs.new_of(a) == Some(b)) {
            3
        } else {
            u32::from(some(&|a, b| old.node(a).shape == new.node(b).shape))
        };
    }
    score
}

/// The innermost matched node that holds one, itself included.
fn within(nodes: &Nodes, index: u32, is_matched: impl Fn(u32) -> bool) -> Option<u32> {
    let mut at = index;
    while !is_matched(at) {
        if at == 0 {
            return None;
        }
        at = nodes.node(at).parent;
    }
    Some(at)
}

/// The next two statements of the suite in a direction.
fn near(nodes: &Nodes, index: u32, step: isize) -> Vec<u32> {
    let siblings = &nodes.node(nodes.node(index).parent).children;
    let Ok(at) = siblings.binary_search(&index) else {
        return Vec::new();
    };
    let there = [step, 2 * step]
        .into_iter()
        .filter_map(|it| at.checked_add_signed(it));
    let found = there.filter_map(|it| siblings.get(it)).copied();
    found.filter(|it| nodes.node(*it).is_stmt()).collect()
}
