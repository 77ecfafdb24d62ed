//! Saves a connection whose keys Twilio accepted.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::connection::{Connection, NAME_LIMIT, name_taken, parse_name};
use super::hook_secret::new_hook_secret;
use super::keys::{Keys, SealedKeys};
use super::verify::VerifiedAccount;
use crate::db::Conn;
use crate::db::schema::connections;
use crate::error::{Error, Result};
use crate::types::id::ConnectionId;
use crate::types::sealed::SecretKey;
use crate::users::audit::{self, Actor, AuditKind};

/// A connection to save, after Twilio accepted its keys.
#[derive(Debug)]
pub struct NewConnection {
    /// Display name; if empty, the account's name is used.
    pub name: String,
    /// The account that these keys belong to.
    pub account: VerifiedAccount,
    /// The keys in plain text; sealed when saved.
    pub keys: Keys,
}

/// Saves a verified connection with sealed keys; an empty name becomes the account's name, numbered
/// if taken. An account that is already connected results in the field error `account_sid`, a taken
/// name in `name`. Must run in the caller's transaction.
pub async fn create(
    conn: &mut Conn,
    actor: &Actor,
    key: &SecretKey,
    new: NewConnection,
    now: DateTime<Utc>,
) -> Result<Connection> {
    let id = ConnectionId::new();
    let name = match new.name.trim() {
        "" => free_name(conn, &new.account.name).await?,
        name => parse_name(name).map_err(|sentence| Error::field("name", sentence))?,
    };
    let sealed = SealedKeys::seal(key, id, &new.keys);
    let row = (
        connections::id.eq(id),
        connections::name.eq(name),
        connections::account_sid.eq(new.keys.account_sid().as_str()),
        connections::account_name.eq(&new.account.name),
        connections::account_type.eq(new.account.kind.as_deref()),
        sealed,
        connections::hook_secret.eq(Some(new_hook_secret(key, id))),
        connections::verified_at.eq(now),
        connections::created_at.eq(now),
    );
    let inserted = diesel::insert_into(connections::table)
        .values(row)
        .returning(Connection::as_returning())
        .get_result(conn)
        .await;
    let message = "This Twilio account was just connected. See the Connection Center.";
    let connection: Connection = inserted.map_err(|error| {
        name_taken(error).on_constraint("connections_account_sid_key", "account_sid", message)
    })?;
    audit::record(
        conn,
        actor,
        AuditKind::Connection,
        Some(id.0),
        &format!("connected the Twilio account {}", connection.name),
        now,
    )
    .await?;
    Ok(connection)
}

/// Returns `wanted`, or the first of `wanted (2)`, `wanted (3)`, … that no connection has.
async fn free_name(conn: &mut Conn, wanted: &str) -> Result<String> {
    let wanted: String = wanted.trim().chars().take(NAME_LIMIT - 6).collect();
    let wanted = if wanted.is_empty() { "Twilio".to_owned() } else { wanted };
    let taken: Vec<String> = connections::table.select(connections::name).load(conn).await?;
    let is_taken =
        |name: &str| taken.iter().any(|other| other.to_lowercase() == name.to_lowercase());
    let numbered = (2..).map(|number| format!("{wanted} ({number})"));
    Ok(std::iter::once(wanted.clone())
        .chain(numbered)
        .find(|name| !is_taken(name))
        .unwrap_or(wanted))
}
