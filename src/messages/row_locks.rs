//! Row locks on messages, taken in id order before their status changes.

use diesel::sql_types::{Array, Nullable, Text, Uuid as SqlUuid};

use super::status::MessageStatus;
use crate::db::statement::statement;
use crate::types::id::{ConnectionId, MessageId};

/// A message that [`Lock`] has locked: id, status, Twilio's SID, connection and former SIDs.
pub(super) type LockedMessage =
    (MessageId, MessageStatus, Option<String>, ConnectionId, Option<Vec<String>>);

statement! {
    /// Locks messages in id order, so that two batches with the same messages cannot deadlock.
    pub(super) struct Lock<'a> { ids: &'a [MessageId] => Array<SqlUuid> }
    returns (SqlUuid, Text, Nullable<Text>, SqlUuid, Nullable<Array<Text>>);
    "SELECT id, status, twilio_sid, connection_id, former_sids
     FROM messages
     WHERE id = ANY ({ids})
     ORDER BY id FOR NO KEY UPDATE"
}
