//! Plain tables and numbers for people.
//!
//! ```python
//! # epoch  loss
//! # 0      0.6931
//! ```
//!
//! Lays out text; it knows nothing of runs.

/// Rows under a header, columns separated by two spaces, no trailing blanks.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let header: Vec<String> = header.iter().map(|&cell| cell.to_owned()).collect();
    std::iter::once(&header)
        .chain(rows)
        .map(|row| line(row, &widths))
        .collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut text = String::new();
    for (cell, width) in row.iter().zip(widths) {
        let blanks = width.saturating_sub(cell.chars().count()) + 2;
        text.push_str(cell);
        text.extend(std::iter::repeat_n(' ', blanks));
    }
    format!("{}\n", text.trim_end())
}

/// A size, such as `3.1 MB`.
pub(crate) fn bytes(count: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{count} B")
    } else {
        format!("{value:.1} {}", units[unit])
    }
}

/// A duration, such as `2 min 5 s` or `0.31 s`.
#[expect(clippy::cast_sign_loss, reason = "no duration is negative")]
pub(crate) fn seconds(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2} s");
    }
    let whole = value.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// `1 value`, `2 values`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// A moment as `2026-01-31 17:04:05` UTC.
#[expect(clippy::cast_sign_loss, reason = "it is at least zero")]
pub(crate) fn moment(since_epoch: f64) -> String {
    let total = since_epoch.max(0.0) as u64;
    let (days, rest) = (total / 86_400, total % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Days since 1970 to a date of the Gregorian calendar (Hinnant, "chrono-compatible low-level
/// date algorithms", `civil_from_days`).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(
            (bytes(999), bytes(3_100_000)),
            ("999 B".into(), "3.1 MB".into())
        );
        assert_eq!(
            (seconds(0.314), seconds(125.2)),
            ("0.31 s".into(), "2 min 5 s".into())
        );
        assert_eq!(moment(1_769_879_045.9), "2026-01-31 17:04:05");
        assert_eq!(moment(951_782_400.0), "2000-02-29 00:00:00");
    }

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let rows = [
            vec!["10".into(), "x".into()],
            vec!["2".into(), "long".into()],
        ];
        assert_eq!(
            table(&["epoch", "v"], &rows),
            "epoch  v\n10     x\n2      long\n"
        );
    }
}
