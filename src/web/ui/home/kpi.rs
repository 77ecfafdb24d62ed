//! A key figure: its value, the change against the period before, and a small line by day.

use std::collections::HashMap;
use std::fmt::Write;

use chrono::NaiveDate;
use serde::Serialize;

use crate::ledger::outcome::Outcome;
use crate::ledger::{Counts, Days, Share};
use crate::web::quantities::{capped_count, grouped};

/// The largest number of points in the line; more days are summed up.
const MAX_POINTS: usize = 15;

/// A key figure.
#[derive(Debug, Serialize)]
pub(super) struct Kpi {
    label: &'static str,
    value: String,
    link: String,
    /// What the value counts, if the label does not say it.
    note: Option<String>,
    /// None if there is nothing to compare with.
    change: Option<Change>,
    /// The points of the line, in a box of 72 by 24.
    line: String,
}

/// How a figure differs from the period before.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Change {
    words: String,
    /// `arrow-up`, `arrow-down`, or none if nothing changed.
    icon: Option<&'static str>,
    /// `good`, `bad`, or neither.
    tone: &'static str,
}

/// Which change of a figure is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Better {
    More,
    Fewer,
    Neither,
}

/// The counts of a period by day, and of the period before.
#[derive(Debug, Default)]
pub(super) struct DailyCounts {
    days: Vec<i64>,
    before: i64,
    is_cut: bool,
}

impl DailyCounts {
    /// The counts of these days; earlier ones are of the period before. `limit` is the highest
    /// number that was counted.
    pub(super) fn new(days: Days, counts: &[(NaiveDate, i64)], limit: i64) -> Self {
        let by_day: HashMap<NaiveDate, i64> = counts.iter().copied().collect();
        let dates = days.from().iter_days().take_while(|day| *day <= days.to());
        Self {
            days: dates.map(|day| by_day.get(&day).copied().unwrap_or_default()).collect(),
            before: counts.iter().filter(|(day, _)| *day < days.from()).map(|one| one.1).sum(),
            is_cut: counts.iter().map(|(_, count)| count).sum::<i64>() > limit,
        }
    }
}

impl Kpi {
    /// The number of messages of a period.
    pub(super) fn messages(
        by_day: &[Counts],
        totals: Counts,
        before: Counts,
        link: String,
    ) -> Self {
        let days: Vec<i64> = by_day.iter().map(Counts::messages).collect();
        let repeated = (totals.retried > 0)
            .then(|| format!("{} sent again, counted once", grouped(totals.retried)));
        Self {
            label: "Messages",
            value: grouped(totals.messages()),
            link,
            note: repeated,
            change: Change::of_count(totals.messages(), before.messages(), Better::Neither),
            line: line(&sums(&days)),
        }
    }

    /// The delivered share of a period.
    pub(super) fn delivered(
        by_day: &[Counts],
        totals: Counts,
        before: Counts,
        link: String,
    ) -> Self {
        let share = totals.share(Outcome::Delivered);
        let fraction =
            || format!("{} of {}", grouped(totals.delivered), grouped(totals.messages()));
        Self {
            label: "Delivered",
            value: share.and_then(Share::percent).unwrap_or_else(|| "–".to_owned()),
            link,
            note: (totals.messages() > 0).then(fraction),
            change: Change::of_share(share, before.share(Outcome::Delivered)),
            line: line(&shares(by_day)),
        }
    }

    /// What contacts did in a period, counted up to `limit`.
    pub(super) fn counted(
        label: &'static str,
        counts: &DailyCounts,
        limit: i64,
        better: Better,
        link: String,
    ) -> Self {
        let count: i64 = counts.days.iter().sum();
        let is_cut = counts.is_cut;
        Self {
            label,
            value: capped_count(count, limit),
            link,
            note: None,
            change: Change::of_count(count, counts.before, better).filter(|_| !is_cut),
            line: if count > limit { String::new() } else { line(&sums(&counts.days)) },
        }
    }
}

impl Change {
    fn of_count(count: i64, before: i64, better: Better) -> Option<Self> {
        let difference = count - before;
        if before <= 0 {
            return None;
        }
        let tenths = (difference.abs() * 2_000 + before) / (before * 2);
        let size = match tenths {
            0 => "<0.1 %".to_owned(),
            10_000.. => {
                return Some(Self::new(format!("{} times as many", count / before), true, better));
            }
            tenths => format!("{}.{} %", grouped(tenths / 10), tenths % 10),
        };
        Some(match difference {
            0 => Self::none(),
            _ if count == 0 => Self::new(format!("{} before", grouped(before)), false, better),
            1.. => Self::new(format!("{size} more"), true, better),
            _ => Self::new(format!("{size} fewer"), false, better),
        })
    }

    fn of_share(share: Option<Share>, before: Option<Share>) -> Option<Self> {
        let difference = tenths(share?)? - tenths(before?)?;
        let size = difference.abs();
        let points = format!("{}.{} points", size / 10, size % 10);
        Some(match difference {
            0 => Self::none(),
            1.. => Self::new(format!("{points} up"), true, Better::More),
            _ => Self::new(format!("{points} down"), false, Better::More),
        })
    }

    fn none() -> Self {
        Self { words: "Same as before".to_owned(), icon: None, tone: "" }
    }

    fn new(words: String, is_up: bool, better: Better) -> Self {
        let tone = match (better, is_up) {
            (Better::Neither, _) => "",
            (Better::More, true) | (Better::Fewer, false) => "good",
            (Better::More, false) | (Better::Fewer, true) => "bad",
        };
        Self { words, icon: Some(if is_up { "arrow-up" } else { "arrow-down" }), tone }
    }
}

/// A share in tenths of a percent.
const fn tenths(share: Share) -> Option<i64> {
    if share.of > 0 { Some((share.count * 2_000 + share.of) / (share.of * 2)) } else { None }
}

/// The number of days that one point of the line stands for.
const fn days_per_point(days: usize) -> usize {
    if days > MAX_POINTS { days.div_ceil(MAX_POINTS) } else { 1 }
}

fn sums(days: &[i64]) -> Vec<i64> {
    days.chunks(days_per_point(days.len())).map(|some| some.iter().sum()).collect()
}

/// The delivered shares; days without messages are left out.
fn shares(days: &[Counts]) -> Vec<i64> {
    let of_some = |some: &[Counts]| {
        tenths(Share {
            count: some.iter().map(|counts| counts.delivered).sum(),
            of: some.iter().map(Counts::messages).sum(),
        })
    };
    days.chunks(days_per_point(days.len())).filter_map(of_some).collect()
}

/// The points of a line through the values, from the lowest to the highest.
fn line(values: &[i64]) -> String {
    let (Some(lowest), Some(highest)) = (values.iter().min(), values.iter().max()) else {
        return String::new();
    };
    let (Ok(last), height) = (i64::try_from(values.len() - 1), highest - lowest) else {
        return String::new();
    };
    if last == 0 {
        return String::new();
    }
    let mut points = String::new();
    for (at, value) in (0..).zip(values) {
        let x = 720 * at / last;
        // In the middle, if all are the same.
        let y = if height == 0 { 120 } else { 210 - 180 * (value - lowest) / height };
        let _ = write!(points, "{}.{},{}.{} ", x / 10, x % 10, y / 10, y % 10);
    }
    points.truncate(points.trim_end().len());
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_compared_with_the_period_before() {
        let words = |count, before| {
            Change::of_count(count, before, Better::Neither).map(|change| change.words)
        };
        assert_eq!(words(1_082, 1_000).as_deref(), Some("8.2 % more"));
        assert_eq!(words(31, 34).as_deref(), Some("8.8 % fewer"));
        assert_eq!(words(0, 4).as_deref(), Some("4 before"));
        assert_eq!(words(5, 5).as_deref(), Some("Same as before"));
        assert_eq!(words(100_001, 100_000).as_deref(), Some("<0.1 % more"));
        assert_eq!(words(2_500, 100).as_deref(), Some("25 times as many"));
        assert_eq!(words(7, 0), None, "there is nothing to compare with");
    }

    #[test]
    fn fewer_opt_outs_and_more_delivered_messages_are_good() {
        let opt_outs = Change::of_count(31, 34, Better::Fewer).unwrap();
        assert_eq!((opt_outs.icon, opt_outs.tone), (Some("arrow-down"), "good"));
        let share = |count| Some(Share { count, of: 1_000 });
        let delivered = Change::of_share(share(970), share(964)).unwrap();
        assert_eq!((delivered.words.as_str(), delivered.tone), ("0.6 points up", "good"));
        let delivered = Change::of_share(share(950), share(964)).unwrap();
        assert_eq!((delivered.words.as_str(), delivered.tone), ("1.4 points down", "bad"));
        assert_eq!(Change::of_share(share(1), Some(Share { count: 0, of: 0 })), None);
    }

    #[test]
    fn a_line_leads_from_the_lowest_to_the_highest_value() {
        assert_eq!(line(&[0, 5, 10]), "0.0,21.0 36.0,12.0 72.0,3.0");
        assert_eq!(line(&[4, 4]), "0.0,12.0 72.0,12.0");
        assert_eq!((line(&[]), line(&[7])), (String::new(), String::new()));
        assert_eq!((sums(&[1; 7]).len(), sums(&[1; 30]).len(), sums(&[1; 90]).len()), (7, 15, 15));
    }

    #[test]
    fn counts_of_earlier_days_are_of_the_period_before() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        let days = Days::new(day(8), day(10), chrono_tz::Tz::UTC).unwrap();
        let counts = DailyCounts::new(days, &[(day(10), 3), (day(8), 2), (day(7), 4)], 9);
        assert_eq!((counts.days.as_slice(), counts.before), ([2, 0, 3].as_slice(), 4));
        assert!(!counts.is_cut);
        assert!(DailyCounts::new(days, &[(day(10), 10)], 9).is_cut);
    }
}
