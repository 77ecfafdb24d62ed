//! The job queue: what may be enqueued, and the one way to enqueue it.
//!
//! A job is a row of `jobs` that names one enrollment, message or sender. It is inserted on the
//! caller's connection, so that it exists exactly when the caller's transaction commits. Apalis
//! runs the jobs ([`backend`]); this folder and `worker/` are the only places that know it.

pub mod backend;
pub mod failed;
pub mod handover;
mod job;
pub mod lease;
pub(crate) mod leases;
pub mod overview;
pub mod routines;
pub mod set_aside;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Int2, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::types::id::{MessageId, WorkerId};
use lease::{JobId, Leased};

pub use job::{Job, JobKind, NewJob};

/// The PostgreSQL channel on which a commit with new jobs wakes idle workers.
pub const CHANNEL: &str = "carillon_jobs";

/// Who gets new jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    /// Whoever asks first.
    Anyone,
    /// The first ones that are due go to this worker at once, which spares them the way through the
    /// queue; the rest to anyone.
    Worker {
        /// The worker; it performs them as soon as the transaction has committed.
        id: WorkerId,
        /// How many it can take.
        most: usize,
    },
}

statement! {
    /// Inserts jobs that a worker has already.
    struct HandOver {
        job: batch of HandOverRow { kind: JobKind => Text, subject: Uuid => SqlUuid },
        worker: WorkerId => SqlUuid,
        now: DateTime<Utc> => Timestamptz,
    }
    returns (BigInt, Text, SqlUuid, Int2);
    "INSERT INTO jobs (kind, subject, worker_id, run_at, created_at, attempt)
     SELECT job.kind, job.subject, {worker}, {now}, {now}, 1
     FROM {job}
     RETURNING id, kind, subject, attempt"
}

statement! {
    /// Inserts jobs and wakes idle workers when one of them is due already.
    struct Enqueue {
        job: batch of EnqueueRow {
            kind: JobKind => Text,
            subject: Uuid => SqlUuid,
            run_at: DateTime<Utc> => Timestamptz,
        },
        now: DateTime<Utc> => Timestamptz,
    }
    returns Text;
    "WITH added AS (
         INSERT INTO jobs (kind, subject, run_at, created_at)
         SELECT job.kind, job.subject, job.run_at, {now}
         FROM {job}
         RETURNING run_at <= created_at AS due
     )
     SELECT pg_notify('carillon_jobs', '')::text
     FROM (SELECT 1 FROM added WHERE due LIMIT 1) AS any_due"
}

statement! {
    /// Makes sends of a worker's jobs. The rows are named by an array and not by a join: where the
    /// queue was empty when PostgreSQL counted it last, it would plan a join to read all of it for
    /// each of them.
    struct Turn<'a> {
        ids: &'a [i64] => Array<BigInt>,
        messages: &'a [MessageId] => Array<SqlUuid>,
        worker: WorkerId => SqlUuid,
    }
    returns (BigInt, Text, SqlUuid, Int2);
    "UPDATE jobs
     SET kind = 'send', subject = ({messages})[array_position({ids}, id)], attempt = 1, error = NULL
     WHERE id = ANY ({ids}) AND worker_id = {worker}
     RETURNING id, kind, subject, attempt"
}

/// Adds jobs to the queue within the caller's transaction: they exist exactly when it commits.
pub async fn enqueue(conn: &mut Conn, jobs: &[NewJob], now: DateTime<Utc>) -> Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let rows = jobs.iter().map(|new| EnqueueRow {
        kind: new.job.kind(),
        subject: new.job.subject(),
        run_at: new.run_at,
    });
    Enqueue { job: rows.collect(), now }.execute(conn).await?;
    Ok(())
}

/// Enqueues the sending of messages, due at once, within the caller's transaction.
pub async fn enqueue_sends(
    conn: &mut Conn,
    messages: &[MessageId],
    now: DateTime<Utc>,
) -> Result<()> {
    let jobs: Vec<NewJob> =
        messages.iter().map(|id| NewJob { job: Job::Send(*id), run_at: now }).collect();
    enqueue(conn, &jobs, now).await
}

/// Adds jobs like [`enqueue`], and returns those that went to the receiver: it has them once the
/// caller's transaction commits.
pub async fn enqueue_for(
    conn: &mut Conn,
    receiver: Receiver,
    jobs: &[NewJob],
    now: DateTime<Utc>,
) -> Result<Vec<Leased>> {
    let Receiver::Worker { id, most } = receiver else {
        enqueue(conn, jobs, now).await?;
        return Ok(Vec::new());
    };
    let mut room = most;
    let (at_once, rest): (Vec<NewJob>, Vec<NewJob>) = jobs.iter().partition(|new| {
        let takes = room > 0 && new.run_at <= now;
        room -= usize::from(takes);
        takes
    });
    enqueue(conn, &rest, now).await?;
    if at_once.is_empty() {
        return Ok(Vec::new());
    }
    let job = at_once
        .iter()
        .map(|new| HandOverRow { kind: new.job.kind(), subject: new.job.subject() })
        .collect();
    let rows: Vec<lease::LeasedRow> = HandOver { job, worker: id, now }.load(conn).await?;
    Ok(rows.into_iter().map(Leased::from).collect())
}

/// Enqueues the sending of messages in the rows of a worker's jobs that end in the caller's
/// transaction, and returns those that it has by that. What finds no row goes to anyone.
pub async fn send_next(
    conn: &mut Conn,
    worker: WorkerId,
    ended: &[JobId],
    messages: &[MessageId],
    now: DateTime<Utc>,
) -> Result<Vec<Leased>> {
    let ids: Vec<i64> = ended.iter().take(messages.len()).map(|id| id.0).collect();
    let (first, _) = messages.split_at(ids.len());
    let mut turned: Vec<Leased> = Vec::with_capacity(ids.len());
    if !ids.is_empty() {
        // Nothing that an index knows is changed: the new version of a row stays in its page,
        // beside the old one.
        let rows: Vec<lease::LeasedRow> =
            Turn { ids: &ids, messages: first, worker }.load(conn).await?;
        turned.extend(rows.into_iter().map(Leased::from));
    }
    if turned.len() < messages.len() {
        let taken: HashSet<Uuid> = turned.iter().map(|leased| leased.job.subject()).collect();
        let left: Vec<MessageId> =
            messages.iter().filter(|id| !taken.contains(&id.0)).copied().collect();
        enqueue_sends(conn, &left, now).await?;
    }
    Ok(turned)
}
