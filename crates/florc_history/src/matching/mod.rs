//! Matches the statements and expressions of two versions by tree differencing.
//!
//! ```python
//! def train():                 def fit(net):
//!     for x in data:               for x in data:        # the same loop, in another function
//!         step(model)                  step(net)         # the same statement, renamed variable
//! ```
//!
//! The GumTree family: equal statements top-down, containers bottom-up, then a bounded optimal
//! step inside of what is matched, and beside what was moved. Robust to renamed variables, moved code, reformatting and
//! reordered definitions; which difference matters is not decided here.

mod containers;
mod identical;
mod likeness;
mod moved;
mod nodes;
mod pairs;
mod recovery;
mod words;

use std::collections::BTreeMap;

use florc_syntax::Module;
use florc_syntax::tree::{ExprId, StmtId};

use self::nodes::{Nodes, Numbers, Origin};
use self::pairs::Pairs;
use self::recovery::Recovery;

/// Which statement and which expression of the older version is which of the newer one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// Older to newer.
    pub stmts: BTreeMap<StmtId, StmtId>,
    /// Older to newer, in matched statements.
    pub exprs: BTreeMap<ExprId, ExprId>,
    /// Newer to older.
    pub old_stmts: BTreeMap<StmtId, StmtId>,
    /// Pairs of statements that say the same, with all that they hold.
    same: std::collections::BTreeSet<StmtId>,
}

impl Matching {
    /// Whether the newer statement says exactly what its partner says, with all it holds.
    pub fn is_same(&self, new: StmtId) -> bool {
        self.same.contains(&new)
    }

    /// Without the pairs of statements that are no pairs for a caller who knows more of them.
    #[must_use]
    pub fn only(mut self, is_pair: impl Fn(StmtId, StmtId) -> bool) -> Self {
        self.stmts.retain(|old, new| is_pair(*old, *new));
        self.old_stmts.retain(|new, old| is_pair(*old, *new));
        self
    }
}

/// Matches two versions of a program.
pub fn match_versions(old: &Module, new: &Module) -> Matching {
    let mut numbers = Numbers::default();
    let before = Nodes::new(old, &mut numbers);
    let after = Nodes::new(new, &mut numbers);
    let mut pairs = Pairs::new(&before, &after);
    containers::by_name((old, &before), (new, &after), &mut pairs);
    identical::unique(&before, &after, &mut pairs);
    containers::moved_definitions((old, &before), (new, &after), &mut pairs);
    containers::by_most(&before, &after, &mut pairs);
    identical::unique_small(&before, &after, &mut pairs);
    let mut recovery = Recovery {
        before: old,
        after: new,
        old: &before,
        new: &after,
        pairs: &mut pairs,
    };
    recovery.run();
    identical::unique_but_names(&before, &after, recovery.pairs);
    for _ in 0..2 {
        recovery.run();
        containers::by_content(&before, &after, recovery.pairs);
        identical::repeated(&before, &after, recovery.pairs);
    }
    recovery.run();
    recovery.run_unfolded();
    collect(&before, &after, &pairs)
}

fn collect(before: &Nodes, after: &Nodes, pairs: &Pairs) -> Matching {
    let mut matching = Matching::default();
    for (index, node) in before.nodes.iter().enumerate() {
        let Some(other) = pairs.new_of(index as u32) else {
            continue;
        };
        match (node.origin, after.node(other).origin) {
            (Origin::Stmt(one), Origin::Stmt(two)) => {
                matching.stmts.insert(one, two);
                matching.old_stmts.insert(two, one);
                if node.shape == after.node(other).shape {
                    matching.same.insert(two);
                }
            }
            (Origin::Expr(one), Origin::Expr(two)) => {
                matching.exprs.insert(one, two);
            }
            _ => {}
        }
    }
    matching
}
