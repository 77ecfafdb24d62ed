//! Jobs that were given up, for an admin to look at and to try again.
//!
//! To try one again is always safe: it goes through the same doors as at first. A message is
//! claimed before it is sent, and one whose last attempt has no known outcome is asked about
//! instead; an enrollment takes each step once; what has moved on without the job, or is gone, is
//! left alone. To throw one away is not offered: its message or enrollment would stand still for
//! ever, and nobody would know.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Conn;
use crate::db::schema::jobs;
use crate::error::{Error, Result};
use crate::queue::lease::JobId;
use crate::queue::{Job, JobKind};

/// So many are counted at most.
pub const COUNTED: i64 = 10_000;

/// So many are tried again at once at most, the oldest first.
pub const AT_ONCE: i64 = 20_000;

/// A job that was given up.
#[derive(Debug, Clone)]
pub struct FailedJob {
    /// The row.
    pub id: JobId,
    /// What it was to do.
    pub job: Job,
    /// How often it was started.
    pub attempts: i16,
    /// Why it was given up.
    pub error: String,
    /// When.
    pub failed_at: DateTime<Utc>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
}

/// Where a list of failed jobs goes on: after the job that failed at this time and has this id.
pub type FailedJobCursor = (DateTime<Utc>, i64);

impl FailedJob {
    /// Its place in the list.
    #[must_use]
    pub const fn place(&self) -> FailedJobCursor {
        (self.failed_at, self.id.0)
    }
}

type Row = (i64, JobKind, Uuid, i16, Option<String>, Option<DateTime<Utc>>, DateTime<Utc>);

/// Failed jobs of a kind, or of all, those that failed last before the others.
pub async fn list(
    conn: &mut Conn,
    kind: Option<JobKind>,
    before: Option<FailedJobCursor>,
    limit: i64,
) -> Result<Vec<FailedJob>> {
    let mut query = jobs::table
        .filter(jobs::failed_at.is_not_null())
        .order((jobs::failed_at.desc(), jobs::id.desc()))
        .limit(limit)
        .select((
            jobs::id,
            jobs::kind,
            jobs::subject,
            jobs::attempt,
            jobs::error,
            jobs::failed_at,
            jobs::created_at,
        ))
        .into_boxed();
    if let Some(kind) = kind {
        query = query.filter(jobs::kind.eq(kind));
    }
    if let Some((at, id)) = before {
        // Said twice, since an index serves only the first.
        query =
            query.filter(jobs::failed_at.le(at)).filter(jobs::failed_at.lt(at).or(jobs::id.lt(id)));
    }
    let rows: Vec<Row> = query.load(conn).await?;
    let job = |(id, kind, subject, attempts, error, failed_at, created_at): Row| {
        let failed_at = failed_at?;
        Some(FailedJob {
            id: JobId(id),
            job: Job::of(kind, subject),
            attempts,
            error: error.unwrap_or_default(),
            failed_at,
            created_at,
        })
    };
    Ok(rows.into_iter().filter_map(job).collect())
}

/// How many jobs have failed, of a kind or of all, counted up to one more than [`COUNTED`].
pub async fn count(conn: &mut Conn, kind: Option<JobKind>) -> Result<i64> {
    let mut failed = jobs::table
        .filter(jobs::failed_at.is_not_null())
        .limit(COUNTED + 1)
        .select(jobs::id)
        .into_boxed();
    if let Some(kind) = kind {
        failed = failed.filter(jobs::kind.eq(kind));
    }
    let ids: Vec<i64> = failed.load(conn).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX))
}

/// Puts a failed job back into the queue, with as many attempts as a new one; [`Error::NotFound`]
/// when it has not failed, or not any more.
pub async fn retry(conn: &mut Conn, id: JobId, now: DateTime<Utc>) -> Result<Job> {
    let failed = jobs::table.find(id.0).filter(jobs::failed_at.is_not_null());
    let retried = diesel::update(failed).set(back_at(now)).returning((jobs::kind, jobs::subject));
    let (kind, subject): (JobKind, Uuid) =
        retried.get_result(conn).await.optional()?.ok_or(Error::NotFound("failed job"))?;
    Ok(Job::of(kind, subject))
}

/// Puts the failed jobs of a kind back into the queue, or those of all kinds, the oldest up to
/// [`AT_ONCE`]; returns how many.
pub async fn retry_all(
    conn: &mut Conn,
    kind: Option<JobKind>,
    now: DateTime<Utc>,
) -> Result<usize> {
    let mut oldest = jobs::table
        .filter(jobs::failed_at.is_not_null())
        .order((jobs::failed_at, jobs::id))
        .limit(AT_ONCE)
        .select(jobs::id)
        .into_boxed();
    if let Some(kind) = kind {
        oldest = oldest.filter(jobs::kind.eq(kind));
    }
    // By their ids: joined with the choice, each would be looked for among all.
    let ids: Vec<i64> = oldest.load(conn).await?;
    // Said again of the rows themselves: another admin may have been faster, and a worker may have
    // them by now.
    let failed = jobs::table.filter(jobs::id.eq_any(ids)).filter(jobs::failed_at.is_not_null());
    Ok(diesel::update(failed).set(back_at(now)).execute(conn).await?)
}

/// Due now, as if it had never failed; workers look at least once a second.
#[derive(AsChangeset)]
#[diesel(table_name = jobs, treat_none_as_null = true)]
struct Back {
    failed_at: Option<DateTime<Utc>>,
    error: Option<String>,
    attempt: i16,
    run_at: DateTime<Utc>,
}

const fn back_at(now: DateTime<Utc>) -> Back {
    Back { failed_at: None, error: None, attempt: 0, run_at: now }
}
