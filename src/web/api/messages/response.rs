//! Messages in responses of the API.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::Conn;
use crate::error::Result;
use crate::messages::inbound;
use crate::messages::log::status_history::{self, StatusEntry};
use crate::messages::message::{Direction, Message};
use crate::messages::status::MessageStatus;
use crate::messages::status_reports::ReportSource;
use crate::types::id::{
    AutomationId, ConnectionId, ContactId, EnrollmentId, MessageId, SenderId, TemplateId,
};
use crate::types::phone::PhoneNumber;

/// An outbound or inbound SMS or MMS.
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
    /// Whether `to` is in a range that its country's numbering plan uses; `null` if it is not a
    /// phone number.
    to_valid: Option<bool>,
    /// `null` until a Messaging Service has chosen a number.
    from: Option<String>,
    body: String,
    media_urls: Vec<String>,
    /// The number of SMS parts of the text; 0 without a text.
    parts: i16,
    /// `gsm7` or `ucs2`; `null` without a text.
    encoding: Option<String>,
    twilio_sid: Option<String>,
    /// Twilio's error code, if the message is not delivered; the events have the codes of earlier
    /// reports.
    error_code: Option<i32>,
    /// Why the message ended without a report from Twilio: the reason of a suppression, such as
    /// `stop`, or a sentence.
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
    /// The message that never arrived, which this one replaces.
    #[schema(value_type = Option<String>, format = "uuid")]
    retry_of: Option<MessageId>,
    /// When another message replaced this one.
    retried_at: Option<DateTime<Utc>>,
    #[schema(value_type = Option<String>, format = "uuid")]
    sender_id: Option<SenderId>,
    #[schema(value_type = String, format = "uuid")]
    connection_id: ConnectionId,
    created_at: DateTime<Utc>,
    /// When the status last changed.
    status_at: DateTime<Utc>,
}

/// A message with its events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessageWithEvents)]
pub(super) struct MessageDetail {
    #[serde(flatten)]
    message: MessageAnswer,
    /// Whether its wording was read as an opt-out, even if that was undone later; texts from
    /// contacts only.
    read_as_opt_out: bool,
    /// The events of the message, in order of time.
    events: Vec<EventAnswer>,
}

/// A message that was just created.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MadeMessage)]
pub(super) struct NewMessageAnswer {
    #[serde(flatten)]
    pub(super) message: MessageDetail,
    /// Warnings about the body, such as a merge tag of another tool, which is sent as it is.
    pub(super) warnings: Vec<String>,
}

/// A change or report of a message's status.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessageEvent)]
pub(super) struct EventAnswer {
    /// The status as it was reported.
    status: String,
    /// When Carillon received it.
    at: DateTime<Utc>,
    /// `carillon`: set by Carillon; `response`: Twilio's response to the request; `callback`: a
    /// call from Twilio; `lookup`: a query of Twilio.
    #[schema(value_type = String)]
    source: ReportSource,
    error_code: Option<i32>,
    /// Whether it changed the message's status; late, repeated and contradicting reports do not.
    applied: bool,
}

impl MessageDetail {
    /// Loads the events of a message.
    pub(super) async fn load(conn: &mut Conn, message: Message) -> Result<Self> {
        let entries = status_history::entries(conn, &message).await?;
        let read_as_opt_out = inbound::reading_of(conn, &message).await?.is_some();
        Ok(Self {
            message: message.into(),
            read_as_opt_out,
            events: entries.into_iter().map(EventAnswer::from).collect(),
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

impl From<StatusEntry> for EventAnswer {
    fn from(entry: StatusEntry) -> Self {
        Self {
            status: entry.status,
            at: entry.at,
            source: entry.source,
            error_code: entry.error_code,
            applied: entry.applied,
        }
    }
}
