//! The enrollment: one contact's passage through one automation.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::schema::enrollments as table;
use crate::db::statement::statement;
use crate::error::{Error, Result};
use crate::types::id::{AutomationId, ContactId, EnrollmentId, EventId};
use crate::types::text_enum::text_enum;

text_enum! {
    /// How far an enrollment has come.
    pub enum EnrollmentStatus {
        /// Steps remain.
        Active = "active",
        /// All steps are done, whatever became of their messages.
        Completed = "completed",
        /// A step could not be done at all; the reason says why.
        Failed = "failed",
    }
}

/// One contact's passage through one automation.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = table, check_for_backend(diesel::pg::Pg))]
pub struct Enrollment {
    /// Identifies it; later ones have greater ids.
    pub id: EnrollmentId,
    /// The automation.
    pub automation_id: AutomationId,
    /// The version of the definition that it began with and finishes with.
    pub version: i32,
    /// Who passes through.
    pub contact_id: ContactId,
    /// The event that started it, if one did.
    pub event_id: Option<EventId>,
    /// What started it: `event:<id>`, `tag:<contact>:<tag>:<time>`, `contact:<id>`.
    pub cause: String,
    /// How far it has come.
    pub status: EnrollmentStatus,
    /// Index of the next step to run, from 0; after the last one, their number.
    pub step: i16,
    /// When the next step is due.
    pub due_at: DateTime<Utc>,
    /// When the contact came in.
    pub started_at: DateTime<Utc>,
    /// When it was completed or failed.
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub reason: Option<String>,
}

/// Finds an enrollment by id; [`Error::NotFound`] when there is none, or its contact was deleted.
pub async fn find_enrollment(conn: &mut Conn, id: EnrollmentId) -> Result<Enrollment> {
    let found = table::table.find(id).select(Enrollment::as_select()).first(conn).await.optional()?;
    found.ok_or(Error::NotFound("enrollment"))
}

/// Some enrollments as they stand now, in no order; those that do not exist are left out.
pub async fn find_enrollments(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<Vec<Enrollment>> {
    Ok(table::table.filter(table::id.eq_any(ids)).select(Enrollment::as_select()).load(conn).await?)
}

/// Which enrollments of an automation to list.
#[derive(Debug, Clone, Default)]
pub struct EnrollmentFilter {
    /// Those that have come so far.
    pub status: Option<EnrollmentStatus>,
    /// Those of these contacts.
    pub contacts: Option<Vec<ContactId>>,
}

/// A status is looked for among so many of the newest: no index names it, so that moving on stays cheap.
pub const MOST_LOOKED_AT: i64 = 20_000;

/// The newest enrollments of an automation first, at most `limit`, of those older than `before`.
pub async fn enrollments(
    conn: &mut Conn,
    automation_id: AutomationId,
    filter: &EnrollmentFilter,
    before: Option<EnrollmentId>,
    limit: i64,
) -> Result<Vec<Enrollment>> {
    let mut query = table::table.filter(table::automation_id.eq(automation_id)).order(table::id.desc()).limit(limit).into_boxed();
    if let Some(before) = before {
        query = query.filter(table::id.lt(before));
    }
    match (&filter.contacts, filter.status) {
        (Some(contacts), status) => {
            query = query.filter(table::contact_id.eq_any(contacts));
            if let Some(status) = status {
                query = query.filter(table::status.eq(status));
            }
        }
        (None, Some(status)) => query = query.filter(table::id.eq_any(newest_with(conn, automation_id, status, before, limit).await?)),
        (None, None) => {}
    }
    Ok(query.select(Enrollment::as_select()).load(conn).await?)
}

/// The newest with a status, among the newest [`MOST_LOOKED_AT`].
async fn newest_with(
    conn: &mut Conn,
    automation_id: AutomationId,
    status: EnrollmentStatus,
    before: Option<EnrollmentId>,
    limit: i64,
) -> Result<Vec<EnrollmentId>> {
    let before = before.unwrap_or(EnrollmentId(uuid::Uuid::max()));
    let with_status = WithStatus { automation: &automation_id, before, looked_at: MOST_LOOKED_AT, status, limit };
    Ok(with_status.load(conn).await?)
}

statement! {
    /// The newest enrollments of an automation with a status, among so many of the newest.
    struct WithStatus<'a> {
        automation: &'a AutomationId => SqlUuid,
        before: EnrollmentId => SqlUuid,
        looked_at: i64 => BigInt,
        status: EnrollmentStatus => Text,
        limit: i64 => BigInt,
    }
    returns SqlUuid;
    "SELECT id FROM (
        SELECT id, status FROM enrollments WHERE automation_id = {} AND id < {} ORDER BY id DESC LIMIT {}
     ) AS newest WHERE status = {} ORDER BY id DESC LIMIT {}"
}
