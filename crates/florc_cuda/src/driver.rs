//! The one driver of the process, and its devices.
//!
//! ```python
//! torch.device("cuda:1")      # device(1)
//! ```
//!
//! Opened when they are first asked for and never closed: the process's end does that.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::device::Device;
use crate::sys::{self, Functions};

static DRIVER: LazyLock<Option<&'static Functions>> = LazyLock::new(|| {
    let functions: &'static Functions = Box::leak(Box::new(sys::load()?));
    functions.start().ok()?;
    Some(functions)
});

static DEVICES: Mutex<BTreeMap<i32, Option<&'static Device>>> = Mutex::new(BTreeMap::new());

/// A device by the number that frameworks give it; `None` where the driver has none, is not
/// there, or is too old.
pub fn device(ordinal: i32) -> Option<&'static Device> {
    let functions = (*DRIVER)?;
    let mut devices = DEVICES.lock().unwrap_or_else(PoisonError::into_inner);
    *devices.entry(ordinal).or_insert_with(|| {
        let device = Device::open(functions, ordinal).ok()?;
        Some(Box::leak(Box::new(device)))
    })
}
