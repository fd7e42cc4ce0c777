//! What the background thread costs, and that it comes last.
//!
//! On a busy machine wall time would count the waiting as well, so the processor time of the
//! thread is taken where the system tells it.

use std::time::Instant;

/// A point in time of this thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadTime {
    wall: Instant,
    processor: Option<f64>,
}

impl ThreadTime {
    /// Now.
    pub(crate) fn now() -> Self {
        Self {
            wall: Instant::now(),
            processor: processor_seconds(),
        }
    }

    /// Seconds that the thread has worked since then.
    pub(crate) fn elapsed(self) -> f64 {
        match (self.processor, processor_seconds()) {
            (Some(before), Some(now)) => (now - before).max(0.0),
            (None, _) | (_, None) => self.wall.elapsed().as_secs_f64(),
        }
    }
}

#[cfg(target_os = "linux")]
#[expect(clippy::unnecessary_wraps, reason = "other systems do not tell")]
fn processor_seconds() -> Option<f64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Some(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
}

#[cfg(not(target_os = "linux"))]
fn processor_seconds() -> Option<f64> {
    None
}

/// The calling thread gives way to all others. Where the system refuses, it does not.
#[cfg(target_os = "linux")]
pub(crate) fn lower_priority() {
    // a refusal costs time only
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 10);
}

/// Priorities of threads are not known here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn lower_priority() {}
