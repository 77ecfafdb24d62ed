//! Heartbeats: every five seconds, a worker says that it is alive, returns the jobs of dead workers
//! to the queue, and starts the routines that are due.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Worker;
use super::error::PerformError;
use crate::connections;
use crate::db::Unavailable;
use crate::queue::routines::{self, Routine};
use crate::queue::worker_registry;
use crate::types::deadline::Deadline;

/// The interval of heartbeats; a worker is dead after four missed ones, see
/// [`worker_registry::DEAD_AFTER`].
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);

impl Worker {
    /// Runs one tick: sends a heartbeat, returns the jobs of dead workers to the queue, and runs
    /// the routines that are due, to their end. For tests, and for draining a queue.
    pub async fn heartbeat(&self) -> Result<(), Unavailable> {
        self.send_heartbeat().await?;
        self.run_due_routines().await;
        Ok(())
    }

    /// Sends a heartbeat and extends the lease: the worker may send until others could consider it
    /// dead.
    pub(super) async fn extend_lease(&self) -> Result<(), Unavailable> {
        let since = Deadline::now();
        if self.send_heartbeat().await? {
            self.lease.extend(since);
        }
        Ok(())
    }

    /// Sends a heartbeat; returns whether it was recorded.
    async fn send_heartbeat(&self) -> Result<bool, Unavailable> {
        let mut conn = self.db.get().await?;
        let now = self.clock.now();
        let recorded: Result<i64, PerformError> = async {
            let reference = worker_registry::heartbeat(&mut conn, self.id, now).await?;
            self.clock.follow(reference);
            let freed = self
                .held_jobs
                .compare(async |held| {
                    worker_registry::take_over(&mut conn, self.id, held, now).await
                })
                .await?;
            self.concurrency_limits.set_bounds(
                worker_registry::count(&mut conn).await?,
                connections::concurrency_bounds(&mut conn).await?,
            );
            Ok(freed)
        }
        .await;
        match &recorded {
            Ok(0) => {}
            Ok(jobs) => tracing::info!(jobs, "took over jobs of dead workers"),
            Err(error) => tracing::warn!(%error, "heartbeat failed"),
        }
        Ok(recorded.is_ok())
    }

    /// Sends heartbeats for as long as it is polled, because a worker that stops stays alive until
    /// its last job has ended. It starts routines until `stop`, which aborts them; another worker
    /// continues where they were.
    pub(super) async fn run_heartbeats(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(HEARTBEAT_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await;
        // Before this worker started, webhooks may have been missed.
        if let Ok(mut conn) = self.db.get().await {
            let _ = routines::make_due(&mut conn, Routine::CollectInbound, self.clock.now()).await;
        }
        // The first heartbeat was sent before anything started.
        let mut alive = true;
        loop {
            if alive && !stop.is_cancelled() {
                let (worker, stop) = (self.clone(), stop.clone());
                tokio::spawn(
                    async move { stop.run_until_cancelled(worker.run_due_routines()).await },
                );
            }
            ticks.tick().await;
            // The poll has already reported an unavailable database.
            alive = self.extend_lease().await.is_ok();
        }
    }
}
