//! Releasing: as a sender's rate allows, what waits in its queue goes on, in turns of those who
//! wait.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Int2, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Throttle, lock};
use crate::db::Conn;
use crate::db::schema::{connections, queued_sends, senders, throttles};
use crate::db::statement::statement;
use crate::error::Result;
use crate::queue;
use crate::senders::PartsPerSecond;
use crate::types::id::{MessageId, SenderId};

/// Between two releases of a queue, so that a fast sender's messages go in small heaps and not one
/// by one.
const PAUSE: TimeDelta = TimeDelta::milliseconds(200);

/// How long a queue rests of which only that is left that could not be released.
const LEFT_OUT_PAUSE: TimeDelta = TimeDelta::seconds(30);

/// How many messages are looked at in one transaction, at least and at most.
const LOOK: (usize, usize) = (50, 1_000);

/// What a release has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing waits, or the sender is off: its job is done.
    Nothing,
    /// More may go at this time.
    More(DateTime<Utc>),
}

/// A message at the front of the queue.
type Row = (MessageId, Uuid, i16, bool, bool, bool);

statement! {
    /// The front of a sender's queue in turns: the first of each flow, then the second of each,
    /// beginning after the flow that was last.
    ///
    /// Flows are found by skipping through the index, so that the length of the queue does not
    /// matter; what a plan could depend on is hidden in `edge`, so that one plan serves all. Each
    /// comes with its flow, its parts, whether it is pending still, whether its automation runs,
    /// and whether it is too late.
    struct Front<'a> {
        sender: SenderId => SqlUuid,
        last_flow: Option<Uuid> => Nullable<SqlUuid>,
        now: DateTime<Utc> => Timestamptz,
        look: i64 => BigInt,
        left_out: &'a [MessageId] => Array<SqlUuid>,
    }
    returns (SqlUuid, SqlUuid, Int2, Bool, Bool, Bool);
    "WITH RECURSIVE edge AS MATERIALIZED (
         SELECT {sender} AS sender_id, {look} AS look, {left_out} AS left_out
     ), flows AS (
         SELECT (
             SELECT q.flow
             FROM queued_sends q
             WHERE q.sender_id = edge.sender_id AND q.released_at IS NULL
             ORDER BY q.flow
             LIMIT 1
         ) AS flow
         FROM edge
         UNION ALL
         SELECT (
             SELECT q.flow
             FROM queued_sends q
             WHERE q.sender_id = edge.sender_id AND q.released_at IS NULL AND q.flow > flows.flow
             ORDER BY q.flow
             LIMIT 1
         )
         FROM flows, edge
         WHERE flows.flow IS NOT NULL
     ), front AS (
         SELECT first.message_id, first.parts, first.turn, flows.flow
         FROM flows
         CROSS JOIN edge
         CROSS JOIN LATERAL (
             SELECT heap.message_id, heap.parts, row_number() OVER (ORDER BY heap.position) AS turn
             FROM (
                 SELECT q.message_id, q.parts, q.position
                 FROM queued_sends q
                 WHERE q.sender_id = edge.sender_id
                   AND q.flow = flows.flow
                   AND q.released_at IS NULL
                   AND q.message_id <> ALL (edge.left_out)
                 ORDER BY q.sender_id, q.flow, q.position
                 LIMIT edge.look
             ) AS heap
         ) AS first
         WHERE flows.flow IS NOT NULL
         ORDER BY first.turn, coalesce(flows.flow <= {last_flow}, false), flows.flow
         LIMIT (SELECT look FROM edge)
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
    /// Takes messages off the front of a queue: marked as paid, or out altogether.
    struct TakeOff<'a> {
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

/// Releases what fits a sender's rate now, and says when its job runs again; in the caller's
/// transaction.
///
/// It charges the parts and enqueues the sending of the messages; their claims let them through
/// without charging them again. Free of charge leave: messages that are pending no more (a STOP),
/// those that are too late (their claims expire them), and those whose automation does not run
/// (they are held until it is woken). It locks the throttle and waits for nothing after it.
pub async fn release(conn: &mut Conn, sender: SenderId, now: DateTime<Utc>) -> Result<Left> {
    release_front(conn, sender, &[], LOOK, now).await
}

/// Releases the first message of a queue alone, if it fits now, some messages being left out.
pub async fn release_first(
    conn: &mut Conn,
    sender: SenderId,
    left_out: &[MessageId],
    now: DateTime<Utc>,
) -> Result<Left> {
    release_front(conn, sender, left_out, (1, 1), now).await
}

/// The message that [`release_first`] would release.
pub async fn first(
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
    let front: Vec<Row> = Front { sender, last_flow, now, look: 1, left_out }.load(conn).await?;
    Ok(front.as_slice().first().map(|row| row.0))
}

/// Whether a message stands in a queue.
pub async fn is_waiting(conn: &mut Conn, id: MessageId) -> Result<bool> {
    let waiting = queued_sends::table.find(id).filter(queued_sends::released_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(waiting)).get_result(conn).await?)
}

async fn release_front(
    conn: &mut Conn,
    sender: SenderId,
    left_out: &[MessageId],
    look: (usize, usize),
    now: DateTime<Utc>,
) -> Result<Left> {
    let Some((_, mut throttle)) = lock(conn, &[sender]).await?.pop() else {
        return Ok(Left::Nothing);
    };
    // Read after the lock: who switches the sender on again, or changes its rate, waits for the
    // lock or is seen.
    let Some(rate) = rate_if_on(conn, sender).await? else {
        stop_releasing(conn, sender).await?;
        return Ok(Left::Nothing);
    };
    throttle.bucket.rate = rate;
    let last_flow: Option<Uuid> =
        throttles::table.find(sender).select(throttles::last_flow).first(conn).await?;
    let look = throttle.bucket.room(now).clamp(look.0, look.1);
    let front =
        Front { sender, last_flow, now, look: i64::try_from(look).unwrap_or(i64::MAX), left_out };
    let front: Vec<Row> = front.load(conn).await?;
    let is_all = front.len() < look;
    if is_all && !left_out.is_empty() {
        // What is left out waits on.
        return Ok(Left::More(now + LEFT_OUT_PAUSE));
    }
    let taken = choose(&mut throttle, front, last_flow, now);
    take_off(conn, &taken, now).await?;

    let is_empty = is_all && taken.next_fits_at.is_none();
    note(conn, sender, &throttle, &taken, is_empty).await?;
    if is_empty {
        return Ok(Left::Nothing);
    }
    // Without a message that did not fit, only the look ended: go on at once.
    Ok(Left::More(taken.next_fits_at.map_or(now, |at| at.max(now + PAUSE))))
}

/// What leaves the queue.
#[derive(Default)]
struct Taken {
    released: Vec<MessageId>,
    dropped: Vec<MessageId>,
    parts: i64,
    last_flow: Option<Uuid>,
    /// When the first that stays fits; none if all that were looked at leave.
    next_fits_at: Option<DateTime<Utc>>,
}

fn choose(
    throttle: &mut Throttle,
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

/// The rate that the sender has now; none if it, or its connection, is off.
async fn rate_if_on(conn: &mut Conn, sender: SenderId) -> Result<Option<Option<PartsPerSecond>>> {
    let on = senders::table
        .inner_join(connections::table)
        .filter(senders::id.eq(sender))
        .filter(senders::disabled_at.is_null().and(senders::stopped_at.is_null()))
        .filter(connections::disabled_at.is_null().and(connections::stopped_at.is_null()));
    Ok(on.select(senders::parts_per_second).first(conn).await.optional()?)
}

async fn stop_releasing(conn: &mut Conn, sender: SenderId) -> Result<()> {
    diesel::update(throttles::table.find(sender))
        .set(throttles::releasing.eq(false))
        .execute(conn)
        .await?;
    Ok(())
}

async fn take_off(conn: &mut Conn, taken: &Taken, now: DateTime<Utc>) -> Result<()> {
    if taken.released.is_empty() && taken.dropped.is_empty() {
        return Ok(());
    }
    TakeOff { released: &taken.released, dropped: &taken.dropped, now }.execute(conn).await?;
    queue::enqueue_sends(conn, &taken.released, now).await
}

async fn note(
    conn: &mut Conn,
    sender: SenderId,
    throttle: &Throttle,
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
