//! Python source text, spans, edits, source maps and the arena tree.
//!
//! ```python
//! print(f"loss {loss:.3f}")    # a statement with ids for the call, the f-string and `loss`
//! ```
//!
//! Parses a file of Python ≤ 3.12 into our own tree with ids, links the files of a program into one
//! tree and one text, tells where strings and comments are, and applies edits that keep every other
//! byte. Knows nothing of names' meanings: scopes,
//! flow and effects live in other crates.

pub mod big_stack;
pub mod diagnostic;
pub mod edit;
mod encoding;
mod excerpt;
mod link;
mod literal;
mod lower;
mod parse;
mod relocate;
mod scan;
pub mod source_map;
pub mod span;
pub mod text;
pub mod token;
pub mod tree;
pub mod trivia;
pub mod walk;

pub use diagnostic::{Diagnostic, Reason, Severity};
pub use edit::{Edit, EditError, EditSet, Edited};
pub use encoding::Encoding;
pub use excerpt::excerpt;
pub use link::{Named, ProgramFile, link};
pub use parse::{Module, parse};
pub use source_map::{Segment, SourceMap};
pub use span::Span;
pub use text::{FileInfo, LineColumn, SourceText};
pub use trivia::Trivia;
