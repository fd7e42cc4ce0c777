//! Bytes of a snapshot that are still on their way when it is handed over.
//!
//! ```python
//! model.cuda()      # put aside on the device at the cut point, fetched by the writer's thread
//! ```
//!
//! Does not know where they come from.

use std::fmt;

use crate::slab::Buffers;

type Bring = dyn FnOnce(&mut Buffers) -> Result<(), String> + Send;

/// Brings the rest of a snapshot into its memory. Dropped unused, it gives up what it holds.
pub struct Later {
    bring: Box<Bring>,
}

impl Later {
    /// `bring` is called once, by the writer's thread, and may wait. An error, in words, costs the
    /// checkpoint.
    pub fn new(bring: impl FnOnce(&mut Buffers) -> Result<(), String> + Send + 'static) -> Self {
        Self {
            bring: Box::new(bring),
        }
    }

    /// Brings it. Whoever asks waits.
    pub fn bring(self, into: &mut Buffers) -> Result<(), String> {
        (self.bring)(into)
    }
}

impl fmt::Debug for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Later")
    }
}
