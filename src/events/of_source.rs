//! The newest events of a source.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::event::Event;
use crate::db::Conn;
use crate::db::schema::events;
use crate::error::Result;
use crate::types::id::{EventId, SourceId};

/// How many of the newest events are searched.
const SCAN_LIMIT: i64 = 2_000;

/// The events of a source among the newest events of all, the newest first, at most `limit`. The
/// search is bounded, since no index has the source.
pub async fn recent_of_source(conn: &mut Conn, id: SourceId, limit: i64) -> Result<Vec<Event>> {
    let last: Option<EventId> = events::table
        .order(events::id.desc())
        .offset(SCAN_LIMIT)
        .select(events::id)
        .first(conn)
        .await
        .optional()?;
    let mut query = events::table
        .filter(events::source_id.eq(id))
        .order(events::id.desc())
        .limit(limit)
        .select(Event::as_select())
        .into_boxed();
    if let Some(last) = last {
        query = query.filter(events::id.gt(last));
    }
    Ok(query.load(conn).await?)
}
