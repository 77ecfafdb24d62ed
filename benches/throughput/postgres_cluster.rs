//! The database of a measurement: a separate PostgreSQL with the settings and the durability of the
//! product's embedded one.

use std::fs;
use std::path::{Path, PathBuf};

use carillon::db::{Embedded, EmbeddedOptions};
use serde::Serialize;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};

use crate::Outcome;

/// The PostgreSQL settings that the figures depend on.
const REPORTED_SETTINGS: &[&str] = &[
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "shared_buffers",
    "max_wal_size",
    "wal_compression",
    "autovacuum",
    "max_connections",
    "shared_preload_libraries",
];

/// A running server, with one connection for queries of the benchmark.
pub(crate) struct Cluster {
    embedded: Embedded,
    client: Client,
    directory: PathBuf,
    pub(crate) postmaster: u32,
}

/// A statement of the product with its counters from `pg_stat_statements`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Statement {
    pub(crate) calls: i64,
    pub(crate) rows: i64,
    pub(crate) total_ms: f64,
    pub(crate) mean_ms: f64,
    pub(crate) text: String,
}

impl Cluster {
    /// Starts the server in a directory, which may contain the data of an earlier measurement.
    pub(crate) async fn start(directory: &Path) -> Outcome<Self> {
        let first = Self::open(directory).await?;
        let available =
            "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'";
        if first.count(available, &[]).await? == 0
            || first.show("shared_preload_libraries").await? == "pg_stat_statements"
        {
            return Ok(first);
        }
        // For the statements of each row and of an idle product.
        first
            .client
            .batch_execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
            .await?;
        let second = first.restart().await?;
        second.client.batch_execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").await?;
        Ok(second)
    }

    /// Restarts the server, so that settings of `ALTER SYSTEM` take effect.
    pub(crate) async fn restart(self) -> Outcome<Self> {
        let directory = self.directory.clone();
        self.stop().await;
        Self::open(&directory).await
    }

    async fn open(directory: &Path) -> Outcome<Self> {
        let embedded = Embedded::attach_or_start(EmbeddedOptions::new(directory)).await?;
        let (client, connection) = tokio_postgres::connect(embedded.url(), NoTls).await?;
        tokio::spawn(connection);
        let pid_file = fs::read_to_string(directory.join("postgres/postmaster.pid"))?;
        let postmaster = pid_file.lines().next().unwrap_or_default().trim().parse()?;
        Ok(Self { embedded, client, directory: directory.to_owned(), postmaster })
    }

    pub(crate) async fn stop(self) {
        drop(self.client);
        self.embedded.stop().await;
    }

    /// The `DATABASE_URL` of the product.
    pub(crate) fn url(&self) -> &str {
        self.embedded.url()
    }

    pub(crate) async fn execute(&self, sql: &str) -> Outcome<()> {
        Ok(self.client.batch_execute(sql).await?)
    }

    pub(crate) async fn rows(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Outcome<Vec<Row>> {
        Ok(self.client.query(sql, parameters).await?)
    }

    /// Runs a query that returns one number.
    pub(crate) async fn count(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Outcome<i64> {
        Ok(self.client.query_one(sql, parameters).await?.get(0))
    }

    async fn show(&self, name: &str) -> Outcome<String> {
        Ok(self
            .client
            .query_one("SELECT coalesce(current_setting($1, true), '')", &[&name])
            .await?
            .get(0))
    }

    /// The server version and the settings that the figures depend on.
    pub(crate) async fn settings(&self) -> Outcome<Vec<(String, String)>> {
        let mut settings = vec![("server_version".to_owned(), self.show("server_version").await?)];
        for name in REPORTED_SETTINGS {
            settings.push(((*name).to_owned(), self.show(name).await?));
        }
        Ok(settings)
    }

    /// Vacuums and analyzes all tables, as autovacuum does eventually, and makes a checkpoint.
    pub(crate) async fn vacuum_and_checkpoint(&self) -> Outcome<()> {
        self.execute("VACUUM ANALYZE").await?;
        self.execute("CHECKPOINT").await
    }

    /// Whether statements are counted, which requires PostgreSQL's contrib modules.
    pub(crate) async fn counts_statements(&self) -> Outcome<bool> {
        Ok(self.show("shared_preload_libraries").await? == "pg_stat_statements")
    }

    /// Resets the counters of all statements.
    pub(crate) async fn reset_statements(&self) -> Outcome<()> {
        if self.counts_statements().await? {
            self.execute("SELECT pg_stat_statements_reset()").await
        } else {
            Ok(())
        }
    }

    /// The product's statements with the most total time since [`Self::reset_statements`].
    pub(crate) async fn statements(&self) -> Outcome<Vec<Statement>> {
        if !self.counts_statements().await? {
            return Ok(Vec::new());
        }
        let sql = "SELECT calls, rows, total_exec_time, mean_exec_time, regexp_replace(query, '\\s+', ' ', 'g') \
                   FROM pg_stat_statements WHERE query !~ 'pg_stat_statements' AND query !~ 'bench:' ORDER BY total_exec_time DESC LIMIT 40";
        let rows = self.rows(sql, &[]).await?;
        let statement = |row: &Row| Statement {
            calls: row.get(0),
            rows: row.get(1),
            total_ms: row.get(2),
            mean_ms: row.get(3),
            text: row.get(4),
        };
        Ok(rows.iter().map(statement).collect())
    }
}
