//! Counts of an automation's enrollments and messages.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, SmallInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::enrollment::{EnrollmentStatus, MOST_LOOKED_AT};
use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::messages::ledger::{self, Days, Grouping, LedgerFilter, Maker};
use crate::types::id::AutomationId;

/// Lists of automations count no further than this, so that they stay quick however much was sent.
pub const MAX_ROUGH: i64 = 10_000;

/// How the newest enrollments of an automation stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// Every status, also those with none.
    pub by_status: BTreeMap<EnrollmentStatus, i64>,
    /// How many were looked at; [`MOST_LOOKED_AT`] if there are more.
    pub looked_at: i64,
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

statement! {
    /// The newest enrollments of an automation by status.
    struct ByStatus<'a> {
        automation: &'a AutomationId => SqlUuid,
        looked_at: i64 => BigInt,
    }
    returns (Text, BigInt);
    "SELECT status, count(*) FROM (SELECT status FROM enrollments WHERE automation_id = {} ORDER BY id DESC LIMIT {}) AS newest
     GROUP BY status"
}

/// Counts the newest [`MOST_LOOKED_AT`] enrollments by status.
pub async fn newest(conn: &mut Conn, automation: AutomationId) -> Result<Newest> {
    let rows: Vec<(EnrollmentStatus, i64)> = ByStatus { automation: &automation, looked_at: MOST_LOOKED_AT }.load(conn).await?;
    let looked_at = rows.iter().map(|(_, count)| count).sum();
    let mut by_status: BTreeMap<EnrollmentStatus, i64> = EnrollmentStatus::ALL.iter().map(|status| (*status, 0)).collect();
    by_status.extend(rows);
    Ok(Newest { by_status, looked_at })
}

/// How the messages of an automation stand, all of them, by the ledger.
pub async fn messages(conn: &mut Conn, automation: AutomationId, now: DateTime<Utc>) -> Result<ledger::Counts> {
    let filter = LedgerFilter { days: Days::all(now), maker: Some(Maker::Automation(automation)), sender_id: None };
    Ok(ledger::read(conn, &filter, Grouping::Automation).await?.totals)
}

impl Newest {
    /// How many of them have this status.
    #[must_use]
    pub fn with(&self, status: EnrollmentStatus) -> i64 {
        self.by_status.get(&status).copied().unwrap_or_default()
    }
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

/// The rough counts of many automations in one query.
pub async fn find_many(conn: &mut Conn, ids: &[AutomationId]) -> Result<HashMap<AutomationId, RoughCounts>> {
    let limit = MAX_ROUGH + 1;
    let rows: Vec<(AutomationId, i64, i64)> =
        Rough { automations: ids, enrollments_limit: limit, messages_limit: limit }.load(conn).await?;
    let rough = |(id, enrollments, messages)| (id, RoughCounts { enrollments, messages });
    Ok(rows.into_iter().map(rough).collect())
}
