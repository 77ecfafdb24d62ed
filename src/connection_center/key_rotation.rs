//! Replaces a connection's keys and the secret in its webhook URLs, and forgets the former ones.

use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;

use super::credentials::credentials;
use super::error::ConnectResult;
use super::inbound_webhook::set_all_inbound_webhooks;
use crate::connections::{self, Connection, FormerSecretPolicy, Keys, NewKeys, VerifiedAccount};
use crate::context::Context;
use crate::db::{self, Closing, Tx};
use crate::error::Error;
use crate::messages::claim::{self, WakeScope};
use crate::types::id::ConnectionId;
use crate::users::audit::Actor;

/// Replaces the saved keys by other keys of the same account, after Twilio has accepted them;
/// rejected keys change nothing. Signatures of the former Auth Token are accepted for a limited
/// time, or rejected from now on.
pub(crate) async fn replace_keys(
    context: &Context,
    actor: &Actor,
    id: ConnectionId,
    mut keys: NewKeys,
    policy: FormerSecretPolicy,
) -> ConnectResult<Connection> {
    let connection = connections::find(&mut *context.db.get().await?, id).await?;
    let had_auth_token = connection.has_auth_token;
    keys.account_sid.clone_from(&connection.account_sid);
    let keys = Keys::parse(&keys).map_err(Error::Invalid)?;
    let account = connections::verify_account(&context.twilio, &keys).await?;
    let now = context.clock.now();
    let mut conn = context.db.get().await?;
    let connection = db::transaction(&mut conn, async |tx| {
        let mut tx = tx.open();
        connections::replace_keys(&mut tx, actor, id, &context.secret_key, &keys, policy, now)
            .await?;
        let mut closing = note_verified(tx, id, &account, now).await?;
        connections::find(closing.without_waiting(), id).await
    })
    .await?;
    drop(conn);
    context.key_epoch.advance();
    tracing::info!(connection.id = %id, "the keys of a connection were replaced");
    if connection.has_auth_token != had_auth_token {
        // The webhook URL contains a secret only without an Auth Token, so it has changed.
        set_all_inbound_webhooks(context, &keys.credentials(), id).await?;
    }
    Ok(connection)
}

/// Stops accepting signatures of a connection's former Auth Token.
pub(crate) async fn forget_former_token(
    context: &Context,
    actor: &Actor,
    id: ConnectionId,
) -> ConnectResult<Connection> {
    let connection = forget(context, actor, id, FormerSecret::AuthToken).await?;
    tracing::info!(connection.id = %id, "the former token of a connection was forgotten");
    Ok(connection)
}

/// Replaces the secret in the webhook URLs and updates them at Twilio. The former secret is
/// accepted for a limited time, or rejected from now on.
pub(crate) async fn rotate_hook_secret(
    context: &Context,
    actor: &Actor,
    id: ConnectionId,
    policy: FormerSecretPolicy,
) -> ConnectResult<Connection> {
    let now = context.clock.now();
    let mut conn = context.db.get().await?;
    let connection = conn
        .transaction::<_, Error, _>(async |conn| {
            connections::rotate_hook_secret(conn, actor, id, &context.secret_key, policy, now).await
        })
        .await?;
    drop(conn);
    context.key_epoch.advance();
    tracing::info!(connection.id = %id, "the secret of a webhook address was rotated");
    if !connection.has_auth_token {
        set_all_inbound_webhooks(context, &credentials(context, id).await?, id).await?;
    }
    Ok(connection)
}

/// Stops accepting webhook URLs with a connection's former secret.
pub(crate) async fn forget_former_secret(
    context: &Context,
    actor: &Actor,
    id: ConnectionId,
) -> ConnectResult<Connection> {
    let connection = forget(context, actor, id, FormerSecret::HookSecret).await?;
    tracing::info!(connection.id = %id, "the former secret of a webhook address was forgotten");
    Ok(connection)
}

/// What still authenticates webhooks although it was replaced.
#[derive(Clone, Copy)]
enum FormerSecret {
    AuthToken,
    HookSecret,
}

/// Stops accepting a former secret; the caches of this process forget it too.
async fn forget(
    context: &Context,
    actor: &Actor,
    id: ConnectionId,
    former: FormerSecret,
) -> ConnectResult<Connection> {
    let now = context.clock.now();
    let mut conn = context.db.get().await?;
    let connection = conn
        .transaction::<_, Error, _>(async |conn| match former {
            FormerSecret::AuthToken => connections::forget_former_token(conn, actor, id, now).await,
            FormerSecret::HookSecret => {
                connections::forget_former_secret(conn, actor, id, now).await
            }
        })
        .await?;
    context.key_epoch.advance();
    Ok(connection)
}

/// Records that Twilio accepts the keys; wakes the waiting messages if Carillon had stopped the
/// connection.
pub(super) async fn note_verified<'t>(
    mut tx: Tx<'t>,
    id: ConnectionId,
    account: &VerifiedAccount,
    now: DateTime<Utc>,
) -> Result<Closing<'t>, Error> {
    let was_stopped = connections::record_verified(&mut tx, id, account, now).await?;
    let mut closing = tx.close();
    if was_stopped {
        claim::wake(&mut closing, WakeScope::Connection(id), now).await?;
    }
    Ok(closing)
}
