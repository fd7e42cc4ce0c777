//! Python source text, spans, edits, source maps and the arena tree.
pub mod span;
pub mod tree;
