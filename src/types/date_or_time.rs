//! Dates and times in the notations that programs use, with one parser for templates, conditions
//! and events. The main type is [`DateOrTime`]; start with [`DateOrTime::parse`].

use std::cmp::Ordering;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

/// Plausible years: others are mistaken units or placeholders such as 9999-12-31.
const YEARS: std::ops::RangeInclusive<i64> = 1900..=2200;

/// From here on a number counts milliseconds, not seconds since 1970: fewer would be before March
/// 1973.
const MILLISECONDS_FROM: i128 = 100_000_000_000;
/// From here on a number counts microseconds, not milliseconds.
const MICROSECONDS_FROM: i128 = MILLISECONDS_FROM * 1_000;
/// From here on a number counts nanoseconds, not microseconds.
const NANOSECONDS_FROM: i128 = MICROSECONDS_FROM * 1_000;

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const SECONDS_PER_YEAR: i128 = 31_556_952;

/// A date or time, with a time zone if one was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrTime {
    /// A calendar date, independent of time zones.
    Day(NaiveDate),
    /// A time without a zone, treated as UTC if one is needed.
    Unzoned(NaiveDateTime),
    /// A point in time.
    Instant(DateTime<FixedOffset>),
}

/// Why something is not a date or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateOrTimeError {
    /// No known notation.
    #[error(
        "this is not a date or time, such as 2026-11-21T10:00:00Z, 2026-11-21 or seconds since 1970"
    )]
    Unreadable,
    /// A known notation with an implausible year.
    #[error(
        "the year {0} is outside 1900 to 2200; seconds, milliseconds and microseconds since 1970 \
         are told apart by their size"
    )]
    Year(i64),
}

impl DateOrTime {
    /// Parses RFC 3339 and similar notations (a space instead of `T`, `+0200`, `+02`, no seconds,
    /// no zone), a date, RFC 2822, JavaScript's `Date`, and digits that count seconds,
    /// milliseconds, microseconds or nanoseconds since 1970.
    pub fn parse(text: &str) -> Result<Self, DateOrTimeError> {
        let text = text.trim();
        match text.as_bytes().first() {
            Some(b'0'..=b'9' | b'-' | b'+') => match parse_digits(text) {
                Some(parsed) => parsed,
                None => parse_iso(text)
                    .or_else(|| parse_named(text))
                    .ok_or(DateOrTimeError::Unreadable)?
                    .in_range(),
            },
            // Fast path for ordinary words, which contain no time.
            Some(b'A'..=b'Z' | b'a'..=b'z') if text.contains(':') => {
                parse_named(text).ok_or(DateOrTimeError::Unreadable)?.in_range()
            }
            _ => Err(DateOrTimeError::Unreadable),
        }
    }

    /// Parses a JSON text or number.
    pub fn of_json(value: &Value) -> Result<Self, DateOrTimeError> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Number(number) => {
                let whole =
                    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
                match (whole, number.as_f64()) {
                    (Some(whole), _) => Self::since_1970(whole),
                    (None, Some(float)) => Self::since_1970_float(float),
                    (None, None) => Err(DateOrTimeError::Unreadable),
                }
            }
            _ => Err(DateOrTimeError::Unreadable),
        }
    }

    /// Parses an integer number of seconds, milliseconds, microseconds or nanoseconds since 1970,
    /// distinguished by size.
    pub fn since_1970(number: i128) -> Result<Self, DateOrTimeError> {
        Self::at(number.saturating_mul(nanos_per(number)))
    }

    /// Parses a decimal number like [`Self::since_1970`].
    pub fn since_1970_float(number: f64) -> Result<Self, DateOrTimeError> {
        if !number.is_finite() || number.abs() > 1e20 {
            return Err(DateOrTimeError::Unreadable);
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is below 1e20")]
        let whole = number.trunc() as i128;
        let unit = nanos_per(whole);
        // A double has about 16 digits: for the current time in seconds, the sixth decimal is the
        // last significant one.
        let step = (unit / 1_000_000).max(1);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "a fraction of a unit in steps of a millionth"
        )]
        let fraction = ((number.fract() * (unit / step) as f64).round() as i128) * step;
        Self::at(whole.saturating_mul(unit).saturating_add(fraction))
    }

    /// The point in time: the beginning of a date, and UTC without a zone.
    #[must_use]
    pub fn instant(&self) -> DateTime<FixedOffset> {
        match self {
            Self::Day(day) => day.and_time(NaiveTime::MIN).and_utc().fixed_offset(),
            Self::Unzoned(time) => time.and_utc().fixed_offset(),
            Self::Instant(time) => *time,
        }
    }

    /// The point in time: the beginning of a date in this time zone.
    #[must_use]
    pub fn instant_in(&self, zone: Tz) -> DateTime<FixedOffset> {
        match self {
            // If the clocks go forward at midnight, the day begins at 1 a.m.
            Self::Day(day) => {
                let hours = [0, 1].into_iter().filter_map(|hour| {
                    day.and_hms_opt(hour, 0, 0)?.and_local_timezone(zone).earliest()
                });
                hours.map(|time| time.fixed_offset()).next().unwrap_or_else(|| self.instant())
            }
            Self::Unzoned(_) | Self::Instant(_) => self.instant(),
        }
    }

    /// Orders two dates or times. A date is compared with a time as its beginning in the time's
    /// zone.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Day(day), Self::Instant(time)) => {
                day.and_time(NaiveTime::MIN).cmp(&time.naive_local())
            }
            (Self::Instant(time), Self::Day(day)) => {
                time.naive_local().cmp(&day.and_time(NaiveTime::MIN))
            }
            _ => self.instant().cmp(&other.instant()),
        }
    }

    fn at(nanos: i128) -> Result<Self, DateOrTimeError> {
        let (seconds, rest) =
            (nanos.div_euclid(NANOS_PER_SECOND), nanos.rem_euclid(NANOS_PER_SECOND));
        let time = i64::try_from(seconds).ok().zip(u32::try_from(rest).ok());
        match time.and_then(|(seconds, rest)| DateTime::<Utc>::from_timestamp(seconds, rest)) {
            Some(time) => Self::Instant(time.fixed_offset()).in_range(),
            None => Err(DateOrTimeError::Year(
                i64::try_from(1970 + seconds / SECONDS_PER_YEAR).unwrap_or(i64::MAX),
            )),
        }
    }

    fn in_range(self) -> Result<Self, DateOrTimeError> {
        let year = i64::from(match &self {
            Self::Day(day) => day.year(),
            Self::Unzoned(time) => time.year(),
            Self::Instant(time) => time.year(),
        });
        if YEARS.contains(&year) { Ok(self) } else { Err(DateOrTimeError::Year(year)) }
    }
}

/// Length of the unit in nanoseconds, inferred from the size of a number since 1970.
const fn nanos_per(number: i128) -> i128 {
    match number.unsigned_abs() {
        size if size < MILLISECONDS_FROM.unsigned_abs() => NANOS_PER_SECOND,
        size if size < MICROSECONDS_FROM.unsigned_abs() => 1_000_000,
        size if size < NANOSECONDS_FROM.unsigned_abs() => 1_000,
        _ => 1,
    }
}

/// Parses digits: `20260309` is a date, anything else counts since 1970. `None` if the text is not
/// a number.
fn parse_digits(text: &str) -> Option<Result<DateOrTime, DateOrTimeError>> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let all_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    Some(match text.len() {
        8 if unsigned.len() == 8 && whole.len() == 8 => compact_day(text)
            .ok_or(DateOrTimeError::Unreadable)
            .and_then(|day| DateOrTime::Day(day).in_range()),
        // A year or a plain number, not seconds since 1970.
        _ if whole.len() < 8 => Err(DateOrTimeError::Unreadable),
        _ if unsigned.len() == whole.len() => {
            text.parse().map_err(|_| DateOrTimeError::Unreadable).and_then(DateOrTime::since_1970)
        }
        _ => text
            .parse()
            .map_err(|_| DateOrTimeError::Unreadable)
            .and_then(DateOrTime::since_1970_float),
    })
}

/// Parses `2026-03-09`, `2026-03-09T10:00:00.123+02:00`, `2026-03-09 10:00 +0200`,
/// `20260309T100000Z` and variants between them.
fn parse_iso(text: &str) -> Option<DateOrTime> {
    let (day, rest) = match text.get(8..9) {
        Some("T" | "t") => (compact_day(text.get(..8)?)?, text.get(8..)?),
        _ => (dashed_day(text.get(..10)?)?, text.get(10..)?),
    };
    if rest.is_empty() {
        return Some(DateOrTime::Day(day));
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?.trim_start();
    let (time, next_day, rest) = parse_clock(rest)?;
    let time = if next_day { day.succ_opt()?.and_time(time) } else { day.and_time(time) };
    // Brackets repeat the zone's name: `[Europe/Berlin]`, `(CET)`.
    let zone = rest.split(['[', '(']).next().unwrap_or_default().trim();
    if zone.is_empty() {
        return rest.is_empty().then_some(DateOrTime::Unzoned(time));
    }
    Some(DateOrTime::Instant(time.and_local_timezone(parse_offset(zone)?).single()?))
}

fn dashed_day(text: &str) -> Option<NaiveDate> {
    let [year, month, day] = text.split('-').collect::<Vec<_>>()[..] else { return None };
    if (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return None;
    }
    NaiveDate::from_ymd_opt(number(year)?.try_into().ok()?, number(month)?, number(day)?)
}

fn compact_day(text: &str) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(
        number(text.get(..4)?)?.try_into().ok()?,
        number(text.get(4..6)?)?,
        number(text.get(6..8)?)?,
    )
}

/// Parses `10:00`, `10:00:59.123`, `100059`. Returns the time, whether it is the end of the day
/// (`24:00`), and the remaining text.
fn parse_clock(text: &str) -> Option<(NaiveTime, bool, &str)> {
    let length = text
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.' | ','))
        .unwrap_or(text.len());
    let (written, rest) = text.split_at(length);
    let (clock, fraction) = written.split_once(['.', ',']).unwrap_or((written, ""));
    let parts: Vec<&str> = match clock.len() {
        4 if !clock.contains(':') => vec![&clock[..2], &clock[2..]],
        6 if !clock.contains(':') => vec![&clock[..2], &clock[2..4], &clock[4..]],
        _ => clock.split(':').collect(),
    };
    let (hour, minute, second) = match parts[..] {
        [hour, minute] => (hour, minute, "00"),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    if minute.len() != 2
        || second.len() != 2
        || hour.is_empty()
        || hour.len() > 2
        || written.ends_with(['.', ',', ':'])
    {
        return None;
    }
    let (hour, minute, second) = (number(hour)?, number(minute)?, number(second)?);
    let nanos = if fraction.is_empty() { 0 } else { number(&format!("{fraction:0<9}")[..9])? };
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if (hour, minute, second, nanos) == (24, 0, 0, 0) {
        return Some((NaiveTime::MIN, true, rest));
    }
    // A leap second becomes the preceding second.
    let time = NaiveTime::from_hms_nano_opt(
        hour,
        minute,
        second.min(if second == 60 { 59 } else { 60 }),
        nanos,
    )?;
    Some((time, false, rest))
}

/// Parses `Z`, `UTC`, `GMT`, `+02:00`, `+0200`, `+02`, also with a preceding `GMT`.
fn parse_offset(text: &str) -> Option<FixedOffset> {
    let upper = text.to_ascii_uppercase();
    let rest = upper
        .strip_prefix("UTC")
        .or_else(|| upper.strip_prefix("GMT"))
        .unwrap_or(&upper)
        .trim_start();
    if rest == "Z" || (rest.is_empty() && rest.len() < upper.len()) {
        return FixedOffset::east_opt(0);
    }
    let (sign, digits) = match rest.chars().next()? {
        '+' => (1, &rest[1..]),
        '-' => (-1, &rest[1..]),
        '\u{2212}' => (-1, &rest['\u{2212}'.len_utf8()..]),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) if minutes.len() == 2 => (hours, minutes),
        Some(_) => return None,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    let (hours, minutes) = (
        number(hours).filter(|hours| *hours <= 23)?,
        number(minutes).filter(|minutes| *minutes <= 59)?,
    );
    FixedOffset::east_opt(sign * i32::try_from(hours * 3_600 + minutes * 60).ok()?)
}

/// Parses notations with English names of days and months: RFC 2822, JavaScript's `Date`, C's
/// `asctime`.
fn parse_named(text: &str) -> Option<DateOrTime> {
    if let Ok(time) = DateTime::parse_from_rfc2822(text) {
        return Some(DateOrTime::Instant(time));
    }
    let bare = text.split(" (").next().unwrap_or_default();
    if let Ok(time) = DateTime::parse_from_str(bare, "%a %b %d %Y %H:%M:%S GMT%z") {
        return Some(DateOrTime::Instant(time));
    }
    NaiveDateTime::parse_from_str(bare, "%a %b %e %H:%M:%S %Y").ok().map(DateOrTime::Unzoned)
}

fn number(text: &str) -> Option<u32> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

#[cfg(test)]
#[path = "date_or_time_tests.rs"]
mod tests;
