//! The enrollment: one contact's passage through one automation.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::schema::{automation_versions, enrollments as table};
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
    let found =
        table::table.find(id).select(Enrollment::as_select()).first(conn).await.optional()?;
    found.ok_or(Error::NotFound("enrollment"))
}

/// Some enrollments as they stand now, in no order; those that do not exist are left out.
pub async fn find_enrollments(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<Vec<Enrollment>> {
    Ok(table::table
        .filter(table::id.eq_any(ids))
        .select(Enrollment::as_select())
        .load(conn)
        .await?)
}

/// Which enrollments of an automation to list.
#[derive(Debug, Clone, Default)]
pub struct EnrollmentFilter {
    /// Those that have come so far.
    pub status: Option<EnrollmentStatus>,
    /// Those of these contacts.
    pub contacts: Option<Vec<ContactId>>,
    /// Those that pass through this version.
    pub version: Option<i32>,
}

/// A status or version is looked for among so many of the newest: no index names them, so that
/// moving on stays cheap.
pub const MAX_LOOKED_AT: i64 = 20_000;

/// The newest enrollments of an automation first, at most `limit`, of those older than `before`.
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
            table::id.eq_any(newest_like(conn, automation_id, filter, before, limit).await?),
        );
    }
    Ok(query.select(Enrollment::as_select()).load(conn).await?)
}

/// The newest with a status and of a version, among the newest [`MAX_LOOKED_AT`]; where a version
/// has fewer there, also among as many from before its end, which may be long ago. More than
/// `limit` may come.
async fn newest_like(
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
    let before = before.unwrap_or(NEWEST);
    let like = |before| {
        let (automation, looked_at) = (automation_id, MAX_LOOKED_AT);
        Like { automation, before, looked_at, statuses: &statuses, from_version, to_version, limit }
    };
    let mut found: Vec<EnrollmentId> = like(before).load(conn).await?;
    if let Some(version) = filter.version
        && i64::try_from(found.len()).unwrap_or(i64::MAX) < limit
    {
        let end = entered_before_the_end_of(conn, automation_id, version).await?;
        if end < before {
            found.extend(like(end).load::<EnrollmentId>(conn).await?);
        }
    }
    Ok(found)
}

statement! {
    /// The newest enrollments of an automation with some status and version, among so many of the
    /// newest.
    struct Like<'a> {
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

/// Comes after every enrollment.
const NEWEST: EnrollmentId = EnrollmentId(uuid::Uuid::max());

/// What was under way when a version was saved still entered the one before; and two clocks differ
/// a little.
const LATE: TimeDelta = TimeDelta::seconds(10);

/// What comes after every enrollment of a version in order, as a bound: the time of the next
/// version, or the end where there is none.
pub(super) async fn entered_before_the_end_of(
    conn: &mut Conn,
    automation_id: AutomationId,
    version: i32,
) -> Result<EnrollmentId> {
    let next = automation_versions::table
        .find((automation_id, version.saturating_add(1)))
        .select(automation_versions::created_at);
    let next: Option<DateTime<Utc>> = next.first(conn).await.optional()?;
    Ok(next.map_or(NEWEST, |saved| EnrollmentId::first_at(saved + LATE)))
}
