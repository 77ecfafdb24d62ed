//! Checking a connection live: Twilio is asked about everything that it needs, and what it says is
//! kept.

use diesel_async::AsyncConnection;

use super::{Result, note_verified};
use crate::app::App;
use crate::connections::{self, Check};
use crate::error::Error;
use crate::senders;
use crate::types::id::ConnectionId;

/// Asks Twilio about everything that a connection needs, and takes over what it says: names,
/// capabilities, webhooks, registrations, and that the keys work.
pub(crate) async fn check(app: &App, id: ConnectionId) -> Result<Vec<Check>> {
    let mut conn = app.db.get().await?;
    let keys = match connections::keys(&mut conn, id, &app.secret_key).await {
        Err(Error::Refused(reason)) => {
            let checks = vec![Check::unreadable_keys(reason)];
            connections::record_checks(&mut conn, id, &checks, app.clock.now()).await?;
            return Ok(checks);
        }
        keys => keys?,
    };
    let inbound_url = connections::hook_address(&mut conn, id, &app.secret_key)
        .await?
        .inbound(&app.config.public_url);
    let senders = senders::of_connection(&mut conn, id).await?;
    drop(conn);
    let inspection = senders::inspect(
        &app.twilio,
        &keys,
        inbound_url,
        senders,
        &app.config.public_url,
        app.clock.now(),
    )
    .await;
    let now = app.clock.now();
    let mut conn = app.db.get().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        if let Ok(account) = &inspection.account {
            note_verified(conn, id, account, now).await?;
        }
        senders::record(conn, id, &inspection, now).await
    })
    .await?;
    Ok(inspection.checks())
}
