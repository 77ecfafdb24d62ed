//! Checking the ledger against the messages themselves.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::Queryable;
use diesel::sql_types::{
    Array, BigInt, Bool, Date, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;

use super::days::Calendar;
use super::filter::LedgerFilter;
use super::lock::lock;
use crate::db::statement::statement;
use crate::db::{Begun, Conn, Tx};
use crate::error::Result;
use crate::types::id::{AutomationId, SenderId};

/// A bucket in which the ledger differs from the messages.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Difference {
    /// The day on which the messages were composed.
    pub day: NaiveDate,
    /// Their automation.
    pub automation_id: Option<AutomationId>,
    /// Their sender.
    pub sender_id: Option<SenderId>,
    /// `recipients`, or one of [`crate::ledger::outcome::Outcome`].
    pub outcome: String,
    /// Why they failed or were not sent.
    pub reason: Option<String>,
    /// Twilio's error code.
    pub error_code: Option<i32>,
    /// The number in the ledger.
    pub in_ledger: i64,
    /// The number of messages.
    pub in_messages: i64,
}

/// Recounts messages and selects the buckets in which the ledger differs, as `differing`; first by
/// their bare columns, as the triggers do. `wanted` hides the days from the planner, which would
/// otherwise sort the messages instead of hashing them.
macro_rules! differing {
    () => {
        "WITH wanted AS (
         SELECT {from} AS from_day, {to} AS to_day, {begin} AS begins, {end} AS ends,
             {days} AS days, {begins} AS midnights,
             {automation_id} AS automation_id, {one_off} AS one_off, {sender_id} AS sender_id
     ), counted AS (
         SELECT wanted.days[m.place] AS day, m.automation_id, m.sender_id,
             ledger_outcome(m.status, m.retried_at) AS outcome,
             ledger_reason(m.status, m.retried_at, m.reason, m.error_code) AS reason,
             ledger_error_code(m.status, m.retried_at, m.error_code) AS error_code,
             sum(m.count) AS count
         FROM (
             SELECT width_bucket(created_at, wanted.midnights) AS place, m.automation_id,
                 m.sender_id, status, retried_at, reason, error_code, count(*) AS count
             FROM messages AS m, wanted
             WHERE direction = 'outbound'
               AND created_at >= wanted.begins
               AND created_at < wanted.ends
             GROUP BY 1, 2, 3, 4, 5, 6, 7
         ) AS m, wanted
         GROUP BY 1, 2, 3, 4, 5, 6
     ), differing AS (
         SELECT b.day, b.automation_id, b.sender_id, b.outcome, b.reason, b.error_code,
             sum(b.in_ledger)::bigint AS in_ledger, sum(b.in_messages)::bigint AS in_messages
         FROM (
             SELECT day, l.automation_id, l.sender_id, outcome, reason, error_code,
                 count AS in_ledger, 0 AS in_messages
             FROM ledger AS l, wanted
             WHERE day BETWEEN wanted.from_day AND wanted.to_day
             UNION ALL
             SELECT wanted.days[width_bucket(quarter, wanted.midnights)], c.automation_id,
                 c.sender_id, outcome, reason, error_code, count, 0
             FROM ledger_changes AS c, wanted
             WHERE quarter >= wanted.begins AND quarter < wanted.ends
             UNION ALL
             SELECT day, automation_id, sender_id, outcome, reason, error_code, 0, count
             FROM counted
             UNION ALL
             SELECT day, automation_id, sender_id, 'recipients', NULL, NULL, 0, sum(count)
             FROM counted
             GROUP BY 1, 2, 3
         ) AS b, wanted
         WHERE (wanted.automation_id IS NULL OR b.automation_id = wanted.automation_id)
           AND (NOT wanted.one_off OR b.automation_id IS NULL)
           AND (wanted.sender_id IS NULL OR b.sender_id = wanted.sender_id)
         GROUP BY 1, 2, 3, 4, 5, 6
         HAVING sum(b.in_ledger) <> sum(b.in_messages)
     )"
    };
}

statement! {
    /// Finds the buckets in which the ledger differs.
    struct Compare<'a> {
        from: NaiveDate => Date,
        to: NaiveDate => Date,
        begin: DateTime<Utc> => Timestamptz,
        end: DateTime<Utc> => Timestamptz,
        days: &'a [NaiveDate] => Array<Date>,
        begins: &'a [DateTime<Utc>] => Array<Timestamptz>,
        automation_id: Option<AutomationId> => Nullable<SqlUuid>,
        one_off: bool => Bool,
        sender_id: Option<SenderId> => Nullable<SqlUuid>,
    }
    returns (
        Date,
        Nullable<SqlUuid>,
        Nullable<SqlUuid>,
        Text,
        Nullable<Text>,
        Nullable<Int4>,
        BigInt,
        BigInt
    );
    concat!(
        differing!(),
        " SELECT * FROM differing ORDER BY 1 DESC, 2, 3, 4, 5, 6"
    )
}

statement! {
    /// Adds the differences as changes, in the statement that finds them; changes that commit
    /// in the meantime count separately.
    struct Correct<'a> {
        from: NaiveDate => Date,
        to: NaiveDate => Date,
        begin: DateTime<Utc> => Timestamptz,
        end: DateTime<Utc> => Timestamptz,
        days: &'a [NaiveDate] => Array<Date>,
        begins: &'a [DateTime<Utc>] => Array<Timestamptz>,
        automation_id: Option<AutomationId> => Nullable<SqlUuid>,
        one_off: bool => Bool,
        sender_id: Option<SenderId> => Nullable<SqlUuid>,
    }
    returns ();
    concat!(
        differing!(),
        " INSERT INTO ledger_changes
         (quarter, automation_id, sender_id, outcome, reason, error_code, count)
     SELECT w.midnights[array_position(w.days, d.day)], d.automation_id, d.sender_id, d.outcome,
         d.reason, d.error_code, d.in_messages - d.in_ledger
     FROM differing AS d, wanted AS w"
    )
}

/// Recounts the messages of a filter, in one statement, and returns where the ledger differs.
///
/// It reads every message of these days: about a second for each million.
pub async fn check(conn: &mut Conn, filter: &LedgerFilter) -> Result<Vec<Difference>> {
    let (automation_id, one_off) = filter.automation_and_one_off();
    let (from, to, begin, end) =
        (filter.days.from(), filter.days.to(), filter.days.begin(), filter.days.end());
    let Calendar { days, begins } = filter.days.into();
    let (days, begins, sender_id) = (&days, &begins, filter.sender_id);
    Ok(Compare { from, to, begin, end, days, begins, automation_id, one_off, sender_id }
        .load(conn)
        .await?)
}

/// Corrects the ledger of a filter to match the messages, and returns how many numbers were wrong.
pub async fn correct<'t>(tx: Begun<'t>, filter: &LedgerFilter) -> Result<(usize, Tx<'t>)> {
    // If the ledger were recounted in the meantime, the differences would be added twice.
    let mut tx = lock(tx).await?;
    let (automation_id, one_off) = filter.automation_and_one_off();
    let (from, to, begin, end) =
        (filter.days.from(), filter.days.to(), filter.days.begin(), filter.days.end());
    let Calendar { days, begins } = filter.days.into();
    let (days, begins, sender_id) = (&days, &begins, filter.sender_id);
    let corrected =
        Correct { from, to, begin, end, days, begins, automation_id, one_off, sender_id }
            .execute(&mut *tx)
            .await?;
    Ok((corrected, tx))
}
