//! Replaces keys without downtime: signatures of the former Auth Token are accepted for a limited
//! time.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::{ExposeSecret, SecretString};

use super::connection::{self, Connection};
use super::former_secret_policy::FormerSecretPolicy;
use super::hook_secret;
use super::keys::{Keys, NewKeys, SealedKeys, keys};
use super::seal_context::seal_context;
use crate::db::Conn;
use crate::db::schema::connections;
use crate::error::{Error, Result};
use crate::types::id::ConnectionId;
use crate::types::sealed::{Sealed, SecretKey};
use crate::users::audit::{self, Actor, AuditKind};

/// How long signatures of a former Auth Token are accepted: enough time to promote the new token to
/// primary in Twilio.
pub const FORMER_TOKEN_ACCEPTED: TimeDelta = TimeDelta::days(7);

/// The stored former token, sealed for its column and row.
#[derive(AsChangeset)]
#[diesel(table_name = connections, treat_none_as_null = true)]
struct FormerTokenColumns {
    former_auth_token: Option<Sealed>,
    former_auth_token_until: Option<DateTime<Utc>>,
}

const COLUMN: &str = "former_auth_token";

/// Replaces the saved keys by verified keys of the same account. Other accounts are refused,
/// because the connection's messages and webhooks belong to its account. Must run in the caller's
/// transaction.
pub async fn replace_keys(
    conn: &mut Conn,
    actor: &Actor,
    id: ConnectionId,
    key: &SecretKey,
    new: &Keys,
    policy: FormerSecretPolicy,
    now: DateTime<Utc>,
) -> Result<()> {
    save_keys(conn, id, key, new, policy, now).await?;
    let summary =
        format!("replaced the keys of the connection “{}”", connection::find(conn, id).await?.name);
    audit::record(conn, actor, AuditKind::Connection, Some(id.0), &summary, now).await
}

async fn save_keys(
    conn: &mut Conn,
    id: ConnectionId,
    key: &SecretKey,
    new: &Keys,
    policy: FormerSecretPolicy,
    now: DateTime<Utc>,
) -> Result<()> {
    let former_token = match policy {
        FormerSecretPolicy::Accept => {
            FormerTokenColumns::of_replaced(conn, id, key, new, now).await?
        }
        FormerSecretPolicy::Refuse => FormerTokenColumns::NONE,
    };
    let change = diesel::update(
        connections::table.find(id).filter(connections::account_sid.eq(new.account_sid().as_str())),
    );
    let changed = change.set((SealedKeys::seal(key, id, new), former_token)).execute(conn).await?;
    if changed == 0 {
        return Err(Error::field(
            "account_sid",
            "The account of a connection stays. Connect the other account as a new connection.",
        ));
    }
    Ok(())
}

/// The Auth Tokens that may sign webhooks of this connection: the current one and, for a limited
/// time, the former one. Empty if only an API key is saved; the secret in the webhook URL then
/// authenticates.
pub async fn webhook_tokens(
    conn: &mut Conn,
    id: ConnectionId,
    key: &SecretKey,
    now: DateTime<Utc>,
) -> Result<Vec<SecretString>> {
    let current = keys(conn, id, key).await?.auth_token().cloned();
    let Some(current) = current else { return Ok(Vec::new()) };
    let former_token: (Option<Sealed>, Option<DateTime<Utc>>) = connections::table
        .find(id)
        .select((connections::former_auth_token, connections::former_auth_token_until))
        .first(conn)
        .await?;
    let former_token = match former_token {
        (Some(sealed), Some(until)) if until > now => {
            Some(sealed.unseal(key, &seal_context(COLUMN, id)).map_err(unreadable)?)
        }
        _ => None,
    };
    Ok(std::iter::once(current).chain(former_token).collect())
}

/// Stops accepting signatures of the former Auth Token. Must run in the caller's transaction.
pub async fn forget_former_token(
    conn: &mut Conn,
    actor: &Actor,
    id: ConnectionId,
    now: DateTime<Utc>,
) -> Result<Connection> {
    diesel::update(connections::table.find(id)).set(FormerTokenColumns::NONE).execute(conn).await?;
    let connection = connection::find(conn, id).await?;
    let summary = format!("rejected the former Auth Token of the connection “{}”", connection.name);
    audit::record(conn, actor, AuditKind::Connection, Some(id.0), &summary, now).await?;
    Ok(connection)
}

/// Replaces all saved keys by random ones, after an installation lost its secret key. Every
/// connection is stopped until its keys are entered again. Returns the number of connections. Must
/// run in the caller's transaction.
pub async fn forget_keys(conn: &mut Conn, key: &SecretKey, now: DateTime<Utc>) -> Result<usize> {
    let rows: Vec<(ConnectionId, String)> =
        connections::table.select((connections::id, connections::account_sid)).load(conn).await?;
    for (id, account_sid) in &rows {
        let random = uuid::Uuid::new_v4().simple().to_string();
        let new = NewKeys {
            account_sid: account_sid.clone(),
            auth_token: random.into(),
            ..NewKeys::default()
        };
        let unusable = Keys::parse(&new).map_err(Error::Invalid)?;
        save_keys(conn, *id, key, &unusable, FormerSecretPolicy::Refuse, now).await?;
        // The webhook secret was sealed with the same lost key.
        hook_secret::replace_lost(conn, *id, key).await?;
        connection::stop(
            conn,
            *id,
            "Its keys were forgotten with `carillon forget-keys`: replace them.",
            now,
        )
        .await?;
    }
    let summary = format!("deleted the keys of all {} connections", rows.len());
    audit::record(conn, &Actor::command_line(), AuditKind::Connection, None, &summary, now).await?;
    Ok(rows.len())
}

impl FormerTokenColumns {
    const NONE: Self = Self { former_auth_token: None, former_auth_token_until: None };

    /// The columns for the token that `new` replaces; [`Self::NONE`] if there was no token or it
    /// cannot be unsealed.
    async fn of_replaced(
        conn: &mut Conn,
        id: ConnectionId,
        key: &SecretKey,
        new: &Keys,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let before = match keys(conn, id, key).await {
            Err(Error::Refused(_)) => return Ok(Self::NONE),
            before => before?,
        };
        let Some((before, new)) = before.auth_token().zip(new.auth_token()) else {
            return Ok(Self::NONE);
        };
        if before.expose_secret() == new.expose_secret() {
            return Self::unchanged(conn, id).await;
        }
        let sealed = Sealed::seal(key, before, &seal_context(COLUMN, id));
        Ok(Self {
            former_auth_token: Some(sealed),
            former_auth_token_until: Some(now + FORMER_TOKEN_ACCEPTED),
        })
    }

    /// The current columns: entering the same token again does not shorten the former token's time.
    async fn unchanged(conn: &mut Conn, id: ConnectionId) -> Result<Self> {
        let columns = (connections::former_auth_token, connections::former_auth_token_until);
        let (former_auth_token, former_auth_token_until) =
            connections::table.find(id).select(columns).first(conn).await?;
        Ok(Self { former_auth_token, former_auth_token_until })
    }
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::Refused(format!("The saved keys can’t be read: {error}."))
}
