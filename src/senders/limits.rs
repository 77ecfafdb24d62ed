//! A sender's limits: its rate, and how long its messages stay valid.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::{Double, Integer};
use serde::Serialize;

use crate::connections::SenderAddress;
use crate::types::stored_as::stored_as;

/// Maximum rate of a sender in SMS parts per second: from 0.1 to 1,000.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Double)]
#[serde(transparent)]
pub struct PartsPerSecond(f64);

/// How long after its creation a message may still be submitted to Twilio, in minutes: from 5 to
/// 10,080 (a week).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Integer)]
#[serde(transparent)]
pub struct Validity(i32);

/// Why a number is not a valid limit, with the allowed range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Not a valid rate.
    #[error(
        "Enter how many SMS parts are sent per second, from 0.1 to 1,000, or nothing: Carillon \
         does not limit the sender then."
    )]
    PartsPerSecond,
    /// Not a valid validity.
    #[error("Enter for how many minutes a message may wait, from 5 to 10,080 (a week).")]
    Validity,
}

/// The limits of a sender.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Maximum rate; `None` for no limit by Carillon.
    pub parts_per_second: Option<PartsPerSecond>,
    /// How long its messages stay valid.
    pub validity: Validity,
}

impl PartsPerSecond {
    /// Accepts a rate within the bounds.
    pub fn new(rate: f64) -> Result<Self, LimitError> {
        if (0.1..=1_000.0).contains(&rate) {
            Ok(Self(rate))
        } else {
            Err(LimitError::PartsPerSecond)
        }
    }

    /// Parses user input: a number, or empty for no limit.
    pub fn parse(text: &str) -> Result<Option<Self>, LimitError> {
        match text.trim() {
            "" => Ok(None),
            text => {
                text.parse().map_err(|_| LimitError::PartsPerSecond).and_then(Self::new).map(Some)
            }
        }
    }

    /// Twilio's usual rate for this kind of number; `None` for a Messaging Service, which spreads
    /// its messages over a pool.
    #[must_use]
    pub fn usual(address: &SenderAddress) -> Option<Self> {
        match address {
            SenderAddress::MessagingService(_) => None,
            SenderAddress::PhoneNumber(number) => {
                Some(Self(if number.is_toll_free() { 3.0 } else { 1.0 }))
            }
        }
    }

    /// Parts per second as a number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// How long `parts` take at this rate, rounded up to the microsecond.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "no queue takes 2^52 microseconds"
    )]
    pub fn time_for(self, parts: i64) -> TimeDelta {
        TimeDelta::microseconds((parts as f64 * 1e6 / self.0).ceil() as i64)
    }
}

impl Validity {
    /// Default: two days, so that a retry on the next day is still valid.
    pub const USUAL: Self = Self(2_880);

    /// Upper bound: a week, in minutes.
    pub const MAX_MINUTES: i32 = 10_080;

    /// Accepts minutes within the bounds.
    pub fn new(minutes: i32) -> Result<Self, LimitError> {
        if (5..=Self::MAX_MINUTES).contains(&minutes) {
            Ok(Self(minutes))
        } else {
            Err(LimitError::Validity)
        }
    }

    /// Parses user input.
    pub fn parse(text: &str) -> Result<Self, LimitError> {
        text.trim().parse().map_err(|_| LimitError::Validity).and_then(Self::new)
    }

    /// The validity in minutes.
    #[must_use]
    pub const fn minutes(self) -> i32 {
        self.0
    }

    /// The validity as a duration.
    #[must_use]
    pub fn duration(self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.0))
    }

    /// Time at which a message created at `created_at` expires.
    #[must_use]
    pub fn end_of(self, created_at: DateTime<Utc>) -> DateTime<Utc> {
        created_at + self.duration()
    }
}

impl std::fmt::Display for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.parts_per_second {
            Some(rate) => write!(f, "a rate of {}", rate.get())?,
            None => f.write_str("no rate")?,
        }
        write!(f, " and a validity of {} minutes", self.validity.minutes())
    }
}

stored_as!(Double, PartsPerSecond);
stored_as!(Integer, Validity);

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(address: &str) -> Option<f64> {
        PartsPerSecond::usual(&SenderAddress::parse(address).unwrap()).map(PartsPerSecond::get)
    }

    #[test]
    fn the_usual_rate_is_that_of_the_kind_of_number() {
        assert_eq!(usual("+15005550006"), Some(1.0));
        assert_eq!(usual("+18885550123"), Some(3.0));
        assert_eq!(usual("+448001111111"), Some(1.0), "toll-free only in North America");
        assert_eq!(usual("MG0123456789abcdef0123456789ABCDEF"), None);
    }

    #[test]
    fn what_is_typed_is_a_number_within_bounds_or_nothing() {
        assert_eq!(PartsPerSecond::parse(" 2.5 "), PartsPerSecond::new(2.5).map(Some));
        assert_eq!(PartsPerSecond::parse("  "), Ok(None));
        for wrong in ["0", "0.05", "-1", "1001", "NaN", "inf", "three"] {
            assert_eq!(PartsPerSecond::parse(wrong), Err(LimitError::PartsPerSecond), "{wrong}");
        }
        for wrong in ["", "4", "10081", "1.5"] {
            assert_eq!(Validity::parse(wrong), Err(LimitError::Validity), "{wrong}");
        }
        assert_eq!(Validity::parse("60").map(Validity::minutes), Ok(60));
    }

    #[test]
    fn the_time_for_parts_is_never_too_short() {
        let thirds = PartsPerSecond::new(3.0).unwrap();
        assert_eq!(thirds.time_for(1), TimeDelta::microseconds(333_334));
        assert_eq!(thirds.time_for(3), TimeDelta::seconds(1));
    }
}
