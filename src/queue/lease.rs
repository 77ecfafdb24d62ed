//! How workers share the queue: who has which job, who is alive, and what becomes of the jobs of
//! the dead.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Int2, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Conn;
use crate::db::schema::{jobs, workers};
use crate::db::statement::statement;
use crate::error::Result;
use crate::queue::{Job, JobKind};
use crate::types::id::WorkerId;

/// A worker that has not been seen for this long is dead, and its jobs are given to others: with a
/// look every five seconds, within 30 s.
pub const DEAD_AFTER: TimeDelta = TimeDelta::seconds(22);

/// The key of a job's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId(pub i64);

/// A job that this worker has and no other.
#[derive(Debug, Clone, Copy)]
pub struct Leased {
    /// The row.
    pub id: JobId,
    /// What to do.
    pub job: Job,
    /// How often it has been started, this time included.
    pub attempt: i16,
}

/// The columns of a leased job.
pub(super) type LeasedRow = (i64, JobKind, Uuid, i16);

impl From<LeasedRow> for Leased {
    fn from((id, kind, subject, attempt): LeasedRow) -> Self {
        Self { id: JobId(id), job: Job::of(kind, subject), attempt }
    }
}

/// What becomes of a leased job.
#[derive(Debug, Clone)]
pub enum Finish {
    /// It is done and its row is deleted.
    Done,
    /// It runs again at this time; the error that delayed it is kept for the admin.
    Again(DateTime<Utc>, Option<String>),
    /// It could not be begun, or has only done its share: it runs again at this time, and this
    /// start does not count as an attempt.
    Uncounted(DateTime<Utc>),
    /// It is given up; the row stays with its error for an admin to see and retry.
    Failed(String),
}

statement! {
    /// Takes the jobs that have been due longest.
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

/// Leases up to `limit` due jobs to a worker, those first that have been due longest.
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
    /// Gives jobs back, to run again later or to stay as failed. They are named by an array as
    /// well, for the reason that [`Turn`](super::Turn) gives.
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

/// Ends the worker's lease of each job as told; together with the work itself when called in its
/// transaction. A job that another worker has taken over meanwhile is left to that one.
pub async fn finish(
    conn: &mut Conn,
    worker: WorkerId,
    jobs: &[(JobId, Finish)],
    now: DateTime<Utc>,
) -> Result<()> {
    let (mut done, mut back) = (Vec::new(), Vec::new());
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
        back.push(PutBackRow { id: *id, run_at, error, counted });
    }
    if !done.is_empty() {
        Delete { ids: &done, worker }.execute(conn).await?;
    }
    if !back.is_empty() {
        PutBack { job: back.into_iter().collect(), now, worker }.execute(conn).await?;
    }
    Ok(())
}

/// When the next job comes due that nobody has; in the past when another worker is about to take
/// it.
pub async fn next_due(conn: &mut Conn) -> Result<Option<DateTime<Utc>>> {
    let waiting = jobs::table.filter(jobs::worker_id.is_null()).filter(jobs::failed_at.is_null());
    Ok(waiting.order(jobs::run_at).select(jobs::run_at).first(conn).await.optional()?)
}

/// Says that a worker is alive; the first time it is registered. Returns the database's own time.
pub async fn heartbeat(
    conn: &mut Conn,
    worker: WorkerId,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>> {
    let host =
        std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    let pid = i32::try_from(std::process::id()).unwrap_or(i32::MAX);
    let beaten = diesel::insert_into(workers::table)
        .values((
            workers::id.eq(worker),
            workers::host.eq(host),
            workers::pid.eq(pid),
            workers::started_at.eq(now),
            workers::seen_at.eq(now),
        ))
        .on_conflict(workers::id)
        .do_update()
        .set(workers::seen_at.eq(now))
        .returning(diesel::dsl::sql::<Timestamptz>("clock_timestamp()"));
    Ok(beaten.get_result(conn).await?)
}

/// How many workers share the work; the dead are counted until they are taken over.
pub async fn count_workers(conn: &mut Conn) -> Result<usize> {
    let count: i64 = workers::table.count().get_result(conn).await?;
    Ok(usize::try_from(count).unwrap_or(1))
}

/// The machines of those of some workers that are alive.
pub async fn machines(conn: &mut Conn, ids: &[WorkerId]) -> Result<HashMap<WorkerId, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(WorkerId, String)> = workers::table
        .filter(workers::id.eq_any(ids))
        .select((workers::id, workers::host))
        .load(conn)
        .await?;
    Ok(rows.into_iter().collect())
}

statement! {
    /// Frees the jobs of workers that are dead or gone, and those of mine that I have not; forgets
    /// the dead.
    struct TakeOver<'a> {
        myself: WorkerId => SqlUuid,
        held: &'a [i64] => Array<BigInt>,
        dead_since: DateTime<Utc> => Timestamptz,
        now: DateTime<Utc> => Timestamptz,
    }
    returns BigInt;
    "WITH buried AS (
         DELETE FROM workers
         WHERE id <> {myself} AND seen_at < {dead_since}
         RETURNING id
     ), freed AS (
         UPDATE jobs SET worker_id = NULL, run_at = least(run_at, {now})
         WHERE worker_id IS NOT NULL
           AND CASE
                   WHEN worker_id = {myself} THEN id <> ALL ({held})
                   ELSE worker_id IN (SELECT id FROM buried)
                       OR NOT EXISTS (SELECT 1 FROM workers WHERE workers.id = jobs.worker_id)
               END
         RETURNING 1
     )
     SELECT count(*) FROM freed"
}

/// Gives the jobs of dead workers back to the queue, and those that are leased to me without my
/// having them, because the answer to a lease was lost; returns how many there were. None may be
/// leased to me meanwhile.
pub async fn take_over(
    conn: &mut Conn,
    myself: WorkerId,
    held: &[JobId],
    now: DateTime<Utc>,
) -> Result<i64> {
    let held: Vec<i64> = held.iter().map(|id| id.0).collect();
    Ok(TakeOver { myself, held: &held, dead_since: now - DEAD_AFTER, now }.get_result(conn).await?)
}

/// Signs a worker off: its unfinished jobs go back to the queue at once.
pub async fn leave(conn: &mut Conn, worker: WorkerId) -> Result<()> {
    diesel::update(jobs::table.filter(jobs::worker_id.eq(worker.0)))
        .set(jobs::worker_id.eq(None::<Uuid>))
        .execute(conn)
        .await?;
    diesel::delete(workers::table.find(worker)).execute(conn).await?;
    Ok(())
}

/// How long a job waits before it runs again after its `attempt`-th failure: 2 s, 4 s, … up to 15
/// min.
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
