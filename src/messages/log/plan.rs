//! What is planned for a message that waits: when a worker takes it, or that its job was given up.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::messages::message::Message;
use crate::messages::status::MessageStatus;
use crate::types::id::MessageId;

/// What is planned for a message that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// A worker takes it in hand then, to send it or to ask Twilio about it.
    At(DateTime<Utc>),
    /// Its job failed, and stays so until somebody tries it again.
    GivenUp,
    /// Nothing, or too much before it.
    Unknown,
}

/// Jobs are found by when they are due or failed, not by what they are about: as many are looked
/// through for one message.
const JOBS: i64 = 10_000;

statement! {
    /// The job of a message among those under way, among those that fall due after its status
    /// changed, and among those that failed. No index names a job's subject, which changes when a
    /// job becomes the next one.
    struct FindJob {
        message: MessageId => SqlUuid,
        since: DateTime<Utc> => Timestamptz,
        most: i64 => BigInt,
    }
    returns (Nullable<Timestamptz>, Nullable<Bool>);
    "SELECT min(near.run_at) FILTER (WHERE near.failed_at IS NULL),
         bool_or(near.failed_at IS NOT NULL)
     FROM (
         (SELECT subject, kind, run_at, failed_at
          FROM jobs
          WHERE worker_id IS NULL AND failed_at IS NULL AND run_at >= {since}
          ORDER BY run_at, id
          LIMIT {most})
         UNION ALL
         SELECT subject, kind, run_at, failed_at
         FROM jobs
         WHERE worker_id IS NOT NULL AND failed_at IS NULL
         UNION ALL
         (SELECT subject, kind, run_at, failed_at
          FROM jobs
          WHERE failed_at >= {since}
          ORDER BY failed_at, id
          LIMIT {most})
     ) AS near
     WHERE near.subject = {message} AND near.kind IN ('send', 'settle')"
}

/// What is planned for a message that waits to be sent, or for Twilio's word about it.
pub async fn plan(conn: &mut Conn, message: &Message) -> Result<Plan> {
    if !matches!(message.status, MessageStatus::Pending | MessageStatus::Unconfirmed) {
        return Ok(Plan::Unknown);
    }
    // Its job was enqueued as its status changed, by the same clock, and for then or later.
    let since = message.status_at - TimeDelta::seconds(1);
    let (due, failed): (Option<DateTime<Utc>>, Option<bool>) =
        FindJob { message: message.id, since, most: JOBS }.get_result(conn).await?;
    Ok(match due {
        Some(due) => Plan::At(due),
        None if failed == Some(true) => Plan::GivenUp,
        None => Plan::Unknown,
    })
}
