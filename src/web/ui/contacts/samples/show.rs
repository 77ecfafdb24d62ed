//! Samples of the page of a contact: not suppressed, opted out by wording, and suppressed, with
//! every kind of timeline entry.

use chrono::DateTime;

use super::{ContactShowPage, Evidence, FormInput};
use crate::consent::{Reason, Suppression};
use crate::contacts::Contact;
use crate::contacts::tags::TagName;
use crate::contacts::timeline::{EntryKind, TimelineEntry};
use crate::error::FieldErrors;
use crate::types::id::{EnrollmentId, MessageId};
use crate::types::phone::PhoneNumber;
use crate::web::ui::contacts::samples;
use crate::web::ui::contacts::timeline::TimelineLine;
use crate::web::{Samples, Varies};

impl Samples for ContactShowPage {
    const VARIES: Varies = Varies {
        texts: &[
            "title",
            "name",
            "email",
            "external_id",
            "attributes.name",
            "attributes.value",
            "tags",
            "suggestions",
            "evidence.words",
            "timeline.title",
            "timeline.text",
            "timeline.reason",
        ],
        lists: &["attributes", "tags", "suggestions", "evidence", "timeline"],
    };

    fn samples() -> Vec<Self> {
        let active = |phone: &PhoneNumber| {
            let suppression = |reason| Suppression {
                id: crate::types::id::SuppressionId::new(),
                phone: phone.clone(),
                reason,
                since: DateTime::UNIX_EPOCH,
                by_wording: false,
            };
            vec![suppression(Reason::Stop), suppression(Reason::Manual)]
        };
        let by_wording =
            |phone: &PhoneNumber| vec![Suppression { by_wording: true, ..active(phone).remove(0) }];
        let mut pages = Vec::new();
        for contact in samples::contacts() {
            let phone = contact.phone.clone();
            pages.push(Self {
                live: Some("/messages/live?rows=1".to_owned()),
                timeline: timeline(&contact),
                ..Self::bare(contact.clone(), Vec::new(), &[])
            });
            pages.push(Self {
                typed: FormInput { undo_note: "<i>".to_owned(), ..FormInput::default() },
                errors: FieldErrors::default()
                    .with("undo_note", "Write down why: it is kept as evidence."),
                ..Self::bare(contact.clone(), vec![TagName::stop()], &by_wording(&phone))
            });
            pages.push(Self {
                evidence: vec![Evidence {
                    words: "Texted “<STOP>”".to_owned(),
                    at: DateTime::UNIX_EPOCH,
                    link: Some("/messages/1".to_owned()),
                }],
                suggestions: vec![TagName::stop()],
                older: Some("/contacts/1?until=1#timeline".to_owned()),
                is_past: true,
                typed: FormInput {
                    tag: "<VIP>".to_owned(),
                    stop_note: "<b>".to_owned(),
                    ..FormInput::default()
                },
                errors: FieldErrors::default()
                    .with("tag", "Enter a tag.")
                    .with("stop_note", "Write down why: it is kept as evidence."),
                ..Self::bare(contact, vec![TagName::stop()], &active(&phone))
            });
        }
        pages
    }
}

/// A timeline with every kind of entry.
fn timeline(contact: &Contact) -> Vec<TimelineLine> {
    let message = |direction: &str, status: &str| EntryKind::Message {
        id: MessageId::new(),
        direction: direction.to_owned(),
        status: status.to_owned(),
        different_number: (direction == "inbound").then(|| "+14155550199".to_owned()),
        body: "Your order <7> is on its way.\nBye".to_owned(),
        reason: None,
        error_code: None,
    };
    let event = EntryKind::Event {
        name: "order_completed".to_owned(),
        properties: serde_json::json!({ "order_id": "<7>", "total": 12.5 }),
        occurred_at: DateTime::UNIX_EPOCH,
    };
    let enrolled = EntryKind::Enrolled {
        id: EnrollmentId::new(),
        automation: "Thanks & see you".to_owned(),
        status: "failed".to_owned(),
        reason: Some("The template was deleted.".to_owned()),
    };
    let kinds = [
        message("outbound", "queued"),
        message("outbound", "delivered"),
        message("inbound", "received"),
        enrolled,
        event,
        EntryKind::TagAdded(TagName::stop()),
        EntryKind::Created,
    ];
    kinds
        .into_iter()
        .map(|kind| {
            TimelineLine::new(TimelineEntry {
                at: contact.created_at + chrono::TimeDelta::hours(1),
                kind,
            })
        })
        .collect()
}
