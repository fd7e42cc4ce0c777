//! What abstract objects are.
//!
//! ```python
//! model = nn.Linear(2, 3)      # Typed(torch.nn.Linear)
//! net = Net()                  # Instance(Net): a class of the program
//! ```
//!
//! A rule that treats each kind in its own way matches on all of them; one that asks for one thing asks here.

use florc_semantic::FunctionId;
use florc_syntax::tree::StmtId;

use crate::name::Name;

/// Identity of an abstract object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjId(pub(crate) u32);

/// Every immutable value without inner structure: numbers, strings, `None`, dtypes, `range(…)`.
pub(crate) const SCALAR: ObjId = ObjId(0);

/// In a dense heap: every unknown value, and all that unknown code knows.
pub(crate) const ANYTHING: ObjId = ObjId(1);

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ObjKind {
    Scalar,
    /// An instance of a type of the knowledge base.
    Typed(Name),
    /// Anything.
    Unknown,
    /// An instance of a class of this module.
    Instance(StmtId),
    Function(FunctionId),
    Class(StmtId),
    /// A module, class, function or value of a library, by dotted name.
    Library(Name),
    /// The module of a file of the program.
    Module(usize),
    /// A bound method; the receivers are in the field [`Field::Receiver`].
    Method(Name),
    /// `super()` inside a method of this class.
    Super(StmtId),
}

impl ObjKind {
    /// The type, of an instance of a type of the knowledge base.
    pub(crate) fn typed(self) -> Option<Name> {
        match self {
            Self::Typed(of) => Some(of),
            Self::Scalar
            | Self::Unknown
            | Self::Instance(_)
            | Self::Function(_)
            | Self::Class(_)
            | Self::Library(_)
            | Self::Module(_)
            | Self::Method(_)
            | Self::Super(_) => None,
        }
    }
}
