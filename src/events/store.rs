//! Finds stored events.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Event;
use crate::db::Conn;
use crate::db::schema::events;
use crate::error::{Error, Result};
use crate::types::id::{ContactId, EventId};

/// The event with this id.
pub async fn find(conn: &mut Conn, id: EventId) -> Result<Event> {
    let found = events::table.find(id).select(Event::as_select()).first(conn).await.optional()?;
    found.ok_or(Error::NotFound("event"))
}

/// The events with these ids, in no particular order; those that do not exist are left out.
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
