//! A message as the API answers it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::Conn;
use crate::error::Result;
use crate::messages::inbound;
use crate::messages::log::story::{self, StatusEvent};
use crate::messages::message::{Direction, Message};
use crate::messages::report::ReportSource;
use crate::messages::status::MessageStatus;
use crate::types::id::{
    AutomationId, ConnectionId, ContactId, EnrollmentId, MessageId, SenderId, TemplateId,
};
use crate::types::phone::PhoneNumber;

/// One SMS or MMS, out or in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub(super) struct MessageAnswer {
    #[schema(value_type = String, format = "uuid")]
    id: MessageId,
    /// `outbound` or `inbound`.
    #[schema(value_type = String)]
    direction: Direction,
    /// `pending`, `submitting`, `unconfirmed`, then Twilio's words: `accepted`, `scheduled`,
    /// `queued`, `sending`, `sent`, `delivered`, `undelivered`, `failed`, `canceled`, `read`. Not
    /// sent: `suppressed`, `skipped`, `expired`. Inbound: `received`.
    #[schema(value_type = String)]
    status: MessageStatus,
    /// E.164.
    to: String,
    /// Whether `to` lies in a range of its country's numbering plan that is in use; `null` where it
    /// is no phone number.
    to_valid: Option<bool>,
    /// `null` until a Messaging Service has chosen.
    from: Option<String>,
    body: String,
    media_urls: Vec<String>,
    /// How many SMS the text takes; 0 without a text.
    parts: i16,
    /// `gsm7` or `ucs2`; `null` without a text.
    encoding: Option<String>,
    twilio_sid: Option<String>,
    /// Twilio's error code, why it is not delivered; the events keep those of earlier reports.
    error_code: Option<i32>,
    /// Why it ended without a report from Twilio: a suppression's reason such as `stop`, or a
    /// sentence.
    reason: Option<String>,
    #[schema(value_type = Option<String>, format = "uuid")]
    contact_id: Option<ContactId>,
    #[schema(value_type = Option<String>, format = "uuid")]
    template_id: Option<TemplateId>,
    template_version: Option<i32>,
    #[schema(value_type = Option<String>, format = "uuid")]
    automation_id: Option<AutomationId>,
    #[schema(value_type = Option<String>, format = "uuid")]
    enrollment_id: Option<EnrollmentId>,
    /// The message that never arrived, and that this one repeats.
    #[schema(value_type = Option<String>, format = "uuid")]
    retry_of: Option<MessageId>,
    /// When another message repeated this one.
    retried_at: Option<DateTime<Utc>>,
    #[schema(value_type = Option<String>, format = "uuid")]
    sender_id: Option<SenderId>,
    #[schema(value_type = String, format = "uuid")]
    connection_id: ConnectionId,
    created_at: DateTime<Utc>,
    /// When the status last changed.
    status_at: DateTime<Utc>,
}

/// A message with its story.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessageWithEvents)]
pub(super) struct MessageDetail {
    #[serde(flatten)]
    message: MessageAnswer,
    /// Whether its wording was read as an opt-out, also where that was undone later; texts of
    /// contacts only.
    read_as_opt_out: bool,
    /// What became known of it, in order of time.
    events: Vec<EventAnswer>,
}

/// A message that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MadeMessage)]
pub(super) struct MadeMessage {
    #[serde(flatten)]
    pub(super) message: MessageDetail,
    /// What is odd about the body, such as a merge tag of another tool, which is sent as it is.
    pub(super) warnings: Vec<String>,
}

/// Something that became known of a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessageEvent)]
pub(super) struct EventAnswer {
    /// As it was reported.
    status: String,
    /// When Carillon learnt it.
    at: DateTime<Utc>,
    /// `carillon`: decided here; `response`: Twilio's answer; `callback`: Twilio called; `lookup`:
    /// Twilio was asked.
    #[schema(value_type = String)]
    source: ReportSource,
    error_code: Option<i32>,
    /// Whether it moved the status; late, repeated and contradicting reports do not.
    applied: bool,
}

impl MessageDetail {
    /// Loads the story of a message.
    pub(super) async fn load(conn: &mut Conn, message: Message) -> Result<Self> {
        let events = story::events(conn, &message).await?;
        let read_as_opt_out = inbound::reading_of(conn, &message).await?.is_some();
        Ok(Self {
            message: message.into(),
            read_as_opt_out,
            events: events.into_iter().map(EventAnswer::from).collect(),
        })
    }
}

impl From<Message> for MessageAnswer {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            direction: message.direction,
            status: message.status,
            to_valid: PhoneNumber::from_e164(&message.to_address)
                .ok()
                .map(|phone| phone.is_valid()),
            to: message.to_address,
            from: message.from_address,
            body: message.body,
            media_urls: message.media_urls,
            parts: message.parts,
            encoding: message.encoding,
            twilio_sid: message.twilio_sid,
            error_code: message.error_code,
            reason: message.reason,
            contact_id: message.contact_id,
            template_id: message.template_id,
            template_version: message.template_version,
            automation_id: message.automation_id,
            enrollment_id: message.enrollment_id,
            retry_of: message.retry_of,
            retried_at: message.retried_at,
            sender_id: message.sender_id,
            connection_id: message.connection_id,
            created_at: message.created_at,
            status_at: message.status_at,
        }
    }
}

impl From<StatusEvent> for EventAnswer {
    fn from(event: StatusEvent) -> Self {
        Self {
            status: event.status,
            at: event.at,
            source: event.source,
            error_code: event.error_code,
            applied: event.applied,
        }
    }
}
