//! The secret in the URLs that Twilio calls, which authenticates webhooks if no Auth Token is saved
//! to check signatures with.
//!
//! Every connection has one, so that its Auth Token can be removed at any time. It is never shown
//! in the UI; only Twilio receives it.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::connection::{self, Connection};
use super::former_secret_policy::FormerSecretPolicy;
use super::seal_context::seal_context;
use crate::db::Conn;
use crate::db::schema::connections;
use crate::error::{Error, Result};
use crate::types::hook_address::HookAddress;
use crate::types::id::ConnectionId;
use crate::types::sealed::{Sealed, SecretKey};
use crate::types::token::RandomToken;
use crate::users::audit::{self, Actor, AuditKind};

/// How long URLs with the former secret are accepted: as long as messages already at Twilio may
/// still report.
pub const FORMER_SECRET_ACCEPTED: TimeDelta = TimeDelta::days(7);

const COLUMN: &str = "hook_secret";
const FORMER_COLUMN: &str = "former_hook_secret";

/// The stored secrets, sealed for their column and row.
#[derive(AsChangeset)]
#[diesel(table_name = connections, treat_none_as_null = true)]
struct SecretColumns {
    hook_secret: Option<Sealed>,
    former_hook_secret: Option<Sealed>,
    former_hook_secret_until: Option<DateTime<Utc>>,
}

/// The webhook URLs of a connection, which contain a secret unless signatures can be checked.
pub async fn hook_address(
    conn: &mut Conn,
    id: ConnectionId,
    key: &SecretKey,
) -> Result<HookAddress> {
    let columns = (connections::auth_token.is_not_null(), connections::hook_secret);
    let found: Option<(bool, Option<Sealed>)> =
        connections::table.find(id).select(columns).first(conn).await.optional()?;
    let (has_auth_token, sealed) = found.ok_or(Error::NotFound("connection"))?;
    if has_auth_token {
        Ok(HookAddress::signed(id))
    } else {
        secret_address(conn, id, key, sealed).await
    }
}

/// The webhook URLs with the secret in `sealed`; creates a secret if there is none yet.
pub(super) async fn secret_address(
    conn: &mut Conn,
    id: ConnectionId,
    key: &SecretKey,
    sealed: Option<Sealed>,
) -> Result<HookAddress> {
    let sealed = match sealed {
        Some(sealed) => sealed,
        None => create_missing(conn, id, key).await?,
    };
    Ok(HookAddress::secret(id, unseal(&sealed, COLUMN, key, id)?))
}

/// The secrets that authenticate webhooks of a connection: the current one and, for a limited time,
/// the former one.
pub async fn hook_secrets(
    conn: &mut Conn,
    id: ConnectionId,
    key: &SecretKey,
    now: DateTime<Utc>,
) -> Result<Vec<SecretString>> {
    type Row = (Option<Sealed>, Option<Sealed>, Option<DateTime<Utc>>);
    let columns = (
        connections::hook_secret,
        connections::former_hook_secret,
        connections::former_hook_secret_until,
    );
    let found: Option<Row> =
        connections::table.find(id).select(columns).first(conn).await.optional()?;
    let (current, former, until) = found.ok_or(Error::NotFound("connection"))?;
    let former = former.filter(|_| until.is_some_and(|until| until > now));
    let current = current.map(|sealed| unseal(&sealed, COLUMN, key, id)).transpose()?;
    let former = former.map(|sealed| unseal(&sealed, FORMER_COLUMN, key, id)).transpose()?;
    Ok(current.into_iter().chain(former).collect())
}

/// Whether a call presents one of these secrets, compared in constant time.
#[must_use]
pub fn is_one_of(secrets: &[SecretString], presented: &str) -> bool {
    let mut found = subtle::Choice::from(0);
    for secret in
        secrets.iter().map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty())
    {
        found |= secret.as_bytes().ct_eq(presented.as_bytes());
    }
    found.into()
}

/// Replaces the secret; the former one is accepted for a limited time or rejected from now on. Must
/// run in the caller's transaction.
pub async fn rotate_hook_secret(
    conn: &mut Conn,
    actor: &Actor,
    id: ConnectionId,
    key: &SecretKey,
    policy: FormerSecretPolicy,
    now: DateTime<Utc>,
) -> Result<Connection> {
    let current: Option<Option<Sealed>> = connections::table
        .find(id)
        .select(connections::hook_secret)
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    let current = current.ok_or(Error::NotFound("connection"))?;
    // A secret that cannot be unsealed cannot authenticate anything either.
    let former_secret = current
        .and_then(|sealed| unseal(&sealed, COLUMN, key, id).ok())
        .filter(|_| policy == FormerSecretPolicy::Accept);
    let until = former_secret.is_some().then(|| now + FORMER_SECRET_ACCEPTED);
    let secrets = SecretColumns {
        hook_secret: Some(new_hook_secret(key, id)),
        former_hook_secret: former_secret
            .map(|secret| Sealed::seal(key, &secret, &seal_context(FORMER_COLUMN, id))),
        former_hook_secret_until: until,
    };
    diesel::update(connections::table.find(id)).set(secrets).execute(conn).await?;
    record_in_audit_log(conn, actor, id, "rotated the secret in the webhook address of", now).await
}

/// Stops accepting URLs with the former secret. Must run in the caller's transaction.
pub async fn forget_former_secret(
    conn: &mut Conn,
    actor: &Actor,
    id: ConnectionId,
    now: DateTime<Utc>,
) -> Result<Connection> {
    let none = (
        connections::former_hook_secret.eq(None::<Sealed>),
        connections::former_hook_secret_until.eq(None::<DateTime<Utc>>),
    );
    diesel::update(connections::table.find(id)).set(none).execute(conn).await?;
    record_in_audit_log(conn, actor, id, "rejected the former webhook address of", now).await
}

/// Creates the missing secrets of connections that an earlier version created. Returns those
/// without an Auth Token, whose webhook URLs must be set again at Twilio.
pub async fn fill_hook_secrets(conn: &mut Conn, key: &SecretKey) -> Result<Vec<ConnectionId>> {
    let missing = connections::table.filter(connections::hook_secret.is_null());
    let rows: Vec<(ConnectionId, bool)> =
        missing.select((connections::id, connections::auth_token.is_not_null())).load(conn).await?;
    let mut unsigned = Vec::new();
    for (id, has_auth_token) in rows {
        create_missing(conn, id, key).await?;
        if !has_auth_token {
            unsigned.push(id);
        }
    }
    Ok(unsigned)
}

/// Replaces a secret that can no longer be unsealed.
pub(super) async fn replace_lost(conn: &mut Conn, id: ConnectionId, key: &SecretKey) -> Result<()> {
    let new = SecretColumns {
        hook_secret: Some(new_hook_secret(key, id)),
        former_hook_secret: None,
        former_hook_secret_until: None,
    };
    diesel::update(connections::table.find(id)).set(new).execute(conn).await?;
    Ok(())
}

/// Generates a secret, sealed for its row.
pub(super) fn new_hook_secret(key: &SecretKey, id: ConnectionId) -> Sealed {
    Sealed::seal(key, &RandomToken::generate().expose().into(), &seal_context(COLUMN, id))
}

/// Creates the missing secret; if another process was faster, that process's secret is returned.
async fn create_missing(conn: &mut Conn, id: ConnectionId, key: &SecretKey) -> Result<Sealed> {
    let missing = connections::table.find(id).filter(connections::hook_secret.is_null());
    diesel::update(missing)
        .set(connections::hook_secret.eq(Some(new_hook_secret(key, id))))
        .execute(conn)
        .await?;
    let sealed: Option<Sealed> =
        connections::table.find(id).select(connections::hook_secret).first(conn).await?;
    sealed.ok_or(Error::NotFound("connection"))
}

/// Records the action in the audit log and returns the changed connection.
async fn record_in_audit_log(
    conn: &mut Conn,
    actor: &Actor,
    id: ConnectionId,
    action: &str,
    now: DateTime<Utc>,
) -> Result<Connection> {
    let connection = connection::find(conn, id).await?;
    audit::record(
        conn,
        actor,
        AuditKind::Connection,
        Some(id.0),
        &format!("{action} the connection “{}”", connection.name),
        now,
    )
    .await?;
    Ok(connection)
}

fn unseal(
    sealed: &Sealed,
    column: &str,
    key: &SecretKey,
    id: ConnectionId,
) -> Result<SecretString> {
    let secret = sealed.unseal(key, &seal_context(column, id));
    secret.map_err(|error| {
        Error::Refused(format!("The secret of the webhook address can’t be read: {error}."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_in_its_own_row_and_column() {
        let (key, id) = (SecretKey::generate(), ConnectionId::new());
        let sealed = new_hook_secret(&key, id);
        let secret = unseal(&sealed, COLUMN, &key, id).unwrap();
        assert_eq!(secret.expose_secret().len(), 43);
        assert!(
            unseal(&sealed, FORMER_COLUMN, &key, id).is_err()
                && unseal(&sealed, COLUMN, &key, ConnectionId::new()).is_err()
        );
        assert!(unseal(&sealed, COLUMN, &SecretKey::generate(), id).is_err());
    }

    #[test]
    fn only_the_whole_secret_matches() {
        let secrets: [SecretString; 2] = ["present".into(), "former".into()];
        assert!(is_one_of(&secrets, "present") && is_one_of(&secrets, "former"));
        for other in ["", "presen", "present ", "PRESENT", "presentformer"] {
            assert!(!is_one_of(&secrets, other), "{other}");
        }
        assert!(!is_one_of(&["".into()], "") && !is_one_of(&[], ""));
    }
}
