//! [`NextJob`]: when a worker will next handle a waiting message, or that its job has failed.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::messages::message::Message;
use crate::messages::status::MessageStatus;
use crate::types::id::MessageId;

/// What happens next with a waiting message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextJob {
    /// A worker handles it at this time: it sends the message, or asks Twilio about it.
    At(DateTime<Utc>),
    /// Its job failed, and waits until an admin retries it.
    GivenUp,
    /// Nothing is planned, or too many other jobs are due earlier.
    Unknown,
}

/// How many jobs to scan for one message: indexes order jobs by when they are due or failed, not by
/// their subject.
const SCAN_LIMIT: i64 = 10_000;

statement! {
    /// Finds the job of a message among leased jobs, jobs due after the status changed, and failed
    /// jobs. No index covers a job's subject, which changes when a job becomes the next one.
    struct FindJob {
        message: MessageId => SqlUuid,
        since: DateTime<Utc> => Timestamptz,
        scan_limit: i64 => BigInt,
    }
    returns (Nullable<Timestamptz>, Nullable<Bool>);
    "SELECT min(near.run_at) FILTER (WHERE near.failed_at IS NULL),
         bool_or(near.failed_at IS NOT NULL)
     FROM (
         (SELECT subject, kind, run_at, failed_at
          FROM jobs
          WHERE worker_id IS NULL AND failed_at IS NULL AND run_at >= {since}
          ORDER BY run_at, id
          LIMIT {scan_limit})
         UNION ALL
         SELECT subject, kind, run_at, failed_at
         FROM jobs
         WHERE worker_id IS NOT NULL AND failed_at IS NULL
         UNION ALL
         (SELECT subject, kind, run_at, failed_at
          FROM jobs
          WHERE failed_at >= {since}
          ORDER BY failed_at, id
          LIMIT {scan_limit})
     ) AS near
     WHERE near.subject = {message} AND near.kind IN ('send', 'settle')"
}

/// What happens next with a message that waits to be sent or confirmed.
pub async fn find(conn: &mut Conn, message: &Message) -> Result<NextJob> {
    if !matches!(message.status, MessageStatus::Pending | MessageStatus::Unconfirmed) {
        return Ok(NextJob::Unknown);
    }
    // The job was enqueued when the status changed, by the same clock, to run then or later.
    let since = message.status_at - TimeDelta::seconds(1);
    let (due, failed): (Option<DateTime<Utc>>, Option<bool>) =
        FindJob { message: message.id, since, scan_limit: SCAN_LIMIT }.get_result(conn).await?;
    Ok(match due {
        Some(due) => NextJob::At(due),
        None if failed == Some(true) => NextJob::GivenUp,
        None => NextJob::Unknown,
    })
}
