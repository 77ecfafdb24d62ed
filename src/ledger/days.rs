//! A range of days in a time zone, first and last one included.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// A range of days, the first and last included; at most ten years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    from: NaiveDate,
    to: NaiveDate,
    zone: Tz,
}

/// Why two days do not form a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DaysError {
    /// The last day is before the first.
    #[error("Choose a last day that is not before the first.")]
    Backwards,
    /// Longer than ten years.
    #[error("Choose at most ten years.")]
    TooMany,
    /// Longer than the query allows.
    #[error("Choose at most {0} days.")]
    MoreThan(i64),
    /// Not written as a day.
    #[error("Enter a day such as 2026-11-21.")]
    NotADay,
}

impl Days {
    /// The days from `from` to `to` in a time zone.
    pub fn new(from: NaiveDate, to: NaiveDate, zone: Tz) -> Result<Self, DaysError> {
        if to < from {
            return Err(DaysError::Backwards);
        }
        if (to - from).num_days() > 3_660 {
            return Err(DaysError::TooMany);
        }
        Ok(Self { from, to, zone })
    }

    /// The last `count` days of a time zone, today included; at least today.
    #[must_use]
    pub fn last(count: i64, now: DateTime<Utc>, zone: Tz) -> Self {
        let to = date(now, zone);
        Self { from: to - TimeDelta::days((count - 1).clamp(0, 3_660)), to, zone }
    }

    /// The ten years up to today, which contain all messages.
    #[must_use]
    pub fn all(now: DateTime<Utc>, zone: Tz) -> Self {
        let to = date(now, zone);
        Self { from: to.with_year(to.year() - 10).unwrap_or(to - TimeDelta::days(3_650)), to, zone }
    }

    /// Parses a day such as `2026-11-21`, of the years 1970 to 9999: there are no messages before,
    /// and arithmetic with days far after overflows.
    pub fn parse_day(text: &str) -> Result<NaiveDate, DaysError> {
        text.trim()
            .parse()
            .ok()
            .filter(|day: &NaiveDate| (1970..=9999).contains(&day.year()))
            .ok_or(DaysError::NotADay)
    }

    /// The first day.
    #[must_use]
    pub const fn from(self) -> NaiveDate {
        self.from
    }

    /// The last day.
    #[must_use]
    pub const fn to(self) -> NaiveDate {
        self.to
    }

    /// The time zone of the days.
    #[must_use]
    pub const fn zone(self) -> Tz {
        self.zone
    }

    /// The number of days.
    #[must_use]
    pub fn count(self) -> i64 {
        (self.to - self.from).num_days() + 1
    }

    /// When the first day begins.
    #[must_use]
    pub fn begin(self) -> DateTime<Utc> {
        first_moment(self.from, self.zone)
    }

    /// When the last day ends: the first moment after the range.
    #[must_use]
    pub fn end(self) -> DateTime<Utc> {
        end_of(self.to, self.zone)
    }
}

/// Days and their first moments, in parallel, for statements that find the day of a moment:
/// `days[width_bucket(moment, begins)]`. PostgreSQL's time zone data may be of another version than
/// ours.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calendar {
    pub(crate) days: Vec<NaiveDate>,
    pub(crate) begins: Vec<DateTime<Utc>>,
}

impl Calendar {
    /// The days from `from` to `to`, both included.
    pub(super) fn of(from: NaiveDate, to: NaiveDate, zone: Tz) -> Self {
        let days: Vec<NaiveDate> = from.iter_days().take_while(|day| *day <= to).collect();
        Self { begins: days.iter().map(|day| first_moment(*day, zone)).collect(), days }
    }
}

impl From<Days> for Calendar {
    fn from(days: Days) -> Self {
        Self::of(days.from, days.to, days.zone)
    }
}

/// The day that a moment belongs to.
pub(super) fn date(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// The moment at which a day ends.
pub(super) fn end_of(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    first_moment(day + TimeDelta::days(1), zone)
}

/// The moment at which a day begins. If clocks skip midnight, it begins after the gap; if they go
/// back to the evening before, at the second midnight.
fn first_moment(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    // A gap of a whole day, as Samoa's in 2011, leaves an empty day: it begins where the next one
    // does.
    let after_gap = |quarters: i32| {
        zone.from_local_datetime(&(midnight + TimeDelta::minutes(15) * quarters)).earliest()
    };
    let found = zone.from_local_datetime(&midnight);
    let of_the_day = |at: &DateTime<Tz>| date(at.to_utc(), zone) == day;
    let first = found
        .earliest()
        .filter(of_the_day)
        .or_else(|| found.latest().filter(of_the_day))
        .or_else(|| (1..=96).find_map(after_gap));
    first.map_or_else(|| midnight.and_utc(), |at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_holds_its_first_and_its_last_day() {
        let days = Days::new(day("2026-11-01"), day("2026-11-30"), Tz::UTC).unwrap();
        assert_eq!(
            (days.count(), days.begin().to_rfc3339(), days.end().to_rfc3339()),
            (30, "2026-11-01T00:00:00+00:00".to_owned(), "2026-12-01T00:00:00+00:00".to_owned())
        );
        assert_eq!(
            Days::new(day("2026-11-02"), day("2026-11-01"), Tz::UTC),
            Err(DaysError::Backwards)
        );
        assert_eq!(Days::last(30, days.end() - TimeDelta::seconds(1), Tz::UTC), days);
        assert_eq!(Days::last(1, days.begin(), Tz::UTC).count(), 1);
    }

    #[test]
    fn today_is_the_day_of_the_zone() {
        let evening = "2026-11-30T20:30:00Z".parse().unwrap();
        let today = |zone| Days::last(1, evening, zone).to().to_string();
        assert_eq!(
            [Tz::UTC, Tz::Asia__Tokyo, Tz::America__Los_Angeles].map(today),
            ["2026-11-30", "2026-12-01", "2026-11-30"]
        );
    }

    #[test]
    fn days_are_as_long_as_the_clocks_make_them() {
        let hours = |text: &str, zone| {
            let one = Days::new(day(text), day(text), zone).unwrap();
            (
                one.begin().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                (one.end() - one.begin()).num_minutes(),
            )
        };
        let is = |begin: &str, minutes| (begin.to_owned(), minutes);
        assert_eq!(hours("2026-03-29", Tz::Europe__Berlin), is("2026-03-28T23:00:00Z", 23 * 60));
        assert_eq!(hours("2026-10-25", Tz::Europe__Berlin), is("2026-10-24T22:00:00Z", 25 * 60));
        assert_eq!(hours("2026-11-30", Tz::Asia__Kathmandu), is("2026-11-29T18:15:00Z", 24 * 60));
        assert_eq!(
            hours("2026-10-04", Tz::Australia__Lord_Howe),
            is("2026-10-03T13:30:00Z", 23 * 60 + 30)
        );
        // Clocks skip from 00:00 to 01:00, go back from 24:00 to 23:00, and once skipped a whole
        // day.
        assert_eq!(
            hours("2018-11-04", Tz::America__Sao_Paulo),
            is("2018-11-04T03:00:00Z", 23 * 60)
        );
        assert_eq!(
            hours("2018-02-17", Tz::America__Sao_Paulo),
            is("2018-02-17T02:00:00Z", 25 * 60)
        );
        assert_eq!(
            hours("2018-02-18", Tz::America__Sao_Paulo),
            is("2018-02-18T03:00:00Z", 24 * 60)
        );
        assert_eq!(hours("2011-12-30", Tz::Pacific__Apia), is("2011-12-30T10:00:00Z", 0));
        assert_eq!(hours("2011-12-31", Tz::Pacific__Apia), is("2011-12-30T10:00:00Z", 24 * 60));
    }

    /// The ledger's changes name a quarter of an hour, which must belong to one day in every time
    /// zone.
    #[test]
    fn in_every_zone_days_follow_one_another_and_begin_with_a_quarter_of_an_hour() {
        for zone in chrono_tz::TZ_VARIANTS {
            let calendar = Calendar::of(day("2019-12-31"), day("2029-01-01"), zone);
            for (at, begin) in calendar.begins.iter().enumerate() {
                let day = calendar.days[at];
                assert_eq!(begin.timestamp() % 900, 0, "{day} in {zone}");
                assert!(
                    date(*begin - TimeDelta::seconds(1), zone) < day && date(*begin, zone) >= day,
                    "{day} in {zone}"
                );
                assert!(at == 0 || calendar.begins[at - 1] <= *begin, "{day} in {zone}");
            }
        }
    }
}
