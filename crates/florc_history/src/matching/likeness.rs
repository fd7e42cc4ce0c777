//! How alike two statements are.
//!
//! ```python
//! loss = criterion(out, y)
//! loss = criterion(net(x), y)     # most words are the same, and what is assigned
//! ```
//!
//! Dice's coefficient over the words (names, numbers, texts), and over the kinds of the parts. Names
//! that matched statements call otherwise count as the same. Of statements that hold others, what
//! they say themselves counts more; an assignment is known by what it assigns, a call by what it
//! calls. No structure is compared.

use std::collections::HashMap;

use super::nodes::Nodes;
use super::pairs::Pairs;

/// Parts that are looked at of one statement.
const PARTS: u32 = 300;

/// How much a statement counts that assigns or calls something else.
const OTHER_NAME: f64 = 0.85;

/// Sorted words and kinds of the parts of a statement.
#[derive(Clone, Debug)]
struct Bag {
    words: Vec<u32>,
    kinds: Vec<u32>,
    /// Words of the statement without its suites.
    header: Vec<u32>,
    /// What it assigns or calls.
    known_by: Vec<u32>,
    /// Of an import.
    import: Vec<u32>,
}

/// Bags that were made, by version and node.
#[derive(Debug, Default)]
pub(super) struct Bags {
    known: HashMap<(bool, u32), Bag>,
    /// Words of the older version that the newer one calls otherwise.
    renamed: HashMap<u32, u32>,
}

impl Bags {
    /// Knows the names of what is matched.
    pub(super) fn new(old: &Nodes, new: &Nodes, pairs: &Pairs) -> Self {
        let mut votes: HashMap<(u32, u32), u32> = HashMap::new();
        for (index, node) in old.nodes.iter().enumerate().filter(|(_, it)| it.is_name) {
            let partner = pairs.new_of(index as u32).map(|it| new.node(it));
            let partner = partner.filter(|it| it.is_name);
            if let ([one], Some([other])) =
                (node.words.as_slice(), partner.map(|it| it.words.as_slice()))
            {
                *votes.entry((*one, *other)).or_default() += 1;
            }
        }
        Self {
            known: HashMap::new(),
            renamed: first_choices(&votes),
        }
    }

    fn make(&mut self, key: (bool, u32), nodes: &Nodes) {
        let renamed = &self.renamed;
        let is_old = !key.0;
        self.known.entry(key).or_insert_with(|| {
            let now = |word: u32| match renamed.get(&word) {
                Some(other) if is_old => *other,
                _ => word,
            };
            let words = |it: u32| nodes.node(it).words.iter().map(|it| now(*it));
            let sorted = |mut bag: Vec<u32>| {
                bag.sort_unstable();
                bag
            };
            let node = nodes.node(key.1);
            let parts = key.1..key.1 + node.size.min(PARTS);
            let known_by: Vec<u32> = node.known_by.iter().map(|it| now(*it)).collect();
            let all = parts.clone().flat_map(words);
            let own = nodes.all_exprs(key.1).into_iter();
            Bag {
                words: sorted(all.collect()),
                kinds: sorted(parts.map(|it| nodes.node(it).kind).collect()),
                header: sorted(words(key.1).chain(own.flat_map(words)).collect()),
                known_by: sorted(known_by),
                import: sorted(node.import.clone()),
            }
        });
    }
}

/// Pairs that are the first choice of both sides.
fn first_choices(votes: &HashMap<(u32, u32), u32>) -> HashMap<u32, u32> {
    let mut of_old: HashMap<u32, (u32, u32)> = HashMap::new();
    let mut of_new: HashMap<u32, (u32, u32)> = HashMap::new();
    let mut sorted: Vec<_> = votes.iter().collect();
    sorted.sort_unstable();
    for ((one, other), count) in sorted {
        for (choices, of, choice) in [(&mut of_old, one, other), (&mut of_new, other, one)] {
            let best = choices.entry(*of).or_insert((*count, *choice));
            if *count > best.0 {
                *best = (*count, *choice);
            }
        }
    }
    let is_mutual = |(one, (_, other)): &(u32, (u32, u32))| of_new[other].1 == *one;
    let mutual = of_old.into_iter().filter(is_mutual);
    mutual.map(|(one, (_, other))| (one, other)).collect()
}

/// From 0 (nothing in common, or of different kinds) to 1.
pub(super) fn likeness(one: (&Nodes, u32), other: (&Nodes, u32), bags: &mut Bags) -> f64 {
    if one.0.node(one.1).kind != other.0.node(other.1).kind {
        return 0.0;
    }
    let keys = ((false, one.1), (true, other.1));
    bags.make(keys.0, one.0);
    bags.make(keys.1, other.0);
    let (a, b) = (&bags.known[&keys.0], &bags.known[&keys.1]);
    if !a.import.is_empty() {
        return dice(&a.import, &b.import);
    }
    let whole = 0.6 * dice(&a.words, &b.words) + 0.4 * dice(&a.kinds, &b.kinds);
    let header = 0.6 * dice(&a.header, &b.header) + 0.4 * whole;
    if a.known_by.is_empty() {
        return whole.max(header);
    }
    let name = dice(&a.known_by, &b.known_by);
    if name > 0.0 {
        whole.max(0.5 * name + 0.5 * whole)
    } else {
        OTHER_NAME * whole
    }
}

fn dice(a: &[u32], b: &[u32]) -> f64 {
    let (mut i, mut j, mut common) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, common) = (i + 1, j + 1, common + 1),
        }
    }
    2.0 * f64::from(common) / (a.len() + b.len()).max(1) as f64
}
