//! Connections as rows: making, finding, renaming, and switching them off and on.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;

use super::keys::{Keys, SealedKeys};
use super::verify::{Profile, VerifiedAccount};
use crate::db::Conn;
use crate::db::schema::connections;
use crate::error::{Error, FieldErrors, Result};
use crate::types::id::ConnectionId;
use crate::types::sealed::SecretKey;
use crate::types::text_enum::text_enum;

/// What `max_concurrency` may be.
pub const CONCURRENCY: RangeInclusive<i32> = 1..=5_000;

/// The longest name of a connection, in characters.
const NAME_LIMIT: usize = 100;

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

/// A connection to be saved, after Twilio has accepted its keys.
#[derive(Debug)]
pub struct NewConnection {
    /// What people call it; empty takes the account's name.
    pub name: String,
    /// What was found in the account with these keys.
    pub account: VerifiedAccount,
    /// The keys, still in the clear; sealed when saved.
    pub keys: Keys,
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
    let found = connections::table.find(id).select(Connection::as_select()).first(conn).await.optional()?;
    found.ok_or(Error::NotFound("connection"))
}

/// All connections, by name.
pub async fn list(conn: &mut Conn) -> Result<Vec<Connection>> {
    Ok(connections::table.order(connections::name).select(Connection::as_select()).load(conn).await?)
}

/// Saves a verified connection with its keys sealed. A name that is taken is the field error `name`; a name that was left
/// empty becomes the account's, numbered if that is taken.
pub async fn create(conn: &mut Conn, key: &SecretKey, new: NewConnection, now: DateTime<Utc>) -> Result<Connection> {
    let id = ConnectionId::new();
    let name = match new.name.trim() {
        "" => free_name(conn, &new.account.name).await?,
        name => parse_name(name)?,
    };
    let sealed = SealedKeys::seal(key, id, &new.keys);
    let row = (
        connections::id.eq(id),
        connections::name.eq(name),
        connections::account_sid.eq(new.keys.account_sid().as_str()),
        connections::account_name.eq(&new.account.name),
        connections::account_type.eq(new.account.kind.as_deref()),
        sealed,
        connections::verified_at.eq(now),
        connections::created_at.eq(now),
    );
    let inserted = diesel::insert_into(connections::table).values(row).returning(Connection::as_returning()).get_result(conn).await;
    inserted.map_err(name_taken)
}

/// Gives the connection another name; one that is taken is the field error `name`.
pub async fn rename(conn: &mut Conn, id: ConnectionId, name: &str) -> Result<Connection> {
    let name = parse_name(name)?;
    let change = diesel::update(connections::table.find(id)).set(connections::name.eq(name)).returning(Connection::as_returning());
    change.get_result(conn).await.optional().map_err(name_taken)?.ok_or(Error::NotFound("connection"))
}

/// Says what becomes of messages whose fate stays unknown.
pub async fn set_unconfirmed_policy(conn: &mut Conn, id: ConnectionId, policy: UnconfirmedPolicy) -> Result<Connection> {
    let change = diesel::update(connections::table.find(id)).set(connections::unconfirmed_policy.eq(policy));
    let changed = change.returning(Connection::as_returning()).get_result(conn).await.optional()?;
    changed.ok_or(Error::NotFound("connection"))
}

/// Says how many requests may be in flight at Twilio at most; a number outside of [`CONCURRENCY`] is an error of its field.
pub async fn set_max_concurrency(conn: &mut Conn, id: ConnectionId, most: i32) -> Result<Connection> {
    if !CONCURRENCY.contains(&most) {
        let (least, most) = CONCURRENCY.into_inner();
        return Err(Error::field("max_concurrency", format!("Enter a number from {least} to {most}.")));
    }
    let change = diesel::update(connections::table.find(id)).set(connections::max_concurrency.eq(most));
    change.returning(Connection::as_returning()).get_result(conn).await.optional()?.ok_or(Error::NotFound("connection"))
}

/// How many requests each connection may have in flight at Twilio.
pub async fn concurrency_bounds(conn: &mut Conn) -> Result<HashMap<ConnectionId, usize>> {
    let rows: Vec<(ConnectionId, i32)> = connections::table.select((connections::id, connections::max_concurrency)).load(conn).await?;
    Ok(rows.into_iter().map(|(id, most)| (id, usize::try_from(most).unwrap_or(1))).collect())
}

/// Switches the connection off: nothing is claimed for its senders from the commit on. Repeating it changes nothing.
pub async fn disable(conn: &mut Conn, id: ConnectionId, now: DateTime<Utc>) -> Result<Connection> {
    let connection = find(conn, id).await?;
    if connection.disabled_at.is_some() {
        return Ok(connection);
    }
    let change = diesel::update(connections::table.find(id)).set(connections::disabled_at.eq(now));
    Ok(change.returning(Connection::as_returning()).get_result(conn).await?)
}

/// Switches the connection on again, whether a person or Carillon had stopped it; the caller wakes what has been waiting.
pub async fn enable(conn: &mut Conn, id: ConnectionId) -> Result<Connection> {
    let change = diesel::update(connections::table.find(id)).set((
        connections::disabled_at.eq(None::<DateTime<Utc>>),
        connections::stopped_at.eq(None::<DateTime<Utc>>),
        connections::stopped_reason.eq(None::<String>),
    ));
    let changed = change.returning(Connection::as_returning()).get_result(conn).await.optional()?;
    changed.ok_or(Error::NotFound("connection"))
}

/// Stops the connection because Twilio refuses the whole account; the first reason stays. Tells whether it ran before.
pub async fn stop(conn: &mut Conn, id: ConnectionId, reason: &str, now: DateTime<Utc>) -> Result<bool> {
    let running = connections::table.find(id).filter(connections::stopped_at.is_null());
    let stopped = (connections::stopped_at.eq(now), connections::stopped_reason.eq(reason));
    Ok(diesel::update(running).set(stopped).execute(conn).await? > 0)
}

/// Notes that Twilio has accepted the keys just now: takes over the account's name and type, and ends a stop by Carillon.
/// Tells whether there was such a stop, so that the caller wakes what has been waiting.
pub async fn record_verified(conn: &mut Conn, id: ConnectionId, account: &VerifiedAccount, now: DateTime<Utc>) -> Result<bool> {
    let stopped: Option<Option<DateTime<Utc>>> =
        connections::table.find(id).select(connections::stopped_at).for_update().first(conn).await.optional()?;
    let stopped = stopped.ok_or(Error::NotFound("connection"))?;
    let seen = (
        connections::verified_at.eq(now),
        connections::stopped_at.eq(None::<DateTime<Utc>>),
        connections::stopped_reason.eq(None::<String>),
    );
    diesel::update(connections::table.find(id)).set(seen).execute(conn).await?;
    if account.profile == Profile::Read {
        let names = (connections::account_name.eq(&account.name), connections::account_type.eq(account.kind.as_deref()));
        diesel::update(connections::table.find(id)).set(names).execute(conn).await?;
    }
    Ok(stopped.is_some())
}

fn parse_name(name: &str) -> Result<String> {
    let name = name.trim();
    let mut errors = FieldErrors::default();
    if name.is_empty() {
        errors.add("name", "Give the connection a name.");
    }
    if name.chars().count() > NAME_LIMIT {
        errors.add("name", format!("A name has at most {NAME_LIMIT} characters."));
    }
    errors.into_result()?;
    Ok(name.to_owned())
}

/// `wanted`, or `wanted (2)` and so on, whichever no connection has yet.
async fn free_name(conn: &mut Conn, wanted: &str) -> Result<String> {
    let wanted: String = wanted.trim().chars().take(NAME_LIMIT - 6).collect();
    let wanted = if wanted.is_empty() { "Twilio".to_owned() } else { wanted };
    let taken: Vec<String> = connections::table.select(connections::name).load(conn).await?;
    let is_taken = |name: &str| taken.iter().any(|other| other.to_lowercase() == name.to_lowercase());
    let numbered = (2..).map(|number| format!("{wanted} ({number})"));
    Ok(std::iter::once(wanted.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(wanted))
}

fn name_taken(error: diesel::result::Error) -> Error {
    Error::from(error).on_constraint("connections_name_key", "name", "Another connection has this name already. Choose a different one.")
}
