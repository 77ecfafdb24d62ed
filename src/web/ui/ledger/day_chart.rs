//! A chart of messages by day: a bar for each day, of a part for each outcome, as attributes of an
//! SVG. It needs no script; a table beside it has the numbers.

use std::collections::HashMap;

use chrono::{NaiveDate, TimeDelta};
use serde::Serialize;

use super::query::LedgerPageQuery;
use crate::ledger::outcome::Outcome;
use crate::ledger::{Counts, Days, LedgerKey, LedgerRow};
use crate::web::quantities::grouped;
use crate::web::ui::bar_geometry::{DateLabel, PartPlace, Scale, Slot, Tick, date_labels};

/// The largest number of days that a chart has room for.
pub(super) const MAX_DAYS: i64 = 92;

/// A chart of messages by day.
#[derive(Debug, Serialize)]
pub(in crate::web::ui) struct DayChart {
    /// What the chart shows, in a sentence.
    summary: String,
    /// The lines across, from the top.
    ticks: Vec<Tick>,
    /// All days, the oldest first, including those without messages.
    days: Vec<ChartDay>,
    dates: Vec<DateLabel>,
    /// The outcomes, with their totals.
    legend: Vec<LegendEntry>,
}

#[derive(Debug, Serialize)]
struct ChartDay {
    /// The day, such as `22 Nov`.
    label: String,
    link: String,
    /// Where its part of the chart begins, in percent, and how wide it is.
    x: String,
    width: String,
    /// The same of its bar.
    bar_x: String,
    bar_width: String,
    /// The parts of the bar, from below.
    parts: Vec<BarPart>,
    /// The numbers by outcome, in the order of the legend.
    counts: Vec<i64>,
    messages: i64,
}

#[derive(Debug, Serialize)]
struct BarPart {
    outcome: Outcome,
    count: i64,
    y: String,
    height: String,
}

#[derive(Debug, Serialize)]
struct LegendEntry {
    outcome: Outcome,
    count: i64,
    link: String,
}

impl DayChart {
    /// The chart of these days; `outcomes` are those that have a colour and a number.
    pub(in crate::web::ui) fn new(
        days: Days,
        rows: &[LedgerRow],
        totals: Counts,
        outcomes: &[Outcome],
        query: &LedgerPageQuery,
    ) -> Self {
        let by_day = counts_by_day(days, rows);
        let highest = by_day.iter().map(|(_, counts)| shown(*counts, outcomes)).max();
        let scale = Scale::new(highest.unwrap_or_default());
        let count = days.count();
        let slot = Slot { count };
        let day = |(at, (day, counts)): (i64, &(NaiveDate, Counts))| ChartDay {
            label: day.format("%-d %b").to_string(),
            link: query.messages(Some(LedgerKey::Day(*day)), None, &[]),
            x: slot.percent(at, 0),
            width: slot.percent(1, 0),
            bar_x: slot.percent(at, 18),
            bar_width: slot.percent(0, 64),
            parts: parts(*counts, outcomes, scale),
            counts: outcomes.iter().map(|outcome| counts.of(*outcome)).collect(),
            messages: counts.messages(),
        };
        let legend = outcomes.iter().map(|outcome| LegendEntry {
            outcome: *outcome,
            count: totals.of(*outcome),
            link: query.messages(None, Some(*outcome), &[]),
        });
        Self {
            summary: summary(days, &by_day),
            ticks: scale.ticks(),
            days: (0..).zip(&by_day).map(day).collect(),
            dates: date_labels(days),
            legend: legend.collect(),
        }
    }
}

/// The counts of all days, the oldest first.
pub(in crate::web::ui) fn counts_by_day(
    days: Days,
    rows: &[LedgerRow],
) -> Vec<(NaiveDate, Counts)> {
    let counts: HashMap<NaiveDate, Counts> = rows
        .iter()
        .filter_map(|row| match row.key {
            LedgerKey::Day(day) => Some((day, row.counts)),
            _ => None,
        })
        .collect();
    let day = |at| {
        let day = days.from() + TimeDelta::days(at);
        (day, counts.get(&day).copied().unwrap_or_default())
    };
    (0..days.count()).map(day).collect()
}

/// A period in words: `1 to 30 Nov`, `25 Oct to 23 Nov`.
pub(in crate::web::ui) fn period(from: NaiveDate, to: NaiveDate) -> String {
    let end = to.format("%-d %b");
    if from == to {
        end.to_string()
    } else if from.format("%Y %b").to_string() == to.format("%Y %b").to_string() {
        format!("{} to {end}", from.format("%-d"))
    } else {
        format!("{} to {end}", from.format("%-d %b"))
    }
}

fn shown(counts: Counts, outcomes: &[Outcome]) -> i64 {
    outcomes.iter().map(|outcome| counts.of(*outcome)).sum()
}

fn parts(counts: Counts, outcomes: &[Outcome], scale: Scale) -> Vec<BarPart> {
    let mut stack = scale.stack();
    let occurred = outcomes.iter().copied().filter(|outcome| counts.of(*outcome) > 0);
    let part = |outcome| {
        let count = counts.of(outcome);
        let PartPlace { y, height } = stack.put(count);
        BarPart { outcome, count, y, height }
    };
    occurred.map(part).collect()
}

fn summary(days: Days, by_day: &[(NaiveDate, Counts)]) -> String {
    let period = period(days.from(), days.to());
    let most = by_day.iter().max_by_key(|(_, counts)| counts.messages());
    match most.filter(|(_, counts)| counts.messages() > 0) {
        Some((day, counts)) => format!(
            "Messages by day, {period}. The most on one day: {}, on {}. The table has all numbers.",
            grouped(counts.messages()),
            day.format("%-d %b")
        ),
        None => format!("Messages by day, {period}: none."),
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    fn chart(count: i64, counts: Counts) -> DayChart {
        let to = NaiveDate::from_ymd_opt(2026, 11, 30).unwrap();
        let days = Days::new(to - TimeDelta::days(count - 1), to, Tz::UTC).unwrap();
        let rows = [LedgerRow { key: LedgerKey::Day(to), counts }];
        let outcomes = [Outcome::Delivered, Outcome::Failed];
        DayChart::new(days, &rows, counts, &outcomes, &LedgerPageQuery::default())
    }

    #[test]
    fn days_without_messages_are_shown_too() {
        let counts =
            Counts { recipients: 1_010, delivered: 1_000, failed: 10, ..Counts::default() };
        let chart = chart(30, counts);
        assert_eq!(chart.days.len(), 30);
        assert_eq!(
            (chart.days[0].label.as_str(), chart.days[29].label.as_str()),
            ("1 Nov", "30 Nov")
        );
        assert!(chart.days[..29].iter().all(|day| day.parts.is_empty() && day.messages == 0));
        let last: Vec<(Outcome, i64)> =
            chart.days[29].parts.iter().map(|part| (part.outcome, part.count)).collect();
        assert_eq!(last, [(Outcome::Delivered, 1_000), (Outcome::Failed, 10)]);
        assert_eq!(chart.days[29].counts, [1_000, 10]);
        assert!(chart.summary.contains("1,010, on 30 Nov"), "{}", chart.summary);
    }

    #[test]
    fn bars_stand_on_the_baseline_and_end_below_the_highest_line() {
        let counts = Counts { recipients: 90, delivered: 80, failed: 10, ..Counts::default() };
        let chart = chart(10, counts);
        let ticks: Vec<(&str, i64)> =
            chart.ticks.iter().map(|tick| (tick.label.as_str(), tick.y)).collect();
        assert_eq!(
            ticks,
            [("100", 16), ("80", 47), ("60", 77), ("40", 108), ("20", 138), ("0", 168)]
        );
        let parts: Vec<(&str, &str)> = chart.days[9]
            .parts
            .iter()
            .map(|part| (part.y.as_str(), part.height.as_str()))
            .collect();
        assert_eq!(parts, [("46.4", "121.6"), ("31.2", "15.2")]);
        assert_eq!((chart.days[9].x.as_str(), chart.days[9].width.as_str()), ("90.00%", "10.00%"));
        assert_eq!(chart.days[9].bar_x, "91.80%");
    }

    #[test]
    fn there_are_few_dates() {
        let dates = |count| chart(count, Counts::default()).dates.len();
        assert_eq!((dates(7), dates(30), dates(90)), (7, 5, 5));
    }

    #[test]
    fn a_period_names_its_month_once() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(period(day("2026-11-01"), day("2026-11-30")), "1 to 30 Nov");
        assert_eq!(period(day("2026-10-02"), day("2026-11-01")), "2 Oct to 1 Nov");
        assert_eq!(period(day("2026-11-01"), day("2026-11-01")), "1 Nov");
    }
}
