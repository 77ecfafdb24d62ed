//! What sources sent last, to look at, to map and to replay.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Binary, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::item::ItemOutcome;
use crate::db::Conn;
use crate::db::schema::source_deliveries;
use crate::db::statement::statement;
use crate::error::{Error, Result};
use crate::types::id::{EventId, SourceId};
use crate::types::text_enum::text_enum;
use crate::users::audit::{self, Actor, AuditKind};

/// How many deliveries of each source are kept.
pub const MAX_DELIVERIES: i64 = 100;
/// How many deliveries without a body are kept besides: a stranger's calls must not displace
/// others.
const MAX_EMPTY: i64 = 20;
/// How many bytes of a body are kept. One that is as long as this may have been longer.
pub const MAX_BODY_BYTES: usize = 64 << 10;
/// The number of deliveries between two prunings.
const PRUNE_EVERY: i64 = 16;
/// How long a delivery is kept.
const MAX_AGE: TimeDelta = TimeDelta::days(30);
/// Maximum length of a reason in characters.
const MAX_REASON: usize = 1_000;

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
    /// The source that sent it.
    pub source_id: SourceId,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
    /// What became of it.
    pub outcome: DeliveryOutcome,
    /// Why it was rejected, or what was left out.
    pub reason: Option<String>,
    /// The content type of its body.
    pub content_type: Option<String>,
    /// The headers that describe it, an object.
    pub headers: Value,
    /// Its body, as far as it is kept.
    pub body: Vec<u8>,
    /// The event that was recorded.
    pub event_id: Option<EventId>,
    /// When it was replayed.
    pub replayed_at: Option<DateTime<Utc>>,
}

/// A request to keep, before its outcome is known.
#[derive(Debug, Clone)]
pub enum NewDelivery {
    /// One that has arrived.
    Received(ReceivedDelivery),
    /// One that is in the list already, and is recorded again.
    Replay {
        /// Its number.
        number: i64,
        /// Who replays it, for the audit log.
        actor: Actor,
        /// What was left out.
        remark: Option<String>,
    },
}

/// A request that has arrived.
#[derive(Debug, Clone)]
pub struct ReceivedDelivery {
    /// The content type of its body.
    pub content_type: Option<String>,
    /// The headers that describe it, an object.
    pub headers: Value,
    /// Its body, up to [`MAX_BODY_BYTES`].
    pub body: Vec<u8>,
    /// Why it was refused before it could be recorded, or what was left out.
    pub reason: Option<String>,
}

/// A delivery whose outcome is known.
#[derive(Debug)]
pub struct EndedDelivery<'a> {
    source_id: SourceId,
    delivery: &'a NewDelivery,
    outcome: DeliveryOutcome,
    reason: Option<String>,
    event_id: Option<EventId>,
}

impl<'a> EndedDelivery<'a> {
    /// The delivery with the outcome of its item; without one, it was refused before.
    #[must_use]
    pub fn new(
        source_id: SourceId,
        delivery: &'a NewDelivery,
        outcome: Option<&ItemOutcome>,
    ) -> Self {
        let known = match delivery {
            NewDelivery::Received(received) => received.reason.clone(),
            NewDelivery::Replay { remark, .. } => remark.clone(),
        };
        let (outcome, event_id, refusal) = match outcome {
            Some(ItemOutcome::Accepted { event_id, .. }) => {
                (DeliveryOutcome::Accepted, *event_id, None)
            }
            Some(ItemOutcome::Repeated(id)) => (DeliveryOutcome::Repeated, Some(*id), None),
            Some(ItemOutcome::Unreachable) => (DeliveryOutcome::Unreachable, None, None),
            Some(ItemOutcome::Rejected(errors)) => {
                (DeliveryOutcome::Rejected, None, Some(errors.to_string()))
            }
            None => (DeliveryOutcome::Rejected, None, None),
        };
        let is_rejected = outcome == DeliveryOutcome::Rejected;
        let unknown = || is_rejected.then(|| "It could not be recorded.".to_owned());
        let reason = refusal.or(known).or_else(unknown).map(|reason| bounded(&reason));
        Self { source_id, delivery, outcome, reason, event_id }
    }
}

fn bounded(reason: &str) -> String {
    reason.chars().filter(|character| *character != '\0').take(MAX_REASON).collect()
}

statement! {
    /// Inserts deliveries; returns their numbers with their sources.
    struct Insert<'a> {
        delivery: batch of InsertRow<'a> {
            source_id: SourceId => SqlUuid,
            outcome: DeliveryOutcome => Text,
            reason: Option<&'a str> => Nullable<Text>,
            content_type: Option<&'a str> => Nullable<Text>,
            headers: &'a Value => Jsonb,
            body: &'a [u8] => Binary,
            event_id: Option<EventId> => Nullable<SqlUuid>,
        },
        now: DateTime<Utc> => Timestamptz,
    }
    returns (BigInt, SqlUuid);
    "INSERT INTO source_deliveries
         (source_id, received_at, outcome, reason, content_type, headers, body, event_id)
     SELECT source_id, {now}, outcome, reason, content_type, headers, body, event_id
     FROM {delivery}
     WHERE EXISTS (SELECT FROM sources WHERE sources.id = delivery.source_id)
     RETURNING number, source_id"
}

statement! {
    /// Writes the new outcome of a delivery that has not been replayed.
    struct WriteReplay<'a> {
        number: i64 => BigInt,
        source_id: SourceId => SqlUuid,
        outcome: DeliveryOutcome => Text,
        reason: Option<&'a str> => Nullable<Text>,
        event_id: Option<EventId> => Nullable<SqlUuid>,
        now: DateTime<Utc> => Timestamptz,
    }
    returns ();
    "UPDATE source_deliveries
     SET outcome = {outcome}, reason = {reason}, event_id = {event_id},
         replayed_at = CASE WHEN {outcome} IN ('accepted', 'repeated') THEN {now} END
     WHERE number = {number} AND source_id = {source_id} AND replayed_at IS NULL
       AND outcome IN ('rejected', 'unreachable')"
}

statement! {
    /// Deletes all but the newest deliveries of some sources, with and without a body. Rows that
    /// another transaction is deleting are left to it.
    struct Prune<'a> {
        sources: &'a [SourceId] => Array<SqlUuid>,
        kept: i64 => BigInt,
        kept_empty: i64 => BigInt,
    }
    returns ();
    "DELETE FROM source_deliveries WHERE number IN (
         SELECT old.number
         FROM unnest({sources}) AS pruned (id)
         JOIN source_deliveries AS old ON old.source_id = pruned.id
         WHERE (old.body <> '' AND old.number <= (
                 SELECT newest.number FROM source_deliveries AS newest
                 WHERE newest.source_id = pruned.id AND newest.body <> ''
                 ORDER BY newest.number DESC OFFSET {kept} LIMIT 1
             ))
            OR (old.body = '' AND old.number <= (
                 SELECT newest.number FROM source_deliveries AS newest
                 WHERE newest.source_id = pruned.id AND newest.body = ''
                 ORDER BY newest.number DESC OFFSET {kept_empty} LIMIT 1
             ))
         FOR UPDATE OF old SKIP LOCKED
     )"
}

/// Stores deliveries with their outcomes, in the transaction that recorded their items; those of a
/// deleted source are dropped. Every few deliveries, all but the newest [`MAX_DELIVERIES`] of their
/// sources are deleted.
///
/// A replay of a delivery that was replayed meanwhile is refused, so that the transaction rolls
/// back. One of which nothing was recorded may be replayed again.
pub async fn record(
    conn: &mut Conn,
    deliveries: &[EndedDelivery<'_>],
    now: DateTime<Utc>,
) -> Result<()> {
    let mut rows = Vec::new();
    for ended in deliveries {
        let EndedDelivery { source_id, outcome, event_id, .. } = *ended;
        match ended.delivery {
            NewDelivery::Received(received) => rows.push(InsertRow {
                source_id,
                outcome,
                reason: ended.reason.as_deref(),
                content_type: received.content_type.as_deref(),
                headers: &received.headers,
                body: &received.body,
                event_id,
            }),
            NewDelivery::Replay { number, actor, .. } => {
                let reason = ended.reason.as_deref();
                let write =
                    WriteReplay { number: *number, source_id, outcome, reason, event_id, now };
                if write.execute(conn).await? == 0 {
                    return Err(not_replayable());
                }
                let summary = format!("replayed delivery {number}: {outcome}");
                let source = Some(source_id.0);
                audit::record(conn, actor, AuditKind::Source, source, &summary, now).await?;
            }
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    let inserted: Vec<(i64, SourceId)> =
        Insert { delivery: rows.into_iter().collect(), now }.load(conn).await?;
    let pruned: BTreeSet<SourceId> = inserted
        .into_iter()
        .filter(|(number, _)| number % PRUNE_EVERY == 0)
        .map(|(_, source_id)| source_id)
        .collect();
    if !pruned.is_empty() {
        let sources: Vec<SourceId> = pruned.into_iter().collect();
        Prune { sources: &sources, kept: MAX_DELIVERIES, kept_empty: MAX_EMPTY }
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// The deliveries of a source, the newest first, at most `limit`.
pub async fn list(conn: &mut Conn, id: SourceId, limit: i64) -> Result<Vec<Delivery>> {
    Ok(source_deliveries::table
        .filter(source_deliveries::source_id.eq(id))
        .order(source_deliveries::number.desc())
        .limit(limit.min(MAX_DELIVERIES))
        .select(Delivery::as_select())
        .load(conn)
        .await?)
}

/// The delivery of a source with this number.
pub async fn find(conn: &mut Conn, id: SourceId, number: i64) -> Result<Delivery> {
    let found = source_deliveries::table
        .find(number)
        .filter(source_deliveries::source_id.eq(id))
        .select(Delivery::as_select())
        .first(conn)
        .await
        .optional()?;
    found.ok_or(Error::NotFound("delivery"))
}

/// Deletes the deliveries that are older than 30 days.
pub async fn forget_old(conn: &mut Conn, now: DateTime<Utc>) -> Result<()> {
    diesel::delete(source_deliveries::table)
        .filter(source_deliveries::received_at.lt(now - MAX_AGE))
        .execute(conn)
        .await?;
    Ok(())
}

/// The error of a replay of a delivery that has been recorded.
pub(super) fn not_replayable() -> Error {
    Error::Refused(
        "This delivery was recorded already. Only rejected and unreachable ones can be replayed, \
         and only once."
            .to_owned(),
    )
}

impl Delivery {
    /// Whether it can be replayed: it was not recorded, and its whole body is kept.
    #[must_use]
    pub fn is_replayable(&self) -> bool {
        let is_open =
            matches!(self.outcome, DeliveryOutcome::Rejected | DeliveryOutcome::Unreachable);
        is_open && self.replayed_at.is_none() && self.has_whole_body()
    }

    /// Whether its whole body is kept.
    #[must_use]
    pub fn has_whole_body(&self) -> bool {
        !self.body.is_empty() && self.body.len() < MAX_BODY_BYTES
    }
}

impl ReceivedDelivery {
    /// The delivery with as much of the body as is kept.
    #[must_use]
    pub fn new(content_type: Option<&str>, headers: Value, body: &[u8]) -> Self {
        let body = body[..body.len().min(MAX_BODY_BYTES)].to_vec();
        let content_type = content_type.map(|kind| kind.chars().take(100).collect());
        Self { content_type, headers, body, reason: None }
    }
}
