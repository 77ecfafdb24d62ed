//! How PostgreSQL plans the statements of a transaction that works through a batch.

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;

use super::{Conn, statement::statement};

statement! {
    struct Keep<'a> { mode: &'a str => Text, seqscan: &'a str => Text }
    returns ();
    "SELECT set_config('plan_cache_mode', {}, true), set_config('enable_seqscan', {}, true)"
}

/// Lets the statements of this transaction find rows by their indexes, with plans that are made once for each connection.
///
/// They name rows by arrays of ids, so that every good plan is the same. Left alone, PostgreSQL plans each of them anew, which takes as
/// long as half of the work, and reads whole tables where it believes them to be small because nobody has counted them lately.
pub async fn keep(mut conn: &Conn) -> diesel::QueryResult<()> {
    Keep { mode: "force_generic_plan", seqscan: "off" }.execute(&mut conn).await.map(drop)
}
