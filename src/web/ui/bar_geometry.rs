//! Where the bars of a chart by day stand: the lines across, the share of each day in the width,
//! the parts of a bar and the dates below.

use chrono::TimeDelta;
use serde::Serialize;

use crate::ledger::Days;
use crate::web::quantities::grouped;

/// Where the bars stand, and how high the highest may be, in pixels.
const BASELINE: i64 = 168;
const HEIGHT: i64 = 152;
/// The number of dates written below the bars.
const MAX_DATES: i64 = 5;

/// A line across, with its number.
#[derive(Debug, Serialize)]
pub(in crate::web::ui) struct Tick {
    pub(in crate::web::ui) label: String,
    pub(in crate::web::ui) y: i64,
}

/// A date below the bars.
#[derive(Debug, Serialize)]
pub(in crate::web::ui) struct DateLabel {
    text: String,
    x: String,
}

/// The vertical scale of a chart.
#[derive(Debug, Clone, Copy)]
pub(in crate::web::ui) struct Scale {
    step: i64,
    top: i64,
}

/// The parts of one bar, put on each other from below.
#[derive(Debug)]
pub(in crate::web::ui) struct BarStack {
    scale: Scale,
    /// The upper end, in tenths of a pixel.
    y: i64,
}

/// Where a part of a bar begins, and how high it is, in pixels.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::web::ui) struct PartPlace {
    pub(in crate::web::ui) y: String,
    pub(in crate::web::ui) height: String,
}

/// The share of one day in the width of the chart.
#[derive(Debug, Clone, Copy)]
pub(in crate::web::ui) struct Slot {
    pub(in crate::web::ui) count: i64,
}

impl Scale {
    /// The scale of a chart whose highest bar has this number.
    pub(in crate::web::ui) fn new(highest: i64) -> Self {
        let step = tick_step(highest);
        Self { step, top: (highest.max(1) + step - 1) / step * step }
    }

    /// The lines across, from the top.
    pub(in crate::web::ui) fn ticks(self) -> Vec<Tick> {
        let Self { step, top } = self;
        let tick =
            |at| Tick { label: short_number(at * step), y: BASELINE - HEIGHT * at * step / top };
        (0..=top / step).rev().map(tick).collect()
    }

    /// A bar without parts.
    pub(in crate::web::ui) const fn stack(self) -> BarStack {
        BarStack { scale: self, y: BASELINE * 10 }
    }
}

impl BarStack {
    /// Puts a part of at least one pixel on the others.
    pub(in crate::web::ui) fn put(&mut self, count: i64) -> PartPlace {
        let height = (count * HEIGHT * 10 / self.scale.top).max(10);
        self.y -= height;
        PartPlace { y: pixels(self.y), height: pixels(height) }
    }
}

impl Slot {
    /// The width of some slots and `hundredths` of another, in percent of all.
    pub(in crate::web::ui) fn percent(self, slots: i64, hundredths: i64) -> String {
        let part = (slots * 100 + hundredths) * 100 / self.count.max(1);
        format!("{}.{:02}%", part / 100, part % 100)
    }
}

/// The dates below the bars of these days, at most five, or the days of one week.
pub(in crate::web::ui) fn date_labels(days: Days) -> Vec<DateLabel> {
    let count = days.count();
    let slot = Slot { count };
    // A week has room for each day of the week, on phones too.
    let (each, format) =
        if count <= 7 { (1, "%a") } else { ((count + MAX_DATES - 1) / MAX_DATES, "%-d %b") };
    let label = |at| DateLabel {
        text: (days.from() + TimeDelta::days(at)).format(format).to_string(),
        x: slot.percent(at, 50),
    };
    (0..count).step_by(usize::try_from(each).unwrap_or(1)).map(label).collect()
}

fn pixels(tenths: i64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The distance of the lines: 1, 2 or 5 with zeros, so that there are two to five.
fn tick_step(highest: i64) -> i64 {
    let mut unit = 1;
    loop {
        for step in [unit, 2 * unit, 5 * unit] {
            if step * 5 >= highest {
                return step;
            }
        }
        unit *= 10;
    }
}

/// A number for which there is little room: `1,200`, `12k`, `1.5M`.
fn short_number(number: i64) -> String {
    let in_units = |unit: i64, letter: char| match number % unit * 10 / unit {
        0 => format!("{}{letter}", grouped(number / unit)),
        tenths => format!("{}.{tenths}{letter}", grouped(number / unit)),
    };
    match number {
        1_000_000.. => in_units(1_000_000, 'M'),
        10_000.. => in_units(1_000, 'k'),
        _ => grouped(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_few_lines() {
        for highest in [0, 1, 3, 7, 99, 1_251, 40_000, 9_999_999] {
            let step = tick_step(highest);
            assert!(step * 5 >= highest, "{highest}");
            assert!(Scale::new(highest).ticks().len() <= 6, "{highest}");
        }
        assert_eq!(
            [999, 1_200, 12_000, 12_500, 2_000_000].map(short_number),
            ["999", "1,200", "12k", "12.5k", "2M"]
        );
    }

    #[test]
    fn a_part_stands_on_the_one_below_and_can_be_seen() {
        let mut stack = Scale::new(1_000).stack();
        let place = |y: &str, height: &str| PartPlace { y: y.into(), height: height.into() };
        assert_eq!(stack.put(500), place("92.0", "76.0"));
        assert_eq!(stack.put(1), place("91.0", "1.0"));
    }
}
