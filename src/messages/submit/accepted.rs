//! Accepted messages: what nearly every call to Twilio comes to. One statement records a batch of
//! them and ends their jobs.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Int2, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::{Outcome, request_id};
use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::messages::policy;
use crate::messages::status::MessageStatus;
use crate::queue::lease::JobId;
use crate::twilio::Address;
use crate::types::id::MessageId;

statement! {
    /// Records that Twilio has messages, and deletes their jobs, where no callback was faster;
    /// returns those messages. It writes what [`Write`](super::Write) would write of them.
    struct Accept<'a> {
        ids: &'a [MessageId] => Array<SqlUuid>,
        jobs: &'a [i64] => Array<BigInt>,
        statuses: &'a [MessageStatus] => Array<Text>,
        sids: &'a [&'a str] => Array<Text>,
        from_addresses: &'a [Option<String>] => Array<Nullable<Text>>,
        attempts: &'a [i16] => Array<Int2>,
        request_ids: &'a [Option<&'a str>] => Array<Nullable<Text>>,
        durations: &'a [i32] => Array<Int4>,
        finished_ats: &'a [DateTime<Utc>] => Array<Timestamptz>,
    }
    returns SqlUuid;
    "WITH accepted AS (
        SELECT * FROM unnest({}::uuid[], {}::bigint[], {}::text[], {}::text[], {}::text[],
            {}::smallint[], {}::text[], {}::int[], {}::timestamptz[])
            AS a (id, job, status, sid, from_address, attempt, request_id, duration_ms, finished_at)
     ), moved AS (
        UPDATE messages m SET status = a.status, status_at = a.finished_at, error_code = NULL,
            twilio_sid = a.sid,
            from_address = coalesce(m.from_address, a.from_address)
        FROM accepted a WHERE m.id = a.id AND m.status = 'submitting' AND m.twilio_sid IS NULL
        RETURNING a.*
     ), closed AS (
        UPDATE attempts t SET finished_at = a.finished_at, outcome = 'accepted', http_status = 201,
            twilio_request_id = a.request_id,
            duration_ms = a.duration_ms
        FROM moved a WHERE t.message_id = a.id AND t.number = a.attempt
     ), noted AS (
        INSERT INTO delivery_events (message_id, status, source, applied, received_at)
        SELECT id, status, 'response', true, finished_at FROM moved
     ), ended AS (
        DELETE FROM jobs WHERE id = ANY (ARRAY(SELECT job FROM moved))
     )
     SELECT id FROM moved"
}

/// What [`record`] needs to know of an accepted message.
struct Accepted<'a> {
    job: JobId,
    outcome: &'a Outcome,
    status: MessageStatus,
    sid: &'a str,
    from_address: Option<String>,
}

impl<'a> Accepted<'a> {
    /// None where more follows from the answer than that Twilio has the message.
    fn of(job: JobId, outcome: &'a Outcome, now: DateTime<Utc>) -> Option<Self> {
        let created = outcome.answer.as_ref().ok()?;
        let decision = policy::decide(outcome, 0, now);
        let plain = decision.error_code.is_none()
            && decision.effect.is_none()
            && decision.retry_at.is_none();
        let from_address = created.from.as_ref().map(Address::to_wire);
        plain.then(|| Self {
            job,
            outcome,
            status: decision.status,
            sid: created.sid.as_str(),
            from_address,
        })
    }
}

/// Records those outcomes of a batch that say nothing but that Twilio has the message, and ends
/// their jobs; they are committed when this returns. Returns the messages; the others are for
/// [`record`](super::record).
pub async fn record(
    mut conn: &Conn,
    outcomes: &[(JobId, &Outcome)],
    now: DateTime<Utc>,
) -> Result<HashSet<MessageId>> {
    fn each<'a, T>(accepted: &'a [Accepted<'a>], of: impl Fn(&'a Accepted<'a>) -> T) -> Vec<T> {
        accepted.iter().map(of).collect()
    }
    let mut accepted: Vec<Accepted<'_>> =
        outcomes.iter().filter_map(|(job, outcome)| Accepted::of(*job, outcome, now)).collect();
    if accepted.is_empty() {
        return Ok(HashSet::new());
    }
    // In one order for all, so that two batches cannot wait for each other.
    accepted.sort_unstable_by_key(|one| one.outcome.claimed.message_id);
    let statement = Accept {
        ids: &each(&accepted, |one| one.outcome.claimed.message_id),
        jobs: &each(&accepted, |one| one.job.0),
        statuses: &each(&accepted, |one| one.status),
        sids: &each(&accepted, |one| one.sid),
        from_addresses: &each(&accepted, |one| one.from_address.clone()),
        attempts: &each(&accepted, |one| one.outcome.claimed.attempt),
        request_ids: &each(&accepted, |one| request_id(&one.outcome.answer)),
        durations: &each(&accepted, |one| one.outcome.duration_ms),
        finished_ats: &each(&accepted, |one| one.outcome.finished_at),
    };
    let recorded: Vec<MessageId> = statement.load(&mut conn).await?;
    Ok(recorded.into_iter().collect())
}
