//! Automatic retry: a message that Twilio accepted and then dropped before a carrier had it gets a
//! new attempt.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Int4, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::queue::{self, Job, NewJob};
use crate::types::id::MessageId;

/// A message that goes back to `pending` for another attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::messages) struct PlannedRetry {
    pub(in crate::messages) message_id: MessageId,
    /// The SID of what Twilio dropped; reports about it no longer move the message.
    pub(in crate::messages) dropped_sid: String,
    /// Twilio's error code for it.
    pub(in crate::messages) error_code: i32,
    /// When the next attempt is due.
    pub(in crate::messages) at: DateTime<Utc>,
}

statement! {
    /// Returns messages to `pending`. Closes an attempt without a response as accepted, because the
    /// report proves that Twilio accepted it.
    struct ReturnToPending<'a> {
        retry: batch of ReturnRow<'a> {
            id: MessageId => SqlUuid,
            sid: &'a str => Text,
            error_code: i32 => Int4,
        },
        now: DateTime<Utc> => Timestamptz,
    }
    returns ();
    "WITH dropped AS (
         SELECT * FROM {retry}
     ), noted AS (
         INSERT INTO delivery_events (message_id, status, source, applied, received_at)
         SELECT id, 'pending', 'carillon', true, {now} FROM dropped
     ), closed AS (
         UPDATE attempts t SET finished_at = {now}, outcome = 'accepted'
         FROM dropped d
         WHERE t.message_id = d.id AND t.finished_at IS NULL
     )
     UPDATE messages m
     SET status = 'pending', status_at = {now}, error_code = d.error_code, reason = NULL,
         twilio_sid = NULL, from_address = NULL, former_sids = array_append(m.former_sids, d.sid)
     FROM dropped d
     WHERE m.id = d.id"
}

/// Returns locked messages to `pending`, with a job for each, in the caller's transaction.
pub(in crate::messages) async fn return_to_pending(
    conn: &mut Conn,
    retries: &[PlannedRetry],
    now: DateTime<Utc>,
) -> Result<()> {
    if retries.is_empty() {
        return Ok(());
    }
    let rows = retries.iter().map(|retry| ReturnRow {
        id: retry.message_id,
        sid: retry.dropped_sid.as_str(),
        error_code: retry.error_code,
    });
    ReturnToPending { retry: rows.collect(), now }.execute(conn).await?;
    let jobs: Vec<NewJob> = retries
        .iter()
        .map(|retry| NewJob { job: Job::Send(retry.message_id), run_at: retry.at })
        .collect();
    queue::enqueue(conn, &jobs, now).await
}
