//! A chart of what a source sent, by day: accepted, repeated, without a phone number and rejected.

use std::collections::HashMap;

use chrono::{NaiveDate, TimeDelta};
use serde::Serialize;

use crate::ledger::Days;
use crate::sources::ItemCounts;
use crate::sources::deliveries::DeliveryOutcome;
use crate::web::quantities::grouped;
use crate::web::ui::bar_geometry::{DateLabel, PartPlace, Scale, Slot, Tick, date_labels};
use crate::web::ui::ledger::period;

/// A chart of what a source sent, by day.
#[derive(Debug, Serialize)]
pub(super) struct ArrivalsChart {
    /// What the chart shows, in a sentence.
    summary: String,
    ticks: Vec<Tick>,
    /// All days, the oldest first, including those without anything.
    days: Vec<ArrivalsDay>,
    dates: Vec<DateLabel>,
    /// The numbers of all days.
    totals: Vec<ArrivalCount>,
}

#[derive(Debug, Serialize)]
struct ArrivalsDay {
    label: String,
    x: String,
    width: String,
    bar_x: String,
    bar_width: String,
    parts: Vec<ArrivalsPart>,
    counts: Vec<i64>,
}

#[derive(Debug, Serialize)]
struct ArrivalsPart {
    outcome: DeliveryOutcome,
    count: i64,
    y: String,
    height: String,
}

/// The number of items with an outcome.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct ArrivalCount {
    outcome: DeliveryOutcome,
    count: i64,
}

/// The numbers in the order in which pages show them.
pub(super) fn outcome_counts(counted: ItemCounts) -> Vec<ArrivalCount> {
    let count = |outcome: &DeliveryOutcome| ArrivalCount {
        outcome: *outcome,
        count: match outcome {
            DeliveryOutcome::Accepted => counted.accepted,
            DeliveryOutcome::Repeated => counted.repeated,
            DeliveryOutcome::Unreachable => counted.unreachable,
            DeliveryOutcome::Rejected => counted.rejected,
        },
    };
    DeliveryOutcome::ALL.iter().map(count).collect()
}

/// The numbers of several days together.
pub(super) fn total<'c>(counts: impl IntoIterator<Item = &'c ItemCounts>) -> ItemCounts {
    let mut total = ItemCounts::default();
    counts.into_iter().for_each(|one| total += *one);
    total
}

impl ArrivalsChart {
    /// The chart of these days; days that are missing have nothing.
    pub(super) fn new(days: Days, by_day: &[(NaiveDate, ItemCounts)]) -> Self {
        let by_day: HashMap<NaiveDate, ItemCounts> = by_day.iter().copied().collect();
        let (count, slot) = (days.count(), Slot { count: days.count() });
        let scale = Scale::new(by_day.values().map(ItemCounts::sum).max().unwrap_or_default());
        let day = |at| {
            let date = days.from() + TimeDelta::days(at);
            let counts = outcome_counts(by_day.get(&date).copied().unwrap_or_default());
            let mut stack = scale.stack();
            let part = |one: &ArrivalCount| {
                let PartPlace { y, height } = stack.put(one.count);
                ArrivalsPart { outcome: one.outcome, count: one.count, y, height }
            };
            ArrivalsDay {
                label: date.format("%-d %b").to_string(),
                x: slot.percent(at, 0),
                width: slot.percent(1, 0),
                bar_x: slot.percent(at, 18),
                bar_width: slot.percent(0, 64),
                parts: counts.iter().filter(|one| one.count > 0).map(part).collect(),
                counts: counts.iter().map(|one| one.count).collect(),
            }
        };
        Self {
            summary: summary(days, &by_day),
            ticks: scale.ticks(),
            days: (0..count).map(day).collect(),
            dates: date_labels(days),
            totals: outcome_counts(total(by_day.values())),
        }
    }
}

fn summary(days: Days, by_day: &HashMap<NaiveDate, ItemCounts>) -> String {
    let period = period(days.from(), days.to());
    let most = by_day.iter().max_by_key(|(date, counted)| (counted.sum(), **date));
    match most.filter(|(_, counted)| counted.sum() > 0) {
        Some((date, counted)) => format!(
            "Items by day, {period}. The most on one day: {}, on {}. The table has all numbers.",
            grouped(counted.sum()),
            date.format("%-d %b")
        ),
        None => format!("Items by day, {period}: none."),
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    #[test]
    fn the_numbers_of_the_days_add_up_to_the_totals() {
        let to = NaiveDate::from_ymd_opt(2026, 11, 30).unwrap();
        let days = Days::new(to - TimeDelta::days(29), to, Tz::UTC).unwrap();
        let counted = ItemCounts { accepted: 90, repeated: 1, unreachable: 2, rejected: 7 };
        let by_day = [(to, counted), (to - TimeDelta::days(3), counted)];
        let chart = ArrivalsChart::new(days, &by_day);
        let of_days = |at: usize| chart.days.iter().map(|day| day.counts[at]).sum::<i64>();
        let totals: Vec<i64> = chart.totals.iter().map(|one| one.count).collect();
        assert_eq!(totals, [180, 2, 4, 14]);
        assert_eq!((0..4).map(of_days).collect::<Vec<_>>(), totals);
        assert_eq!((chart.days.len(), chart.days[29].parts.len()), (30, 4));
        assert!(chart.summary.contains("100, on 30 Nov"), "{}", chart.summary);
        let empty = ArrivalsChart::new(days, &[]);
        assert_eq!(empty.summary, "Items by day, 1 to 30 Nov: none.");
    }
}
