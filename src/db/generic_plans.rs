//! How PostgreSQL plans the statements of a transaction that works through a batch.

use diesel::sql_types::{Bool, Text};
use diesel_async::RunQueryDsl;

use super::Conn;
use super::statement::statement;

statement! {
    struct Keep<'a> {
        mode: &'a str => Text,
        seqscan: &'a str => Text,
        transaction_only: bool => Bool,
    }
    returns ();
    "SELECT set_config('plan_cache_mode', {mode}, {transaction_only}),
         set_config('enable_seqscan', {seqscan}, {transaction_only})"
}

/// Lets the statements of this transaction find rows by their indexes, with plans that are made
/// once for each connection.
///
/// They name rows by arrays of ids, so that every good plan is the same. Left alone, PostgreSQL
/// plans each of them anew, which takes as long as half of the work, and reads whole tables where
/// it believes them to be small because nobody has counted them lately.
pub async fn force(mut conn: &Conn) -> diesel::QueryResult<()> {
    by_index(true).execute(&mut conn).await.map(drop)
}

/// The same for whatever is done on this connection from now on.
pub(in crate::db) async fn keep_for_good(mut conn: &Conn) -> diesel::QueryResult<()> {
    by_index(false).execute(&mut conn).await.map(drop)
}

const fn by_index(transaction_only: bool) -> Keep<'static> {
    Keep { mode: "force_generic_plan", seqscan: "off", transaction_only }
}
