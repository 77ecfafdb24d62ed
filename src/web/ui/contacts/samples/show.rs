//! Samples of the page of a contact: a conversation with every kind of entry, a rejected message,
//! opted out by wording, and suppressed.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{Composer, ComposerForm, ContactShowPage, FormInput, timeline};
use crate::automations::EnrollmentStatus;
use crate::consent::{Reason, Suppression};
use crate::contacts::Contact;
use crate::contacts::tags::TagName;
use crate::contacts::timeline::{EntryKind, TimelineEntry};
use crate::error::FieldErrors;
use crate::types::id::{AutomationId, EnrollmentId, MessageId, SuppressionId};
use crate::types::phone::PhoneNumber;
use crate::web::ui::Choice;
use crate::web::ui::contacts::composer_preview::ComposerPreview;
use crate::web::ui::contacts::facts::{EnrollmentLine, EvidenceLine};
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
            "attributes.shown.name",
            "attributes.shown.value",
            "tags",
            "suggestions",
            "evidence.words",
            "enrollments.automation",
            "enrollments.reason",
            "days.lines.title",
            "days.lines.text",
            "days.lines.reason",
            "days.lines.automation",
            "days.lines.summary",
            "composer.senders.label",
            "composer.templates.label",
        ],
        lists: &[
            "attributes.folded",
            "tags",
            "suggestions",
            "evidence",
            "enrollments",
            "days.lines",
            "composer.senders",
            "composer.templates",
        ],
    };

    fn samples() -> Vec<Self> {
        let active = |phone: &PhoneNumber| {
            let suppression = |reason| Suppression {
                id: SuppressionId::new(),
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
            let lines = lines(&contact);
            pages.push(Self {
                live: Some("/messages/live?rows=1".to_owned()),
                message_counts: Some(timeline::message_counts(&lines)),
                days: timeline::days(lines, Tz::UTC, contact.created_at + TimeDelta::days(40)),
                suggestions: vec![TagName::stop()],
                enrollments: enrollments(),
                composer: Some(composer("text", "Of course! We ship it tomorrow.")),
                ..Self::bare(contact.clone(), vip(), &[])
            });
            pages.push(Self {
                composer: Some(composer("template", "")),
                errors: FieldErrors::default()
                    .with("to", "Not sent. They texted STOP.")
                    .with("sender_id", "Choose a sender.")
                    .with("template_id", "Choose a template."),
                ..Self::bare(contact.clone(), Vec::new(), &[])
            });
            pages.push(Self {
                typed: FormInput {
                    undo_note: "<i>".to_owned(),
                    message: ComposerForm { text: "Hi <b>!".to_owned(), ..ComposerForm::default() },
                    ..FormInput::default()
                },
                errors: FieldErrors::default()
                    .with("undo_note", "Write why. It is kept as evidence."),
                facts_first: true,
                ..Self::bare(contact.clone(), vec![TagName::stop()], &by_wording(&phone))
            });
            pages.push(Self {
                evidence: evidence(),
                suggestions: vec![TagName::stop()],
                older: Some("/contacts/1?until=1".to_owned()),
                is_past: true,
                typed: FormInput {
                    tag: "<VIP>".to_owned(),
                    stop_note: "<b>".to_owned(),
                    ..FormInput::default()
                },
                errors: FieldErrors::default()
                    .with("tag", "Enter a tag.")
                    .with("stop_note", "Write why. It is kept as evidence."),
                ..Self::bare(contact, vec![TagName::stop()], &active(&phone))
            });
        }
        pages
    }
}

fn vip() -> Vec<TagName> {
    ["newsletter", "<VIP>"].into_iter().filter_map(|name| TagName::parse(name).ok()).collect()
}

/// The box, with a text or a template.
fn composer(mode: &str, text: &str) -> Composer {
    let form = ComposerForm {
        request_key: "0".to_owned(),
        mode: mode.to_owned(),
        text: text.to_owned(),
        ..ComposerForm::default()
    };
    Composer {
        form,
        senders: vec![Choice::new("1", "Harbour <service>, +1 415 555 0100")],
        templates: vec![Choice::new("1", "Order thanks & more")],
        preview: ComposerPreview::counted(text, None),
    }
}

fn evidence() -> Vec<EvidenceLine> {
    let line = |words: &str, suppressed: bool| EvidenceLine {
        words: words.to_owned(),
        at: DateTime::UNIX_EPOCH,
        link: suppressed.then(|| "/messages/1".to_owned()),
        suppressed,
    };
    vec![line("Texted “<STOP>”", true), line("STOP lifted by ada@example.com: asked", false)]
}

/// More automations than are shown unfolded, in each state.
fn enrollments() -> Vec<EnrollmentLine> {
    let line = |name: &str, status: EnrollmentStatus, at: Option<DateTime<Utc>>| EnrollmentLine {
        id: EnrollmentId::new(),
        automation_id: AutomationId::new(),
        automation: name.to_owned(),
        status,
        at,
        reason: (status == EnrollmentStatus::Failed).then(|| "The template is gone.".to_owned()),
    };
    let at = Some(DateTime::UNIX_EPOCH);
    vec![
        line("Order <thanks>", EnrollmentStatus::Active, at),
        line("Reviews", EnrollmentStatus::Active, None),
        line("Welcome", EnrollmentStatus::Completed, at),
        line("Birthday", EnrollmentStatus::Failed, at),
        line("Welcome back", EnrollmentStatus::Completed, at),
        line("Autumn", EnrollmentStatus::Completed, at),
    ]
}

/// The lines of a conversation with every kind of entry, newest first.
fn lines(contact: &Contact) -> Vec<TimelineLine> {
    let message = |direction: &str, status: &str, parts| EntryKind::Message {
        id: MessageId::new(),
        direction: direction.to_owned(),
        status: status.to_owned(),
        different_number: (direction == "inbound").then(|| "+14155550199".to_owned()),
        body: "Your order <7> is on its way.\nBye".to_owned(),
        media: usize::from(direction == "inbound"),
        parts,
        sender_id: None,
        automation: (status == "delivered").then(|| "Order <thanks>".to_owned()),
        reason: (status == "suppressed").then(|| "stop".to_owned()),
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
        (960, message("outbound", "queued", 1)),
        (959, message("inbound", "received", 1)),
        (958, message("outbound", "suppressed", 1)),
        (720, message("outbound", "delivered", 2)),
        (720, enrolled),
        (720, event),
        (1, EntryKind::TagAdded(TagName::stop())),
        (0, EntryKind::Created),
    ];
    kinds
        .into_iter()
        .map(|(hours, kind)| {
            TimelineLine::new(TimelineEntry {
                at: contact.created_at + TimeDelta::hours(hours),
                kind,
            })
        })
        .collect()
}
