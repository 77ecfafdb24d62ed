//! Releasing: moves messages out of a sender's queue as its rate allows.
//!
//! The queue is divided into flows: the waiting messages of each automation are one, and those of
//! no automation another. The flows take turns, one message at a time, so that a large automation
//! does not make all others wait.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Int2, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::sender_throttle::{SenderThrottle, lock};
use crate::db::schema::{connections, queued_sends, senders, throttles};
use crate::db::statement::statement;
use crate::db::{Closing, Conn};
use crate::error::Result;
use crate::queue;
use crate::senders::PartsPerSecond;
use crate::types::id::{MessageId, SenderId};

/// The time between two releases of a queue, so that the messages of a fast sender go in small
/// batches and not one by one.
const RELEASE_INTERVAL: TimeDelta = TimeDelta::milliseconds(200);

/// How long a queue pauses when only messages are left that could not be released.
const LEFT_OUT_PAUSE: TimeDelta = TimeDelta::seconds(30);

/// How many messages one transaction reads, at least and at most.
const BATCH_SIZE: (usize, usize) = (50, 1_000);

/// The state of a queue after a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseOutcome {
    /// Nothing waits, or the sender is off: the job ends.
    Done,
    /// More messages may go at this time.
    MoreAt(DateTime<Utc>),
}

/// A message at the front of a queue: its id, flow and parts, whether it is still pending, whether
/// its automation runs, and whether it is too late.
type Row = (MessageId, Uuid, i16, bool, bool, bool);

statement! {
    /// Reads the front of a sender's queue in turns: the first message of each flow, then the
    /// second of each, beginning after the flow that was last.
    ///
    /// Flows are found by skipping through the index, so that the length of the queue does not
    /// matter. The parameters are hidden in `params`, so that one generic plan serves all values.
    struct Front<'a> {
        sender: SenderId => SqlUuid,
        last_flow: Option<Uuid> => Nullable<SqlUuid>,
        now: DateTime<Utc> => Timestamptz,
        row_limit: i64 => BigInt,
        left_out: &'a [MessageId] => Array<SqlUuid>,
    }
    returns (SqlUuid, SqlUuid, Int2, Bool, Bool, Bool);
    "WITH RECURSIVE params AS MATERIALIZED (
         SELECT {sender} AS sender_id, {row_limit} AS row_limit, {left_out} AS left_out
     ), flows AS (
         SELECT (
             SELECT q.flow
             FROM queued_sends q
             WHERE q.sender_id = params.sender_id AND q.released_at IS NULL
             ORDER BY q.flow
             LIMIT 1
         ) AS flow
         FROM params
         UNION ALL
         SELECT (
             SELECT q.flow
             FROM queued_sends q
             WHERE q.sender_id = params.sender_id AND q.released_at IS NULL AND q.flow > flows.flow
             ORDER BY q.flow
             LIMIT 1
         )
         FROM flows, params
         WHERE flows.flow IS NOT NULL
     ), front AS (
         SELECT first.message_id, first.parts, first.turn, flows.flow
         FROM flows
         CROSS JOIN params
         CROSS JOIN LATERAL (
             SELECT oldest.message_id, oldest.parts,
                 row_number() OVER (ORDER BY oldest.position) AS turn
             FROM (
                 SELECT q.message_id, q.parts, q.position
                 FROM queued_sends q
                 WHERE q.sender_id = params.sender_id
                   AND q.flow = flows.flow
                   AND q.released_at IS NULL
                   AND q.message_id <> ALL (params.left_out)
                 ORDER BY q.sender_id, q.flow, q.position
                 LIMIT params.row_limit
             ) AS oldest
         ) AS first
         WHERE flows.flow IS NOT NULL
         ORDER BY first.turn, coalesce(flows.flow <= {last_flow}, false), flows.flow
         LIMIT (SELECT row_limit FROM params)
     )
     SELECT f.message_id, f.flow, f.parts,
         coalesce(m.status = 'pending', false),
         coalesce(a.status = 'active', true),
         coalesce(m.created_at + s.validity_minutes * interval '1 minute' <= {now}, false)
     FROM front f
     LEFT JOIN messages m ON m.id = f.message_id
     JOIN senders s ON s.id = {sender}
     LEFT JOIN automations a ON a.id = f.flow
     ORDER BY f.turn, coalesce(f.flow <= {last_flow}, false), f.flow"
}

statement! {
    /// Removes messages from the front of a queue: marks them as released, or deletes them.
    struct RemoveFront<'a> {
        released: &'a [MessageId] => Array<SqlUuid>,
        dropped: &'a [MessageId] => Array<SqlUuid>,
        now: DateTime<Utc> => Timestamptz,
    }
    returns ();
    "WITH marked AS (
         UPDATE queued_sends SET released_at = {now}
         WHERE message_id = ANY ({released})
     )
     DELETE FROM queued_sends
     WHERE message_id = ANY ({dropped})"
}

/// Releases the messages that fit a sender's rate now, and returns when its job runs again.
///
/// The parts of each released message are charged here, and its send is enqueued; the claim of that
/// send charges nothing. A message leaves the queue without a charge if it is no longer pending (a
/// STOP), if it is too late (its claim expires it), or if its automation is off (it is held).
pub async fn release_fitting(
    closing: &mut Closing<'_>,
    sender: SenderId,
    now: DateTime<Utc>,
) -> Result<ReleaseOutcome> {
    release_front(closing, sender, &[], BATCH_SIZE, now).await
}

/// Releases only the first message of a queue, if it fits now, leaving out some messages.
pub async fn release_first(
    closing: &mut Closing<'_>,
    sender: SenderId,
    left_out: &[MessageId],
    now: DateTime<Utc>,
) -> Result<ReleaseOutcome> {
    release_front(closing, sender, left_out, (1, 1), now).await
}

/// The message that [`release_first`] would release.
pub async fn next_message(
    conn: &mut Conn,
    sender: SenderId,
    left_out: &[MessageId],
    now: DateTime<Utc>,
) -> Result<Option<MessageId>> {
    let last_flow: Option<Uuid> = throttles::table
        .find(sender)
        .select(throttles::last_flow)
        .first(conn)
        .await
        .optional()?
        .flatten();
    let front: Vec<Row> =
        Front { sender, last_flow, now, row_limit: 1, left_out }.load(conn).await?;
    Ok(front.as_slice().first().map(|row| row.0))
}

/// Whether a message waits in a queue.
pub async fn is_waiting(conn: &mut Conn, id: MessageId) -> Result<bool> {
    let waiting = queued_sends::table.find(id).filter(queued_sends::released_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(waiting)).get_result(conn).await?)
}

async fn release_front(
    closing: &mut Closing<'_>,
    sender: SenderId,
    left_out: &[MessageId],
    batch_size: (usize, usize),
    now: DateTime<Utc>,
) -> Result<ReleaseOutcome> {
    let Some((_, mut throttle)) = lock(closing, &[sender]).await?.pop() else {
        return Ok(ReleaseOutcome::Done);
    };
    let conn = closing.without_waiting();
    // Read after the lock: a transaction that switches the sender on, or changes its rate, either
    // waits for the lock or is visible.
    match sender_state(conn, sender).await? {
        SenderState::On { rate } => throttle.bucket.rate = rate,
        SenderState::Off => {
            stop_releasing(conn, sender).await?;
            return Ok(ReleaseOutcome::Done);
        }
    }
    let last_flow: Option<Uuid> =
        throttles::table.find(sender).select(throttles::last_flow).first(conn).await?;
    let row_limit = throttle.bucket.max_messages(now).clamp(batch_size.0, batch_size.1);
    let front = Front {
        sender,
        last_flow,
        now,
        row_limit: i64::try_from(row_limit).unwrap_or(i64::MAX),
        left_out,
    };
    let front: Vec<Row> = front.load(conn).await?;
    let reached_end = front.len() < row_limit;
    if reached_end && !left_out.is_empty() {
        // Only messages that are left out remain.
        return Ok(ReleaseOutcome::MoreAt(now + LEFT_OUT_PAUSE));
    }
    let taken = choose(&mut throttle, front, last_flow, now);
    remove_front(conn, &taken, now).await?;

    let is_empty = reached_end && taken.next_fits_at.is_none();
    update_throttle(conn, sender, &throttle, &taken, is_empty).await?;
    if is_empty {
        return Ok(ReleaseOutcome::Done);
    }
    // If every message that was read fits, more may fit: continue at once.
    Ok(ReleaseOutcome::MoreAt(taken.next_fits_at.map_or(now, |at| at.max(now + RELEASE_INTERVAL))))
}

/// The messages that leave the queue.
#[derive(Default)]
struct Taken {
    released: Vec<MessageId>,
    dropped: Vec<MessageId>,
    parts: i64,
    last_flow: Option<Uuid>,
    /// When the first message that stays fits; none if all that were read leave.
    next_fits_at: Option<DateTime<Utc>>,
}

fn choose(
    throttle: &mut SenderThrottle,
    front: Vec<Row>,
    last_flow: Option<Uuid>,
    now: DateTime<Utc>,
) -> Taken {
    let mut taken = Taken { last_flow, ..Taken::default() };
    for (id, flow, parts, is_pending, runs, is_late) in front {
        if !is_pending || !runs {
            taken.dropped.push(id);
        } else if is_late {
            taken.released.push(id);
        } else if throttle.bucket.fits(parts, now) {
            throttle.bucket.charge(parts, now);
            taken.released.push(id);
            taken.last_flow = Some(flow);
        } else {
            taken.next_fits_at = Some(throttle.bucket.fits_at(parts));
            break;
        }
        taken.parts += i64::from(parts);
    }
    taken
}

/// Whether a sender may send at the moment.
enum SenderState {
    /// It may, at this rate, or at any if it has none.
    On { rate: Option<PartsPerSecond> },
    /// It may not: the sender or its connection is off.
    Off,
}

async fn sender_state(conn: &mut Conn, sender: SenderId) -> Result<SenderState> {
    let on = senders::table
        .inner_join(connections::table)
        .filter(senders::id.eq(sender))
        .filter(senders::disabled_at.is_null().and(senders::stopped_at.is_null()))
        .filter(connections::disabled_at.is_null().and(connections::stopped_at.is_null()));
    let rate: Option<Option<PartsPerSecond>> =
        on.select(senders::parts_per_second).first(conn).await.optional()?;
    Ok(rate.map_or(SenderState::Off, |rate| SenderState::On { rate }))
}

async fn stop_releasing(conn: &mut Conn, sender: SenderId) -> Result<()> {
    diesel::update(throttles::table.find(sender))
        .set(throttles::releasing.eq(false))
        .execute(conn)
        .await?;
    Ok(())
}

async fn remove_front(conn: &mut Conn, taken: &Taken, now: DateTime<Utc>) -> Result<()> {
    if taken.released.is_empty() && taken.dropped.is_empty() {
        return Ok(());
    }
    RemoveFront { released: &taken.released, dropped: &taken.dropped, now }.execute(conn).await?;
    queue::enqueue_sends(conn, &taken.released, now).await
}

async fn update_throttle(
    conn: &mut Conn,
    sender: SenderId,
    throttle: &SenderThrottle,
    taken: &Taken,
    is_empty: bool,
) -> Result<()> {
    let row = diesel::update(throttles::table.find(sender));
    let spent =
        (throttles::free_at.eq(throttle.bucket.free_at), throttles::last_flow.eq(taken.last_flow));
    if is_empty {
        let nothing = (
            throttles::waiting_messages.eq(0),
            throttles::waiting_parts.eq(0),
            throttles::releasing.eq(false),
        );
        row.set((spent, nothing)).execute(conn).await?;
    } else {
        let messages = i64::try_from(taken.released.len() + taken.dropped.len()).unwrap_or(0);
        let fewer = (
            throttles::waiting_messages.eq(throttles::waiting_messages - messages),
            throttles::waiting_parts.eq(throttles::waiting_parts - taken.parts),
        );
        row.set((spent, fewer)).execute(conn).await?;
    }
    Ok(())
}
