//! Replays a delivery for the API and for pages: in a transaction, whose first jobs go to this
//! process's worker.

use chrono::{DateTime, Utc};

use crate::db::{self, Conn};
use crate::error::Result;
use crate::queue::handover::{Handover, HandoverReservation};
use crate::sources;
use crate::sources::deliveries::{self, Delivery};
use crate::types::id::SourceId;
use crate::users::audit::Actor;

/// How often a replay is tried that conflicts with others over the same event or people.
const MAX_TRIES: usize = 5;

/// Replays a delivery by the present mapping of its source; returns it with its new outcome.
pub(in crate::web) async fn replay_delivery(
    conn: &mut Conn,
    handover: &Handover,
    actor: &Actor,
    (source_id, number): (SourceId, i64),
    now: DateTime<Utc>,
) -> Result<Delivery> {
    let reservation = handover.reserve(1).await;
    let receiver = HandoverReservation::receiver(reservation.as_ref());
    let mut tries = 1;
    let ingested = loop {
        let replayed = db::transaction(conn, async |tx| {
            sources::replay(tx, actor, source_id, number, receiver, now).await
        });
        match replayed.await {
            Err(error) if sources::is_ingest_conflict(&error) && tries < MAX_TRIES => tries += 1,
            done => break done?,
        }
    };
    if let (Some(reservation), Some(ingested)) = (reservation, &ingested) {
        reservation.dispatch(&ingested.jobs);
    }
    deliveries::find(conn, source_id, number).await
}
