//! [`SenderThrottle`]: a sender's row of `throttles`, and what changes it besides claims and
//! releases: a refusal by Twilio's full queue, and a new rate.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::leaky_bucket::LeakyBucket;
use crate::db::schema::{jobs, throttles};
use crate::db::statement::statement;
use crate::db::{Closing, Conn};
use crate::error::Result;
use crate::queue::{self, Job, JobKind, NewJob};
use crate::senders::PartsPerSecond;
use crate::types::id::SenderId;

/// A sender's row of `throttles`, locked until the transaction ends.
#[derive(Debug)]
pub(super) struct SenderThrottle {
    /// The sender's rate, and how far it is used up.
    pub(super) bucket: LeakyBucket,
    /// How many messages wait in the sender's queue.
    pub(super) waiting_messages: i64,
    /// Whether the queue has its release job.
    pub(super) releasing: bool,
}

type Row = (SenderId, DateTime<Utc>, i64, bool, Option<PartsPerSecond>);

statement! {
    /// Locks senders' throttles in the order of their ids.
    struct Lock<'a> { senders: &'a [SenderId] => Array<SqlUuid> }
    returns (SqlUuid, Timestamptz, BigInt, Bool, Nullable<Double>);
    "SELECT t.sender_id, t.free_at, t.waiting_messages, t.releasing, s.parts_per_second
     FROM throttles t
     JOIN senders s ON s.id = t.sender_id
     WHERE t.sender_id = ANY ({senders})
     ORDER BY t.sender_id
     FOR NO KEY UPDATE OF t"
}

/// Locks the throttles of the senders that have one, the only locks for which a closing transaction
/// waits.
pub(super) async fn lock(
    closing: &mut Closing<'_>,
    senders: &[SenderId],
) -> Result<Vec<(SenderId, SenderThrottle)>> {
    let rows: Vec<Row> = Lock { senders }.load(closing.without_waiting()).await?;
    let throttle = |(id, free_at, waiting_messages, releasing, rate)| {
        let bucket = LeakyBucket { rate, free_at };
        (id, SenderThrottle { bucket, waiting_messages, releasing })
    };
    Ok(rows.into_iter().map(throttle).collect())
}

/// Makes sure that every sender with a queue has its release job.
///
/// It locks the throttles, so that later reads see what releases and claims have written.
pub(in crate::messages) async fn ensure_releasing(
    closing: &mut Closing<'_>,
    senders: &[SenderId],
    now: DateTime<Utc>,
) -> Result<()> {
    let locked = lock(closing, senders).await?;
    let idle = locked
        .iter()
        .filter(|(_, throttle)| throttle.waiting_messages > 0 && !throttle.releasing)
        .map(|(id, _)| *id);
    start_releasing(closing.without_waiting(), &idle.collect::<Vec<_>>(), now, now).await
}

statement! {
    /// Pauses senders until a time, except those whose throttle is locked.
    struct Pause<'a> {
        until: DateTime<Utc> => Timestamptz,
        senders: &'a [SenderId] => Array<SqlUuid>,
    }
    returns ();
    "UPDATE throttles t SET free_at = greatest(t.free_at, {until})
     FROM (
         SELECT sender_id
         FROM throttles
         WHERE sender_id = ANY ({senders})
         FOR NO KEY UPDATE SKIP LOCKED
     ) AS idle
     WHERE t.sender_id = idle.sender_id"
}

/// Pauses senders with a rate until a time, because their queues at Twilio are full.
///
/// It skips a sender whose throttle is locked: waiting could deadlock, and its next refusal comes
/// soon.
pub async fn pause(
    closing: &mut Closing<'_>,
    senders: &[SenderId],
    until: DateTime<Utc>,
) -> Result<()> {
    if !senders.is_empty() {
        Pause { until, senders }.execute(closing.without_waiting()).await?;
    }
    Ok(())
}

/// Enqueues the release job of senders, whose throttles are locked and have none.
pub(super) async fn start_releasing(
    conn: &mut Conn,
    senders: &[SenderId],
    run_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    if senders.is_empty() {
        return Ok(());
    }
    diesel::update(throttles::table.filter(throttles::sender_id.eq_any(senders)))
        .set(throttles::releasing.eq(true))
        .execute(conn)
        .await?;
    let jobs: Vec<NewJob> =
        senders.iter().map(|id| NewJob { job: Job::Release(*id), run_at }).collect();
    queue::enqueue(conn, &jobs, now).await
}

/// Applies a new rate to what waits for a sender, at once; call it in the transaction that changes
/// the rate.
pub async fn follow_new_rate(
    closing: &mut Closing<'_>,
    sender: SenderId,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some((_, throttle)) = lock(closing, &[sender]).await?.pop() else { return Ok(()) };
    let conn = closing.without_waiting();
    // The debt was computed at the old rate, and would mean another time at the new one.
    let free_at = throttle.bucket.free_at.min(now);
    diesel::update(throttles::table.find(sender))
        .set(throttles::free_at.eq(free_at))
        .execute(conn)
        .await?;
    let waiting_job = jobs::table
        .filter(jobs::kind.eq(JobKind::Release.as_str()))
        .filter(jobs::subject.eq(sender.0))
        .filter(jobs::worker_id.is_null())
        .filter(jobs::run_at.gt(now));
    diesel::update(waiting_job).set(jobs::run_at.eq(now)).execute(conn).await?;
    Ok(())
}
