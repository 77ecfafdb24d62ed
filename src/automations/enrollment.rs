//! The enrollment, one contact's run through one automation, and its queries.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::schema::{automation_versions, automations, enrollments as table};
use crate::db::statement::statement;
use crate::error::{Error, Result};
use crate::types::id::{AutomationId, ContactId, EnrollmentId, EventId};
use crate::types::text_enum::text_enum;

text_enum! {
    /// Progress of an enrollment.
    pub enum EnrollmentStatus {
        /// Steps remain.
        Active = "active",
        /// All steps are done, whatever the outcome of their messages.
        Completed = "completed",
        /// A step failed; the reason says why.
        Failed = "failed",
    }
}

/// One contact's run through one automation.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = table, check_for_backend(diesel::pg::Pg))]
pub struct Enrollment {
    /// Its id, which increases with time of its cause.
    pub id: EnrollmentId,
    /// The automation.
    pub automation_id: AutomationId,
    /// The version of the definition whose steps it runs from start to finish.
    pub version: i32,
    /// The contact.
    pub contact_id: ContactId,
    /// The event that started it, if any.
    pub event_id: Option<EventId>,
    /// Its cause: `event:<id>`, `tag:<contact>:<tag>:<time>` or `contact:<id>`.
    pub cause: String,
    /// Its progress.
    pub status: EnrollmentStatus,
    /// Index of the next step to run, from 0; the number of steps after the last one.
    pub step: i16,
    /// When the next step is due.
    pub due_at: DateTime<Utc>,
    /// When the contact was enrolled.
    pub started_at: DateTime<Utc>,
    /// When it was completed or failed.
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub reason: Option<String>,
}

/// Finds an enrollment by id; [`Error::NotFound`] if there is none or its contact was deleted.
pub async fn find_enrollment(conn: &mut Conn, id: EnrollmentId) -> Result<Enrollment> {
    let found =
        table::table.find(id).select(Enrollment::as_select()).first(conn).await.optional()?;
    found.ok_or(Error::NotFound("enrollment"))
}

/// Finds enrollments by id, in no particular order; unknown ids are missing.
pub async fn find_enrollments(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<Vec<Enrollment>> {
    Ok(table::table
        .filter(table::id.eq_any(ids))
        .select(Enrollment::as_select())
        .load(conn)
        .await?)
}

/// The newest enrollments of a contact, each with the name of its automation.
pub async fn enrollments_of_contact(
    conn: &mut Conn,
    contact_id: ContactId,
    limit: i64,
) -> Result<Vec<(Enrollment, String)>> {
    Ok(table::table
        .inner_join(automations::table.on(automations::id.eq(table::automation_id)))
        .filter(table::contact_id.eq(contact_id))
        .order(table::id.desc())
        .limit(limit)
        .select((Enrollment::as_select(), automations::name))
        .load(conn)
        .await?)
}

/// Filter for the enrollments of an automation.
#[derive(Debug, Clone, Default)]
pub struct EnrollmentFilter {
    /// Only enrollments with this status.
    pub status: Option<EnrollmentStatus>,
    /// Only enrollments of these contacts.
    pub contacts: Option<Vec<ContactId>>,
    /// Only enrollments of this version.
    pub version: Option<i32>,
}

/// Number of newest enrollments searched for a status or version. No index covers these columns, so
/// that advancing remains a HOT update.
pub const SCAN_LIMIT: i64 = 20_000;

/// Enrollments of an automation older than `before`, newest first, at most `limit` (keyset
/// pagination).
pub async fn enrollments(
    conn: &mut Conn,
    automation_id: AutomationId,
    filter: &EnrollmentFilter,
    before: Option<EnrollmentId>,
    limit: i64,
) -> Result<Vec<Enrollment>> {
    let mut query = table::table
        .filter(table::automation_id.eq(automation_id))
        .order(table::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(table::id.lt(before));
    }
    if let Some(contacts) = &filter.contacts {
        query = query.filter(table::contact_id.eq_any(contacts));
        if let Some(status) = filter.status {
            query = query.filter(table::status.eq(status));
        }
        if let Some(version) = filter.version {
            query = query.filter(table::version.eq(version));
        }
    } else if filter.status.is_some() || filter.version.is_some() {
        query = query.filter(
            table::id.eq_any(find_matching(conn, automation_id, filter, before, limit).await?),
        );
    }
    Ok(query.select(Enrollment::as_select()).load(conn).await?)
}

/// Enrollments that match the filter among the newest [`SCAN_LIMIT`]. If a version has too few
/// there, also among as many from before its end, possibly long ago. May return more than `limit`.
async fn find_matching(
    conn: &mut Conn,
    automation_id: AutomationId,
    filter: &EnrollmentFilter,
    before: Option<EnrollmentId>,
    limit: i64,
) -> Result<Vec<EnrollmentId>> {
    let statuses =
        filter.status.map_or_else(|| EnrollmentStatus::ALL.to_vec(), |status| vec![status]);
    let (from_version, to_version) =
        filter.version.map_or((0, i32::MAX), |version| (version, version));
    let before = before.unwrap_or(MAX_ID);
    let matching = |before| {
        let (automation, looked_at) = (automation_id, SCAN_LIMIT);
        Matching {
            automation,
            before,
            looked_at,
            statuses: &statuses,
            from_version,
            to_version,
            limit,
        }
    };
    let mut found: Vec<EnrollmentId> = matching(before).load(conn).await?;
    if let Some(version) = filter.version
        && i64::try_from(found.len()).unwrap_or(i64::MAX) < limit
    {
        let end = version_upper_bound(conn, automation_id, version).await?;
        if end < before {
            found.extend(matching(end).load::<EnrollmentId>(conn).await?);
        }
    }
    Ok(found)
}

statement! {
    /// The newest enrollments of an automation with one of these statuses and versions, among the
    /// newest `looked_at`.
    struct Matching<'a> {
        automation: AutomationId => SqlUuid,
        before: EnrollmentId => SqlUuid,
        looked_at: i64 => BigInt,
        statuses: &'a [EnrollmentStatus] => Array<Text>,
        from_version: i32 => Integer,
        to_version: i32 => Integer,
        limit: i64 => BigInt,
    }
    returns SqlUuid;
    "SELECT id
     FROM (
         SELECT id, status, version
         FROM enrollments
         WHERE automation_id = {automation} AND id < {before}
         ORDER BY id DESC
         LIMIT {looked_at}
     ) AS newest
     WHERE status = ANY ({statuses}) AND version BETWEEN {from_version} AND {to_version}
     ORDER BY id DESC
     LIMIT {limit}"
}

/// Greater than the id of every enrollment.
const MAX_ID: EnrollmentId = EnrollmentId(uuid::Uuid::max());

/// Allowance for enrollments in flight when a version was saved, which still use the former
/// version, and for clock skew.
const OVERLAP: TimeDelta = TimeDelta::seconds(10);

/// An id greater than those of all enrollments of a version: the time at which the next version was
/// saved, or [`MAX_ID`] if there is none.
pub(super) async fn version_upper_bound(
    conn: &mut Conn,
    automation_id: AutomationId,
    version: i32,
) -> Result<EnrollmentId> {
    let next = automation_versions::table
        .find((automation_id, version.saturating_add(1)))
        .select(automation_versions::created_at);
    let next: Option<DateTime<Utc>> = next.first(conn).await.optional()?;
    Ok(next.map_or(MAX_ID, |saved| EnrollmentId::first_at(saved + OVERLAP)))
}
