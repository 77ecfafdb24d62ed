//! Bulk loading of tables with millions of rows: without WAL, without triggers, and with indexes
//! built at the end.

use std::time::Instant;

use crate::Outcome;
use crate::postgres_cluster::Cluster;

/// Empties the tables, lets `load` fill them in one transaction, and vacuums them. Foreign keys and
/// triggers are disabled during the load.
pub(crate) async fn fill(
    cluster: Cluster,
    tables: &str,
    load: impl AsyncFnOnce(&Cluster) -> Outcome<()>,
) -> Outcome<Cluster> {
    // At this level, PostgreSQL writes no WAL for a table that the same transaction has truncated.
    cluster.execute("ALTER SYSTEM SET wal_level = minimal").await?;
    cluster.execute("ALTER SYSTEM SET max_wal_senders = 0").await?;
    let cluster = cluster.restart().await?;
    let indexes = cluster
        .rows(
            "SELECT indexname::text, indexdef FROM pg_indexes
                WHERE tablename = ANY (string_to_array($1, ', '))
             AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)",
            &[&tables],
        )
        .await?;
    cluster.execute(
        "SET session_replication_role = replica; SET maintenance_work_mem = '1GB'; SET work_mem = '128MB'"
    ).await?;
    cluster
        .execute(&format!("SET synchronous_commit = off; BEGIN; TRUNCATE {tables} CASCADE"))
        .await?;
    for index in &indexes {
        cluster.execute(&format!("DROP INDEX {}", index.get::<_, &str>(0))).await?;
    }
    load(&cluster).await?;
    for index in &indexes {
        timed_step(&format!("building {}", index.get::<_, &str>(0)), cluster.execute(index.get(1)))
            .await?;
    }
    timed_step("writing it to the disk", cluster.execute("COMMIT")).await?;
    cluster.execute("ALTER SYSTEM RESET wal_level").await?;
    cluster.execute("ALTER SYSTEM RESET max_wal_senders").await?;
    let cluster = cluster.restart().await?;
    timed_step("vacuuming", cluster.vacuum_and_checkpoint()).await?;
    Ok(cluster)
}

/// Runs a long step and prints its duration.
#[expect(clippy::print_stdout, reason = "the progress of a command")]
pub(crate) async fn timed_step(what: &str, work: impl Future<Output = Outcome<()>>) -> Outcome<()> {
    let started = Instant::now();
    work.await?;
    println!("{what}: {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}
