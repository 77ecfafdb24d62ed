//! The row of a connection: finding it, stopping it, and recording what Twilio last returned for
//! its account.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;

use super::verify::{ProfileAccess, VerifiedAccount};
use crate::db::Conn;
use crate::db::schema::connections;
use crate::error::{Error, Result};
use crate::twilio::sid::AccountSid;
use crate::types::id::ConnectionId;
use crate::types::mistake;
use crate::types::text_enum::text_enum;

/// Maximum length of a connection's name, in characters.
pub(super) const NAME_LIMIT: usize = 100;

/// A connected Twilio account, without its secrets.
#[derive(Debug, Clone, Queryable, Selectable, Serialize)]
#[diesel(table_name = connections, check_for_backend(diesel::pg::Pg))]
pub struct Connection {
    /// Part of its URLs, including the webhook URLs.
    pub id: ConnectionId,
    /// Display name; unique.
    pub name: String,
    /// `AC…`; never changes.
    pub account_sid: String,
    /// The account's friendly name in Twilio; its SID if the keys cannot read the name.
    pub account_name: String,
    /// `Trial` or `Full`, as Twilio returns it; `None` if the keys cannot read it.
    pub account_type: Option<String>,
    /// Whether an Auth Token is saved, so that webhook signatures can be checked.
    #[diesel(select_expression = connections::auth_token.is_not_null())]
    pub has_auth_token: bool,
    /// `SK…` if requests use an API key; its secret is saved with it.
    pub api_key_sid: Option<String>,
    /// What happens to messages that stay unconfirmed.
    pub unconfirmed_policy: UnconfirmedPolicy,
    /// Maximum number of requests that all workers together have in flight at Twilio.
    pub max_concurrency: i32,
    /// Until when webhooks signed with the former Auth Token are accepted.
    pub former_auth_token_until: Option<DateTime<Utc>>,
    /// Until when webhook URLs with the former secret are accepted.
    pub former_hook_secret_until: Option<DateTime<Utc>>,
    /// Time at which Twilio last accepted the keys.
    pub verified_at: DateTime<Utc>,
    /// Time at which it was connected.
    pub created_at: DateTime<Utc>,
    /// Time at which a user disabled it.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Time at which Carillon stopped it because Twilio rejects the whole account.
    pub stopped_at: Option<DateTime<Utc>>,
    /// Why Carillon stopped it, in a sentence.
    pub stopped_reason: Option<String>,
}

text_enum! {
    /// What happens to a message if it is uncertain whether Twilio accepted it.
    pub enum UnconfirmedPolicy {
        /// It is not sent again, so that it is never sent twice.
        GiveUp = "give_up",
        /// It is sent again, at the risk of a duplicate.
        Resend = "resend",
    }
}

text_enum! {
    /// Whether a connection or sender sends, as one word for lists and the API.
    pub enum Status {
        /// Sends messages.
        Active = "active",
        /// Disabled by a user.
        Disabled = "disabled",
        /// Stopped by Carillon because Twilio refuses to send.
        Stopped = "stopped",
    }
}

impl Status {
    /// Derives the status from the two times in the row.
    pub fn of(disabled_at: Option<DateTime<Utc>>, stopped_at: Option<DateTime<Utc>>) -> Self {
        match (disabled_at, stopped_at) {
            (Some(_), _) => Self::Disabled,
            (None, Some(_)) => Self::Stopped,
            (None, None) => Self::Active,
        }
    }
}

impl Connection {
    /// Whether the connection sends.
    pub fn status(&self) -> Status {
        Status::of(self.disabled_at, self.stopped_at)
    }

    /// Whether this is a trial account, which sends only to verified numbers.
    pub fn is_trial(&self) -> bool {
        self.account_type.as_deref() == Some("Trial")
    }
}

/// The connection with this id.
pub async fn find(conn: &mut Conn, id: ConnectionId) -> Result<Connection> {
    let found =
        connections::table.find(id).select(Connection::as_select()).first(conn).await.optional()?;
    found.ok_or(Error::NotFound("connection"))
}

/// The connection of an account, if any; the oldest one if an earlier version connected the account
/// twice.
pub async fn find_by_account(conn: &mut Conn, sid: &AccountSid) -> Result<Option<Connection>> {
    let of_account =
        connections::table.filter(connections::account_sid.eq(sid.as_str())).order(connections::id);
    Ok(of_account.select(Connection::as_select()).first(conn).await.optional()?)
}

/// All connections, by name.
pub async fn list(conn: &mut Conn) -> Result<Vec<Connection>> {
    Ok(connections::table
        .order(connections::name)
        .select(Connection::as_select())
        .load(conn)
        .await?)
}

/// Maximum number of requests in flight at Twilio, per connection.
pub async fn concurrency_bounds(conn: &mut Conn) -> Result<HashMap<ConnectionId, usize>> {
    let rows: Vec<(ConnectionId, i32)> = connections::table
        .select((connections::id, connections::max_concurrency))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|(id, limit)| (id, usize::try_from(limit).unwrap_or(1))).collect())
}

/// Stops the connection because Twilio rejects the whole account; the first reason is kept. Returns
/// whether it was running.
pub async fn stop(
    conn: &mut Conn,
    id: ConnectionId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let running = connections::table.find(id).filter(connections::stopped_at.is_null());
    let stopped = (connections::stopped_at.eq(now), connections::stopped_reason.eq(reason));
    Ok(diesel::update(running).set(stopped).execute(conn).await? > 0)
}

/// Records that Twilio just accepted the keys: updates the account's name and type and ends a stop
/// by Carillon. Returns whether there was such a stop, so that the caller wakes the waiting
/// messages.
pub async fn record_verified(
    conn: &mut Conn,
    id: ConnectionId,
    account: &VerifiedAccount,
    now: DateTime<Utc>,
) -> Result<bool> {
    let stopped: Option<Option<DateTime<Utc>>> = connections::table
        .find(id)
        .select(connections::stopped_at)
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    let stopped = stopped.ok_or(Error::NotFound("connection"))?;
    let runs = (
        connections::stopped_at.eq(None::<DateTime<Utc>>),
        connections::stopped_reason.eq(None::<String>),
    );
    diesel::update(connections::table.find(id)).set(runs).execute(conn).await?;
    record_accepted(conn, id, account, now).await?;
    Ok(stopped.is_some())
}

/// Records the account's name and type, and when Twilio accepted the keys. A stop by Carillon
/// remains until a user ends it.
pub async fn record_accepted(
    conn: &mut Conn,
    id: ConnectionId,
    account: &VerifiedAccount,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::update(connections::table.find(id))
        .set(connections::verified_at.eq(now))
        .execute(conn)
        .await?;
    if account.profile == ProfileAccess::Read {
        let names = (
            connections::account_name.eq(&account.name),
            connections::account_type.eq(account.kind.as_deref()),
        );
        diesel::update(connections::table.find(id)).set(names).execute(conn).await?;
    }
    Ok(())
}

pub(super) fn parse_name(name: &str) -> std::result::Result<String, String> {
    mistake::name(name, NAME_LIMIT).map(str::to_owned)
}

pub(super) fn name_taken(error: diesel::result::Error) -> Error {
    Error::from(error).on_constraint(
        "connections_name_key",
        "name",
        "Another connection has this name. Choose a different one.",
    )
}
