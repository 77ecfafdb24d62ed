//! Folding: sums pending changes up into the ledger, all at once, or in parts if one of them cannot
//! be folded.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;

use super::days::{Calendar, date, end_of};
use super::lock::lock;
use super::zone_change;
use crate::db::schema::ledger_changes;
use crate::db::statement::statement;
use crate::db::{self, Begun, Conn, is_unavailable};
use crate::error::{Error, Result};
use crate::users::organization;

/// The largest number of changes that are folded at once.
pub const FOLD_LIMIT: i64 = 50_000;

/// The number of changes that are read at once when one of them cannot be folded.
const PART_SIZE: i64 = 4_096;

/// The largest number of failing changes that one run isolates.
const MAX_FAILURES: usize = 50;

/// The longest span of changes that are folded together, in days: the days between them are passed
/// as a list.
const MAX_DAYS: i64 = 40_000;

statement! {
    /// Finds the time span of the changes that are folded next.
    struct Span { limit: i64 => BigInt }
    returns (Nullable<Timestamptz>, Nullable<Timestamptz>);
    "SELECT min(quarter), max(quarter)
     FROM (SELECT quarter FROM ledger_changes ORDER BY id LIMIT {limit}) AS next"
}

statement! {
    /// Finds the time span of some changes.
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

/// Folds up to [`FOLD_LIMIT`] pending changes into the ledger, and returns their number.
///
/// If the organization's time zone has changed, the ledger is recounted first.
pub async fn fold(tx: Begun<'_>, now: DateTime<Utc>) -> Result<i64> {
    let mut tx = lock(tx).await?;
    zone_change::recount(&mut tx, i64::MAX, now).await?;
    let conn: &mut Conn = &mut tx;
    let (Some(first), Some(last)) = Span { limit: FOLD_LIMIT }.get_result(conn).await? else {
        return Ok(0);
    };
    let (Calendar { days, begins }, end) = calendar(conn, first, last).await?;
    Ok(Fold { limit: FOLD_LIMIT, begin: first, end, days: &days, begins: &begins }
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

/// Folds some changes.
async fn fold_some(tx: Begun<'_>, ids: &[i64]) -> Result<i64> {
    let mut tx = lock(tx).await?;
    let conn: &mut Conn = &mut tx;
    let (Some(first), Some(last)) = SpanOf { ids }.get_result(conn).await? else {
        return Ok(0);
    };
    let (Calendar { days, begins }, _) = calendar(conn, first, last).await?;
    Ok(FoldSome { ids, days: &days, begins: &begins }.get_result(conn).await?)
}

/// Folds all changes except those in `left_out` and those that fail, which it isolates by
/// bisection. Returns the number of folded changes, and each failed one with its error. Reads of
/// the ledger include unfolded changes.
pub async fn fold_each(
    conn: &mut Conn,
    left_out: &[i64],
    now: DateTime<Utc>,
) -> Result<(i64, Vec<(i64, Error)>)> {
    db::transaction(conn, async |tx| zone_change::follow_zone(tx, i64::MAX, now).await).await?;
    let (mut folded, mut failed) = (0, Vec::new());
    let mut after = 0_i64;
    while failed.len() < MAX_FAILURES {
        let part: Vec<i64> = ledger_changes::table
            .filter(ledger_changes::id.gt(after))
            .filter(ledger_changes::id.ne_all(left_out))
            .order(ledger_changes::id)
            .limit(PART_SIZE)
            .select(ledger_changes::id)
            .load(conn)
            .await?;
        let Some(last) = part.last() else { break };
        after = *last;
        let mut chunks: Vec<&[i64]> = vec![&part];
        while let Some(chunk) = chunks.pop() {
            match db::transaction(conn, async |tx| fold_some(tx, chunk).await).await {
                Ok(count) => folded += count,
                Err(Error::Database(error)) if is_unavailable(&error) => return Err(error.into()),
                Err(error) if chunk.len() == 1 => failed.push((chunk[0], error)),
                Err(_) if failed.len() >= MAX_FAILURES => {}
                Err(_) => {
                    let (first, second) = chunk.split_at(chunk.len() / 2);
                    chunks.extend([second, first]);
                }
            }
        }
    }
    Ok((folded, failed))
}
