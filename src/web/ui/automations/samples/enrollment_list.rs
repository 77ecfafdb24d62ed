//! Samples of the list of enrollments: one of each state, none, and a search.

use chrono::DateTime;

use super::{EnrollmentListPage, EnrollmentListQuery, EnrollmentRow, statuses, versions};
use crate::automations::EnrollmentStatus;
use crate::types::id::{AutomationId, ContactId, EnrollmentId};
use crate::web::{Samples, Varies};

impl Samples for EnrollmentListPage {
    const VARIES: Varies =
        Varies { texts: &["name", "wanted.q", "rows.contact", "rows.reason"], lists: &["rows"] };

    fn samples() -> Vec<Self> {
        let page = |rows, wanted| Self {
            id: AutomationId::new(),
            name: "Thank <you>".to_owned(),
            wanted,
            statuses: statuses(),
            versions: versions(3, None),
            rows,
            newer: Some("/automations/1/enrollments?status=".to_owned()),
            older: None,
            limits: Some("Only the newest 20,000 enrollments count here.".to_owned()),
        };
        let searched = EnrollmentListQuery {
            q: "Ada".to_owned(),
            status: "failed".to_owned(),
            version: "2".to_owned(),
            before: None,
        };
        vec![
            page(EnrollmentRow::samples(), EnrollmentListQuery::default()),
            page(Vec::new(), EnrollmentListQuery::default()),
            page(Vec::new(), searched),
        ]
    }
}

impl EnrollmentRow {
    /// One row of each state.
    pub(in crate::web::ui::automations) fn samples() -> Vec<Self> {
        let row = |status: EnrollmentStatus| Self {
            id: EnrollmentId::new(),
            contact_id: ContactId::new(),
            contact: "Ada <Lovelace>".to_owned(),
            status,
            version: 2,
            step: 1,
            reason: (status == EnrollmentStatus::Failed)
                .then(|| "The sender of step 2 no longer exists.".to_owned()),
            due_at: Some(DateTime::UNIX_EPOCH).filter(|_| status == EnrollmentStatus::Active),
            started_at: DateTime::UNIX_EPOCH,
        };
        EnrollmentStatus::ALL.iter().map(|status| row(*status)).collect()
    }
}
