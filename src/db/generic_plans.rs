//! Planner settings for transactions that process a batch.

use diesel::sql_types::{Bool, Text};
use diesel_async::RunQueryDsl;

use super::Conn;
use super::statement::statement;

statement! {
    struct SetPlannerMode<'a> {
        mode: &'a str => Text,
        seqscan: &'a str => Text,
        transaction_only: bool => Bool,
    }
    returns ();
    "SELECT set_config('plan_cache_mode', {mode}, {transaction_only}),
         set_config('enable_seqscan', {seqscan}, {transaction_only})"
}

/// Makes the statements of this transaction use indexes, with generic plans that are created once
/// per connection: they name rows by arrays of ids, so that one plan suits all values. Left alone,
/// PostgreSQL plans each anew, which takes half as long as the work, and scans tables with outdated
/// statistics.
pub async fn force(mut conn: &Conn) -> diesel::QueryResult<()> {
    planner_mode(true).execute(&mut conn).await.map(drop)
}

/// Like [`force`], for all statements on this connection from now on.
pub(in crate::db) async fn force_for_connection(mut conn: &Conn) -> diesel::QueryResult<()> {
    planner_mode(false).execute(&mut conn).await.map(drop)
}

const fn planner_mode(transaction_only: bool) -> SetPlannerMode<'static> {
    SetPlannerMode { mode: "force_generic_plan", seqscan: "off", transaction_only }
}
