//! Numbers, counts, durations and sizes as text.

use chrono::TimeDelta;

const SECONDS_PER: [(&str, u32); 4] =
    [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];

/// A number with its noun: `1 contact`, `1,234 contacts`.
pub(in crate::web) fn counted(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {one}s", grouped(number)) }
}

/// Formats a number as `1,234,567`.
pub(in crate::web) fn grouped(number: impl TryInto<i64>) -> String {
    let number: i64 = number.try_into().unwrap_or(i64::MAX);
    let digits = number.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        out.push('−');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count as text, capped at `limit`: `10,000+`.
pub(in crate::web) fn capped_count(count: i64, limit: i64) -> String {
    format!("{}{}", grouped(count.min(limit)), if count > limit { "+" } else { "" })
}

/// A count of jobs that may have stopped at a limit: `1,234`, `at least 20,000`.
pub(in crate::web) fn at_least(count: i64, is_cut: bool) -> String {
    if is_cut { format!("at least {}", grouped(count)) } else { grouped(count) }
}

/// A duration in all its units: `1 day 2 hours`; 90 seconds are `1 minute 30 seconds`.
pub(in crate::web) fn duration(seconds: u32) -> String {
    let mut rest = seconds;
    let mut words = Vec::new();
    for (unit, length) in SECONDS_PER {
        let count = rest / length;
        rest %= length;
        if count > 0 {
            words.push(format!("{count} {unit}{}", if count == 1 { "" } else { "s" }));
        }
    }
    words.join(" ")
}

/// A duration rounded down to its largest units: `under a second`, `42 seconds`, `3 hours 5
/// minutes`, `2 days 4 hours`.
pub(in crate::web) fn duration_rounded_down(span: TimeDelta) -> String {
    let seconds = u32::try_from(span.num_seconds()).unwrap_or(if span < TimeDelta::zero() {
        0
    } else {
        u32::MAX
    });
    let unit = match seconds {
        0 => return "under a second".to_owned(),
        1..600 => 1,
        600..86_400 => 60,
        _ => 3_600,
    };
    duration(seconds / unit * unit)
}

/// A duration as text, rounded up to seconds, minutes or hours, depending on its length.
pub(in crate::web) fn duration_rounded_up(length: TimeDelta) -> String {
    let seconds = u32::try_from(length.num_seconds()).unwrap_or(u32::MAX).max(1);
    let unit = match seconds {
        0..=600 => 1,
        601..=86_400 => 60,
        _ => 3_600,
    };
    duration(seconds.div_ceil(unit).saturating_mul(unit))
}

/// A size in bytes as text, in units of 1,024 as PostgreSQL writes them: `8 kB`, `1.5 GB`.
pub(in crate::web) fn size(bytes: i64) -> String {
    const UNITS: [(&str, u32); 4] = [("TB", 40), ("GB", 30), ("MB", 20), ("kB", 10)];
    let Some((unit, shift)) = UNITS.into_iter().find(|(_, shift)| bytes >= 1_i64 << shift) else {
        return format!("{} bytes", grouped(bytes));
    };
    let tenths = bytes / ((1_i64 << shift) / 10).max(1);
    if tenths < 100 && tenths % 10 != 0 {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    } else {
        format!("{} {unit}", grouped(tenths / 10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(
            ["0", "999", "1,000", "12,345,678", "−1,000"].map(ToOwned::to_owned),
            [0, 999, 1_000, 12_345_678, -1_000].map(grouped)
        );
    }

    #[test]
    fn a_duration_names_each_of_its_units() {
        assert_eq!(duration(1), "1 second");
        assert_eq!(duration(5_400), "1 hour 30 minutes");
        assert_eq!(duration(172_801), "2 days 1 second");
    }

    #[test]
    fn a_capped_count_ends_in_a_plus_sign() {
        assert_eq!(capped_count(7, 10_000), "7");
        assert_eq!(capped_count(1_234, 10_000), "1,234");
        assert_eq!(capped_count(10_001, 10_000), "10,000+");
    }

    #[test]
    fn a_duration_is_rounded_down_to_its_largest_units() {
        let texts = [-3, 0, 42, 605, 11_100, 187_654]
            .map(|seconds| duration_rounded_down(TimeDelta::seconds(seconds)));
        assert_eq!(
            texts,
            [
                "under a second",
                "under a second",
                "42 seconds",
                "10 minutes",
                "3 hours 5 minutes",
                "2 days 4 hours"
            ]
        );
    }

    #[test]
    fn sizes_use_the_largest_unit_that_fits() {
        let texts =
            [0, 1_023, 8_192, 1_572_864, 52_428_800, 5_368_709_120, 1_099_511_627_776].map(size);
        assert_eq!(texts, ["0 bytes", "1,023 bytes", "8 kB", "1.5 MB", "50 MB", "5 GB", "1 TB"]);
    }

    #[test]
    fn long_durations_are_rounded_up() {
        let texts = [59, 600, 3_725, 200_000]
            .map(|seconds| duration_rounded_up(TimeDelta::seconds(seconds)));
        assert_eq!(texts, ["59 seconds", "10 minutes", "1 hour 3 minutes", "2 days 8 hours"]);
    }
}
