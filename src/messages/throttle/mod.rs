//! The throttle: what is sent from a sender keeps to its rate of SMS parts per second, shared by
//! all workers and all automations.
//!
//! A sender's row in `throttles` is locked by whoever spends its rate ([`bucket`] is the
//! arithmetic), last in the transaction and in the order of the ids, so that nobody waits in a
//! circle. A claim lets go what fits and puts the rest into the sender's queue ([`admit`]); while
//! messages wait there, newcomers go to its end. One job per congested sender lets them go as the
//! rate allows, in turns of automations ([`release`]): it charges their parts and marks them, and
//! their next claim lets them through. [`figures`] is what people see of a queue. Senders without a
//! rate have no row and cost nothing.

pub(super) mod admit;
mod bucket;
pub mod figures;
pub mod release;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::schema::{jobs, throttles};
use crate::db::statement::statement;
use crate::error::Result;
use crate::queue::{self, Job, JobKind, NewJob};
use crate::senders::PartsPerSecond;
use crate::types::id::SenderId;
use bucket::Bucket;

/// A sender's row, locked until the transaction ends.
#[derive(Debug)]
struct Throttle {
    bucket: Bucket,
    waiting_messages: i64,
    releasing: bool,
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

/// Locks the throttles of those senders that have one. Whoever locks some waits for nothing else
/// until the transaction ends.
async fn lock(conn: &mut Conn, senders: &[SenderId]) -> Result<Vec<(SenderId, Throttle)>> {
    let rows: Vec<Row> = Lock { senders }.load(conn).await?;
    let throttle = |(id, free_at, waiting_messages, releasing, rate)| {
        let bucket = Bucket { rate, free_at };
        (id, Throttle { bucket, waiting_messages, releasing })
    };
    Ok(rows.into_iter().map(throttle).collect())
}

/// Sees to it that what waits for these senders is released: each that has a queue gets its job,
/// unless it has one.
///
/// It locks their throttles, so that what is read after it is what releases and claims have left
/// behind.
pub(super) async fn keep_releasing(
    conn: &mut Conn,
    senders: &[SenderId],
    now: DateTime<Utc>,
) -> Result<()> {
    let locked = lock(conn, senders).await?;
    let idle = locked
        .iter()
        .filter(|(_, throttle)| throttle.waiting_messages > 0 && !throttle.releasing)
        .map(|(id, _)| *id);
    start_releasing(conn, &idle.collect::<Vec<_>>(), now, now).await
}

statement! {
    /// Lets senders that nobody is spending at this moment send nothing until then.
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

/// Lets senders with a rate send nothing until then, since their queues at Twilio are full.
///
/// One that is being spent just now is passed over: waiting for it could be waiting in a circle,
/// and its next refusal comes soon.
pub async fn pause(conn: &mut Conn, senders: &[SenderId], until: DateTime<Utc>) -> Result<()> {
    if !senders.is_empty() {
        Pause { until, senders }.execute(conn).await?;
    }
    Ok(())
}

/// Enqueues the job that releases what waits; the throttles are locked and have none.
async fn start_releasing(
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

/// Lets what waits for a sender go by its present rate, at once; call it in the transaction that
/// changes the rate.
pub async fn follow_new_rate(conn: &mut Conn, sender: SenderId, now: DateTime<Utc>) -> Result<()> {
    let Some((_, throttle)) = lock(conn, &[sender]).await?.pop() else { return Ok(()) };
    // A debt was run up at the old rate: at the new one it would be worth another time.
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
