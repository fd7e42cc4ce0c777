//! x
use crate::Semantics;
use florc_syntax::tree::Tree;
pub(crate) fn infer(_tree: &Tree, _semantics: &mut Semantics) {}
