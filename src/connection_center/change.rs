//! Use cases that change connections and senders; messages that the change releases are woken in
//! the same transaction.

use super::error::ConnectResult;
use crate::connections::{self, Connection, ConnectionChange};
use crate::context::Context;
use crate::db;
use crate::error::Error;
use crate::messages::claim::{self, WakeScope};
use crate::messages::throttle;
use crate::senders::{self, Sender, SenderChange};
use crate::types::id::{ConnectionId, SenderId};
use crate::users::audit::Actor;

/// Changes a connection. A disabled one stops sending at once; an enabled one also sends the
/// waiting messages.
pub(crate) async fn change_connection(
    context: &Context,
    actor: &Actor,
    id: ConnectionId,
    change: &ConnectionChange,
) -> ConnectResult<Connection> {
    let now = context.clock.now();
    let mut conn = context.db.get().await?;
    let connection = db::transaction(&mut conn, async |tx| {
        let mut tx = tx.open();
        let connection = connections::change(&mut tx, actor, id, change, now).await?;
        if change.disabled == Some(false) {
            claim::wake(&mut tx.close(), WakeScope::Connection(id), now).await?;
        }
        Ok::<_, Error>(connection)
    })
    .await?;
    tracing::info!(
        connection.id = %id,
        connection.status = %connection.status(),
        "a connection was changed"
    );
    Ok(connection)
}

/// Changes a sender. A disabled one stops sending at once; an enabled one also sends the waiting
/// messages; with a new rate, waiting messages follow it.
pub(crate) async fn change_sender(
    context: &Context,
    actor: &Actor,
    id: SenderId,
    change: &SenderChange,
) -> ConnectResult<Sender> {
    let now = context.clock.now();
    let mut conn = context.db.get().await?;
    let sender = db::transaction(&mut conn, async |tx| {
        let mut tx = tx.open();
        let sender = senders::change(&mut tx, actor, id, change, now).await?;
        let mut closing = tx.close();
        if change.limits.is_some() {
            throttle::follow_new_rate(&mut closing, id, now).await?;
        }
        if change.disabled == Some(false) {
            claim::wake(&mut closing, WakeScope::Sender(id), now).await?;
        }
        Ok::<_, Error>(sender)
    })
    .await?;
    tracing::info!(sender.id = %id, sender.status = %sender.status(), "a sender was changed");
    Ok(sender)
}
