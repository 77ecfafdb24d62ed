//! Failed jobs: those that were given up, for admins to inspect and retry.
//!
//! A retry is always safe, since it passes the same checks as the first run: a message is claimed
//! before it is sent, or looked up at Twilio if its last attempt is unconfirmed; an enrollment
//! takes each step once. What has moved on since, or no longer exists, is left alone.
//!
//! Failed jobs cannot be deleted: their messages and enrollments would stay stuck unnoticed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::lease::JobId;
use super::{Job, JobKind};
use crate::db::Conn;
use crate::db::schema::jobs;
use crate::error::{Error, Result};

/// The highest number of failed jobs that [`count`] counts exactly.
pub const MAX_COUNTED: i64 = 10_000;

/// The largest number of jobs that one [`retry_all`] puts back into the queue, oldest first.
pub const MAX_RETRIED_AT_ONCE: i64 = 20_000;

/// A job that was given up.
#[derive(Debug, Clone)]
pub struct FailedJob {
    /// Its row.
    pub id: JobId,
    /// The job.
    pub job: Job,
    /// How often it was started.
    pub attempts: i16,
    /// Why it was given up.
    pub error: String,
    /// When it was given up.
    pub failed_at: DateTime<Utc>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
}

/// A position in the list of failed jobs (keyset pagination): the failure time and id of a job.
pub type FailedJobCursor = (DateTime<Utc>, i64);

impl FailedJob {
    /// Its position in the list.
    #[must_use]
    pub const fn cursor(&self) -> FailedJobCursor {
        (self.failed_at, self.id.0)
    }
}

type Row = (i64, JobKind, Uuid, i16, Option<String>, Option<DateTime<Utc>>, DateTime<Utc>);

/// Failed jobs of a kind, or of all kinds, latest failure first.
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
        // The first condition is redundant, but it is the one that can use the index.
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

/// The number of failed jobs of a kind, or of all kinds, counted up to one more than
/// [`MAX_COUNTED`].
pub async fn count(conn: &mut Conn, kind: Option<JobKind>) -> Result<i64> {
    let mut failed = jobs::table
        .filter(jobs::failed_at.is_not_null())
        .limit(MAX_COUNTED + 1)
        .select(jobs::id)
        .into_boxed();
    if let Some(kind) = kind {
        failed = failed.filter(jobs::kind.eq(kind));
    }
    let ids: Vec<i64> = failed.load(conn).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX))
}

/// Puts a failed job back into the queue with its attempts reset; [`Error::NotFound`] if it has not
/// failed, or was retried already.
pub async fn retry(conn: &mut Conn, id: JobId, now: DateTime<Utc>) -> Result<Job> {
    let failed = jobs::table.find(id.0).filter(jobs::failed_at.is_not_null());
    let retried =
        diesel::update(failed).set(retry_changes(now)).returning((jobs::kind, jobs::subject));
    let (kind, subject): (JobKind, Uuid) =
        retried.get_result(conn).await.optional()?.ok_or(Error::NotFound("failed job"))?;
    Ok(Job::of(kind, subject))
}

/// Puts the failed jobs of a kind, or of all kinds, back into the queue: the oldest, up to
/// [`MAX_RETRIED_AT_ONCE`]. Returns their number.
pub async fn retry_all(
    conn: &mut Conn,
    kind: Option<JobKind>,
    now: DateTime<Utc>,
) -> Result<usize> {
    let mut oldest = jobs::table
        .filter(jobs::failed_at.is_not_null())
        .order((jobs::failed_at, jobs::id))
        .limit(MAX_RETRIED_AT_ONCE)
        .select(jobs::id)
        .into_boxed();
    if let Some(kind) = kind {
        oldest = oldest.filter(jobs::kind.eq(kind));
    }
    // The ids are passed as values: with a subquery, PostgreSQL would search the whole table for
    // each.
    let ids: Vec<i64> = oldest.load(conn).await?;
    // The condition is repeated: another admin may have retried a job in the meantime, and a worker
    // may hold it by now.
    let failed = jobs::table.filter(jobs::id.eq_any(ids)).filter(jobs::failed_at.is_not_null());
    Ok(diesel::update(failed).set(retry_changes(now)).execute(conn).await?)
}

/// The changes that make a failed job due now, as if it were new; workers poll at least once a
/// second.
#[derive(AsChangeset)]
#[diesel(table_name = jobs, treat_none_as_null = true)]
struct RetryChanges {
    failed_at: Option<DateTime<Utc>>,
    error: Option<String>,
    attempt: i16,
    run_at: DateTime<Utc>,
}

const fn retry_changes(now: DateTime<Utc>) -> RetryChanges {
    RetryChanges { failed_at: None, error: None, attempt: 0, run_at: now }
}
