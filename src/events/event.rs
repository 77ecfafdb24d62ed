//! Events as reported and as stored, and queries for them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::fields::{ClientId, EventName, Properties};
use crate::contacts::ExternalId;
use crate::db::Conn;
use crate::db::schema::events;
use crate::error::{Error, Result};
use crate::types::id::{ContactId, EventId, SourceId};
use crate::types::phone::PhoneNumber;

/// A stored event.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = events)]
pub struct Event {
    /// Carillon's id.
    pub id: EventId,
    /// Id assigned by the reporting program, if any.
    pub client_id: Option<String>,
    /// What happened, such as `order_completed`.
    pub name: EventName,
    /// The contact who did it.
    pub contact_id: ContactId,
    /// Details, a JSON object.
    pub properties: Value,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When Carillon received the report.
    pub received_at: DateTime<Utc>,
    /// The source that reported it; `None` if a program did through the API.
    pub source_id: Option<SourceId>,
}

/// A parsed report of an event.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Id assigned by the reporting program, which makes repeated reports idempotent.
    pub client_id: Option<ClientId>,
    /// What happened.
    pub name: EventName,
    /// The contact who did it.
    pub contact: ContactRef,
    /// Details.
    pub properties: Properties,
    /// When it happened; `None` means now.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The source that reports it; `None` for a program with an API key.
    pub source_id: Option<SourceId>,
}

/// How a report identifies its contact.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ContactRef {
    /// By Carillon's id; it must exist.
    Id(ContactId),
    /// By phone number; a contact is created for an unknown number.
    Phone(PhoneNumber),
    /// By the id of an external system; it must exist.
    ExternalId(ExternalId),
}

/// The event with this id.
pub async fn find(conn: &mut Conn, id: EventId) -> Result<Event> {
    let found = events::table.find(id).select(Event::as_select()).first(conn).await.optional()?;
    found.ok_or(Error::NotFound("event"))
}

/// The events with these ids, in no particular order; unknown ids are missing.
pub async fn find_many(mut conn: &Conn, ids: &[EventId]) -> Result<Vec<Event>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(events::table
        .filter(events::id.eq_any(ids))
        .select(Event::as_select())
        .load(&mut conn)
        .await?)
}

/// The newest events of all contacts, newest first, at most `limit`.
pub async fn newest(conn: &mut Conn, limit: i64) -> Result<Vec<Event>> {
    Ok(events::table
        .order(events::id.desc())
        .limit(limit)
        .select(Event::as_select())
        .load(conn)
        .await?)
}

/// The newest events of a contact, newest first, at most `limit`.
pub async fn of_contact(conn: &mut Conn, contact_id: ContactId, limit: i64) -> Result<Vec<Event>> {
    let newest = events::table
        .filter(events::contact_id.eq(contact_id))
        .order(events::id.desc())
        .limit(limit);
    Ok(newest.select(Event::as_select()).load(conn).await?)
}
