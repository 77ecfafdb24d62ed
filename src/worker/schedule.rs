//! What happens by the clock: heartbeats, taking over from dead workers, tidying up.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    queue::lease,
    worker::{Worker, perform::PerformError},
};

/// Between two heartbeats; six missed ones make a worker dead.
const HEARTBEAT: Duration = Duration::from_secs(5);

impl Worker {
    /// Says that this worker is alive, and gives the jobs of dead ones back to the queue.
    pub async fn beat(&self) -> Result<(), crate::db::Unavailable> {
        let mut conn = self.db.get().await?;
        let now = self.clock.now();
        let beaten: Result<i64, PerformError> = async {
            lease::heartbeat(&mut conn, self.id, now).await?;
            Ok(self.leases.compare(async |held| lease::take_over(&mut conn, self.id, held, now).await).await?)
        }
        .await;
        match beaten {
            Ok(0) => {}
            Ok(jobs) => tracing::info!(jobs, "took over jobs that no living worker had"),
            Err(error) => tracing::warn!(%error, "heartbeat failed"),
        }
        Ok(())
    }

    pub(super) async fn keep_schedule(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(HEARTBEAT);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return,
            }
            // An absent database has been reported by the poll already.
            let _ = self.beat().await;
        }
    }
}
