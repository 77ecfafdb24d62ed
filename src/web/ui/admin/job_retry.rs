//! Retrying failed jobs: one at once, or all of a kind after a confirmation.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use diesel_async::AsyncConnection;
use serde::Serialize;

use super::failed_jobs::{FailedJobsQuery, path};
use super::labels;
use crate::error::Error;
use crate::queue::lease::JobId;
use crate::queue::{JobKind, failed_jobs};
use crate::users::audit::{self, AuditKind};
use crate::web::http::bulk_conditions;
use crate::web::quantities::{capped_count, grouped};
use crate::web::{Admin, Form, Page, PageError, PageResult, Query, Visit};

/// The page that asks to confirm that all failed jobs are retried.
#[derive(Debug, Serialize)]
pub(in crate::web) struct JobRetryPage {
    /// The kind of job as the form submits it; empty for all kinds.
    kind: &'static str,
    name: Option<&'static str>,
    /// The path of the list of failed jobs.
    back: String,
    /// The number of failed jobs, as shown; empty for none.
    count: String,
    button: String,
    /// The number of jobs retried per request, if there are more failed jobs than that.
    at_once: Option<i64>,
    /// The number that the page shows, which the form sends back; counted up to a limit.
    expected: i64,
    /// A sentence on how the number has changed since the page was shown.
    changed: Option<String>,
}

pub(super) async fn show(visit: Visit<Admin>, query: Query<FailedJobsQuery>) -> PageResult {
    let kind = query.kind();
    let count = failed_jobs::count(&mut *visit.conn().await?, kind).await?;
    visit.page(&JobRetryPage::new(kind, count))
}

pub(super) async fn retry_all(
    visit: Visit<Admin>,
    form: Form<Vec<(String, String)>>,
) -> PageResult {
    let (actor, now, kind) = (visit.actor(), visit.now(), kind_of(&form)?);
    let mut conn = visit.conn().await?;
    let count = failed_jobs::count(&mut conn, kind).await?;
    let number = usize::try_from(count).unwrap_or_default();
    if let Some(changed) =
        bulk_conditions::changed(bulk_conditions::field(&form, "expected"), number, "job")
            .filter(|_| number > 0)
    {
        drop(conn);
        return visit.answer(
            StatusCode::CONFLICT,
            &JobRetryPage { changed: Some(changed), ..JobRetryPage::new(kind, count) },
        );
    }
    let retried = conn.transaction::<_, Error, _>(async |conn| {
        let retried = failed_jobs::retry_all(conn, kind, now).await?;
        if retried > 0 {
            let kind_note = kind
                .map(|kind| format!(" ({})", labels::kind(kind).0.to_lowercase()))
                .unwrap_or_default();
            audit::record(
                conn,
                &actor,
                AuditKind::Job,
                None,
                &format!("retried {}{kind_note}", failed_jobs(retried)),
                now,
            )
            .await?;
        }
        Ok(retried)
    });
    let retried = retried.await?;
    let redirect = visit.redirect(path("/admin/failed", kind));
    match retried {
        0 => redirect.warning("No failed jobs left. Another admin retried them."),
        1 => redirect.flash("Retrying 1 job, within seconds if a worker is free."),
        many => {
            redirect.flash(format!("Retrying {} failed jobs as workers are free.", grouped(many)))
        }
    }
}

pub(super) async fn retry_one(visit: Visit<Admin>, id: Path<i64>) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    let retried = conn.transaction::<_, Error, _>(async |conn| {
        let job = failed_jobs::retry(conn, JobId(*id), now).await?;
        let summary =
            format!("retried a failed job ({})", labels::kind(job.kind()).0.to_lowercase());
        audit::record(conn, &actor, AuditKind::Job, Some(job.subject()), &summary, now).await
    });
    let redirect = visit.redirect("/admin/failed");
    match retried.await {
        Ok(()) => redirect.flash("Retrying the job, within seconds if a worker is free."),
        Err(Error::NotFound(_)) => {
            redirect.warning("This job is no longer failed. It was already retried.")
        }
        Err(error) => Err(error.into()),
    }
}

/// Reads the kind of job from a form. No kind means all kinds; an unknown one is an error.
fn kind_of(form: &[(String, String)]) -> Result<Option<JobKind>, PageError> {
    let mut errors = bulk_conditions::check(form, &["kind"], &["expected"]);
    let kind = match bulk_conditions::field(form, "kind") {
        None => None,
        Some(blank) if bulk_conditions::is_blank(blank) => None,
        Some(word) => errors.check("kind", word.parse().map_err(|_| "Unknown kind of job.")),
    };
    bulk_conditions::accept(errors)?;
    Ok(kind)
}

fn failed_jobs(count: usize) -> String {
    if count == 1 { "one failed job".to_owned() } else { format!("{} failed jobs", grouped(count)) }
}

impl JobRetryPage {
    fn new(kind: Option<JobKind>, count: i64) -> Self {
        let shown = capped_count(count, failed_jobs::MAX_COUNTED);
        Self {
            kind: kind.map_or("", JobKind::as_str),
            name: kind.map(|kind| labels::kind(kind).0),
            back: path("/admin/failed", kind),
            button: if count == 1 { "Retry job".to_owned() } else { format!("Retry {shown} jobs") },
            count: if count == 0 { String::new() } else { shown },
            at_once: (count > failed_jobs::MAX_COUNTED).then_some(failed_jobs::MAX_RETRIED_AT_ONCE),
            expected: count,
            changed: None,
        }
    }
}

impl Page for JobRetryPage {
    const TEMPLATE: &'static str = "ui/admin/job_retry.html";
}

#[cfg(debug_assertions)]
#[path = "samples/job_retry.rs"]
mod samples;
