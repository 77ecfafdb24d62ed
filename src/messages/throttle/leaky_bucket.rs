//! [`LeakyBucket`]: the arithmetic of a sender's rate, a leaky bucket with a burst.

use chrono::{DateTime, TimeDelta, Utc};

use crate::senders::PartsPerSecond;

/// The burst after a pause: as many parts as the rate sends in this time. A message with more parts
/// is sent alone.
const BURST: TimeDelta = TimeDelta::seconds(1);

/// A sender's rate, and the time until which it is used up.
///
/// In any window of time at most *rate × (window + burst)* parts fit; or *rate × window* and one
/// message, if that message has more parts than a burst.
#[derive(Debug, Clone, Copy)]
pub(super) struct LeakyBucket {
    /// The sender's rate; without one, everything fits.
    pub(super) rate: Option<PartsPerSecond>,
    /// When the bucket is empty: all charged parts are worked off at the rate.
    pub(super) free_at: DateTime<Utc>,
}

impl LeakyBucket {
    /// When a message with this many parts may go; in the past if it fits now.
    pub(super) fn fits_at(&self, parts: i16) -> DateTime<Utc> {
        let Some(rate) = self.rate else { return DateTime::UNIX_EPOCH };
        let cost = rate.time_for(i64::from(parts));
        self.free_at + cost - cost.max(BURST)
    }

    /// Whether a message with this many parts may go now.
    pub(super) fn fits(&self, parts: i16, now: DateTime<Utc>) -> bool {
        self.fits_at(parts) <= now
    }

    /// Charges the parts of a message that goes now.
    pub(super) fn charge(&mut self, parts: i16, now: DateTime<Utc>) {
        self.free_at = self.start(now) + self.cost(parts);
    }

    /// How many messages fit now at most, if each has one part.
    pub(super) fn max_messages(&self, now: DateTime<Utc>) -> usize {
        let Some(rate) = self.rate else { return usize::MAX };
        let left = (now + BURST - self.start(now)).num_microseconds().unwrap_or(0).max(0);
        let one = rate.time_for(1).num_microseconds().unwrap_or(i64::MAX).max(1);
        // One more: a message longer than the burst fits when the bucket is empty.
        usize::try_from(left / one).unwrap_or(usize::MAX).saturating_add(1)
    }

    fn cost(&self, parts: i16) -> TimeDelta {
        self.rate.map_or(TimeDelta::zero(), |rate| rate.time_for(i64::from(parts)))
    }

    fn start(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.free_at.max(now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(micros: i32) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(1_790_000_000_000_000 + i64::from(micros)).unwrap()
    }

    fn bucket(rate: f64) -> LeakyBucket {
        LeakyBucket { rate: PartsPerSecond::new(rate).ok(), free_at: at(0) }
    }

    #[test]
    fn at_one_part_per_second_one_part_goes_each_second() {
        let mut bucket = bucket(1.0);
        bucket.charge(1, at(0));
        assert!(!bucket.fits(1, at(999_999)));
        assert!(bucket.fits(1, at(1_000_000)));
        assert_eq!(bucket.fits_at(1), at(1_000_000));
    }

    #[test]
    fn a_message_longer_than_the_burst_goes_alone_and_is_paid_off_afterwards() {
        let mut bucket = bucket(1.0);
        assert!(bucket.fits(6, at(0)));
        bucket.charge(6, at(0));
        assert_eq!(bucket.fits_at(1), at(6_000_000));
    }

    #[test]
    fn without_a_rate_everything_fits() {
        let mut bucket = LeakyBucket { rate: None, free_at: at(0) };
        bucket.charge(100, at(0));
        assert!(bucket.fits(100, at(0)));
    }

    proptest! {
        #[test]
        fn no_window_has_more_parts_than_the_rate_and_a_burst_allow(
            rate in 0.1_f64..200.0,
            tries in prop::collection::vec((0_i32..700_000, 1_i16..8), 1..200),
        ) {
            let mut bucket = bucket(rate);
            let mut now = 0;
            let mut sent: Vec<(i32, i32)> = Vec::new();
            for (pause, parts) in tries {
                now += pause;
                if bucket.fits(parts, at(now)) {
                    prop_assert!(bucket.max_messages(at(now)) >= 1);
                    bucket.charge(parts, at(now));
                    sent.push((now, i32::from(parts)));
                }
            }
            let longest = sent.iter().map(|(_, parts)| *parts).max().unwrap_or(0);
            for (first, (from, _)) in sent.iter().enumerate() {
                let mut total = 0;
                for (until, parts) in &sent[first..] {
                    total += parts;
                    let window = f64::from(until - from) / 1e6;
                    prop_assert!(
                        f64::from(total) <= rate * window + rate.max(f64::from(longest)) + 1e-6,
                        "{total} parts in {window} s at {rate}/s"
                    );
                }
            }
        }
    }
}
