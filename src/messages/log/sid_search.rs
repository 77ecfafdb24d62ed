//! Finds a message by its SID at Twilio, which has no index for outbound messages (docs/adr/0003).

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::schema::messages;
use crate::error::Result;
use crate::messages::message::{Direction, Message};
use crate::twilio::sid::MessageSid;
use crate::types::id::MessageId;

/// How many messages one search reads: 13 ms if all are in memory.
const SCAN_LIMIT: i64 = 25_000;

/// The result of a search for a SID.
#[derive(Debug, Clone, Default)]
pub struct SidSearch {
    /// The message, if it was found.
    pub message: Option<Message>,
    /// Where to continue, if it was not found among the messages that were read.
    pub continue_before: Option<MessageId>,
}

/// Finds the message with a SID: an inbound one by an index, an outbound one among [`SCAN_LIMIT`]
/// messages before `before`, newest first.
pub async fn find_by_sid(
    conn: &mut Conn,
    sid: &MessageSid,
    before: Option<MessageId>,
) -> Result<SidSearch> {
    let inbound: Option<Message> = messages::table
        .filter(messages::request_key.eq(sid.as_str()))
        .filter(messages::direction.eq(Direction::Inbound))
        .select(Message::as_select())
        .first(conn)
        .await
        .optional()?;
    if inbound.is_some() {
        return Ok(SidSearch { message: inbound, continue_before: None });
    }
    let mut range = messages::table.select(messages::id).order(messages::id.desc()).into_boxed();
    if let Some(before) = before {
        range = range.filter(messages::id.lt(before));
    }
    let end: Option<MessageId> =
        range.offset(SCAN_LIMIT - 1).limit(1).first(conn).await.optional()?;
    let has_sid = sql::<Bool>("(messages.twilio_sid = ")
        .bind::<Text, _>(sid.as_str())
        .sql(" OR ")
        .bind::<Text, _>(sid.as_str())
        .sql(" = ANY (messages.former_sids))");
    let mut query = messages::table
        .filter(has_sid)
        .order(messages::id.desc())
        .select(Message::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(messages::id.lt(before));
    }
    if let Some(end) = end {
        query = query.filter(messages::id.ge(end));
    }
    let message: Option<Message> = query.first(conn).await.optional()?;
    let continue_before = end.filter(|_| message.is_none());
    Ok(SidSearch { message, continue_before })
}
