//! Names of runs: `20260105-142530-071-9f3c`, UTC.
//!
//! They sort by start time to the millisecond; the last part keeps apart what starts together.
//! Does not make sure that an id is unused: making its directory does.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An id for a run that starts at `since_epoch`; `salt` decides its last part.
pub(crate) fn run_id(since_epoch: Duration, salt: u64) -> String {
    let (day, second) = (
        since_epoch.as_secs() / 86_400,
        since_epoch.as_secs() % 86_400,
    );
    let (year, month, day) = civil(day);
    format!(
        "{year:04}{month:02}{day:02}-{:02}{:02}{:02}-{:03}-{:04x}",
        second / 3600,
        second / 60 % 60,
        second % 60,
        since_epoch.subsec_millis(),
        salt & 0xffff
    )
}

/// Time since the epoch.
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// A number that differs between processes and calls.
pub(crate) fn salt() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one((std::process::id(), since_epoch().as_nanos()))
}

/// Year, month and day of a day since 1970-01-01 (Hinnant, "chrono-compatible date algorithms").
fn civil(day: u64) -> (u64, u64, u64) {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seconds: u64, expected: &str) {
        assert_eq!(run_id(Duration::from_secs(seconds), 0x1_9f3c), expected);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        check(0, "19700101-000000-000-9f3c");
        check(951_782_399, "20000228-235959-000-9f3c");
        check(951_782_400, "20000229-000000-000-9f3c");
        check(1_735_689_599, "20241231-235959-000-9f3c");
        check(1_767_623_130, "20260105-142530-000-9f3c");
    }
}
