//! Jobs that were given up: what each was about and why, and trying one of them again.

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};

use super::subjects::{Subject, Subjects};
use super::words;
use crate::queue::JobKind;
use crate::queue::failed::{self, FailedJob};
use crate::web::http::cursor::Cursor;
use crate::web::ui::automations::words::rough;
use crate::web::{Admin, Page, PageResult, Query, Visit};

const ROWS: usize = 50;

/// Which failed jobs are wanted, as it stands in the address.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct FailedQuery {
    /// Of this kind, or of all.
    pub(super) kind: String,
    before: String,
}

/// The list.
#[derive(Debug, Serialize)]
pub(in crate::web) struct FailedPage {
    /// All, and each kind.
    shelves: Vec<Shelf>,
    /// How many of those that are shown there are; empty for none.
    count: String,
    /// Where the question is asked whether all of them are to be tried again.
    retry_all: String,
    rows: Vec<Row>,
    /// Where it goes on, as a path with query.
    older: Option<String>,
    newest: Option<String>,
}

#[derive(Debug, Serialize)]
struct Shelf {
    path: String,
    label: &'static str,
    here: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    id: i64,
    kind: &'static str,
    subject: Subject,
    error: String,
    attempts: i16,
    failed_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

pub(super) async fn show(visit: Visit<Admin>, query: Query<FailedQuery>) -> PageResult {
    let wanted = query.into_inner();
    let mut conn = visit.conn().await?;
    let limit = i64::try_from(ROWS + 1).unwrap_or(i64::MAX);
    let mut jobs = failed::list(&mut conn, wanted.kind(), wanted.place(), limit).await?;
    let count = failed::count(&mut conn, wanted.kind()).await?;
    let more = jobs.len() > ROWS;
    jobs.truncate(ROWS);
    let subjects = Subjects::load(&mut conn, &jobs).await?;
    drop(conn);
    visit.page(&FailedPage::new(&wanted, jobs, &subjects, more, count))
}

impl FailedQuery {
    /// What cannot be read narrows nothing.
    pub(super) fn kind(&self) -> Option<JobKind> {
        self.kind.parse().ok()
    }

    fn place(&self) -> Option<failed::FailedJobCursor> {
        let place = serde_json::from_value(serde_json::Value::from(self.before.as_str()))
            .ok()
            .map(|Cursor(place)| place);
        // PostgreSQL knows fewer years than chrono.
        place.filter(|(at, _): &failed::FailedJobCursor| (1970..10_000).contains(&at.year()))
    }
}

/// A page of failed jobs, or of one kind of them.
pub(super) fn path(page: &str, kind: Option<JobKind>) -> String {
    kind.map_or_else(|| page.to_owned(), |kind| format!("{page}?kind={kind}"))
}

fn older(kind: Option<JobKind>, last: &FailedJob) -> Option<String> {
    let place = serde_json::to_value(Cursor(last.place())).ok()?;
    let kind = kind.map(|kind| format!("kind={kind}&")).unwrap_or_default();
    Some(format!("/admin/failed?{kind}before={}", place.as_str()?))
}

impl FailedPage {
    fn new(
        wanted: &FailedQuery,
        jobs: Vec<FailedJob>,
        subjects: &Subjects,
        more: bool,
        count: i64,
    ) -> Self {
        let kind = wanted.kind();
        let shelf = |of: Option<JobKind>| Shelf {
            path: path("/admin/failed", of),
            label: of.map_or("All", |kind| words::kind(kind).0),
            here: of == kind,
        };
        let kinds = JobKind::ALL.iter().map(|kind| Some(*kind));
        Self {
            shelves: std::iter::once(None).chain(kinds).map(shelf).collect(),
            count: if count == 0 { String::new() } else { rough(count, failed::COUNTED) },
            retry_all: path("/admin/failed/retry", kind),
            older: jobs.last().filter(|_| more).and_then(|last| older(kind, last)),
            newest: wanted.place().map(|_| path("/admin/failed", kind)),
            rows: jobs.into_iter().map(|job| Row::new(job, subjects)).collect(),
        }
    }
}

impl Row {
    fn new(failed: FailedJob, subjects: &Subjects) -> Self {
        let FailedJob { id, job, attempts, error, failed_at, created_at } = failed;
        Self {
            id: id.0,
            kind: words::kind(job.kind()).0,
            subject: subjects.of(job),
            error,
            attempts,
            failed_at,
            created_at,
        }
    }
}

impl Page for FailedPage {
    const TEMPLATE: &'static str = "ui/admin/failed.html";
}

#[cfg(debug_assertions)]
#[path = "samples/failed.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Job;
    use crate::queue::lease::JobId;
    use crate::types::id::MessageId;

    #[test]
    fn a_list_goes_on_after_its_last_row_and_keeps_its_kind() {
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
        assert_eq!(FailedQuery { kind: "send".to_owned(), before }.place(), Some((at, 7)));
        assert_eq!(
            FailedQuery { kind: "nonsense".to_owned(), before: "nonsense".to_owned() }.place(),
            None
        );
    }
}
