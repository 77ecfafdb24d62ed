//! Switching connections and senders off and on, and giving senders other limits.

use diesel_async::AsyncConnection;

use super::Result;
use crate::app::App;
use crate::connections::{self, Connection};
use crate::error::Error;
use crate::messages::claim::{self, WakeScope};
use crate::messages::throttle;
use crate::senders::{self, Limits, Sender};
use crate::types::id::{ConnectionId, SenderId};

/// Switches a connection off: its sending stops at once.
pub(crate) async fn disable_connection(app: &App, id: ConnectionId) -> Result<Connection> {
    let connection = connections::disable(&mut *app.db.get().await?, id, app.clock.now()).await?;
    tracing::info!(connection.id = %id, "a connection was disabled");
    Ok(connection)
}

/// Switches a connection on again: it sends, also what has been waiting.
pub(crate) async fn enable_connection(app: &App, id: ConnectionId) -> Result<Connection> {
    let now = app.clock.now();
    let mut conn = app.db.get().await?;
    let connection = conn
        .transaction::<_, Error, _>(async |conn| {
            let connection = connections::enable(conn, id).await?;
            claim::wake(conn, WakeScope::Connection(id), now).await?;
            Ok(connection)
        })
        .await?;
    tracing::info!(connection.id = %id, "a connection was enabled");
    Ok(connection)
}

/// Switches a sender off: its sending stops at once.
pub(crate) async fn disable_sender(app: &App, id: SenderId) -> Result<Sender> {
    let sender = senders::disable(&mut *app.db.get().await?, id, app.clock.now()).await?;
    tracing::info!(sender.id = %id, "a sender was disabled");
    Ok(sender)
}

/// Switches a sender on again: it sends, also what has been waiting.
pub(crate) async fn enable_sender(app: &App, id: SenderId) -> Result<Sender> {
    let now = app.clock.now();
    let mut conn = app.db.get().await?;
    let sender = conn
        .transaction::<_, Error, _>(async |conn| {
            let sender = senders::enable(conn, id).await?;
            claim::wake(conn, WakeScope::Sender(id), now).await?;
            Ok(sender)
        })
        .await?;
    tracing::info!(sender.id = %id, "a sender was enabled");
    Ok(sender)
}

/// Gives a sender other limits: what waits for its rate goes on by the new one.
pub(crate) async fn limit_sender(app: &App, id: SenderId, limits: Limits) -> Result<Sender> {
    let now = app.clock.now();
    let mut conn = app.db.get().await?;
    let sender = conn
        .transaction::<_, Error, _>(async |conn| {
            let sender = senders::limit(conn, id, limits).await?;
            throttle::follow_new_rate(conn, id, now).await?;
            Ok(sender)
        })
        .await?;
    tracing::info!(sender.id = %id, "the limits of a sender were changed");
    Ok(sender)
}
