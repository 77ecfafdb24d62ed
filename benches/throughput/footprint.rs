//! The rows `start` and `idle`: the time to start, the memory, and the cost of an idle
//! installation.

use std::time::Duration;

use crate::environment::Environment;
use crate::load_tool::{per_second, percentile};
use crate::product_process::Setup;
use crate::row_result::{Figure, RowResult};
use crate::{Outcome, process_usage};

const STARTS: usize = 5;

/// Starts and stops the product [`STARTS`] times on a migrated database.
pub(crate) async fn start(setup: &Setup) -> Outcome<RowResult> {
    let mut start_times = Vec::new();
    let mut resident = 0.0;
    for _ in 0..STARTS {
        let (product, ready) = setup.serve().await?;
        start_times.push(ready);
        resident = process_usage::memory(product.process())?.0;
        product.stop().await?;
    }
    start_times.sort_unstable();
    Ok(RowResult::new("start", format!("to ready with a migrated database, {STARTS} times"))
        .figure(Figure::new("p50", "ms", percentile(&start_times, 0.5)))
        .figure(Figure::new("slowest", "ms", percentile(&start_times, 1.0)))
        .figure(Figure::new("memory then", "MB", resident)))
}

/// The peak and the current memory of the product.
pub(crate) fn memory(bench: &Environment) -> Outcome<RowResult> {
    let (current, peak) = process_usage::memory(bench.product.process())?;
    Ok(RowResult::new("memory", "of the process during all of it")
        .figure(Figure::new("peak", "MB", peak))
        .figure(Figure::new("at the end", "MB", current)))
}

/// Measures the idle product. The statements include BEGIN and COMMIT.
pub(crate) async fn idle(bench: &Environment, length: Duration) -> Outcome<RowResult> {
    // Lets the product finish the work of the previous rows.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let calls = "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
                    WHERE query !~ 'pg_stat_statements'";
    bench.cluster.reset_statements().await?;
    let before = bench.processes().snapshot()?;
    tokio::time::sleep(length).await;
    let cost = bench.processes().since(&before)?;
    let share = |used: Duration| 100.0 * used.as_secs_f64() / cost.wall.as_secs_f64();
    let line = RowResult::new("idle", format!("{} s", length.as_secs()))
        .figure(Figure::new("serve", "% of a core", share(cost.cpu.serve)))
        .figure(Figure::new("PostgreSQL", "% of a core", share(cost.cpu.postgres)));
    if !bench.cluster.counts_statements().await? {
        return Ok(line);
    }
    let statements = usize::try_from(bench.cluster.count(calls, &[]).await?)?;
    Ok(line.figure(Figure::rate("statements", per_second(statements, cost.wall))))
}
