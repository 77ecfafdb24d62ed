//! Counts of an automation's enrollments and messages.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, SmallInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::enrollment::{EnrollmentStatus, MAX_LOOKED_AT, entered_before_the_end_of};
use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::ledger::outcome::Outcome;
use crate::ledger::{self, Days, Grouping, LedgerFilter, Maker};
use crate::types::id::{AutomationId, EnrollmentId};
use crate::users::organization;

/// Lists of automations count no further than this, so that they stay quick however much was sent.
pub const MAX_ROUGH: i64 = 10_000;

/// How the newest enrollments of an automation stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// Every status, also those with none.
    pub by_status: BTreeMap<EnrollmentStatus, i64>,
    /// How many were looked at; [`MAX_LOOKED_AT`] if there are more.
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

/// How many of the newest enrollments are counted by step, with their messages: 21 ms where each
/// has three (600,000 messages, all in memory).
pub const MAX_BY_STEP: i64 = 5_000;

/// Where the newest enrollments of an automation stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passages {
    /// Those of its present version, by status and step: an active one stands before its step, a
    /// failed one failed at it, a completed one has no step left.
    pub counts: BTreeMap<(EnrollmentStatus, i16), i64>,
    /// What became of the messages that these got at a step, as of the same moment.
    pub messages: BTreeMap<(i16, Outcome), i64>,
    /// How many are inside each former version, with the steps that it had.
    pub inside_former: BTreeMap<i32, i64>,
    /// By status, those of every version.
    pub by_status: BTreeMap<EnrollmentStatus, i64>,
    /// How many were looked at, whatever their version; [`MAX_BY_STEP`] if there are more.
    pub looked_at: i64,
}

statement! {
    /// The newest enrollments of an automation by version, status and step, and the messages of
    /// those of one version by step and outcome; the messages first by their bare columns, as the
    /// ledger's triggers count.
    struct ByStep {
        automation: AutomationId => SqlUuid,
        limit: i64 => BigInt,
        version: i32 => Integer,
    }
    returns (Integer, Nullable<Text>, SmallInt, Nullable<Text>, BigInt);
    "WITH newest AS MATERIALIZED (
         SELECT id, version, status, step
         FROM enrollments
         WHERE automation_id = {automation}
         ORDER BY id DESC
         LIMIT {limit}
     )
     SELECT version, status, step, NULL, count(*)
     FROM newest
     GROUP BY version, status, step
     UNION ALL
     SELECT version, NULL, step, ledger_outcome(status, retried_at), sum(count)::bigint
     FROM (
         SELECT n.version, m.step, m.status,
             CASE WHEN m.retried_at IS NOT NULL THEN 'epoch'::timestamptz END AS retried_at,
             count(*) AS count
         FROM newest AS n
         JOIN messages AS m ON m.enrollment_id = n.id
         WHERE n.version = {version} AND m.step IS NOT NULL
         GROUP BY 1, 2, 3, 4
     ) AS made
     GROUP BY 1, 2, 3, 4"
}

statement! {
    /// Who is inside former versions, among the newest enrollments of those.
    struct InsideFormer {
        automation: AutomationId => SqlUuid,
        until: EnrollmentId => SqlUuid,
        limit: i64 => BigInt,
        version: i32 => Integer,
    }
    returns (Integer, BigInt);
    "SELECT version, count(*)
     FROM (
         SELECT version, status
         FROM enrollments
         WHERE automation_id = {automation} AND id < {until}
         ORDER BY id DESC
         LIMIT {limit}
     ) AS newest
     WHERE version < {version} AND status = 'active'
     GROUP BY version"
}

/// Where the newest [`MAX_BY_STEP`] enrollments stand. Where there are more, who is inside former
/// versions is looked for among the newest [`MAX_BY_STEP`] that entered before the present version,
/// which may be long ago.
pub async fn by_step(conn: &mut Conn, automation: AutomationId, version: i32) -> Result<Passages> {
    type Row = (i32, Option<EnrollmentStatus>, i16, Option<Outcome>, i64);
    let rows: Vec<Row> = ByStep { automation, limit: MAX_BY_STEP, version }.load(conn).await?;
    let mut passages = Passages::default();
    for (of, status, step, outcome, count) in rows {
        if let Some(outcome) = outcome {
            passages.messages.insert((step, outcome), count);
        }
        let Some(status) = status else { continue };
        passages.looked_at += count;
        *passages.by_status.entry(status).or_default() += count;
        if of == version {
            passages.counts.insert((status, step), count);
        } else if status == EnrollmentStatus::Active {
            *passages.inside_former.entry(of).or_default() += count;
        }
    }
    if passages.looked_at >= MAX_BY_STEP && version > 1 {
        let until = entered_before_the_end_of(conn, automation, version - 1).await?;
        let inside: Vec<(i32, i64)> =
            InsideFormer { automation, until, limit: MAX_BY_STEP, version }.load(conn).await?;
        passages.inside_former = inside.into_iter().collect();
    }
    Ok(passages)
}

statement! {
    /// The newest enrollments of an automation by status.
    struct ByStatus {
        automation: AutomationId => SqlUuid,
        looked_at: i64 => BigInt,
    }
    returns (Text, BigInt);
    "SELECT status, count(*)
     FROM (
         SELECT status
         FROM enrollments
         WHERE automation_id = {automation}
         ORDER BY id DESC
         LIMIT {looked_at}
     ) AS newest
     GROUP BY status"
}

/// Counts the newest [`MAX_LOOKED_AT`] enrollments by status.
pub async fn newest(conn: &mut Conn, automation: AutomationId) -> Result<Newest> {
    let rows: Vec<(EnrollmentStatus, i64)> =
        ByStatus { automation, looked_at: MAX_LOOKED_AT }.load(conn).await?;
    let looked_at = rows.iter().map(|(_, count)| count).sum();
    let mut by_status: BTreeMap<EnrollmentStatus, i64> =
        EnrollmentStatus::ALL.iter().map(|status| (*status, 0)).collect();
    by_status.extend(rows);
    Ok(Newest { by_status, looked_at })
}

/// How the messages of an automation stand, all of them, by the ledger.
pub async fn messages(
    conn: &mut Conn,
    automation: AutomationId,
    now: DateTime<Utc>,
) -> Result<ledger::Counts> {
    let zone = organization::find(conn).await?.day_zone;
    let filter = LedgerFilter {
        days: Days::all(now, zone),
        maker: Some(Maker::Automation(automation)),
        sender_id: None,
    };
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
    /// How many of all that were looked at have this status.
    #[must_use]
    pub fn with(&self, status: EnrollmentStatus) -> i64 {
        self.by_status.get(&status).copied().unwrap_or_default()
    }

    /// How many of the present version stand like this before or at a step.
    #[must_use]
    pub fn at(&self, status: EnrollmentStatus, step: i16) -> i64 {
        self.counts.get(&(status, step)).copied().unwrap_or_default()
    }

    /// What became of the messages that those of the present version got at a step, by outcome;
    /// those with none are left out.
    pub fn messages_at(&self, step: i16) -> impl Iterator<Item = (Outcome, i64)> {
        Outcome::ALL.iter().filter_map(move |outcome| {
            self.messages.get(&(step, *outcome)).map(|count| (*outcome, *count))
        })
    }

    /// How many of the present version have this step behind them.
    #[must_use]
    pub fn passed(&self, step: i16) -> i64 {
        self.counts.iter().filter(|((_, at), _)| *at > step).map(|(_, count)| count).sum()
    }
}

statement! {
    /// Counts by index alone, and stops at the limit.
    struct Rough<'a> {
        automations: &'a [AutomationId] => Array<SqlUuid>,
        limit: i64 => BigInt,
    }
    returns (SqlUuid, BigInt, BigInt);
    "SELECT wanted.id, e.count, m.count
     FROM unnest({automations}) AS wanted (id),
         LATERAL (
             SELECT count(*)
             FROM (SELECT 1 FROM enrollments WHERE automation_id = wanted.id LIMIT {limit}) AS few
         ) AS e,
         LATERAL (
             SELECT count(*)
             FROM (SELECT 1 FROM messages WHERE automation_id = wanted.id LIMIT {limit}) AS few
         ) AS m"
}

/// The rough counts of many automations in one query.
pub async fn find_many(
    conn: &mut Conn,
    ids: &[AutomationId],
) -> Result<HashMap<AutomationId, RoughCounts>> {
    let rows: Vec<(AutomationId, i64, i64)> =
        Rough { automations: ids, limit: MAX_ROUGH + 1 }.load(conn).await?;
    let rough = |(id, enrollments, messages)| (id, RoughCounts { enrollments, messages });
    Ok(rows.into_iter().map(rough).collect())
}
