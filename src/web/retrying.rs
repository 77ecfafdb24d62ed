//! Sending again what never reached anybody, for pages and API alike: many messages, some hundred in each transaction.

use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;

use crate::db::Conn;
use crate::error::Result;
use crate::messages::retry;
use crate::types::id::MessageId;

/// Sends again those of some messages that still may be, and returns the new ones.
///
/// When it is interrupted, what is committed stays: whoever asks once more gets the rest, and nothing twice.
pub(super) async fn send_again(conn: &mut Conn, ids: &[MessageId], now: DateTime<Utc>) -> Result<Vec<MessageId>> {
    let mut sent = Vec::new();
    for chunk in ids.chunks(retry::CHUNK) {
        sent.extend(conn.transaction(async |conn| retry::send_again(conn, chunk, now).await).await?);
    }
    Ok(sent)
}
