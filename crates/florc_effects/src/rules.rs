//! The rules of Python: one function per construct, all constructs listed.
//!
//! ```python
//! with torch.no_grad():        # statement
//!     w -= lr * w.grad         # statement, target, operator, attribute
//! ```
//!
//! Each rule reads and extends the state in [`crate::interp`]; none decides when to stop.

mod attribute;
mod call;
mod expression;
mod iterate;
mod library;
mod method;
mod namespace;
mod operator;
mod places;
mod result;
mod statement;
mod subscript;
mod target;
