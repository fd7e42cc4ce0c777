//! Statements that hold others: known by what they hold, and definitions by their names.
//!
//! ```python
//! for x in data:          for x, y in data:      # most of the body is the same: the same loop
//!     a(x); b(x)              a(x); b(x, y)
//! ```
//!
//! The bottom-up phase of GumTree (ASE 2014, section 3.2), with names first. What they hold and is
//! not matched yet is left to the recovery.

use std::collections::BTreeMap;

use florc_syntax::Module;
use florc_syntax::tree::StmtKind;

use super::nodes::{Nodes, Origin};
use super::pairs::Pairs;

/// Share of common descendants (Dice) of containers that are matched before anything that only looks
/// alike: that of GumTree.
const MOST: f64 = 0.5;

/// Share of common descendants from which two containers are the same, by the number of
/// all descendants: that of the simple heuristic of Falleri and Martinez, ICSE 2024.
fn similar(sizes: u32) -> f64 {
    1.0 / (1.0 + f64::from(sizes.max(1)).ln())
}

/// Matches the programs, files of one name, and definitions of one qualified name.
pub(super) fn by_name(
    (before, old): (&Module, &Nodes),
    (after, new): (&Module, &Nodes),
    pairs: &mut Pairs,
) {
    pairs.pair(0, 0);
    let mine = names(before, old);
    let theirs = names(after, new);
    for (name, nodes) in &mine {
        if let ([one], Some([other])) = (nodes.as_slice(), theirs.get(name).map(Vec::as_slice)) {
            pairs.pair(*one, *other);
        }
    }
    // A script may be renamed: the entry is the entry.
    if let (Some(one), Some(other)) = (first_file(old), first_file(new)) {
        pairs.pair(one, other);
    }
}

/// Definitions of one name that stand elsewhere: in another file, class or function.
pub(super) fn moved_definitions(
    (before, old): (&Module, &Nodes),
    (after, new): (&Module, &Nodes),
    pairs: &mut Pairs,
) {
    let last = |names: Names, is_free: &dyn Fn(u32) -> bool| -> Names {
        let mut found = Names::new();
        for ((kind, path), nodes) in names {
            let name = path.last().cloned().into_iter().collect();
            let nodes = nodes.into_iter().filter(|it| is_free(*it));
            found.entry((kind, name)).or_default().extend(nodes);
        }
        found
    };
    let mine = last(names(before, old), &|it| pairs.new_of(it).is_none());
    let theirs = last(names(after, new), &|it| pairs.old_of(it).is_none());
    for (name, nodes) in &mine {
        if let ([one], Some([other])) = (nodes.as_slice(), theirs.get(name).map(Vec::as_slice)) {
            pairs.pair(*one, *other);
        }
    }
}

fn first_file(nodes: &Nodes) -> Option<u32> {
    nodes.node(0).children.first().copied()
}

type Names = BTreeMap<(u32, Vec<String>), Vec<u32>>;

/// Files and definitions by kind and path of names.
fn names(module: &Module, nodes: &Nodes) -> Names {
    let mut names = Names::new();
    let mut paths: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for (index, node) in nodes.nodes.iter().enumerate() {
        let index = index as u32;
        let own = match node.origin {
            Origin::File(file) => Some(module.source.files()[file as usize].name.clone()),
            Origin::Stmt(stmt) => match &module.tree.stmt(stmt).kind {
                StmtKind::FunctionDef(def) => Some(def.name.text.clone()),
                StmtKind::ClassDef(class) => Some(class.name.text.clone()),
                _ => None,
            },
            Origin::Program | Origin::Expr(_) => None,
        };
        let mut path = paths.get(&node.parent).cloned().unwrap_or_default();
        if let Some(own) = own {
            path.push(own);
            names
                .entry((node.kind, path.clone()))
                .or_default()
                .push(index);
        }
        if !node.children.is_empty() && !matches!(node.origin, Origin::Expr(_)) {
            paths.insert(index, path);
        }
    }
    names
}

/// Containers that share most of what they hold, the inner ones first.
pub(super) fn by_most(old: &Nodes, new: &Nodes, pairs: &mut Pairs) {
    by_share(old, new, pairs, |_| MOST);
}

/// Containers that share enough of what they hold.
pub(super) fn by_content(old: &Nodes, new: &Nodes, pairs: &mut Pairs) {
    by_share(old, new, pairs, similar);
}

fn by_share(old: &Nodes, new: &Nodes, pairs: &mut Pairs, least: impl Fn(u32) -> f64) {
    for one in (1..old.len()).rev() {
        let node = old.node(one);
        let holds = matches!(node.origin, Origin::Stmt(_) | Origin::File(_)) && node.size > 1;
        if !holds || pairs.new_of(one).is_some() {
            continue;
        }
        if let Some(other) = candidate(old, new, pairs, one, &least) {
            pairs.pair(one, other);
        }
    }
}

fn candidate(
    old: &Nodes,
    new: &Nodes,
    pairs: &Pairs,
    one: u32,
    least: impl Fn(u32) -> f64,
) -> Option<u32> {
    let mut common: BTreeMap<u32, u32> = BTreeMap::new();
    let partners = old.below(one).filter_map(|below| pairs.new_of(below));
    for partner in partners {
        // Every free ancestor of one's kind holds this partner.
        let mut at = new.node(partner).parent;
        while at != 0 {
            if new.node(at).kind == old.node(one).kind && pairs.old_of(at).is_none() {
                *common.entry(at).or_default() += 1;
            }
            at = new.node(at).parent;
        }
    }
    let sizes = |other: u32| old.node(one).size + new.node(other).size - 2;
    let dice = |other: u32, shared: u32| 2.0 * f64::from(shared) / f64::from(sizes(other).max(1));
    let scored = common
        .into_iter()
        .map(|(other, shared)| (dice(other, shared), other));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))?;
    (best.0 >= least(sizes(best.1))).then_some(best.1)
}
