//! The secret in the addresses that Twilio calls: what proves a call where no Auth Token is saved
//! to check signatures with.
//!
//! Every connection has one, so that its Auth Token can be taken away at any time. It is never
//! shown: it goes to Twilio alone.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::connection::{self, Connection};
use super::former_token::FormerToken;
use super::sealing::context;
use crate::db::Conn;
use crate::db::schema::connections;
use crate::error::{Error, Result};
use crate::types::hook_address::HookAddress;
use crate::types::id::ConnectionId;
use crate::types::sealed::{Sealed, SecretKey};
use crate::types::token::RandomToken;
use crate::users::audit::{self, Actor, AuditKind};

/// For how long addresses with the former secret are accepted: as long as messages that are at
/// Twilio may still report.
pub const FORMER_SECRET_ACCEPTED: TimeDelta = TimeDelta::days(7);

const COLUMN: &str = "hook_secret";
const FORMER_COLUMN: &str = "former_hook_secret";

/// Secrets as they lie in the table; sealed for their column and row.
#[derive(AsChangeset)]
#[diesel(table_name = connections, treat_none_as_null = true)]
struct Secrets {
    hook_secret: Option<Sealed>,
    former_hook_secret: Option<Sealed>,
    former_hook_secret_until: Option<DateTime<Utc>>,
}

/// The addresses of a connection's hooks: with a secret in them unless signatures can be checked.
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

/// The addresses with the secret that was read; where there is none yet, one is made.
pub(super) async fn secret_address(
    conn: &mut Conn,
    id: ConnectionId,
    key: &SecretKey,
    sealed: Option<Sealed>,
) -> Result<HookAddress> {
    let sealed = match sealed {
        Some(sealed) => sealed,
        None => made(conn, id, key).await?,
    };
    Ok(HookAddress::secret(id, open(&sealed, COLUMN, key, id)?))
}

/// The secrets that prove a call of a connection's hooks: the present one, and for a while the one
/// before.
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
    let (present, former, until) = found.ok_or(Error::NotFound("connection"))?;
    let former = former.filter(|_| until.is_some_and(|until| until > now));
    let present = present.map(|sealed| open(&sealed, COLUMN, key, id)).transpose()?;
    let former = former.map(|sealed| open(&sealed, FORMER_COLUMN, key, id)).transpose()?;
    Ok(present.into_iter().chain(former).collect())
}

/// Whether a call presents one of these secrets; takes as long whether it does or not.
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

/// Puts a new secret in place of the present one, which is accepted for a while longer or refused
/// from now on. Needs the caller's transaction.
pub async fn rotate_hook_secret(
    conn: &mut Conn,
    actor: &Actor,
    id: ConnectionId,
    key: &SecretKey,
    former: FormerToken,
    now: DateTime<Utc>,
) -> Result<Connection> {
    let present: Option<Option<Sealed>> = connections::table
        .find(id)
        .select(connections::hook_secret)
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    let present = present.ok_or(Error::NotFound("connection"))?;
    // One that cannot be read any more proves nothing, either.
    let kept = present
        .and_then(|sealed| open(&sealed, COLUMN, key, id).ok())
        .filter(|_| former == FormerToken::Accept);
    let until = kept.is_some().then(|| now + FORMER_SECRET_ACCEPTED);
    let secrets = Secrets {
        hook_secret: Some(new_hook_secret(key, id)),
        former_hook_secret: kept
            .map(|secret| Sealed::seal(key, &secret, &context(FORMER_COLUMN, id))),
        former_hook_secret_until: until,
    };
    diesel::update(connections::table.find(id)).set(secrets).execute(conn).await?;
    told(conn, actor, id, "rotated the secret in the webhook address of", now).await
}

/// Stops accepting addresses with the former secret. Needs the caller's transaction.
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
    told(conn, actor, id, "ended the time of the former webhook address of", now).await
}

/// Makes the secrets that are missing, of connections that an earlier version has left. Returns
/// those of them that are called without a signature, and whose addresses at Twilio are therefore
/// to be set anew.
pub async fn fill_hook_secrets(conn: &mut Conn, key: &SecretKey) -> Result<Vec<ConnectionId>> {
    let missing = connections::table.filter(connections::hook_secret.is_null());
    let rows: Vec<(ConnectionId, bool)> =
        missing.select((connections::id, connections::auth_token.is_not_null())).load(conn).await?;
    let mut unsigned = Vec::new();
    for (id, has_auth_token) in rows {
        made(conn, id, key).await?;
        if !has_auth_token {
            unsigned.push(id);
        }
    }
    Ok(unsigned)
}

/// Puts a new secret in place of one that nobody can read any more.
pub(super) async fn forget(conn: &mut Conn, id: ConnectionId, key: &SecretKey) -> Result<()> {
    let new = Secrets {
        hook_secret: Some(new_hook_secret(key, id)),
        former_hook_secret: None,
        former_hook_secret_until: None,
    };
    diesel::update(connections::table.find(id)).set(new).execute(conn).await?;
    Ok(())
}

/// A new secret, sealed for its row.
pub(super) fn new_hook_secret(key: &SecretKey, id: ConnectionId) -> Sealed {
    Sealed::seal(key, &RandomToken::generate().expose().into(), &context(COLUMN, id))
}

/// Makes the secret that is missing; where another process was faster, that one's counts.
async fn made(conn: &mut Conn, id: ConnectionId, key: &SecretKey) -> Result<Sealed> {
    let missing = connections::table.find(id).filter(connections::hook_secret.is_null());
    diesel::update(missing)
        .set(connections::hook_secret.eq(Some(new_hook_secret(key, id))))
        .execute(conn)
        .await?;
    let sealed: Option<Sealed> =
        connections::table.find(id).select(connections::hook_secret).first(conn).await?;
    sealed.ok_or(Error::NotFound("connection"))
}

async fn told(
    conn: &mut Conn,
    actor: &Actor,
    id: ConnectionId,
    done: &str,
    now: DateTime<Utc>,
) -> Result<Connection> {
    let connection = connection::find(conn, id).await?;
    audit::record(
        conn,
        actor,
        AuditKind::Connection,
        Some(id.0),
        &format!("{done} the connection {}", connection.name),
        now,
    )
    .await?;
    Ok(connection)
}

fn open(sealed: &Sealed, column: &str, key: &SecretKey, id: ConnectionId) -> Result<SecretString> {
    let opened = sealed.unseal(key, &context(column, id));
    opened.map_err(|error| {
        Error::Refused(format!("The secret of the webhook address cannot be read: {error}."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_in_its_own_row_and_column() {
        let (key, id) = (SecretKey::generate(), ConnectionId::new());
        let sealed = new_hook_secret(&key, id);
        let secret = open(&sealed, COLUMN, &key, id).unwrap();
        assert_eq!(secret.expose_secret().len(), 43);
        assert!(
            open(&sealed, FORMER_COLUMN, &key, id).is_err()
                && open(&sealed, COLUMN, &key, ConnectionId::new()).is_err()
        );
        assert!(open(&sealed, COLUMN, &SecretKey::generate(), id).is_err());
    }

    #[test]
    fn only_the_whole_secret_is_one() {
        let secrets: [SecretString; 2] = ["present".into(), "former".into()];
        assert!(is_one_of(&secrets, "present") && is_one_of(&secrets, "former"));
        for other in ["", "presen", "present ", "PRESENT", "presentformer"] {
            assert!(!is_one_of(&secrets, other), "{other}");
        }
        assert!(!is_one_of(&["".into()], "") && !is_one_of(&[], ""));
    }
}
