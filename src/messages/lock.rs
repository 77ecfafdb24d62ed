//! Locking messages in one order for all, before their status is decided.

use diesel::sql_types::{Array, Nullable, Text, Uuid as SqlUuid};

use super::status::MessageStatus;
use crate::db::statement::statement;
use crate::types::id::{ConnectionId, MessageId};

/// A message as [`Lock`] gives it: its status, Twilio's id, its connection, and the ids that it had
/// before.
pub(super) type Current =
    (MessageId, MessageStatus, Option<String>, ConnectionId, Option<Vec<String>>);

statement! {
    /// Locks messages in a fixed order, so that two batches with the same messages cannot wait for
    /// each other.
    pub(super) struct Lock<'a> { ids: &'a [MessageId] => Array<SqlUuid> }
    returns (SqlUuid, Text, Nullable<Text>, SqlUuid, Nullable<Array<Text>>);
    "SELECT id, status, twilio_sid, connection_id, former_sids
     FROM messages
     WHERE id = ANY ({ids})
     ORDER BY id FOR NO KEY UPDATE"
}
