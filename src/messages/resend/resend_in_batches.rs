//! Resending messages in batches, for pages and the API alike: some hundred in each transaction.

use chrono::{DateTime, Utc};

use super::resend_messages::{CHUNK, resend_messages};
use crate::db::{self, Conn};
use crate::error::{Error, Result};
use crate::types::id::MessageId;
use crate::users::audit::{self, Actor, AuditKind};

/// Resends those messages that are still eligible, and returns the new ones; each transaction has
/// its entry in the audit log.
///
/// Committed transactions survive an interruption: repeating the call resends the rest, and nothing
/// twice.
pub(crate) async fn resend_in_batches(
    conn: &mut Conn,
    actor: &Actor,
    ids: &[MessageId],
    now: DateTime<Utc>,
) -> Result<Vec<MessageId>> {
    let mut sent = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let resent = db::transaction(conn, async |tx| {
            let (sent, mut closing) = resend_messages(tx, chunk, now).await?;
            let (subject, summary) = match sent.as_slice() {
                [] => return Ok(sent),
                [only] => (Some(only.0), "sent a message again".to_owned()),
                many => (None, format!("sent {} messages again", many.len())),
            };
            let conn = closing.without_waiting();
            audit::record(conn, actor, AuditKind::Message, subject, &summary, now).await?;
            Ok::<_, Error>(sent)
        });
        sent.extend(resent.await?);
    }
    Ok(sent)
}
