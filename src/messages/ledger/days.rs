//! A range of days, in UTC, first and last one included.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};

use super::midnight;

/// Days from one to another, both included; never more than ten years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    from: NaiveDate,
    to: NaiveDate,
}

/// Why two days are no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DaysError {
    /// The wrong way round.
    #[error("The last day is before the first one.")]
    Backwards,
    /// Longer than anybody can want.
    #[error("These are more than ten years; choose fewer.")]
    TooMany,
    /// Longer than what is asked for can bear.
    #[error("These are more than {0} days; choose fewer.")]
    MoreThan(i64),
    /// Not written as a day.
    #[error("Write a day as 2026-11-21.")]
    NotADay,
}

impl Days {
    /// From one day to another.
    pub fn new(from: NaiveDate, to: NaiveDate) -> Result<Self, DaysError> {
        if to < from {
            return Err(DaysError::Backwards);
        }
        if (to - from).num_days() > 3_660 {
            return Err(DaysError::TooMany);
        }
        Ok(Self { from, to })
    }

    /// The last `count` days, today among them; at least today.
    #[must_use]
    pub fn last(count: i64, now: DateTime<Utc>) -> Self {
        let to = now.date_naive();
        Self { from: to - TimeDelta::days((count - 1).clamp(0, 3_660)), to }
    }

    /// Ten years up to today: all that there is.
    #[must_use]
    pub fn all(now: DateTime<Utc>) -> Self {
        let to = now.date_naive();
        Self { from: to.with_year(to.year() - 10).unwrap_or(to - TimeDelta::days(3_650)), to }
    }

    /// Reads a day such as `2026-11-21`, of the years 1970 to 9999: there are no messages before, and nobody can reckon with days far after.
    pub fn parse_day(text: &str) -> Result<NaiveDate, DaysError> {
        text.trim().parse().ok().filter(|day: &NaiveDate| (1970..=9999).contains(&day.year())).ok_or(DaysError::NotADay)
    }

    /// The first one.
    #[must_use]
    pub const fn from(self) -> NaiveDate {
        self.from
    }

    /// The last one.
    #[must_use]
    pub const fn to(self) -> NaiveDate {
        self.to
    }

    /// How many they are.
    #[must_use]
    pub fn count(self) -> i64 {
        (self.to - self.from).num_days() + 1
    }

    /// When the first one begins.
    #[must_use]
    pub fn begin(self) -> DateTime<Utc> {
        midnight(self.from)
    }

    /// When the last one is over: the first moment that does not belong to them.
    #[must_use]
    pub fn end(self) -> DateTime<Utc> {
        super::end_of(self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_its_first_and_its_last_day() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        let days = Days::new(day(1), day(30)).unwrap();
        assert_eq!(
            (days.count(), days.begin().to_rfc3339(), days.end().to_rfc3339()),
            (30, "2026-11-01T00:00:00+00:00".to_owned(), "2026-12-01T00:00:00+00:00".to_owned())
        );
        assert_eq!(Days::new(day(2), day(1)), Err(DaysError::Backwards));
        assert_eq!(Days::last(30, days.end() - TimeDelta::seconds(1)), days);
        assert_eq!(Days::last(1, days.begin()).count(), 1);
    }
}
