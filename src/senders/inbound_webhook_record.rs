//! What is recorded about the inbound webhook of a sender: its URL, why it could not be set, and
//! who repaired it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::inbound_webhook;
use super::sender::Sender;
use crate::db::Conn;
use crate::db::schema::senders;
use crate::error::{Error, Result};
use crate::types::hook_address::redacted;
use crate::types::id::{ConnectionId, SenderId};
use crate::users::audit::{self, Actor, AuditKind};

/// Records the URL of the inbound webhook without its secret, or the reason why it could not be
/// set.
pub async fn record_inbound(
    conn: &mut Conn,
    id: SenderId,
    outcome: std::result::Result<&str, &str>,
) -> Result<Sender> {
    let row = diesel::update(senders::table.find(id));
    let changed = match outcome {
        Ok(url) => {
            let set =
                (senders::webhook_url.eq(redacted(url)), senders::webhook_error.eq(None::<String>));
            row.set(set).returning(Sender::as_returning()).get_result(conn).await
        }
        Err(reason) => {
            row.set(senders::webhook_error.eq(reason))
                .returning(Sender::as_returning())
                .get_result(conn)
                .await
        }
    };
    changed.optional()?.ok_or(Error::NotFound("sender"))
}

/// Records at the senders of these connections that Twilio calls a URL without the current secret.
pub async fn mark_missing_secret(conn: &mut Conn, connections: &[ConnectionId]) -> Result<()> {
    let called = senders::table
        .filter(senders::connection_id.eq_any(connections))
        .filter(senders::webhook_url.is_not_null());
    let error =
        format!("{} Select “Repair webhook” at the sender.", inbound_webhook::WITHOUT_SECRET);
    diesel::update(called.filter(senders::webhook_error.is_null()))
        .set(senders::webhook_error.eq(error))
        .execute(conn)
        .await?;
    Ok(())
}

/// Records in the audit log that a user repaired the sender's inbound webhook. Must run in the
/// caller's transaction.
pub async fn audit_repair(
    conn: &mut Conn,
    actor: &Actor,
    sender: &Sender,
    now: DateTime<Utc>,
) -> Result<()> {
    let summary = format!("repaired the webhook of the sender {}", sender.discreet_label());
    audit::record(conn, actor, AuditKind::Sender, Some(sender.id.0), &summary, now).await
}
