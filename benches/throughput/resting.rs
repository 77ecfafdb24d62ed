//! Rows 6 and 7: how soon the product is ready, what memory it takes, and what it costs when
//! nothing happens.

use std::time::Duration;

use crate::bench::{Bench, Figure, Line};
use crate::load::{per_second, percentile};
use crate::product::Setup;
use crate::{Outcome, measure};

const STARTS: usize = 5;

/// Starts the product on a migrated database a few times, and stops it again.
pub(crate) async fn start(setup: &Setup) -> Outcome<Line> {
    let mut took = Vec::new();
    let mut resident = 0.0;
    for _ in 0..STARTS {
        let (product, ready) = setup.serve().await?;
        took.push(ready);
        resident = measure::memory(product.process())?.0;
        product.stop().await?;
    }
    took.sort_unstable();
    Ok(Line::new("start", format!("to ready with a migrated database, {STARTS} times"))
        .figure(Figure::new("p50", "ms", percentile(&took, 0.5)))
        .figure(Figure::new("slowest", "ms", percentile(&took, 1.0)))
        .figure(Figure::new("memory then", "MB", resident)))
}

/// The most memory that the product has taken so far, and what it has now.
pub(crate) fn memory(bench: &Bench) -> Outcome<Line> {
    let (now, most) = measure::memory(bench.product.process())?;
    Ok(Line::new("memory", "of the process during all of it")
        .figure(Figure::new("peak", "MB", most))
        .figure(Figure::new("at the end", "MB", now)))
}

/// Watches while nothing happens. Statements are those that PostgreSQL counted, BEGIN and COMMIT
/// included.
pub(crate) async fn idle(bench: &Bench, length: Duration) -> Outcome<Line> {
    // What the rows before left behind is done by then.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let calls = "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
                    WHERE query !~ 'pg_stat_statements'";
    bench.cluster.forget_statements().await?;
    let mark = bench.processes().mark()?;
    tokio::time::sleep(length).await;
    let cost = bench.processes().since(&mark)?;
    let share = |used: Duration| 100.0 * used.as_secs_f64() / cost.wall.as_secs_f64();
    let line = Line::new("idle", format!("{} s", length.as_secs()))
        .figure(Figure::new("serve", "% of a core", share(cost.cpu.serve)))
        .figure(Figure::new("PostgreSQL", "% of a core", share(cost.cpu.postgres)));
    if !bench.cluster.counts_statements().await? {
        return Ok(line);
    }
    let statements = usize::try_from(bench.cluster.count(calls, &[]).await?)?;
    Ok(line.figure(Figure::rate("statements", per_second(statements, cost.wall))))
}
