//! Samples of the page of an enrollment: one of each state.

use chrono::DateTime;

use super::{EnrollmentShowPage, EventFacts, MessageRow};
use crate::automations::EnrollmentStatus;
use crate::messages::status::MessageStatus;
use crate::types::id::{AutomationId, ContactId, EnrollmentId, MessageId};
use crate::web::{Samples, Varies};

impl Samples for EnrollmentShowPage {
    const VARIES: Varies = Varies {
        texts: &[
            "automation",
            "contact",
            "reason",
            "event.name",
            "messages.body",
            "messages.reason",
        ],
        lists: &["messages"],
    };

    fn samples() -> Vec<Self> {
        let message = |status, reason: Option<&str>| MessageRow {
            id: MessageId::new(),
            step: 1,
            to: "+14155550123".to_owned(),
            body: "Thank <you>!".to_owned(),
            status,
            reason: reason.map(str::to_owned),
            created_at: DateTime::UNIX_EPOCH,
        };
        let event = EventFacts {
            name: "order_completed".to_owned(),
            client_id: Some("order-7".to_owned()),
            occurred_at: DateTime::UNIX_EPOCH,
            properties: serde_json::json!({"total": 7, "note": "<b>"}),
        };
        let page = |status, held| Self {
            id: EnrollmentId::new(),
            automation_id: AutomationId::new(),
            automation: "Thank <you>".to_owned(),
            held,
            version: 2,
            contact_id: ContactId::new(),
            contact: "Ada <Lovelace>".to_owned(),
            status,
            reason: Some("The sender of step 2 no longer exists.".to_owned())
                .filter(|_| status == EnrollmentStatus::Failed),
            cause: "A tag was added",
            event: None,
            step: 2,
            due_at: DateTime::UNIX_EPOCH,
            started_at: DateTime::UNIX_EPOCH,
            finished_at: Some(DateTime::UNIX_EPOCH).filter(|_| status != EnrollmentStatus::Active),
            messages: Vec::new(),
            live: status == EnrollmentStatus::Active,
        };
        let delivered = message(MessageStatus::Delivered, None);
        let failed = message(MessageStatus::Failed, Some("30005: Number does not exist"));
        vec![
            Self {
                event: Some(event),
                messages: vec![failed, delivered],
                ..page(EnrollmentStatus::Completed, false)
            },
            page(EnrollmentStatus::Active, false),
            page(EnrollmentStatus::Active, true),
            page(EnrollmentStatus::Failed, false),
        ]
    }
}
