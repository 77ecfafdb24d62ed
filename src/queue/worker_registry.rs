//! The registry of workers: which processes perform jobs, which of them are alive, and how the jobs
//! of dead ones return to the queue.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::lease::JobId;
use crate::db::Conn;
use crate::db::schema::{jobs, workers};
use crate::db::statement::statement;
use crate::error::Result;
use crate::types::id::WorkerId;

/// The time without a heartbeat after which a worker counts as dead. Every worker looks for dead
/// ones every five seconds, so that their jobs are taken over within 30 s.
pub const DEAD_AFTER: TimeDelta = TimeDelta::seconds(22);

/// A process that performs jobs.
#[derive(Debug, Clone, Queryable)]
pub struct WorkerProcess {
    /// Identifies the worker until it ends.
    pub id: WorkerId,
    /// Its host name.
    pub host: String,
    /// Its process id on that host.
    pub pid: i32,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it sent its last heartbeat.
    pub seen_at: DateTime<Utc>,
}

impl WorkerProcess {
    /// Whether it counts as alive; if not, other workers take over its jobs and delete it.
    #[must_use]
    pub fn is_alive(&self, now: DateTime<Utc>) -> bool {
        self.seen_at >= now - DEAD_AFTER
    }
}

statement! {
    /// Frees the jobs of dead and deregistered workers, and the jobs of this worker that are not
    /// among those it holds; deletes the dead workers.
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

/// Records a worker's heartbeat; the first one registers the worker. Returns the database's own
/// time.
pub async fn heartbeat(
    conn: &mut Conn,
    worker: WorkerId,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>> {
    let host =
        std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    let pid = i32::try_from(std::process::id()).unwrap_or(i32::MAX);
    let recorded = diesel::insert_into(workers::table)
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
    Ok(recorded.get_result(conn).await?)
}

/// Returns to the queue the jobs of dead workers, and the jobs of `myself` that are not among those
/// it knows to be `held`: the answer to their lease was lost. Returns the number of all these jobs.
/// While this runs, no job may be leased to `myself`.
pub async fn take_over(
    conn: &mut Conn,
    myself: WorkerId,
    held: &[JobId],
    now: DateTime<Utc>,
) -> Result<i64> {
    let held: Vec<i64> = held.iter().map(|id| id.0).collect();
    Ok(TakeOver { myself, held: &held, dead_since: now - DEAD_AFTER, now }.get_result(conn).await?)
}

/// Deregisters a worker; its unfinished jobs return to the queue at once.
pub async fn deregister(conn: &mut Conn, worker: WorkerId) -> Result<()> {
    diesel::update(jobs::table.filter(jobs::worker_id.eq(worker.0)))
        .set(jobs::worker_id.eq(None::<Uuid>))
        .execute(conn)
        .await?;
    diesel::delete(workers::table.find(worker)).execute(conn).await?;
    Ok(())
}

/// All registered workers, the oldest first.
pub async fn list(conn: &mut Conn) -> Result<Vec<WorkerProcess>> {
    let columns = (workers::id, workers::host, workers::pid, workers::started_at, workers::seen_at);
    Ok(workers::table.order((workers::started_at, workers::id)).select(columns).load(conn).await?)
}

/// The number of workers, including dead ones that are not taken over yet.
pub async fn count(conn: &mut Conn) -> Result<usize> {
    let count: i64 = workers::table.count().get_result(conn).await?;
    Ok(usize::try_from(count).unwrap_or(1))
}

/// The host name of each of these workers; workers that are not registered any more are left out.
pub async fn host_names(conn: &mut Conn, ids: &[WorkerId]) -> Result<HashMap<WorkerId, String>> {
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
