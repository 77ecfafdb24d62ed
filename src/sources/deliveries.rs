//! What sources sent last, to look at and to map.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::schema::source_deliveries;
use crate::error::Result;
use crate::types::id::{EventId, SourceId};
use crate::types::text_enum::text_enum;

/// How many deliveries of each source are kept.
pub const MAX_DELIVERIES: i64 = 100;

text_enum! {
    /// What became of a delivery.
    pub enum DeliveryOutcome {
        /// Recorded.
        Accepted = "accepted",
        /// An event that was reported before.
        Repeated = "repeated",
        /// About a person without a phone number.
        Unreachable = "unreachable",
        /// Refused, with a reason.
        Rejected = "rejected",
    }
}

/// A request of a source.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = source_deliveries, check_for_backend(Pg))]
pub struct Delivery {
    /// Its number, which increases.
    pub number: i64,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
    /// What became of it.
    pub outcome: DeliveryOutcome,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// Its body, as far as it is kept.
    pub body: Vec<u8>,
    /// The event that was recorded.
    pub event_id: Option<EventId>,
    /// When it was replayed.
    pub replayed_at: Option<DateTime<Utc>>,
}

/// The deliveries of a source, the newest first, at most `limit`.
pub async fn list(conn: &mut Conn, id: SourceId, limit: i64) -> Result<Vec<Delivery>> {
    Ok(source_deliveries::table
        .filter(source_deliveries::source_id.eq(id))
        .order(source_deliveries::number.desc())
        .limit(limit)
        .select(Delivery::as_select())
        .load(conn)
        .await?)
}
