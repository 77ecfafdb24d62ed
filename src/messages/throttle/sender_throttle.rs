//! The state of a sender's throttle, a row of `throttles`: locking it, and pausing the sender.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::leaky_bucket::LeakyBucket;
use crate::db::Closing;
use crate::db::statement::statement;
use crate::error::Result;
use crate::senders::PartsPerSecond;
use crate::types::id::SenderId;

/// A sender's row of `throttles`, locked until the transaction ends.
#[derive(Debug)]
pub(super) struct SenderThrottle {
    /// The sender's rate, and when its next message fits.
    pub(super) bucket: LeakyBucket,
    /// How many messages wait in the sender's queue.
    pub(super) waiting_messages: i64,
    /// Whether a release job exists for the queue.
    pub(super) releasing: bool,
}

type Row = (SenderId, DateTime<Utc>, i64, bool, Option<PartsPerSecond>);

statement! {
    /// Locks senders' throttles in the order of their ids; none if fewer than `at_least` exist.
    struct Lock<'a> {
        senders: &'a [SenderId] => Array<SqlUuid>,
        at_least: i64 => BigInt,
    }
    returns (SqlUuid, Timestamptz, BigInt, Bool, Nullable<Double>);
    "SELECT t.sender_id, t.free_at, t.waiting_messages, t.releasing, s.parts_per_second
     FROM throttles t
     JOIN senders s ON s.id = t.sender_id
     WHERE t.sender_id = ANY ({senders})
       AND (SELECT count(*) FROM throttles WHERE sender_id = ANY ({senders})) >= {at_least}
     ORDER BY t.sender_id
     FOR NO KEY UPDATE OF t"
}

/// Locks the throttles of those senders that have one. A closing transaction waits for no other
/// locks.
pub(super) async fn lock(
    closing: &mut Closing<'_>,
    senders: &[SenderId],
) -> Result<Vec<(SenderId, SenderThrottle)>> {
    lock_at_least(closing, senders, 0).await
}

/// Locks the throttles of all these senders, or none if one of them has none, so that it can be
/// created while no throttle is locked.
pub(super) async fn lock_all(
    closing: &mut Closing<'_>,
    senders: &[SenderId],
) -> Result<Vec<(SenderId, SenderThrottle)>> {
    lock_at_least(closing, senders, i64::try_from(senders.len()).unwrap_or(i64::MAX)).await
}

async fn lock_at_least(
    closing: &mut Closing<'_>,
    senders: &[SenderId],
    at_least: i64,
) -> Result<Vec<(SenderId, SenderThrottle)>> {
    let rows: Vec<Row> = Lock { senders, at_least }.load(closing.without_waiting()).await?;
    let throttle = |(id, free_at, waiting_messages, releasing, rate)| {
        let bucket = LeakyBucket { rate, free_at };
        (id, SenderThrottle { bucket, waiting_messages, releasing })
    };
    Ok(rows.into_iter().map(throttle).collect())
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
/// It skips senders whose throttle is locked: waiting could deadlock, and Twilio soon refuses the
/// next message of such a sender.
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
