//! The sizes and vacuum state of the tables, from PostgreSQL's statistics: no rows are counted for
//! it.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use super::Conn;

/// A table.
#[derive(Debug, Clone, QueryableByName)]
pub struct Table {
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
SELECT c.relname::text AS name, coalesce(nullif(s.n_live_tup, 0), greatest(c.reltuples, 0)::bigint) AS rows,
    coalesce(s.n_dead_tup, 0) AS dead_rows, pg_total_relation_size(c.oid) AS bytes, pg_indexes_size(c.oid) AS index_bytes,
    coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) AS toast_bytes,
    greatest(s.last_vacuum, s.last_autovacuum) AS vacuumed_at, greatest(s.last_analyze, s.last_autoanalyze) AS analyzed_at
FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
ORDER BY bytes DESC, name";

/// All tables, the largest first.
pub async fn tables(conn: &mut Conn) -> diesel::QueryResult<Vec<Table>> {
    diesel::sql_query(TABLES).load(conn).await
}

/// Facts about the database and its server.
#[derive(Debug, Clone, QueryableByName)]
pub struct DatabaseFacts {
    /// The version of PostgreSQL, such as `15.14 (Debian 15.14-0+deb12u1)`.
    #[diesel(sql_type = Text)]
    pub version: String,
    /// The database's name.
    #[diesel(sql_type = Text)]
    pub database: String,
    /// Bytes of the whole database on disk.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// The server's time.
    #[diesel(sql_type = Timestamptz)]
    pub time: DateTime<Utc>,
    /// The server's time zone, in which it writes its log.
    #[diesel(sql_type = Text)]
    pub time_zone: String,
    /// When the server was started.
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    /// The number of open connections to the server, of all clients.
    #[diesel(sql_type = BigInt)]
    pub connections: i64,
    /// The largest number of connections that the server accepts.
    #[diesel(sql_type = BigInt)]
    pub most_connections: i64,
    /// The newest migration that was applied.
    #[diesel(sql_type = Text)]
    pub migration: String,
    /// When it was applied, by the server's clock.
    #[diesel(sql_type = Timestamptz)]
    pub migrated_at: DateTime<Utc>,
}

const FACTS: &str = "\
SELECT current_setting('server_version') AS version, current_database()::text AS database, pg_database_size(current_database()) AS bytes,
    clock_timestamp() AS time, (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone') AS time_zone,
    pg_postmaster_start_time() AS started_at,
    (SELECT sum(numbackends)::bigint FROM pg_stat_database) AS connections,
    current_setting('max_connections')::bigint AS most_connections,
    newest.version::text AS migration, newest.run_on AT TIME ZONE 'UTC' AS migrated_at
FROM (SELECT version, run_on FROM __diesel_schema_migrations ORDER BY version DESC LIMIT 1) AS newest";

/// Queries the facts about the server and the database.
pub async fn facts(conn: &mut Conn) -> diesel::QueryResult<DatabaseFacts> {
    diesel::sql_query(FACTS).get_result(conn).await
}
