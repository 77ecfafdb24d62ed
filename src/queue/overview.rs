//! The queue at a glance, for an admin: how much of what is due, under way, waiting and failed, and
//! which workers are alive.
//!
//! No index knows a job's kind, so that a job that becomes another one touches none. By kind are
//! therefore counted the jobs that come first, up to [`COUNTED`], which takes some milliseconds
//! however long the queue is; how many more there are is PostgreSQL's estimate.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::db::schema::workers;
use crate::db::statement::statement;
use crate::db::{Conn, generic_plans};
use crate::error::Result;
use crate::queue::{JobKind, lease};
use crate::types::id::WorkerId;
use crate::types::text_enum::text_enum;

/// So many jobs in each state are counted at most.
pub const COUNTED: i64 = 20_000;

text_enum! {
    /// What a job waits for.
    pub enum JobState {
        /// For a worker that is free.
        Due = "due",
        /// For the worker that has it.
        Leased = "leased",
        /// For its time.
        Later = "later",
        /// For an admin.
        Failed = "failed",
    }
}

/// The jobs of a kind that are in the same state, as far as they were counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobGroup {
    /// How many.
    pub jobs: i64,
    /// Since when the oldest is due, when the next comes due, when the last failed; nothing for
    /// leased ones.
    pub at: Option<DateTime<Utc>>,
}

/// The queue.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    groups: BTreeMap<(JobState, JobKind), JobGroup>,
    leases: HashMap<(JobKind, WorkerId), i64>,
    /// About how many jobs nobody has and that have not failed, due or not, as PostgreSQL knew when
    /// it last counted; only where they are more than could be counted here.
    pub estimate: Option<i64>,
}

/// A process that performs jobs.
#[derive(Debug, Clone, Queryable)]
pub struct WorkerProcess {
    /// Its identity, until it ends.
    pub id: WorkerId,
    /// The machine.
    pub host: String,
    /// The process on that machine.
    pub pid: i32,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it last gave a sign of life.
    pub seen_at: DateTime<Utc>,
}

impl WorkerProcess {
    /// Whether it counts as alive; if not, others take its jobs over and forget it.
    #[must_use]
    pub fn is_alive(&self, now: DateTime<Utc>) -> bool {
        self.seen_at >= now - lease::DEAD_AFTER
    }
}

type Row = (JobState, JobKind, Option<WorkerId>, i64, Option<DateTime<Utc>>);

statement! {
    /// Counts the first jobs in each state by kind.
    struct Count { now: DateTime<Utc> => Timestamptz, most: i64 => BigInt }
    returns (Text, Text, Nullable<SqlUuid>, BigInt, Nullable<Timestamptz>);
    "WITH due AS (
         SELECT kind, run_at
         FROM jobs
         WHERE worker_id IS NULL AND failed_at IS NULL AND run_at <= {now}
         ORDER BY run_at, id
         LIMIT {most}
     ), later AS (
         SELECT kind, run_at
         FROM jobs
         WHERE worker_id IS NULL AND failed_at IS NULL AND run_at > {now}
         ORDER BY run_at, id
         LIMIT {most}
     ), leased AS (
         SELECT kind, worker_id
         FROM jobs
         WHERE worker_id IS NOT NULL
         ORDER BY id
         LIMIT {most}
     ), failed AS (
         SELECT kind, failed_at
         FROM jobs
         WHERE failed_at IS NOT NULL
         ORDER BY failed_at DESC, id DESC
         LIMIT {most}
     )
     SELECT 'due', kind, NULL::uuid, count(*), min(run_at) FROM due GROUP BY kind
     UNION ALL
     SELECT 'later', kind, NULL, count(*), min(run_at) FROM later GROUP BY kind
     UNION ALL
     SELECT 'leased', kind, worker_id, count(*), NULL FROM leased GROUP BY kind, worker_id
     UNION ALL
     SELECT 'failed', kind, NULL, count(*), max(failed_at) FROM failed GROUP BY kind"
}

/// Looks at the queue, in the caller's transaction, which should do nothing but read: it finds rows
/// by their indexes from here on.
pub async fn overview(conn: &mut Conn, now: DateTime<Utc>) -> Result<Overview> {
    // Of a queue that has grown since anybody counted it, PostgreSQL would read all.
    generic_plans::force(conn).await?;
    let rows: Vec<Row> = Count { now, most: COUNTED }.load(conn).await?;
    let mut overview = Overview::default();
    for (state, kind, worker, jobs, at) in rows {
        let group = overview.groups.entry((state, kind)).or_default();
        *group = JobGroup { jobs: group.jobs + jobs, at };
        if let Some(worker) = worker {
            overview.leases.insert((kind, worker), jobs);
        }
    }
    if overview.is_cut(JobState::Due) || overview.is_cut(JobState::Later) {
        overview.estimate = estimate(conn).await?;
    }
    Ok(overview)
}

/// The number of entries of the index of due jobs when it was last counted, by a vacuum or an
/// analysis.
async fn estimate(conn: &mut Conn) -> Result<Option<i64>> {
    let entries = diesel::dsl::sql::<BigInt>(
        "SELECT reltuples::bigint FROM pg_class WHERE oid = 'jobs_due_idx'::regclass",
    );
    let entries: i64 = entries.get_result(conn).await?;
    Ok((entries > COUNTED).then_some(entries))
}

impl Overview {
    #[cfg(debug_assertions)]
    /// A queue in which one worker has jobs, for the samples of pages: so many due, a few of all
    /// else.
    #[must_use]
    pub fn sample(worker: WorkerId, due: i64, now: DateTime<Utc>) -> Self {
        let group = |jobs, at| JobGroup { jobs, at: Some(at) };
        let groups = [
            ((JobState::Due, JobKind::Send), group(due, now - chrono::TimeDelta::seconds(due))),
            ((JobState::Leased, JobKind::Send), JobGroup { jobs: 256, at: None }),
            ((JobState::Later, JobKind::Advance), group(1_234, now + chrono::TimeDelta::hours(3))),
            ((JobState::Failed, JobKind::Advance), group(2, now - chrono::TimeDelta::days(1))),
        ];
        let estimate = (due >= COUNTED).then_some(1_012_345);
        Self {
            groups: groups.into(),
            leases: HashMap::from([((JobKind::Send, worker), 256)]),
            estimate,
        }
    }

    /// The jobs of a kind in a state.
    #[must_use]
    pub fn group(&self, state: JobState, kind: JobKind) -> JobGroup {
        self.groups.get(&(state, kind)).copied().unwrap_or_default()
    }

    /// How many jobs are in a state, of all kinds, as far as they were counted.
    #[must_use]
    pub fn total(&self, state: JobState) -> i64 {
        JobKind::ALL.iter().map(|kind| self.group(state, *kind).jobs).sum()
    }

    /// Whether more jobs may be in a state than were counted.
    #[must_use]
    pub fn is_cut(&self, state: JobState) -> bool {
        self.total(state) >= COUNTED
    }

    /// Since when the job is due that has been due longest, if one is.
    #[must_use]
    pub fn oldest_due(&self) -> Option<DateTime<Utc>> {
        JobKind::ALL.iter().filter_map(|kind| self.group(JobState::Due, *kind).at).min()
    }

    /// How many workers have jobs of a kind.
    #[must_use]
    pub fn workers_with(&self, kind: JobKind) -> usize {
        self.leases
            .keys()
            .filter(|(leased, _)| *leased == kind)
            .map(|(_, worker)| worker)
            .collect::<HashSet<_>>()
            .len()
    }

    /// How many jobs a worker has.
    #[must_use]
    pub fn held_by(&self, worker: WorkerId) -> i64 {
        self.leases.iter().filter(|((_, holder), _)| *holder == worker).map(|(_, jobs)| jobs).sum()
    }
}

/// The workers that have not been forgotten yet, those that began first before the others.
pub async fn workers(conn: &mut Conn) -> Result<Vec<WorkerProcess>> {
    let columns = (workers::id, workers::host, workers::pid, workers::started_at, workers::seen_at);
    Ok(workers::table.order((workers::started_at, workers::id)).select(columns).load(conn).await?)
}

/// Since when jobs have been due while no worker is alive to do them; none while one is alive, or
/// nothing is due.
pub async fn abandoned_since(conn: &mut Conn, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    if workers(conn).await?.iter().any(|worker| worker.is_alive(now)) {
        return Ok(None);
    }
    Ok(lease::next_due(conn).await?.filter(|due| *due <= now))
}
