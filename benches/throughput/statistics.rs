//! The statistics of a comparison: the ratios of pairs, their spread and the verdict.
//!
//! A ratio above 1 always means that the second program is better. The confidence interval is that
//! of the sign test, which makes no assumption about the distribution.

use serde::Serialize;

/// The tolerated loss: a ratio down to `1 - TOLERANCE` counts as no worse.
pub(crate) const TOLERANCE: f64 = 0.03;

/// The confidence of an interval, if there are enough pairs.
const CONFIDENCE: f64 = 0.95;

/// The minimum number of pairs for a verdict.
const MIN_PAIRS: usize = 5;

/// The interquartile range of a normal distribution in standard deviations.
const IQR_IN_SIGMAS: f64 = 1.349;

/// Half the width of the 95 % interval of the median of `n` values, in units of `sigma / sqrt(n)`:
/// 1.96 for the interval, 1.2533 for the median instead of the mean.
const HALF_WIDTH: f64 = 1.96 * 1.2533;

/// Whether the larger or the smaller of two values is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Better {
    /// The larger value, such as a rate.
    More,
    /// The smaller value, such as a time.
    Less,
}

impl Better {
    /// The ratio of `head` to `base`, above 1 if `head` is better; `None` if one was not measured.
    pub(crate) fn ratio(self, base: f64, head: f64) -> Option<f64> {
        let ratio = match self {
            Self::More => head / base,
            Self::Less => base / head,
        };
        (ratio.is_finite() && ratio > 0.0).then_some(ratio)
    }

    /// The value as a rate; a time in milliseconds becomes the rate of sequential requests.
    pub(crate) fn as_rate(self, value: f64) -> f64 {
        match self {
            Self::More => value,
            Self::Less => 1_000.0 / value,
        }
    }
}

/// The spread of the ratios of some pairs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) pairs: usize,
    pub(crate) median: f64,
    pub(crate) quartiles: [f64; 2],
    /// The interval that contains the true median with [`Self::confidence`].
    pub(crate) interval: [f64; 2],
    pub(crate) confidence: f64,
}

/// The conclusion from a [`Spread`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The whole interval is above 1.
    Better,
    /// The interval starts within the tolerance and ends above 1.
    NoWorse,
    /// The interval is below 1, but within the tolerance.
    SlightlyWorse,
    /// The interval is below 1 and starts outside the tolerance.
    Worse,
    /// The interval is too wide; about `more_pairs` further pairs may narrow it enough.
    Undecided { more_pairs: usize },
}

impl Spread {
    /// The spread of ratios in any order; `None` if there are none.
    pub(crate) fn of(ratios: &[f64]) -> Option<Self> {
        let sorted = sorted(ratios);
        let (first, last) = (*sorted.first()?, *sorted.last()?);
        let (left_out, confidence) = sign_test(sorted.len());
        let at = |index: usize| sorted.get(index).copied();
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

    /// The number of further pairs that may decide the comparison, assuming the same spread: until
    /// half the interval is as narrow as the distance from the median to the nearest decisive
    /// limit.
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

/// The median of some values.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(&sorted(values), 0.5)
}

/// The lowest and the highest of some values.
pub(crate) fn range(values: &[f64]) -> [f64; 2] {
    let sorted = sorted(values);
    [quantile(&sorted, 0.0), quantile(&sorted, 1.0)]
}

/// The median ratio of values to the reference rates measured directly before each.
pub(crate) fn share(values: &[f64], references: &[f64]) -> f64 {
    let shares: Vec<f64> =
        values.iter().zip(references).map(|(value, reference)| value / reference).collect();
    median(&shares)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// A quantile of sorted values, linearly interpolated between neighbours.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index into the list"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * sorted.len().saturating_sub(1) as f64;
    let at = |position: f64| sorted.get(position as usize).copied().unwrap_or(f64::NAN);
    let (below, above) = (at(position.floor()), at(position.ceil()));
    below + (above - below) * position.fract()
}

/// The next number of pairs with which the interval excludes more of them, or with which it first
/// reaches the required confidence.
fn next_narrower(pairs: usize) -> usize {
    let (left_out, confidence) = sign_test(pairs);
    let is_narrower = |more: &usize| {
        let (then_left_out, then_confidence) = sign_test(*more);
        then_left_out > left_out || (confidence < CONFIDENCE && then_confidence >= CONFIDENCE)
    };
    (pairs + 1..=1_000_000).find(is_narrower).unwrap_or(pairs)
}

/// The number of values at either end that the interval of the median excludes, and the confidence
/// of the interval.
///
/// Each value is equally likely to be below or above the true median. So the median is outside the
/// interval with the probability that at most that many of `count` fair coins show the same side.
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
