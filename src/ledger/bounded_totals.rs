//! Totals of all days that are exact up to a limit, and fast however many days there are.

use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;

/// How many messages there are of all days; each number is exact up to the limit of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundedTotals {
    /// Those that were composed.
    pub recipients: i64,
    /// Those whose outcome is [`Outcome::Sent`](super::outcome::Outcome::Sent).
    pub sent: i64,
    /// Those whose outcome is [`Outcome::Failed`](super::outcome::Outcome::Failed).
    pub failed: i64,
}

statement! {
    /// Sums up as many buckets of each outcome as the limit, along an index that has only these. A
    /// bucket holds at least one message.
    struct SumBuckets { limit: i64 => BigInt }
    returns (BigInt, BigInt, BigInt);
    "SELECT coalesce(sum(count) FILTER (WHERE outcome = 'recipients'), 0)::bigint,
         coalesce(sum(count) FILTER (WHERE outcome = 'sent'), 0)::bigint,
         coalesce(sum(count) FILTER (WHERE outcome = 'failed'), 0)::bigint
     FROM (
         (SELECT outcome, count FROM ledger
          WHERE outcome = 'recipients' AND count <> 0 LIMIT {limit})
         UNION ALL
         (SELECT outcome, count FROM ledger WHERE outcome = 'sent' AND count <> 0 LIMIT {limit})
         UNION ALL
         (SELECT outcome, count FROM ledger WHERE outcome = 'failed' AND count <> 0 LIMIT {limit})
         UNION ALL
         SELECT outcome, count FROM ledger_changes
         WHERE outcome IN ('recipients', 'sent', 'failed')
     ) AS b"
}

/// Reads the totals. A number that is not below `limit` means that there are at least so many.
pub async fn bounded_totals(conn: &mut Conn, limit: i64) -> Result<BoundedTotals> {
    let (recipients, sent, failed): (i64, i64, i64) = SumBuckets { limit }.get_result(conn).await?;
    Ok(BoundedTotals { recipients, sent, failed })
}
