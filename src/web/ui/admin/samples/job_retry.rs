//! Samples of the confirmation before failed jobs are retried: none, one, many, and a changed
//! number.

use super::JobRetryPage;
use crate::queue::{JobKind, failed_jobs};
use crate::web::http::bulk_conditions;
use crate::web::{Samples, Varies};

impl Samples for JobRetryPage {
    const VARIES: Varies = Varies::NOTHING;

    fn samples() -> Vec<Self> {
        let page = |kind: Option<JobKind>, count| Self::new(kind, count);
        let changed = Self {
            changed: bulk_conditions::changed(Some("3"), 1_234, "job"),
            ..page(None, 1_234)
        };
        vec![
            changed,
            page(None, 0),
            page(Some(JobKind::Send), 1),
            page(Some(JobKind::Advance), 1_234),
            page(None, failed_jobs::MAX_COUNTED + 1),
        ]
    }
}
