//! An overview of the queue for admins: how many jobs of each kind are due, leased, scheduled or
//! failed.
//!
//! No index contains a job's kind, so that turning a job into a send is a HOT update. Jobs are
//! therefore counted by kind among the first [`MAX_COUNTED`] of each state, which takes some
//! milliseconds at any queue length; beyond that, PostgreSQL's estimate is shown.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::{JobKind, lease, worker_registry};
use crate::db::statement::statement;
use crate::db::{Conn, generic_plans};
use crate::error::Result;
use crate::types::id::WorkerId;
use crate::types::text_enum::text_enum;

/// The largest number of jobs that is counted in each state.
pub const MAX_COUNTED: i64 = 20_000;

text_enum! {
    /// What a job waits for.
    pub enum JobState {
        /// A free worker.
        Due = "due",
        /// The worker that holds it.
        Leased = "leased",
        /// The time at which it is due.
        Later = "later",
        /// An admin.
        Failed = "failed",
    }
}

/// The jobs of one kind in one state, as far as they were counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobGroup {
    /// Their number.
    pub jobs: i64,
    /// For due jobs, since when the oldest is due; for later ones, when the next is due; for failed
    /// ones, when the last failed. `None` for leased jobs.
    pub at: Option<DateTime<Utc>>,
}

/// A snapshot of the queue.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    groups: BTreeMap<(JobState, JobKind), JobGroup>,
    leases: HashMap<(JobKind, WorkerId), i64>,
    /// PostgreSQL's estimate of the jobs that are neither leased nor failed, from its last VACUUM
    /// or ANALYZE; set only if there are more than were counted here.
    pub estimate: Option<i64>,
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

/// Takes a snapshot of the queue. The caller's transaction should do nothing but read, since all
/// its further statements use generic plans and indexes ([`generic_plans::force`]).
pub async fn load(conn: &mut Conn, now: DateTime<Utc>) -> Result<Overview> {
    // If the queue has grown since the last ANALYZE, PostgreSQL would scan all of it.
    generic_plans::force(conn).await?;
    let rows: Vec<Row> = Count { now, most: MAX_COUNTED }.load(conn).await?;
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

/// The number of entries in the index of due jobs, as of the last VACUUM or ANALYZE.
async fn estimate(conn: &mut Conn) -> Result<Option<i64>> {
    let entries = diesel::dsl::sql::<BigInt>(
        "SELECT reltuples::bigint FROM pg_class WHERE oid = 'jobs_due_idx'::regclass",
    );
    let entries: i64 = entries.get_result(conn).await?;
    Ok((entries > MAX_COUNTED).then_some(entries))
}

impl Overview {
    #[cfg(debug_assertions)]
    /// A queue for the samples of pages, in which one worker holds jobs: `due` jobs are due, a few
    /// are in each other state.
    #[must_use]
    pub fn sample(worker: WorkerId, due: i64, now: DateTime<Utc>) -> Self {
        let group = |jobs, at| JobGroup { jobs, at: Some(at) };
        let groups = [
            ((JobState::Due, JobKind::Send), group(due, now - chrono::TimeDelta::seconds(due))),
            ((JobState::Leased, JobKind::Send), JobGroup { jobs: 256, at: None }),
            ((JobState::Later, JobKind::Advance), group(1_234, now + chrono::TimeDelta::hours(3))),
            ((JobState::Failed, JobKind::Advance), group(2, now - chrono::TimeDelta::days(1))),
        ];
        let estimate = (due >= MAX_COUNTED).then_some(1_012_345);
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

    /// The number of jobs of all kinds in a state, as far as they were counted.
    #[must_use]
    pub fn total(&self, state: JobState) -> i64 {
        JobKind::ALL.iter().map(|kind| self.group(state, *kind).jobs).sum()
    }

    /// Whether more jobs may be in a state than were counted.
    #[must_use]
    pub fn is_cut(&self, state: JobState) -> bool {
        self.total(state) >= MAX_COUNTED
    }

    /// Since when the longest due job has been due, if any is.
    #[must_use]
    pub fn oldest_due(&self) -> Option<DateTime<Utc>> {
        JobKind::ALL.iter().filter_map(|kind| self.group(JobState::Due, *kind).at).min()
    }

    /// The number of workers that hold jobs of a kind.
    #[must_use]
    pub fn workers_with(&self, kind: JobKind) -> usize {
        self.leases
            .keys()
            .filter(|(leased, _)| *leased == kind)
            .map(|(_, worker)| worker)
            .collect::<HashSet<_>>()
            .len()
    }

    /// The number of jobs that a worker holds.
    #[must_use]
    pub fn held_by(&self, worker: WorkerId) -> i64 {
        self.leases.iter().filter(|((_, holder), _)| *holder == worker).map(|(_, jobs)| jobs).sum()
    }
}

/// Since when jobs have been due without a live worker; `None` if a worker is alive or no job is
/// due.
pub async fn abandoned_since(conn: &mut Conn, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    if worker_registry::list(conn).await?.iter().any(|worker| worker.is_alive(now)) {
        return Ok(None);
    }
    Ok(lease::next_due(conn).await?.filter(|due| *due <= now))
}
