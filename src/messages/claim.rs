//! Claiming: a message is taken, with an attempt row, before Twilio is called, and only if nothing stands against it now.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, Bool, Int2, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use crate::{
    db::{
        Conn,
        schema::{jobs, messages},
        statement::statement,
    },
    error::Result,
    messages::{status::MessageStatus, stop},
    queue::{self, Job, NewJob, lease},
    types::id::{AutomationId, ConnectionId, MessageId, SenderId, WorkerId},
};

/// A message that this worker, and no other, may now submit once.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The message.
    pub message_id: MessageId,
    /// Which attempt this is, from 1.
    pub attempt: i16,
    /// The connection whose keys are used.
    pub connection_id: ConnectionId,
    /// The sender.
    pub sender_id: SenderId,
    /// Where it goes, as Twilio wants it.
    pub to_address: String,
    /// What it is sent from: a number or a Messaging Service.
    pub sender_address: String,
    /// The text.
    pub body: String,
    /// Pictures and the like.
    pub media_urls: Vec<String>,
}

/// What became of the wish to claim a message.
#[derive(Debug, Clone)]
pub enum Claim {
    /// It is `submitting` now: call Twilio, then record.
    Claimed(Box<Claimed>),
    /// The number may not be texted; the message is `suppressed` now.
    Suppressed,
    /// Its connection, sender or automation is switched off. It stays `pending` until [`wake`].
    Held,
    /// It has left `pending` already: there is nothing to send.
    Gone,
    /// Another transaction has it in hand: ask again shortly.
    Busy,
    /// A worker died between claim and record. It is `unconfirmed` now: Twilio may have it.
    Interrupted,
}

type Row = (MessageId, String, ConnectionId, SenderId, String, String, String, Vec<String>, Option<i16>);

statement! {
    /// Judges pending messages by what is true now and moves those that may go, or may never go.
    struct Judge<'a> {
        ids: &'a [MessageId] => Array<SqlUuid>,
        worker: WorkerId => SqlUuid,
        now: DateTime<Utc> => Timestamptz,
    }
    returns (SqlUuid, Text, SqlUuid, SqlUuid, Text, Text, Text, Array<Text>, Nullable<Int2>);
    "WITH wanted AS (
        SELECT id, to_address, body, media_urls, sender_id, connection_id, automation_id
        FROM messages WHERE id = ANY ({}::uuid[]) AND status = 'pending'
        FOR NO KEY UPDATE SKIP LOCKED
     ), judged AS (
        SELECT w.*, s.address AS sender_address, x.reason,
            CASE WHEN x.reason IS NOT NULL THEN 'suppressed'
                 WHEN c.disabled_at IS NOT NULL OR c.stopped_at IS NOT NULL OR s.disabled_at IS NOT NULL OR s.stopped_at IS NOT NULL
                   OR a.status <> 'active' THEN 'held'
                 ELSE 'submitting' END AS verdict
        FROM wanted w
        JOIN senders s ON s.id = w.sender_id
        JOIN connections c ON c.id = w.connection_id
        LEFT JOIN automations a ON a.id = w.automation_id
        LEFT JOIN LATERAL (
            SELECT reason FROM suppressions
            WHERE phone = w.to_address AND lifted_at IS NULL ORDER BY since LIMIT 1) AS x ON true
     ), clock AS (
        SELECT {}::uuid AS worker, {}::timestamptz AS now
     ), moved AS (
        UPDATE messages m SET status = j.verdict, reason = j.reason, status_at = clock.now
        FROM judged j, clock WHERE m.id = j.id AND j.verdict <> 'held'
     ), attempted AS (
        INSERT INTO attempts (message_id, number, worker_id, claimed_at)
        SELECT j.id, 1 + (SELECT coalesce(max(number), 0) FROM attempts WHERE message_id = j.id), clock.worker, clock.now
        FROM judged j, clock WHERE j.verdict = 'submitting'
        RETURNING message_id, number
     ), noted AS (
        INSERT INTO delivery_events (message_id, status, source, applied, received_at)
        SELECT j.id, 'suppressed', 'carillon', true, clock.now FROM judged j, clock WHERE j.verdict = 'suppressed'
     )
     SELECT j.id, j.verdict, j.connection_id, j.sender_id, j.to_address, j.sender_address, j.body, j.media_urls, t.number
     FROM judged j LEFT JOIN attempted t ON t.message_id = j.id"
}

statement! {
    /// Tells messages that are being submitted by a worker that is gone from those that another worker has in hand. The attempts of
    /// such a worker have no outcome that anybody knows, also where a callback has settled the message meanwhile.
    struct Interrupt<'a> {
        ids: &'a [MessageId] => Array<SqlUuid>,
        dead_since: DateTime<Utc> => Timestamptz,
        myself: WorkerId => SqlUuid,
        now: DateTime<Utc> => Timestamptz,
    }
    returns (SqlUuid, Bool);
    "WITH stuck AS (
        SELECT m.id, m.status IN ('submitting', 'pending') AS waits, NOT EXISTS (
            SELECT 1 FROM attempts t JOIN workers w ON w.id = t.worker_id
            WHERE t.message_id = m.id AND t.finished_at IS NULL AND w.seen_at >= edge.dead_since AND w.id <> edge.myself) AS abandoned
        FROM messages m, (SELECT {}::uuid[] AS ids, {}::timestamptz AS dead_since, {}::uuid AS myself) AS edge
        WHERE m.id = ANY (edge.ids)
     ), clock AS (
        SELECT {}::timestamptz AS now
     ), moved AS (
        UPDATE messages m SET status = 'unconfirmed', status_at = clock.now
        FROM stuck, clock WHERE m.id = stuck.id AND stuck.abandoned AND m.status = 'submitting'
        RETURNING m.id
     ), noted AS (
        INSERT INTO delivery_events (message_id, status, source, applied, received_at)
        SELECT moved.id, 'unconfirmed', 'carillon', true, clock.now FROM moved, clock
     ), closed AS (
        UPDATE attempts t SET finished_at = clock.now, outcome = 'unknown'
        FROM stuck, clock WHERE t.message_id = stuck.id AND stuck.abandoned AND t.finished_at IS NULL
     )
     SELECT stuck.id, moved.id IS NOT NULL FROM stuck LEFT JOIN moved ON moved.id = stuck.id WHERE stuck.waits"
}

/// Claims messages in the caller's transaction, which must not do anything else before; one answer for each id, in no order.
///
/// None of the messages may be in flight in this worker: an open attempt of its own is taken for one that was interrupted. The caller commits before it calls Twilio: after a crash the attempt row shows that Twilio may have been called.
pub async fn claim(conn: &mut Conn, ids: &[MessageId], worker: WorkerId, now: DateTime<Utc>) -> Result<Vec<(MessageId, Claim)>> {
    stop::pass_with_claims(conn).await?;
    let rows: Vec<Row> = Judge { ids, worker, now }.load(conn).await?;
    let mut claims: Vec<(MessageId, Claim)> = rows.into_iter().map(verdict).collect();
    let judged: HashSet<MessageId> = claims.iter().map(|(id, _)| *id).collect();
    let rest: Vec<MessageId> = ids.iter().copied().filter(|id| !judged.contains(id)).collect();
    if !rest.is_empty() {
        let stuck: Vec<(MessageId, bool)> =
            Interrupt { ids: &rest, dead_since: now - lease::DEAD_AFTER, myself: worker, now }.load(conn).await?;
        claims.extend(stuck.iter().map(|(id, interrupted)| (*id, if *interrupted { Claim::Interrupted } else { Claim::Busy })));
        let stuck: HashSet<MessageId> = stuck.into_iter().map(|(id, _)| id).collect();
        claims.extend(rest.into_iter().filter(|id| !stuck.contains(id)).map(|id| (id, Claim::Gone)));
    }
    Ok(claims)
}

fn verdict(
    (message_id, verdict, connection_id, sender_id, to_address, sender_address, body, media_urls, attempt): Row,
) -> (MessageId, Claim) {
    let claim = match (verdict.as_str(), attempt) {
        ("submitting", Some(attempt)) => Claim::Claimed(Box::new(Claimed {
            message_id,
            attempt,
            connection_id,
            sender_id,
            to_address,
            sender_address,
            body,
            media_urls,
        })),
        ("suppressed", _) => Claim::Suppressed,
        _ => Claim::Held,
    };
    (message_id, claim)
}

/// Whose held messages may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeScope {
    /// A connection that was switched on again.
    Connection(ConnectionId),
    /// A sender that was switched on again.
    Sender(SenderId),
    /// An automation that was activated again.
    Automation(AutomationId),
}

/// Enqueues the sending of every `pending` message in scope that has no job waiting, and returns how many.
///
/// Call it in the transaction that switches the connection, sender or automation on.
pub async fn wake(conn: &mut Conn, scope: WakeScope, now: DateTime<Utc>) -> Result<usize> {
    // A leased job does not count: its claim may have found the message held a moment ago and be about to end. Two jobs do no harm.
    let has_job = jobs::table
        .filter(jobs::subject.eq(messages::id))
        .filter(jobs::worker_id.is_null())
        .filter(jobs::failed_at.is_null())
        .select(jobs::id);
    let mut held = messages::table
        .filter(messages::status.eq(MessageStatus::Pending))
        .filter(diesel::dsl::not(diesel::dsl::exists(has_job)))
        .select(messages::id)
        .order(messages::id)
        .into_boxed();
    held = match scope {
        WakeScope::Connection(id) => held.filter(messages::connection_id.eq(id)),
        WakeScope::Sender(id) => held.filter(messages::sender_id.eq(id)),
        WakeScope::Automation(id) => held.filter(messages::automation_id.eq(id)),
    };
    let ids: Vec<MessageId> = held.load(conn).await?;
    let send: Vec<NewJob> = ids.iter().map(|id| NewJob { job: Job::Send(*id), run_at: now }).collect();
    queue::enqueue(conn, &send, now).await?;
    Ok(ids.len())
}
