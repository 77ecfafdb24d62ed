//! The headings by time in the list, and the short times of its rows: relative in the last hour,
//! else the time of day.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use chrono_tz::Tz;

/// The heading of a time: the last hour, today, yesterday, or its day.
pub(super) fn heading(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    if now - at < TimeDelta::hours(1) {
        return "Last hour".to_owned();
    }
    let (day, today) =
        (at.with_timezone(&zone).date_naive(), now.with_timezone(&zone).date_naive());
    match (today - day).num_days() {
        ..=0 => "Earlier today".to_owned(),
        1 => "Yesterday".to_owned(),
        _ if day.year() == today.year() => day.format("%A, %-d %B").to_string(),
        _ => day.format("%-d %B %Y").to_string(),
    }
}

/// The time of a row below its heading.
pub(super) fn short_time(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    match (now - at).num_minutes() {
        ..=0 => "now".to_owned(),
        minutes @ 1..60 => format!("{minutes} min"),
        _ => at.with_timezone(&zone).format("%H:%M").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_by_its_distance_and_its_day_in_the_zone() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let now = at("2026-07-02T10:30:00Z");
        let shown = |text: &str| {
            let zone = Tz::Europe__Berlin;
            (heading(at(text), now, zone), short_time(at(text), now, zone))
        };
        for (text, group, time) in [
            ("2026-07-02T10:30:01Z", "Last hour", "now"),
            ("2026-07-02T09:30:01Z", "Last hour", "59 min"),
            ("2026-07-02T09:30:00Z", "Earlier today", "11:30"),
            ("2026-07-01T22:00:00Z", "Earlier today", "00:00"),
            ("2026-07-01T21:59:00Z", "Yesterday", "23:59"),
            ("2026-06-30T12:00:00Z", "Tuesday, 30 June", "14:00"),
            ("2025-12-31T12:00:00Z", "31 December 2025", "13:00"),
        ] {
            assert_eq!(shown(text), (group.to_owned(), time.to_owned()), "{text}");
        }
    }
}
