//! Facts about the database and its server: versions, connections, sizes and time.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use super::Conn;

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
SELECT current_setting('server_version') AS version, current_database()::text AS database,
    pg_database_size(current_database()) AS bytes, clock_timestamp() AS time,
    (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone') AS time_zone,
    pg_postmaster_start_time() AS started_at,
    (SELECT sum(numbackends)::bigint FROM pg_stat_database) AS connections,
    current_setting('max_connections')::bigint AS most_connections,
    newest.version::text AS migration, newest.run_on AT TIME ZONE 'UTC' AS migrated_at
FROM (
    SELECT version, run_on FROM __diesel_schema_migrations ORDER BY version DESC LIMIT 1
) AS newest";

/// Queries the facts about the server and the database.
pub async fn find(conn: &mut Conn) -> diesel::QueryResult<DatabaseFacts> {
    diesel::sql_query(FACTS).get_result(conn).await
}

/// The database's current time.
pub async fn time(conn: &mut Conn) -> diesel::QueryResult<DateTime<Utc>> {
    let now = diesel::dsl::sql::<Timestamptz>("SELECT clock_timestamp()");
    now.get_result(conn).await
}
