//! The row of a sender: finding, adding, refreshing and stopping senders.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};
use diesel_async::RunQueryDsl;
use serde::Serialize;

use super::limits::Limits;
use super::message_validity::Validity;
use super::rate::PartsPerSecond;
use crate::connections::{SenderAddress, SenderKind, Status, VerifiedSender};
use crate::db::Conn;
use crate::db::schema::{connections, senders};
use crate::error::{Error, Result};
use crate::types::id::{ConnectionId, SenderId};
use crate::types::like_pattern::{containing, containing_words, starting_with};
use crate::users::audit::{self, Actor, AuditKind};

/// Maximum length of a sender's name, in characters.
pub(super) const NAME_LIMIT: usize = 100;

/// A number or Messaging Service that messages are sent from.
#[derive(Debug, Clone, Queryable, Selectable, Serialize)]
#[diesel(table_name = senders, check_for_backend(diesel::pg::Pg))]
pub struct Sender {
    /// Identifies it in URLs and automations.
    pub id: SenderId,
    /// The connection that it belongs to.
    pub connection_id: ConnectionId,
    /// A number or a Messaging Service.
    pub kind: SenderKind,
    /// E.164 or `MG…`.
    pub address: SenderAddress,
    /// `PN…` or `MG…`.
    pub twilio_sid: String,
    /// Display name; initially the friendly name in Twilio.
    pub name: String,
    /// Whether it can send SMS.
    pub sms_capable: bool,
    /// Whether it can send MMS.
    pub mms_capable: bool,
    /// URL of the inbound webhook that was last set, without its secret.
    pub webhook_url: Option<String>,
    /// Why the inbound webhook could not be set, in a sentence.
    pub webhook_error: Option<String>,
    /// Maximum rate in SMS parts per second; `None` for no limit by Carillon.
    pub parts_per_second: Option<PartsPerSecond>,
    /// How long its messages stay valid.
    #[diesel(column_name = validity_minutes)]
    #[serde(rename = "validity_minutes")]
    pub validity: Validity,
    /// Time at which it was added.
    pub created_at: DateTime<Utc>,
    /// Time at which a user disabled it.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Time at which Carillon stopped it because Twilio refuses to send from it.
    pub stopped_at: Option<DateTime<Utc>>,
    /// Why Carillon stopped it, in a sentence.
    pub stopped_reason: Option<String>,
}

impl Sender {
    /// Whether the sender sends, apart from the status of its connection.
    pub fn status(&self) -> Status {
        Status::of(self.disabled_at, self.stopped_at)
    }

    /// Its rate and validity.
    pub fn limits(&self) -> Limits {
        Limits { parts_per_second: self.parts_per_second, validity: self.validity }
    }

    /// Label in lists: `Shop (+1 500 555 0006)`, `Newsletter (Messaging Service)`.
    pub fn label(&self) -> String {
        let address = self.address.for_people();
        let is_unnamed = self.name == address || self.name == self.address.as_str();
        match self.kind {
            _ if is_unnamed => address,
            SenderKind::PhoneNumber => format!("{} ({address})", self.name),
            SenderKind::MessagingService => format!("{} (Messaging Service)", self.name),
        }
    }

    /// Label without a full phone number, for the audit log: `Shop`, `+1…06`.
    pub fn discreet_label(&self) -> String {
        let address = self.address.as_str();
        match self.kind {
            SenderKind::PhoneNumber
                if self.name.chars().filter(char::is_ascii_digit).count() > 6 =>
            {
                format!("{}…{}", &address[..2], &address[address.len() - 2..])
            }
            _ => self.name.clone(),
        }
    }
}

/// The sender with this id.
pub async fn find(conn: &mut Conn, id: SenderId) -> Result<Sender> {
    let found = senders::table.find(id).select(Sender::as_select()).first(conn).await.optional()?;
    found.ok_or(Error::NotFound("sender"))
}

/// The senders with these ids, by id; unknown ids are missing.
pub async fn find_many(mut conn: &Conn, ids: &[SenderId]) -> Result<HashMap<SenderId, Sender>> {
    let found: Vec<Sender> = senders::table
        .filter(senders::id.eq_any(ids))
        .select(Sender::as_select())
        .load(&mut conn)
        .await?;
    Ok(found.into_iter().map(|sender| (sender.id, sender)).collect())
}

/// The sender of a connection with this address (`+…` or `MG…`), if any: the recipient of an
/// incoming message.
pub async fn find_by_address(
    conn: &mut Conn,
    connection: ConnectionId,
    address: &str,
) -> Result<Option<Sender>> {
    let with_address = senders::table
        .filter(senders::connection_id.eq(connection))
        .filter(senders::address.eq(address));
    Ok(with_address.select(Sender::as_select()).first(conn).await.optional()?)
}

/// The sender of any connection with this address that no user has disabled, if any.
pub async fn find_enabled_by_address(conn: &mut Conn, address: &str) -> Result<Option<Sender>> {
    let enabled = senders::table
        .filter(senders::address.eq(address))
        .filter(senders::disabled_at.is_null())
        .order(senders::id);
    Ok(enabled.select(Sender::as_select()).first(conn).await.optional()?)
}

/// Finds senders whose name contains all of these words in any case, whose number contains these
/// digits, or whose SID is this text. Users add senders, so there are few, and all are read.
pub async fn find_by_words(
    conn: &mut Conn,
    text: &str,
    digits: Option<&str>,
    limit: i64,
) -> Result<Vec<Sender>> {
    let words = containing_words(text);
    let has_words = sql::<Bool>("senders.name ILIKE ALL (").bind::<Array<Text>, _>(words).sql(")");
    // An empty pattern matches no number.
    let has_digits = senders::address.like(digits.map_or_else(String::new, containing));
    let is_sid = senders::address.eq(text).or(senders::twilio_sid.eq(text));
    Ok(senders::table
        .filter(has_words.or(has_digits).or(is_sid))
        .order((senders::name.ilike(starting_with(text)).desc(), senders::name, senders::id))
        .limit(limit)
        .select(Sender::as_select())
        .load(conn)
        .await?)
}

/// All senders, by name.
pub async fn list(conn: &mut Conn) -> Result<Vec<Sender>> {
    Ok(senders::table
        .order((senders::name, senders::id))
        .select(Sender::as_select())
        .load(conn)
        .await?)
}

/// The senders of a connection in the order of their creation.
pub async fn list_for_connection(conn: &mut Conn, connection: ConnectionId) -> Result<Vec<Sender>> {
    let own = senders::table.filter(senders::connection_id.eq(connection)).order(senders::id);
    Ok(own.select(Sender::as_select()).load(conn).await?)
}

/// The senders that can send: neither they nor their connections are disabled or stopped. By name.
pub async fn usable(conn: &mut Conn) -> Result<Vec<Sender>> {
    let active = senders::table
        .inner_join(connections::table)
        .filter(senders::disabled_at.is_null().and(senders::stopped_at.is_null()))
        .filter(connections::disabled_at.is_null().and(connections::stopped_at.is_null()))
        .order((senders::name, senders::id));
    Ok(active.select(Sender::as_select()).load(conn).await?)
}

/// The ids of [`usable`] senders.
pub async fn usable_ids(conn: &mut Conn) -> Result<HashSet<SenderId>> {
    Ok(usable(conn).await?.iter().map(|sender| sender.id).collect())
}

/// Adds a sender that was found in the account; one that the connection already has results in the
/// field error `sender`. Must run in the caller's transaction.
pub async fn create(
    conn: &mut Conn,
    actor: &Actor,
    connection: ConnectionId,
    found: &VerifiedSender,
    now: DateTime<Utc>,
) -> Result<Sender> {
    let row = (
        senders::id.eq(SenderId::new()),
        senders::connection_id.eq(connection),
        senders::kind.eq(found.kind()),
        senders::address.eq(&found.address),
        senders::twilio_sid.eq(&found.twilio_sid),
        senders::name.eq(found.name.chars().take(NAME_LIMIT).collect::<String>()),
        senders::sms_capable.eq(found.sms_capable),
        senders::mms_capable.eq(found.mms_capable),
        senders::parts_per_second.eq(PartsPerSecond::usual(&found.address)),
        senders::validity_minutes.eq(Validity::USUAL),
        senders::created_at.eq(now),
    );
    let inserted = diesel::insert_into(senders::table)
        .values(row)
        .returning(Sender::as_returning())
        .get_result(conn)
        .await;
    let sender: Sender = inserted.map_err(|error| {
        let message = "This connection already has this sender.";
        Error::from(error).on_constraint("senders_connection_id_address_key", "sender", message)
    })?;
    audit::record(
        conn,
        actor,
        AuditKind::Sender,
        Some(sender.id.0),
        &format!("added the sender {}", sender.discreet_label()),
        now,
    )
    .await?;
    Ok(sender)
}

/// Updates SID and capabilities from Twilio; the name stays.
pub(super) async fn refresh(conn: &mut Conn, id: SenderId, found: &VerifiedSender) -> Result<()> {
    let changes = (
        senders::twilio_sid.eq(&found.twilio_sid),
        senders::sms_capable.eq(found.sms_capable),
        senders::mms_capable.eq(found.mms_capable),
    );
    diesel::update(senders::table.find(id)).set(changes).execute(conn).await?;
    Ok(())
}

/// Stops the sender because Twilio refuses to send from it; the first reason is kept. Returns
/// whether it was running.
pub async fn stop(conn: &mut Conn, id: SenderId, reason: &str, now: DateTime<Utc>) -> Result<bool> {
    let running = senders::table.find(id).filter(senders::stopped_at.is_null());
    let stopped = (senders::stopped_at.eq(now), senders::stopped_reason.eq(reason));
    Ok(diesel::update(running).set(stopped).execute(conn).await? > 0)
}
