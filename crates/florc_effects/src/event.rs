//! What the abstract run of a function notes down, statement by statement.
//!
//! ```python
//! loss = train_step(net, opt, x)   # Bind(loss), Call { train_step, {net, opt, x} }
//! ```
//!
//! A flat log; [`crate::effects`] answers questions from it.

use florc_semantic::{BindingId, FunctionId};
use florc_syntax::Span;
use florc_syntax::tree::StmtId;

use crate::effect::Hidden;
use crate::object_set::ObjSet;

/// Code that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    Function(FunctionId),
    /// The body of an imported file, which runs once. What it makes and binds in its own module was
    /// there before, or nobody has seen it yet.
    Body(FunctionId),
    /// A generator expression, noted down with the statement that made it.
    Deferred(FunctionId, StmtId, Span),
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Mutate(ObjSet),
    Call {
        targets: Vec<Target>,
        /// All that is reachable from the arguments.
        reachable: ObjSet,
        /// Every function that unknown code may know runs too.
        escaping: bool,
    },
    Bind(BindingId),
    /// Any variable of the file with this body, or of every file, may be bound again.
    BindGlobals(Option<FunctionId>),
    /// Nothing is known of a call; its number among those, once all are there.
    Opaque(u32),
    Hidden(Hidden),
    Trains,
    Yield,
    Await,
}

impl Action {
    /// Whether it needs no note where every statement is taken to change everything.
    pub(crate) fn is_doubtful(&self) -> bool {
        match self {
            Self::Mutate(_) | Self::Opaque(_) | Self::Call { .. } => true,
            Self::Bind(_)
            | Self::BindGlobals(_)
            | Self::Hidden(_)
            | Self::Trains
            | Self::Yield
            | Self::Await => false,
        }
    }
}

/// One thing that happens, with its place.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) stmt: StmtId,
    pub(crate) span: Span,
    pub(crate) text: String,
    pub(crate) action: Action,
}
