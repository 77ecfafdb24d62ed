//! [`QueueFigures`]: how much waits in a sender's queue, until when, and how much would be too
//! late.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::connections::SenderKind;
use crate::db::Conn;
use crate::db::schema::throttles;
use crate::db::statement::statement;
use crate::error::Result;
use crate::senders::{PartsPerSecond, Sender};
use crate::types::id::SenderId;

/// The longest queue in which expiring messages are counted, at 3 µs per message; in longer queues
/// they are estimated.
const MAX_COUNTED: i64 = 2_000;

/// What waits for a sender's rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct QueueFigures {
    /// Messages in the queue.
    pub waiting_messages: i64,
    /// Their SMS parts.
    pub waiting_parts: i64,
    /// When the last of them goes, if the sender stays on and no others arrive; none if nothing
    /// waits.
    pub empty_at: Option<DateTime<Utc>>,
    /// How many of them would by then have waited longer than their validity, and expire. Estimated
    /// for long queues.
    pub expiring_messages: i64,
}

impl QueueFigures {
    /// How long it takes to empty the queue.
    #[must_use]
    pub fn length(&self, now: DateTime<Utc>) -> TimeDelta {
        self.empty_at.map_or(TimeDelta::zero(), |at| (at - now).max(TimeDelta::zero()))
    }
}

/// How long Twilio itself keeps messages of such a sender before it drops them: 10 hours of the
/// sender's rate.
#[must_use]
pub const fn longest_at_twilio(kind: SenderKind) -> TimeDelta {
    match kind {
        SenderKind::PhoneNumber | SenderKind::MessagingService => TimeDelta::hours(10),
    }
}

statement! {
    /// Counts a sender's waiting messages that would expire before their turn.
    struct Expiring {
        sender: SenderId => SqlUuid,
        free_at: DateTime<Utc> => Timestamptz,
        rate: f64 => Double,
    }
    returns BigInt;
    "WITH waiting AS (
         SELECT message_id, parts, flow,
             row_number() OVER (PARTITION BY flow ORDER BY position) AS turn
         FROM queued_sends
         WHERE sender_id = {sender} AND released_at IS NULL
     ), placed AS (
         SELECT message_id, sum(parts) OVER (ORDER BY turn, flow) - parts AS parts_before
         FROM waiting
     )
     SELECT count(*)
     FROM placed p
     JOIN messages m ON m.id = p.message_id
     JOIN senders s ON s.id = {sender}
     WHERE m.created_at + s.validity_minutes * interval '1 minute'
         <= {free_at} + p.parts_before / {rate} * interval '1 second'"
}

/// Reads the queue of one sender.
pub async fn of_sender(
    conn: &mut Conn,
    sender: &Sender,
    now: DateTime<Utc>,
) -> Result<QueueFigures> {
    Ok(of_senders(conn, std::slice::from_ref(sender), now)
        .await?
        .remove(&sender.id)
        .unwrap_or_default())
}

/// Reads the queues of the senders that have one, by sender.
pub async fn of_senders(
    conn: &mut Conn,
    senders: &[Sender],
    now: DateTime<Utc>,
) -> Result<HashMap<SenderId, QueueFigures>> {
    let ids: Vec<SenderId> = senders.iter().map(|sender| sender.id).collect();
    let rows: Vec<(SenderId, DateTime<Utc>, i64, i64)> = throttles::table
        .filter(throttles::sender_id.eq_any(ids))
        .filter(throttles::waiting_messages.gt(0))
        .select((
            throttles::sender_id,
            throttles::free_at,
            throttles::waiting_messages,
            throttles::waiting_parts,
        ))
        .load(conn)
        .await?;
    let mut queues = HashMap::new();
    for (id, free_at, waiting_messages, waiting_parts) in rows {
        let Some(sender) = senders.iter().find(|sender| sender.id == id) else { continue };
        let mut queue = QueueFigures {
            waiting_messages,
            waiting_parts,
            empty_at: Some(now),
            expiring_messages: 0,
        };
        if let Some(rate) = sender.parts_per_second {
            let begin = free_at.max(now);
            let length = rate.time_for(waiting_parts);
            queue.empty_at = Some(begin + length);
            queue.expiring_messages = expiring(conn, sender, rate, begin, &queue).await?;
        }
        queues.insert(id, queue);
    }
    Ok(queues)
}

async fn expiring(
    conn: &mut Conn,
    sender: &Sender,
    rate: PartsPerSecond,
    begin: DateTime<Utc>,
    queue: &QueueFigures,
) -> Result<i64> {
    if queue.waiting_messages <= MAX_COUNTED {
        return Ok(Expiring { sender: sender.id, free_at: begin, rate: rate.get() }
            .get_result(conn)
            .await?);
    }
    let length = rate.time_for(queue.waiting_parts).num_seconds().max(1);
    let late = (length - sender.validity.duration().num_seconds()).max(0);
    let share = i128::from(queue.waiting_messages) * i128::from(late) / i128::from(length);
    Ok(i64::try_from(share).unwrap_or(queue.waiting_messages))
}
