//! Checks a connection against Twilio and stores the results.

use super::error::ConnectResult;
use super::key_rotation::note_verified;
use crate::connections::{self, Check};
use crate::context::Context;
use crate::error::Error;
use crate::types::id::ConnectionId;
use crate::{db, senders};

/// Checks everything that a connection needs at Twilio, and stores the results: names,
/// capabilities, webhooks, registrations, and that the keys work.
pub(crate) async fn check(context: &Context, id: ConnectionId) -> ConnectResult<Vec<Check>> {
    let mut conn = context.db.get().await?;
    let keys = match connections::keys(&mut conn, id, &context.secret_key).await {
        Err(Error::Refused(reason)) => {
            let checks = vec![Check::unreadable_keys(reason)];
            connections::record_checks(&mut conn, id, &checks, context.clock.now()).await?;
            return Ok(checks);
        }
        keys => keys?,
    };
    let inbound_url = connections::hook_address(&mut conn, id, &context.secret_key)
        .await?
        .inbound(&context.config.public_url);
    let senders = senders::list_for_connection(&mut conn, id).await?;
    drop(conn);
    let inspection = senders::inspect(
        &context.twilio,
        &keys,
        inbound_url,
        senders,
        &context.config.public_url,
        context.clock.now(),
    )
    .await;
    let now = context.clock.now();
    let mut conn = context.db.get().await?;
    db::transaction(&mut conn, async |tx| {
        let mut tx = tx.open();
        senders::record(&mut tx, id, &inspection, now).await?;
        if let Ok(account) = &inspection.account {
            note_verified(tx, id, account, now).await?;
        }
        Ok::<_, Error>(())
    })
    .await?;
    Ok(inspection.checks())
}
