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

/// As [`now`], but later than any file that was written before the call: waits for a tick or two, some milliseconds. Since
/// Linux 6.13 a file may be dated by the precise clock, too.
pub(crate) fn after_now() -> f64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    let called = since.map_or(0.0, |since| since.as_secs_f64());
    for _ in 0..200 {
        if now() > called {
            break;
        }
        std::thread::sleep(std::time::Duration::from_micros(100));
    }
    now()
}
