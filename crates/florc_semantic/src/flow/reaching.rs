//! x
use super::*;
/// x
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reaching {
    /// Statements whose definitions may be the one that is in force.
    pub stmts: std::collections::BTreeSet<StmtId>,
    /// The variable may be unbound, or bound by code that is not followed here.
    pub from_outside: bool,
}
impl Semantics {
    /// Definitions of a variable that may be in force just before a statement.
    pub fn reaching(&self, _stmt: StmtId, _binding: BindingId) -> Reaching {
        Reaching::default()
    }
}
