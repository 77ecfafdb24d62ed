//! The timeline of a contact as its page shows it: a conversation, oldest first, by day.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::Value;

use crate::consent::{ConsentChange, ConsentRecord, Reason};
use crate::contacts::timeline::{EntryKind, TimelineEntry};
use crate::events::Recency;
use crate::messages::status::MessageStatus;
use crate::types::id::{MessageId, SenderId};

/// The largest number of an event's properties that its line shows.
const MAX_SHOWN_PROPERTIES: usize = 3;
/// The largest number of characters of a property that the line shows.
const MAX_PROPERTY: usize = 40;

/// A day of the timeline.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct TimelineDay {
    label: String,
    lines: Vec<TimelineLine>,
}

/// A line of the timeline.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct TimelineLine {
    at: DateTime<Utc>,
    /// The kind of entry: `contact`, `tag`, `consent`, `event`, `inbound`, `outbound` or
    /// `automation`.
    kind: &'static str,
    /// The colour: `good`, `warn` or `bad`.
    tone: Option<&'static str>,
    title: String,
    /// The number of a message, if it differs from the contact's current one.
    number: Option<String>,
    /// The text of a message.
    text: Option<String>,
    /// How many pictures and other files a message has.
    media: usize,
    /// The number of parts of a message, if it has several.
    parts: Option<i16>,
    /// The automation that composed a message.
    automation: Option<String>,
    /// The first properties of an event, in a few words.
    summary: Option<String>,
    /// The properties of an event.
    data: Option<Value>,
    /// The status of a message or an enrollment.
    status: Option<String>,
    /// The reason why a message or an enrollment ended.
    reason: Option<String>,
    /// When an event happened, if it was reported later.
    occurred_at: Option<DateTime<Utc>>,
    /// The path of the page about it.
    link: Option<String>,
    /// The id of a message whose status may still change.
    pub(super) pending_message_id: Option<MessageId>,
    /// The id of a message.
    #[serde(skip)]
    pub(super) message_id: Option<MessageId>,
    /// The sender of a message.
    #[serde(skip)]
    pub(super) sender_id: Option<SenderId>,
}

/// Sorts lines, newest first, into days of the visitor's time zone, oldest first.
pub(super) fn days(
    newest_first: Vec<TimelineLine>,
    zone: Tz,
    now: DateTime<Utc>,
) -> Vec<TimelineDay> {
    let day_of = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    let today = day_of(now);
    let mut days: Vec<(NaiveDate, TimelineDay)> = Vec::new();
    for line in newest_first.into_iter().rev() {
        let day = day_of(line.at);
        match days.last_mut() {
            Some((last, shown)) if *last == day => shown.lines.push(line),
            _ => days.push((day, TimelineDay { label: day_label(day, today), lines: vec![line] })),
        }
    }
    days.into_iter().map(|(_, day)| day).collect()
}

/// The numbers of sent and received messages among these lines.
pub(super) fn message_counts(lines: &[TimelineLine]) -> (usize, usize) {
    let count = |kind| lines.iter().filter(|line| line.kind == kind).count();
    (count("outbound"), count("inbound"))
}

fn day_label(day: NaiveDate, today: NaiveDate) -> String {
    if day == today {
        "Today".to_owned()
    } else if Some(day) == today.pred_opt() {
        "Yesterday".to_owned()
    } else if day.year() == today.year() {
        day.format("%-d %B").to_string()
    } else {
        day.format("%-d %B %Y").to_string()
    }
}

impl TimelineLine {
    pub(super) fn new(entry: TimelineEntry) -> Self {
        let at = entry.at;
        let plain_line = |kind, title| Self {
            at,
            kind,
            tone: None,
            title,
            number: None,
            text: None,
            media: 0,
            parts: None,
            automation: None,
            summary: None,
            data: None,
            status: None,
            reason: None,
            occurred_at: None,
            link: None,
            pending_message_id: None,
            message_id: None,
            sender_id: None,
        };
        match entry.kind {
            EntryKind::Created => plain_line("contact", "Became a contact".to_owned()),
            EntryKind::TagAdded(tag) => plain_line("tag", format!("Got the tag “{tag}”")),
            EntryKind::TagRemoved(tag) => plain_line("tag", format!("Lost the tag “{tag}”")),
            EntryKind::Consent(record) => Self {
                tone: Some(consent_tone(record.change)),
                link: evidence_path(&record),
                ..plain_line("consent", record.sentence())
            },
            EntryKind::Event { name, properties, occurred_at } => {
                let late = (at - occurred_at).abs() > TimeDelta::minutes(1);
                let empty = properties.as_object().is_none_or(serde_json::Map::is_empty);
                let reason = match Recency::of(occurred_at, at) {
                    Recency::Recent => None,
                    Recency::TooOld => Some(
                        "Reported over 24 hours late: only automations that allow older events \
                         started."
                            .to_owned(),
                    ),
                    Recency::InFuture => Some(
                        "Reported with a time in the future: no automation started.".to_owned(),
                    ),
                };
                Self {
                    summary: summary(&properties),
                    data: (!empty).then_some(properties),
                    reason,
                    occurred_at: late.then_some(occurred_at),
                    ..plain_line("event", name)
                }
            }
            EntryKind::Message {
                id,
                direction,
                status,
                different_number,
                body,
                media,
                parts,
                sender_id,
                automation,
                reason,
                error_code,
            } => {
                let inbound = direction == "inbound";
                // The reason column holds the database name of a suppression; the page shows its
                // label.
                let reason = reason.map(|reason| {
                    reason.parse::<Reason>().map_or(reason, |known| known.label().to_owned())
                });
                let reason = reason.or_else(|| error_code.map(|code| format!("Error {code}")));
                let title = if inbound { "Received" } else { "Sent" };
                Self {
                    number: different_number,
                    text: Some(body).filter(|body| !body.is_empty()),
                    media,
                    parts: Some(parts).filter(|parts| *parts > 1),
                    automation,
                    message_id: Some(id),
                    sender_id,
                    tone: message_tone(&status),
                    pending_message_id: Some(id).filter(|_| {
                        status.parse::<MessageStatus>().is_ok_and(|status| !status.is_final())
                    }),
                    status: (!inbound).then_some(status),
                    reason,
                    link: Some(format!("/messages/{id}")),
                    ..plain_line(if inbound { "inbound" } else { "outbound" }, title.to_owned())
                }
            }
            EntryKind::Enrolled { id, automation, status, reason } => Self {
                status: Some(status),
                reason,
                link: Some(format!("/enrollments/{id}")),
                ..plain_line("automation", format!("Entered the automation “{automation}”"))
            },
        }
    }
}

/// The first simple properties of an event: `order_id: A-1, total: 12.5`.
fn summary(properties: &Value) -> Option<String> {
    let shown = properties.as_object()?.iter().filter_map(|(name, value)| match value {
        Value::String(text) if text.chars().count() <= MAX_PROPERTY => {
            Some(format!("{name}: {text}"))
        }
        Value::Number(_) | Value::Bool(_) => Some(format!("{name}: {value}")),
        _ => None,
    });
    let shown: Vec<String> = shown.take(MAX_SHOWN_PROPERTIES).collect();
    (!shown.is_empty()).then(|| shown.join(", "))
}

fn consent_tone(change: ConsentChange) -> &'static str {
    match change {
        ConsentChange::Suppressed => "bad",
        ConsentChange::Lifted => "good",
    }
}

fn message_tone(status: &str) -> Option<&'static str> {
    match status {
        "delivered" | "read" => Some("good"),
        "unconfirmed" | "suppressed" | "skipped" | "expired" | "canceled" => Some("warn"),
        "undelivered" | "failed" => Some("bad"),
        _ => None,
    }
}

/// The path of the message that proves a change of consent.
pub(super) fn evidence_path(record: &ConsentRecord) -> Option<String> {
    record.message_id.map(|id| format!("/messages/{id}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(kind: EntryKind) -> TimelineLine {
        TimelineLine::new(TimelineEntry { at: DateTime::UNIX_EPOCH, kind })
    }

    #[test]
    fn a_message_shows_its_status_only_when_it_is_ours() {
        let message = |direction: &str, status: &str| EntryKind::Message {
            id: MessageId::new(),
            direction: direction.to_owned(),
            status: status.to_owned(),
            different_number: None,
            body: "Hi".to_owned(),
            media: 0,
            parts: 1,
            sender_id: None,
            automation: None,
            reason: None,
            error_code: Some(30003),
        };
        assert_eq!(line(message("inbound", "received")).status, None);
        let ours = line(message("outbound", "undelivered"));
        assert_eq!(
            (ours.status.as_deref(), ours.reason.as_deref()),
            (Some("undelivered"), Some("Error 30003"))
        );
    }

    #[test]
    fn the_newest_line_of_the_newest_day_comes_last() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let line = |hours| {
            let at = now - TimeDelta::hours(hours);
            TimelineLine::new(TimelineEntry { at, kind: EntryKind::Created })
        };
        // It is 08:00 in UTC, and 00:00 in Los Angeles.
        let hours = [0, 1, 2, 50, 24 * 300];
        let shown = |zone| {
            let days = days(hours.into_iter().map(line).collect(), zone, now);
            days.into_iter().map(|day| (day.label, day.lines.len())).collect::<Vec<_>>()
        };
        let day = |label: &str, lines| (label.to_owned(), lines);
        assert_eq!(
            shown(Tz::UTC),
            [day("21 March 2026", 1), day("13 January", 1), day("Today", 3)]
        );
        assert_eq!(
            shown(Tz::America__Los_Angeles),
            [day("21 March 2026", 1), day("12 January", 1), day("Yesterday", 2), day("Today", 1)]
        );
    }

    #[test]
    fn an_event_shows_its_first_simple_properties() {
        let properties = json!({ "items": [1], "order_id": "A-1", "paid": true, "total": 12.5 });
        assert_eq!(summary(&properties).as_deref(), Some("order_id: A-1, paid: true, total: 12.5"));
        assert_eq!(summary(&json!({ "items": [1], "note": "x".repeat(41) })), None);
    }

    #[test]
    fn an_event_shows_when_it_happened_only_if_it_was_reported_later() {
        let event = |minutes| EntryKind::Event {
            name: "order_completed".to_owned(),
            properties: json!({}),
            occurred_at: DateTime::UNIX_EPOCH - TimeDelta::minutes(minutes),
        };
        assert_eq!((line(event(0)).occurred_at, line(event(0)).data), (None, None));
        assert!(line(event(5)).occurred_at.is_some() && line(event(5)).reason.is_none());
        assert!(
            line(event(24 * 60 + 1)).reason.unwrap().starts_with("Reported over 24 hours late")
        );
        assert!(line(event(-6)).reason.unwrap().contains("in the future"));
    }
}
