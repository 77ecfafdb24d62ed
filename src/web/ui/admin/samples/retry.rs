//! The question whether failed jobs are tried again: for none, one, many, and a changed number.

use super::JobRetryPage;
use crate::queue::{JobKind, failed};
use crate::web::http::narrowing;
use crate::web::{Samples, Varies};

impl Samples for JobRetryPage {
    const VARIES: Varies = Varies::NOTHING;

    fn samples() -> Vec<Self> {
        let one = |kind: Option<JobKind>, count| Self::new(kind, count);
        let changed =
            Self { changed: narrowing::changed(Some("3"), 1_234, "job"), ..one(None, 1_234) };
        vec![
            changed,
            one(None, 0),
            one(Some(JobKind::Send), 1),
            one(Some(JobKind::Advance), 1_234),
            one(None, failed::COUNTED + 1),
        ]
    }
}
