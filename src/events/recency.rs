//! Classifies events by age: only a recent event is a reason to text its contact now.

use chrono::{DateTime, TimeDelta, Utc};

/// Maximum age of an event in seconds, unless a trigger sets another: older reports come from an
/// import or an outage.
pub const MAX_AGE_SECONDS: u32 = 24 * 60 * 60;
/// How far in the future an event may lie, to tolerate clock skew.
const MAX_AHEAD: TimeDelta = TimeDelta::minutes(5);

/// How recent an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recency {
    /// Happened recently.
    Recent,
    /// Happened more than [`MAX_AGE_SECONDS`] ago: starts only triggers that allow it.
    TooOld,
    /// More than five minutes in the future: starts nothing.
    InFuture,
}

impl Recency {
    /// The recency of an event that is reported at `now`.
    #[must_use]
    pub fn of(occurred_at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        if is_within(occurred_at, now, MAX_AGE_SECONDS) {
            Self::Recent
        } else if occurred_at > now {
            Self::InFuture
        } else {
            Self::TooOld
        }
    }
}

/// Whether an event is neither older than `max_age_seconds` nor in the future.
#[must_use]
pub fn is_within(occurred_at: DateTime<Utc>, now: DateTime<Utc>, max_age_seconds: u32) -> bool {
    let age = now - occurred_at;
    age <= TimeDelta::seconds(i64::from(max_age_seconds)) && age >= -MAX_AHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_back_and_five_minutes_ahead_are_recent() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let of = |age: TimeDelta| Recency::of(now - age, now);
        assert_eq!(
            [of(TimeDelta::zero()), of(TimeDelta::hours(24)), of(TimeDelta::minutes(-5))],
            [Recency::Recent; 3]
        );
        assert_eq!(of(TimeDelta::hours(24) + TimeDelta::seconds(1)), Recency::TooOld);
        assert_eq!(of(TimeDelta::minutes(-5) - TimeDelta::seconds(1)), Recency::InFuture);
        assert!(
            is_within(now - TimeDelta::days(30), now, 31 * 86_400)
                && !is_within(now + TimeDelta::days(1), now, 31 * 86_400)
        );
    }
}
