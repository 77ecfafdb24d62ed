//! The enrollments of an automation, filtered by status, version and contact.

use std::collections::HashMap;

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::automations::{self, Enrollment, EnrollmentFilter, EnrollmentStatus, SCAN_LIMIT};
use crate::contacts::{self, Contact, ContactFilter, Position};
use crate::db::Conn;
use crate::error::Error;
use crate::types::id::{AutomationId, ContactId, EnrollmentId};
use crate::users::organization;
use crate::web::quantities::grouped;
use crate::web::ui::Choice;
use crate::web::{Page, PageResult, Query, Viewer, Visit};

const PER_PAGE: usize = 50;

/// The largest number of contacts whose enrollments a search covers.
const MAX_CONTACTS: usize = 100;

/// The number of versions to choose from, besides the current one.
const MAX_VERSIONS: i32 = 50;

/// The query of the list: filter and keyset position.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct EnrollmentListQuery {
    status: String,
    version: String,
    q: String,
    #[serde(skip_serializing)]
    before: Option<EnrollmentId>,
}

/// The page that lists the enrollments of an automation.
#[derive(Debug, Serialize)]
pub(in crate::web) struct EnrollmentListPage {
    id: AutomationId,
    name: String,
    wanted: EnrollmentListQuery,
    statuses: Vec<Choice>,
    /// The versions to choose from; empty while there has been only one.
    versions: Vec<Choice>,
    rows: Vec<EnrollmentRow>,
    newer: Option<String>,
    older: Option<String>,
    /// A sentence about what the list may leave out.
    limits: Option<String>,
}

/// An enrollment in the list.
#[derive(Debug, Serialize)]
pub(super) struct EnrollmentRow {
    id: EnrollmentId,
    contact_id: ContactId,
    contact: String,
    status: EnrollmentStatus,
    version: i32,
    step: i16,
    reason: Option<String>,
    due_at: Option<DateTime<Utc>>,
    started_at: DateTime<Utc>,
}

pub(super) async fn show(
    visit: Visit<Viewer>,
    id: Path<AutomationId>,
    wanted: Query<EnrollmentListQuery>,
) -> PageResult {
    let page =
        EnrollmentListPage::load(&mut *visit.conn().await?, *id, wanted.into_inner()).await?;
    visit.page(&page)
}

impl EnrollmentListPage {
    async fn load(
        conn: &mut Conn,
        id: AutomationId,
        wanted: EnrollmentListQuery,
    ) -> Result<Self, Error> {
        let automation = automations::find(conn, id).await?;
        let filter = EnrollmentFilter {
            status: wanted.status.parse().ok(),
            contacts: wanted.contacts(conn).await?,
            version: wanted.version.parse().ok(),
        };
        let limits = limits(&filter);
        let limit = i64::try_from(PER_PAGE).unwrap_or(i64::MAX);
        let mut found =
            automations::enrollments(conn, id, &filter, wanted.before, limit + 1).await?;
        let more = found.len() > PER_PAGE;
        found.truncate(PER_PAGE);
        let rows = rows(conn, found).await?;
        let here = |before: Option<EnrollmentId>| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query
                .append_pair("status", &wanted.status)
                .append_pair("version", &wanted.version)
                .append_pair("q", &wanted.q);
            if let Some(before) = before {
                query.append_pair("before", &before.to_string());
            }
            format!("/automations/{id}/enrollments?{}", query.finish())
        };
        Ok(Self {
            id,
            name: automation.name,
            newer: wanted.before.map(|_| here(None)),
            older: rows.last().filter(|_| more).map(|last| here(Some(last.id))),
            rows,
            statuses: statuses(),
            versions: versions(automation.version, filter.version),
            limits,
            wanted,
        })
    }
}

impl EnrollmentListQuery {
    /// The contacts that the search matches; none without a search.
    async fn contacts(&self, conn: &mut Conn) -> Result<Option<Vec<ContactId>>, Error> {
        if self.q.trim().is_empty() {
            return Ok(None);
        }
        let default_country = organization::find(conn).await?.default_country;
        let filter =
            ContactFilter { search: self.q.clone(), default_country, ..ContactFilter::default() };
        let found = contacts::list(conn, &filter, Position::Newest, MAX_CONTACTS).await?;
        Ok(Some(found.contacts.into_iter().map(|contact| contact.id).collect()))
    }
}

/// A sentence about how far the search went, if it did not cover everything.
fn limits(filter: &EnrollmentFilter) -> Option<String> {
    let newest = grouped(SCAN_LIMIT);
    match (&filter.contacts, filter.status, filter.version) {
        (Some(contacts), ..) if contacts.len() >= MAX_CONTACTS => Some(format!(
            "Only the newest {MAX_CONTACTS} matching contacts count here. Search more exactly for \
             others."
        )),
        (None, _, Some(_)) => Some(format!(
            "Only the newest {newest} enrollments count here, and the newest {newest} from when \
             the version ended."
        )),
        (None, Some(_), None) => Some(format!("Only the newest {newest} enrollments count here.")),
        _ => None,
    }
}

/// The options for a version: the newest ones, and the chosen one.
fn versions(newest: i32, wanted: Option<i32>) -> Vec<Choice> {
    let oldest = newest.saturating_sub(MAX_VERSIONS).max(1);
    let other = wanted.filter(|wanted| (1..oldest).contains(wanted));
    let all = (oldest..=newest).rev().chain(other);
    if newest > 1 {
        all.map(|version| Choice::new(version.to_string(), format!("Version {version}"))).collect()
    } else {
        Vec::new()
    }
}

fn statuses() -> Vec<Choice> {
    let label = |status| match status {
        EnrollmentStatus::Active => "Inside",
        EnrollmentStatus::Completed => "Finished",
        EnrollmentStatus::Failed => "Failed",
    };
    EnrollmentStatus::ALL
        .iter()
        .map(|status| Choice::new(status.as_str(), label(*status)))
        .collect()
}

/// The rows of some enrollments, with the names of their contacts.
pub(super) async fn rows(
    conn: &mut Conn,
    enrollments: Vec<Enrollment>,
) -> Result<Vec<EnrollmentRow>, Error> {
    let ids: Vec<ContactId> = enrollments.iter().map(|enrollment| enrollment.contact_id).collect();
    let contacts: HashMap<ContactId, Contact> = contacts::find_many(conn, &ids)
        .await?
        .into_iter()
        .map(|contact| (contact.id, contact))
        .collect();
    let row = |enrollment: Enrollment| EnrollmentRow {
        id: enrollment.id,
        contact_id: enrollment.contact_id,
        contact: contacts.get(&enrollment.contact_id).map(Contact::label).unwrap_or_default(),
        status: enrollment.status,
        version: enrollment.version,
        step: enrollment.step,
        reason: enrollment.reason,
        due_at: Some(enrollment.due_at).filter(|_| enrollment.status == EnrollmentStatus::Active),
        started_at: enrollment.started_at,
    };
    Ok(enrollments.into_iter().map(row).collect())
}

impl Page for EnrollmentListPage {
    const TEMPLATE: &'static str = "ui/automations/enrollment_list.html";
}

#[cfg(debug_assertions)]
#[path = "samples/enrollment_list.rs"]
mod samples;
