//! How many items each source sent, and what became of them, by quarter of an hour.

use std::collections::{BTreeMap, HashMap};
use std::ops::AddAssign;

use chrono::{DateTime, DurationRound, NaiveDate, TimeDelta, Utc};
use diesel::sql_types::{Array, BigInt, Date, SmallInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::item::ItemOutcome;
use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::ledger::{Calendar, Days};
use crate::types::id::SourceId;

/// How many rows count the same source in the same quarter, so that transactions at the same time
/// seldom wait for each other.
const SHARDS: i16 = 8;

/// How many items had which outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ItemCounts {
    /// Recorded.
    pub accepted: i64,
    /// Events that were reported before.
    pub repeated: i64,
    /// About people without a phone number.
    pub unreachable: i64,
    /// Refused, with a reason.
    pub rejected: i64,
}

statement! {
    /// Adds to the counts, and notes to the minute that the sources were seen.
    ///
    /// A source that another transaction has locked is noted by a later one. The counts of a
    /// deleted source are dropped.
    struct Add {
        counted: batch of AddRow {
            source_id: SourceId => SqlUuid,
            accepted: i64 => BigInt,
            repeated: i64 => BigInt,
            unreachable: i64 => BigInt,
            rejected: i64 => BigInt,
        },
        shard: i16 => SmallInt,
        quarter: DateTime<Utc> => Timestamptz,
        now: DateTime<Utc> => Timestamptz,
    }
    returns ();
    "WITH seen AS (
         UPDATE sources SET last_seen_at = {now}
         WHERE id IN (
             SELECT id FROM sources
             WHERE id = ANY ({counted.source_id})
               AND (last_seen_at IS NULL OR last_seen_at <= {now} - interval '1 minute')
             ORDER BY id
             FOR NO KEY UPDATE SKIP LOCKED
         )
     )
     INSERT INTO source_counts AS known
         (source_id, quarter, shard, accepted, repeated, unreachable, rejected)
     SELECT source_id, {quarter}, {shard}, accepted, repeated, unreachable, rejected
     FROM {counted}
     WHERE EXISTS (SELECT FROM sources WHERE sources.id = counted.source_id)
     ORDER BY source_id
     ON CONFLICT (source_id, quarter, shard) DO UPDATE SET
         accepted = known.accepted + excluded.accepted,
         repeated = known.repeated + excluded.repeated,
         unreachable = known.unreachable + excluded.unreachable,
         rejected = known.rejected + excluded.rejected"
}

statement! {
    /// The counts of one source by day.
    struct ByDay<'a> {
        source_id: SourceId => SqlUuid,
        begin: DateTime<Utc> => Timestamptz,
        end: DateTime<Utc> => Timestamptz,
        days: &'a [NaiveDate] => Array<Date>,
        begins: &'a [DateTime<Utc>] => Array<Timestamptz>,
    }
    returns (Date, BigInt, BigInt, BigInt, BigInt), planned for its values;
    "SELECT ({days})[width_bucket(quarter, {begins})], sum(accepted)::bigint,
         sum(repeated)::bigint, sum(unreachable)::bigint, sum(rejected)::bigint
     FROM source_counts
     WHERE source_id = {source_id} AND quarter >= {begin} AND quarter < {end}
     GROUP BY 1"
}

statement! {
    /// The counts of all sources since a time, each by its part of the index.
    struct Totals {
        since: DateTime<Utc> => Timestamptz,
    }
    returns (SqlUuid, BigInt, BigInt, BigInt, BigInt), planned for its values;
    "SELECT sources.id, c.accepted, c.repeated, c.unreachable, c.rejected
     FROM sources CROSS JOIN LATERAL (
         SELECT sum(accepted)::bigint AS accepted, sum(repeated)::bigint AS repeated,
             sum(unreachable)::bigint AS unreachable, sum(rejected)::bigint AS rejected
         FROM source_counts
         WHERE source_id = sources.id AND quarter >= {since}
     ) AS c
     WHERE c.accepted IS NOT NULL"
}

/// Adds the items of one batch; a source may occur several times.
pub async fn add(
    conn: &mut Conn,
    counted: &[(SourceId, ItemCounts)],
    now: DateTime<Utc>,
) -> Result<()> {
    let mut by_source: BTreeMap<SourceId, ItemCounts> = BTreeMap::new();
    for (source_id, counts) in counted {
        *by_source.entry(*source_id).or_default() += *counts;
    }
    if by_source.is_empty() {
        return Ok(());
    }
    let rows = by_source.into_iter().map(|(source_id, counts)| AddRow {
        source_id,
        accepted: counts.accepted,
        repeated: counts.repeated,
        unreachable: counts.unreachable,
        rejected: counts.rejected,
    });
    let shard = rand::random_range(0..SHARDS);
    Add { counted: rows.collect(), shard, quarter: quarter(now), now }.execute(conn).await?;
    Ok(())
}

/// The numbers of a source on each of the days, the first day first.
pub async fn by_day(
    conn: &mut Conn,
    id: SourceId,
    days: Days,
) -> Result<Vec<(NaiveDate, ItemCounts)>> {
    type Row = (NaiveDate, i64, i64, i64, i64);
    let (begin, end) = (days.begin(), days.end());
    let Calendar { days, begins } = days.into();
    let read = ByDay { source_id: id, begin, end, days: &days, begins: &begins };
    let rows: Vec<Row> = read.load(conn).await?;
    let counts: HashMap<NaiveDate, ItemCounts> = rows
        .into_iter()
        .map(|(day, accepted, repeated, unreachable, rejected)| {
            (day, ItemCounts { accepted, repeated, unreachable, rejected })
        })
        .collect();
    Ok(days.iter().map(|day| (*day, counts.get(day).copied().unwrap_or_default())).collect())
}

/// The numbers of all sources since a time that begins a quarter of an hour; sources that sent
/// nothing are missing.
pub async fn totals(
    conn: &mut Conn,
    since: DateTime<Utc>,
) -> Result<HashMap<SourceId, ItemCounts>> {
    type Row = (SourceId, i64, i64, i64, i64);
    let rows: Vec<Row> = Totals { since }.load(conn).await?;
    let counts = |(id, accepted, repeated, unreachable, rejected)| {
        (id, ItemCounts { accepted, repeated, unreachable, rejected })
    };
    Ok(rows.into_iter().map(counts).collect())
}

/// The beginning of the quarter of an hour; a day begins with one in every time zone.
fn quarter(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::minutes(15)).unwrap_or(at)
}

impl ItemCounts {
    /// The counts of these outcomes.
    #[must_use]
    pub fn of(outcomes: &[ItemOutcome]) -> Self {
        let mut counts = Self::default();
        for outcome in outcomes {
            let count = match outcome {
                ItemOutcome::Accepted { .. } => &mut counts.accepted,
                ItemOutcome::Repeated(_) => &mut counts.repeated,
                ItemOutcome::Unreachable => &mut counts.unreachable,
                ItemOutcome::Rejected(_) => &mut counts.rejected,
            };
            *count += 1;
        }
        counts
    }

    /// All items.
    #[must_use]
    pub const fn sum(&self) -> i64 {
        self.accepted + self.repeated + self.unreachable + self.rejected
    }
}

impl AddAssign for ItemCounts {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.repeated += other.repeated;
        self.unreachable += other.unreachable;
        self.rejected += other.rejected;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::FieldErrors;
    use crate::types::id::EventId;

    #[test]
    fn outcomes_are_counted_by_kind() {
        let outcomes = [
            ItemOutcome::Accepted { event_id: None, started: 0 },
            ItemOutcome::Accepted { event_id: Some(EventId::new()), started: 2 },
            ItemOutcome::Repeated(EventId::new()),
            ItemOutcome::Unreachable,
            ItemOutcome::Rejected(FieldErrors::default()),
        ];
        let mut counts = ItemCounts::of(&outcomes);
        let expected = ItemCounts { accepted: 2, repeated: 1, unreachable: 1, rejected: 1 };
        assert_eq!((counts, counts.sum()), (expected, 5));
        counts += expected;
        assert_eq!(counts.sum(), 10);
    }

    #[test]
    fn items_are_counted_in_the_quarter_of_an_hour_in_which_they_arrive() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(quarter(at("2026-11-21T10:14:59.999Z")), at("2026-11-21T10:00:00Z"));
        assert_eq!(quarter(at("2026-11-21T10:45:00Z")), at("2026-11-21T10:45:00Z"));
    }
}
