//! Blocks that are run since a statement comes before them that may change the training.
//!
//! ```python
//! for epoch in range(8):
//!     train(model)                    # its block is skipped
//!     print(model.extra_repr())       # may change the training: states are compared at the next head
//!     evaluate(model)                 # its block is run
//! ```
//!
//! For expected times and pictures; what is skipped is decided by the worker.

use std::collections::BTreeSet;

use florc_effects::Effects;
use florc_semantic::Semantics;
use florc_syntax::Module;
use florc_syntax::tree::StmtId;

use super::changes::Comparison;

/// Ids of the blocks, given as statements with their ids.
pub(super) fn in_doubt<'a>(
    comparison: &Comparison,
    module: &Module,
    blocks: impl Iterator<Item = (StmtId, &'a String)>,
) -> BTreeSet<String> {
    let order = Order {
        module,
        semantics: &comparison.current.semantics,
        effects: &comparison.current.effects,
    };
    let is_in_doubt = |block: StmtId| {
        let mut loops = comparison.doubted.iter();
        loops.any(|main| {
            let mut statements = comparison.doubtful_statements.iter();
            statements.any(|stmt| order.may_come_before(*main, *stmt, block))
        })
    };
    let blocks = blocks.filter(|(block, _)| is_in_doubt(*block));
    blocks.map(|(_, id)| id.clone()).collect()
}

/// What runs before what in an iteration.
struct Order<'a> {
    module: &'a Module,
    semantics: &'a Semantics,
    effects: &'a Effects,
}

impl Order<'_> {
    /// Whether a statement may run before a block in an iteration of a loop.
    fn may_come_before(&self, main: StmtId, stmt: StmtId, block: StmtId) -> bool {
        let tree = &self.module.tree;
        let body: Vec<StmtId> = tree.blocks(main).into_iter().flatten().copied().collect();
        let first = body.iter().position(|child| self.may_run(*child, stmt));
        let last = body.iter().rposition(|child| self.may_run(*child, block));
        match (first, last) {
            (Some(first), Some(last)) if first == last => {
                let function = |it| self.semantics.function_of_stmt(it);
                function(stmt) != function(block)
                    || tree.stmt(stmt).span.start < tree.stmt(block).span.start
            }
            (Some(first), Some(last)) => first < last,
            (None, _) | (_, None) => false,
        }
    }

    /// Whether a statement is, holds, or may call what holds another.
    fn may_run(&self, outer: StmtId, inner: StmtId) -> bool {
        let function = self.semantics.function_of_stmt(inner);
        outer == inner
            || self.module.tree.descendants(outer).any(|it| it == inner)
            || self.effects.may_reach(&[outer]).contains(&function)
    }
}
