//! Messages: one SMS, MMS or WhatsApp message as it stands, and finding it.

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
    /// Which way a message goes.
    pub enum Direction {
        /// From us to a contact.
        Outbound = "outbound",
        /// From a contact to us.
        Inbound = "inbound",
    }
}

/// A message as it stands.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = messages)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Out or in.
    pub direction: Direction,
    /// The Twilio account.
    pub connection_id: ConnectionId,
    /// What it is sent from, or came to.
    pub sender_id: Option<SenderId>,
    /// Whom it is for or from, while that contact exists.
    pub contact_id: Option<ContactId>,
    /// Where it goes; empty when the draft named no usable recipient.
    pub to_address: String,
    /// Where it comes from; none until a Messaging Service has chosen.
    pub from_address: Option<String>,
    /// The text as it is sent.
    pub body: String,
    /// Pictures and the like.
    pub media_urls: Vec<String>,
    /// How many SMS parts the text takes.
    pub parts: i16,
    /// `gsm7` or `ucs2`; none without a text.
    pub encoding: Option<String>,
    /// Where it is on its way.
    pub status: MessageStatus,
    /// Why it ended without a report.
    pub reason: Option<String>,
    /// Twilio's error code.
    pub error_code: Option<i32>,
    /// Twilio's id.
    pub twilio_sid: Option<String>,
    /// Twilio's ids of what it had accepted and then dropped unsent, before the message was handed
    /// over once more.
    pub former_sids: Option<Vec<String>>,
    /// The template that it was made from.
    pub template_id: Option<TemplateId>,
    /// And the version of it.
    pub template_version: Option<i32>,
    /// The automation that made it.
    pub automation_id: Option<AutomationId>,
    /// The contact's passage through that automation.
    pub enrollment_id: Option<EnrollmentId>,
    /// The step's index, from 0.
    pub step: Option<i16>,
    /// The message that never reached anybody, and that this one repeats.
    pub retry_of: Option<MessageId>,
    /// When another message repeated this one.
    pub retried_at: Option<DateTime<Utc>>,
    /// When it was composed or received.
    pub created_at: DateTime<Utc>,
    /// When the status last changed.
    pub status_at: DateTime<Utc>,
}

impl Message {
    /// The address of the person at the other end; none where the draft named no usable recipient.
    #[must_use]
    pub fn their_address(&self) -> Option<&str> {
        let address = match self.direction {
            Direction::Inbound => self.from_address.as_deref(),
            Direction::Outbound => Some(self.to_address.as_str()),
        };
        address.filter(|address| !address.is_empty())
    }

    /// The same, if it is another number than the contact has now: it was changed since, or the
    /// message went elsewhere.
    #[must_use]
    pub fn other_address(&self, contact: &PhoneNumber) -> Option<&str> {
        self.their_address().filter(|address| !contact.is_at(address))
    }
}

/// One message.
pub async fn find(conn: &mut Conn, id: MessageId) -> Result<Message> {
    let found =
        messages::table.find(id).select(Message::as_select()).first(conn).await.optional()?;
    found.ok_or(Error::NotFound("message"))
}

/// The message that a one-off request made, found by its key; see
/// [`super::compose::Origin::OneOff`].
pub async fn find_by_request_key(conn: &mut Conn, key: &str) -> Result<Option<Message>> {
    let query = messages::table
        .filter(messages::request_key.eq(key))
        .filter(messages::direction.eq("outbound"));
    Ok(query.select(Message::as_select()).first(conn).await.optional()?)
}

/// Some messages as they stand now, in no order.
pub async fn find_many(conn: &mut Conn, ids: &[MessageId]) -> Result<Vec<Message>> {
    Ok(messages::table
        .filter(messages::id.eq_any(ids))
        .select(Message::as_select())
        .load(conn)
        .await?)
}

/// How the database writes the encoding of a text; none of no text.
pub(super) const fn encoding_word(counted: &parts::Parts) -> Option<&'static str> {
    match counted.encoding {
        _ if counted.units == 0 => None,
        parts::Encoding::Gsm7 => Some("gsm7"),
        parts::Encoding::Ucs2 => Some("ucs2"),
    }
}
