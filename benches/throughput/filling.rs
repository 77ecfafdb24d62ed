//! Filling tables with millions of rows: without a log of it, without triggers, and with indexes
//! only when all is there.

use std::time::Instant;

use crate::Outcome;
use crate::cluster::Cluster;

/// Empties these tables, has them filled in one transaction, and leaves them as after a vacuum.
/// Foreign keys and triggers are not asked.
pub(crate) async fn fill(
    cluster: Cluster,
    tables: &str,
    load: impl AsyncFnOnce(&Cluster) -> Outcome<()>,
) -> Outcome<Cluster> {
    // What is written into a table that the same transaction has emptied needs no log.
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
        step(&format!("building {}", index.get::<_, &str>(0)), cluster.execute(index.get(1)))
            .await?;
    }
    step("writing it to the disk", cluster.execute("COMMIT")).await?;
    cluster.execute("ALTER SYSTEM RESET wal_level").await?;
    cluster.execute("ALTER SYSTEM RESET max_wal_senders").await?;
    let cluster = cluster.restart().await?;
    step("vacuuming", cluster.settle()).await?;
    Ok(cluster)
}

/// Does something that takes a while, and says how long it took.
#[expect(clippy::print_stdout, reason = "the progress of a command")]
pub(crate) async fn step(what: &str, work: impl Future<Output = Outcome<()>>) -> Outcome<()> {
    let begun = Instant::now();
    work.await?;
    println!("{what}: {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}
