//! What happens by the clock: heartbeats, taking over from dead workers, routines.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Worker;
use super::error::PerformError;
use crate::connections;
use crate::db::Unavailable;
use crate::queue::lease;
use crate::queue::routines::{self, Routine};
use crate::types::deadline::Deadline;

/// Between two heartbeats; four missed ones make a worker dead, see [`lease::DEAD_AFTER`].
const HEARTBEAT: Duration = Duration::from_secs(5);

impl Worker {
    /// What happens at each tick: says that this worker is alive, gives the jobs of dead ones back
    /// to the queue, and runs the routines that are due, to their end; for tests and for draining a
    /// queue.
    pub async fn heartbeat(&self) -> Result<(), Unavailable> {
        self.keep_lease().await?;
        self.run_due_routines().await;
        Ok(())
    }

    /// A heartbeat of a worker that runs by itself; it may send until others could take it for
    /// dead.
    pub(super) async fn prolong_lease(&self) -> Result<(), Unavailable> {
        let since = Deadline::now();
        if self.keep_lease().await? {
            self.lease.prolong(since);
        }
        Ok(())
    }

    /// Returns whether it was noted.
    async fn keep_lease(&self) -> Result<bool, Unavailable> {
        let mut conn = self.db.get().await?;
        let now = self.clock.now();
        let beaten: Result<i64, PerformError> = async {
            let reference = lease::heartbeat(&mut conn, self.id, now).await?;
            self.clock.follow(reference);
            let freed = self
                .leases
                .compare(async |held| lease::take_over(&mut conn, self.id, held, now).await)
                .await?;
            self.windows.learn(
                lease::count_workers(&mut conn).await?,
                connections::concurrency_bounds(&mut conn).await?,
            );
            Ok(freed)
        }
        .await;
        match &beaten {
            Ok(0) => {}
            Ok(jobs) => tracing::info!(jobs, "took over jobs that no living worker had"),
            Err(error) => tracing::warn!(%error, "heartbeat failed"),
        }
        Ok(beaten.is_ok())
    }

    /// Ticks for as long as it is polled: a worker that stops is alive until its last job has
    /// ended. Routines begin until `stop` and are broken off by it; another worker goes on where
    /// they were.
    pub(super) async fn keep_schedule(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(HEARTBEAT);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await;
        // Before this worker, there may have been nobody to take what Twilio had to tell.
        if let Ok(mut conn) = self.db.get().await {
            let _ = routines::hasten(&mut conn, Routine::CollectInbound, self.clock.now()).await;
        }
        // The first sign of life was given before anything began.
        let mut alive = true;
        loop {
            if alive && !stop.is_cancelled() {
                let (worker, stop) = (self.clone(), stop.clone());
                tokio::spawn(
                    async move { stop.run_until_cancelled(worker.run_due_routines()).await },
                );
            }
            ticks.tick().await;
            // An absent database has been reported by the poll already.
            alive = self.prolong_lease().await.is_ok();
        }
    }
}
