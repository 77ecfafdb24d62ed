//! The arithmetic of a comparison: ratios of pairs, their spread, and what may be concluded.
//!
//! Ratios are always turned so that above 1 the second program is better. Nothing is assumed about
//! how they are distributed: the interval is that of the sign test.

use serde::Serialize;

/// The loss that is still called no loss.
pub(crate) const TOLERANCE: f64 = 0.03;

/// How sure an interval is to be, where there are pairs enough.
const CONFIDENCE: f64 = 0.95;

/// With fewer pairs than these nothing is concluded.
const MIN_PAIRS: usize = 5;

/// The interquartile range of a normal distribution in standard deviations.
const IQR_IN_SIGMAS: f64 = 1.349;

/// Half the width of the 95 % interval of a median of `n` values, in `sigma / sqrt(n)`: 1.96 for
/// the interval, 1.2533 for the median instead of the mean.
const HALF_WIDTH: f64 = 1.96 * 1.2533;

/// Which of two numbers is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Better {
    /// The larger: a rate.
    More,
    /// The smaller: a time.
    Less,
}

impl Better {
    /// How good `head` is beside `base`; nothing where one of them was not measured.
    pub(crate) fn ratio(self, base: f64, head: f64) -> Option<f64> {
        let ratio = match self {
            Self::More => head / base,
            Self::Less => base / head,
        };
        (ratio.is_finite() && ratio > 0.0).then_some(ratio)
    }

    /// The value as a rate; milliseconds become what could be done one after the other.
    pub(crate) fn as_rate(self, value: f64) -> f64 {
        match self {
            Self::More => value,
            Self::Less => 1_000.0 / value,
        }
    }
}

/// The ratios of some pairs, summed up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) pairs: usize,
    pub(crate) median: f64,
    pub(crate) quartiles: [f64; 2],
    /// Where the true median lies with this [`Self::confidence`].
    pub(crate) interval: [f64; 2],
    pub(crate) confidence: f64,
}

/// What may be concluded from a [`Spread`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The whole interval is above 1.
    Better,
    /// It reaches from within the tolerance to above 1.
    NoWorse,
    /// It is below 1, but within the tolerance.
    SlightlyWorse,
    /// It is below 1, and reaches beyond the tolerance.
    Worse,
    /// It is too wide; so many more pairs may make it narrow enough.
    Undecided { more_pairs: usize },
}

impl Spread {
    /// Sums up ratios in any order; nothing for none.
    pub(crate) fn of(ratios: &[f64]) -> Option<Self> {
        let sorted = sorted(ratios);
        let (first, last) = (*sorted.first()?, *sorted.last()?);
        let (left_out, confidence) = sign_test(sorted.len());
        let at = |place: usize| sorted.get(place).copied();
        Some(Self {
            pairs: sorted.len(),
            median: quantile(&sorted, 0.5),
            quartiles: [quantile(&sorted, 0.25), quantile(&sorted, 0.75)],
            interval: [
                at(left_out).unwrap_or(first),
                at(sorted.len() - 1 - left_out).unwrap_or(last),
            ],
            confidence,
        })
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let [low, high] = self.interval;
        let within_tolerance = low >= 1.0 - TOLERANCE;
        match () {
            () if self.pairs < MIN_PAIRS => Verdict::Undecided { more_pairs: self.more_pairs() },
            () if low > 1.0 => Verdict::Better,
            () if high < 1.0 && within_tolerance => Verdict::SlightlyWorse,
            () if high < 1.0 => Verdict::Worse,
            () if within_tolerance => Verdict::NoWorse,
            () => Verdict::Undecided { more_pairs: self.more_pairs() },
        }
    }

    /// How many more pairs may decide it, if they spread as these do: until half the interval is
    /// as narrow as the way from the median to the border that is easiest to clear.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small number of pairs"
    )]
    fn more_pairs(&self) -> usize {
        let [low, high] = self.quartiles.map(f64::ln);
        let sigma = (high - low) / IQR_IN_SIGMAS;
        let median = self.median.ln();
        let distance = (median - (1.0 - TOLERANCE).ln()).max(-median);
        let needed = (HALF_WIDTH * sigma / distance).powi(2).ceil() as usize;
        needed.max(next_narrower(self.pairs)) - self.pairs
    }
}

/// The middle of some values.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(&sorted(values), 0.5)
}

/// The lowest and the highest of some values.
pub(crate) fn range(values: &[f64]) -> [f64; 2] {
    let sorted = sorted(values);
    [quantile(&sorted, 0.0), quantile(&sorted, 1.0)]
}

/// The median of the shares that values have of what was given right before each.
pub(crate) fn share(values: &[f64], given: &[f64]) -> f64 {
    let shares: Vec<f64> = values.iter().zip(given).map(|(value, given)| value / given).collect();
    median(&shares)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// What this share of the values does not exceed, between two of them in proportion.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index into the list"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * sorted.len().saturating_sub(1) as f64;
    let at = |place: f64| sorted.get(place as usize).copied().unwrap_or(f64::NAN);
    let (below, above) = (at(place.floor()), at(place.ceil()));
    below + (above - below) * place.fract()
}

/// The next number of pairs with which more of them are left out of the interval, or with which
/// it is sure for the first time.
fn next_narrower(pairs: usize) -> usize {
    let (left_out, confidence) = sign_test(pairs);
    let is_narrower = |more: &usize| {
        let (then_left_out, then_confidence) = sign_test(*more);
        then_left_out > left_out || (confidence < CONFIDENCE && then_confidence >= CONFIDENCE)
    };
    (pairs + 1..=1_000_000).find(is_narrower).unwrap_or(pairs)
}

/// How many values at either end the interval of the median leaves out, and how sure it is.
///
/// Each value is as likely below the true median as above it, so that the median is outside of the
/// interval with the chance that so few of `count` fair coins fall on one side.
#[expect(clippy::cast_precision_loss, reason = "a small number of pairs")]
fn sign_test(count: usize) -> (usize, f64) {
    let mut chance = (0..count).fold(1.0, |chance, _| chance / 2.0);
    let mut tail = chance;
    let (mut left_out, mut confidence) = (0, 1.0 - 2.0 * tail);
    loop {
        chance *= (count - left_out) as f64 / (left_out + 1) as f64;
        tail += chance;
        if 1.0 - 2.0 * tail < CONFIDENCE {
            return (left_out, confidence);
        }
        left_out += 1;
        confidence = 1.0 - 2.0 * tail;
    }
}
