//! The validity of a sender's messages: how long each may wait to be submitted.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Integer;
use serde::Serialize;

use crate::types::stored_as::stored_as;

/// How long after its creation a message may still be submitted to Twilio, in minutes: from 5 to
/// 10,080 (a week).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Integer)]
#[serde(transparent)]
pub struct Validity(i32);

/// Why a number is not a valid validity, with the allowed range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Enter how many minutes a message may wait, from 5 to 10,080 (a week).")]
pub struct InvalidValidity;

impl Validity {
    /// Default: two days, so that a retry on the next day is still valid.
    pub const USUAL: Self = Self(2_880);

    /// Upper bound: a week, in minutes.
    pub const MAX_MINUTES: i32 = 10_080;

    /// Accepts minutes within the bounds.
    pub fn new(minutes: i32) -> Result<Self, InvalidValidity> {
        if (5..=Self::MAX_MINUTES).contains(&minutes) {
            Ok(Self(minutes))
        } else {
            Err(InvalidValidity)
        }
    }

    /// Parses user input.
    pub fn parse(text: &str) -> Result<Self, InvalidValidity> {
        text.trim().parse().map_err(|_| InvalidValidity).and_then(Self::new)
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

stored_as!(Integer, Validity);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_a_whole_number_within_bounds() {
        for wrong in ["", "4", "10081", "1.5"] {
            assert_eq!(Validity::parse(wrong), Err(InvalidValidity), "{wrong}");
        }
        assert_eq!(Validity::parse("60").map(Validity::minutes), Ok(60));
    }
}
