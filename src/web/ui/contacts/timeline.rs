//! The timeline of a contact as its page shows it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::consent::{ConsentChange, ConsentRecord, Reason};
use crate::contacts::timeline::{EntryKind, TimelineEntry};
use crate::events::Recency;
use crate::messages::status::MessageStatus;
use crate::types::id::MessageId;

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
    /// The number of a message, if it differs from the contact's present one.
    number: Option<String>,
    /// The text of a message.
    text: Option<String>,
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
    pub(super) under_way: Option<MessageId>,
}

impl TimelineLine {
    pub(super) fn new(entry: TimelineEntry) -> Self {
        let at = entry.at;
        let bare = |kind, title| Self {
            at,
            kind,
            tone: None,
            title,
            number: None,
            text: None,
            data: None,
            status: None,
            reason: None,
            occurred_at: None,
            link: None,
            under_way: None,
        };
        match entry.kind {
            EntryKind::Created => bare("contact", "Became a contact".to_owned()),
            EntryKind::TagAdded(tag) => bare("tag", format!("Got the tag “{tag}”")),
            EntryKind::TagRemoved(tag) => bare("tag", format!("Lost the tag “{tag}”")),
            EntryKind::Consent(record) => Self {
                tone: Some(consent_tone(record.change)),
                link: evidence(&record),
                ..bare("consent", record.sentence())
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
                let data = (!empty).then_some(properties);
                Self {
                    data,
                    reason,
                    occurred_at: late.then_some(occurred_at),
                    ..bare("event", name)
                }
            }
            EntryKind::Message {
                id,
                direction,
                status,
                different_number,
                body,
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
                let title = if inbound { "Texted us" } else { "Was texted" };
                Self {
                    number: different_number,
                    text: Some(body),
                    tone: message_tone(&status),
                    under_way: Some(id).filter(|_| {
                        status.parse::<MessageStatus>().is_ok_and(|status| !status.is_final())
                    }),
                    status: (!inbound).then_some(status),
                    reason,
                    link: Some(format!("/messages/{id}")),
                    ..bare(if inbound { "inbound" } else { "outbound" }, title.to_owned())
                }
            }
            EntryKind::Enrolled { id, automation, status, reason } => Self {
                status: Some(status),
                reason,
                link: Some(format!("/enrollments/{id}")),
                ..bare("automation", format!("Entered the automation “{automation}”"))
            },
        }
    }
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
pub(super) fn evidence(record: &ConsentRecord) -> Option<String> {
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
