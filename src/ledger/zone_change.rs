//! Changing the ledger's time zone: it is recounted from the messages, in one statement, while
//! everything else goes on.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Date, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use super::days::{Calendar, date};
use super::lock::lock;
use crate::db::statement::statement;
use crate::db::{Begun, Tx};
use crate::error::Result;
use crate::users::organization;

/// The largest number of messages that are recounted while a user waits: 0.2 s.
pub const INLINE_RECOUNT_LIMIT: i64 = 100_000;

/// Whether the ledger has the days of the organization's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZoneChange {
    /// The ledger has them.
    UpToDate,
    /// Not yet: there are too many messages to recount inline, so that the routine that folds the
    /// ledger recounts them.
    Deferred,
}

#[derive(QueryableByName)]
struct Extent {
    #[diesel(sql_type = Nullable<Date>)]
    first_day: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Date>)]
    last_day: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    first_change: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_change: Option<DateTime<Utc>>,
    #[diesel(sql_type = BigInt)]
    recipients: i64,
}

/// The time span of the messages, and their number.
const EXTENT: &str = "SELECT min(day) AS first_day, max(day) AS last_day,
    (SELECT min(quarter) FROM ledger_changes) AS first_change,
    (SELECT max(quarter) FROM ledger_changes) AS last_change,
    coalesce(sum(count) FILTER (WHERE outcome = 'recipients'), 0)::bigint AS recipients
FROM ledger";

statement! {
    /// Replaces all buckets and changes that its snapshot contains by the counts of the messages.
    /// Changes that commit later name a quarter of an hour, which is valid in any time zone.
    struct Recount<'a> {
        zone: &'a str => Text,
        days: &'a [NaiveDate] => Array<Date>,
        begins: &'a [DateTime<Utc>] => Array<Timestamptz>,
    }
    returns ();
    "WITH zoned AS (
         UPDATE organization SET ledger_time_zone = {zone} RETURNING 1
     ), old AS (
         DELETE FROM ledger RETURNING 1
     ), noted AS (
         DELETE FROM ledger_changes RETURNING 1
     ), cleared AS MATERIALIZED (
         -- The new buckets have the keys of the old ones: these must be gone first.
         SELECT (SELECT count(*) FROM old) + (SELECT count(*) FROM noted)
             + (SELECT count(*) FROM zoned) AS count
     ), entered AS (
         SELECT ({days})[m.place] AS day, m.automation_id, m.sender_id,
             ledger_outcome(m.status, m.retried_at) AS outcome,
             ledger_reason(m.status, m.retried_at, m.reason, m.error_code) AS reason,
             ledger_error_code(m.status, m.retried_at, m.error_code) AS error_code,
             sum(m.count)::bigint AS count
         FROM (
             SELECT width_bucket(created_at, {begins}) AS place, automation_id, sender_id, status,
                 retried_at, reason, error_code, count(*) AS count
             FROM messages
             WHERE direction = 'outbound'
             GROUP BY 1, 2, 3, 4, 5, 6, 7
         ) AS m
         GROUP BY 1, 2, 3, 4, 5, 6
     ), buckets AS (
         SELECT day, automation_id, sender_id, outcome, reason, error_code, count
         FROM entered
         UNION ALL
         SELECT day, automation_id, sender_id, 'recipients', NULL, NULL, sum(count)::bigint
         FROM entered
         GROUP BY 1, 2, 3
     )
     INSERT INTO ledger (day, automation_id, sender_id, outcome, reason, error_code, count)
     SELECT b.day, b.automation_id, b.sender_id, b.outcome, b.reason, b.error_code, b.count
     FROM cleared, buckets AS b
     WHERE cleared.count >= 0"
}

/// Recounts the ledger if its time zone differs from the organization's, unless it has more than
/// `at_most` messages. Only folding waits for it; readers see the old days until the commit.
pub async fn follow_zone(tx: Begun<'_>, at_most: i64, now: DateTime<Utc>) -> Result<ZoneChange> {
    recount(&mut lock(tx).await?, at_most, now).await
}

/// Recounts the ledger, which is locked, as [`follow_zone`] does.
pub(super) async fn recount(
    tx: &mut Tx<'_>,
    at_most: i64,
    now: DateTime<Utc>,
) -> Result<ZoneChange> {
    let organization = organization::find(tx).await?;
    let (old, new) = (organization.day_zone, organization.time_zone);
    if old == new {
        return Ok(ZoneChange::UpToDate);
    }
    let extent: Extent = diesel::sql_query(EXTENT).get_result(&mut **tx).await?;
    if extent.recipients > at_most {
        return Ok(ZoneChange::Deferred);
    }
    let Calendar { days, begins } = extent.calendar(new, now);
    Recount { zone: new.name(), days: &days, begins: &begins }.execute(&mut **tx).await?;
    tracing::info!(
        from = old.name(),
        to = new.name(),
        messages = extent.recipients,
        "the ledger was counted anew for another time zone"
    );
    Ok(ZoneChange::UpToDate)
}

impl Extent {
    /// The days on which messages can exist in any time zone, including those that are composed
    /// before the statement begins.
    fn calendar(&self, zone: Tz, now: DateTime<Utc>) -> Calendar {
        let today = date(now, zone);
        let change = |at: Option<DateTime<Utc>>| at.map_or(today, |at| date(at, zone));
        let from = self.first_day.unwrap_or(today).min(change(self.first_change)).min(today)
            - TimeDelta::days(2);
        let to = self.last_day.unwrap_or(today).max(change(self.last_change)).max(today)
            + TimeDelta::days(2);
        Calendar::of(from, to, zone)
    }
}
