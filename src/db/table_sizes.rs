//! The sizes and vacuum state of the tables, from PostgreSQL's statistics: no rows are counted for
//! it.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use super::Conn;

/// The size and vacuum state of a table.
#[derive(Debug, Clone, QueryableByName)]
pub struct TableSize {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its estimated number of rows.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// The estimated number of deleted or replaced rows, which take up space until the next vacuum.
    #[diesel(sql_type = BigInt)]
    pub dead_rows: i64,
    /// Bytes on disk, with indexes and long values.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// Of these, the bytes of its indexes.
    #[diesel(sql_type = BigInt)]
    pub index_bytes: i64,
    /// Of these, the bytes of long values that are stored separately (TOAST).
    #[diesel(sql_type = BigInt)]
    pub toast_bytes: i64,
    /// When it was last vacuumed, manually or by autovacuum.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub vacuumed_at: Option<DateTime<Utc>>,
    /// When it was last analyzed, manually or by autovacuum.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub analyzed_at: Option<DateTime<Utc>>,
}

/// Without row statistics, as after a crash of PostgreSQL, the planner's estimate is used.
const TABLES: &str = "\
SELECT c.relname::text AS name,
    coalesce(nullif(s.n_live_tup, 0), greatest(c.reltuples, 0)::bigint) AS rows,
    coalesce(s.n_dead_tup, 0) AS dead_rows,
    pg_total_relation_size(c.oid) AS bytes, pg_indexes_size(c.oid) AS index_bytes,
    coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) AS toast_bytes,
    greatest(s.last_vacuum, s.last_autovacuum) AS vacuumed_at,
    greatest(s.last_analyze, s.last_autoanalyze) AS analyzed_at
FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
ORDER BY bytes DESC, name";

/// All tables, the largest first.
pub async fn list(conn: &mut Conn) -> diesel::QueryResult<Vec<TableSize>> {
    diesel::sql_query(TABLES).load(conn).await
}
