//! Claiming messages: moves those that may be sent now from `pending` to `submitting`, each with an
//! attempt; the statement that checks this, and the one for messages of dead workers.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{
    Array, BigInt, Bool, Int2, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::capacity::Capacity;
use super::claim_outcome::{ClaimOutcome, ClaimedMessage};
use crate::db::statement::statement;
use crate::db::{Begun, Closing, Conn};
use crate::error::Result;
use crate::messages::contact_deletion::CONTACT_DELETED;
use crate::messages::stop_lock;
use crate::messages::throttle::admission::{self, Candidate};
use crate::queue::worker_registry;
use crate::types::deadline::Deadline;
use crate::types::id::{AutomationId, ConnectionId, MessageId, SenderId, WorkerId};

/// The reason on an expired message.
pub const EXPIRED: &str =
    "It waited longer than its sender lets messages wait, and was not sent any more.";

/// The shortest validity period to request, in seconds: Twilio takes none below 1, and advises
/// against less than 5.
const MIN_VALIDITY: u32 = 6;

/// The longest validity period, in seconds: Twilio keeps no message for longer than 10 hours.
const MAX_VALIDITY: u32 = 36_000;

type Row = (
    MessageId,
    String,
    ConnectionId,
    SenderId,
    String,
    String,
    String,
    Vec<String>,
    i16,
    Option<AutomationId>,
    i32,
    Option<i16>,
);

statement! {
    /// Checks pending messages against the current state, and moves those that may be sent now, or
    /// never.
    ///
    /// The queue is read once, not once for each message: a plan from when the queue was empty
    /// stays good. Attempts are numbered before the insert: joining the rows that an insert returns
    /// makes the planner compare each row with each.
    struct ClaimPending<'a> {
        ids: &'a [MessageId] => Array<SqlUuid>,
        worker: WorkerId => SqlUuid,
        now: DateTime<Utc> => Timestamptz,
        capacity: batch of CapacityRow {
            connection_id: ConnectionId => SqlUuid,
            free: i64 => BigInt,
        },
        other_capacity: i64 => BigInt,
        expired: &'a str => Text,
        skipped: &'a str => Text,
    }
    returns (
        SqlUuid, Text, SqlUuid, SqlUuid, Text, Text, Text, Array<Text>, Int2, Nullable<SqlUuid>,
        Int4, Nullable<Int2>
    );
    "WITH wanted AS (
         SELECT id, to_address, body, media_urls, parts, sender_id, connection_id, automation_id,
             created_at, contact_deleted_at
         FROM messages
         WHERE id = ANY ({ids}) AND status = 'pending'
         FOR NO KEY UPDATE SKIP LOCKED
     ), queued AS MATERIALIZED (
         SELECT message_id, released_at IS NOT NULL AS released
         FROM queued_sends
         WHERE message_id = ANY (ARRAY(SELECT id FROM wanted))
     ), judged AS (
         SELECT w.*, s.address AS sender_address, x.reason,
             coalesce(q.released, false) AS released,
             w.created_at + s.validity_minutes * interval '1 minute' - {now} AS left_over,
             CASE
                 WHEN x.reason IS NOT NULL THEN 'suppressed'
                 WHEN w.contact_deleted_at IS NOT NULL THEN 'skipped'
                 WHEN c.disabled_at IS NOT NULL OR c.stopped_at IS NOT NULL
                     OR s.disabled_at IS NOT NULL OR s.stopped_at IS NOT NULL
                     OR a.status <> 'active' THEN 'held'
                 WHEN w.created_at + s.validity_minutes * interval '1 minute' <= {now}
                     THEN 'expired'
                 WHEN q.released THEN 'submitting'
                 WHEN NOT q.released THEN 'queued'
                 WHEN s.parts_per_second IS NOT NULL THEN 'throttled'
                 ELSE 'submitting'
             END AS verdict
         FROM wanted w
         JOIN senders s ON s.id = w.sender_id
         JOIN connections c ON c.id = w.connection_id
         LEFT JOIN automations a ON a.id = w.automation_id
         LEFT JOIN queued q ON q.message_id = w.id
         LEFT JOIN LATERAL (
             SELECT reason FROM suppressions
             WHERE phone = w.to_address AND lifted_at IS NULL
             ORDER BY since LIMIT 1
         ) AS x ON true
     ), placed AS (
         SELECT j.*,
             CASE
                 WHEN j.verdict = 'submitting'
                     AND row_number() OVER (PARTITION BY j.connection_id, j.verdict ORDER BY j.id)
                         > coalesce(capacity.free, {other_capacity}) THEN 'at_capacity'
                 ELSE j.verdict
             END AS outcome
         FROM judged j
         LEFT JOIN {capacity} ON capacity.connection_id = j.connection_id
     ), numbered AS (
         SELECT p.*,
             CASE WHEN p.outcome = 'submitting' THEN
                 1 + (SELECT coalesce(max(number), 0) FROM attempts WHERE message_id = p.id)
             END::smallint AS attempt
         FROM placed p
     ), moved AS (
         UPDATE messages m
         SET status = p.outcome, status_at = {now},
             reason = CASE p.outcome
                 WHEN 'expired' THEN {expired}
                 WHEN 'skipped' THEN {skipped}
                 ELSE p.reason
             END
         FROM numbered p
         WHERE m.id = p.id AND p.outcome IN ('submitting', 'suppressed', 'skipped', 'expired')
     ), attempted AS (
         INSERT INTO attempts (message_id, number, worker_id, claimed_at)
         SELECT id, attempt, {worker}, {now} FROM numbered WHERE outcome = 'submitting'
     ), noted AS (
         INSERT INTO delivery_events (message_id, status, source, applied, received_at)
         SELECT id, outcome, 'carillon', true, {now}
         FROM numbered
         WHERE outcome IN ('suppressed', 'skipped', 'expired')
     ), forgotten AS (
         DELETE FROM queued_sends
         WHERE message_id = ANY (ARRAY(
             SELECT id FROM numbered WHERE released AND outcome <> 'at_capacity'
         ))
     )
     SELECT id, outcome, connection_id, sender_id, to_address, sender_address, body, media_urls,
         parts, automation_id, least(extract(epoch FROM left_over), 36000)::int, attempt
     FROM numbered"
}

statement! {
    /// Removes messages from the queue that were released and do not need it any more.
    struct RemoveReleased<'a> { ids: &'a [MessageId] => Array<SqlUuid> }
    returns ();
    "DELETE FROM queued_sends WHERE message_id = ANY ({ids}) AND released_at IS NOT NULL"
}

statement! {
    /// Moves messages of a dead worker to `unconfirmed`; returns those that still wait, and whether
    /// each was moved. The dead worker's attempts get the outcome `unknown`, even if a callback has
    /// settled the message. One that another transaction has locked is left to it: with STOP's lock
    /// held, waiting for a transaction that suppresses its number would be a deadlock.
    struct Interrupt<'a> {
        ids: &'a [MessageId] => Array<SqlUuid>,
        dead_since: DateTime<Utc> => Timestamptz,
        this_worker: WorkerId => SqlUuid,
        now: DateTime<Utc> => Timestamptz,
    }
    returns (SqlUuid, Bool);
    "WITH locked AS (
         SELECT id FROM messages
         WHERE id = ANY ({ids})
         FOR NO KEY UPDATE SKIP LOCKED
     ), stuck AS (
         SELECT m.id, m.status IN ('submitting', 'pending') AS waits,
             m.id IN (SELECT id FROM locked) AND NOT EXISTS (
                 SELECT 1 FROM attempts t JOIN workers w ON w.id = t.worker_id
                 WHERE t.message_id = m.id AND t.finished_at IS NULL
                   AND w.seen_at >= {dead_since} AND w.id <> {this_worker}
             ) AS abandoned
         FROM messages m
         WHERE m.id = ANY ({ids})
     ), moved AS (
         UPDATE messages m SET status = 'unconfirmed', status_at = {now}
         FROM stuck
         WHERE m.id = stuck.id AND stuck.abandoned AND m.status = 'submitting'
         RETURNING m.id
     ), noted AS (
         INSERT INTO delivery_events (message_id, status, source, applied, received_at)
         SELECT id, 'unconfirmed', 'carillon', true, {now} FROM moved
     ), closed AS (
         UPDATE attempts t SET finished_at = {now}, outcome = 'unknown'
         FROM stuck
         WHERE t.message_id = stuck.id AND stuck.abandoned AND t.finished_at IS NULL
     )
     SELECT stuck.id, moved.id IS NOT NULL
     FROM stuck
     LEFT JOIN moved ON moved.id = stuck.id
     WHERE stuck.waits"
}

/// Claims messages; returns one [`ClaimOutcome`] for each id, in no order.
///
/// None of the messages may be in flight in this worker: its own open attempts count as
/// interrupted. The caller commits before it calls Twilio, so that after a crash the attempt row
/// shows the possible call.
pub async fn claim_messages<'t>(
    tx: Begun<'t>,
    ids: &[MessageId],
    capacity: &Capacity,
    worker: WorkerId,
    now: DateTime<Utc>,
) -> Result<(Vec<(MessageId, ClaimOutcome)>, Closing<'t>)> {
    let checked_at = Deadline::now();
    let mut closing = stop_lock::lock_for_claim(tx).await?;
    let conn = closing.without_waiting();
    let by_connection =
        capacity.by_connection().map(|(connection_id, free)| CapacityRow { connection_id, free });
    let claim_pending = ClaimPending {
        ids,
        worker,
        now,
        capacity: by_connection.collect(),
        other_capacity: capacity.other(),
        expired: EXPIRED,
        skipped: CONTACT_DELETED,
    };
    let rows: Vec<Row> = claim_pending.load(conn).await?;
    let (mut claims, mut candidates) = (Vec::with_capacity(ids.len()), Vec::new());
    for row in rows {
        match check_row(row, checked_at) {
            Check::Final(id, claim) => claims.push((id, claim)),
            Check::IfRateAllows(candidate) => candidates.push(*candidate),
        }
    }
    claims.extend(unchecked(conn, ids, &claims, &candidates, worker, now).await?);
    if !candidates.is_empty() {
        let mut capacity = capacity.clone();
        for (_, claim) in &claims {
            if let ClaimOutcome::Claimed(claimed) = claim {
                capacity.use_one(claimed.connection_id);
            }
        }
        claims
            .extend(admission::admit(&mut closing, candidates, &mut capacity, worker, now).await?);
    }
    Ok((claims, closing))
}

/// Why messages were not checked: gone, interrupted, or with another worker.
async fn unchecked(
    conn: &mut Conn,
    ids: &[MessageId],
    claims: &[(MessageId, ClaimOutcome)],
    candidates: &[Candidate],
    worker: WorkerId,
    now: DateTime<Utc>,
) -> Result<Vec<(MessageId, ClaimOutcome)>> {
    let checked: HashSet<MessageId> = claims
        .iter()
        .map(|(id, _)| *id)
        .chain(candidates.iter().map(|candidate| candidate.claimed.message_id))
        .collect();
    let rest: Vec<MessageId> = ids.iter().copied().filter(|id| !checked.contains(id)).collect();
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    let stuck: Vec<(MessageId, bool)> = Interrupt {
        ids: &rest,
        dead_since: now - worker_registry::DEAD_AFTER,
        this_worker: worker,
        now,
    }
    .load(conn)
    .await?;
    let mut answers: Vec<(MessageId, ClaimOutcome)> = stuck
        .iter()
        .map(|(id, interrupted)| {
            (*id, if *interrupted { ClaimOutcome::Interrupted } else { ClaimOutcome::Busy })
        })
        .collect();
    let stuck: HashSet<MessageId> = stuck.into_iter().map(|(id, _)| id).collect();
    let gone: Vec<MessageId> = rest.into_iter().filter(|id| !stuck.contains(id)).collect();
    if !gone.is_empty() {
        RemoveReleased { ids: &gone }.execute(conn).await?;
    }
    answers.extend(gone.into_iter().map(|id| (id, ClaimOutcome::Gone)));
    Ok(answers)
}

/// The validity period of a message that may wait this much longer, in seconds.
pub(in crate::messages) fn validity_seconds(left: TimeDelta) -> u32 {
    u32::try_from(left.num_seconds()).unwrap_or(0).clamp(MIN_VALIDITY, MAX_VALIDITY)
}

enum Check {
    Final(MessageId, ClaimOutcome),
    /// Only its sender's rate may still hold it back.
    IfRateAllows(Box<Candidate>),
}

fn check_row(row: Row, checked_at: Deadline) -> Check {
    let (
        message_id,
        outcome,
        connection_id,
        sender_id,
        to_address,
        sender_address,
        body,
        media_urls,
        parts,
        automation,
        left,
        attempt,
    ) = row;
    let claim = match outcome.as_str() {
        "submitting" | "throttled" => {
            let claimed = ClaimedMessage {
                message_id,
                attempt: attempt.unwrap_or(1),
                connection_id,
                sender_id,
                to_address,
                sender_address,
                body,
                media_urls,
                parts,
                validity_seconds: validity_seconds(TimeDelta::seconds(left.into())),
                checked_at,
            };
            if outcome == "throttled" {
                let flow = automation.map_or(Uuid::nil(), |id| id.0);
                return Check::IfRateAllows(Box::new(Candidate { claimed, flow }));
            }
            ClaimOutcome::Claimed(Box::new(claimed))
        }
        "suppressed" => ClaimOutcome::Suppressed,
        "skipped" => ClaimOutcome::Skipped,
        "expired" => ClaimOutcome::Expired,
        "queued" => ClaimOutcome::Queued,
        "at_capacity" => ClaimOutcome::AtCapacity(connection_id),
        _ => ClaimOutcome::Held,
    };
    Check::Final(message_id, claim)
}
