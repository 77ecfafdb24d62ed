//! [`DaysInput`]: a first and a last day as users enter them into queries and forms, in the
//! organization's time zone.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{Days, DaysError};
use crate::error::FieldErrors;

/// The current time, and the time zone of days:
/// [`crate::users::organization::Organization::day_zone`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Today {
    pub(crate) now: DateTime<Utc>,
    pub(crate) zone: Tz,
}

/// A first and a last day as they were entered, with the names of their fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DaysInput<'a> {
    /// Name and text of the first day.
    pub(crate) from: (&'static str, &'a str),
    /// Name and text of the last day.
    pub(crate) to: (&'static str, &'a str),
}

impl DaysInput<'_> {
    /// Parses the days. A missing last day means today; a missing first day means `span` days back,
    /// the last one included. Errors are added to their field.
    pub(crate) fn read(self, now: Today, span: i64, errors: &mut FieldErrors) -> Option<Days> {
        let today = now.now.with_timezone(&now.zone).date_naive();
        let mut day = |(field, text): (&'static str, &str)| match text.trim() {
            "" => Ok(None),
            text => Days::parse_day(text)
                .map(Some)
                .map_err(|error| errors.add(field, error.to_string())),
        };
        let (from, to) = (day(self.from), day(self.to));
        let (Ok(from), Ok(to)) = (from, to) else { return None };
        let to = to.unwrap_or_else(|| from.map_or(today, |from| today.max(from)));
        let from = from.unwrap_or(to - TimeDelta::days(span - 1));
        let days = Days::new(from, to, now.zone);
        let field = if days == Err(DaysError::Backwards) { self.to.0 } else { self.from.0 };
        errors.check(field, days)
    }

    /// Whether at least one day is given.
    pub(crate) fn are_named(self) -> bool {
        !(self.from.1.trim().is_empty() && self.to.1.trim().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(from: &str, to: &str) -> Result<(String, String), Vec<String>> {
        let mut errors = FieldErrors::default();
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let days = DaysInput { from: ("from", from), to: ("to", to) }.read(
            Today { now, zone: Tz::UTC },
            30,
            &mut errors,
        );
        let wrong = errors.iter().map(|(field, _)| field.to_owned()).collect();
        days.map(|days| (days.from().to_string(), days.to().to_string())).ok_or(wrong)
    }

    #[test]
    fn missing_days_are_the_last_thirty() {
        let range = |from: &str, to: &str| Ok((from.to_owned(), to.to_owned()));
        assert_eq!(read("", ""), range("2026-10-23", "2026-11-21"));
        assert_eq!(read("2026-11-01", ""), range("2026-11-01", "2026-11-21"));
        assert_eq!(read("", "2026-03-01"), range("2026-01-31", "2026-03-01"));
        assert_eq!(read("2026-12-01", ""), range("2026-12-01", "2026-12-01"));
    }

    #[test]
    fn an_invalid_day_or_range_is_an_error_on_its_field() {
        assert_eq!(read("yesterday", "2026-02-30"), Err(vec!["from".to_owned(), "to".to_owned()]));
        assert_eq!(read("2026-11-02", "2026-11-01"), Err(vec!["to".to_owned()]));
        assert_eq!(read("1999-01-01", "2026-11-01"), Err(vec!["from".to_owned()]));
    }

    #[test]
    fn a_day_out_of_range_is_refused() {
        for day in ["-262143-01-01", "+262142-12-31", "1969-12-31", "+10000-01-01"] {
            assert_eq!(
                (read(day, ""), read("", day)),
                (Err(vec!["from".to_owned()]), Err(vec!["to".to_owned()])),
                "{day}"
            );
        }
        assert!(read("", "1970-01-01").is_ok() && read("9999-12-31", "").is_ok());
    }
}
