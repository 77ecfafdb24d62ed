//! Counts of an automation's enrollments and messages.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::enrollment::EnrollmentStatus;
use crate::db::Conn;
use crate::db::schema::{enrollments, messages};
use crate::db::statement::statement;
use crate::error::Result;
use crate::messages::status::MessageStatus;
use crate::types::id::AutomationId;

/// Lists of automations count no further than this, so that they stay quick however much was sent.
pub const MAX_ROUGH: i64 = 10_000;

/// How many enrollments and messages an automation has, by status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Every status, also those with none.
    pub enrollments: BTreeMap<EnrollmentStatus, i64>,
    /// Only the statuses that occur.
    pub messages: BTreeMap<MessageStatus, i64>,
}

/// How many enrollments and messages an automation has, up to one more than [`MAX_ROUGH`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RoughCounts {
    /// Enrollments, whatever their status.
    pub enrollments: i64,
    /// Messages, whatever their status.
    pub messages: i64,
}

statement! {
    /// Counts by index alone, and stops at the limit.
    struct Rough<'a> {
        automations: &'a [AutomationId] => Array<SqlUuid>,
        enrollments_limit: i64 => BigInt,
        messages_limit: i64 => BigInt,
    }
    returns (SqlUuid, BigInt, BigInt);
    "SELECT wanted.id, e.count, m.count FROM unnest({}::uuid[]) AS wanted (id),
        LATERAL (SELECT count(*) FROM (SELECT 1 FROM enrollments WHERE automation_id = wanted.id LIMIT {}) AS counted) AS e,
        LATERAL (SELECT count(*) FROM (SELECT 1 FROM messages WHERE automation_id = wanted.id LIMIT {}) AS counted) AS m"
}

/// The exact counts of one automation.
pub async fn find(conn: &mut Conn, id: AutomationId) -> Result<Counts> {
    let messages: Vec<(MessageStatus, i64)> = messages::table
        .filter(messages::automation_id.eq(id))
        .group_by(messages::status)
        .select((messages::status, diesel::dsl::count_star()))
        .load(conn)
        .await?;
    Ok(Counts { enrollments: enrollments(conn, id).await?, messages: messages.into_iter().collect() })
}

/// How many enrollments an automation has by status, also those with none.
pub async fn enrollments(conn: &mut Conn, id: AutomationId) -> Result<BTreeMap<EnrollmentStatus, i64>> {
    let by_status: Vec<(EnrollmentStatus, i64)> = enrollments::table
        .filter(enrollments::automation_id.eq(id))
        .group_by(enrollments::status)
        .select((enrollments::status, diesel::dsl::count_star()))
        .load(conn)
        .await?;
    let mut enrollments: BTreeMap<EnrollmentStatus, i64> = EnrollmentStatus::ALL.iter().map(|status| (*status, 0)).collect();
    enrollments.extend(by_status);
    Ok(enrollments)
}

/// The rough counts of many automations in one query.
pub async fn find_many(conn: &mut Conn, ids: &[AutomationId]) -> Result<HashMap<AutomationId, RoughCounts>> {
    let limit = MAX_ROUGH + 1;
    let rows: Vec<(AutomationId, i64, i64)> =
        Rough { automations: ids, enrollments_limit: limit, messages_limit: limit }.load(conn).await?;
    let rough = |(id, enrollments, messages)| (id, RoughCounts { enrollments, messages });
    Ok(rows.into_iter().map(rough).collect())
}
