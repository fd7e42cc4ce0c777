//! Copies between CUDA devices and the host that do not make the program wait.
//!
//! ```python
//! model.cuda()
//! florc.carry(ID, model)      # the weights are put aside on the device, in the order of its work;
//!                             # a background thread fetches them while the training goes on
//! ```
//!
//! Three floors: [`sys`] is the driver's functions as they are, found at run time, so that one build serves
//! machines with and without a driver; [`result`] checks what they return; [`device`] owns what it
//! makes and knows which order of calls is right. Knows nothing of tensors, Python and checkpoints.

pub mod device;
mod driver;
pub mod result;
pub mod sys;

pub use device::{Device, Source, Staged};
pub use driver::device;
pub use result::CudaError;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
