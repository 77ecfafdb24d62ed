//! Counts of an automation's enrollments and messages.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, SmallInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::enrollment::{EnrollmentStatus, MOST_LOOKED_AT};
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

/// How many of the newest enrollments are counted by step: enough to see how it goes, and never slow.
pub const MAX_BY_STEP: i64 = 10_000;

/// Where the newest enrollments of an automation's present version stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passages {
    /// By status and step: an active one stands before its step, a failed one failed at it, a completed one has no step left.
    pub counts: BTreeMap<(EnrollmentStatus, i16), i64>,
    /// How many were looked at, those of former versions included; [`MAX_BY_STEP`] if there are more.
    pub looked_at: i64,
}

statement! {
    /// The newest enrollments of an automation by version, status and step.
    struct ByStep<'a> {
        automation: &'a AutomationId => SqlUuid,
        limit: i64 => BigInt,
    }
    returns (Integer, Text, SmallInt, BigInt);
    "SELECT version, status, step, count(*) FROM (
        SELECT version, status, step FROM enrollments WHERE automation_id = {} ORDER BY id DESC LIMIT {}
     ) AS newest GROUP BY version, status, step"
}

/// Where the newest [`MAX_BY_STEP`] enrollments stand, as far as they are of this version.
pub async fn by_step(conn: &mut Conn, automation: AutomationId, version: i32) -> Result<Passages> {
    let rows: Vec<(i32, EnrollmentStatus, i16, i64)> = ByStep { automation: &automation, limit: MAX_BY_STEP }.load(conn).await?;
    let looked_at = rows.iter().map(|(.., count)| count).sum();
    let of_version = rows.into_iter().filter(|(of, ..)| *of == version);
    Ok(Passages { counts: of_version.map(|(_, status, step, count)| ((status, step), count)).collect(), looked_at })
}

/// Who stands inside an automation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inside {
    /// How many of the newest enrollments are under way.
    pub active: i64,
    /// How many were looked at; [`MOST_LOOKED_AT`] if there are more.
    pub looked_at: i64,
}

statement! {
    /// How many of an automation's newest enrollments are under way.
    struct CountInside<'a> {
        automation: &'a AutomationId => SqlUuid,
        looked_at: i64 => BigInt,
    }
    returns (BigInt, BigInt);
    "SELECT count(*) FILTER (WHERE status = 'active'), count(*)
     FROM (SELECT status FROM enrollments WHERE automation_id = {} ORDER BY id DESC LIMIT {}) AS newest"
}

/// Counts who is under way among the newest [`MOST_LOOKED_AT`] enrollments.
pub async fn inside(conn: &mut Conn, automation: AutomationId) -> Result<Inside> {
    let (active, looked_at) = CountInside { automation: &automation, looked_at: MOST_LOOKED_AT }.get_result(conn).await?;
    Ok(Inside { active, looked_at })
}

impl Passages {
    /// How many stand like this before or at a step.
    #[must_use]
    pub fn at(&self, status: EnrollmentStatus, step: i16) -> i64 {
        self.counts.get(&(status, step)).copied().unwrap_or_default()
    }

    /// How many have this step behind them.
    #[must_use]
    pub fn passed(&self, step: i16) -> i64 {
        self.counts.iter().filter(|((_, at), _)| *at > step).map(|(_, count)| count).sum()
    }

    /// How many there are by status.
    #[must_use]
    pub fn by_status(&self, status: EnrollmentStatus) -> i64 {
        self.counts.iter().filter(|((known, _), _)| *known == status).map(|(_, count)| count).sum()
    }
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
