//! Tests of dates and times in many notations, and of texts that are neither.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[track_caller]
fn instant(text: &str) -> String {
    DateOrTime::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).instant().to_rfc3339()
}

#[test]
fn the_same_time_is_parsed_in_every_notation() {
    for text in [
        "2026-03-09T10:00:00+02:00",
        "2026-03-09T10:00:00+0200",
        "2026-03-09T10:00:00+02",
        "2026-03-09 10:00:00+02",
        "2026-03-09 10:00 +0200",
        "2026-03-09T10:00+02:00",
        "2026-03-09t10:00:00.000+02:00",
        "2026-03-09T10:00:00,000+02:00",
        "2026-03-09T10:00:00+02:00[Europe/Kyiv]",
        "20260309T100000+0200",
        "Mon, 09 Mar 2026 10:00:00 +0200",
        "Mon, 9 Mar 2026 10:00 +0200",
        "9 Mar 2026 10:00:00 +0200",
        "Mon Mar 09 2026 10:00:00 GMT+0200 (Eastern European Standard Time)",
        " 2026-03-09 10:00:00 GMT+2 ",
    ] {
        assert_eq!(instant(text), "2026-03-09T10:00:00+02:00", "{text}");
    }
    for text in [
        "2026-03-09T08:00:00Z",
        "2026-03-09T08:00:00z",
        "2026-03-09 08:00:00 UTC",
        "2026-03-09 08:00:00+00",
        "2026-03-09T08:00:00-00:00",
        "2026-03-09 08:00",
        "2026-03-09T08:00:00",
        "Mon, 09 Mar 2026 08:00:00 GMT",
        "Mon Mar  9 08:00:00 2026",
        "1773043200",
        "1773043200000",
        "1773043200000000",
        "1773043200000000000",
        "1773043200.0",
    ] {
        assert_eq!(instant(text), "2026-03-09T08:00:00+00:00", "{text}");
    }
    assert_eq!(instant("2026-03-08T24:00:00Z"), "2026-03-09T00:00:00+00:00");
    assert_eq!(instant("2016-12-31T23:59:60Z"), "2016-12-31T23:59:59+00:00");
    assert_eq!(instant("1773043200.25"), "2026-03-09T08:00:00.250+00:00");
}

#[test]
fn numbers_are_seconds_milliseconds_microseconds_or_nanoseconds() {
    for number in [
        json!(1_773_043_200),
        json!(1_773_043_200_000_i64),
        json!(1_773_043_200_000_000_i64),
        json!(1_773_043_200.0),
    ] {
        assert_eq!(
            DateOrTime::of_json(&number).unwrap().instant().to_rfc3339(),
            "2026-03-09T08:00:00+00:00",
            "{number}"
        );
    }
    assert_eq!(
        DateOrTime::of_json(&json!(1_773_043_200.5)).unwrap().instant().to_rfc3339(),
        "2026-03-09T08:00:00.500+00:00"
    );
    assert_eq!(
        DateOrTime::of_json(&json!(1_773_043_200_123.5)).unwrap().instant().to_rfc3339(),
        "2026-03-09T08:00:00.123500+00:00"
    );
    assert_eq!(
        DateOrTime::of_json(&json!(0)).unwrap().instant().to_rfc3339(),
        "1970-01-01T00:00:00+00:00"
    );
    assert_eq!(DateOrTime::of_json(&json!(-2_000_000_000)).unwrap().instant().year(), 1906);
    assert_eq!(DateOrTime::of_json(&json!(true)), Err(DateOrTimeError::Unreadable));
}

#[test]
fn a_day_begins_at_midnight_or_at_one_if_there_is_none() {
    let begins = |day: &str, zone| DateOrTime::parse(day).unwrap().instant_in(zone).to_rfc3339();
    assert_eq!(begins("2026-03-09", Tz::America__New_York), "2026-03-09T00:00:00-04:00");
    assert_eq!(begins("2018-11-04", Tz::America__Sao_Paulo), "2018-11-04T01:00:00-02:00");
    assert_eq!(begins("2026-03-09T10:00:00Z", Tz::Asia__Tokyo), "2026-03-09T10:00:00+00:00");
}

#[test]
fn a_calendar_date_stays_a_date() {
    let day = NaiveDate::from_ymd_opt(2026, 3, 9).unwrap();
    assert_eq!(DateOrTime::parse("2026-03-09"), Ok(DateOrTime::Day(day)));
    assert_eq!(DateOrTime::parse("20260309"), Ok(DateOrTime::Day(day)));
}

#[test]
fn an_implausible_year_is_an_error() {
    for (text, year) in [
        ("0001-01-01", 1),
        ("1899-12-31", 1899),
        ("9999-12-31T23:59:59Z", 9999),
        ("2201-01-01", 2201),
        ("16725225600", 2500),
    ] {
        assert_eq!(DateOrTime::parse(text), Err(DateOrTimeError::Year(year)), "{text}");
    }
    assert!(matches!(DateOrTime::of_json(&json!(u64::MAX)), Err(DateOrTimeError::Year(_))));
    assert!(DateOrTime::parse("1900-01-01").is_ok() && DateOrTime::parse("2200-12-31").is_ok());
}

#[test]
fn other_texts_are_not_dates() {
    for text in [
        "",
        "x",
        "gold",
        "yesterday",
        "at 10:30",
        "2026",
        "42",
        "4.5",
        "2026-13-01",
        "2026-02-30",
        "2026-3-9",
        "2026-03-09T",
        "2026-03-09T25:00",
        "2026-03-09T10",
        "2026-03-09T10:0",
        "2026-03-09T10:00:00+25:00",
        "2026-03-09T10:00:00.",
        "2026-03-09x",
        "20261332",
        "1-2",
        "+",
        "-",
        "2026-03-09T10:00:00 Moscow",
        "99999999999999999999999999999999999999999999",
    ] {
        assert_eq!(DateOrTime::parse(text), Err(DateOrTimeError::Unreadable), "{text}");
    }
}

#[test]
fn dates_and_times_are_compared_in_their_own_zone() {
    let compare = |left: &str, right: &str| {
        DateOrTime::parse(left).unwrap().compare(&DateOrTime::parse(right).unwrap())
    };
    assert_eq!(compare("2026-03-09", "2026-03-09T00:30:00+13:00"), Ordering::Less);
    assert_eq!(compare("2026-03-09T23:30:00-11:00", "2026-03-10"), Ordering::Less);
    assert_eq!(compare("2026-03-09T10:00:00Z", "Mon, 09 Mar 2026 12:00:00 +0200"), Ordering::Equal);
    assert_eq!(compare("1773043200", "2026-03-09T07:59:59Z"), Ordering::Greater);
}

proptest! {
    #[test]
    fn no_text_and_no_number_panics(
        text in "\\PC{0,40}",
        near in "[0-9TZ:+. -]{0,30}",
        whole in any::<i128>(),
        broken in any::<f64>()
    ) {
        let _ = (
            DateOrTime::parse(&text),
            DateOrTime::parse(&near),
            DateOrTime::since_1970(whole),
            DateOrTime::since_1970_float(broken)
        );
    }

    #[test]
    fn rfc_3339_survives_a_round_trip(
        seconds in -2_208_988_800_i64..7_289_654_400,
        millis in 0_u32..1_000,
        offset in -14_i32..14
    ) {
        let zone = FixedOffset::east_opt(offset * 3_600).unwrap();
        let time = DateTime::<Utc>::from_timestamp(
            seconds,
            millis * 1_000_000
        ).unwrap().with_timezone(&zone);
        if let Ok(read) = DateOrTime::parse(&time.to_rfc3339()) {
            prop_assert_eq!(read.instant(), time);
            prop_assert_eq!(
                DateOrTime::parse(&time.to_rfc2822()).unwrap().instant().timestamp(),
                time.timestamp()
            );
        } else {
            prop_assert!(!YEARS.contains(&i64::from(time.year())));
        }
    }
}
