//! The rate of a sender, in SMS parts per second.

use chrono::TimeDelta;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Double;
use serde::Serialize;

use crate::connections::SenderAddress;
use crate::types::stored_as::stored_as;

/// Maximum rate of a sender in SMS parts per second: from 0.1 to 1,000.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Double)]
#[serde(transparent)]
pub struct PartsPerSecond(f64);

/// Why a number is not a valid rate, with the allowed range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Enter 0.1 to 1,000 SMS parts per second, or nothing for no limit in Carillon.")]
pub struct InvalidRate;

impl PartsPerSecond {
    /// Accepts a rate within the bounds.
    pub fn new(rate: f64) -> Result<Self, InvalidRate> {
        if (0.1..=1_000.0).contains(&rate) { Ok(Self(rate)) } else { Err(InvalidRate) }
    }

    /// Parses user input: a number, or empty for no limit.
    pub fn parse(text: &str) -> Result<Option<Self>, InvalidRate> {
        match text.trim() {
            "" => Ok(None),
            text => text.parse().map_err(|_| InvalidRate).and_then(Self::new).map(Some),
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

stored_as!(Double, PartsPerSecond);

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
            assert_eq!(PartsPerSecond::parse(wrong), Err(InvalidRate), "{wrong}");
        }
    }

    #[test]
    fn the_time_for_parts_is_never_too_short() {
        let thirds = PartsPerSecond::new(3.0).unwrap();
        assert_eq!(thirds.time_for(1), TimeDelta::microseconds(333_334));
        assert_eq!(thirds.time_for(3), TimeDelta::seconds(1));
    }
}
