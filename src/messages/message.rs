//! The [`Message`] row: one SMS, MMS or WhatsApp message in its current state, and the queries that
//! load it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::status::MessageStatus;
use crate::db::Conn;
use crate::db::schema::messages;
use crate::error::{Error, Result};
use crate::twilio::parts;
use crate::types::id::{
    AutomationId, ConnectionId, ContactId, EnrollmentId, MessageId, SenderId, TemplateId,
};
use crate::types::phone::PhoneNumber;
use crate::types::text_enum::text_enum;

text_enum! {
    /// The direction of a message.
    pub enum Direction {
        /// From us to a contact.
        Outbound = "outbound",
        /// From a contact to us.
        Inbound = "inbound",
    }
}

/// A message in its current state.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = messages)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Outbound or inbound.
    pub direction: Direction,
    /// The Twilio account that sends or receives it.
    pub connection_id: ConnectionId,
    /// The sender that it goes out from or comes in to.
    pub sender_id: Option<SenderId>,
    /// The contact at the other end; none once that contact is deleted.
    pub contact_id: Option<ContactId>,
    /// The recipient's address; empty when the draft has no valid recipient.
    pub to_address: String,
    /// The sender's address; none until a Messaging Service has chosen a number.
    pub from_address: Option<String>,
    /// The rendered text.
    pub body: String,
    /// The URLs of its media.
    pub media_urls: Vec<String>,
    /// How many SMS parts the text has.
    pub parts: i16,
    /// `gsm7` or `ucs2`; none without a text.
    pub encoding: Option<String>,
    /// The delivery status.
    pub status: MessageStatus,
    /// Why it ended without a report from Twilio.
    pub reason: Option<String>,
    /// Twilio's error code.
    pub error_code: Option<i32>,
    /// Twilio's SID of the message.
    pub twilio_sid: Option<String>,
    /// The SIDs of earlier attempts that Twilio accepted and then dropped unsent, before the
    /// automatic retry.
    pub former_sids: Option<Vec<String>>,
    /// The template that the text was rendered from.
    pub template_id: Option<TemplateId>,
    /// The version of that template.
    pub template_version: Option<i32>,
    /// The automation that created it.
    pub automation_id: Option<AutomationId>,
    /// The enrollment that created it.
    pub enrollment_id: Option<EnrollmentId>,
    /// The step's index, from 0.
    pub step: Option<i16>,
    /// The undelivered message that this one resends.
    pub retry_of: Option<MessageId>,
    /// When another message resent this one.
    pub retried_at: Option<DateTime<Utc>>,
    /// When it was composed or received.
    pub created_at: DateTime<Utc>,
    /// When the status last changed.
    pub status_at: DateTime<Utc>,
}

impl Message {
    /// The contact's address: the sender of an inbound message, the recipient of an outbound one.
    /// None when the draft has no valid recipient.
    #[must_use]
    pub fn their_address(&self) -> Option<&str> {
        let address = match self.direction {
            Direction::Inbound => self.from_address.as_deref(),
            Direction::Outbound => Some(self.to_address.as_str()),
        };
        address.filter(|address| !address.is_empty())
    }

    /// The contact's address in this message, if it differs from the contact's current number: the
    /// number has changed since, or the message went elsewhere.
    #[must_use]
    pub fn other_address(&self, contact: &PhoneNumber) -> Option<&str> {
        self.their_address().filter(|address| !contact.is_at(address))
    }
}

/// Loads one message; [`Error::NotFound`] if it does not exist.
pub async fn find(conn: &mut Conn, id: MessageId) -> Result<Message> {
    let found =
        messages::table.find(id).select(Message::as_select()).first(conn).await.optional()?;
    found.ok_or(Error::NotFound("message"))
}

/// Finds the message that a one-off request created, by its key; see
/// [`super::compose::DraftOrigin::OneOff`].
pub async fn find_by_request_key(conn: &mut Conn, key: &str) -> Result<Option<Message>> {
    let query = messages::table
        .filter(messages::request_key.eq(key))
        .filter(messages::direction.eq("outbound"));
    Ok(query.select(Message::as_select()).first(conn).await.optional()?)
}

/// Loads several messages, in no particular order.
pub async fn find_many(conn: &mut Conn, ids: &[MessageId]) -> Result<Vec<Message>> {
    Ok(messages::table
        .filter(messages::id.eq_any(ids))
        .select(Message::as_select())
        .load(conn)
        .await?)
}

/// The database's name for the encoding of a text; none for an empty text.
pub(super) const fn stored_encoding(counted: &parts::Parts) -> Option<&'static str> {
    match counted.encoding {
        _ if counted.units == 0 => None,
        parts::Encoding::Gsm7 => Some("gsm7"),
        parts::Encoding::Ucs2 => Some("ucs2"),
    }
}
