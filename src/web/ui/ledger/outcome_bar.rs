//! The bar of a ledger: a slice for each outcome that occurs.

use serde::Serialize;

use crate::ledger::Counts;
use crate::ledger::outcome::Outcome;

/// The width of the bar, in its own units.
const WIDTH: i64 = 1_000;

/// A slice of the bar: an outcome with its position and width.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct BarSlice {
    outcome: Outcome,
    x: i64,
    width: i64,
}

/// The slices of the bar. Each outcome that occurs gets a visible width.
pub(super) fn bar(counts: Counts) -> Vec<BarSlice> {
    let sum = counts.sum().max(1);
    let present: Vec<Outcome> =
        Outcome::ALL.iter().copied().filter(|outcome| counts.of(*outcome) > 0).collect();
    let raw_width = |outcome: &Outcome| (counts.of(*outcome) * WIDTH / sum).max(6);
    let all: i64 = present.iter().map(raw_width).sum();
    let mut x = 0;
    let slice = |outcome: &Outcome| {
        let width = raw_width(outcome) * WIDTH / all;
        let slice = BarSlice { outcome: *outcome, x, width };
        x += width;
        slice
    };
    let mut slices: Vec<BarSlice> = present.iter().map(slice).collect();
    // The rounding error goes to the widest slice, where it is not visible.
    if let Some(widest) = (0..slices.len()).max_by_key(|at| slices[*at].width) {
        let rest = WIDTH - x;
        slices[widest].width += rest;
        for slice in &mut slices[widest + 1..] {
            slice.x += rest;
        }
    }
    slices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_has_a_fixed_width_and_shows_even_one_in_a_million() {
        let counts =
            Counts { recipients: 1_000_001, delivered: 1_000_000, failed: 1, ..Counts::default() };
        let slices = bar(counts);
        assert_eq!(slices.iter().map(|slice| slice.width).sum::<i64>(), WIDTH);
        assert!(slices.len() == 2 && (4..=6).contains(&slices[1].width), "{slices:?}");
        assert_eq!(slices[1].x, slices[0].width);
        assert!(bar(Counts::default()).is_empty());
    }
}
