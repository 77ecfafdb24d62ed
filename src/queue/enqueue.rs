//! Enqueueing: adds jobs to the queue in the transaction that makes them necessary, for any worker
//! or leased to one from the start.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Int2, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::job::{Job, JobKind, NewJob};
use super::lease::{JobId, Leased, LeasedRow};
use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::types::id::{MessageId, WorkerId};

/// The PostgreSQL channel on which a commit with new jobs wakes idle workers.
pub const CHANNEL: &str = "carillon_jobs";

/// Which worker receives new jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    /// The first worker that polls the queue.
    AnyWorker,
    /// One worker receives the first due jobs at once, without a poll of the queue (fast path); the
    /// rest go to any worker.
    Worker {
        /// The worker, which performs them as soon as the transaction commits.
        id: WorkerId,
        /// The number of jobs for which the worker has reserved permits.
        max_jobs: usize,
    },
}

statement! {
    /// Inserts jobs that are leased to a worker from the start.
    struct InsertLeased {
        job: batch of InsertLeasedRow { kind: JobKind => Text, subject: Uuid => SqlUuid },
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
    /// Inserts jobs, and notifies idle workers if one of them is already due.
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
    /// Turns a worker's finished jobs into sends, in place. The rows are named by an array instead
    /// of a join: after an ANALYZE of an empty queue, PostgreSQL would plan a join that scans the
    /// whole table for each row.
    struct ConvertToSends<'a> {
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

/// Enqueues a send for each message, due at once, within the caller's transaction.
pub async fn enqueue_sends(
    conn: &mut Conn,
    messages: &[MessageId],
    now: DateTime<Utc>,
) -> Result<()> {
    let jobs: Vec<NewJob> =
        messages.iter().map(|id| NewJob { job: Job::Send(*id), run_at: now }).collect();
    enqueue(conn, &jobs, now).await
}

/// Adds jobs like [`enqueue`], and returns those that are leased to the receiver; the leases hold
/// once the caller's transaction commits.
pub async fn enqueue_for(
    conn: &mut Conn,
    receiver: Receiver,
    jobs: &[NewJob],
    now: DateTime<Utc>,
) -> Result<Vec<Leased>> {
    let Receiver::Worker { id, max_jobs } = receiver else {
        enqueue(conn, jobs, now).await?;
        return Ok(Vec::new());
    };
    let mut capacity = max_jobs;
    let (at_once, rest): (Vec<NewJob>, Vec<NewJob>) = jobs.iter().partition(|new| {
        let is_leased = capacity > 0 && new.run_at <= now;
        capacity -= usize::from(is_leased);
        is_leased
    });
    enqueue(conn, &rest, now).await?;
    if at_once.is_empty() {
        return Ok(Vec::new());
    }
    let job = at_once
        .iter()
        .map(|new| InsertLeasedRow { kind: new.job.kind(), subject: new.job.subject() })
        .collect();
    let rows: Vec<LeasedRow> = InsertLeased { job, worker: id, now }.load(conn).await?;
    Ok(rows.into_iter().map(Leased::from).collect())
}

/// Enqueues a send for each message by reusing the rows of a worker's `ended` jobs, and returns the
/// jobs that the worker now holds. Messages without a row to reuse are enqueued for any worker.
pub async fn convert_to_sends(
    conn: &mut Conn,
    worker: WorkerId,
    ended: &[JobId],
    messages: &[MessageId],
    now: DateTime<Utc>,
) -> Result<Vec<Leased>> {
    let ids: Vec<i64> = ended.iter().take(messages.len()).map(|id| id.0).collect();
    let (first, _) = messages.split_at(ids.len());
    let mut converted: Vec<Leased> = Vec::with_capacity(ids.len());
    if !ids.is_empty() {
        // HOT update: no indexed column changes, so the new version of each row stays in its page.
        let rows: Vec<LeasedRow> =
            ConvertToSends { ids: &ids, messages: first, worker }.load(conn).await?;
        converted.extend(rows.into_iter().map(Leased::from));
    }
    if converted.len() < messages.len() {
        let enqueued: HashSet<Uuid> = converted.iter().map(|leased| leased.job.subject()).collect();
        let remaining: Vec<MessageId> =
            messages.iter().filter(|id| !enqueued.contains(&id.0)).copied().collect();
        enqueue_sends(conn, &remaining, now).await?;
    }
    Ok(converted)
}
