//! Polling: leases due jobs when permits are free. A `NOTIFY` of PostgreSQL wakes it when a commit
//! brings new jobs.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::Worker;
use crate::db::Conn;
use crate::error::Error;
use crate::queue::CHANNEL;
use crate::queue::apalis_channel::LeasedBatch;
use crate::queue::lease::{self, Leased};

/// The interval of the fallback poll, which finds jobs whose wake-up was lost.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The shortest pause: a job that is due and not leased is being leased by another worker.
const MIN_PAUSE: Duration = Duration::from_millis(5);

/// How long a busy worker waits for more permits before it leases jobs for them.
const PERMIT_TIMEOUT: Duration = Duration::from_millis(50);

/// The result of polling the queue.
enum Polled {
    Jobs(Vec<Leased>),
    /// No job is due; the next one is due at this time, if there is one.
    NoneDueUntil(Option<DateTime<Utc>>),
}

/// Acquires `enough` permits if they become free soon, otherwise at least one; none once the
/// semaphore is closed.
async fn acquire_permits(
    semaphore: &Arc<Semaphore>,
    enough: usize,
) -> Option<OwnedSemaphorePermit> {
    let enough = u32::try_from(enough).unwrap_or(1);
    if enough > 1
        && let Ok(permits) =
            tokio::time::timeout(PERMIT_TIMEOUT, Arc::clone(semaphore).acquire_many_owned(enough))
                .await
    {
        return permits.ok();
    }
    Arc::clone(semaphore).acquire_owned().await.ok()
}

impl Worker {
    /// Leases jobs whenever permits are free, until `stop`.
    pub(super) async fn poll(
        self,
        batches: mpsc::Sender<LeasedBatch>,
        wake: Arc<Notify>,
        stop: CancellationToken,
    ) {
        let job_permits = &self.job_permits;
        let (mut is_down, mut has_backlog) = (false, false);
        while !stop.is_cancelled() {
            // While more jobs are due than permits are free, jobs are leased in larger batches:
            // each lease and each batch has a fixed cost.
            let enough = if has_backlog {
                (self.concurrency.get() / 4).clamp(1, Self::batch_size())
            } else {
                1
            };
            let Some(mut permits) = acquire_permits(job_permits, enough).await else { return };
            let more = job_permits
                .available_permits()
                .min(Self::batch_size().saturating_sub(permits.num_permits()));
            if let Ok(rest) =
                Arc::clone(job_permits).try_acquire_many_owned(u32::try_from(more).unwrap_or(0))
            {
                permits.merge(rest);
            }
            let max = permits.num_permits();
            let pause = match self.lease_or_next_due(max).await {
                Ok(Polled::Jobs(jobs)) => {
                    is_down = false;
                    has_backlog = jobs.len() == max;
                    let used = permits.split(jobs.len()).unwrap_or(permits);
                    if batches.send(LeasedBatch { jobs, permits: used }).await.is_err() {
                        return;
                    }
                    continue;
                }
                Ok(Polled::NoneDueUntil(next)) => {
                    (is_down, has_backlog) = (false, false);
                    self.pause_until(next)
                }
                Err(error) => {
                    if !is_down {
                        tracing::warn!(error, "cannot fetch jobs; trying again every second");
                    }
                    is_down = true;
                    POLL_INTERVAL
                }
            };
            // During the pause, other parts of the process may hand over jobs.
            drop(permits);
            tokio::select! {
                () = wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Leases due jobs; if there are none, finds out when the next one is due.
    async fn lease_or_next_due(&self, max: usize) -> Result<Polled, String> {
        let mut conn = self.db.get().await.map_err(|error| error.to_string())?;
        let jobs = self.lease(&mut conn, max).await.map_err(|error| error.to_string())?;
        if !jobs.is_empty() {
            return Ok(Polled::Jobs(jobs));
        }
        lease::next_due(&mut conn)
            .await
            .map(Polled::NoneDueUntil)
            .map_err(|error| error.to_string())
    }

    /// Leases up to `max` due jobs.
    pub(super) async fn lease(&self, conn: &mut Conn, max: usize) -> Result<Vec<Leased>, Error> {
        let lease_guard = self.held_jobs.begin_leasing().await;
        let jobs =
            lease::take(conn, self.id, self.clock.now(), i64::try_from(max).unwrap_or(i64::MAX))
                .await?;
        lease_guard.hold(&jobs);
        Ok(jobs)
    }

    fn pause_until(&self, next: Option<DateTime<Utc>>) -> Duration {
        let left = next.map(|next| (next - self.clock.now()).to_std().unwrap_or(Duration::ZERO));
        left.map_or(POLL_INTERVAL, |left| left.clamp(MIN_PAUSE, POLL_INTERVAL))
    }

    /// Turns PostgreSQL's notifications into wake-ups; reconnects when the connection is lost.
    pub(super) async fn listen(self, wake: Arc<Notify>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Ok(mut conn) = self.db.target().connect().await
                && diesel_async::RunQueryDsl::execute(
                    diesel::sql_query(format!("LISTEN {CHANNEL}")),
                    &mut conn,
                )
                .await
                .is_ok()
            {
                // Jobs may have been enqueued before the connection listened.
                wake.notify_one();
                let mut notifications = std::pin::pin!(conn.notifications_stream());
                while let Some(Ok(_)) = notifications.next().await {
                    wake.notify_one();
                }
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}
