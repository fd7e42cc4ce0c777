//! The clock by which the system dates files.
//!
//! ```python
//! open("last.json", "w")      # its time is not after the next reading of this clock
//! ```
//!
//! Linux dates files with the clock of the last tick, some milliseconds behind the precise one: a
//! file that is older than a reading was certainly written before it.

/// Seconds since the epoch.
#[cfg(target_os = "linux")]
pub(crate) fn now() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Seconds since the epoch.
#[cfg(not(target_os = "linux"))]
pub(crate) fn now() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}
