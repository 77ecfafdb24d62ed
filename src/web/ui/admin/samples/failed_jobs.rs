//! Samples of the list of failed jobs: empty, of all kinds, and of one kind.

use chrono::DateTime;

use super::{FailedJobsPage, FailedJobsQuery};
use crate::queue::Job;
use crate::queue::failed_jobs::{self, FailedJob};
use crate::queue::lease::JobId;
use crate::types::id::{EnrollmentId, MessageId};
use crate::web::ui::admin::failed_job_subjects::JobSubjects;
use crate::web::{Samples, Varies};

impl Samples for FailedJobsPage {
    const VARIES: Varies =
        Varies { texts: &["rows.subject.label", "rows.error"], lists: &["rows"] };

    fn samples() -> Vec<Self> {
        let failed = |id, job, error: &str| FailedJob {
            id: JobId(id),
            job,
            attempts: 20,
            error: error.to_owned(),
            failed_at: DateTime::UNIX_EPOCH,
            created_at: DateTime::UNIX_EPOCH,
        };
        let jobs = vec![
            failed(1, Job::Send(MessageId::new()), "The database could not do that: <deadlock>"),
            failed(2, Job::Advance(EnrollmentId::new()), &"averylongwordwithoutablank".repeat(40)),
            failed(3, Job::Settle(MessageId::new()), "مهلة الاتصال"),
        ];
        let of_one_kind = FailedJobsQuery { kind: "send".to_owned(), before: String::new() };
        vec![
            Self::new(&FailedJobsQuery::default(), Vec::new(), &JobSubjects::default(), false, 0),
            Self::new(
                &FailedJobsQuery::default(),
                jobs.clone(),
                &JobSubjects::default(),
                true,
                failed_jobs::MAX_COUNTED + 1,
            ),
            Self::new(&of_one_kind, jobs, &JobSubjects::default(), false, 1),
            Self::new(&of_one_kind, Vec::new(), &JobSubjects::default(), false, 0),
        ]
    }
}
