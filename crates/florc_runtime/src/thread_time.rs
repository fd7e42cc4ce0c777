//! What the background thread costs, and that it comes last.
//!
//! On a busy machine wall time would count the waiting as well, so the processor time of the
//! thread is taken where the system tells it.
//!
//! ```text
//! a processor is free     it never waits for one: nobody else would have used it
//! all are busy            it waits, and what it gets others do not
//! ```

use std::sync::OnceLock;
use std::time::Instant;

/// A point in time of this thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadTime {
    wall: Instant,
    processor: Option<f64>,
    waited: Option<f64>,
}

/// What a second of a thread costs others that it takes no processor from: memory, caches and the disk are shared.
const BESIDE: f64 = 0.1;

/// The same where processors share a core: the system does not tell which of them is beside a busy one.
const BESIDE_SIBLINGS: f64 = 0.25;

impl ThreadTime {
    /// Now.
    pub(crate) fn now() -> Self {
        Self {
            wall: Instant::now(),
            processor: processor_seconds(),
            waited: waited_seconds(),
        }
    }

    /// Seconds that the thread has worked since then.
    pub(crate) fn elapsed(self) -> f64 {
        match (self.processor, processor_seconds()) {
            (Some(before), Some(now)) => (now - before).max(0.0),
            (None, _) | (_, None) => self.wall.elapsed().as_secs_f64(),
        }
    }

    /// What a second of its work took from others.
    pub(crate) fn share(self) -> f64 {
        let worked = self.elapsed();
        if worked > 0.0 {
            self.taken() / worked
        } else {
            1.0
        }
    }

    /// Seconds that it took from others: all that it has worked where nobody knows.
    fn taken(self) -> f64 {
        let waited = self.waited.zip(waited_seconds());
        let waited = waited.map(|(before, now)| now - before);
        let spent = Spent {
            wall: self.wall.elapsed().as_secs_f64(),
            worked: self.elapsed(),
            waited,
        };
        spent.taken(if has_siblings() {
            BESIDE_SIBLINGS
        } else {
            BESIDE
        })
    }
}

/// Seconds of a thread.
struct Spent {
    wall: f64,
    worked: f64,
    /// For a processor.
    waited: Option<f64>,
}

impl Spent {
    /// A thread that has waited for a processor may have worked for as long on one that another wanted: of two that
    /// want one processor each gets half, and one of low priority gets less. What it neither worked nor waited it was at the disk.
    fn taken(&self, beside: f64) -> f64 {
        let Some(waited) = self.waited else {
            return self.worked;
        };
        let elsewhere = (self.wall - self.worked - waited).max(0.0);
        waited.clamp(beside * self.worked, self.worked) + beside * elsewhere
    }
}

/// Whether some processors are two of one core.
fn has_siblings() -> bool {
    static ACTIVE: OnceLock<bool> = OnceLock::new();
    *ACTIVE.get_or_init(|| {
        let told = std::fs::read_to_string("/sys/devices/system/cpu/smt/active");
        told.is_ok_and(|text| text.trim() == "1")
    })
}

/// How long the thread was ready to work and had no processor.
#[cfg(target_os = "linux")]
fn waited_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    waited_of(&text)
}

/// Of nanoseconds of work, of waiting, and the number of turns. A system that does not count has zeros.
#[cfg(target_os = "linux")]
fn waited_of(schedstat: &str) -> Option<f64> {
    let mut numbers = schedstat.split_whitespace().map(str::parse::<u64>);
    let (worked, waited) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (worked > 0).then_some(waited as f64 * 1e-9)
}

#[cfg(not(target_os = "linux"))]
fn waited_seconds() -> Option<f64> {
    None
}

#[cfg(target_os = "linux")]
fn processor_seconds() -> Option<f64> {
    clock(rustix::time::ClockId::ThreadCPUTime)
}

/// Processor seconds of all threads of the process.
#[cfg(target_os = "linux")]
pub(crate) fn process_seconds() -> Option<f64> {
    clock(rustix::time::ClockId::ProcessCPUTime)
}

#[cfg(target_os = "linux")]
#[expect(clippy::unnecessary_wraps, reason = "other systems do not tell")]
fn clock(id: rustix::time::ClockId) -> Option<f64> {
    let time = rustix::time::clock_gettime(id);
    Some(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
}

#[cfg(not(target_os = "linux"))]
fn processor_seconds() -> Option<f64> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn process_seconds() -> Option<f64> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wall: f64, worked: f64, waited: Option<f64>, expected: f64) {
        let spent = Spent {
            wall,
            worked,
            waited,
        };
        let taken = spent.taken(BESIDE);
        assert!((taken - expected).abs() < 1e-9, "{taken}");
    }

    #[test]
    fn work_on_a_free_processor_is_hardly_taken_from_others() {
        check(2.0, 2.0, Some(0.0), 0.2);
    }

    #[test]
    fn work_is_taken_from_others_for_as_long_as_it_had_to_wait() {
        check(3.5, 2.0, Some(1.5), 1.5);
        check(32.0, 2.0, Some(30.0), 2.0);
    }

    #[test]
    fn a_disk_is_shared_too() {
        check(12.0, 2.0, Some(0.0), 1.2);
    }

    #[test]
    fn where_nobody_knows_all_work_is_taken_from_others() {
        check(12.0, 2.0, None, 2.0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_system_that_does_not_count_knows_nothing() {
        assert_eq!(waited_of("0 0 0\n"), None);
        assert_eq!(waited_of("950028 1000000000 1\n"), Some(1.0));
    }

    #[test]
    fn threads_that_share_a_processor_wait_for_it() {
        if waited_seconds().is_none() {
            eprintln!("skipped: this system does not tell how long threads wait");
            return;
        }
        let count = 4 * std::thread::available_parallelism().map_or(1, usize::from);
        let all: Vec<_> = (0..count).map(|_| std::thread::spawn(spin)).collect();
        let waited: f64 = all.into_iter().map(|it| it.join().unwrap()).sum();
        assert!(waited > 0.0);
    }

    /// Works for a while; gives how long it had no processor.
    fn spin() -> f64 {
        let time = ThreadTime::now();
        while time.elapsed() < 0.05 {
            std::hint::spin_loop();
        }
        waited_seconds().unwrap() - time.waited.unwrap()
    }
}
