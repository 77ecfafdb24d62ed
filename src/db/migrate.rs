//! Migrations: part of the binary ([`MIGRATIONS`]), and applied under an advisory lock, so that any
//! number of processes may start at once. Start with [`migrate()`]; [`pending`] says whether any is
//! missing.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Bool, Integer, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncMigrationHarness, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::startup_wait_log::{self, WaitLog};
use super::{Conn, Target, Unavailable};

/// All migrations of this version.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The key of the advisory lock: “CARILLON” in ASCII, which no other program on the database should
/// use.
const LOCK: i64 = 0x4341_5249_4c4c_4f4e;

/// Why the database is not at the version of this binary.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The database was migrated by a later version.
    #[error(
        "the database was migrated by a newer Carillon (to {0}): start that version, or restore a \
         backup from before the update"
    )]
    Newer(String),
    /// A migration failed and was undone; those before it stay applied.
    #[error("the migration {version} failed and was undone: {reason}")]
    Failed {
        /// The migration's version.
        version: String,
        /// What PostgreSQL said.
        reason: String,
    },
    /// The list of applied migrations could not be read.
    #[error("the list of applied migrations cannot be read: {0}")]
    Unreadable(String),
}

/// Applies the missing migrations and returns their versions; waits while another process does the
/// same.
pub async fn migrate(target: &Target) -> Result<Vec<String>, MigrateError> {
    let mut conn = target.connect().await?;
    lock(&mut conn).await.map_err(unreadable)?;
    let own: Session = sql_query("SELECT pg_backend_pid() AS pid")
        .get_result(&mut conn)
        .await
        .map_err(unreadable)?;
    let _wait_logger =
        startup_wait_log::watch(target, own.pid, "bringing the database to this version");
    // The harness blocks its thread, and panics on single-threaded runtimes. The lock ends with the
    // connection.
    tokio::task::spawn_blocking(move || apply(AsyncMigrationHarness::new(conn)))
        .await
        .map_err(unreadable)?
}

/// Whether this version needs migrations that the database lacks; an error if the database is newer
/// or does not answer.
pub async fn pending(conn: &mut Conn) -> Result<bool, MigrateError> {
    let exists: Answer =
        sql_query("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS answer")
            .get_result(conn)
            .await
            .map_err(unreadable)?;
    if !exists.answer {
        return Ok(true);
    }
    let applied: Vec<Version> = sql_query("SELECT version FROM __diesel_schema_migrations")
        .load(conn)
        .await
        .map_err(unreadable)?;
    let applied: BTreeSet<String> = applied.into_iter().map(|row| row.version).collect();
    let ours: BTreeSet<String> =
        all().map_err(unreadable)?.iter().map(|migration| version_of(&**migration)).collect();
    refuse_newer(&applied, &ours)?;
    Ok(!ours.is_subset(&applied))
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

#[derive(QueryableByName)]
struct Session {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

/// Waits for the lock by polling. Waiting inside a statement would hold a snapshot open, for which
/// `CREATE INDEX CONCURRENTLY` in the other process would wait for ever.
async fn lock(conn: &mut Conn) -> diesel::QueryResult<()> {
    let mut wait_log = WaitLog::start();
    loop {
        let got: Answer = sql_query("SELECT pg_try_advisory_lock($1) AS answer")
            .bind::<BigInt, _>(LOCK)
            .get_result(conn)
            .await?;
        if got.answer {
            return Ok(());
        }
        if let Some(seconds) = wait_log.seconds_if_due() {
            let holder = startup_wait_log::holders(conn, LOCK).await?;
            tracing::warn!(
                seconds,
                "waiting for the lock of the migrations, which is held by {holder}"
            );
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn apply(mut harness: AsyncMigrationHarness<Conn>) -> Result<Vec<String>, MigrateError> {
    let applied =
        harness.applied_migrations().map_err(unreadable)?.iter().map(ToString::to_string).collect();
    let ours = all().map_err(unreadable)?;
    refuse_newer(&applied, &ours.iter().map(|migration| version_of(&**migration)).collect())?;
    let mut done = Vec::new();
    for migration in harness.pending_migrations(MIGRATIONS).map_err(unreadable)? {
        let version = version_of(&*migration);
        harness.run_migration(&*migration).map_err(|error| MigrateError::Failed {
            version: version.clone(),
            reason: error.to_string(),
        })?;
        done.push(version);
    }
    Ok(done)
}

fn all() -> diesel::migration::Result<Vec<Box<dyn Migration<Pg>>>> {
    MIGRATIONS.migrations()
}

fn version_of(migration: &dyn Migration<Pg>) -> String {
    migration.name().version().to_string()
}

/// Refuses a database with migrations that are unknown here: versions are times, so they come from
/// a later version.
fn refuse_newer(applied: &BTreeSet<String>, ours: &BTreeSet<String>) -> Result<(), MigrateError> {
    match applied.difference(ours).last() {
        Some(version) => Err(MigrateError::Newer(version.clone())),
        None => Ok(()),
    }
}

fn unreadable(error: impl std::fmt::Display) -> MigrateError {
    MigrateError::Unreadable(error.to_string())
}

#[cfg(test)]
#[path = "migrate_tests.rs"]
mod tests;
