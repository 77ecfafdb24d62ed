//! Folding: what messages have changed is summed up into the ledger, all at once, or in parts where
//! one change cannot be folded.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Nullable, Timestamptz};
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::days::{Calendar, date, end_of};
use super::{LEDGER_LOCK, follow_zone};
use crate::db::schema::ledger_changes;
use crate::db::statement::statement;
use crate::db::{Conn, is_away};
use crate::error::{Error, Result};
use crate::users::organization;

/// As many changes as are folded at once.
pub const FOLD: i64 = 50_000;

/// As many as are looked at where one of them cannot be folded.
const PART: i64 = 4_096;

/// More changes than this that fail are not told apart in one go.
const MAX_FAILURES: usize = 50;

/// Changes that are further apart are not folded together: the days between them are a list.
const MAX_DAYS: i64 = 40_000;

statement! {
    /// Finds from when to when the changes are that are folded next.
    struct Span { limit: i64 => BigInt }
    returns (Nullable<Timestamptz>, Nullable<Timestamptz>);
    "SELECT min(quarter), max(quarter)
     FROM (SELECT quarter FROM ledger_changes ORDER BY id LIMIT {limit}) AS next"
}

statement! {
    /// Finds from when to when some changes are.
    struct SpanOf<'a> { ids: &'a [i64] => Array<BigInt> }
    returns (Nullable<Timestamptz>, Nullable<Timestamptz>);
    "SELECT min(quarter), max(quarter) FROM ledger_changes WHERE id = ANY ({ids})"
}

/// Moves the changes that a condition chooses into the ledger.
macro_rules! move_changes {
    ($chosen:literal) => {
        concat!(
            "WITH taken AS (
         DELETE FROM ledger_changes
         WHERE ",
            $chosen,
            "
         RETURNING quarter, automation_id, sender_id, outcome, reason, error_code, count
     ), summed AS (
         SELECT ({days})[width_bucket(quarter, {begins})] AS day,
             automation_id, sender_id, outcome, reason, error_code, sum(count)::bigint AS count
         FROM taken
         GROUP BY 1, 2, 3, 4, 5, 6
         HAVING sum(count) <> 0
         ORDER BY 1, 2, 3, 4, 5, 6
     ), folded AS (
         INSERT INTO ledger (day, automation_id, sender_id, outcome, reason, error_code, count)
         SELECT * FROM summed
         ON CONFLICT (
             day,
             coalesce(automation_id, '00000000-0000-0000-0000-000000000000'),
             coalesce(sender_id, '00000000-0000-0000-0000-000000000000'),
             outcome,
             coalesce(reason, ''),
             coalesce(error_code, 0)
         )
         DO UPDATE SET count = ledger.count + excluded.count
     )
     SELECT count(*) FROM taken"
        )
    };
}

statement! {
    /// Moves changes of some days into the ledger.
    struct Fold<'a> {
        limit: i64 => BigInt,
        begin: DateTime<Utc> => Timestamptz,
        end: DateTime<Utc> => Timestamptz,
        days: &'a [NaiveDate] => Array<Date>,
        begins: &'a [DateTime<Utc>] => Array<Timestamptz>,
    }
    returns BigInt;
    move_changes!(
        "id IN (
             SELECT id
             FROM (SELECT id, quarter FROM ledger_changes ORDER BY id LIMIT {limit}) AS next
             WHERE quarter >= {begin} AND quarter < {end}
         )"
    )
}

statement! {
    /// Moves some changes into the ledger.
    struct FoldSome<'a> {
        ids: &'a [i64] => Array<BigInt>,
        days: &'a [NaiveDate] => Array<Date>,
        begins: &'a [DateTime<Utc>] => Array<Timestamptz>,
    }
    returns BigInt;
    move_changes!("id = ANY ({ids})")
}

/// Folds what has changed since the last time into the ledger, up to [`FOLD`] changes, and returns
/// how many. Needs the caller's transaction.
///
/// If the organization has moved to another time zone, the ledger is counted anew first.
pub async fn fold(conn: &mut Conn, now: DateTime<Utc>) -> Result<i64> {
    follow_zone(conn, i64::MAX, now).await?;
    let (Some(first), Some(last)) = Span { limit: FOLD }.get_result(conn).await? else {
        return Ok(0);
    };
    let (Calendar { days, begins }, end) = calendar(conn, first, last).await?;
    Ok(Fold { limit: FOLD, begin: first, end, days: &days, begins: &begins }
        .get_result(conn)
        .await?)
}

/// The days of the ledger's zone from one change to another, and when the last of them ends.
async fn calendar(
    conn: &mut Conn,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
) -> Result<(Calendar, DateTime<Utc>)> {
    if (last - first).num_days() > MAX_DAYS {
        return Err(Error::Refused(format!(
            "There are more than {MAX_DAYS} days between the changes."
        )));
    }
    let zone = organization::find(conn).await?.day_zone;
    let to = date(last, zone);
    Ok((Calendar::of(date(first, zone), to, zone), end_of(to, zone)))
}

/// Folds some changes, in a transaction of its own.
async fn fold_some(conn: &mut Conn, ids: &[i64]) -> Result<i64> {
    conn.transaction(async |conn| {
        LEDGER_LOCK.lock_exclusive(conn).await?;
        let (Some(first), Some(last)) = SpanOf { ids }.get_result(conn).await? else {
            return Ok(0);
        };
        let (Calendar { days, begins }, _) = calendar(conn, first, last).await?;
        Ok(FoldSome { ids, days: &days, begins: &begins }.get_result(conn).await?)
    })
    .await
}

/// Folds all changes but those that cannot be folded, which it finds by halving, and those that are
/// left out; returns how many it has folded, and what failed with its error. What is not folded is
/// counted all the same by whoever reads the ledger.
pub async fn fold_each(
    conn: &mut Conn,
    left_out: &[i64],
    now: DateTime<Utc>,
) -> Result<(i64, Vec<(i64, Error)>)> {
    conn.transaction(async |conn| follow_zone(conn, i64::MAX, now).await).await?;
    let (mut folded, mut failed) = (0, Vec::new());
    let mut after = 0_i64;
    while failed.len() < MAX_FAILURES {
        let part: Vec<i64> = ledger_changes::table
            .filter(ledger_changes::id.gt(after))
            .filter(ledger_changes::id.ne_all(left_out))
            .order(ledger_changes::id)
            .limit(PART)
            .select(ledger_changes::id)
            .load(conn)
            .await?;
        let Some(last) = part.last() else { break };
        after = *last;
        let mut heaps: Vec<&[i64]> = vec![&part];
        while let Some(heap) = heaps.pop() {
            match fold_some(conn, heap).await {
                Ok(count) => folded += count,
                Err(Error::Database(error)) if is_away(&error) => return Err(error.into()),
                Err(error) if heap.len() == 1 => failed.push((heap[0], error)),
                Err(_) if failed.len() >= MAX_FAILURES => {}
                Err(_) => {
                    let (first, second) = heap.split_at(heap.len() / 2);
                    heaps.extend([second, first]);
                }
            }
        }
    }
    Ok((folded, failed))
}
