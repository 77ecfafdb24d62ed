//! The fast path for accepted messages, the usual outcome of a call to Twilio: one statement
//! records a batch of them and deletes their jobs.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Int2, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::submit_outcome::SubmitOutcome;
use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::messages::error_policy;
use crate::messages::status::MessageStatus;
use crate::queue::lease::JobId;
use crate::twilio::Address;
use crate::types::id::MessageId;

statement! {
    /// Records messages that Twilio accepted and deletes their jobs, unless a callback was faster;
    /// returns the recorded messages. It writes the same as `Write` of the slow path.
    struct Accept<'a> {
        accepted: batch of Accepted<'a> {
            id: MessageId => SqlUuid,
            job: i64 => BigInt,
            status: MessageStatus => Text,
            sid: &'a str => Text,
            from_address: Option<String> => Nullable<Text>,
            attempt: i16 => Int2,
            request_id: Option<&'a str> => Nullable<Text>,
            duration_ms: i32 => Int4,
            finished_at: DateTime<Utc> => Timestamptz,
        },
    }
    returns SqlUuid;
    "WITH moved AS (
         UPDATE messages m
         SET status = accepted.status, status_at = accepted.finished_at, error_code = NULL,
             twilio_sid = accepted.sid,
             from_address = coalesce(m.from_address, accepted.from_address)
         FROM {accepted}
         WHERE m.id = accepted.id AND m.status = 'submitting' AND m.twilio_sid IS NULL
         RETURNING accepted.*
     ), closed AS (
         UPDATE attempts t
         SET finished_at = a.finished_at, outcome = 'accepted', http_status = 201,
             twilio_request_id = a.request_id, duration_ms = a.duration_ms
         FROM moved a
         WHERE t.message_id = a.id AND t.number = a.attempt
     ), noted AS (
         INSERT INTO delivery_events (message_id, status, source, applied, received_at)
         SELECT id, status, 'response', true, finished_at FROM moved
     ), ended AS (
         DELETE FROM jobs WHERE id = ANY (ARRAY(SELECT job FROM moved))
     )
     SELECT id FROM moved"
}

impl<'a> Accepted<'a> {
    /// The row of an outcome; none when more follows from the response than that Twilio has the
    /// message.
    fn of(job: JobId, outcome: &'a SubmitOutcome, now: DateTime<Utc>) -> Option<Self> {
        let created = outcome.answer.as_ref().ok()?;
        let decision = error_policy::decide(outcome, 0, now);
        let is_plain = decision.error_code.is_none()
            && decision.effect.is_none()
            && decision.retry_at.is_none();
        is_plain.then(|| Self {
            id: outcome.claimed.message_id,
            job: job.0,
            status: decision.status,
            sid: created.sid.as_str(),
            from_address: created.from.as_ref().map(Address::to_wire),
            attempt: outcome.claimed.attempt,
            request_id: outcome.request_id(),
            duration_ms: outcome.duration_ms,
            finished_at: outcome.finished_at,
        })
    }
}

/// Records the plain acceptances of a batch and ends their jobs, all committed on return. Returns
/// the recorded messages; the others need the slow path, [`record`](super::record()).
pub async fn record(
    mut conn: &Conn,
    outcomes: &[(JobId, &SubmitOutcome)],
    now: DateTime<Utc>,
) -> Result<HashSet<MessageId>> {
    let mut accepted: Vec<Accepted<'_>> =
        outcomes.iter().filter_map(|(job, outcome)| Accepted::of(*job, outcome, now)).collect();
    if accepted.is_empty() {
        return Ok(HashSet::new());
    }
    // In id order, so that two batches cannot deadlock.
    accepted.sort_unstable_by_key(|row| row.id);
    let accept = Accept { accepted: accepted.into_iter().collect() };
    let recorded: Vec<MessageId> = accept.load(&mut conn).await?;
    Ok(recorded.into_iter().collect())
}
