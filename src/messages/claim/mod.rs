//! Claiming: a message is taken, with an attempt row, before Twilio is called, and only if nothing
//! stands against it now.

pub(super) mod capacity;
pub(super) mod claimed;
mod wake;

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{
    Array, BigInt, Bool, Int2, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use futures::{TryFutureExt, try_join};
use uuid::Uuid;

use super::stop::{self, CONTACT_DELETED};
use super::throttle::admit::{self, Candidate};
use crate::db::statement::statement;
use crate::db::{Conn, generic_plans};
use crate::error::Result;
use crate::queue::lease;
use crate::types::deadline::Deadline;
use crate::types::id::{AutomationId, ConnectionId, MessageId, SenderId, WorkerId};

pub use capacity::Capacity;
pub use claimed::{Claim, Claimed};
pub use wake::{WakeScope, wake};

/// Why a message expired.
pub const EXPIRED: &str =
    "It waited longer than its sender lets messages wait, and was not sent any more.";

/// Twilio takes no period below one second, and advises against less than five.
const MIN_VALIDITY: u32 = 6;

/// Twilio keeps no message for longer than ten hours.
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
    /// Judges pending messages by what is true now and moves those that may go, or may never go.
    ///
    /// What stands in a queue is looked up once, not for each message: a plan from when the queue
    /// was empty stays a good one. Attempts are numbered before they are inserted: to join what an
    /// insert returns, the planner compares each row with each.
    struct Judge<'a> {
        ids: &'a [MessageId] => Array<SqlUuid>,
        worker: WorkerId => SqlUuid,
        now: DateTime<Utc> => Timestamptz,
        room: batch of RoomRow { connection_id: ConnectionId => SqlUuid, places: i64 => BigInt },
        room_otherwise: i64 => BigInt,
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
                         > coalesce(room.places, {room_otherwise}) THEN 'at_capacity'
                 ELSE j.verdict
             END AS outcome
         FROM judged j
         LEFT JOIN {room} ON room.connection_id = j.connection_id
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
    /// Forgets messages that were released from a queue and do not need it any more.
    struct Forget<'a> { ids: &'a [MessageId] => Array<SqlUuid> }
    returns ();
    "DELETE FROM queued_sends WHERE message_id = ANY ({ids}) AND released_at IS NOT NULL"
}

statement! {
    /// Tells messages that are being submitted by a worker that is gone from those that another
    /// worker has in hand. The attempts of such a worker have no outcome that anybody knows, also
    /// where a callback has settled the message meanwhile.
    struct Interrupt<'a> {
        ids: &'a [MessageId] => Array<SqlUuid>,
        dead_since: DateTime<Utc> => Timestamptz,
        myself: WorkerId => SqlUuid,
        now: DateTime<Utc> => Timestamptz,
    }
    returns (SqlUuid, Bool);
    "WITH stuck AS (
         SELECT m.id, m.status IN ('submitting', 'pending') AS waits,
             NOT EXISTS (
                 SELECT 1 FROM attempts t JOIN workers w ON w.id = t.worker_id
                 WHERE t.message_id = m.id AND t.finished_at IS NULL
                   AND w.seen_at >= {dead_since} AND w.id <> {myself}
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

/// Claims messages in the caller's transaction, which must not do anything else before; one answer
/// for each id, in no order.
///
/// Messages that may go are claimed up to the room of their connection and the rate of their
/// sender. None of the messages may be in flight in this worker: an open attempt of its own is
/// taken for one that was interrupted. The caller commits before it calls Twilio: after a crash the
/// attempt row shows that Twilio may have been called. The throttles of senders with a rate are
/// locked last and until then, so that the caller waits for nothing before its commit.
pub async fn claim(
    conn: &mut Conn,
    ids: &[MessageId],
    room: &Capacity,
    worker: WorkerId,
    now: DateTime<Utc>,
) -> Result<Vec<(MessageId, Claim)>> {
    let judged_at = Deadline::now();
    try_join!(generic_plans::force(conn).err_into(), stop::pass_with_claims(conn))?;
    let named = room.named().map(|(connection_id, places)| RoomRow { connection_id, places });
    let judge = Judge {
        ids,
        worker,
        now,
        room: named.collect(),
        room_otherwise: room.otherwise(),
        expired: EXPIRED,
        skipped: CONTACT_DELETED,
    };
    let rows: Vec<Row> = judge.load(conn).await?;
    let (mut claims, mut candidates) = (Vec::with_capacity(ids.len()), Vec::new());
    for row in rows {
        match verdict(row, judged_at) {
            Verdict::Is(id, claim) => claims.push((id, claim)),
            Verdict::UpToTheRate(candidate) => candidates.push(*candidate),
        }
    }
    claims.extend(left_out(conn, ids, &claims, &candidates, worker, now).await?);
    if !candidates.is_empty() {
        let mut room = room.clone();
        for (_, claim) in &claims {
            if let Claim::Claimed(claimed) = claim {
                room.take(claimed.connection_id);
            }
        }
        claims.extend(admit::admit(conn, candidates, &mut room, worker, now).await?);
    }
    Ok(claims)
}

/// What is the matter with the messages that were not judged: gone, interrupted, or in another's
/// hand.
async fn left_out(
    conn: &mut Conn,
    ids: &[MessageId],
    claims: &[(MessageId, Claim)],
    candidates: &[Candidate],
    worker: WorkerId,
    now: DateTime<Utc>,
) -> Result<Vec<(MessageId, Claim)>> {
    let judged: HashSet<MessageId> = claims
        .iter()
        .map(|(id, _)| *id)
        .chain(candidates.iter().map(|candidate| candidate.claimed.message_id))
        .collect();
    let rest: Vec<MessageId> = ids.iter().copied().filter(|id| !judged.contains(id)).collect();
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    let stuck: Vec<(MessageId, bool)> =
        Interrupt { ids: &rest, dead_since: now - lease::DEAD_AFTER, myself: worker, now }
            .load(conn)
            .await?;
    let mut answers: Vec<(MessageId, Claim)> = stuck
        .iter()
        .map(|(id, interrupted)| (*id, if *interrupted { Claim::Interrupted } else { Claim::Busy }))
        .collect();
    let stuck: HashSet<MessageId> = stuck.into_iter().map(|(id, _)| id).collect();
    let gone: Vec<MessageId> = rest.into_iter().filter(|id| !stuck.contains(id)).collect();
    if !gone.is_empty() {
        Forget { ids: &gone }.execute(conn).await?;
    }
    answers.extend(gone.into_iter().map(|id| (id, Claim::Gone)));
    Ok(answers)
}

/// How long Twilio may keep a message that may wait this much longer.
pub(super) fn validity_seconds(left: TimeDelta) -> u32 {
    u32::try_from(left.num_seconds()).unwrap_or(0).clamp(MIN_VALIDITY, MAX_VALIDITY)
}

enum Verdict {
    Is(MessageId, Claim),
    /// Nothing stands against it but, perhaps, its sender's rate.
    UpToTheRate(Box<Candidate>),
}

fn verdict(row: Row, judged_at: Deadline) -> Verdict {
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
            let claimed = Claimed {
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
                judged_at,
            };
            if outcome == "throttled" {
                let flow = automation.map_or(Uuid::nil(), |id| id.0);
                return Verdict::UpToTheRate(Box::new(Candidate { claimed, flow }));
            }
            Claim::Claimed(Box::new(claimed))
        }
        "suppressed" => Claim::Suppressed,
        "skipped" => Claim::Skipped,
        "expired" => Claim::Expired,
        "queued" => Claim::Queued,
        "at_capacity" => Claim::AtCapacity(connection_id),
        _ => Claim::Held,
    };
    Verdict::Is(message_id, claim)
}
