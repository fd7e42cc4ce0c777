//! Identities of what the analysis finds.
//!
//! ```python
//! def main():            # FunctionId(1), its body is a scope ScopeId(1)
//!     for x in xs: ...   # LoopId(0), `x` is a binding BindingId(..)
//! ```
//!
//! Plain numbers in source order; they mean nothing outside one [`crate::Semantics`].

/// Identity of a scope; 0 is the module's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeId(pub u32);

/// Identity of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BindingId(pub u32);

/// Identity of a function, lambda or module body; 0 is the module body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionId(pub u32);

/// Identity of a `for` or `while` loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LoopId(pub u32);

macro_rules! index {
    ($($id:ty),*) => {$(
        impl $id {
            /// As an index into the vector that holds what the id names.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}
index!(ScopeId, BindingId, FunctionId, LoopId);
