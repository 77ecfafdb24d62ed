//! The page of the queue and the workers: jobs by kind, routines, and worker processes.

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use serde::Serialize;

use super::labels;
use crate::db::Conn;
use crate::error::Error;
use crate::queue::JobKind;
use crate::queue::overview::{self, JobState, Overview};
use crate::queue::routines::{self, RoutineStatus};
use crate::queue::worker_registry::{self, WorkerProcess};
use crate::web::quantities::{self, grouped};
use crate::web::{Admin, Page, PageResult, Visit};

/// How long a job may be due before the page warns: all workers are busy, or none runs.
const LATE: TimeDelta = TimeDelta::minutes(1);

/// The page of the queue and the workers.
#[derive(Debug, Serialize)]
pub(in crate::web) struct QueueAndWorkersPage {
    #[serde(flatten)]
    work: QueueAndWorkers,
}

/// The part of the page that the browser polls.
#[derive(Debug, Serialize)]
struct QueueAndWorkers {
    read_at: DateTime<Utc>,
    /// Problems of the queue and the workers, each with what to do.
    warnings: Vec<String>,
    kinds: Vec<KindRow>,
    /// The states whose count stopped at the limit.
    cut: Vec<JobState>,
    /// The limit of each count.
    counted: i64,
    /// A sentence about the limit, if any count reached it.
    uncounted: Option<String>,
    routines: Vec<RoutineRow>,
    workers: Vec<WorkerRow>,
}

#[derive(Debug, Serialize)]
struct KindRow {
    kind: JobKind,
    name: &'static str,
    about: &'static str,
    /// The number of due jobs; none is shown as a dash.
    due: Option<String>,
    due_since: Option<DateTime<Utc>>,
    waited: String,
    late: bool,
    leased: Option<String>,
    later: Option<String>,
    next_at: Option<DateTime<Utc>>,
    failed: Option<String>,
    failed_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize)]
struct RoutineRow {
    word: &'static str,
    name: &'static str,
    about: &'static str,
    ended_at: Option<DateTime<Utc>>,
    /// When it runs next; none while it runs.
    due_at: Option<DateTime<Utc>>,
    late: bool,
    run_by: Option<String>,
    error: Option<String>,
    failing_since: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize)]
struct WorkerRow {
    host: String,
    pid: i32,
    started_at: DateTime<Utc>,
    seen_at: DateTime<Utc>,
    seen: String,
    alive: bool,
    jobs: i64,
}

pub(super) async fn show(visit: Visit<Admin>) -> PageResult {
    let work = QueueAndWorkers::load(&mut *visit.conn().await?, visit.now()).await?;
    visit.page(&QueueAndWorkersPage { work })
}

/// Renders the part of the page that the browser polls.
pub(super) async fn poll(visit: Visit<Admin>) -> PageResult {
    let work = QueueAndWorkers::load(&mut *visit.conn().await?, visit.now()).await?;
    visit.page(&work)
}

impl QueueAndWorkers {
    async fn load(conn: &mut Conn, now: DateTime<Utc>) -> Result<Self, Error> {
        let overview = conn.transaction(async |conn| overview::load(conn, now).await).await?;
        let routines = routines::statuses(conn).await?;
        let workers = worker_registry::list(conn).await?;
        Ok(Self::new(&overview, routines, workers, now))
    }

    fn new(
        overview: &Overview,
        routines: Vec<RoutineStatus>,
        workers: Vec<WorkerProcess>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            read_at: now,
            warnings: warnings(overview, &workers, now),
            kinds: JobKind::ALL.iter().map(|kind| KindRow::new(overview, *kind, now)).collect(),
            cut: JobState::ALL.iter().copied().filter(|state| overview.is_cut(*state)).collect(),
            counted: overview::MAX_COUNTED,
            uncounted: uncounted(overview),
            routines: routines.into_iter().map(|standing| RoutineRow::new(standing, now)).collect(),
            workers: workers
                .into_iter()
                .map(|worker| WorkerRow::new(worker, overview, now))
                .collect(),
        }
    }
}

fn warnings(overview: &Overview, workers: &[WorkerProcess], now: DateTime<Utc>) -> Vec<String> {
    let mut warnings = Vec::new();
    if !workers.iter().any(|worker| worker.is_alive(now)) {
        let advice = "Start “carillon serve”, or “carillon serve --role worker” for a worker \
                      alone.";
        warnings.push(format!(
            "No worker is alive: nothing is sent, and automations stand still. {advice}"
        ));
    } else if let Some(late) =
        overview.oldest_due().map(|due| now - due).filter(|late| *late > LATE)
    {
        warnings.push(format!(
            "The oldest due job has waited for {}. Either the workers are busy, or Twilio or the \
             database is slow. If they are busy, start more “carillon serve --role worker” \
             processes.",
            quantities::duration_rounded_down(late)
        ));
    }
    warnings
}

fn uncounted(overview: &Overview) -> Option<String> {
    if !JobState::ALL.iter().any(|state| overview.is_cut(*state)) {
        return None;
    }
    let counted = grouped(overview::MAX_COUNTED);
    let estimate = overview.estimate.map(|jobs| {
        format!(" About {} jobs wait in all, as PostgreSQL last counted.", grouped(jobs))
    });
    Some(format!(
        "Only the first {counted} jobs of a column are counted, to keep this page fast.{}",
        estimate.unwrap_or_default()
    ))
}

impl KindRow {
    fn new(overview: &Overview, kind: JobKind, now: DateTime<Utc>) -> Self {
        let (name, about) = labels::kind(kind);
        let group = |state| overview.group(state, kind);
        let count = |state| {
            Some(group(state).jobs)
                .filter(|jobs| *jobs > 0)
                .map(|jobs| quantities::at_least(jobs, overview.is_cut(state)))
        };
        let due_since = group(JobState::Due).at;
        let waited = due_since.map(|since| now - since);
        let by = |jobs: String| match overview.workers_with(kind) {
            1 => format!("{jobs} by one worker"),
            workers => format!("{jobs} by {} workers", grouped(workers)),
        };
        Self {
            kind,
            name,
            about,
            due: count(JobState::Due),
            due_since,
            waited: waited.map(quantities::duration_rounded_down).unwrap_or_default(),
            late: waited.is_some_and(|waited| waited > LATE),
            leased: count(JobState::Leased).map(by),
            later: count(JobState::Later),
            next_at: group(JobState::Later).at,
            failed: count(JobState::Failed),
            failed_at: group(JobState::Failed).at,
        }
    }
}

impl RoutineRow {
    fn new(standing: RoutineStatus, now: DateTime<Utc>) -> Self {
        let RoutineStatus { routine, due_at, ended_at, error, failing_since, run_by } = standing;
        let (name, about) = labels::routine(routine);
        Self {
            word: routine.as_str(),
            name,
            about,
            ended_at,
            // Before its first run a routine is due at the Unix epoch.
            due_at: Some(due_at).filter(|due| run_by.is_none() && *due > DateTime::UNIX_EPOCH),
            late: run_by.is_none() && due_at > DateTime::UNIX_EPOCH && now - due_at > LATE,
            run_by: run_by.map(|(host, pid)| format!("{host}, process {pid}")),
            error,
            failing_since,
        }
    }
}

impl WorkerRow {
    fn new(worker: WorkerProcess, overview: &Overview, now: DateTime<Utc>) -> Self {
        let (alive, jobs, seen) = (
            worker.is_alive(now),
            overview.held_by(worker.id),
            quantities::duration_rounded_down(now - worker.seen_at),
        );
        let WorkerProcess { host, pid, started_at, seen_at, .. } = worker;
        Self { host, pid, started_at, seen_at, seen, alive, jobs }
    }
}

impl Page for QueueAndWorkersPage {
    const TEMPLATE: &'static str = "ui/admin/queue_and_workers.html";
}

impl Page for QueueAndWorkers {
    const TEMPLATE: &'static str = "ui/admin/_queue_and_workers.html";
}

#[cfg(debug_assertions)]
#[path = "samples/queue_and_workers.rs"]
mod samples;
