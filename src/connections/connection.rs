//! A connection as a row: finding it, stopping it, and what Twilio said of its account last.

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

/// The longest name of a connection, in characters.
pub(super) const NAME_LIMIT: usize = 100;

/// A connected Twilio account, without its secrets.
#[derive(Debug, Clone, Queryable, Selectable, Serialize)]
#[diesel(table_name = connections, check_for_backend(diesel::pg::Pg))]
pub struct Connection {
    /// Names it in URLs, the webhook URLs among them.
    pub id: ConnectionId,
    /// What people call it; unique.
    pub name: String,
    /// `AC…`; stays for the life of the connection.
    pub account_sid: String,
    /// The account's friendly name in Twilio; its SID where the keys cannot read it.
    pub account_name: String,
    /// `Trial` or `Full`, as Twilio says it; none where the keys cannot read it.
    pub account_type: Option<String>,
    /// Whether an Auth Token is saved: webhooks are signed with it.
    #[diesel(select_expression = connections::auth_token.is_not_null())]
    pub has_auth_token: bool,
    /// `SK…` where requests are made with an API key; its secret is saved with it.
    pub api_key_sid: Option<String>,
    /// What becomes of messages whose fate stays unknown.
    pub unconfirmed_policy: UnconfirmedPolicy,
    /// How many requests all workers together have in flight at Twilio for it at most.
    pub max_concurrency: i32,
    /// Until when webhooks that the former Auth Token has signed are accepted.
    pub former_auth_token_until: Option<DateTime<Utc>>,
    /// Until when hook addresses with the former secret are accepted.
    pub former_hook_secret_until: Option<DateTime<Utc>>,
    /// When the keys were last accepted by Twilio.
    pub verified_at: DateTime<Utc>,
    /// When it was connected.
    pub created_at: DateTime<Utc>,
    /// When a person switched it off.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When Carillon stopped it because Twilio refuses the whole account.
    pub stopped_at: Option<DateTime<Utc>>,
    /// Why Carillon stopped it, in a sentence.
    pub stopped_reason: Option<String>,
}

text_enum! {
    /// What becomes of a message when nobody can say whether Twilio has accepted it.
    pub enum UnconfirmedPolicy {
        /// It stays unsent rather than being sent twice.
        GiveUp = "give_up",
        /// It is sent again.
        Resend = "resend",
    }
}

text_enum! {
    /// Whether something sends: the one word that lists and the API show.
    pub enum Status {
        /// It sends.
        Active = "active",
        /// A person switched it off.
        Disabled = "disabled",
        /// Carillon stopped it because Twilio refuses to send.
        Stopped = "stopped",
    }
}

impl Status {
    /// Reads the word off the two times that a row keeps.
    pub fn of(disabled_at: Option<DateTime<Utc>>, stopped_at: Option<DateTime<Utc>>) -> Self {
        match (disabled_at, stopped_at) {
            (Some(_), _) => Self::Disabled,
            (None, Some(_)) => Self::Stopped,
            (None, None) => Self::Active,
        }
    }
}

impl Connection {
    /// Whether it sends.
    pub fn status(&self) -> Status {
        Status::of(self.disabled_at, self.stopped_at)
    }

    /// Whether this is a trial account, which sends to verified numbers only.
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

/// The connection of an account, if there is one; the oldest, where an earlier version has let it
/// in twice.
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

/// How many requests each connection may have in flight at Twilio.
pub async fn concurrency_bounds(conn: &mut Conn) -> Result<HashMap<ConnectionId, usize>> {
    let rows: Vec<(ConnectionId, i32)> = connections::table
        .select((connections::id, connections::max_concurrency))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|(id, most)| (id, usize::try_from(most).unwrap_or(1))).collect())
}

/// Stops the connection because Twilio refuses the whole account; the first reason stays. Tells
/// whether it ran before.
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

/// Notes that Twilio has accepted the keys just now: takes over the account's name and type, and
/// ends a stop by Carillon. Tells whether there was such a stop, so that the caller wakes what has
/// been waiting.
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

/// Takes over what Twilio says of the account, and when it has accepted the keys; a stop by
/// Carillon stays, which is for a person to end.
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
        "Another connection has this name already. Choose a different one.",
    )
}
