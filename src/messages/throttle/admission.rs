//! Admission: of the messages that are claimed from senders with a rate, those that fit go now, and
//! the rest joins the queue.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Int2, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::release_jobs::start_releasing;
use super::sender_throttle::{SenderThrottle, lock, lock_all};
use crate::db::schema::throttles;
use crate::db::statement::statement;
use crate::db::{Closing, Conn};
use crate::error::Result;
use crate::messages::claim::{Capacity, ClaimOutcome, ClaimedMessage};
use crate::types::id::{MessageId, SenderId, WorkerId};

/// A message that may be claimed if its sender's rate allows; its row is locked.
#[derive(Debug)]
pub(in crate::messages) struct Candidate {
    /// The message as it would be claimed; the number of the attempt is not known yet.
    pub(in crate::messages) claimed: ClaimedMessage,
    /// The flow that it queues in: the id of its automation, or nil for a one-off message. The
    /// flows of a queue take turns.
    pub(in crate::messages) flow: Uuid,
}

statement! {
    /// Moves messages to `submitting`, each with an attempt.
    struct Submit<'a> {
        ids: &'a [MessageId] => Array<SqlUuid>,
        worker: WorkerId => SqlUuid,
        now: DateTime<Utc> => Timestamptz,
    }
    returns (SqlUuid, Int2);
    "WITH going AS (
         SELECT id FROM unnest({ids}) AS g (id)
     ), moved AS (
         UPDATE messages m SET status = 'submitting', reason = NULL, status_at = {now}
         FROM going
         WHERE m.id = going.id
     )
     INSERT INTO attempts (message_id, number, worker_id, claimed_at)
     SELECT id,
         1 + (SELECT coalesce(max(number), 0) FROM attempts WHERE message_id = going.id),
         {worker}, {now}
     FROM going
     RETURNING message_id, number"
}

statement! {
    /// Appends messages to their senders' queues, in this order.
    struct AppendToQueue {
        queued: batch of AppendRow {
            message_id: MessageId => SqlUuid,
            sender_id: SenderId => SqlUuid,
            flow: Uuid => SqlUuid,
            parts: i16 => Int2,
        },
        now: DateTime<Utc> => Timestamptz,
    }
    returns ();
    "INSERT INTO queued_sends (message_id, sender_id, flow, parts, queued_at)
     SELECT message_id, sender_id, flow, parts, {now}
     FROM unnest({queued.message_id}, {queued.sender_id}, {queued.flow}, {queued.parts})
         WITH ORDINALITY AS queued (message_id, sender_id, flow, parts, place)
     ORDER BY place"
}

statement! {
    /// Updates how far the senders' rates are used up, and how much waits.
    struct UpdateThrottles {
        spent: batch of ThrottleRow {
            sender_id: SenderId => SqlUuid,
            free_at: DateTime<Utc> => Timestamptz,
            messages: i64 => BigInt,
            parts: i64 => BigInt,
        },
    }
    returns ();
    "UPDATE throttles t
     SET free_at = spent.free_at,
         waiting_messages = t.waiting_messages + spent.messages,
         waiting_parts = t.waiting_parts + spent.parts
     FROM {spent}
     WHERE t.sender_id = spent.sender_id"
}

/// Claims the candidates that fit the rates of their senders and the capacity, and queues the
/// others; returns one [`ClaimOutcome`] for each.
pub(in crate::messages) async fn admit(
    closing: &mut Closing<'_>,
    mut candidates: Vec<Candidate>,
    capacity: &mut Capacity,
    worker: WorkerId,
    now: DateTime<Utc>,
) -> Result<Vec<(MessageId, ClaimOutcome)>> {
    candidates.sort_by_key(|candidate| candidate.claimed.message_id);
    let mut locked_throttles = LockedThrottles::lock(closing, &candidates, now).await?;
    let (mut going, mut answers) = (Vec::new(), Vec::new());
    for candidate in candidates {
        let id = candidate.claimed.message_id;
        match locked_throttles.admit(&candidate, capacity, now) {
            Admission::Now => going.push(candidate.claimed),
            Admission::Queued => answers.push((id, ClaimOutcome::Queued)),
            Admission::AtCapacity => {
                answers.push((id, ClaimOutcome::AtCapacity(candidate.claimed.connection_id)));
            }
        }
    }
    let conn = closing.without_waiting();
    answers.extend(submit(conn, going, worker, now).await?);
    locked_throttles.save(conn, now).await?;
    Ok(answers)
}

enum Admission {
    Now,
    Queued,
    AtCapacity,
}

/// The locked throttles, with what has been decided and not yet written.
struct LockedThrottles {
    throttles: HashMap<SenderId, ThrottleUse>,
    queued: Vec<AppendRow>,
}

struct ThrottleUse {
    throttle: SenderThrottle,
    messages: i64,
    parts: i64,
    /// When the first queued message fits, if the queue was empty before.
    first_fits_at: Option<DateTime<Utc>>,
}

impl LockedThrottles {
    async fn lock(
        closing: &mut Closing<'_>,
        candidates: &[Candidate],
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let mut senders: Vec<SenderId> =
            candidates.iter().map(|candidate| candidate.claimed.sender_id).collect();
        senders.sort_unstable();
        senders.dedup();
        let mut locked = lock_all(closing, &senders).await?;
        if locked.len() < senders.len() {
            // In id order, and before any is locked: an insert waits for another transaction that
            // creates the same row, which may wait for a locked one.
            let new: Vec<_> = senders
                .iter()
                .map(|id| (throttles::sender_id.eq(*id), throttles::free_at.eq(now)))
                .collect();
            diesel::insert_into(throttles::table)
                .values(new)
                .on_conflict_do_nothing()
                .execute(closing.without_waiting())
                .await?;
            locked = lock(closing, &senders).await?;
        }
        let spent = |(id, throttle)| {
            (id, ThrottleUse { throttle, messages: 0, parts: 0, first_fits_at: None })
        };
        Ok(Self { throttles: locked.into_iter().map(spent).collect(), queued: Vec::new() })
    }

    fn admit(
        &mut self,
        candidate: &Candidate,
        capacity: &mut Capacity,
        now: DateTime<Utc>,
    ) -> Admission {
        let ClaimedMessage { message_id, sender_id, connection_id, parts, .. } = candidate.claimed;
        let Some(spent) = self.throttles.get_mut(&sender_id) else { return Admission::AtCapacity };
        let ThrottleUse { throttle, .. } = spent;
        let has_queue =
            throttle.bucket.rate.is_some() && throttle.waiting_messages + spent.messages > 0;
        if !has_queue && throttle.bucket.fits(parts, now) {
            if !capacity.use_one(connection_id) {
                return Admission::AtCapacity;
            }
            throttle.bucket.charge(parts, now);
            return Admission::Now;
        }
        if !has_queue {
            spent.first_fits_at = Some(throttle.bucket.fits_at(parts).max(now));
        }
        spent.messages += 1;
        spent.parts += i64::from(parts);
        self.queued.push(AppendRow { message_id, sender_id, flow: candidate.flow, parts });
        Admission::Queued
    }

    async fn save(self, conn: &mut Conn, now: DateTime<Utc>) -> Result<()> {
        if !self.queued.is_empty() {
            AppendToQueue { queued: self.queued.into_iter().collect(), now }.execute(conn).await?;
        }
        let spent = self.throttles.iter().map(|(id, spent)| ThrottleRow {
            sender_id: *id,
            free_at: spent.throttle.bucket.free_at,
            messages: spent.messages,
            parts: spent.parts,
        });
        UpdateThrottles { spent: spent.collect() }.execute(conn).await?;
        for (id, spent) in &self.throttles {
            if let Some(run_at) = spent.first_fits_at.filter(|_| !spent.throttle.releasing) {
                start_releasing(conn, &[*id], run_at, now).await?;
            }
        }
        Ok(())
    }
}

async fn submit(
    conn: &mut Conn,
    going: Vec<ClaimedMessage>,
    worker: WorkerId,
    now: DateTime<Utc>,
) -> Result<Vec<(MessageId, ClaimOutcome)>> {
    if going.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<MessageId> = going.iter().map(|claimed| claimed.message_id).collect();
    let attempts: HashMap<MessageId, i16> = Submit { ids: &ids, worker, now }
        .load::<(MessageId, i16)>(conn)
        .await?
        .into_iter()
        .collect();
    let claims = going.into_iter().map(|claimed| {
        let attempt = attempts.get(&claimed.message_id).copied().unwrap_or(1);
        (claimed.message_id, ClaimOutcome::Claimed(Box::new(ClaimedMessage { attempt, ..claimed })))
    });
    Ok(claims.collect())
}
