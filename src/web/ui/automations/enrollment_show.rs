//! The page of one enrollment: the contact, the automation, the cause, the progress and the
//! messages.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::sentences;
use crate::automations::{self, EnrollmentStatus};
use crate::db::Conn;
use crate::error::Error;
use crate::messages::log::filter::MessageFilter;
use crate::messages::log::search;
use crate::messages::message::Message;
use crate::messages::status::MessageStatus;
use crate::types::id::{AutomationId, ContactId, EnrollmentId, MessageId};
use crate::web::ui::messages::short_reason;
use crate::web::{Page, PageResult, Viewer, Visit};
use crate::{contacts, events};

/// The largest number of messages to show; an automation has at most this many steps.
const MAX_MESSAGES: i64 = 50;

/// The page of one contact's enrollment in an automation.
#[derive(Debug, Serialize)]
pub(in crate::web) struct EnrollmentShowPage {
    id: EnrollmentId,
    automation_id: AutomationId,
    automation: String,
    held: bool,
    version: i32,
    contact_id: ContactId,
    contact: String,
    status: EnrollmentStatus,
    reason: Option<String>,
    cause: &'static str,
    event: Option<EventFacts>,
    step: i16,
    due_at: DateTime<Utc>,
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    messages: Vec<MessageRow>,
    /// Whether a step or the status of a message can still change.
    live: bool,
}

#[derive(Debug, Serialize)]
struct EventFacts {
    name: String,
    client_id: Option<String>,
    occurred_at: DateTime<Utc>,
    properties: Value,
}

#[derive(Debug, Serialize)]
struct MessageRow {
    id: MessageId,
    step: i16,
    to: String,
    body: String,
    status: MessageStatus,
    reason: Option<String>,
    created_at: DateTime<Utc>,
}

pub(super) async fn show(visit: Visit<Viewer>, id: Path<EnrollmentId>) -> PageResult {
    let page = EnrollmentShowPage::load(&mut *visit.conn().await?, *id).await?;
    visit.page(&page)
}

impl EnrollmentShowPage {
    async fn load(conn: &mut Conn, id: EnrollmentId) -> Result<Self, Error> {
        let enrollment = automations::find_enrollment(conn, id).await?;
        let automation = automations::find(conn, enrollment.automation_id).await?;
        let contact = contacts::find(conn, enrollment.contact_id).await?;
        let event = match enrollment.event_id {
            Some(id) => Some(events::find(conn, id).await?),
            None => None,
        };
        let filter = MessageFilter { enrollment_id: Some(id), ..MessageFilter::default() };
        let messages = search::list(conn, &filter, None, MAX_MESSAGES).await?;
        let is_open = |message: &Message| !message.status.is_final();
        let live = enrollment.finished_at.is_none() || messages.iter().any(is_open);
        let row = |message: Message| MessageRow {
            reason: short_reason(&message),
            id: message.id,
            step: message.step.unwrap_or_default() + 1,
            to: message.to_address,
            body: message.body,
            status: message.status,
            created_at: message.created_at,
        };
        Ok(Self {
            id,
            automation_id: automation.id,
            held: automation.status != automations::AutomationStatus::Active
                && enrollment.status == EnrollmentStatus::Active,
            automation: automation.name,
            version: enrollment.version,
            contact_id: contact.id,
            contact: contact.label(),
            status: enrollment.status,
            reason: enrollment.reason,
            cause: sentences::cause(&enrollment.cause),
            event: event.map(|event| EventFacts {
                name: event.name.to_string(),
                client_id: event.client_id,
                occurred_at: event.occurred_at,
                properties: event.properties,
            }),
            step: enrollment.step + 1,
            due_at: enrollment.due_at,
            started_at: enrollment.started_at,
            finished_at: enrollment.finished_at,
            messages: messages.into_iter().map(row).collect(),
            live,
        })
    }
}

impl Page for EnrollmentShowPage {
    const TEMPLATE: &'static str = "ui/automations/enrollment_show.html";
}

#[cfg(debug_assertions)]
#[path = "samples/enrollment_show.rs"]
mod samples;
