//! The list of failed jobs: the subject and the last error of each. Those are out of attempts.

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};

use super::failed_job_subjects::{JobSubject, JobSubjects};
use super::labels;
use crate::queue::JobKind;
use crate::queue::failed_jobs::{self, FailedJob};
use crate::web::http::cursor::Cursor;
use crate::web::quantities::capped_count;
use crate::web::{Admin, Page, PageResult, Query, Visit};

const ROWS: usize = 50;

/// The query of the list: kind of job and position.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct FailedJobsQuery {
    /// The kind of job; empty for all kinds.
    pub(super) kind: String,
    before: String,
}

/// The list of failed jobs.
#[derive(Debug, Serialize)]
pub(in crate::web) struct FailedJobsPage {
    /// The tabs of the list: all kinds, and each kind.
    shelves: Vec<Tab>,
    /// The number of jobs of the chosen kind, as shown; empty for none.
    count: String,
    /// The path of the page that retries all of them.
    retry_all: String,
    rows: Vec<Row>,
    /// The path of the next page, with its query.
    older: Option<String>,
    newest: Option<String>,
}

#[derive(Debug, Serialize)]
struct Tab {
    path: String,
    label: &'static str,
    here: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    id: i64,
    kind: &'static str,
    subject: JobSubject,
    error: String,
    attempts: i16,
    failed_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

pub(super) async fn show(visit: Visit<Admin>, query: Query<FailedJobsQuery>) -> PageResult {
    let query = query.into_inner();
    let mut conn = visit.conn().await?;
    let limit = i64::try_from(ROWS + 1).unwrap_or(i64::MAX);
    let mut jobs = failed_jobs::list(&mut conn, query.kind(), query.cursor(), limit).await?;
    let count = failed_jobs::count(&mut conn, query.kind()).await?;
    let more = jobs.len() > ROWS;
    jobs.truncate(ROWS);
    let subjects = JobSubjects::load(&mut conn, &jobs).await?;
    drop(conn);
    visit.page(&FailedJobsPage::new(&query, jobs, &subjects, more, count))
}

impl FailedJobsQuery {
    /// The chosen kind. An unknown kind counts as none, which lists all kinds.
    pub(super) fn kind(&self) -> Option<JobKind> {
        self.kind.parse().ok()
    }

    fn cursor(&self) -> Option<failed_jobs::FailedJobCursor> {
        let cursor = serde_json::from_value(serde_json::Value::from(self.before.as_str()))
            .ok()
            .map(|Cursor(cursor)| cursor);
        // PostgreSQL supports a smaller range of years than chrono.
        cursor.filter(|(at, _): &failed_jobs::FailedJobCursor| (1970..10_000).contains(&at.year()))
    }
}

/// Adds the kind of job, if there is one, to the path of a page.
pub(super) fn path(page: &str, kind: Option<JobKind>) -> String {
    kind.map_or_else(|| page.to_owned(), |kind| format!("{page}?kind={kind}"))
}

fn older(kind: Option<JobKind>, last: &FailedJob) -> Option<String> {
    let cursor = serde_json::to_value(Cursor(last.cursor())).ok()?;
    let kind = kind.map(|kind| format!("kind={kind}&")).unwrap_or_default();
    Some(format!("/admin/failed?{kind}before={}", cursor.as_str()?))
}

impl FailedJobsPage {
    fn new(
        query: &FailedJobsQuery,
        jobs: Vec<FailedJob>,
        subjects: &JobSubjects,
        more: bool,
        count: i64,
    ) -> Self {
        let kind = query.kind();
        let tab = |of: Option<JobKind>| Tab {
            path: path("/admin/failed", of),
            label: of.map_or("All", |kind| labels::kind(kind).0),
            here: of == kind,
        };
        let kinds = JobKind::ALL.iter().map(|kind| Some(*kind));
        Self {
            shelves: std::iter::once(None).chain(kinds).map(tab).collect(),
            count: if count == 0 {
                String::new()
            } else {
                capped_count(count, failed_jobs::MAX_COUNTED)
            },
            retry_all: path("/admin/failed/retry", kind),
            older: jobs.last().filter(|_| more).and_then(|last| older(kind, last)),
            newest: query.cursor().map(|_| path("/admin/failed", kind)),
            rows: jobs.into_iter().map(|job| Row::new(job, subjects)).collect(),
        }
    }
}

impl Row {
    fn new(failed: FailedJob, subjects: &JobSubjects) -> Self {
        let FailedJob { id, job, attempts, error, failed_at, created_at } = failed;
        Self {
            id: id.0,
            kind: labels::kind(job.kind()).0,
            subject: subjects.of(job),
            error,
            attempts,
            failed_at,
            created_at,
        }
    }
}

impl Page for FailedJobsPage {
    const TEMPLATE: &'static str = "ui/admin/failed_jobs.html";
}

#[cfg(debug_assertions)]
#[path = "samples/failed_jobs.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Job;
    use crate::queue::lease::JobId;
    use crate::types::id::MessageId;

    #[test]
    fn the_next_page_starts_after_the_last_row_and_keeps_the_kind() {
        let (id, job) = (JobId(7), Job::Send(MessageId::new()));
        let at = DateTime::from_timestamp_micros(1_794_650_400_123_456).unwrap();
        let last = FailedJob {
            id,
            job,
            attempts: 20,
            error: String::new(),
            failed_at: at,
            created_at: at,
        };
        let path = older(Some(JobKind::Send), &last).unwrap();
        let before = path.strip_prefix("/admin/failed?kind=send&before=").unwrap().to_owned();
        assert_eq!(FailedJobsQuery { kind: "send".to_owned(), before }.cursor(), Some((at, 7)));
        assert_eq!(
            FailedJobsQuery { kind: "nonsense".to_owned(), before: "nonsense".to_owned() }.cursor(),
            None
        );
    }
}
