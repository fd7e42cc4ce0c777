//! How alike two statements are.
//!
//! ```python
//! loss = criterion(out, y)
//! loss = criterion(net(x), y)     # most parts are the same
//! ```
//!
//! Dice's coefficient over the parts with their labels, and over the kinds of parts, so that
//! renamed variables still count. Of statements that hold others, what they say themselves counts
//! more. No structure is compared.

use std::collections::HashMap;

use super::nodes::Nodes;

/// Parts that are looked at of one statement.
const PARTS: u32 = 300;

/// Sorted labels and kinds of the parts of a statement.
#[derive(Clone, Debug)]
struct Bag {
    labels: Vec<u32>,
    kinds: Vec<u32>,
    /// Labels of the statement without its suites.
    header: Vec<u32>,
}

/// Bags that were made, by version and node.
#[derive(Debug, Default)]
pub(super) struct Bags {
    known: HashMap<(bool, u32), Bag>,
}

impl Bags {
    fn make(&mut self, key: (bool, u32), nodes: &Nodes) {
        self.known.entry(key).or_insert_with(|| {
            let node = nodes.node(key.1);
            let parts = key.1..key.1 + node.size.min(PARTS);
            let mut labels: Vec<u32> = parts.clone().map(|it| nodes.node(it).label).collect();
            let mut kinds: Vec<u32> = parts.map(|it| nodes.node(it).kind).collect();
            labels.sort_unstable();
            kinds.sort_unstable();
            let mut header = vec![node.label];
            for expr in nodes.exprs(key.1) {
                header.extend((expr..expr + nodes.node(expr).size).map(|it| nodes.node(it).label));
            }
            header.sort_unstable();
            Bag {
                labels,
                kinds,
                header,
            }
        });
    }
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
    let whole = 0.6 * dice(&a.labels, &b.labels) + 0.4 * dice(&a.kinds, &b.kinds);
    whole.max(0.6 * dice(&a.header, &b.header) + 0.4 * whole)
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
