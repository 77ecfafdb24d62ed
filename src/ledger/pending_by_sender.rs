//! The messages that wait to be submitted to Twilio, by sender.

use std::collections::HashMap;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::error::Result;
use crate::types::id::SenderId;

#[derive(QueryableByName)]
struct Pending {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    sender_id: Option<SenderId>,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Old days have no pending messages left: an index on the few buckets that do makes the query
/// independent of the number of days.
const PENDING: &str = "SELECT sender_id, sum(count)::bigint AS count \
     FROM (SELECT sender_id, count FROM ledger WHERE outcome = 'pending' AND count <> 0 \
           UNION ALL \
           SELECT sender_id, count FROM ledger_changes WHERE outcome = 'pending') AS b \
     GROUP BY sender_id HAVING sum(count) <> 0";

/// The number of pending messages of each sender, of any age; senders without any are left out.
pub async fn pending_by_sender(conn: &mut Conn) -> Result<HashMap<Option<SenderId>, i64>> {
    let rows: Vec<Pending> = diesel::sql_query(PENDING).load(conn).await?;
    Ok(rows.into_iter().map(|row| (row.sender_id, row.count)).collect())
}
