//! Leases: which worker holds which job, and how it takes jobs and finishes them.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Int2, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::job::{Job, JobKind};
use crate::db::Conn;
use crate::db::schema::jobs;
use crate::db::statement::statement;
use crate::error::Result;
use crate::types::id::WorkerId;

/// The key of a job's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId(pub i64);

/// A job that is leased to one worker.
#[derive(Debug, Clone, Copy)]
pub struct Leased {
    /// Its row.
    pub id: JobId,
    /// The job.
    pub job: Job,
    /// How often the job has been started, this time included.
    pub attempt: i16,
}

/// The columns of a leased job.
pub(super) type LeasedRow = (i64, JobKind, Uuid, i16);

impl From<LeasedRow> for Leased {
    fn from((id, kind, subject, attempt): LeasedRow) -> Self {
        Self { id: JobId(id), job: Job::of(kind, subject), attempt }
    }
}

/// How a lease ends.
#[derive(Debug, Clone)]
pub enum Finish {
    /// The job is done; its row is deleted.
    Done,
    /// The job runs again at this time; the error that delayed it is stored for admins.
    Again(DateTime<Utc>, Option<String>),
    /// The job could not start, or did only part of its work. It runs again at this time, and this
    /// start does not count as an attempt.
    Uncounted(DateTime<Utc>),
    /// The job is given up; its row stays, with the error, for an admin to inspect and retry.
    Failed(String),
}

statement! {
    /// Leases the jobs that have been due longest.
    struct Take {
        worker: WorkerId => SqlUuid,
        now: DateTime<Utc> => Timestamptz,
        limit: i64 => BigInt,
    }
    returns (BigInt, Text, SqlUuid, Int2);
    "UPDATE jobs SET worker_id = {worker}, attempt = attempt + 1
     WHERE id = ANY (ARRAY(
         SELECT id
         FROM jobs
         WHERE worker_id IS NULL AND failed_at IS NULL AND run_at <= {now}
         ORDER BY run_at, id
         LIMIT {limit}
         FOR UPDATE SKIP LOCKED
     ))
     RETURNING id, kind, subject, attempt"
}

/// Leases up to `limit` due jobs to a worker, the longest due first.
pub async fn take(
    conn: &mut Conn,
    worker: WorkerId,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Leased>> {
    let rows: Vec<LeasedRow> = Take { worker, now, limit }.load(conn).await?;
    Ok(rows.into_iter().map(Leased::from).collect())
}

statement! {
    /// Deletes jobs that are done.
    struct Delete<'a> {
        ids: &'a [i64] => Array<BigInt>,
        worker: WorkerId => SqlUuid,
    }
    returns ();
    "DELETE FROM jobs WHERE id = ANY ({ids}) AND worker_id = {worker}"
}

statement! {
    /// Returns jobs to the queue, to run again later or to stay as failed. The rows are named by an
    /// array for the reason given at `ConvertToSends` in `enqueue.rs`.
    struct PutBack<'a> {
        job: batch of PutBackRow<'a> {
            id: i64 => BigInt,
            run_at: Option<DateTime<Utc>> => Nullable<Timestamptz>,
            error: Option<&'a str> => Nullable<Text>,
            counted: bool => Bool,
        },
        now: DateTime<Utc> => Timestamptz,
        worker: WorkerId => SqlUuid,
    }
    returns ();
    "UPDATE jobs
     SET worker_id = NULL,
         run_at = coalesce(job.run_at, jobs.run_at),
         error = job.error,
         attempt = jobs.attempt - CASE WHEN job.counted THEN 0 ELSE 1 END,
         failed_at = CASE WHEN job.run_at IS NULL THEN {now} END
     FROM {job}
     WHERE jobs.id = job.id AND jobs.id = ANY ({job.id}) AND jobs.worker_id = {worker}"
}

/// Ends the worker's lease of each job; atomic with the work itself if called in its transaction. A
/// job that another worker has taken over since stays with that worker.
pub async fn finish(
    conn: &mut Conn,
    worker: WorkerId,
    jobs: &[(JobId, Finish)],
    now: DateTime<Utc>,
) -> Result<()> {
    let (mut done, mut returned) = (Vec::new(), Vec::new());
    for (JobId(id), finish) in jobs {
        let (run_at, error, counted) = match finish {
            Finish::Done => {
                done.push(*id);
                continue;
            }
            Finish::Again(at, error) => (Some(*at), error.as_deref(), true),
            Finish::Uncounted(at) => (Some(*at), None, false),
            Finish::Failed(error) => (None, Some(error.as_str()), true),
        };
        returned.push(PutBackRow { id: *id, run_at, error, counted });
    }
    if !done.is_empty() {
        Delete { ids: &done, worker }.execute(conn).await?;
    }
    if !returned.is_empty() {
        PutBack { job: returned.into_iter().collect(), now, worker }.execute(conn).await?;
    }
    Ok(())
}

/// When the next job that is not leased comes due; in the past if another worker is about to lease
/// it.
pub async fn next_due(conn: &mut Conn) -> Result<Option<DateTime<Utc>>> {
    let waiting = jobs::table.filter(jobs::worker_id.is_null()).filter(jobs::failed_at.is_null());
    Ok(waiting.order(jobs::run_at).select(jobs::run_at).first(conn).await.optional()?)
}

/// The delay before a job runs again after its `attempt`-th failure (exponential backoff): 2 s, 4
/// s, … up to 15 min.
#[must_use]
pub fn backoff(attempt: i16) -> TimeDelta {
    let exponent = u32::try_from(attempt.clamp(1, 10)).unwrap_or(1);
    TimeDelta::seconds((1_i64 << exponent).min(900))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let waits: Vec<i64> = [1, 2, 3, 9, 10, 100]
            .into_iter()
            .map(|attempt| backoff(attempt).num_seconds())
            .collect();
        assert_eq!(waits, [2, 4, 8, 512, 900, 900]);
    }
}
