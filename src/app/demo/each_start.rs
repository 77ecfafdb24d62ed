//! What each start of the demo needs: inbound webhooks at the simulated Twilio, and a new API key.

use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;

use super::sample_data::connecting_failed;
use crate::app::AppError;
use crate::context::Context;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::users::Role;
use crate::users::api_keys::{self, ApiKeySecret};
use crate::users::audit::Actor;
use crate::{connection_center, senders};

/// The name of the API key, which each start replaces.
const KEY_NAME: &str = "demo";

/// Prepares a start of the demo, and returns a new API key.
pub(super) async fn prepare(context: &Context) -> std::result::Result<String, AppError> {
    set_webhooks(context).await?;
    let now = context.clock.now();
    let key = context
        .db
        .get()
        .await?
        .transaction::<_, Error, _>(async |conn| replace_key(conn, now).await)
        .await?;
    Ok(key.expose().to_owned())
}

/// Creates an API key for this start and revokes the previous one, which was printed at the last
/// start.
async fn replace_key(conn: &mut Conn, now: DateTime<Utc>) -> Result<ApiKeySecret> {
    let actor = Actor::command_line();
    for old in api_keys::list(conn)
        .await?
        .iter()
        .filter(|key| key.name == KEY_NAME && key.revoked_at.is_none())
    {
        api_keys::revoke(conn, &actor, old.id, now).await?;
    }
    let (_, key) = api_keys::create(conn, &actor, KEY_NAME, Role::Admin, now).await?;
    Ok(key)
}

/// Sets the inbound webhooks again: the simulated Twilio forgets them when it stops.
async fn set_webhooks(context: &Context) -> std::result::Result<(), AppError> {
    let senders = senders::list(&mut *context.db.get().await?).await?;
    for sender in senders {
        connection_center::set_inbound(context, &Actor::command_line(), sender.id)
            .await
            .map_err(|error| connecting_failed(&error))?;
    }
    Ok(())
}
